"""Modems within another program: `serve` in its event loop, `start` in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, TypeVar

from vmodem.core.dialect import Dialect
from vmodem.endpoints.endpoint import Spec
from vmodem.endpoints.pty import Pty
from vmodem.errors import NoPlaceError
from vmodem.hub import Hub
from vmodem.profile import Profile
from vmodem.reactor import loop_factory

T = TypeVar("T")


class Served:
    """Endpoints that are being served.

    Args:
        hub: the hub that serves them.

    Attributes:
        hub: the same; its methods are for the event loop's own thread.
        endpoints: what the ready file would say of each: ``{"kind": "tcp", "host": ..., "port": ...}`` ...
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.endpoints: tuple[dict[str, Any], ...] = tuple(endpoint.describe() for endpoint in hub.endpoints)

    @property
    def port(self) -> int:
        """The port of the first TCP endpoint.

        Raises:
            NoPlaceError: there is none.
        """
        port: int = self._first("port")["port"]
        return port

    @property
    def path(self) -> str:
        """The path of the first pseudo terminal or serial port.

        Raises:
            NoPlaceError: there is none.
        """
        path: str = self._first("path")["path"]
        return path

    @property
    def url(self) -> str:
        """What pyserial's ``serial_for_url`` opens: the first endpoint's path, or ``socket://HOST:PORT``.

        Raises:
            NoPlaceError: there is no endpoint that has one.
        """
        first = self._first("path", "port")
        if "port" not in first:
            return str(first["path"])
        host = f"[{first['host']}]" if ":" in first["host"] else first["host"]
        return f"socket://{host}:{first['port']}"

    def _first(self, *keys: str) -> dict[str, Any]:
        found = next((endpoint for endpoint in self.endpoints if not endpoint.keys().isdisjoint(keys)), None)
        if found is None:
            kinds = ", ".join(endpoint["kind"] for endpoint in self.endpoints)
            raise NoPlaceError(f"no endpoint has a {' or a '.join(keys)}, there is only {kinds}")
        return found


@asynccontextmanager
async def serve(profile: Profile | Dialect | str | None = None, *endpoints: Spec) -> AsyncIterator[Served]:
    """Serve modems in the running event loop as long as the block lasts.

        async with vmodem.serve("slm-2.7", vmodem.Tcp()) as served:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)

    Args:
        profile: what the modems are: a profile, a dialect or its name; None for the default one.
        endpoints: where hosts reach them; a pseudo terminal where none is given.

    Raises:
        UnknownDialectError: there is no dialect of that name.
        ProfileError: ``profile`` is none.
        SpecError: one of ``endpoints`` is none.
        EndpointError: an endpoint cannot be opened.
    """
    hub = Hub(asyncio.get_running_loop())
    try:
        for spec in endpoints or (Pty(),):
            hub.add(_profile(profile), spec)
        hub.start()
        yield Served(hub)
    finally:
        hub.close()


def start(profile: Profile | Dialect | str | None = None, *endpoints: Spec) -> Started:
    """Serve modems in a thread of their own; end them with `Started.close`, or by a ``with`` block.

        with vmodem.start("sm") as modem:
            port = serial.Serial(modem.path)

    Args:
        profile: what the modems are: a profile, a dialect or its name; None for the default one.
        endpoints: where hosts reach them; a pseudo terminal where none is given.

    Raises:
        UnknownDialectError: there is no dialect of that name.
        ProfileError: ``profile`` is none.
        SpecError: one of ``endpoints`` is none.
        EndpointError: an endpoint cannot be opened.
    """
    return Started(_profile(profile), endpoints)


class Started(Served):
    """Endpoints that a thread of their own serves; everything but `hub` may be used from any thread."""

    def __init__(self, profile: Profile, endpoints: tuple[Spec, ...]) -> None:
        self._open: Future[Hub] = Future()
        self._ended = False
        self._posting = threading.Lock()  # nothing is posted to the loop after what ends it
        self._loop: asyncio.AbstractEventLoop
        self._ending: asyncio.Event
        self._thread = threading.Thread(target=self._run, args=(profile, endpoints), name="vmodem", daemon=True)
        self._thread.start()
        try:
            super().__init__(self._open.result())
        except BaseException:
            self._thread.join()
            raise

    def __enter__(self) -> Started:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def call(self, function: Callable[[], T]) -> T:
        """Call ``function`` on the event loop's thread, and return what it returns or raise what it raises.

        Raises:
            RuntimeError: the modems have ended.
        """
        if threading.current_thread() is self._thread:
            return function()
        answer: Future[T] = Future()

        def call() -> None:
            try:
                answer.set_result(function())
            except BaseException as error:
                answer.set_exception(error)

        with self._posting:
            if self._ended:
                raise RuntimeError("the modems have ended")
            self._loop.call_soon_threadsafe(call)
        return answer.result()

    def close(self) -> None:
        """Close every endpoint and every modem, and end the thread; a second call does nothing."""
        with self._posting:
            if not self._ended:
                self._ended = True
                self._loop.call_soon_threadsafe(self._ending.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self, profile: Profile, endpoints: tuple[Spec, ...]) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._serve(profile, endpoints))
        except BaseException as error:
            if self._open.done():
                raise
            self._open.set_exception(error)

    async def _serve(self, profile: Profile, endpoints: tuple[Spec, ...]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        async with serve(profile, *endpoints) as served:
            self._open.set_result(served.hub)
            await self._ending.wait()


def _profile(profile: Profile | Dialect | str | None) -> Profile:
    if isinstance(profile, Profile):
        return profile
    return Profile() if profile is None else Profile(dialect=profile)
