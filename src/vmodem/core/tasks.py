"""What a handler may wait for.

A handler that must wait is a coroutine that awaits one of these traps; the engine drives it, no event loop does:

    events = await Ready(socket, POLLIN, deadline)    a socket, or 0 at the deadline
    await Delay(deadline)                             a moment
    addresses = await Lookup(host, family)            a name, or ResolveError
    value = await Work(job)                           what takes its time, done elsewhere
    data, why = await HostData(reader, time_limit)    bytes of the host
    await AnyReady(sockets, POLLIN, deadline)         one of several sockets, or 0
    await Room()                                      room for more unsolicited bytes
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Generic, Protocol, TypeVar, cast

from vmodem.core.framing import Flush
from vmodem.net.interface import Family, NetSocket

T = TypeVar("T")


class Trap(Generic[T]):
    """Something to wait for, until ``deadline`` (seconds on the engine's clock, None for ever)."""

    __slots__ = ("deadline",)

    deadline: float | None

    def __await__(self) -> Generator[Trap[T], Any, T]:
        """Hand the trap to the engine and return what it answers."""
        return cast(T, (yield self))


class AnyReady(Trap[int]):
    """Wait until one of ``events`` may be true on one of ``sockets``; 0 when the deadline came first."""

    __slots__ = ("events", "sockets")

    def __init__(self, sockets: Sequence[NetSocket], events: int, deadline: float | None) -> None:
        self.sockets = sockets
        self.events = events
        self.deadline = deadline


class Ready(AnyReady):
    """Wait until one of ``events`` may be true on ``socket``; 0 when the deadline came first."""

    __slots__ = ()

    def __init__(self, socket: NetSocket, events: int, deadline: float | None) -> None:
        super().__init__((socket,), events, deadline)


class Delay(Trap[None]):
    """Wait until ``deadline``."""

    __slots__ = ()

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline


class Lookup(Trap[Sequence[str]]):
    """Resolve ``host``; raise `ResolveError` where that fails."""

    __slots__ = ("family", "host")

    def __init__(self, host: str, family: Family) -> None:
        self.host = host
        self.family = family
        self.deadline = None


class Work(Trap[T]):
    """Have ``job`` done where it holds up nobody else; return what it returns, raise what it raises.

    Nothing that it uses may change meanwhile, and it may be done although nobody waits for it any more.
    """

    __slots__ = ("job",)

    def __init__(self, job: Callable[[], T]) -> None:
        self.job = job
        self.deadline = None


class DataReader(Protocol):
    """A reader of framing.py that takes data."""

    def read(self, buffer: bytearray, *, idle: bool) -> tuple[bytes, Flush] | None:
        """Take one piece of data, None for need more."""

    def waiting(self, buffer: bytearray) -> bool:
        """Return whether silence would flush something."""

    def rest(self, buffer: bytearray) -> bytes:
        """Take all that is left, when no more can come."""


class HostData(Trap[tuple[bytes, Flush]]):
    """Wait for a piece of the host's data, cut by ``reader``; ``time_limit`` seconds of silence flush."""

    __slots__ = ("reader", "time_limit")

    def __init__(self, reader: DataReader, time_limit: float) -> None:
        self.reader = reader
        self.time_limit = time_limit
        self.deadline = None


class Room(Trap[None]):
    """Wait until the host has taken what was sent, so that one more unsolicited message does not pile up.

    Whoever passes on what peers send waits for room before each piece: a host that does not read stops the peers.
    """

    __slots__ = ()

    def __init__(self) -> None:
        self.deadline = None


class Task:
    """A coroutine that the engine drives, and what happens with its end.

    Attributes:
        owner: whose it is: a channel, or the modem.
        coroutine: what runs.
        done: called with what it returns.
        failed: called with what it raises.
        trap: what it waits for, None while it runs or has ended.
        awaited: whether its owner's host waits for what it reports.
    """

    __slots__ = ("awaited", "coroutine", "done", "failed", "owner", "trap")

    def __init__(
        self,
        owner: object,
        coroutine: Coroutine[Any, Any, Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.owner = owner
        self.coroutine = coroutine
        self.done = done
        self.failed = failed
        self.trap: Trap[Any] | None = None
        self.awaited = False
