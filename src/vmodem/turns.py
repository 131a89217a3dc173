"""Whose turn it is: what is more than one turn of the event loop may cost waits here, and goes on in a fair order.

What has just happened is dealt with at once, and does a little. Whoever is not done then stands in line; between two
looks at what has happened the line moves for a short time, and everybody in it has a slice of that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

SLICE: Final = 0.001
"""Seconds after which who has a turn lets the next one go on."""

LINE: Final = 0.001
"""Seconds for which the line moves before the event loop looks again at what has happened."""


class Turns:
    """The line of those who have more to do, in one event loop.

    Args:
        loop: the event loop.
    """

    __slots__ = ("_loop", "_moving", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._moving = False

    def again(self, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` once, after everybody who waits already; it takes no longer than a `SLICE` or so."""
        self._waiting.append(go_on)
        if not self._moving:
            self._moving = True
            self._loop.call_soon(self._move)

    def _move(self) -> None:
        end = self._loop.time() + LINE
        try:
            while self._waiting:
                self._waiting.popleft()()
                if self._loop.time() >= end:
                    break
        finally:
            self._moving = bool(self._waiting)
            if self._moving:
                self._loop.call_soon(self._move)
