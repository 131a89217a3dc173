"""One host at one modem: bytes from a descriptor go in, bytes for it come out, the clock is kept.

A session drives a `Line` and its modem. It stops reading while the line does not accept more, and writes again when
the host has read. All bytes come in by `Session._read` and go out by `Session._write`. Whatever happens is dealt with
for a short time at the most: what is left over has another turn, after everybody else.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
from collections.abc import Callable
from functools import partial
from typing import Final

from vmodem.core.line import Line
from vmodem.core.modem import Modem
from vmodem.jobs import Job, Outcome
from vmodem.net.interface import Answer, NetSocket
from vmodem.reactor import Reactor
from vmodem.turns import SLICE

READ_SIZE: Final = 65536
"""Bytes that are read at once where they are data."""

LINES_SIZE: Final = 4096
"""The same where they are lines: a thousand short ones are work for milliseconds already."""

AT_ONCE: Final = SLICE / 4
"""Seconds for which a host that has sent something is dealt with at once."""

WRITE_SIZE: Final = 16384
"""Bytes for the host that are written before the modem goes on with its turn."""

PTY_CHUNK: Final = 4095
"""What one read of a pseudo terminal returns at the most: a shorter one means that nothing is left."""

EOF_GRACE: Final = 2.0
"""Seconds without progress after which what a host still wanted is given up, once it has gone."""

GONE: Final = select.EPOLLRDHUP | select.EPOLLHUP


class Session:
    """One host at one modem.

    Args:
        reactor: the process's reactor.
        modem: the modem; its network tells this session what happens.
        read_fd: non-blocking descriptor of the host's bytes.
        write_fd: non-blocking descriptor for the host.
        ended: called once, when the host has gone and everything is released.
        line: what stands between the descriptors and the modem, None for the modem's first channel itself.

    Attributes:
        error: why it ended, where reading or writing failed for another reason than that the host has gone.
    """

    __slots__ = (
        "_closed", "_due_at", "_ended", "_eof", "_grace", "_in_line", "_line", "_loop", "_more", "_muted", "_pollable",
        "_reactor", "_reading", "_seen", "_share", "_timer", "_writing", "error", "modem", "read_fd", "write_fd",
    )  # fmt: skip

    def __init__(
        self,
        reactor: Reactor,
        modem: Modem,
        read_fd: int,
        write_fd: int,
        ended: Callable[[Session], None],
        line: Line | None = None,
    ) -> None:
        self._reactor = reactor
        self._loop = reactor.loop
        self.modem = modem
        self.read_fd = read_fd
        self.write_fd = write_fd
        self._line: Line = line or modem.channels[0]
        self._ended = ended
        self._reading = self._writing = self._eof = self._closed = self._muted = False
        self._more = False  # the last read was a full one
        self._in_line = False  # waits for its turn
        self._pollable = True
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0  # what the timer is set for: uvloop does not tell of one that is due at once
        self._grace: asyncio.TimerHandle | None = None
        self._seen = 0  # the modem's progress when the grace was last looked at
        self.error: OSError | None = None
        modem.network.driver = self
        self._share = reactor.workers.share()
        modem.scheduler.work = self._on_thread

    def start(self, arrived: bytes = b"") -> None:
        """Boot the modem and listen to the host, of whom ``arrived`` was read already."""
        self.modem.boot(self._loop.time())
        if arrived:
            self._line.receive(arrived, self._loop.time())
        self._after()

    def close(self) -> None:
        """Release everything but the descriptors."""
        if self._closed:
            return
        self._pause()
        self._reactor.forget(self.read_fd)
        self._closed = True
        if self._writing:
            self._loop.remove_writer(self.write_fd)
        for timer in (self._timer, self._grace):
            if timer is not None:
                timer.cancel()
        self.modem.close()
        self._share.drop()

    def end(self) -> None:
        """Close because the host has gone."""
        if not self._closed:
            self.close()
            self._ended(self)

    # What the network asks and tells

    @property
    def now(self) -> float:
        """The event loop's clock."""
        return self._loop.time()

    def reschedule(self) -> None:
        """Set the timer, unless it is set for earlier, or there is a turn to come, which looks at it."""
        if self._in_line or self._closed:
            return
        deadline = self._line.deadline
        if deadline is not None:
            self._wake_at(deadline)

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Pass readiness on."""
        if not self._closed:
            self.modem.socket_ready(socket, events, self._loop.time())
            if not self._in_line:  # else what follows has its turn: a write for each datagram costs more than it is
                self._after()

    def resolved(self, token: object, answer: Answer | Outcome) -> None:
        """Pass the answer of a lookup on, or how work ended."""
        if not self._closed:
            self.modem.resolved(token, answer, self._loop.time())
            self._after()

    def _on_thread(self, job: Job, token: object) -> None:
        """Have a job done on a thread: it must not hold up the others."""
        self._share.run(job, partial(self.resolved, token))

    # What the host sends

    def _read(self) -> int:
        """Read once and hand it over, the one place where bytes come in; return how many bytes came."""
        try:
            data = os.read(self.read_fd, READ_SIZE if self._line.streaming else LINES_SIZE)
        except BlockingIOError:
            return 0
        except OSError:
            self.end()
            return 0
        if data:
            self._line.receive(data, self._loop.time())
        else:
            self._end_of_input()
        return len(data)

    def _readable(self) -> None:
        """Deal with what has come, unless that has its turn anyway."""
        if self._reading and not self._in_line:
            self._more = True
            self._work(AT_ONCE)

    def _work(self, seconds: float) -> None:
        """Read, and let the modem do what it has to do, for a while."""
        end = self._loop.time() + seconds
        while self._work_once() and self._loop.time() < end and len(self._line.output) < WRITE_SIZE:
            pass
        if not self._closed:
            self._after()

    def _work_once(self) -> bool:
        """Let the modem do its share, or read once; return whether there may be more to do."""
        if self._closed:
            return False
        if self._unfinished:
            self._line.advance(self._loop.time())
        elif self._may_read:
            self._more = self._read() >= PTY_CHUNK or not self._pollable
        else:
            return False
        return True

    @property
    def _unfinished(self) -> bool:
        """Whether the modem would go on at once."""
        return self._line.hungry or (self._line.stalled and not self._writing)

    @property
    def _may_read(self) -> bool:
        """Whether there is something to read, and the line would take it; while the modem works, more may have come."""
        return self._more and self._reading and self._line.accepting

    def _turn(self) -> None:
        """Go on after everybody else."""
        self._in_line = False
        if self._closed:
            return
        self._work(SLICE)

    def _read_on(self) -> None:
        """Begin or go on to read."""
        self._reactor.forget(self.read_fd)
        self._reading = True
        try:
            self._loop.add_reader(self.read_fd, self._readable)
        except PermissionError:  # a regular file: always readable, and nothing that epoll would watch
            self._pollable = False
            self._more = True

    def _pause(self) -> None:
        """Read no more for now."""
        if self._reading and self._pollable:
            self._loop.remove_reader(self.read_fd)
        self._reading = False

    def _hold_back(self) -> None:
        """Read no more until the line accepts more; whether the host goes away meanwhile is told by the reactor."""
        self._pause()
        if self._pollable:
            self._reactor.watch(self.read_fd, self._changed)

    def _changed(self, events: int) -> None:
        if events & select.EPOLLERR:
            self.end()
        elif events & GONE:
            self._begin_grace()

    # The end of the host

    def mute(self) -> None:
        """Write no more: nobody is there to hear the answers."""
        if self._writing:
            self._loop.remove_writer(self.write_fd)
            self._writing = False
        self._muted = True

    def detach(self) -> None:
        """Leave the descriptors to somebody else; what the host asked for is still done."""
        self.mute()
        self._end_of_input()
        self.read_fd = self.write_fd = -1  # whatever this one still does, it does not touch them
        if not self._closed:
            self._after()

    def _end_of_input(self) -> None:
        self._pause()
        self._eof = True
        self._line.eof(self._loop.time())
        self._begin_grace()

    def _begin_grace(self) -> None:
        if self._grace is None and not self._closed:
            self._seen = self.modem.scheduler.progress
            self._grace = self._loop.call_later(EOF_GRACE, self._end_grace)

    def _end_grace(self) -> None:
        """End, unless what the host asked for before it went is still making progress."""
        self._grace = None
        if self.modem.scheduler.progress != self._seen:
            self._begin_grace()
            return
        if self._line.unread:
            self.modem.warn("the host has gone, %d bytes of it are dropped: nothing takes them", self._line.unread)
        self.end()

    # What follows from it

    def _after(self) -> None:
        """Write what there is to write, read or not, and set the timer."""
        line = self._line
        if line.output and not self._writing:
            self._write()
            if self._closed:
                return
        if line.accepting:
            if not self._reading and not self._eof:
                self._read_on()
        elif self._reading:
            self._hold_back()
        if self._eof and line.finished and not line.output:
            self.end()
        elif self._unfinished or self._may_read:
            self._stand_in_line()
        else:
            self.reschedule()

    def _stand_in_line(self) -> None:
        if not self._in_line:
            self._in_line = True
            self._reactor.turns.again(self._turn)

    def _write(self) -> None:
        """Write what there is for the host: the one place where bytes go out."""
        output = self._line.output
        if self._muted:
            output.clear()
            return
        try:
            while output:
                del output[: os.write(self.write_fd, output)]
        except BlockingIOError:
            self._writing = True
            self._loop.add_writer(self.write_fd, self._writable)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                self.error = error
            self.end()

    def _writable(self) -> None:
        self._loop.remove_writer(self.write_fd)
        self._writing = False
        self._after()

    def _due(self) -> None:
        self._timer = None
        self._line.advance(self._loop.time())
        if not self._closed:  # what the network had to tell may have ended it
            self._after()

    def _wake_at(self, deadline: float) -> None:
        """Set the timer for ``deadline``, unless it is set for earlier."""
        if self._timer is not None:
            if self._due_at <= deadline:
                return
            self._timer.cancel()
        self._due_at = deadline
        self._timer = self._loop.call_at(deadline, self._due)
