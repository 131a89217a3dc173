"""What happens at a modem, as events: for the log, for tests, for whoever wants to record or to show it.

A `Trace` is told of every event. Each event is a small value that never changes, and knows whether it may hold a
secret; what may be shown of it all the same is its `shown`. Where nobody listens no event is made.

This module must not know about dialects or networks beyond their words, and does no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from vmodem.core.dialogue import Dialogue
from vmodem.core.errors import CommandError

if TYPE_CHECKING:
    from vmodem.core.channel import Channel
    from vmodem.core.framing import Flush
    from vmodem.core.modem import Modem
    from vmodem.net.interface import Address, Family, SocketType


class Event:
    """Something that happened."""

    __slots__ = ()

    @property
    def secret(self) -> bool:
        """Whether it may hold a secret: a key, a password, what is sent over a secure connection."""
        return False


class Trace(Protocol):
    """Who is told what happens."""

    def event(self, now: float, modem: Modem, channel: Channel | None, event: Event, /) -> None:
        """Take note of ``event``.

        Args:
            now: when it happened, in seconds on the modem's clock.
            modem: where.
            channel: whose host it is about, None where it is the modem's own.
            event: what.
        """


# The dialogue


@dataclass(frozen=True, slots=True)
class _Said(Event):
    """Bytes of the dialogue.

    Attributes:
        data: the bytes.
        shown: what may be shown of them.
    """

    data: bytes
    shown: bytes

    @property
    def secret(self) -> bool:
        """Whether not all of it may be shown."""
        return self.shown != self.data


class HostLine(_Said):
    """A line of the host, without its terminator."""

    __slots__ = ()


class Reply(_Said):
    """What is sent before the result of a command, or in the middle of data mode, as it is sent."""

    __slots__ = ()


class Result(_Said):
    """The final result of a command, as it is sent: OK, or an error."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Urc(Event):
    """An unsolicited message, as it is sent."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """Why the command that has just failed did so; its `Result` follows.

    Attributes:
        command: what may be shown of its line.
        reason: why, in words for a user, which hold no secret.
        parameter: the parameter that is to blame, by the manual's name; empty where it is none.
        unknown: whether there is no such command, or not in this form.
    """

    command: bytes
    reason: str
    parameter: str = ""
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Note(Event):
    """Something that a user should know although no result tells it; it is in the log as well.

    Attributes:
        level: how much it matters, as in `logging`.
        text: what.
    """

    level: int
    text: str


# Data mode


@dataclass(frozen=True, slots=True)
class DataBegins(Event):
    """From now on the host's bytes are data."""


@dataclass(frozen=True, slots=True)
class Data(Event):
    """A piece of the host's data, as data mode cut it.

    Attributes:
        data: the piece.
        why: why it was cut here.
    """

    data: bytes
    why: str

    @property
    def secret(self) -> bool:
        """Whether it may hold a secret: nobody knows but the host."""
        return True


@dataclass(frozen=True, slots=True)
class DataEnds(Event):
    """From now on the host's bytes are command lines."""


# Power


class State(Enum):
    """What became of a modem."""

    ON = "on"
    RESTARTED = "restarted"
    ASLEEP = "asleep"
    AWAKE = "awake"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Power(Event):
    """The modem is in another state."""

    state: State


# Sockets


@dataclass(frozen=True, slots=True)
class SocketEvent(Event):
    """Something about one socket of the modem.

    Attributes:
        socket: its number: sockets are counted from 1 as they are opened or accepted.
    """

    socket: int


@dataclass(frozen=True, slots=True)
class Opened(SocketEvent):
    """A socket was opened."""

    family: Family
    type: SocketType


@dataclass(frozen=True, slots=True)
class Bound(SocketEvent):
    """A socket has got a local address."""

    address: Address


@dataclass(frozen=True, slots=True)
class Listening(SocketEvent):
    """A socket listens for connections."""


@dataclass(frozen=True, slots=True)
class Accepted(SocketEvent):
    """A connection was accepted: the socket is a new one.

    Attributes:
        listener: the number of the socket that listens.
        address: the peer.
    """

    listener: int
    address: Address


@dataclass(frozen=True, slots=True)
class Connecting(SocketEvent):
    """A connection was asked for."""

    address: Address


@dataclass(frozen=True, slots=True)
class Connected(SocketEvent):
    """A connection is there."""


@dataclass(frozen=True, slots=True)
class Secured(SocketEvent):
    """The handshake is done: what is sent and received from now on is secret, and seen here in the clear.

    Attributes:
        ciphersuite: as IANA numbers it.
        resumed: whether an earlier session was resumed.
    """

    ciphersuite: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class _Moved(SocketEvent):
    """Data that went through a socket.

    Attributes:
        data: the bytes.
        address: where to or from, None on a connection.
        secure: whether the connection is a secure one.
    """

    data: bytes
    address: Address | None
    secure: bool

    @property
    def secret(self) -> bool:
        """Whether it may hold a secret: others cannot read it on its way."""
        return self.secure


class Sent(_Moved):
    """The network has taken data."""

    __slots__ = ()


class Received(_Moved):
    """Data was received; the end of a stream is empty."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Failed(SocketEvent):
    """The network has refused something.

    Attributes:
        call: what was asked for: connect, send, recv ...
        reason: why, in words.
    """

    call: str
    reason: str


@dataclass(frozen=True, slots=True)
class Closed(SocketEvent):
    """A socket was closed."""


@dataclass(frozen=True, slots=True)
class LookUp(Event):
    """The addresses of a name were asked for."""

    host: str


@dataclass(frozen=True, slots=True)
class Resolved(Event):
    """A lookup was answered.

    Attributes:
        host: the name.
        addresses: its addresses, none where it failed.
        failure: the constant of getaddrinfo(3), empty where it did not.
    """

    host: str
    addresses: Sequence[str]
    failure: str


class Tracer:
    """What one channel tells those who listen; there is none where nobody does.

    Args:
        channel: the channel.
    """

    __slots__ = ("_channel", "_command", "_dialogue")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._dialogue = Dialogue(channel.modem.dialect)
        self._command = b""

    def tell(self, event: Event) -> None:
        """Tell of something that needs no look at secrets."""
        self._channel.modem.tell(event, self._channel)

    def line(self, line: bytes) -> None:
        """Tell of a line of the host."""
        self._command = self._dialogue.line(line)
        self.tell(HostLine(line, self._command))

    def overlong(self) -> None:
        """Take note of a line that was too long: what follows may be a piece of it."""
        self._dialogue.overlong()
        self._command = b""

    def reply(self, data: bytes) -> None:
        """Tell of what is sent before a result."""
        self.tell(Reply(data, self._dialogue.answer(data)))

    def result(self, data: bytes) -> None:
        """Tell of a final result."""
        self.tell(Result(data, self._dialogue.answer(data)))

    def urc(self, data: bytes) -> None:
        """Tell of an unsolicited message."""
        self.tell(Urc(data))

    def data_begins(self) -> None:
        """Tell that the host's bytes are data from now on."""
        self.tell(DataBegins())

    def data(self, data: bytes, why: Flush) -> None:
        """Tell of a piece of the host's data."""
        self.tell(Data(data, why.value))

    def data_ends(self) -> None:
        """Tell that the host's bytes are lines from now on."""
        self.tell(DataEnds())

    def refused(self, error: CommandError) -> None:
        """Tell why the command failed."""
        self.tell(Refused(self._command, error.reason, error.parameter, error.unknown))
