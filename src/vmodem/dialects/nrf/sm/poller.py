"""Asynchronous polling: which events of which sockets are still to be reported (the state behind #XAPOLL).

Every event is reported once. POLLIN is armed again by a receive that returned data, POLLOUT by a send; after an error
or a closure event a socket is out of polling for good.
"""

from __future__ import annotations

from collections.abc import Iterable

from vmodem.core.channel import Channel
from vmodem.dialects.nrf.sm.policy import Policy
from vmodem.dialects.nrf.socket import Socket
from vmodem.net.interface import CLOSURE, POLLNVAL


class Poller:
    """The state of #XAPOLL.

    Attributes:
        running: whether polling is on.
        events: the events that were asked for, a sum of POLLIN and POLLOUT.
        everything: whether all sockets are polled, those opened later included.
    """

    __slots__ = ("_armed", "_channel", "_policy", "events", "everything", "running")

    def __init__(self, channel: Channel, policy: Policy) -> None:
        self._channel = channel
        self._policy = policy
        self.running = False
        self.events = 0
        self.everything = False
        self._armed: dict[Socket, int] = {}  # what is still to be reported; CLOSURE is in it until it was

    def start(self, events: int, sockets: Iterable[Socket], *, everything: bool) -> None:
        """Poll ``sockets`` for ``events``, in place of whatever was polled before."""
        add_to = self._armed if everything and self.running and not self._policy.restart_resets else {}
        self.running = True
        self.events = events
        self.everything = everything
        self._armed = {}
        for socket in sockets:
            if socket in add_to:
                left = add_to[socket]
                self._armed[socket] = left | events if left & CLOSURE else 0
            else:
                self._armed[socket] = self._initial()
            self.check(socket)

    def stop(self) -> None:
        """Poll no more."""
        self.running = self.everything = False
        self.events = 0
        self._armed = {}

    def polled(self) -> list[Socket]:
        """Return the sockets that are polled, by handle."""
        return sorted(self._armed, key=lambda socket: socket.handle)

    def opened(self, socket: Socket) -> None:
        """Poll a new socket where all are polled."""
        if self.everything:
            self._armed[socket] = self._initial()
            self.check(socket)

    def closed(self, socket: Socket) -> None:
        """Poll a socket no more, and report its end unless a closure event has done so."""
        armed = self._armed.pop(socket, 0)
        if armed & POLLNVAL and self._policy.closing_reports_nval:
            self._channel.urc(f"#XAPOLL: {socket.handle},{POLLNVAL}")

    def rearm(self, socket: Socket, event: int) -> None:
        """Report ``event`` again, at once if it is true already."""
        armed = self._armed.get(socket, 0)
        if armed & CLOSURE and event & self.events:
            self._armed[socket] = armed | event
            self.check(socket)

    def check(self, socket: Socket) -> None:
        """Report the armed events that are true on ``socket``, in one line."""
        armed = self._armed.get(socket, 0)
        if not armed:
            return
        events = socket.net.poll() & armed
        if events:
            self._armed[socket] = 0 if events & CLOSURE else armed & ~events
            self._channel.urc(f"#XAPOLL: {socket.handle},{events}")

    def _initial(self) -> int:
        if not self.events and not self._policy.polls_closure_alone:
            return 0
        return self.events | CLOSURE
