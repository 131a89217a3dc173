"""The sockets that a host has open, by handle."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Generic, Protocol, TypeVar

from vmodem.core.errors import CommandError
from vmodem.net.interface import NetSocket


class Handled(Protocol):
    """What a dialect keeps of one open socket: at least the handle that names it, and the network's socket."""

    @property
    def handle(self) -> int:
        """The number that names it on the wire."""

    @property
    def net(self) -> NetSocket | None:
        """The network's socket behind it, None where that is closed already."""

    @property
    def peer(self) -> Handled | None:
        """The accepted connection that it reaches in its place, None where it is reached itself."""


S = TypeVar("S", bound=Handled)


class SocketTable(Generic[S]):
    """Open sockets by handle; a new one gets the lowest free handle.

    Args:
        limit: how many may be open at once.
        first: the lowest handle.
    """

    __slots__ = ("_first", "_limit", "_reserved", "_sockets")

    def __init__(self, limit: int, first: int = 0) -> None:
        self._limit = limit
        self._first = first
        self._sockets: dict[int, S] = {}
        self._reserved: set[int] = set()

    def free_handle(self, first: int = 0) -> int:
        """Return the handle that the next socket gets: the lowest that is free, from ``first`` on.

        Raises:
            CommandError: the table is full.
        """
        if len(self._sockets) + len(self._reserved) >= self._limit:
            raise CommandError(f"{self._limit} sockets are open already")
        handles = count(max(first, self._first))
        return next(handle for handle in handles if handle not in self._sockets and handle not in self._reserved)

    def reserve(self, first: int = 0) -> int:
        """Take the lowest free handle, from ``first`` on, for something that is no socket, and return it.

        Raises:
            CommandError: the table is full.
        """
        handle = self.free_handle(first)
        self._reserved.add(handle)
        return handle

    def release(self, handle: int) -> None:
        """Give a handle back that was taken by `reserve`."""
        self._reserved.discard(handle)

    def add(self, socket: S) -> None:
        """Enter ``socket`` under its handle."""
        self._sockets[socket.handle] = socket

    def remove(self, socket: S) -> None:
        """Take ``socket`` out."""
        del self._sockets[socket.handle]

    def get(self, handle: int) -> S | None:
        """Return the open socket called ``handle``, None where there is none."""
        return self._sockets.get(handle)

    def find(self, net: NetSocket) -> S | None:
        """Return the open socket in front of ``net``, None where there is none."""
        for socket in self._sockets.values():
            if socket.net is net:
                return socket
        return None

    def __iter__(self) -> Iterator[S]:
        """Iterate over the open sockets in the order of their handles; they may be closed meanwhile."""
        return iter([self._sockets[handle] for handle in sorted(self._sockets)])

    def __len__(self) -> int:
        return len(self._sockets)
