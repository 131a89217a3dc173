"""From host bytes to lines and to data: readers over one input buffer.

`LineReader` takes one line; `EscapeReader` takes data up to an escape sequence, `SilenceReader` up to one that silence
follows, `CountReader` a number of bytes. A reader takes what it consumes out of the front of the buffer, returns None
for "need more", and gives the same result however the bytes were cut into chunks. Readers know nothing of commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

CR: Final = 0x0D
LF: Final = 0x0A
NUL: Final = 0x00
QUOTE: Final = 0x22
BACKSPACE: Final = b"\x08\x7f"


class Terminator(Enum):
    """What ends a line."""

    CR = "cr"
    LF = "lf"
    CRLF = "crlf"


class LineTooLong(Exception):  # noqa: N818 - an event of the wire, not a fault of the caller
    """A line was longer than the limit, and has been discarded."""


class Overlong(Enum):
    """What becomes of a line that is longer than the limit."""

    ERROR = "one error when its terminator comes"
    ERROR_AT_ONCE = "an error as soon as it is too long; what follows begins a new line"
    TRUNCATE = "its beginning, up to the limit, is the line"


@dataclass(frozen=True, slots=True)
class LineRules:
    """How a device cuts lines, besides their terminator.

    Attributes:
        limit: longest line in bytes, terminator excluded.
        quotes: whether a terminator inside double quotes is data.
        nul: whether NUL ends a line too.
    """

    limit: int
    quotes: bool = True
    nul: bool = False


class LineReader:
    """Cut lines out of the input.

    Backspace (0x08) and delete (0x7F) take back the byte before them. With `Terminator.CR` one LF right after the CR
    belongs to the terminator; with `Terminator.CRLF` a lone CR or LF is data.

    Args:
        terminator: what ends a line.
        rules: how lines are cut besides.
        overlong: what becomes of a line that is too long.
    """

    __slots__ = (
        "_after_cr",
        "_echoed",
        "_kept",
        "_limit",
        "_overlong",
        "_overlong_rule",
        "_pos",
        "_quoted",
        "_sends_lf",
        "_special",
        "_terminator",
    )

    def __init__(self, terminator: Terminator, rules: LineRules, overlong: Overlong = Overlong.ERROR) -> None:
        self._terminator = terminator
        ends = (b"\r" if terminator is Terminator.CR else b"\n") + (b"\0" if rules.nul else b"")
        self._special = re.compile(b"[%b%b%b]" % (ends, BACKSPACE, b'"' if rules.quotes else b""))
        self._limit = rules.limit
        self._overlong_rule = overlong
        self._pos = 0  # bytes before this were looked at already
        self._echoed = 0  # bytes before this were echoed already
        self._quoted = False
        self._overlong = False
        self._kept = b""  # the beginning of an overlong line
        self._after_cr = False
        self._sends_lf: bool | None = None  # the host's habit, once seen

    def read(self, buffer: bytearray, echo: bytearray | None = None) -> bytes | None:
        """Take one line, without its terminator, off the front of ``buffer``.

        Args:
            buffer: what the host sent and nobody consumed.
            echo: where bytes are copied as they are looked at, None for no echo.

        Returns:
            The line, or None while its terminator has not come.

        Raises:
            LineTooLong: in place of a line that was longer than the limit, unless such a line is truncated.
        """
        if self._after_cr and not self.skip_line_feed(buffer):
            return None
        if self._overlong:
            return self._skip_overlong(buffer, echo)
        window = self._limit + 2  # a line of the limit's length and CR LF
        search = self._special.search
        while (found := search(buffer, self._pos, window)) is not None:
            at = found.start()
            byte = buffer[at]
            if byte == QUOTE:
                self._quoted = not self._quoted
                self._pos = at + 1
            elif byte in BACKSPACE:
                self._take_back(buffer, at, echo)
            elif not self._quoted and self._ends_line(buffer, at):
                return self._take_line(buffer, at, echo)
            else:
                self._pos = at + 1
        self._pos = min(len(buffer), window)
        self._echo(buffer, self._pos, echo)
        if self._pos < window:
            return None
        if self._overlong_rule is Overlong.ERROR_AT_ONCE:
            del buffer[:window]
            self._pos = self._echoed = 0
            self._quoted = False
            raise LineTooLong
        self._overlong = True
        self._kept = bytes(buffer[: self._limit])
        self._discard(buffer, window)
        return self._skip_overlong(buffer, echo)

    def _skip_overlong(self, buffer: bytearray, echo: bytearray | None) -> bytes | None:
        """Discard bytes up to the next terminator, one within quotes not counted; editing means nothing any more."""
        while (found := self._special.search(buffer, self._pos)) is not None:
            at = found.start()
            self._pos = at + 1
            if buffer[at] == QUOTE:
                self._quoted = not self._quoted
            elif buffer[at] not in BACKSPACE and not self._quoted and self._ends_line(buffer, at):
                return self._take_line(buffer, at, echo)
        self._echo(buffer, len(buffer), echo)
        if buffer:
            self._discard(buffer, len(buffer))
        return None

    def skip_line_feed(self, buffer: bytearray) -> bool:
        """Drop the LF that followed the last line's CR; return False while that is not known yet."""
        if not self._after_cr:
            return True
        if not buffer:
            return False
        self._after_cr = False
        self._sends_lf = buffer[0] == LF
        if self._sends_lf:
            del buffer[0]
        return True

    def enter_data(self, *, swallow: bool) -> None:
        """Decide whether a LF that comes next, as the first byte of data, still belongs to the last line.

        A host whose earlier lines ended in a bare CR means every byte that it sends as data; any other host's LF
        completes its CR LF.

        Args:
            swallow: False where the firmware takes that LF as data in any case.
        """
        if not swallow or self._sends_lf is False:
            self._after_cr = False

    @property
    def partial(self) -> bool:
        """True while the beginning of a line has been seen and not its end."""
        return self._pos > 0 or self._overlong

    def reset(self) -> None:
        """Forget a line that was begun."""
        self._pos = self._echoed = 0
        self._quoted = self._overlong = self._after_cr = False

    def _ends_line(self, buffer: bytearray, at: int) -> bool:
        return self._terminator is not Terminator.CRLF or buffer[at] == NUL or (at > 0 and buffer[at - 1] == CR)

    def _take_line(self, buffer: bytearray, at: int, echo: bytearray | None) -> bytes:
        self._echo(buffer, at + 1, echo)
        end = at
        if buffer[at] == LF and at > 0 and buffer[at - 1] == CR:
            end = at - 1
        line = self._kept if self._overlong else bytes(buffer[:end])
        overlong = self._overlong or len(line) > self._limit
        self._after_cr = buffer[at] == CR
        del buffer[: at + 1]
        self._pos = self._echoed = 0
        self._overlong = False
        if overlong and self._overlong_rule is not Overlong.TRUNCATE:
            raise LineTooLong
        return line[: self._limit] if overlong else line

    def _take_back(self, buffer: bytearray, at: int, echo: bytearray | None) -> None:
        self._echo(buffer, at + 1, echo)
        start = at - 1 if at > 0 else 0
        del buffer[start : at + 1]
        self._pos = self._echoed = start

    def _discard(self, buffer: bytearray, end: int) -> None:
        """Drop an overlong beginning; keep a last CR, which may be half of a CR LF."""
        keep = 1 if buffer[end - 1] == CR else 0
        del buffer[: end - keep]
        self._pos = self._echoed = keep

    def _echo(self, buffer: bytearray, end: int, echo: bytearray | None) -> None:
        if echo is not None and end > self._echoed:
            echo += buffer[self._echoed : end]
        self._echoed = end


class Flush(Enum):
    """Why a piece of data ended."""

    IDLE = "the host was silent for the time limit"
    FULL = "the buffer is full"
    OVERFLOW = "more bytes without a pause than the buffer holds"
    ESCAPE = "the escape sequence came"


class EscapeReader:
    """Take data up to an escape sequence, which is found anywhere and however it was cut into chunks.

    A part of the escape sequence at the end of the input is held back. When the host falls silent it is data if other
    data is waiting before it; alone it stays held, since it may still be completed.

    Args:
        escape: the escape sequence, such as ``b"+++"``.
        capacity: buffer size in bytes.
        datagrams: True where one piece is one datagram: more than ``capacity`` bytes without a pause are an overflow.
    """

    __slots__ = ("_capacity", "_datagrams", "_escape")

    def __init__(self, escape: bytes, capacity: int, *, datagrams: bool) -> None:
        self._escape = escape
        self._capacity = capacity
        self._datagrams = datagrams

    def read(self, buffer: bytearray, *, idle: bool) -> tuple[bytes, Flush] | None:
        """Take one piece of data; ``idle`` tells that the host was silent for the time limit."""
        at = buffer.find(self._escape)
        length = at if at >= 0 else len(buffer) - self._held(buffer)
        if self._datagrams and length > self._capacity:
            return self._take(buffer, length, 0, Flush.OVERFLOW)
        if at >= 0:
            return self._take(buffer, at, len(self._escape), Flush.ESCAPE)
        if length >= self._capacity and not self._datagrams:
            return self._take(buffer, length, 0, Flush.FULL)
        if idle and length > 0:
            return self._take(buffer, len(buffer), 0, Flush.IDLE)
        return None

    def waiting(self, buffer: bytearray) -> bool:
        """Return whether silence would flush something."""
        return len(buffer) > self._held(buffer)

    def rest(self, buffer: bytearray) -> bytes:
        """Take all that is left, when no more can come."""
        return self._take(buffer, len(buffer), 0, Flush.IDLE)[0]

    def _held(self, buffer: bytearray) -> int:
        for length in range(len(self._escape) - 1, 0, -1):
            if buffer.endswith(self._escape[:length]):
                return length
        return 0

    @staticmethod
    def _take(buffer: bytearray, length: int, skip: int, why: Flush) -> tuple[bytes, Flush]:
        data = bytes(buffer[:length])
        del buffer[: length + skip]
        return data, why


class SilenceReader:
    """Take data up to an escape sequence that the host sends last, before it falls silent.

    Silence flushes what is there; where that ends in the escape sequence, data ends. Anywhere else the escape sequence
    is data.

    Args:
        escape: the escape sequence, such as ``b"+++"``.
        capacity: buffer size in bytes; a full one is flushed without waiting for silence.
    """

    __slots__ = ("_capacity", "_escape")

    def __init__(self, escape: bytes, capacity: int) -> None:
        self._escape = escape
        self._capacity = capacity

    def read(self, buffer: bytearray, *, idle: bool) -> tuple[bytes, Flush] | None:
        """Take one piece of data; ``idle`` tells that the host was silent for the time limit."""
        if idle and buffer.endswith(self._escape):
            data = self.rest(buffer)
            return data[: -len(self._escape)], Flush.ESCAPE
        if idle and buffer:
            return self.rest(buffer), Flush.IDLE
        if len(buffer) < self._capacity + len(self._escape):
            return None
        data = bytes(buffer[: self._capacity])  # what is left over may be the escape sequence
        del buffer[: self._capacity]
        return data, Flush.FULL

    def waiting(self, buffer: bytearray) -> bool:
        """Return whether silence would flush something."""
        return bool(buffer)

    def rest(self, buffer: bytearray) -> bytes:
        """Take all that is left, when no more can come."""
        data = bytes(buffer)
        buffer.clear()
        return data


class CountReader:
    """Take exactly ``count`` bytes of data, whatever they are.

    Args:
        count: how many bytes, 1 or more.
    """

    __slots__ = ("_count",)

    def __init__(self, count: int) -> None:
        self._count = count

    def read(self, buffer: bytearray, *, idle: bool) -> tuple[bytes, Flush] | None:
        """Take the data once all of it is there; silence means nothing."""
        if len(buffer) < self._count:
            return None
        return self.rest(buffer), Flush.FULL

    def waiting(self, buffer: bytearray) -> bool:
        """Return whether silence would flush something."""
        return False

    def rest(self, buffer: bytearray) -> bytes:
        """Take what there is, when no more can come."""
        data = bytes(buffer[: self._count])
        del buffer[: self._count]
        return data
