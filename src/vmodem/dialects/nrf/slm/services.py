"""The TCP and the UDP service of version 2.7, and the device that has them.

Each is a client or a server, at most one of the two at a time. A background task passes on what the peer sends: with a
header in command mode, as it is in data mode.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Final

from vmodem.core import calls
from vmodem.core.channel import Channel
from vmodem.core.commands import Information
from vmodem.core.errors import CommandError, in_words
from vmodem.core.tasks import Delay
from vmodem.dialects.nrf.data_mode import ESCAPE, EscapedDataMode, Send
from vmodem.dialects.nrf.device import information
from vmodem.dialects.nrf.errno import from_host, newlib_errno
from vmodem.dialects.nrf.slm.device import POLLOUT_TIMEOUT, SerialLteModem
from vmodem.dialects.nrf.slm.newcomers import Newcomers
from vmodem.dialects.nrf.socket import CLIENT, SERVER, Socket
from vmodem.dialects.nrf.tls import handshake
from vmodem.net.interface import Address, Family, NetSocket, Option, SocketType
from vmodem.tls.security import DtlsCid, SecureSocket, Security

CHUNK: Final = 2048
"""The most bytes that one #XTCPDATA or #XUDPDATA passes on; a longer datagram is cut."""

BACKLOG: Final = 1
CLIENTS: Final = 16
"""How many clients that wait are looked at in one go; then others have their turn."""

RETRY: Final = 1.0
"""Seconds until a server that could not accept tries again."""

DOWNLINK: Final = 1
"""The bit of the connection identifier's status that tells that the peer uses the one it was offered."""

NO_HANDLE: Final = -1

UNREACHABLE: Final = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
"""What the network tells of an earlier datagram that did not arrive."""


class ServiceDataMode(EscapedDataMode):
    """Data mode of a service: where it has nowhere to send to any more, ``+++`` asks the host to leave.

    From then on what peers send has its header, and what there is to report is reported.
    """

    __slots__ = ()

    def lose(self, status: int) -> None:
        """Ask the host to leave, discard what it sends until it does, and tell ``status`` in the end."""
        if not self.lost:
            self._device.channel.write(ESCAPE)
            self._device.channel.let_urcs_flow()
        super().lose(status)


class Service(ABC):
    """What the TCP and the UDP service share.

    Args:
        device: the device.
        kind: ``TCP`` or ``UDP``, as in the names of the commands.

    Attributes:
        family: protocol family of the latest socket, 0 before the first.
        socket: the client's socket, or the server's own; None where the service is not in use.
        sending: whether the foreground sends, and may be waiting for the peer to take it.
    """

    __slots__ = ("_event_fd", "_kind", "device", "family", "sending", "socket")

    type: SocketType

    def __init__(self, device: ServiceModem, kind: str) -> None:
        self.device = device
        self._kind = kind
        self._event_fd: int | None = None
        self.family = 0
        self.socket: Socket | None = None
        self.sending = False

    @property
    def handle(self) -> int:
        """The handle of the client's socket, or of the server's own, -1 for none."""
        return NO_HANDLE if self.socket is None else self.socket.handle

    def need_free(self) -> None:
        """Refuse to be used twice.

        Raises:
            CommandError: the service is in use.
        """
        if self.socket is not None:
            raise CommandError(f"the {self._kind} service is in use")

    def open(self, family: Family, role: int) -> Socket:
        """Open the service's socket.

        Raises:
            CommandError: there is no free handle.
            OSError: the network has no such socket.
        """
        self.family = family
        self.socket = socket = self.device.open(family, self.type, role)
        self.device.add(socket)
        if self.device.policy.event_fd:
            try:
                self._event_fd = self.device.sockets.reserve()
            except CommandError:
                self.close()
                raise
        return socket

    async def connect(self, socket: Socket, url: str, port: int, security: Security | None, timeout: float) -> None:
        """Connect the client's ``socket``, and pass on what comes from its peer.

        Args:
            socket: what `open` returned.
            url: host name or address.
            port: the peer's port.
            security: how the connection is to be secured, None for not at all.
            timeout: seconds that the handshake may take.

        Raises:
            OSError: the connection failed; ENOTSUP where a connection identifier is required and the peer has none.
            ResolveError: the host's name could not be resolved.
        """
        address = await calls.resolve(url, socket.family)
        await calls.connect(self.device.modem, socket.net, (address, port), timeout=0)
        if security is not None:
            net = await handshake(self.device, socket, security, timeout)
            if security.dtls_cid is DtlsCid.ENABLED and not net.cid_status() & DOWNLINK:
                raise OSError(errno.ENOTSUP, "the peer does not use the connection identifier")
        self.serve(socket)

    def close(self) -> None:
        """Close every socket of the service; it is free then."""
        if self._event_fd is not None:
            self.device.sockets.release(self._event_fd)
            self._event_fd = None
        socket, self.socket = self.socket, None
        if socket is not None:
            self.close_socket(socket)

    def close_socket(self, socket: Socket) -> None:
        """Close one socket; whoever waits in the foreground for it to take data is told."""
        if self.sending:
            socket.net.abort(errno.ECONNRESET)
        self.device.close(socket)

    async def send_now(self, sending: Coroutine[Any, Any, int]) -> int:
        """Await ``sending``, a call in the foreground; return how much went."""
        self.sending = True
        try:
            return await sending
        finally:
            self.sending = False

    def serve(self, socket: Socket) -> None:
        """Pass on what comes from ``socket``, until it ends."""
        socket.task = self.device.channel.spawn(self._receive(socket))

    @abstractmethod
    def receive(self, net: NetSocket) -> bytes | None:
        """Return what came, None at the end of the connection; ``b""`` is ignored."""

    @abstractmethod
    def lost(self, socket: Socket, status: int) -> None:
        """End what depends on ``socket``, whose connection has ended with ``status``."""

    @abstractmethod
    def stop(self) -> list[Information]:
        """End the service in whichever role it is; return the lines that say so."""

    def report(self, line: str) -> None:
        """Send an unsolicited line; unlike the modem core's, it is not lost in data mode."""
        self.device.channel.urc_bytes(information(line))

    def enter_data_mode(self, send: Send) -> None:
        """Enter data mode once the running command has ended."""
        data_mode = ServiceDataMode(self.device, send, datagrams=self.type is not SocketType.STREAM)
        self.device.enter_data_mode(data_mode, self)

    def leave_data_mode(self, status: int) -> bool:
        """Ask the host, if it is in this service's data mode, to leave; return whether it was not asked before."""
        data_mode = self.device.data_mode
        if data_mode is None or data_mode.lost or self.device.data_mode_of is not self:
            return False
        data_mode.lose(status)
        return True

    async def _receive(self, socket: Socket) -> None:
        status = 0
        try:
            while (data := await calls.passed_on(socket.net, lambda: self.receive(socket.net))) is not None:
                if data:
                    self._pass_on(data)
        except OSError as error:
            status = -from_host(error.errno or errno.EIO)
        socket.task = None
        self.lost(socket, status)

    def _pass_on(self, data: bytes) -> None:
        channel = self.device.channel
        if channel.takes_data and not channel.urcs_flow:
            channel.write(data)
        else:
            channel.urc_bytes(information(f"#X{self._kind}DATA: {len(data)}") + data)


class TcpService(Service):
    """The TCP client or server.

    Attributes:
        peer: the connection that the server has accepted, None for none.
        newcomers: the clients of a TLS server that are still at their handshake.
        security: how the server secures its connections, None for not at all.
        unheard: whether the host does not know yet that ``peer``, or an earlier one, has come: data mode keeps it.
        untold: lines that wait until the host has left data mode.
    """

    __slots__ = ("newcomers", "peer", "security", "unheard", "untold")

    type = SocketType.STREAM

    def __init__(self, device: ServiceModem) -> None:
        super().__init__(device, "TCP")
        self.peer: Socket | None = None
        self.newcomers = Newcomers(device, self._take_place)
        self.unheard = False
        self.untold: list[str] = []
        self.security: Security | None = None

    @property
    def connection(self) -> Socket | None:
        """What data goes through: the client's socket, or the connection that the server has accepted."""
        return self.peer if self.socket is None or self.socket.role == SERVER else self.socket

    def listen(self, family: Family, port: int, security: Security | None) -> Socket:
        """Start the server, with TLS where ``security`` is given.

        Raises:
            OSError: it cannot be started.
        """
        try:
            socket = self.open(family, SERVER)
        except CommandError as error:
            raise OSError(errno.ENFILE, error.reason) from error
        if not self.device.cellular.registered or self.device.modem.network.address(family) is None:
            raise OSError(errno.ENETUNREACH, "there is no address to listen at")
        socket.net.set_option(Option.REUSEADDR, 1)
        socket.net.bind(port)
        socket.net.listen(BACKLOG)
        self.security = security
        return socket

    def accept(self) -> None:
        """Take the clients that wait: the first is served, with TLS the first that is done with its handshake.

        A further one is turned away.

        While data mode keeps the host from hearing of one that came, or went, the next has to wait. A server whose
        socket was lost with the link ends, even where the link is back.
        """
        if self._server_lost:
            self.fail(-newlib_errno("ECONNRESET"))
        for _ in range(CLIENTS):
            server = self._server_for_clients()
            if server is None:
                return
            try:
                net, address = server.net.accept()
            except BlockingIOError:
                return
            except OSError as error:  # it may pass: a lack of descriptors, for instance
                self.device.modem.warn("the TCP server cannot accept: %s", in_words(error))
                if server.task is None:
                    server.task = self.device.channel.spawn(self._accept_later(server))
                return
            if self.peer is not None:
                net.close()
            elif self.security is not None:
                self.newcomers.add(net, address, self.security)
            else:
                self._take_place(net, address)
        if (server := self._server_for_clients()) is not None:
            server.net.remind()

    def _server_for_clients(self) -> Socket | None:
        """Return the server, None where there is none or its clients have to wait."""
        if self.socket is None or self.socket.role != SERVER:
            return None
        waits = self.peer is None and (self.unheard or self.untold)
        return None if waits else self.socket

    def close(self) -> None:
        """Close every socket of the service; clients that are still at their handshake are turned away."""
        self.newcomers.turn_away()
        super().close()

    @property
    def _server_lost(self) -> bool:
        return self.socket is not None and self.socket.role == SERVER and bool(self.socket.net.lost)

    async def _accept_later(self, server: Socket) -> None:
        await Delay(self.device.modem.now + RETRY)
        server.task = None
        self.accept()

    def hang_up(self) -> str:
        """Close the connection that the server has accepted; return the line that says so."""
        assert self.peer is not None
        self._close_peer()
        return '#XTCPSVR: 0,"disconnected"'

    def receive(self, net: NetSocket) -> bytes | None:
        """Return a part of the stream."""
        return net.recv(CHUNK, 0) or None

    def lost(self, socket: Socket, status: int) -> None:
        """Report the end of a connection; a client has no other reason than that it was reset.

        Where the link is lost, so is the server.
        """
        if socket is self.peer and not self._server_lost:
            self._close_peer()
            self._disconnected(status, told=self.leave_data_mode(status))
            self.accept()
        else:
            self.fail(-newlib_errno("ECONNRESET"))

    def fail(self, status: int) -> None:
        """End the service without having been asked, and report that."""
        if self.socket is None:
            return
        server = self.socket.role == SERVER
        connected = self.connection is not None
        self._close_peer()
        self.close()
        told = self.leave_data_mode(status)
        if not server:
            if not told:
                self.report(f'#XTCPCLI: {status},"disconnected"')
            return
        if connected:
            self._disconnected(status, told=told)
        if connected or not told:
            self.report(f'#XTCPSVR: {status},"stopped"')

    def leave(self) -> None:
        """Go on after data mode, in which the host could not be told everything, nor could everybody be accepted."""
        self.unheard = False  # it is told of next
        untold, self.untold = self.untold, []
        for line in untold:
            self.report(line)
        self.accept()

    def report(self, line: str) -> None:
        """Send an unsolicited line, not before those that wait for the end of data mode."""
        if self.untold:
            self.untold.append(line)
        else:
            super().report(line)

    def _disconnected(self, status: int, *, told: bool) -> None:
        """Report that the server's client has gone; ``told`` is whether #XDATAMODE will tell the status."""
        line = f'#XTCPSVR: {status},"disconnected"'
        if not told:
            self.report(line)
        elif self.device.policy.disconnected_after_data_mode:
            self.untold.append(line)

    def stop(self) -> list[Information]:
        """End the service; return the lines that say so."""
        if self.socket is None:
            return []
        server = self.socket.role == SERVER
        lines: list[Information] = [] if self.peer is None else [self.hang_up()]
        self.close()
        return [*lines, '#XTCPSVR: 0,"stopped"'] if server else ['#XTCPCLI: 0,"disconnected"']

    async def send(self, data: bytes) -> int:
        """Send ``data`` to the peer.

        Raises:
            CommandError: there is none.
            OSError: nothing could be sent.
        """
        if not data:
            return 0
        if self.connection is None:
            raise CommandError("nobody is connected")
        timeout = self.device.send_timeout(self.connection)
        return await self.send_now(calls.send(self.device.modem, self.connection.net, data, timeout))

    def _take_place(self, net: NetSocket, address: Address) -> None:
        """Serve a client, in place of all others that would have liked to be."""
        server = self.socket
        assert server is not None
        try:
            handle = self.device.sockets.free_handle()
        except CommandError as error:
            self.device.modem.warn("a client is turned away: %s", error.reason)
            net.close()
            return
        peer = Socket(handle, net, server.family, server.type, SERVER)
        peer.listener = server
        self.device.add(peer)
        self.peer = server.peer = peer
        self.newcomers.turn_away()
        channel = self.device.channel
        self.unheard = self.unheard or (channel.takes_data and not channel.urcs_flow)
        self.report(f'#XTCPSVR: "{address[0]}","connected"')
        self.serve(peer)

    def _close_peer(self) -> None:
        peer, self.peer = self.peer, None
        if peer is not None:
            self.close_socket(peer)


class UdpService(Service):
    """The UDP client or server.

    Attributes:
        remote: whom the server answers: the sender of the latest datagram, None before the first.
    """

    __slots__ = ("remote",)

    type = SocketType.DGRAM

    def __init__(self, device: ServiceModem) -> None:
        super().__init__(device, "UDP")
        self.remote: Address | None = None

    def receive(self, net: NetSocket) -> bytes | None:
        """Return a datagram and remember its sender; that an earlier one did not arrive means nothing."""
        try:
            data, self.remote = net.recvfrom(CHUNK, 0)
        except OSError as error:
            if error.errno not in UNREACHABLE:
                raise
            return b""
        return None if not data and isinstance(net, SecureSocket) else data

    def lost(self, socket: Socket, status: int) -> None:
        """Report the end of the service."""
        self.fail(-newlib_errno("ECONNRESET"))

    def fail(self, status: int) -> None:
        """End the service without having been asked, and report that."""
        if self.socket is None:
            return
        server = self.socket.role == SERVER
        self.close()
        if not self.leave_data_mode(status):
            self.report(f'#XUDPSVR: {status},"stopped"' if server else f'#XUDPCLI: {status},"disconnected"')

    def close(self) -> None:
        """Close the service's socket, and forget whom it answers."""
        super().close()
        self.remote = None

    def stop(self) -> list[Information]:
        """End the service; return the line that says so."""
        if self.socket is None:
            return []
        server = self.socket.role == SERVER
        self.close()
        return ['#XUDPSVR: 0,"stopped"' if server else '#XUDPCLI: 0,"disconnected"']

    async def send(self, data: bytes) -> int:
        """Send one datagram to the peer.

        Raises:
            CommandError: there is none.
            OSError: it could not be sent.
        """
        if self.socket is None:
            raise CommandError("the UDP service is not in use")
        if not data:
            return 0
        modem, net, timeout = self.device.modem, self.socket.net, self.device.send_timeout(self.socket)
        if self.socket.role == CLIENT:
            return await self.send_now(calls.send(modem, net, data, timeout))
        if self.remote is None:
            raise CommandError("nobody has sent a datagram that could be answered")
        return await self.send_now(calls.sendto(modem, net, data, self.remote, timeout))


class ServiceModem(SerialLteModem):
    """A Serial LTE Modem with services: version 2.7.

    Attributes:
        tcp: the TCP service.
        udp: the UDP service.
        data_mode: the data mode that the host is in, None where it is in none.
        data_mode_of: the service whose data mode that is, None where it is a socket's.
    """

    __slots__ = ("data_mode", "data_mode_of", "tcp", "udp")

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.data_mode: EscapedDataMode | None = None
        self.data_mode_of: Service | None = None
        self.tcp = TcpService(self)
        self.udp = UdpService(self)

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Let the TCP server accept its clients."""
        super().socket_ready(socket, events)
        server = self.tcp.socket
        if server is not None and server.net is socket:
            self.tcp.accept()

    def reset_core(self) -> None:
        """Restart the modem core: its sockets, and with them the services, are gone."""
        self.tcp.fail(-newlib_errno("ENETDOWN"))
        self.udp.fail(-newlib_errno("ENETDOWN"))
        super().reset_core()

    def enter_data_mode(self, data_mode: EscapedDataMode, service: Service | None) -> None:
        """Begin ``data_mode``, which is that of ``service``, once the running command has ended."""
        self.data_mode, self.data_mode_of = data_mode, service
        self.channel.enter_data_mode(self._in_data_mode(data_mode), swallow_line_feed=True)

    async def _in_data_mode(self, data_mode: EscapedDataMode) -> str:
        line = await data_mode.run()
        self.data_mode = self.data_mode_of = None
        self.tcp.leave()
        return line

    def send_timeout(self, socket: Socket) -> float:
        """Return how many seconds sending may wait; in data mode for ever, unless the host has set a limit."""
        option = (socket.listener or socket).send_timeout
        return option if option or self.channel.takes_data else POLLOUT_TIMEOUT


def begin_escaped(device: ServiceModem, send: Send, *, datagrams: bool) -> None:
    """Begin a socket's data mode once the running command has ended; there is nothing to wait for."""
    device.enter_data_mode(EscapedDataMode(device, send, datagrams=datagrams), None)
