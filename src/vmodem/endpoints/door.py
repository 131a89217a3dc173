"""Who is at the door: a line that lets no program in that takes a modem for a web server.

Any web page can have a browser connect to a port on loopback, and what it sends there would be executed line by line.
A browser cannot choose how that begins: as HTTP does, or TLS. No AT host does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from vmodem.core.line import Line, LineLayer

LIMIT: Final = 8192
"""Bytes that may be held until it is known what they begin; no AT host sends so many without one that tells."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
"""What the name of a method is made of; a page may choose that, so ``AT+CFUN / HTTP/1.1`` is possible."""

_HTTP: Final = re.compile(
    rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE) (?:/|\*|https?:)|CONNECT [!-~]|PRI \* HTTP/"
    rb"|" + _TOKEN + rb"{1,64} [!#-~]+ HTTP/[0-9]"
)
_TLS: Final = b"\x16\x03"
"""A record of a handshake, which a ClientHello is, of any version since SSL 3."""

_BEGUN: Final = re.compile(rb"\x16|" + _TOKEN + rb"{0,64}(?: [!#-~]*(?: (?:H|HT|HTT|HTTP|HTTP/)?)?)?")
"""What may still become a request, or a ClientHello."""


def protocol_of(beginning: bytes | bytearray) -> str | None:
    """Return which protocol begins like this: empty for AT commands, None where that is not known yet."""
    if beginning.startswith(_TLS):
        return "TLS"
    if _HTTP.match(beginning):
        return "HTTP"
    if not _BEGUN.fullmatch(beginning):
        return ""
    return None if len(beginning) <= LIMIT else "HTTP"


class Door(LineLayer):
    """Holds what a host sends until it is known to be no request of a browser.

    What is held could not have been executed yet, since it has no end of a line: no host has to wait.

    Args:
        inner: the line that it stands on.
        opened: called once all that follows may go straight to the inner line.
        refused: called with the name of the protocol where it is not to be let in; everything it sends is dropped.
    """

    __slots__ = ("_held", "_opened", "_refused", "_said")

    def __init__(self, inner: Line, opened: Callable[[], None], refused: Callable[[str], None]) -> None:
        super().__init__(inner)
        self._held = bytearray()
        self._opened = opened
        self._refused = refused
        self._said: str | None = None  # what was found of who came

    @property
    def unread(self) -> int:
        """How many bytes of the host wait here and in the inner line."""
        return len(self._held) + self.inner.unread

    def receive(self, data: bytes, now: float) -> None:
        """Look at the beginning, and hand it over where it is that of a host."""
        if self._said is None:
            self._held += data
            self._said = protocol_of(self._held)
            if self._said:
                self._held.clear()
                self._refused(self._said)
            elif self._said is not None:
                self._open(now)
        elif not self._said:
            self.inner.receive(data, now)

    def eof(self, now: float) -> None:
        """Hand over what is held, which nothing can follow, and the end."""
        if self._held:
            self._open(now)
        super().eof(now)

    def _open(self, now: float) -> None:
        self._said = ""
        held, self._held = bytes(self._held), bytearray()
        self._opened()
        self.inner.receive(held, now)
