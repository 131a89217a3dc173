"""Serving: endpoints, modems and the event loop put together for `vmodem serve`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vmodem.config import Config
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import Terminator
from vmodem.core.line import Signals
from vmodem.core.modem import Modem
from vmodem.credentials.store import Store
from vmodem.endpoints.endpoint import Endpoint, EndpointError
from vmodem.net.host import HostNetwork
from vmodem.net.interface import Family
from vmodem.reactor import Reactor

log = logging.getLogger("vmodem")

LOOPBACK = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """One endpoint of the command line: its kind, and what was said of it."""

    kind: str
    path: str | None = None
    host: str = ""
    port: int = 0
    baud: int = 0


@dataclass(frozen=True, slots=True)
class Options:
    """What `vmodem serve` was asked for; the fields are the options of its command line."""

    dialect: Dialect
    endpoints: tuple[EndpointSpec, ...]
    config: Config
    follow: Follow = Follow.MANUAL
    terminator: Terminator | None = None
    addresses: dict[Family, str] = field(default_factory=dict)
    offline: bool = False
    keep: bool = False
    rtscts: bool = False
    ready_file: Path | None = None
    credentials: Store = field(default_factory=Store)


class Server:
    """All endpoints of one process."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        self._options = options
        self._reactor = Reactor(loop)
        self._endpoints: list[Endpoint] = []
        self._stopped = asyncio.Event()
        self._status = 0

    async def run(self) -> int:
        """Serve until a signal, the end of standard input or the loss of the only port; return the exit status."""
        loop = self._reactor.loop
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop)
        try:
            for address in self._options.addresses.values():
                _check_address(address)
            for spec in self._options.endpoints:
                self._endpoints.append(OPENERS[spec.kind](self, spec))
            self._announce()
            await self._stopped.wait()
        finally:
            for endpoint in self._endpoints:
                endpoint.close()
            self._reactor.close()
        return self._status

    def make_modem(self, signals: Signals | None = None) -> Modem:
        """Return a modem that was not yet booted, on a network of its own."""
        options = self._options
        network = HostNetwork(self._reactor, LOOPBACK | options.addresses, options.addresses)
        return Modem(
            options.dialect,
            network,
            config=options.config,
            random=os.urandom,
            follow=options.follow,
            terminator=options.terminator,
            signals=signals,
            attached=not options.offline,
            credentials=options.credentials,
        )

    def _stop(self) -> None:
        self._stopped.set()

    def _input_ended(self, failure: str | None) -> None:
        """End the program with standard input."""
        if failure is not None:
            log.error("%s", failure)
            self._status = 1
        self._stopped.set()

    def _lost(self, reason: str) -> None:
        """Go on without a port that has gone, unless it was the only endpoint."""
        log.error("%s", reason)
        if len(self._endpoints) == 1:
            self._status = 1
            self._stopped.set()

    def _announce(self) -> None:
        """Start every endpoint, then tell where they are."""
        described = [endpoint.describe() for endpoint in self._endpoints]
        document = {"dialect": self._options.dialect.name, "pid": os.getpid(), "endpoints": described}
        with _appearing(self._options.ready_file, json.dumps(document) + "\n"):
            for endpoint in self._endpoints:
                endpoint.start()
        if not any(spec.kind == "stdio" for spec in self._options.endpoints) and sys.stdout is not None:
            for one in described:
                print(_in_words(one), flush=True)

    def _open_pty(self, spec: EndpointSpec) -> Endpoint:
        from vmodem.endpoints.pty import PtyEndpoint

        link = None if spec.path is None else Path(spec.path)
        return PtyEndpoint(self._reactor, self.make_modem, link, keep=self._options.keep)

    def _open_tcp(self, spec: EndpointSpec) -> Endpoint:
        from vmodem.endpoints.tcp import TcpEndpoint

        return TcpEndpoint(self._reactor, self.make_modem, spec.host, spec.port)

    def _open_stdio(self, spec: EndpointSpec) -> Endpoint:
        from vmodem.endpoints.stdio import StdioEndpoint

        return StdioEndpoint(self._reactor, self.make_modem, self._input_ended)

    def _open_serial(self, spec: EndpointSpec) -> Endpoint:
        from vmodem.endpoints.serial import SerialEndpoint

        return SerialEndpoint(
            self._reactor,
            self.make_modem,
            spec.path or "",
            spec.baud,
            rtscts=self._options.rtscts,
            ended=self._lost,
        )


OPENERS: dict[str, Callable[[Server, EndpointSpec], Endpoint]] = {
    "pty": Server._open_pty,
    "tcp": Server._open_tcp,
    "stdio": Server._open_stdio,
    "serial": Server._open_serial,
}


def serve(options: Options) -> int:
    """Serve as ``options`` say; return the exit status.

    Raises:
        EndpointError: an endpoint cannot be opened.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(options))


async def _serve(options: Options) -> int:
    return await Server(options, asyncio.get_running_loop()).run()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory where the extra ``fast`` is installed."""
    try:
        import uvloop  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _in_words(endpoint: dict[str, Any]) -> str:
    """Return where a host finds an endpoint: a path, or HOST:PORT."""
    if endpoint["kind"] != "tcp":
        return str(endpoint["path"])
    host = f"[{endpoint['host']}]" if ":" in endpoint["host"] else endpoint["host"]
    return f"{host}:{endpoint['port']}"


def _check_address(address: str) -> None:
    """Refuse an address that this machine does not have."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
            sock.bind((address, 0))
    except OSError as error:
        raise EndpointError(f"cannot use the address {address}: {error.strerror}") from error


@contextlib.contextmanager
def _appearing(path: Path | None, text: str) -> Iterator[None]:
    """Let a file appear with all its contents when the block has ended; fail before it where that cannot be done."""
    if path is None:
        yield
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.unlink(missing_ok=True)  # of an earlier run that was killed
        temporary.write_text(text, encoding="utf-8")
        yield
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise EndpointError(f"cannot write the ready file {path}: {error.strerror}") from error
