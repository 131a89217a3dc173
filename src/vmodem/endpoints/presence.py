"""Who has a terminal open: told by the kernel's inotify, which misses nobody, however briefly they were away."""

from __future__ import annotations

import os
import select
import struct
from typing import Final

IN_CLOSE_WRITE: Final = 0x08
IN_CLOSE_NOWRITE: Final = 0x10
IN_OPEN: Final = 0x20
IN_CLOSE: Final = IN_CLOSE_WRITE | IN_CLOSE_NOWRITE

_EVENT: Final = struct.Struct("iIII")


class Presence:
    """Counts who has the file at ``path`` open, those not counted who had it open before.

    Args:
        path: the file.

    Attributes:
        fd: becomes readable when somebody comes or goes.

    Raises:
        OSError: inotify is not to be had.
    """

    __slots__ = ("_count", "_poll", "fd")

    def __init__(self, path: str) -> None:
        import ctypes  # not at the top: only a pseudo terminal needs it

        libc = ctypes.CDLL(None, use_errno=True)
        self.fd: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        if libc.inotify_add_watch(self.fd, os.fsencode(path), IN_OPEN | IN_CLOSE) < 0:
            os.close(self.fd)
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        self._count = 0
        self._poll = select.poll()
        self._poll.register(self.fd, select.POLLIN)

    @property
    def changed(self) -> bool:
        """Whether somebody came or went since `left` was asked."""
        return bool(self._poll.poll(0))

    def left(self) -> bool:
        """Take note of who came and went; return whether there was a moment at which the last one had gone."""
        left = False
        try:
            events = os.read(self.fd, 65536)
        except BlockingIOError:
            return False
        at = 0
        while at < len(events):
            _, mask, _, length = _EVENT.unpack_from(events, at)
            at += _EVENT.size + length
            self._count += 1 if mask & IN_OPEN else -1
            left = left or self._count == 0
        return left

    @property
    def anybody(self) -> bool:
        """Whether somebody has the file open now."""
        return self._count > 0

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)
