"""The process's one place where file descriptors become ready.

A `Reactor` adds to an asyncio event loop what modems need: edge-triggered readiness, so that a socket costs one system
call to watch for its whole life, and threads for what would hold up the loop, which never hold up its end.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Final

from vmodem.jobs import is_fault
from vmodem.turns import Turns
from vmodem.workers import Workers

EDGES: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET

BATCH: Final = 32
"""How many descriptors of which something is true are told of in one turn of the event loop."""


class Reactor:
    """Edge-triggered readiness and threads for one event loop.

    Attributes:
        loop: the event loop.
        turns: who has more to do than fits in one turn of it.
        workers: the threads for what would hold it up.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.turns = Turns(loop)
        self._epoll = select.epoll()
        self._watched: dict[int, Callable[[int], None]] = {}
        self.workers = Workers(loop)
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

    def close(self) -> None:
        """Give the epoll descriptor back, and let the threads end; a second call does nothing."""
        if self._epoll.closed:
            return
        self.loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._watched.clear()
        self.workers.close()

    def _dispatch(self) -> None:
        for fd, events in self._epoll.poll(0, BATCH):
            ready = self._watched.get(fd)
            if ready is None:
                continue
            try:
                ready(events)
            except BaseException as error:
                if not is_fault(error):
                    raise
                # An edge is told once: who comes after this one must not lose his.
                self.loop.call_exception_handler({"message": "nobody took what is ready", "exception": error})


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory where the extra ``fast`` is installed."""
    try:
        import uvloop  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
