"""The values that the manuals of more than one nRF91 list, each with its words."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.parameters import integer, one_of, unless
from vmodem.dialects.nrf.socket import CLIENT, SERVER
from vmodem.tls.security import DtlsCid, PeerVerify

UINT16: Final = integer(0, 65535)
"""What the firmware reads wherever a manual lists a few numbers."""

Int: TypeAlias = Annotated[int, integer()]
UInt16: TypeAlias = Annotated[int, UINT16]
Flag: TypeAlias = Annotated[int, one_of({0: "off", 1: "on"})]
Cid: TypeAlias = Annotated[int, integer(0, 10)]
"""The number of a PDN connection, and of its PDP context."""

_ROLE: Final = one_of({CLIENT: "client", SERVER: "server"})
Role: TypeAlias = Annotated[int, _ROLE]
PlainRole: TypeAlias = Annotated[int, unless("role_unchecked", _ROLE, UINT16)]
"""The role of a socket that is not secure."""

Type: TypeAlias = Annotated[int, one_of({1: "stream (TCP)", 2: "datagram (UDP)", 3: "raw"})]
SecureType: TypeAlias = Annotated[int, one_of({1: "stream (TLS)", 2: "datagram (DTLS)"})]

PEER_VERIFY: Final = one_of({PeerVerify.NONE: "none", PeerVerify.OPTIONAL: "optional", PeerVerify.REQUIRED: "required"})
DTLS_CID: Final = one_of({DtlsCid.DISABLED: "disabled", DtlsCid.SUPPORTED: "supported", DtlsCid.ENABLED: "enabled"})
OpOption: TypeAlias = Annotated[int, one_of({0: "get", 1: "set"})]
