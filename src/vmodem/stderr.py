"""The log on standard error, written by a thread of its own: who does not read it must not stop the modems."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from typing import Final

LIMIT: Final = 10_000
"""Lines that wait to be written; what comes while they do is lost, and its number is told."""

PATIENCE: Final = 1.0
"""Seconds that the end of the program waits for what is still to be written."""

STDERR: Final = 2


class Stderr(logging.Handler):
    """Writes to standard error without ever waiting for it.

    Args:
        fd: the descriptor to write to.
        limit: lines that may wait.
    """

    def __init__(self, fd: int = STDERR, limit: int = LIMIT) -> None:
        super().__init__()
        self._fd = fd
        self._limit = limit
        self._lines: deque[str] = deque()
        self._lost = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Have a record written, or count it among the lost."""
        line = self.format(record) + "\n"
        with self._changed:
            if len(self._lines) >= self._limit:
                self._lost += 1
                return
            self._lines.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything is written, but not for long."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while self._lines and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._lines:
                    self._changed.wait()
                line, lost = self._lines[0], self._lost
            told = self._put(f"{lost} lines of the log are lost: they could not be written in time\n") if lost else True
            written = told and self._put(line)
            with self._changed:
                self._lost += (not written) - (lost if told else 0)
                self._lines.popleft()
                self._changed.notify_all()

    def _put(self, line: str) -> bool:
        """Write a line; return False where that is not possible: the disk is full, or the reader has gone."""
        data = line.encode("utf-8", "backslashreplace")
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            return False
        return True
