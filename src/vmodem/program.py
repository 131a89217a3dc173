"""`vmodem serve`: a hub with signals, a ready file, what is printed and an exit status."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vmodem import files
from vmodem.endpoints.endpoint import Endpoint
from vmodem.errors import EndpointError, because
from vmodem.hub import Hub, Site
from vmodem.profile import Profile
from vmodem.reactor import loop_factory

log = logging.getLogger("vmodem")


class ReadyFile:
    """What tells scripts that every endpoint accepts bytes, and where; it is there exactly as long as that is so.

    Args:
        path: where it appears, None for nowhere.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._own: os.stat_result | None = None

    @contextlib.contextmanager
    def appearing(self, text: str) -> Iterator[None]:
        """Let it appear when the block has ended; fail before it where that cannot be done.

        Raises:
            EndpointError: it cannot be written.
        """
        if self._path is None:
            yield
            return
        try:
            with files.appearing(self._path, text.encode()) as file:
                yield
                self._own = os.fstat(file)
        except OSError as error:
            raise EndpointError(f"cannot write the ready file {self._path}: {because(error)}") from error

    def remove(self) -> None:
        """Remove it, unless another program has put its own in its place."""
        with contextlib.suppress(OSError):
            if self._path is not None and self._own is not None and _same(self._own, self._path.lstat()):
                self._path.unlink()


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    """Return whether both are the same file; the number of one that is gone may be given to another."""
    return os.path.samestat(one, other) and one.st_mtime_ns == other.st_mtime_ns


class Options(NamedTuple):
    """What `vmodem serve` was asked for.

    Attributes:
        sites: the endpoints, and what their modems are.
        ready_file: what appears once every endpoint accepts bytes.
        dialect: the dialect that the ready file names.
    """

    sites: Sequence[Site]
    ready_file: ReadyFile
    dialect: str


class Program:
    """All endpoints of one process."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        self._options = options
        self._loop = loop
        self._hub = Hub(loop, self._gone)
        self._described: list[tuple[Site, Endpoint]] = []
        self._stopped = asyncio.Event()
        self._status = 0

    async def run(self) -> int:
        """Serve until a signal, or the end of standard input or of the last endpoint; return the exit status.

        Raises:
            EndpointError: an endpoint cannot be opened.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._stopped.set)
        try:
            for served in self._options.sites:
                self._described.append((served, self._hub.add(*served)))
            self._announce()
            await self._stopped.wait()
        finally:
            self._options.ready_file.remove()
            self._hub.close()
        return self._status

    def _gone(self, endpoint: Endpoint, reason: str | None) -> None:
        """Go on without an endpoint that has ended, unless it was the last one, or standard input."""
        if reason is not None:
            log.error("%s", reason)
        if not self._hub.endpoints or endpoint.describe()["kind"] == "stdio":
            self._status = int(reason is not None)
            self._stopped.set()

    def _announce(self) -> None:
        """Start every endpoint, then tell where they are."""
        document = {
            "dialect": self._options.dialect,
            "pid": os.getpid(),
            "endpoints": [_described(served.profile, endpoint) for served, endpoint in self._described],
        }
        places = [endpoint.where() for _, endpoint in self._described]
        with self._options.ready_file.appearing(json.dumps(document) + "\n"):
            self._hub.start()
        if all(places) and sys.stdout is not None:
            for place in places:
                print(place, flush=True)


def _described(profile: Profile, endpoint: Endpoint) -> dict[str, Any]:
    """Return what the ready file says of an endpoint: of one with a name, that too, and what it answers as."""
    named = {"name": profile.name, "dialect": profile.device.name} if profile.name else {}
    return endpoint.describe() | named


def run(options: Options) -> int:
    """Serve as ``options`` say; return the exit status.

    Raises:
        EndpointError: an endpoint cannot be opened.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_run(options))


async def _run(options: Options) -> int:
    return await Program(options, asyncio.get_running_loop()).run()
