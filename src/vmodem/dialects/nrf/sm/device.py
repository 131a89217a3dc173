"""The Serial Modem device: its sockets and its asynchronous polling."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.channel import Channel
from vmodem.core.errors import CommandError
from vmodem.core.parameters import Values, shown
from vmodem.core.sockets import SocketTable
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.sm.policy import Policy
from vmodem.dialects.nrf.sm.poller import Poller
from vmodem.dialects.nrf.socket import Socket
from vmodem.net.interface import NetSocket


class SerialModem(Nrf91):
    """One Serial Modem between power-on and reset.

    Attributes:
        policy: what differs on either side of ``--follow``.
        poller: the state of #XAPOLL.
    """

    __slots__ = ("poller",)

    policy: Policy

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel, SocketTable(channel.modem.policy.max_sockets))
        self.poller = Poller(channel, self.policy)

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Report events that #XAPOLL polls for."""
        super().socket_ready(socket, events)
        if self.poller.running:
            found = self.sockets.find(socket)
            if found is not None:
                self.poller.check(found)

    def add(self, socket: Socket) -> None:
        """Enter a socket that was just opened or accepted; poll it where all are polled."""
        super().add(socket)
        self.poller.opened(socket)

    def close(self, socket: Socket) -> None:
        """Close a socket, and the connections that it accepted, if any; poll them no more."""
        super().close(socket)
        self.poller.closed(socket)

    def end_inactive(self, peer: Socket) -> None:
        """End an accepted connection that was inactive for too long, and report that."""
        super().end_inactive(peer)
        self.poller.check(peer)

    def reset_core(self) -> None:
        """Restart the modem core; polling ends."""
        self.poller.stop()
        super().reset_core()

    def listed(self) -> list[Socket]:
        """Return the sockets that the host can name, by handle."""
        return [socket for socket in self.sockets if self._is_named(socket)]

    def named(self, handle: Value) -> Socket | None:
        """Return the socket that the host calls ``handle``, None where there is none."""
        socket = self.sockets.get(handle) if type(handle) is int else None
        return socket if socket is not None and self._is_named(socket) else None

    def _is_named(self, socket: Socket) -> bool:
        return socket.listener is None or self.policy.accepted_is_socket


def open_handle(device: SerialModem, value: Value) -> Socket:
    """Accept the handle of an open socket."""
    socket = device.named(value)
    if socket is None:
        raise CommandError(f"{shown(value)} is the handle of no open socket")
    return socket


HANDLE: Final = Values(open_handle, "its handle")
Handle: TypeAlias = Annotated[Socket, HANDLE]
