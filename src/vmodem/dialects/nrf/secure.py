"""How a connection of an nRF91 is secured: TLS or DTLS over a socket that has just been connected."""

from __future__ import annotations

import errno
import logging
from typing import Final, NamedTuple

from vmodem.core import calls
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.socket import Socket
from vmodem.net.interface import (
    Credentials,
    DtlsCid,
    PeerVerify,
    SecureSocket,
    Security,
    SocketType,
    family_of,
)

log = logging.getLogger("vmodem")

HANDSHAKE_TIMEO: Final = 123
"""The default of TLS_DTLS_HANDSHAKE_TIMEO in seconds, and the limit of a TLS handshake that has no other."""

DOWNLINK: Final = 1
"""The bit of the connection identifier's status that tells that the peer uses the one it was offered."""


class Numbers(NamedTuple):
    """The numbers of the secure socket options that a handshake depends on; None for what a dialect has not."""

    peer_verify: int
    session_cache: int
    handshake_timeo: int
    dtls_cid: int | None = None


async def secure(device: Nrf91, socket: Socket, numbers: Numbers) -> None:
    """Secure the connection of ``socket``, which has just been connected, as its options say.

    Where that fails the socket is as if it had not been connected.

    Raises:
        OSError: it failed.
    """
    assert socket.sec_tag is not None
    cid = DtlsCid.DISABLED if numbers.dtls_cid is None else DtlsCid(socket.options.get(numbers.dtls_cid, 0))
    security = Security(
        credentials=credentials(device, socket.sec_tag),
        peer_verify=PeerVerify(socket.options[numbers.peer_verify]),
        hostname=socket.hostname,
        server_name=server_name(socket.hostname),
        session_cache=bool(socket.options.get(numbers.session_cache, 0)),
        dtls_cid=cid,
    )
    timeout = socket.options.get(numbers.handshake_timeo, 0) if socket.type is SocketType.DGRAM else socket.send_timeout
    try:
        await handshake(device, socket, security, timeout or HANDSHAKE_TIMEO)
    except BaseException:
        socket.net.close()
        socket.net = device.modem.network.open(socket.family, socket.type)
        raise


async def handshake(device: Nrf91, socket: Socket, security: Security, timeout: float) -> None:
    """Secure the connection of ``socket`` as ``security`` says, within ``timeout`` seconds.

    Raises:
        OSError: it failed; ENOTSUP where a connection identifier is required and the peer has none.
    """
    socket.net = net = device.modem.network.secure(socket.net, security)
    await calls.handshake(device.modem, net, timeout)
    if security.peer_verify is PeerVerify.OPTIONAL and not net.verified:
        log.info("connected, although the peer is not verified: %s", net.verify_error)
    if security.dtls_cid is DtlsCid.ENABLED and not net.cid_status() & DOWNLINK:
        raise OSError(errno.ENOTSUP, "the peer does not use the connection identifier")


def credentials(device: Nrf91, sec_tag: int) -> Credentials:
    """Return the credentials of ``sec_tag``.

    Raises:
        ConnectionRefusedError: there are none; the modem finds that out when it connects.
    """
    found = device.modem.credentials.credentials(sec_tag, device.credential_areas)
    if found is None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"there are no credentials with the security tag {sec_tag}")
    return found


def server_name(hostname: str | None) -> str | None:
    """Return the name to ask the server for: an address is none."""
    return None if hostname is None or family_of(hostname) is not None else hostname


def secured(socket: Socket) -> SecureSocket:
    """Return the secure connection of ``socket``.

    Raises:
        OSError: there is none yet.
    """
    if not isinstance(socket.net, SecureSocket):
        raise OSError(errno.ENOTCONN, "the handshake has not been done")
    return socket.net


def need_secured(socket: Socket) -> None:
    """Refuse to send in the clear, or to take for secret what came in the clear.

    Raises:
        OSError: ``socket`` is a secure one, and not connected.
    """
    if socket.sec_tag is not None:
        secured(socket)
