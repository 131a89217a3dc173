"""Socket binding #XBIND, connection #XCONNECT, set listen mode #XLISTEN, accept connection #XACCEPT."""

from __future__ import annotations

from typing import Final

from vmodem.core import calls
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.tasks import Delay
from vmodem.dialects.nrf.device import Int, Socket, UInt16
from vmodem.dialects.nrf.sm.device import Handle, Host, SerialModem
from vmodem.dialects.nrf.sm.options import AT_SO_TCP_SRV_SESSTIMEO
from vmodem.dialects.nrf.sm.sockets import CLIENT, SERVER
from vmodem.net.interface import SocketType

BACKLOG: Final = 1

commands = CommandTable("Socket AT commands")


@commands.set("#XBIND", "Bind a socket to a local port")
def xbind(device: SerialModem, handle: Handle, port: UInt16) -> None:
    """Bind a socket to ``port`` at the modem's own address."""
    if handle.type is SocketType.RAW:
        raise CommandError("a raw socket cannot be bound")
    handle.net.bind(port)


@commands.set("#XCONNECT", "Connect to a server")
async def xconnect(device: SerialModem, handle: Handle, url: Host, port: UInt16) -> str:
    """Connect to ``port`` at ``url``, a host name or an address, within the send timeout."""
    _need_role(handle, CLIENT)
    if handle.sec_tag is not None:
        raise CommandError("TLS and DTLS cannot connect yet")
    need_port(port)
    address = await calls.resolve(url, handle.family)
    await calls.connect(device.modem, handle.net, (address, port), handle.send_timeout)
    device.poller.check(handle)
    return f"#XCONNECT: {handle.handle},1"


@commands.set("#XLISTEN", "Listen for connections")
def xlisten(device: SerialModem, handle: Handle) -> None:
    """Put a TCP server's socket in listening mode."""
    _need_role(handle, SERVER)
    handle.net.listen(BACKLOG)


@commands.set("#XACCEPT", "Accept a connection")
async def xaccept(device: SerialModem, handle: Handle, timeout: Int) -> str:
    """Wait for a connection; ``timeout`` in seconds, 0 or less waits as long as the receive timeout allows."""
    if device.poller.running:
        raise CommandError("not while #XAPOLL is running")
    _need_role(handle, SERVER)
    accepted = device.sockets.free_handle()
    net, address = await calls.accept(device.modem, handle.net, timeout if timeout > 0 else handle.receive_timeout)
    peer = Socket(accepted, net, handle.family, handle.type, SERVER, handle.cid)
    peer.send_timeout = handle.send_timeout
    peer.listener = handle
    handle.peer = peer
    device.add(peer)
    _watch_session(device, peer, handle.options.get(AT_SO_TCP_SRV_SESSTIMEO, 0))
    return f'#XACCEPT: {accepted},"{address[0]}"'


def _watch_session(device: SerialModem, peer: Socket, minutes: int) -> None:
    """End the session when no data moved for ``minutes``; 0 means never."""
    peer.active_at = device.modem.now
    if minutes:
        peer.watchdog = device.modem.spawn(_end_inactive(device, peer, minutes * 60))


async def _end_inactive(device: SerialModem, peer: Socket, limit: int) -> None:
    while (deadline := peer.active_at + limit) > device.modem.now:
        await Delay(deadline)
    device.end_session(peer)


def _need_role(socket: Socket, role: int) -> None:
    if socket.role != role:
        raise CommandError(f"the socket's role is {socket.role}, not {role}")


def need_port(port: int) -> None:
    """Refuse port 0, as the modem's resolver does."""
    if not port:
        raise CommandError("port 0 cannot be connected or sent to")
