"""How data leaves, whichever command or mode it came by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmodem.core import calls
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.socket import Socket
from vmodem.dialects.nrf.tls import need_secured
from vmodem.net.interface import Address, Family, SocketType

AT_MSG_WAITACK: Final = 512


@dataclass(frozen=True, slots=True)
class Target:
    """Where data goes.

    Attributes:
        handle: the socket that the host named; a listening one reaches its accepted peer.
        host: host name or address, and port; None for the peer that the socket is connected to.
        flags: 0, or AT_MSG_WAITACK to wait until the peer has acknowledged.
    """

    handle: Socket
    host: Address | None = None
    flags: int = 0


async def transmit(device: Nrf91, target: Target, data: bytes, sent: int = 0) -> int:
    """Send all of ``data``, of which ``sent`` bytes have gone already, within the socket's send timeout.

    A name is resolved each time. A stream goes to its peer, whatever the target's host.

    Returns:
        How many bytes were sent; fewer than all where a later part of a stream failed, 0 for a cut datagram.

    Raises:
        ResolveError: the host's name could not be resolved.
        OSError: nothing could be sent, or it was not acknowledged in time.
    """
    socket = device.reaches(target.handle)
    need_secured(socket)
    modem, net, timeout = device.modem, socket.net, device.send_timeout(socket)
    address = None
    if target.host is not None:
        family = Family.UNSPEC if socket.family is Family.PACKET else socket.family
        address = (await calls.resolve(target.host[0], family), target.host[1])
    if address is None or socket.type is SocketType.STREAM:
        sent = await calls.send(modem, net, data, timeout, sent)
    elif await calls.sendto(modem, net, data, address, timeout) == len(data):
        sent = len(data)
    if target.flags & AT_MSG_WAITACK and sent == len(data):
        await calls.acknowledged(modem, net, timeout)
    socket.active_at = modem.now
    return sent


def send_now(socket: Socket, data: bytes) -> int:
    """Send what of ``data`` can be sent without waiting; return how many bytes went.

    Raises:
        OSError: nothing could be sent.
    """
    need_secured(socket)
    try:
        return socket.net.send(data)
    except BlockingIOError:
        return 0
