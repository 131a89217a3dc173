"""Socket binding #XBIND, connection #XCONNECT, set listen mode #XLISTEN, accept connection #XACCEPT."""

from __future__ import annotations

from typing import Final

from vmodem.core import calls
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.dialects.nrf import inactivity
from vmodem.dialects.nrf.device import Host
from vmodem.dialects.nrf.sm.device import Handle, SerialModem
from vmodem.dialects.nrf.sm.options import AT_SO_TCP_SRV_SESSTIMEO, TLS_NUMBERS
from vmodem.dialects.nrf.socket import CLIENT, SERVER, Socket
from vmodem.dialects.nrf.tls import connect
from vmodem.dialects.nrf.values import Int, UInt16
from vmodem.net.interface import SocketType

BACKLOG: Final = 1

commands = CommandTable("Socket AT commands")


@commands.set("#XBIND", "Bind a socket to a local port")
def xbind(device: SerialModem, handle: Handle, port: UInt16) -> None:
    """Bind a socket to ``port`` at the modem's own address.

    Args:
        device: the device.
        handle: an open socket.
        port: the local port; 0 has one chosen.

    Manual:
        Socket binding #XBIND

    Errors:
        the socket is raw, or bound already.
        the port is in use, or the modem has no address of the family.
    """
    if handle.type is SocketType.RAW:
        raise CommandError("a raw socket cannot be bound")
    handle.net.bind(port)


@commands.set("#XCONNECT", "Connect to a server")
async def xconnect(device: SerialModem, handle: Handle, url: Host, port: UInt16) -> str:
    """Connect to ``port`` at ``url``, a host name or an address, within the send timeout.

    Args:
        device: the device.
        handle: a client's socket.
        url: host name or address.
        port: the peer's port; nothing can be connected at 0.

    Manual:
        Connection #XCONNECT

    Answers:
        #XCONNECT: <handle>,<status> - the status is 1, connected.

    Errors:
        the socket's role is not client.
        the name cannot be resolved, or the peer refuses, or does not answer in time.
        the handshake of a secure socket fails.

    URCs:
        #XAPOLL: <handle>,<revents> - where #XAPOLL polls the socket.
    """
    _need_role(handle, CLIENT)
    await connect(device, handle, url, port, TLS_NUMBERS)
    device.poller.check(handle)
    return f"#XCONNECT: {handle.handle},1"


@commands.set("#XLISTEN", "Listen for connections")
def xlisten(device: SerialModem, handle: Handle) -> None:
    """Put a TCP server's socket in listening mode.

    Args:
        device: the device.
        handle: a server's socket.

    Manual:
        Set listen mode #XLISTEN

    Errors:
        the socket's role is not server.
        the socket is secure.
        the socket is not bound.
    """
    _need_role(handle, SERVER)
    if handle.sec_tag is not None:
        raise CommandError("there are no TLS servers")
    handle.net.listen(BACKLOG)


@commands.set("#XACCEPT", "Accept a connection")
async def xaccept(device: SerialModem, handle: Handle, timeout: Int) -> str:
    """Wait for a connection; ``timeout`` in seconds, 0 or less waits as long as the receive timeout allows.

    Args:
        device: the device.
        handle: a listening socket.
        timeout: seconds; 0 or less waits as long as the receive timeout allows.

    Manual:
        Accept connection #XACCEPT

    Answers:
        #XACCEPT: <handle>,"<ip_addr>" - the handle of the connection, and the address of the peer.

    Errors:
        #XAPOLL is running.
        the socket's role is not server, or it does not listen.
        nobody connects in time.
        every handle is taken.

    URCs:
        #XAPOLL: <handle>,<revents> - where the connection ends later and #XAPOLL polls it.
    """
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
    inactivity.watch(device, peer, handle.options.get(AT_SO_TCP_SRV_SESSTIMEO, 0))
    return f'#XACCEPT: {accepted},"{address[0]}"'


def _need_role(socket: Socket, role: int) -> None:
    if socket.role != role:
        raise CommandError(f"the socket's role is {socket.role}, not {role}")
