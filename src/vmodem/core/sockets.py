"""The sockets that a host has open, by handle."""

from __future__ import annotations

from collections.abc import Iterator

from vmodem.core.errors import CommandError
from vmodem.core.tasks import Task
from vmodem.net.interface import Family, NetSocket, SocketType


class Socket:
    """One open socket as its host knows it.

    Attributes:
        handle: the number that names it on the wire.
        net: the network's socket behind it.
        family: protocol family.
        type: socket type.
        role: 0 client, 1 server.
        cid: PDN connection.
        sec_tag: security tag of a secure socket, None for a plain one.
        hostname: the name that a secure socket's peer has to have, None where it is not checked.
        receive_timeout: seconds, 0 for ever.
        send_timeout: seconds, 0 for ever.
        options: value of every option that was set, by its number.
        peer: the accepted connection that a listening socket reaches.
        listener: the listening socket that an accepted connection came from.
        active_at: when data last moved, in seconds of the engine's clock.
        watchdog: the background task that ends an inactive connection.
    """

    __slots__ = (
        "active_at",
        "cid",
        "family",
        "handle",
        "hostname",
        "listener",
        "net",
        "options",
        "peer",
        "receive_timeout",
        "role",
        "sec_tag",
        "send_timeout",
        "type",
        "watchdog",
    )

    def __init__(self, handle: int, net: NetSocket, family: Family, type: SocketType, role: int, cid: int = 0) -> None:
        self.handle = handle
        self.net = net
        self.family = family
        self.type = type
        self.role = role
        self.cid = cid
        self.sec_tag: int | None = None
        self.hostname: str | None = None
        self.receive_timeout = 0.0
        self.send_timeout = 0.0
        self.options: dict[int, int] = {}
        self.peer: Socket | None = None
        self.listener: Socket | None = None
        self.active_at = 0.0
        self.watchdog: Task | None = None


class SocketTable:
    """Open sockets by handle; a new one gets the lowest free handle.

    Args:
        limit: how many may be open at once.
        first: the lowest handle.
    """

    __slots__ = ("_first", "_limit", "_sockets")

    def __init__(self, limit: int, first: int = 0) -> None:
        self._limit = limit
        self._first = first
        self._sockets: dict[int, Socket] = {}

    def free_handle(self) -> int:
        """Return the handle that the next socket gets.

        Raises:
            CommandError: the table is full.
        """
        for handle in range(self._first, self._first + self._limit):
            if handle not in self._sockets:
                return handle
        raise CommandError(f"{self._limit} sockets are open already")

    def add(self, socket: Socket) -> None:
        """Enter ``socket`` under its handle."""
        self._sockets[socket.handle] = socket

    def remove(self, socket: Socket) -> None:
        """Take ``socket`` out."""
        del self._sockets[socket.handle]

    def get(self, handle: int) -> Socket | None:
        """Return the open socket called ``handle``, None where there is none."""
        return self._sockets.get(handle)

    def find(self, net: NetSocket) -> Socket | None:
        """Return the open socket in front of ``net``, None where there is none."""
        for socket in self._sockets.values():
            if socket.net is net:
                return socket
        return None

    def __iter__(self) -> Iterator[Socket]:
        """Iterate over the open sockets in the order of their handles; they may be closed meanwhile."""
        return iter([self._sockets[handle] for handle in sorted(self._sockets)])

    def __len__(self) -> int:
        return len(self._sockets)
