"""Socket binding #XBIND, connection #XCONNECT, set listen mode #XLISTEN, accept connection #XACCEPT."""

from __future__ import annotations

from typing import Final

from vmodem.core import calls
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.dialects.nrf import inactivity
from vmodem.dialects.nrf.device import Host
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.dialects.nrf.slm.options import SO_TCP_SRV_SESSTIMEO, TLS_NUMBERS
from vmodem.dialects.nrf.socket import CLIENT, SERVER, Socket
from vmodem.dialects.nrf.tls import connect
from vmodem.dialects.nrf.values import Int, UInt16
from vmodem.net.interface import SocketType

BACKLOG: Final = 1

commands = CommandTable("Socket AT commands")


@commands.set("#XBIND", "Bind a socket to a local port")
def xbind(device: SerialLteModem, port: UInt16) -> None:
    """Bind the active socket to ``port`` at the modem's own address.

    Args:
        device: the device.
        port: the local port; 0 has one chosen.

    Manual:
        Socket binding #XBIND

    Errors:
        no socket is active, or it is raw, or bound already.
        the port is in use, or the modem has no address of the family.
    """
    socket = device.need_active()
    if socket.type is SocketType.RAW:
        raise CommandError("a raw socket cannot be bound")
    socket.net.bind(port)


@commands.set("#XCONNECT", "Connect to a server")
async def xconnect(device: SerialLteModem, url: Host, port: UInt16) -> str:
    """Connect the active socket to ``port`` at ``url``, a host name or an address, within SO_SNDTIMEO.

    Args:
        device: the device.
        url: host name or address.
        port: the peer's port; nothing can be connected at 0.

    Manual:
        Connection #XCONNECT

    Answers:
        #XCONNECT: <status> - the status is 1, connected.

    Errors:
        the socket's role is not client.
        the name cannot be resolved, or the peer refuses, or does not answer in time.
        the handshake of a secure socket fails.
    """
    socket = _need_role(device, CLIENT)
    await connect(device, socket, url, port, TLS_NUMBERS)
    return "#XCONNECT: 1"


@commands.set("#XLISTEN", "Listen for connections")
def xlisten(device: SerialLteModem) -> None:
    """Put a TCP server's socket in listening mode.

    Manual:
        Set listen mode #XLISTEN

    Errors:
        the socket's role is not server.
        the socket is secure.
        the socket is not bound.
    """
    listener = _need_role(device, SERVER)
    if listener.sec_tag is not None:
        raise CommandError("there are no TLS servers")
    listener.net.listen(BACKLOG)


@commands.set("#XACCEPT", "Accept a connection")
async def xaccept(device: SerialLteModem, timeout: Int) -> str:
    """Wait for a connection; ``timeout`` in seconds, 0 or less waits as long as SO_RCVTIMEO allows.

    The server reaches the latest connection only; an earlier one is closed.

    Args:
        device: the device.
        timeout: seconds; 0 or less waits as long as SO_RCVTIMEO allows.

    Manual:
        Accept connection #XACCEPT

    Answers:
        #XACCEPT: <handle>,"<ip_addr>" - the handle of the connection, and the address of the peer.

    Errors:
        the socket's role is not server, or it does not listen.
        nobody connects in time.
        every handle is taken.
    """
    listener = _need_role(device, SERVER)
    old = listener.peer
    # Nobody else may take it meanwhile.
    handle = device.sockets.reserve(device.policy.first_accepted) if old is None else old.handle
    try:
        limit = timeout if timeout > 0 else listener.receive_timeout
        net, address = await calls.accept(device.modem, listener.net, limit)
    finally:
        device.sockets.release(handle)
    if old is not None:
        device.close(old)
    peer = Socket(handle, net, listener.family, listener.type, SERVER)
    peer.listener = listener
    listener.peer = peer
    device.add(peer)
    inactivity.watch(device, peer, listener.options.get(SO_TCP_SRV_SESSTIMEO, 0))
    return f'#XACCEPT: {peer.handle},"{address[0]}"'


@commands.read("#XACCEPT")
def xaccept_read(device: SerialLteModem) -> str:
    """Show the handle of the accepted connection, 0 where there is none, or it has ended.

    Answers:
        #XACCEPT: <handle> - 0 where there is none; with --follow firmware the line begins with #XTCPACCEPT.
        #XTCPACCEPT: <handle> - with --follow firmware.
    """
    peer = None if device.active is None else device.active.peer
    if peer is not None and peer.ended and not device.policy.accept_reads_ended:
        peer = None
    return f"{device.policy.accept_reads_as}: {0 if peer is None else peer.handle}"


def _need_role(device: SerialLteModem, role: int) -> Socket:
    socket = device.need_active()
    if socket.role != role:
        raise CommandError(f"the socket's role is {socket.role}, not {role}")
    return socket
