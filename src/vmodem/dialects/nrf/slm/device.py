"""The Serial LTE Modem device: its sockets, of which one is active."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from vmodem.core.channel import Channel
from vmodem.core.errors import CommandError
from vmodem.core.parameters import Values, shown
from vmodem.core.sockets import SocketTable
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.data_mode import Send
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.slm.policy import Policy
from vmodem.dialects.nrf.slm.version import Version
from vmodem.dialects.nrf.socket import SERVER, Socket
from vmodem.net.interface import SocketType

MAX_HANDLES = 8
"""How many sockets may be open, accepted connections and services included."""

POLLOUT_TIMEOUT = 30
"""Seconds that sending may wait without any progress."""


class Opened(NamedTuple):
    """A socket that the host opened, and its ranking: the larger, the later it was opened."""

    socket: Socket
    ranking: int


class SerialLteModem(Nrf91):
    """One Serial LTE Modem between power-on and reset.

    Attributes:
        version: what its release is.
        policy: what differs on either side of ``--follow``.
        slots: the sockets that the host opened, each in the lowest slot that was free then.
        active: the socket that commands without a handle are for, None where there is none.
    """

    policy: Policy
    version: Version

    __slots__ = ("_ranking", "active", "slots")

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel, SocketTable(MAX_HANDLES, channel.modem.policy.first_handle))
        self.slots: list[Opened | None] = [None] * self.version.max_opened
        self.active: Socket | None = None
        self._ranking = self.policy.first_ranking

    @property
    def opened(self) -> list[Opened]:
        """The sockets that the host opened, by slot."""
        return [entry for entry in self.slots if entry is not None]

    def need_slot(self) -> int:
        """Return the slot of the next socket.

        Raises:
            CommandError: none is free.
        """
        if None not in self.slots:
            raise CommandError(f"{len(self.slots)} sockets are open already")
        return self.slots.index(None)

    def opened_as(self, socket: Socket, slot: int) -> None:
        """Enter a socket that the host just opened; it becomes the active one."""
        self.add(socket)
        self.slots[slot] = Opened(socket, self._ranking)
        self._ranking += 1
        self.active = socket

    def close(self, socket: Socket) -> None:
        """Close a socket; of those that are left the latest opened becomes active in its place."""
        super().close(socket)
        self.slots = [None if entry is not None and entry.socket is socket else entry for entry in self.slots]
        if self.active is socket:
            highest = max(self.opened, key=lambda entry: entry.ranking, default=None)
            self.active = None if highest is None else highest.socket

    def named(self, handle: Value) -> Socket | None:
        """Return the socket that the host opened as ``handle``, None where there is none."""
        return next((entry.socket for entry in self.opened if entry.socket.handle == handle), None)

    def need_active(self) -> Socket:
        """Return the active socket.

        Raises:
            CommandError: there is none.
        """
        if self.active is None:
            raise CommandError("no socket is open, or none is selected")
        return self.active

    def need_connection(self) -> Socket:
        """Return the socket that data of the active one goes through: a TCP server's is the connection it accepted.

        Raises:
            CommandError: there is none.
        """
        socket = self.need_active()
        if socket.role == SERVER and socket.type is SocketType.STREAM and socket.peer is None:
            raise CommandError("the server has accepted nobody")
        return self.reaches(socket)

    def send_timeout(self, socket: Socket) -> float:
        """Return how many seconds sending may wait: the option's, but never longer than the firmware polls."""
        option = (socket.listener or socket).send_timeout
        return min(option or POLLOUT_TIMEOUT, POLLOUT_TIMEOUT)

    def begin_data_mode(self, send: Send, *, datagrams: bool) -> Coroutine[Any, Any, None] | None:
        """Begin data mode; return what the running command has to wait for, if anything.

        Args:
            send: sends one flush.
            datagrams: whether one flush is one datagram.
        """
        return self.version.data_mode(self, send, datagrams=datagrams)


def opened_handle(device: SerialLteModem, value: Value) -> Socket:
    """Accept the handle of a socket that the host opened."""
    socket = device.named(value)
    if socket is None:
        raise CommandError(f"{shown(value)} is the handle of no open socket")
    return socket


def security_tag(device: SerialLteModem, value: Value) -> int:
    """Accept an unsigned 32-bit integer, and return it as the signed one that the firmware makes of it."""
    if type(value) is not int or not 0 <= value < 2**32:
        raise CommandError(f"{shown(value)} is not an integer from 0 to {2**32 - 1}")
    return value - 2**32 if value >= 2**31 else value


HANDLE: Final = Values(opened_handle, "its handle")
Handle: TypeAlias = Annotated[Socket, HANDLE]
SecTag: TypeAlias = Annotated[int, Values(security_tag, f"an integer from 0 to {2**32 - 1}")]
