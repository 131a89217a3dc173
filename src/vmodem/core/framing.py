"""From host bytes to lines and to data: two readers over one input buffer.

`LineReader` takes one line, `EscapeReader` takes data up to an escape sequence.
A reader takes what it consumes out of the front of the buffer, returns None for "need more", and gives the same
result however the bytes were cut into chunks. Readers know nothing of commands.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

CR: Final = 0x0D
LF: Final = 0x0A
QUOTE: Final = 0x22
BACKSPACE: Final = b"\x08\x7f"


class Terminator(Enum):
    """What ends a line."""

    CR = "cr"
    LF = "lf"
    CRLF = "crlf"


class LineTooLong(Exception):  # noqa: N818 - an event of the wire, not a fault of the caller
    """A line was longer than the limit; it has been discarded up to its terminator."""


_SPECIAL: Final = {
    Terminator.CR: re.compile(rb'[\r"\x08\x7f]'),
    Terminator.LF: re.compile(rb'[\n"\x08\x7f]'),
    Terminator.CRLF: re.compile(rb'[\n"\x08\x7f]'),
}


class LineReader:
    """Cut lines out of the input.

    A terminator inside double quotes is data. Backspace (0x08) and delete (0x7F) take back the byte before them. With
    `Terminator.CR` one LF right after the CR belongs to the terminator; with `Terminator.CRLF` a lone CR or LF is data.

    Args:
        terminator: what ends a line.
        limit: longest line in bytes, terminator excluded; a longer one raises `LineTooLong` when its terminator comes.
    """

    __slots__ = (
        "_after_cr",
        "_echoed",
        "_limit",
        "_overlong",
        "_pos",
        "_quoted",
        "_sends_lf",
        "_special",
        "_terminator",
    )

    def __init__(self, terminator: Terminator, limit: int) -> None:
        self._terminator = terminator
        self._special = _SPECIAL[terminator]
        self._limit = limit
        self._pos = 0  # bytes before this were looked at already
        self._echoed = 0  # bytes before this were echoed already
        self._quoted = False
        self._overlong = False
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
            LineTooLong: in place of a line that was longer than the limit.
        """
        if self._after_cr and not self.skip_line_feed(buffer):
            return None
        if self._overlong:
            self._skip_overlong(buffer, echo)
            return None
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
        self._overlong = True
        self._quoted = False
        self._discard(buffer, window)
        self._skip_overlong(buffer, echo)
        return None

    def _skip_overlong(self, buffer: bytearray, echo: bytearray | None) -> None:
        """Discard bytes up to the next terminator; quotes and editing no longer mean anything."""
        end = CR if self._terminator is Terminator.CR else LF
        while (at := buffer.find(end, self._pos)) >= 0:
            self._pos = at + 1
            if self._ends_line(buffer, at):
                self._take_line(buffer, at, echo)
        self._echo(buffer, len(buffer), echo)
        if buffer:
            self._discard(buffer, len(buffer))

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
        return self._terminator is not Terminator.CRLF or (at > 0 and buffer[at - 1] == CR)

    def _take_line(self, buffer: bytearray, at: int, echo: bytearray | None) -> bytes:
        self._echo(buffer, at + 1, echo)
        end = at
        if self._terminator is not Terminator.CR and at > 0 and buffer[at - 1] == CR:
            end = at - 1
        line = bytes(buffer[:end])
        del buffer[: at + 1]
        overlong = self._overlong or len(line) > self._limit
        self._pos = self._echoed = 0
        self._overlong = False
        self._after_cr = self._terminator is Terminator.CR
        if overlong:
            raise LineTooLong
        return line

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
