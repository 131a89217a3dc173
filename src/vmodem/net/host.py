"""The network of the host: its sockets, its resolver.

Everything here is non-blocking. Readiness comes edge-triggered from the reactor and is passed on to whoever is in front
of the socket.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import termios
from collections.abc import Mapping
from functools import partial
from typing import Final

from vmodem.jobs import Outcome
from vmodem.net.interface import (
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
    link_down,
)
from vmodem.reactor import Reactor

AF: Final = {
    Family.UNSPEC: socket.AF_UNSPEC,
    Family.IPV4: socket.AF_INET,
    Family.IPV6: socket.AF_INET6,
    Family.PACKET: socket.AF_PACKET,
}
SOCK: Final = {SocketType.STREAM: socket.SOCK_STREAM, SocketType.DGRAM: socket.SOCK_DGRAM}
OPTIONS: Final = {
    Option.REUSEADDR: (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    Option.NODELAY: (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    Option.KEEPALIVE: (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    Option.KEEPIDLE: (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    Option.KEEPINTVL: (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    Option.KEEPCNT: (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    Option.BROADCAST: (socket.SOL_SOCKET, socket.SO_BROADCAST),
    Option.SNDTIMEO: (socket.SOL_SOCKET, socket.SO_SNDTIMEO),
    Option.RCVTIMEO: (socket.SOL_SOCKET, socket.SO_RCVTIMEO),
    Option.USER_TIMEOUT: (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
}
TIMEOUTS: Final = (Option.SNDTIMEO, Option.RCVTIMEO)
"""The options whose value is a struct timeval."""
EAI: Final = {getattr(socket, name): name for name in dir(socket) if name.startswith("EAI_") and name != "EAI_MAX"}
IP_BIND_ADDRESS_NO_PORT: Final = 24
"""A constant of Linux that the socket module lacks: choose the port at connect, when the peer is known."""

TCP_CLOSE: Final = 7
"""The state of a connection that is no more, the first byte of struct tcp_info."""

SO_ATTACH_FILTER: Final = 26
ETH_P_ALL: Final = 3
_ECHO_IDS: Final = struct.Struct("!HH")
STRANGERS: Final = 32
"""How many messages to others a raw socket for ICMP echo drops at once: it sees those of the whole machine."""

POLL_MASK: Final = select.POLLIN | select.POLLOUT | select.POLLRDHUP


def interface_events(events: int) -> int:
    """Translate what poll(2) or epoll(7) report; the numbers agree but for a peer that closed."""
    if events & select.POLLRDHUP:
        events |= POLLIN | POLLHUP
    return events & (POLLIN | POLLOUT | POLLERR | POLLHUP)


class HostSocket(NetSocket):
    """A TCP or UDP socket of the host."""

    __slots__ = (
        "_bound",
        "_connected",
        "_connecting",
        "_failure",
        "_family",
        "_listening",
        "_network",
        "_reuse_chosen",
        "_sock",
        "lost",
        "type",
    )

    lost: int

    def __init__(self, network: HostNetwork, sock: socket.socket, family: Family) -> None:
        sock.setblocking(False)
        self.type = SocketType(sock.type)
        self._network = network
        self._sock = sock
        self._family = family
        self._bound = self._connected = self._listening = self._reuse_chosen = False
        self._connecting: Address | None = None
        self._failure = 0  # errno that a stream broke with: the kernel tells it once
        self.lost = 0
        self.ready = network.driver.socket_ready
        network.opened(self)
        if not self._is_stream():
            self._watch()

    def _is_stream(self) -> bool:
        return self.type is SocketType.STREAM

    def _watch(self) -> None:
        self._network.reactor.watch(self._sock.fileno(), self._ready)

    def _ready(self, events: int) -> None:
        self.ready(self, interface_events(events))

    def _check(self) -> None:
        """Refuse what needs the link while there is none."""
        if self.lost:
            raise OSError(self.lost, os.strerror(self.lost))
        if not self._network.up:
            raise link_down()

    def bind(self, port: int) -> None:
        self._check()
        address = self._network.address(self._family)
        if address is None:
            raise OSError(errno.EADDRNOTAVAIL, f"no {self._family.name} address")
        if self._is_stream() and not self._reuse_chosen:
            # Linux keeps closed connections for a minute; a device that was just reset knows nothing of them.
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((address, port))
        self._bound = True

    def listen(self, backlog: int) -> None:
        self._check()
        if self._is_stream() and not self._bound:
            raise OSError(errno.EINVAL, "not bound")
        if self._listening:
            raise OSError(errno.EINVAL, "listening already")
        self._sock.listen(backlog)
        self._listening = True
        self._watch()

    def accept(self) -> tuple[NetSocket, Address]:
        self._check()
        sock, address = self._sock.accept()
        accepted = HostSocket(self._network, sock, self._family)
        accepted._connected = True
        accepted._watch()
        return accepted, address[:2]

    def connect(self, address: Address) -> None:
        self._check()
        if self._connecting or self._listening:
            raise OSError(errno.EALREADY if self._connecting else errno.EINVAL, "connect is not possible now")
        if self._connected and self._is_stream():
            raise OSError(errno.EISCONN, "connected already")
        if not self._bound and (source := self._network.source(self._family)) is not None:
            if self._is_stream():
                self._sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            self._sock.bind((source, 0))
        self._bound = True
        if self._is_stream():
            self._watch()
        code = self._sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            self._connecting = address
            raise BlockingIOError(code, "connecting")
        if code:
            raise OSError(code, os.strerror(code))
        self._connected = True

    def finish_connect(self) -> None:
        self._check()
        if self._connecting is None:
            raise OSError(errno.ENOTCONN, "not connecting")
        # Asked by a second connect(2), which also lets a socket that failed be connected again; SO_ERROR does not.
        code = self._sock.connect_ex(self._connecting)
        if code in (errno.EALREADY, errno.EINPROGRESS):
            raise BlockingIOError(code, "connecting")
        self._connecting = None
        if code:
            raise OSError(code, os.strerror(code))
        self._connected = True

    def send(self, data: bytes) -> int:
        if self.lost or not self._network.up:
            self._check()
        if not self._connected:
            raise OSError(errno.ENOTCONN, "not connected")
        try:
            return self._sock.send(data)
        except BlockingIOError:
            raise
        except OSError as error:
            raise self._broke(error) from None

    def sendto(self, data: bytes, address: Address) -> int:
        self._check()
        if not self._bound and (source := self._network.source(self._family)) is not None:
            self._sock.bind((source, 0))
        self._bound = True
        return self._sock.sendto(data, address)

    def recv(self, size: int, flags: int) -> bytes:
        if self.lost:
            self._check()
        if self._is_stream() and not self._connected:
            raise OSError(errno.ENOTCONN, "not connected")
        try:
            data = self._sock.recv(size, flags)
        except BlockingIOError:
            raise
        except OSError as error:
            raise self._broke(error) from None
        if self._failure and not data and size:
            raise OSError(self._failure, os.strerror(self._failure))
        return data

    def _broke(self, error: OSError) -> OSError:
        """Return what to raise, and keep what broke a stream; EPIPE is what the kernel says once that was told."""
        if not self._is_stream():
            return error
        if error.errno != errno.EPIPE:
            self._failure = error.errno or errno.EIO
        return OSError(self._failure, os.strerror(self._failure)) if self._failure else error

    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        if self.lost:
            self._check()
        if not self._is_stream():
            data, address = self._sock.recvfrom(size, flags)
            return data, address[:2]
        return self.recv(size, flags), self.peer_address()

    def poll(self) -> int:
        if self.lost:
            return POLLHUP
        if self._is_stream() and not (self._connected or self._listening):
            return 0
        poller = select.poll()
        poller.register(self._sock.fileno(), POLL_MASK)
        found = poller.poll(0)
        events = interface_events(found[0][1]) if found else 0
        return events | POLLERR | POLLHUP if self._failure else events

    def remind(self) -> None:
        if not self.lost:
            self._watch()  # epoll tells anew of what is true when it is asked to watch what it watches

    def unacknowledged(self) -> int:
        if self.lost:
            self._check()
        (count,) = struct.unpack("i", fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, bytes(4)))
        if count and self._is_stream() and self._tcp_state() == TCP_CLOSE:
            code = self._failure or errno.ECONNRESET
            raise OSError(code, os.strerror(code))
        return int(count)

    def _tcp_state(self) -> int:
        return self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]

    def take_error(self) -> int:
        code, self._failure = self.lost or self._failure, 0
        return code or self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def set_option(self, option: Option, value: int) -> None:
        if self.lost:
            self._check()
        packed = struct.pack("@ll", value // 1000, value % 1000 * 1000) if option in TIMEOUTS else value
        self._sock.setsockopt(*OPTIONS[option], packed)
        self._reuse_chosen = self._reuse_chosen or option is Option.REUSEADDR

    def local_address(self) -> Address:
        address: Address = self._sock.getsockname()[:2]
        return address

    def peer_address(self) -> Address:
        if self.lost:
            self._check()
        address: Address = self._sock.getpeername()[:2]
        return address

    def abort(self, code: int) -> None:
        if self.lost or not (self._bound or self._connected):
            return
        self.lost = code
        self._release()
        # Who is told is asked now: whoever stands in front may have left by then.
        self._network.reactor.loop.call_soon(self.ready, self, POLLHUP)

    def close(self) -> None:
        self._network.closed(self)
        self._release()

    def _release(self) -> None:
        if self._sock.fileno() >= 0:
            self._network.reactor.forget(self._sock.fileno())
            self._sock.close()


class HostRawSocket(HostSocket):
    """Whole IP packets: those for the modem's own addresses come in, any may go out. Needs CAP_NET_RAW.

    Linux hands whole incoming packets to packet sockets only, and routes outgoing ones for raw IP sockets only, so
    there are three: one that receives and one for each family that sends.
    """

    __slots__ = ("_senders",)

    def __init__(self, network: HostNetwork) -> None:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        try:
            _attach_filter(sock, network.address(Family.IPV4), network.address(Family.IPV6))
            self._senders = {version: _raw_sender(family) for version, family in ((4, Family.IPV4), (6, Family.IPV6))}
        except OSError:
            sock.close()
            raise
        super().__init__(network, sock, Family.PACKET)
        self.type = SocketType.RAW
        self._bound = True

    def bind(self, port: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "a raw socket has no port")

    def connect(self, address: Address) -> None:
        raise OSError(errno.EOPNOTSUPP, "a raw socket has no peer")

    def send(self, data: bytes) -> int:
        self._check()
        sender = self._senders.get(data[0] >> 4) if len(data) >= 20 else None
        if sender is None:
            raise OSError(errno.EINVAL, "not an IP packet")
        if sender.family == socket.AF_INET:
            return sender.sendto(data, (socket.inet_ntop(socket.AF_INET, data[16:20]), 0))
        if len(data) < 40:
            raise OSError(errno.EINVAL, "not an IP packet")
        return sender.sendto(data, (socket.inet_ntop(socket.AF_INET6, data[24:40]), 0))

    def sendto(self, data: bytes, address: Address) -> int:
        return self.send(data)

    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        data = self.recv(size, flags)
        if data[:1] and data[0] >> 4 == 4:
            return data, (socket.inet_ntop(socket.AF_INET, data[12:16]), 0)
        return data, (socket.inet_ntop(socket.AF_INET6, data[8:24]), 0)

    def peer_address(self) -> Address:
        raise OSError(errno.ENOTCONN, "a raw socket has no peer")

    def _release(self) -> None:
        for sender in self._senders.values():
            sender.close()
        super()._release()


def _raw_sender(family: Family) -> socket.socket:
    sock = socket.socket(AF[family], socket.SOCK_RAW, socket.IPPROTO_RAW)
    sock.setblocking(False)
    return sock


def _attach_filter(sock: socket.socket, ipv4: str | None, ipv6: str | None) -> None:
    """Let only packets in that came from outside the socket's own host side and are for one of the addresses.

    A classic BPF program over the IP packet; each row is (code, jump if true, jump if false, operand).
    """
    import ctypes  # not at the top: nobody without a raw socket pays for it

    load_word, load_byte, shift, equal, result = 0x20, 0x30, 0x74, 0x15, 0x06
    packet_type, outgoing, everything = 0xFFFFF004, 4, 0xFFFF
    program = [
        (load_word, 0, 0, packet_type),
        (equal, 0, 1, outgoing),
        (result, 0, 0, 0),
        (load_byte, 0, 0, 0),
        (shift, 0, 0, 4),
    ]
    for version, address, family, offset in ((4, ipv4, socket.AF_INET, 16), (6, ipv6, socket.AF_INET6, 24)):
        if address is None:
            continue
        packed = socket.inet_pton(family, address)
        words = struct.unpack(f"!{len(packed) // 4}I", packed)
        program.append((equal, 0, 2 * len(words) + 2, version))
        for index, word in enumerate(words):
            to_refusal = 2 * (len(words) - 1 - index) + 1
            program += [(load_word, 0, 0, offset + 4 * index), (equal, 0, to_refusal, word)]
        program += [(result, 0, 0, everything), (result, 0, 0, 0)]
    program.append((result, 0, 0, 0))
    code = b"".join(struct.pack("HBBI", *row) for row in program)
    buffer = ctypes.create_string_buffer(code)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(buffer)))


class HostEchoSocket(HostSocket, EchoSocket):
    """ICMP echo, by an unprivileged ICMP socket where sysctl net.ipv4.ping_group_range permits, else by a raw one."""

    __slots__ = ("_id",)

    def __init__(self, network: HostNetwork, family: Family, address: str) -> None:
        protocol = socket.IPPROTO_ICMP if family is Family.IPV4 else socket.IPPROTO_ICMPV6
        try:
            sock = socket.socket(AF[family], socket.SOCK_DGRAM, protocol)
        except PermissionError:
            sock = socket.socket(AF[family], socket.SOCK_RAW, protocol)
        super().__init__(network, sock, family)
        self._id = id(self) >> 4 & 0xFFFF
        try:
            self.connect((address, 0))
        except OSError:
            self.close()
            raise

    def send_echo(self, sequence: int, payload: bytes) -> None:
        request = 8 if self._family is Family.IPV4 else 128
        message = struct.pack("!BBHHH", request, 0, 0, self._id, sequence & 0xFFFF) + payload
        if self._family is Family.IPV4:  # the kernel fills in ICMPv6's
            message = message[:2] + struct.pack("!H", _checksum(message)) + message[4:]
        self.send(message)

    def recv_echo(self) -> int:
        reply = 0 if self._family is Family.IPV4 else 129
        raw = self._sock.type == socket.SOCK_RAW
        for _ in range(STRANGERS):
            message = self.recv(65535, 0)
            if raw and self._family is Family.IPV4:
                message = message[(message[0] & 15) * 4 :]
            if len(message) < 8 or message[0] != reply:
                continue
            identity, sequence = _ECHO_IDS.unpack_from(message, 4)
            if not raw or identity == self._id:  # the kernel has its own identity in an unprivileged socket
                return int(sequence)
        self.remind()
        raise BlockingIOError(errno.EAGAIN, "nothing but replies to others so far")


def _checksum(message: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(message) % 2:
        message += b"\0"
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class HostNetwork(Network):
    """One modem's share of the host's network.

    Args:
        reactor: the process's reactor.
        addresses: the modem's own addresses, by family; servers bind to them.
        sources: addresses that outgoing connections come from; where a family is left out the host chooses.
    """

    __slots__ = ("_addresses", "_share", "_sockets", "_sources", "reactor", "up")

    up: bool

    def __init__(self, reactor: Reactor, addresses: Mapping[Family, str], sources: Mapping[Family, str]) -> None:
        self.up = True
        self.reactor = reactor
        self._addresses = addresses
        self._sources = sources
        self._sockets: set[HostSocket] = set()
        self._share = reactor.workers.share()

    def address(self, family: Family) -> str | None:
        return self._addresses.get(family)

    def source(self, family: Family) -> str | None:
        """Return the address that outgoing connections of ``family`` have to come from, None for any."""
        return self._sources.get(family)

    def open(self, family: Family, type: SocketType) -> NetSocket:
        if type is SocketType.RAW:
            return HostRawSocket(self)
        sock = socket.socket(AF[family], SOCK[type])
        if family is Family.IPV6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        return HostSocket(self, sock, family)

    def open_echo(self, family: Family, address: str) -> EchoSocket:
        return HostEchoSocket(self, family, address)

    def look_up(self, host: str, family: Family, token: object) -> None:
        self._share.run(partial(_addresses, host, family), partial(self._resolved, token))

    def set_link(self, *, up: bool) -> None:
        self.up = up
        if not up:
            for sock in list(self._sockets):
                sock.abort(errno.ENETDOWN)

    def close(self) -> None:
        self._share.drop()
        for sock in list(self._sockets):
            sock.close()

    def opened(self, sock: HostSocket) -> None:
        """Take note of an open socket."""
        self._sockets.add(sock)

    def closed(self, sock: HostSocket) -> None:
        """Take note that a socket was closed."""
        self._sockets.discard(sock)

    def _resolved(self, token: object, outcome: Outcome) -> None:
        answer: Answer = outcome.answer
        if isinstance(answer, BaseException) and not isinstance(answer, ResolveError):
            answer = ResolveError("EAI_SYSTEM", getattr(answer, "strerror", None) or repr(answer))
        self.driver.resolved(token, answer)


def _addresses(host: str, family: Family) -> list[str]:
    """Return the addresses of ``host``; it may take long.

    Raises:
        ResolveError: it has none, or they cannot be found out.
        OSError: the machine lacks something: descriptors, most likely.
    """
    try:
        found = socket.getaddrinfo(host.encode("latin-1"), None, AF[family], socket.SOCK_STREAM)
    except socket.gaierror as error:
        _need_descriptors()  # without one no file is read and nobody is asked: it looks as if there were no such name
        raise ResolveError(EAI.get(error.errno, "EAI_UNKNOWN")) from error
    except ValueError:  # a NUL in the name
        raise ResolveError("EAI_NONAME") from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET6)  # any family: IPv6 first, as the modem does
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _need_descriptors() -> None:
    """Fail where the process, or the machine, has no descriptor left.

    Raises:
        OSError: there is none.
    """
    os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
