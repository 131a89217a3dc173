"""How a connection of an Ameba is secured: by which certificates, and the handshake over a plain socket."""

from __future__ import annotations

from typing import Final

from vmodem.core import calls
from vmodem.core.errors import CommandError
from vmodem.credentials.store import Area
from vmodem.dialects.ameba.device import Ameba, Link
from vmodem.dialects.ameba.syntax import number
from vmodem.net.interface import NetSocket, SocketType
from vmodem.tls.security import Bundle, CredentialError, MismatchError, PeerVerify, SecureSocket, Security

PARSE_FAILED: Final = 9
OWN_CERT_FAILED: Final = 10

PARTS: Final[dict[Area, dict[int, tuple[str, ...]]]] = {
    Area.CLIENT: {2: (), 3: ("ca",), 4: ("certificate", "key"), 5: ("ca", "certificate", "key")},
    Area.SERVER: {2: ("certificate", "key"), 3: ("certificate", "key", "ca")},
}
"""What each secure <conn_type> needs of its certificate suite; whoever has a CA checks the peer by it."""

CERT_INDEX: Final = number(1, 10)


async def wanted(device: Ameba, role: Area, conn_type: int, cert_index: str) -> Security | None:
    """Return how connections of ``conn_type`` are to be secured, None for not at all.

    The device neither tells a server the name that it expects, nor compares names.

    Raises:
        CommandError: there is no such certificate suite, or it lacks a part.
    """
    parts = PARTS[role].get(conn_type)
    if parts is None:
        return None
    found = Bundle()
    if parts:
        index = CERT_INDEX.convert(device, cert_index)
        suite = await calls.in_store(device.modem, lambda store: store.certificates(role, index))
        found = Bundle(**{part: getattr(suite, part) for part in parts})
        if missing := [part for part in parts if not getattr(found, part)]:
            reason = f"the {role.value}'s certificate suite {index} has no {', no '.join(missing)}"
            raise CommandError(reason, code=device.policy.missing_certificate)
    verify = PeerVerify.REQUIRED if "ca" in parts else PeerVerify.NONE
    return Security(bundle=found, server=role is Area.SERVER, peer_verify=verify)


async def check(device: Ameba, security: Security) -> None:
    """Refuse certificates that cannot be used.

    Raises:
        CommandError: they cannot be read, or the key is not that of the certificate.
    """
    try:
        await calls.check(device.modem, security, SocketType.STREAM)
    except MismatchError as error:
        raise CommandError(str(error), code=OWN_CERT_FAILED) from error
    except CredentialError as error:
        raise CommandError(str(error), code=PARSE_FAILED) from error


async def handshake(device: Ameba, link: Link, plain: NetSocket, security: Security, timeout: float) -> SecureSocket:
    """Secure the connection of ``link`` over ``plain``, within ``timeout`` seconds; return its new socket.

    Raises:
        OSError: it failed; whoever deletes the link closes the socket.
    """
    link.net = net = await calls.secure(device.modem, plain, security)
    await calls.handshake(device.modem, net, timeout)
    return net
