"""The network interface that the engine and the dialects are written against.

It is the socket API that the firmware itself was written against, made non-blocking: a call that cannot finish at
once raises `BlockingIOError`; every other failure is an `OSError` with an ``errno``. Nothing here does I/O.

This module must not know about AT commands, dialects, TLS or event loops.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum, IntEnum
from ipaddress import ip_address
from typing import Protocol, TypeAlias, final

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16
POLLNVAL = 32
CLOSURE = POLLERR | POLLHUP | POLLNVAL

MSG_PEEK = 2

ICMP_HINT = "permit ICMP sockets with sysctl net.ipv4.ping_group_range, or run as root or with CAP_NET_RAW"
"""What to do where `Network.open_echo` raises `PermissionError`."""

Address: TypeAlias = tuple[str, int]


class Family(IntEnum):
    """IP protocol family, numbered as the nRF91 modem library numbers it."""

    UNSPEC = 0
    IPV4 = 1
    IPV6 = 2
    PACKET = 3


class SocketType(IntEnum):
    """Socket type, numbered as in POSIX."""

    STREAM = 1
    DGRAM = 2
    RAW = 3


class Option(Enum):
    """Socket options that a network can honour; anything else is the dialect's own business."""

    REUSEADDR = "SO_REUSEADDR"
    NODELAY = "TCP_NODELAY"
    KEEPALIVE = "SO_KEEPALIVE"
    KEEPIDLE = "TCP_KEEPIDLE"
    KEEPINTVL = "TCP_KEEPINTVL"
    KEEPCNT = "TCP_KEEPCNT"
    BROADCAST = "SO_BROADCAST"
    SNDTIMEO = "SO_SNDTIMEO"
    RCVTIMEO = "SO_RCVTIMEO"
    USER_TIMEOUT = "TCP_USER_TIMEOUT"


class ResolveError(Exception):
    """A name could not be resolved.

    Args:
        name: the constant of getaddrinfo(3), such as ``EAI_NONAME``.
        reason: what is behind it where that is not the name: the machine lacks something.
    """

    def __init__(self, name: str, reason: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.reason = reason


Answer: TypeAlias = "Sequence[str] | ResolveError"


class Driver(Protocol):
    """Who drives a modem: it is told what happens on the modem's network, and has the clock."""

    @property
    def now(self) -> float:
        """The modem's clock in seconds."""

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Tell that ``events`` may have become true on ``socket``; spurious calls are allowed."""

    def resolved(self, token: object, answer: Answer) -> None:
        """Deliver the answer to the `Network.resolve` call that was made with ``token``."""

    def reschedule(self) -> None:
        """Look at the modem's deadline again: it was set by something that did not happen in a call of the engine."""


class NetSocket(ABC):
    """One socket. Readiness is edge-like: after `BlockingIOError` whoever is `ready` is told when to try again.

    What has become true of a stream stays true. Its bytes come first; behind them each `recv` tells the end anew, or
    the errno that the connection broke with, until `take_error` is asked for it; then that is an end too.

    Attributes:
        type: socket type.
        ready: who is told that events may have become true on this socket: its network's driver, as long as nobody
            has taken the place in front of it. It is never called out of a call of the socket's.
    """

    __slots__ = ("ready",)

    type: SocketType
    ready: Callable[[NetSocket, int], None]

    @property
    def base(self) -> NetSocket:
        """The socket of the bottom network that this one stands on; itself where it is that."""
        return self

    @property
    @abstractmethod
    def lost(self) -> int:
        """The errno that `abort` lost the connection with, 0 while it did not."""

    @abstractmethod
    def bind(self, port: int) -> None:
        """Bind to ``port`` (0 to 65535; 0 picks one) at the modem's own address."""

    @abstractmethod
    def listen(self, backlog: int) -> None:
        """Put a stream socket in listening mode."""

    @abstractmethod
    def accept(self) -> tuple[NetSocket, Address]:
        """Take a pending connection."""

    @abstractmethod
    def connect(self, address: Address) -> None:
        """Begin to connect; raise `BlockingIOError` where `finish_connect` has to be asked after POLLOUT."""

    @abstractmethod
    def finish_connect(self) -> None:
        """Return once connected, raise `BlockingIOError` while it is under way, or the `OSError` it ended with."""

    @abstractmethod
    def send(self, data: bytes) -> int:
        """Send to the connected peer; return how many bytes were taken."""

    @abstractmethod
    def sendto(self, data: bytes, address: Address) -> int:
        """Send one datagram to ``address``; return how many bytes were taken."""

    @abstractmethod
    def recv(self, size: int, flags: int) -> bytes:
        """Receive at most ``size`` bytes; ``b""`` is the peer's end of stream. ``flags``: 0 or `MSG_PEEK`."""

    @abstractmethod
    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        """Receive one datagram, cut to ``size`` bytes, and its sender."""

    @abstractmethod
    def poll(self) -> int:
        """Return what is true now, a sum of POLLIN, POLLOUT, POLLERR and POLLHUP."""

    @abstractmethod
    def remind(self) -> None:
        """Have `ready` told of what is true, once more and in another turn: for who stops before `BlockingIOError`."""

    @abstractmethod
    def unacknowledged(self) -> int:
        """Return how many sent bytes the peer has not acknowledged yet; an `OSError` where it never will."""

    @abstractmethod
    def take_error(self) -> int:
        """Return the errno of what went wrong since last asked, 0 where nothing did (SO_ERROR)."""

    @abstractmethod
    def set_option(self, option: Option, value: int) -> None:
        """Set a socket option; timeouts are in milliseconds, and SNDTIMEO and RCVTIMEO are the caller's business."""

    @abstractmethod
    def local_address(self) -> Address:
        """Return the local address and port."""

    @abstractmethod
    def peer_address(self) -> Address:
        """Return the peer's address and port; ENOTCONN where there is no peer."""

    @abstractmethod
    def abort(self, code: int) -> None:
        """Lose the connection: it ends, later calls fail with the errno ``code``, and POLLHUP is true."""

    @abstractmethod
    def close(self) -> None:
        """Close; a second call does nothing."""


class EchoSocket(NetSocket):
    """A socket for ICMP echo: `send_echo` and `recv_echo`, besides readiness and closing."""

    __slots__ = ()

    @abstractmethod
    def send_echo(self, sequence: int, payload: bytes) -> None:
        """Send one echo request to the connected peer."""

    @abstractmethod
    def recv_echo(self) -> int:
        """Return the sequence number of an echo reply that arrived."""


class Network(ABC):
    """One modem's network: its addresses, its sockets, its resolver, and whether its link is up.

    Attributes:
        driver: who drives the modem, and is told what happens; it is there before the first socket is opened.
    """

    __slots__ = ("driver",)

    driver: Driver

    @property
    @abstractmethod
    def up(self) -> bool:
        """Whether the link is up."""

    @property
    def deadline(self) -> float | None:
        """When `advance` has to be called next, None for not before something else happens."""
        return None

    def advance(self, now: float) -> None:  # noqa: B027 - most networks wait for no moment
        """Do what is due at ``now``; what becomes true of a socket is told at once."""

    @abstractmethod
    def address(self, family: Family) -> str | None:
        """Return the modem's own address of ``family``, None where it has none."""

    @abstractmethod
    def open(self, family: Family, type: SocketType) -> NetSocket:
        """Open a socket."""

    @abstractmethod
    def open_echo(self, family: Family, address: str) -> EchoSocket:
        """Open a socket that sends ICMP echo requests to ``address``."""

    @final
    def resolve(self, host: str, family: Family, token: object) -> Sequence[str] | None:
        """Resolve ``host``: an address literal at once; of a name the driver is told, with ``token``.

        Returns:
            The addresses, or None where they are not known yet.

        Raises:
            ResolveError: there is no link, or the literal is of another family.
        """
        if not self.up:
            raise ResolveError("EAI_AGAIN")
        literal = family_of(host)
        if literal is None:
            self.look_up(host, family, token)
            return None
        if family not in (Family.UNSPEC, literal):
            raise ResolveError("EAI_NONAME")
        return [host]

    @abstractmethod
    def look_up(self, host: str, family: Family, token: object) -> None:
        """Find the addresses of the name ``host``, and tell the driver."""

    @abstractmethod
    def set_link(self, *, up: bool) -> None:
        """Bring the link up or down; going down aborts every socket that used it."""

    @abstractmethod
    def close(self) -> None:
        """Close every socket that is still open and forget pending lookups."""


def family_of(host: str) -> Family | None:
    """Return the family of an address literal, None where ``host`` is not one."""
    try:
        return Family.IPV4 if ip_address(host).version == 4 else Family.IPV6
    except ValueError:
        return None


def earlier(one: float | None, other: float | None) -> float | None:
    """Return the earlier of two deadlines, None where there is neither."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def leave(socket: NetSocket) -> None:
    """Close ``socket``, which one stood in front of, and hear no more of it, but for the end of a lost connection."""
    socket.close()
    if not socket.lost:
        socket.ready = unheard  # the two would keep each other in memory


def unheard(socket: NetSocket, events: int) -> None:
    """Do nothing: nobody stands in front any more."""


def link_down() -> OSError:
    """Return the error of a call that needs the link while it is down."""
    return OSError(errno.ENETDOWN, "the link is down")
