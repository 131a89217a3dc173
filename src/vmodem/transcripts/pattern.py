"""Regular expressions within a bound: on some lines some of them would take longer than anybody lives."""

from __future__ import annotations

import re
import signal
import threading
from types import FrameType
from typing import Final

LIMIT: Final = 5.0
"""Seconds of computing that one line may take."""


class SlowPatternError(Exception):
    """A regular expression takes too much time."""


def matches(pattern: bytes, line: bytes | bytearray) -> bool:
    """Return whether all of ``line`` matches.

    The bound is a signal of the process's own computing time, which ``re`` looks for as it goes. Only the main thread
    gets signals: in another one there is no bound.

    Raises:
        SlowPatternError: that cannot be told in time.
    """
    if threading.current_thread() is not threading.main_thread():
        return re.fullmatch(pattern, line) is not None
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        return re.fullmatch(pattern, line) is not None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SlowPatternError
