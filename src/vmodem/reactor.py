"""The process's one place where file descriptors become ready and names get resolved.

A `Reactor` adds to an asyncio event loop what the network needs: edge-triggered readiness, so that a socket costs one
system call to watch for its whole life, and lookups on threads that never hold up the end of the program.
"""

from __future__ import annotations

import asyncio
import queue
import select
import threading
from collections.abc import Callable
from typing import Any, Final

from vmodem.turns import Turns

EDGES: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET

MAX_THREADS: Final = 32

BATCH: Final = 32
"""How many descriptors of which something is true are told of in one turn of the event loop."""


class Reactor:
    """Edge-triggered readiness and lookups for one event loop.

    Attributes:
        loop: the event loop.
        turns: who has more to do than fits in one turn of it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.turns = Turns(loop)
        self._epoll = select.epoll()
        self._watched: dict[int, Callable[[int], None]] = {}
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = queue.SimpleQueue()
        self._threads = 0
        self._pending = 0
        loop.add_reader(self._epoll.fileno(), self._dispatch)

    def watch(self, fd: int, ready: Callable[[int], None]) -> None:
        """Call ``ready`` with the epoll events whenever something changes on ``fd``, and with what is true already."""
        if fd in self._watched:
            self._epoll.modify(fd, EDGES)
        else:
            self._epoll.register(fd, EDGES)
        self._watched[fd] = ready

    def forget(self, fd: int) -> None:
        """Watch ``fd`` no more; call it before ``fd`` is closed."""
        if self._watched.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def run_in_thread(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run ``job`` on a thread, then ``done`` with its result on the loop."""
        self._pending += 1
        self._jobs.put((job, done))
        if self._pending > self._threads and self._threads < MAX_THREADS:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()

    def close(self) -> None:
        """Give the epoll descriptor back, and let the threads end; a second call does nothing."""
        if self._epoll.closed:
            return
        self.loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._watched.clear()
        for _ in range(self._threads):
            self._jobs.put(None)

    def _dispatch(self) -> None:
        for fd, events in self._epoll.poll(0, BATCH):
            ready = self._watched.get(fd)
            if ready is not None:
                ready(events)

    def _work(self) -> None:
        while (work := self._jobs.get()) is not None:
            job, done = work
            result = job()
            try:
                self.loop.call_soon_threadsafe(self._finish, done, result)
            except RuntimeError:  # the loop was closed meanwhile
                return

    def _finish(self, done: Callable[[Any], None], result: Any) -> None:
        self._pending -= 1
        done(result)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory where the extra ``fast`` is installed."""
    try:
        import uvloop  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
