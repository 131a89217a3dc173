"""Threads for what would hold up the event loop: lookups, files, keys.

Each modem has a share of them. A share has a few jobs done at once, and while there are more jobs than threads the
shares take turns, so that no modem's jobs wait for all those of another one. A job that runs cannot be stopped; once
nobody waits for it any more its thread counts for nobody.
"""

from __future__ import annotations

import asyncio
import errno
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from vmodem.jobs import Job, Outcome, outcome_of

AT_ONCE: Final = 4
"""How many jobs of one share are done at once."""

MAX_THREADS: Final = 512
"""How many jobs that somebody waits for are done at once: each may be a lookup that hangs, and none uses much."""

MAX_ABANDONED: Final = 512
"""How many more threads there may be for jobs that nobody waits for any more."""

KEPT: Final = 8
"""How many threads wait for the next job; the others end."""


class Assignment:
    """A job, and who is told how it ended: nobody where `done` is None."""

    __slots__ = ("done", "job")

    def __init__(self, job: Job, done: Callable[[Outcome], None]) -> None:
        self.job = job
        self.done: Callable[[Outcome], None] | None = done


class Workers:
    """The threads of one event loop; every method has to be called on it.

    Args:
        loop: the event loop that is told how jobs end.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: queue.SimpleQueue[tuple[Share, Assignment] | None] = queue.SimpleQueue()
        self._turns: deque[Share] = deque()  # who has a job that may begin
        self._threads = self._busy = self._abandoned = 0

    def share(self) -> Share:
        """Return a share of the threads."""
        return Share(self)

    def close(self) -> None:
        """Let the threads end."""
        self._turns.clear()
        for _ in range(self._threads):
            self._jobs.put(None)
        self._threads = self._busy = 0

    # What shares call

    def turn(self, share: Share) -> None:
        """Give ``share`` a turn: it has a job that may begin."""
        self._turns.append(share)

    def leave(self, share: Share, running: int) -> None:
        """Take a turn back that ``share`` may have; nobody waits any more for its ``running`` jobs."""
        if share in self._turns:
            self._turns.remove(share)
        self._abandoned += running

    def begin(self) -> None:
        """Begin what there is a thread for."""
        while self._turns and (self._busy < self._threads or self._add_thread()):
            share = self._turns.popleft()
            self._busy += 1
            self._jobs.put((share, share.begin()))

    def _add_thread(self) -> bool:
        """Start one more thread; return whether there is one."""
        if self._threads - min(self._abandoned, MAX_ABANDONED) >= MAX_THREADS:
            return False
        try:
            threading.Thread(target=self._work, name="worker", daemon=True).start()
        except RuntimeError:  # the system has no more
            if not self._threads:
                self._fail()
            return False
        self._threads += 1
        return True

    def _fail(self) -> None:
        """Fail every job that waits: there is no thread, and none that could become free."""
        outcome = Outcome(error=OSError(errno.EAGAIN, "no thread can be started"))
        while self._turns:
            share = self._turns.popleft()
            self._busy += 1
            self._loop.call_soon(self._end, share, share.begin(), outcome)

    def _work(self) -> None:
        while (work := self._jobs.get()) is not None:
            share, assignment = work
            outcome = outcome_of(assignment.job)
            try:
                self._loop.call_soon_threadsafe(self._end, share, assignment, outcome)
            except RuntimeError:  # the loop was closed meanwhile
                return

    def _end(self, share: Share, assignment: Assignment, outcome: Outcome) -> None:
        self._busy -= 1
        if assignment.done is None:
            self._abandoned -= 1
        if self._threads - self._busy > KEPT and not self._turns:
            self._threads -= 1
            self._jobs.put(None)
        try:
            share.end(assignment, outcome)
        finally:
            self.begin()


class Share:
    """One modem's share of the threads.

    Args:
        workers: the threads.
    """

    __slots__ = ("_queued", "_running", "_waiting", "_workers")

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._waiting: deque[Assignment] = deque()
        self._running: set[Assignment] = set()
        self._queued = False  # whether it has a turn already

    def run(self, job: Job, done: Callable[[Outcome], None]) -> None:
        """Do ``job`` on a thread, then call ``done`` on the loop with how it ended."""
        self._waiting.append(Assignment(job, done))
        self._ask()
        self._workers.begin()

    def drop(self) -> None:
        """Forget every job: those that wait are not done, and of those that run nobody hears."""
        self._waiting.clear()
        for assignment in self._running:
            assignment.done = None
        self._workers.leave(self, len(self._running))
        self._running.clear()
        self._queued = False

    # What the threads call

    def begin(self) -> Assignment:
        """Return the next job, which begins now."""
        self._queued = False
        assignment = self._waiting.popleft()
        self._running.add(assignment)
        self._ask()
        return assignment

    def end(self, assignment: Assignment, outcome: Outcome) -> None:
        """Tell how a job ended."""
        if assignment.done is None:
            return
        self._running.discard(assignment)
        self._ask()
        assignment.done(outcome)

    def _ask(self) -> None:
        """Ask for a turn, where there is a job that may begin."""
        if self._waiting and len(self._running) < AT_ONCE and not self._queued:
            self._queued = True
            self._workers.turn(self)
