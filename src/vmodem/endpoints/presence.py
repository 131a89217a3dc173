"""Whether the host of a pseudo terminal has gone: asked of the kernel, which remembers it until it is asked.

Linux has a level for it, not an event: it reports a hang-up on the master side while nobody has the slave side open. A
host that closes and another one that opens right after it look like one host. But the last close also wakes whoever
watches the master, whatever he waits for. Every other wake names what it is for: `EPOLLIN` and `EPOLLRDNORM` bytes to
read, `EPOLLOUT` room. So an edge-triggered watch for `EPOLLWRNORM`, which is true while there is room and which no wake
names, hears of the last close and of nothing else. epoll keeps it until it is asked: nothing is counted, nothing can
overflow.
"""

from __future__ import annotations

import errno
import os
import select
import termios
from typing import Final

LAST_CLOSE: Final = select.EPOLLWRNORM | select.EPOLLET


class Presence:
    """Remembers that nobody had the slave side of a pseudo terminal open, be it for a microsecond.

    The one thing that it may miss: hosts that change while the terminal is full, as nobody reads what the modem sends.
    Where one goes and the next one comes and writes, both before anybody looks, they are taken for one host.

    Args:
        master: the master side.
        slave: the slave side's only descriptor, in raw mode; it is closed.

    Attributes:
        fd: becomes readable when the last one closes the slave side.

    Raises:
        OSError: this kernel does not tell; ``slave`` is still open.
    """

    __slots__ = ("_epoll", "fd")

    def __init__(self, master: int, slave: int) -> None:
        self._epoll = select.epoll()
        self._epoll.register(master, LAST_CLOSE)
        self.fd = self._epoll.fileno()
        self.left()
        if not self._silent_in_use(master, slave):
            self._epoll.close()
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        os.close(slave)
        self.left()

    def left(self) -> bool:
        """Return whether there was a moment, since this was last asked, at which the last one had gone."""
        return bool(self._epoll.poll(0, 1))

    def close(self) -> None:
        """Give the descriptor back."""
        self._epoll.close()

    def _silent_in_use(self, master: int, slave: int) -> bool:
        """Whether reading and writing are not taken for the last close: what a kernel names may change."""
        os.write(slave, b"?")
        os.read(master, 1)
        os.write(master, b"?")
        os.read(slave, 1)
        termios.tcflush(slave, termios.TCIOFLUSH)
        return not self.left()
