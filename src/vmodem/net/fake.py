"""A deterministic network in memory, with its peers: for tests, transcripts and replay.

Nothing happens by itself and nothing calls back out of a socket call: what becomes true is queued,
and `deliver` tells whoever is in front of a socket. The same calls in the same order give the same results.

    network = FakeNetwork(hosts={"test.server.com": ["192.0.2.1"]})
    network.driver = driver
    socket = network.open(Family.IPV4, SocketType.STREAM)
    socket.connect(("192.0.2.1", 7))        raises BlockingIOError
    network.deliver()                       driver.socket_ready(socket, POLLOUT)
    network.peers[0].send(b"hello")

This module must not know about AT commands or modems.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from vmodem.net.interface import (
    MSG_PEEK,
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    Address,
    Answer,
    EchoSocket,
    Family,
    NetSocket,
    Network,
    Option,
    ResolveError,
    SocketType,
    family_of,
    link_down,
)

EPHEMERAL: Final = 49152
"""The first port that is picked for a socket without one."""


def _error(code: int) -> OSError:
    """Return the error ``code``, as the subclass of `OSError` that belongs to it."""
    return OSError(code, errno.errorcode[code])


class FakePeer:
    """The other end: of one TCP connection, or one remote address that a UDP socket exchanges datagrams with.

    Attributes:
        address: its address and port.
        socket: the modem's socket.
        closed: whether the modem closed the connection.
        reading: whether it takes what the modem sends; it does unless told otherwise.
    """

    __slots__ = ("_received", "_unread", "address", "closed", "gone", "reading", "socket")

    def __init__(self, socket: FakeSocket, address: Address) -> None:
        self.socket = socket
        self.address = address
        self.closed = False
        self.gone = False  # it closed the connection itself
        self.reading = True
        self._received: list[bytes] = []
        self._unread: list[bytes] = []

    def accept(self) -> None:
        """Answer a connection attempt that was left unanswered."""
        self.socket.connected(self)

    def send(self, data: bytes) -> None:
        """Send ``data`` to the modem: part of a stream, or one datagram."""
        self.socket.arrived(data, self.address)

    def shut_down(self) -> None:
        """End its own stream, and take what the modem sends as before: a half close."""
        self.socket.ended(None)

    def close(self) -> None:
        """Close the connection: in an orderly way, unless there is something that it has not read.

        What the modem sends from then on is answered by a reset.
        """
        self.gone = True
        self.socket.ended(errno.ECONNRESET if self._unread else None)

    def reset(self) -> None:
        """Reset the connection, or refuse it where it is under way."""
        self.gone = True
        self.socket.ended(errno.ECONNRESET)

    def stop_reading(self) -> None:
        """Take nothing until `start_reading`."""
        self.reading = False

    def start_reading(self) -> None:
        """Take what waits, and what comes."""
        self.reading = True
        if self._unread and not self.gone:
            self._received += self._unread
            self._unread = []
            self.socket.notify(POLLOUT)

    def take(self) -> bytes:
        """Return what it received since last asked."""
        return b"".join(self.take_all())

    def take_all(self) -> list[bytes]:
        """Return what it received since last asked: each datagram, or each part of a stream, by itself."""
        received, self._received = self._received, []
        return received

    @property
    def unread(self) -> int:
        """How many bytes wait because it does not read."""
        return sum(map(len, self._unread))

    def receive(self, data: bytes) -> None:
        """Get ``data`` from the modem."""
        (self._received if self.reading and not self.gone else self._unread).append(data)


class FakeSocket(NetSocket):
    """A TCP or UDP socket of the modem.

    Attributes:
        family: protocol family.
        type: socket type.
        peer: who it is connected to, None while it is not.
        port: local port, 0 while it has none.
        listening: whether it listens.
        open: whether it is not closed yet.
        options: the socket options that were set.
    """

    __slots__ = (
        "_broken",
        "_connecting",
        "_data",
        "_datagrams",
        "_ended",
        "_failure",
        "_network",
        "_pending",
        "family",
        "listening",
        "lost",
        "open",
        "options",
        "peer",
        "port",
        "type",
    )

    lost: int

    def __init__(self, network: FakeNetwork, family: Family, type: SocketType) -> None:
        self.family = family
        self.type = type
        self.peer: FakePeer | None = None
        self.port = 0
        self.listening = False
        self.open = True
        self.options: dict[Option, int] = {}
        self._network = network
        self._connecting: FakePeer | None = None
        self._data = bytearray()
        self._datagrams: deque[tuple[bytes, Address]] = deque()
        self._pending: deque[FakeSocket] = deque()
        self._ended = self._broken = False
        self._failure = 0  # errno of a reset, a failed connect or a refused datagram
        self.lost = 0
        self.ready = network.driver.socket_ready

    # What the modem calls

    def bind(self, port: int) -> None:
        """Bind to ``port``."""
        self._check()
        self._check_link()
        if self.type is SocketType.RAW:
            raise _error(errno.EOPNOTSUPP)
        if self.port or self.peer or self._connecting:
            raise _error(errno.EINVAL)
        if self._network.address(self.family) is None:
            raise _error(errno.EADDRNOTAVAIL)
        if port and self._network.bound(self.family, self.type, port):
            raise _error(errno.EADDRINUSE)
        self.port = port or self._network.free_port()

    def listen(self, backlog: int) -> None:
        """Listen; any number of connections may wait, whatever ``backlog`` says."""
        self._check()
        if self.type is not SocketType.STREAM:
            raise _error(errno.EOPNOTSUPP)
        if self.peer or self._connecting or self.listening or not self.port:
            raise _error(errno.EINVAL)
        self.listening = True

    def accept(self) -> tuple[NetSocket, Address]:
        """Take a pending connection."""
        self._check()
        if self.type is not SocketType.STREAM:
            raise _error(errno.EOPNOTSUPP)
        if not self.listening:
            raise _error(errno.EINVAL)
        if not self._pending:
            raise BlockingIOError(errno.EAGAIN, "EAGAIN")
        accepted = self._pending.popleft()
        assert accepted.peer is not None
        return accepted, accepted.peer.address

    def connect(self, address: Address) -> None:
        """Connect: UDP at once, TCP when events are delivered."""
        self._check()
        self._check_address(address)
        if self.type is SocketType.DGRAM:
            self._ensure_port()
            self.peer = self._remote(address)
            return
        if self._connecting:
            raise _error(errno.EALREADY)
        if self.peer or self.listening:
            raise _error(errno.EISCONN)
        self._ensure_port()
        self._failure = 0
        self._connecting = peer = self._network.add_peer(self, address)
        if address in self._network.refused or address[1] == 0:
            self._network.later(peer.reset)
        elif address not in self._network.silent:
            self._network.later(peer.accept)
        raise BlockingIOError(errno.EINPROGRESS, "EINPROGRESS")

    def finish_connect(self) -> None:
        """Tell how the connect went; a failure is told once, then the socket is as if unconnected."""
        self._check()
        if self._connecting:
            raise BlockingIOError(errno.EINPROGRESS, "EINPROGRESS")
        if self.peer is None:
            self._raise_failure()
            raise _error(errno.ENOTCONN)

    def send(self, data: bytes) -> int:
        """Send to the connected peer."""
        self._check()
        self._check_link()
        if self.type is not SocketType.STREAM:
            if self.peer is None:
                raise _error(errno.ENOTCONN)
            return self._send_datagram(data, self.peer)
        if self._failure or self._broken:
            raise _error(self._failure or errno.EPIPE)
        if self._connecting:
            raise BlockingIOError(errno.EAGAIN, "EAGAIN")
        if self.peer is None:
            raise _error(errno.ENOTCONN)
        if self.peer.gone:  # what was sent is answered by a reset
            self.peer.receive(data)
            self._network.later(lambda: self.ended(errno.EPIPE))
            return len(data)
        room = self._room(self.peer)
        if room == 0 and data:
            raise BlockingIOError(errno.EAGAIN, "EAGAIN")
        self.peer.receive(data[:room])
        return min(len(data), room)

    def sendto(self, data: bytes, address: Address) -> int:
        """Send one datagram; a TCP socket sends to whom it is connected."""
        if self.type is SocketType.STREAM:
            return self.send(data)
        self._check()
        self._check_address(address)
        if address[1] == 0:
            raise _error(errno.EINVAL)
        return self._send_datagram(data, self._remote(address))

    def recv(self, size: int, flags: int) -> bytes:
        """Receive part of the stream, or one datagram."""
        if self.type is not SocketType.STREAM:
            return self.recvfrom(size, flags)[0]
        self._check()
        if self._data:
            data = bytes(self._data[:size])
            if not flags & MSG_PEEK:
                del self._data[:size]
            return data
        if self._ended:
            return b""
        if self._failure:
            raise _error(self._failure)
        if self.peer is None:
            raise _error(errno.ENOTCONN)
        raise BlockingIOError(errno.EAGAIN, "EAGAIN")

    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        """Receive one datagram; on a TCP socket the same as `recv`."""
        if self.type is SocketType.STREAM:
            data = self.recv(size, flags)
            assert self.peer is not None
            return data, self.peer.address
        self._check()
        self._raise_failure()
        if not self._datagrams:
            raise BlockingIOError(errno.EAGAIN, "EAGAIN")
        data, address = self._datagrams[0] if flags & MSG_PEEK else self._datagrams.popleft()
        return data[:size], address

    def remind(self) -> None:
        """Have it told once more what is true, later."""
        self._network.later(lambda: self._tell(self.poll()))

    def poll(self) -> int:
        """Return what is true now."""
        if self.lost or not self.open:
            return POLLHUP
        if self.type is not SocketType.STREAM:
            return POLLOUT | (POLLIN if self._datagrams else 0) | (POLLERR if self._failure else 0)
        if self.listening:
            return POLLIN if self._pending else 0
        if self._broken:
            return POLLIN | POLLOUT | POLLHUP | (POLLERR if self._failure else 0)
        if self.peer is None:
            return 0
        events = POLLIN if self._data or self._ended else 0
        return events | (POLLHUP if self._ended else 0) | (POLLOUT if self._room(self.peer) else 0)

    def unacknowledged(self) -> int:
        """Return what the peer has not read: a peer that does not read does not acknowledge either."""
        self._check()
        unread = self.peer.unread if self.peer else 0
        if unread and self._broken:
            raise _error(self._failure or errno.ECONNRESET)
        return unread

    def take_error(self) -> int:
        """Return what went wrong; a reset that was told about is an end of the stream from then on."""
        code, self._failure = self.lost or self._failure, 0
        if code and self.type is SocketType.STREAM and self.peer is not None:
            self._ended = True
        return code

    def set_option(self, option: Option, value: int) -> None:
        """Remember the option."""
        self._check()
        self.options[option] = value

    def local_address(self) -> Address:
        """Return the local address and port; port 0 where it has none yet."""
        self._check()
        return self._network.address(self.family) or "", self.port

    def peer_address(self) -> Address:
        """Return the peer's address and port."""
        self._check()
        if self.peer is None:
            raise _error(errno.ENOTCONN)
        return self.peer.address

    def abort(self, code: int) -> None:
        """Lose the connection; the end is told even where the socket is closed meanwhile."""
        if self.open and not self.lost:
            self.lost = code
            self._leave()
            told = self.ready  # asked now: whoever stands in front may have left by then
            self._network.later(lambda: told(self, POLLHUP))

    def close(self) -> None:
        """Close."""
        if self.open:
            self.open = False
            self._leave()
            self._network.closed(self)

    # What the network and the peers call

    def connected(self, peer: FakePeer) -> None:
        """End a connect well."""
        if self._connecting is peer:
            self.peer, self._connecting = peer, None
            self.notify(POLLOUT)

    def ended(self, code: int | None) -> None:
        """End the connection, in an orderly way or with the errno ``code``; refuse one that is under way."""
        if not self.open or self.lost:
            return
        if self._connecting:
            self._connecting = None
            code = errno.ECONNREFUSED
        if code is None:
            self._ended = True
            self.notify(POLLIN | POLLHUP)
        else:
            self._failure = errno.EPIPE if self._ended else code
            self._broken = self.type is SocketType.STREAM and self.peer is not None
            self.notify(POLLERR | POLLHUP)

    def arrived(self, data: bytes, address: Address) -> None:
        """Take what a peer sent; a connected UDP socket takes its peer's datagrams only."""
        if not self.open or self.lost or self._ended or self._failure:
            return
        if self.type is SocketType.STREAM:
            self._data += data
        elif self.peer is None or self.peer.address == address:
            self._datagrams.append((data, address))
        else:
            return
        self.notify(POLLIN)

    def incoming(self, address: Address) -> FakePeer:
        """Take a connection from ``address``, which waits to be accepted."""
        child = FakeSocket(self._network, self.family, self.type)
        child.port = self.port
        child.peer = self._network.add_peer(child, address)
        self._network.sockets.append(child)
        self._pending.append(child)
        self.notify(POLLIN)
        return child.peer

    def notify(self, events: int) -> None:
        """Have whoever is in front told, later."""
        self._network.later(lambda: self._tell(events))

    @property
    def partner(self) -> FakePeer | None:
        """Whom it is connected to, or about to be."""
        return self.peer or self._connecting

    @property
    def uses_link(self) -> bool:
        """Whether it is bound, listening, connected or about to be."""
        return bool(self.port)

    def _tell(self, events: int) -> None:
        if self.open:
            self.ready(self, events)

    def _check(self) -> None:
        if not self.open:
            raise _error(errno.EBADF)
        if self.lost:
            raise _error(self.lost)

    def _check_link(self) -> None:
        if not self._network.up:
            raise link_down()

    def _check_address(self, address: Address) -> None:
        self._check_link()
        if family_of(address[0]) is not self.family:
            raise _error(errno.EAFNOSUPPORT)
        if self._network.address(self.family) is None:
            raise _error(errno.ENETUNREACH)

    def _raise_failure(self) -> None:
        if self._failure:
            code, self._failure = self._failure, 0
            raise _error(code)

    def _room(self, peer: FakePeer) -> int:
        return self._network.window - peer.unread

    def _ensure_port(self) -> None:
        self.port = self.port or self._network.free_port()

    def _remote(self, address: Address) -> FakePeer:
        for peer in self._network.peers:
            if peer.socket is self and peer.address == address:
                return peer
        return self._network.add_peer(self, address)

    def _send_datagram(self, data: bytes, peer: FakePeer) -> int:
        self._raise_failure()
        self._ensure_port()
        if peer.address in self._network.refused:
            if self.peer is peer:  # only a connected socket hears of it
                self._failure = errno.ECONNREFUSED
                self.notify(POLLERR)
        else:
            peer.receive(data)
        return len(data)

    def _leave(self) -> None:
        for pending in self._pending:
            pending.close()
        self._pending.clear()
        for peer in (self.peer, self._connecting):
            if peer is not None:
                peer.closed = True
        self._connecting = None


class FakeRaw(FakeSocket):
    """A raw socket: whole IP packets, to `FakeNetwork.packets` and from `FakeNetwork.packet`."""

    __slots__ = ()

    def connect(self, address: Address) -> None:
        """Fail: there are no connections."""
        raise _error(errno.EOPNOTSUPP)

    def send(self, data: bytes) -> int:
        """Send one packet."""
        self._check()
        self._check_link()
        _source(data)
        self._network.packets.append(data)
        return len(data)

    def sendto(self, data: bytes, address: Address) -> int:
        """Send one packet, to whom it says itself."""
        return self.send(data)

    @property
    def uses_link(self) -> bool:
        """A raw socket hears the link from the start."""
        return True


def _source(packet: bytes) -> str:
    """Return the source address of an IP packet."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 20:
        return str(ip_address(packet[12:16]))
    if version == 6 and len(packet) >= 40:
        return str(ip_address(packet[8:24]))
    raise _error(errno.EINVAL)


class FakeEcho(FakeSocket, EchoSocket):
    """A socket for ICMP echo whose every request is answered at once, but for `FakeNetwork.ping_loss`."""

    __slots__ = ("_replies", "_target")

    def __init__(self, network: FakeNetwork, family: Family, target: str) -> None:
        super().__init__(network, family, SocketType.RAW)
        self._target = target
        self._replies: deque[int] = deque()

    def send_echo(self, sequence: int, payload: bytes) -> None:
        """Send one echo request."""
        self._check()
        self._check_link()
        self._network.pings.append((self._target, sequence, payload))
        if sequence not in self._network.ping_loss:
            self._network.later(lambda: self._reply(sequence))

    def recv_echo(self) -> int:
        """Return the sequence number of a reply."""
        self._check()
        if not self._replies:
            raise BlockingIOError(errno.EAGAIN, "EAGAIN")
        return self._replies.popleft()

    def poll(self) -> int:
        """Return what is true now."""
        if self.lost or not self.open:
            return POLLHUP
        return POLLOUT | (POLLIN if self._replies else 0)

    @property
    def uses_link(self) -> bool:
        """An echo socket is connected from the start."""
        return True

    def _reply(self, sequence: int) -> None:
        self._replies.append(sequence)
        self._tell(POLLIN)


class FakeNetwork(Network):
    """The network in memory.

    Args:
        ipv4: the modem's IPv4 address, None for none.
        ipv6: the modem's IPv6 address, None for none.
        hosts: the addresses of every name that can be resolved.
        window: how many bytes wait for a peer that does not read before sending blocks.

    Attributes:
        hosts: the name table.
        refused: addresses that refuse connections and datagrams.
        silent: addresses that leave connection attempts unanswered.
        sockets: the modem's open sockets.
        peers: every peer there ever was, the oldest first.
        ping_loss: sequence numbers of echo requests that get lost.
        pings: the echo requests that were sent: target, sequence number, payload.
        packets: the IP packets that raw sockets sent.
    """

    up = True

    def __init__(
        self,
        ipv4: str | None = "192.0.2.2",
        ipv6: str | None = "2001:db8::2",
        *,
        hosts: Mapping[str, Sequence[str]] | None = None,
        window: int = 65536,
    ) -> None:
        self.hosts = dict(hosts or {})
        self.window = window
        self.refused: set[Address] = set()
        self.silent: set[Address] = set()
        self.sockets: list[FakeSocket] = []
        self.peers: list[FakePeer] = []
        self.ping_loss: set[int] = set()
        self.pings: list[tuple[str, int, bytes]] = []
        self.packets: list[bytes] = []
        self._addresses = {Family.IPV4: ipv4, Family.IPV6: ipv6}
        self._next_port = EPHEMERAL
        self._queue: deque[Callable[[], None]] = deque()
        self._generation = 0

    # The interface

    def address(self, family: Family) -> str | None:
        """Return the modem's own address of ``family``."""
        return self._addresses.get(family)

    def open(self, family: Family, type: SocketType) -> NetSocket:
        """Open a socket."""
        kind = FakeRaw if type is SocketType.RAW else FakeSocket
        socket = kind(self, family, type)
        self.sockets.append(socket)
        if type is not SocketType.STREAM:
            socket.notify(POLLOUT)
        return socket

    def open_echo(self, family: Family, address: str) -> EchoSocket:
        """Open a socket for ICMP echo to ``address``."""
        if not self.up:
            raise link_down()
        socket = FakeEcho(self, family, address)
        self.sockets.append(socket)
        return socket

    def look_up(self, host: str, family: Family, token: object) -> None:
        """Resolve a name when events are delivered."""
        answer = self._lookup(host, family)
        generation = self._generation
        self.later(lambda: self._answer(generation, token, answer))

    def set_link(self, *, up: bool) -> None:
        """Bring the link up or down."""
        self.up = up
        if not up:
            for socket in list(self.sockets):
                if socket.uses_link:
                    socket.abort(errno.ENETDOWN)

    def close(self) -> None:
        """Close every socket and forget pending lookups."""
        self._generation += 1
        for socket in list(self.sockets):
            socket.close()

    # What a test does

    @property
    def pending(self) -> bool:
        """Whether something waits to be delivered."""
        return bool(self._queue)

    def deliver(self) -> None:
        """Let everything happen that is under way, and what follows from it, and tell who has to know."""
        while self._queue:
            self._queue.popleft()()

    def incoming(self, port: int, address: Address) -> FakePeer:
        """Connect from ``address`` to a listening socket of the modem.

        Raises:
            ConnectionRefusedError: none listens on ``port``.
        """
        for socket in self.sockets:
            if socket.listening and socket.port == port and socket.family is family_of(address[0]):
                return socket.incoming(address)
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"nobody listens on port {port}")

    def datagram(self, to: NetSocket | int, data: bytes, address: Address) -> None:
        """Send a datagram to a UDP socket of the modem, or to those with the local port ``to``."""
        for socket in self.sockets:
            if socket.type is SocketType.DGRAM and (socket is to or socket.port == to):
                socket.arrived(data, address)

    def packet(self, data: bytes) -> None:
        """Send an IP packet to the modem's raw sockets."""
        for socket in self.sockets:
            if isinstance(socket, FakeRaw):
                socket.arrived(data, (_source(data), 0))

    # What sockets and peers call

    def later(self, action: Callable[[], None]) -> None:
        """Queue ``action`` for `deliver`."""
        self._queue.append(action)

    def add_peer(self, socket: FakeSocket, address: Address) -> FakePeer:
        """Make the peer of ``socket`` at ``address``."""
        peer = FakePeer(socket, address)
        self.peers.append(peer)
        return peer

    def bound(self, family: Family, type: SocketType, port: int) -> bool:
        """Return whether ``port`` is taken; an accepted connection does not take its listener's."""
        return any((s.family, s.type, s.port) == (family, type, port) for s in self.sockets)

    def free_port(self) -> int:
        """Return a port that was never used."""
        self._next_port += 1
        return self._next_port - 1

    def closed(self, socket: FakeSocket) -> None:
        """Forget a socket that was closed."""
        self.sockets.remove(socket)

    def _lookup(self, host: str, family: Family) -> Answer:
        addresses = [a for a in self.hosts.get(host, ()) if family in (Family.UNSPEC, family_of(a))]
        return addresses or ResolveError("EAI_NONAME")

    def _answer(self, generation: int, token: object, answer: Answer) -> None:
        if generation == self._generation:
            self.driver.resolved(token, answer)
