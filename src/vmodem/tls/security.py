"""The words of TLS and DTLS: how a connection is to be secured, what it is like once it is, and what can go wrong.

Everybody may import this module. It must not know about OpenSSL: whoever has no secure socket does not pay for it.
"""

from __future__ import annotations

import errno
from abc import abstractmethod
from dataclasses import dataclass, field
from enum import IntEnum

from vmodem.net.interface import NetSocket


class PeerVerify(IntEnum):
    """Whether the peer has to prove who it is, numbered as in the nRF91 modem library."""

    NONE = 0
    OPTIONAL = 1
    REQUIRED = 2


class DtlsCid(IntEnum):
    """Whether a DTLS connection identifier (RFC 9146) is used, numbered as in the nRF91 modem library."""

    DISABLED = 0
    SUPPORTED = 1
    ENABLED = 2


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What a security tag holds: what an end proves and checks identities with; ``b""`` for what it does not have.

    Attributes:
        ca: trusted root certificates, PEM.
        certificate: its own certificate, PEM.
        key: the private key of that certificate, PEM, not encrypted.
        psk: the pre-shared key, raw.
        psk_identity: the name of the pre-shared key.
    """

    ca: bytes = b""
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    psk: bytes = field(default=b"", repr=False)
    psk_identity: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Security:
    """How a connection is to be secured.

    Attributes:
        bundle: what to prove and to check identities with.
        server: whether this end is the server.
        peer_verify: whether the peer's certificate is checked: not at all; checked, but no obstacle; required.
        hostname: the name or address that the peer's certificate has to be for, None where that is not checked.
        server_name: the name that the client asks for (SNI), None for none.
        session_cache: whether a session is kept, and resumed with the same peer.
        dtls_cid: whether a DTLS client offers a connection identifier.
    """

    bundle: Bundle
    server: bool = False
    peer_verify: PeerVerify = PeerVerify.REQUIRED
    hostname: str | None = None
    server_name: str | None = None
    session_cache: bool = False
    dtls_cid: DtlsCid = DtlsCid.DISABLED


class CredentialError(OSError):
    """A bundle that cannot be used; ``part`` is the field of `Bundle` that is to blame."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(errno.ECONNREFUSED, f"{part}: {reason}")
        self.part = part


class MismatchError(CredentialError):
    """A private key that does not belong to the certificate it comes with."""


class HandshakeError(OSError):
    """A TLS or DTLS handshake that failed; ``reason`` says in plain words why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.reason = reason


class SecureSocket(NetSocket):
    """A TLS or DTLS connection over a connected socket, which it owns: `Tls.secure` makes it.

    Everything else is as with the plain socket, once `handshake` has returned. A DTLS connection that the peer has
    closed ends as a stream does, by ``b""``.
    """

    __slots__ = ()

    @abstractmethod
    def handshake(self) -> None:
        """Return once the handshake is done, raise `BlockingIOError` while it is under way.

        Raises:
            HandshakeError: it failed: ECONNREFUSED for a certificate, a key or an alert, ECONNRESET where the peer
                went away, EPROTO where it speaks something else.
        """

    @abstractmethod
    def retransmit_after(self) -> float | None:
        """Return in how many seconds `retransmit` is due, None for never: a stream, or nothing to repeat."""

    @abstractmethod
    def retransmit(self) -> None:
        """Repeat what the peer has not answered, where that is due; a failure is left to `handshake`."""

    @abstractmethod
    def ciphersuite(self) -> int:
        """Return the cipher suite as IANA numbers it; ENOTCONN before the handshake is done."""

    @property
    @abstractmethod
    def resumed(self) -> bool:
        """Return whether the handshake resumed an earlier session."""

    @property
    @abstractmethod
    def verified(self) -> bool:
        """Return whether the peer has proved who it is, by a certificate or by a pre-shared key."""

    @property
    @abstractmethod
    def verify_error(self) -> str:
        """Return in plain words why the peer is not `verified`, "" where it is."""

    @abstractmethod
    def cid_status(self) -> int:
        """Return who uses a connection identifier: 0 nobody, 1 the peer when it sends, 2 this end, 3 both."""
