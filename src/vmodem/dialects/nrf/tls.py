"""How a connection of an nRF91 is secured: TLS or DTLS over a socket that has just been connected."""

from __future__ import annotations

import errno
from typing import Final, NamedTuple

from vmodem.core import calls
from vmodem.dialects.nrf.device import Nrf91, need_port
from vmodem.dialects.nrf.socket import Socket
from vmodem.net.interface import SocketType, family_of
from vmodem.tls.security import Bundle, DtlsCid, PeerVerify, SecureSocket, Security

HANDSHAKE_TIMEO: Final = 123
"""The default of TLS_DTLS_HANDSHAKE_TIMEO in seconds, and the limit of a TLS handshake that has no other."""


class Numbers(NamedTuple):
    """The numbers of the secure socket options that a handshake depends on; None for what a dialect has not."""

    peer_verify: int
    session_cache: int
    handshake_timeo: int
    dtls_cid: int | None = None


async def connect(device: Nrf91, socket: Socket, url: str, port: int, numbers: Numbers) -> None:
    """Connect ``socket`` to ``port`` at ``url`` within its send timeout, and secure the connection of a secure one.

    Raises:
        CommandError: there is no such port.
        OSError: it failed.
        ResolveError: the host's name could not be resolved.
    """
    need_port(port)
    address = await calls.resolve(url, socket.family)
    # Before it connects: else it would be seen while it is connected and not secured yet.
    security = None if socket.sec_tag is None else await _prepared(device, socket, numbers)
    try:
        await calls.connect(device.modem, socket.net, (address, port), socket.send_timeout)
    except TimeoutError:
        device.reopen(socket)  # the attempt must not come off when nobody waits for it any more
        raise
    if security is not None:
        await _secure(device, socket, security, numbers)


async def _prepared(device: Nrf91, socket: Socket, numbers: Numbers) -> Security | OSError:
    """Return how ``socket`` is to be secured, or why it cannot be: the modem tells of that when it is connected."""
    try:
        security = await _security(device, socket, numbers)
        await calls.prepare(device.modem, security, socket.type)
    except OSError as error:
        return error
    return security


async def _secure(device: Nrf91, socket: Socket, security: Security | OSError, numbers: Numbers) -> None:
    """Secure the connection of ``socket``, which has just been connected.

    Where that fails the socket is as if it had not been connected.

    Raises:
        OSError: it failed.
    """
    timeout = socket.options.get(numbers.handshake_timeo, 0) if socket.type is SocketType.DGRAM else socket.send_timeout
    try:
        if isinstance(security, OSError):
            device.modem.tls.refused(socket.net, security)
            raise security
        await handshake(device, socket, security, timeout or HANDSHAKE_TIMEO)
    except Exception:
        device.reopen(socket)
        raise


async def _security(device: Nrf91, socket: Socket, numbers: Numbers) -> Security:
    """Return what the options of ``socket`` say.

    Raises:
        ConnectionRefusedError: there are no credentials with its security tag.
    """
    assert socket.sec_tag is not None
    return Security(
        bundle=await bundle(device, socket.sec_tag),
        peer_verify=PeerVerify(socket.options[numbers.peer_verify]),
        hostname=socket.hostname,
        server_name=server_name(socket.hostname),
        session_cache=bool(socket.options.get(numbers.session_cache, 0)),
        dtls_cid=DtlsCid.DISABLED if numbers.dtls_cid is None else DtlsCid(socket.options.get(numbers.dtls_cid, 0)),
    )


async def handshake(device: Nrf91, socket: Socket, security: Security, timeout: float) -> SecureSocket:
    """Secure the connection of ``socket`` as ``security`` says, within ``timeout`` seconds, and return it.

    Raises:
        OSError: it failed.
    """
    socket.net = net = await calls.secure(device.modem, socket.net, security)
    await calls.handshake(device.modem, net, timeout)
    if security.peer_verify is PeerVerify.OPTIONAL and not net.verified:
        device.modem.inform("connected, although the peer is not verified: %s", net.verify_error)
    return net


async def bundle(device: Nrf91, sec_tag: int) -> Bundle:
    """Return the bundle of ``sec_tag``.

    Raises:
        ConnectionRefusedError: there are none; the modem finds that out when it connects.
    """
    areas = device.version.credential_areas
    found = await calls.in_store(device.modem, lambda store: store.bundle(sec_tag, areas))
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
