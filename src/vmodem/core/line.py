"""A serial line as its modem sees it: bytes both ways, and the wires beside them.

Whoever drives a modem, a session or a test, drives a `Line`. The plainest one is a channel; another, such as noise, a
telnet server or a multiplexer, stands on one or more of them, and nobody below or above learns of it.

Nothing here does I/O or looks at a clock. This module must not know about AT commands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Signals:
    """The wires of a line besides its data, and its speed; both sides set theirs and hear of the other's.

    Args:
        baud: speed in bit/s.
        rtscts: whether the line has RTS/CTS flow control.

    Attributes:
        baud: speed in bit/s, as the modem has it.
        rtscts: whether RTS/CTS flow control is on, as the modem has it.
        dtr: whether the host is ready (DTR); set by the host.
        rts: whether the host takes data (RTS); set by the host.
        cts: whether the modem takes data (CTS); set by the modem.
        dcd: whether there is a data connection (DCD); set by the modem.
        ri: whether the modem wants to be heard (RI); set by the modem.
        to_host: called when the modem has changed something; the line's driver sets it.
        to_modem: called when the host has changed something; called with True for a break.
    """

    __slots__ = ("baud", "cts", "dcd", "dtr", "ri", "rts", "rtscts", "to_host", "to_modem")

    def __init__(self, baud: int = 115200, *, rtscts: bool = True) -> None:
        self.baud = baud
        self.rtscts = rtscts
        self.dtr = self.rts = True
        self.cts = True
        self.dcd = self.ri = False
        self.to_host: Callable[[], None] = _nobody
        self.to_modem: Callable[[bool], None] = _nobody_breaks

    def host_sets(self, *, dtr: bool | None = None, rts: bool | None = None) -> None:
        """Set wires of the host, those that are not None; the modem hears of it where one has changed."""
        if dtr in (None, self.dtr) and rts in (None, self.rts):
            return
        self.dtr = self.dtr if dtr is None else dtr
        self.rts = self.rts if rts is None else rts
        self.to_modem(False)

    def host_breaks(self) -> None:
        """Send a break to the modem."""
        self.to_modem(True)

    def modem_sets(self, *, cts: bool | None = None, dcd: bool | None = None, ri: bool | None = None) -> None:
        """Set wires of the modem, those that are not None; the host hears of it where one has changed."""
        if cts in (None, self.cts) and dcd in (None, self.dcd) and ri in (None, self.ri):
            return
        self.cts = self.cts if cts is None else cts
        self.dcd = self.dcd if dcd is None else dcd
        self.ri = self.ri if ri is None else ri
        self.to_host()

    def modem_sets_speed(self, baud: int, *, rtscts: bool) -> None:
        """Set speed, in bit/s, and flow control as the host has asked the modem to; the line's driver hears of it."""
        self.baud, self.rtscts = baud, rtscts
        self.to_host()


class Line(Protocol):
    """A line that somebody drives."""

    @property
    def signals(self) -> Signals:
        """The wires besides the data."""

    @property
    def output(self) -> bytearray:
        """Bytes for the host: whoever has written some takes them off the front."""

    @property
    def accepting(self) -> bool:
        """False while the host should be kept from sending."""

    @property
    def streaming(self) -> bool:
        """True where more data is welcome at once: the driver does well to read all that there is."""

    @property
    def stalled(self) -> bool:
        """Whether it waits for `output` to be taken; `Line.advance` lets it go on."""

    @property
    def hungry(self) -> bool:
        """Whether it has had its share of work, and there may be more; `Line.advance` lets it go on."""

    @property
    def finished(self) -> bool:
        """True once the host has sent its last byte and everything that it asked for is done."""

    @property
    def unread(self) -> int:
        """How many bytes of the host nobody has consumed yet."""

    @property
    def deadline(self) -> float | None:
        """When `advance` has to be called next, None for not before something else happens."""

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes of the host; any number, cut anywhere."""

    def eof(self, now: float) -> None:
        """Take note that the host sends no more; what it sent is still carried out."""

    def advance(self, now: float) -> None:
        """Do what is due at ``now``, or what waited for `output` to be taken."""


class LineLayer:
    """A line that stands on another and passes everything through: what changes something is a subclass.

    A subclass that changes what the host hears has an `output` of its own, into which it moves the inner one's when it
    is asked for; no more than the inner line would hold itself, so that a host that does not read still stops it.

    Args:
        inner: the line that it stands on.

    Attributes:
        inner: the same.
    """

    __slots__ = ("inner",)

    def __init__(self, inner: Line) -> None:
        self.inner = inner

    @property
    def signals(self) -> Signals:
        """The wires of the inner line."""
        return self.inner.signals

    @property
    def output(self) -> bytearray:
        """What the inner line has for the host."""
        return self.inner.output

    @property
    def accepting(self) -> bool:
        """Whether the inner line accepts more."""
        return self.inner.accepting

    @property
    def streaming(self) -> bool:
        """Whether the inner line wants data at once."""
        return self.inner.streaming

    @property
    def stalled(self) -> bool:
        """Whether the inner line waits for its output to be taken."""
        return self.inner.stalled

    @property
    def hungry(self) -> bool:
        """Whether the inner line has more to do."""
        return self.inner.hungry

    @property
    def finished(self) -> bool:
        """Whether the inner line has done everything."""
        return self.inner.finished

    @property
    def unread(self) -> int:
        """How many bytes of the host wait in the inner line."""
        return self.inner.unread

    @property
    def deadline(self) -> float | None:
        """When the inner line is due."""
        return self.inner.deadline

    def receive(self, data: bytes, now: float) -> None:
        """Hand bytes of the host over."""
        self.inner.receive(data, now)

    def eof(self, now: float) -> None:
        """Hand the end of the host's bytes over."""
        self.inner.eof(now)

    def advance(self, now: float) -> None:
        """Let the inner line do what is due."""
        self.inner.advance(now)


def _nobody() -> None:
    """Do nothing about a change of the modem's wires: most endpoints have none."""


def _nobody_breaks(broken: bool) -> None:
    """Do nothing about a change of the host's wires."""
