"""A TCP listener: one modem for each connection."""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from vmodem.core.modem import Modem
from vmodem.endpoints.door import Door
from vmodem.endpoints.endpoint import Endpoint, Opening, Spec, need_text
from vmodem.endpoints.session import Session
from vmodem.errors import EndpointError, SpecError, because, quoted
from vmodem.reactor import Reactor
from vmodem.turns import SLICE

log = logging.getLogger("vmodem")

MAX_PORT: Final = 65535
BACKLOG: Final = 4096
"""Connections that may wait to be accepted; the kernel may permit fewer."""

BATCH: Final = 64
"""How many connections are accepted in one turn of the event loop: each costs much less than its modem."""

OPTIONS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)
"""The options of a connection: a host whose machine has gone without a word is noticed within two minutes."""

RETRY: Final = 0.1
"""Seconds until connections are accepted again after the process ran out of descriptors."""


@dataclass(frozen=True)
class Tcp(Spec):
    """A TCP listener, one modem for each connection.

    Attributes:
        host: where to listen.
        port: 0 picks a free one.
    """

    kind = "tcp"
    help = "a TCP listener, one modem for each connection"
    metavar = "[HOST:]PORT"

    host: str = "127.0.0.1"
    port: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no place to listen."""
        super().__post_init__()
        need_text("host", self.host, "a name or an address of this machine")
        if type(self.port) is not int or not 0 <= self.port <= MAX_PORT:
            raise SpecError(f"port is {quoted(self.port)}, accepted: 0 to {MAX_PORT}, where 0 picks a free one")

    @classmethod
    def parse(cls, value: str | None) -> Tcp:
        """Read ``[HOST:]PORT``; an IPv6 HOST stands in square brackets."""
        host, _, port = (value or "").rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise SpecError(f"{value!r}: an IPv6 host needs square brackets, as in [::1]:5000")
        if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= MAX_PORT):
            raise SpecError(f"{quoted(value)} is not [HOST:]PORT with a port from 0 to {MAX_PORT}")
        return cls(host or "127.0.0.1", int(port))

    def open(self, opening: Opening) -> TcpEndpoint:
        """Listen."""
        return TcpEndpoint(opening, self.host, self.port)


def shown(address: tuple[Any, ...]) -> str:
    """Return an address as HOST:PORT, an IPv6 host in square brackets."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class TcpSession(Session):
    """A session on a connection, which it ends where what comes first is no host, before anything of it is executed.

    Args:
        reactor: the process's reactor.
        modem: the modem.
        fd: the connection.
        ended: called once, when the host has gone and everything is released.
    """

    __slots__ = ()

    def __init__(self, reactor: Reactor, modem: Modem, fd: int, ended: Callable[[Session], None]) -> None:
        super().__init__(reactor, modem, fd, fd, ended, Door(modem.channels[0], self._open, self._refuse))

    def _open(self) -> None:
        self._line = self.modem.channels[0]

    def _refuse(self, protocol: str) -> None:
        self.modem.warn("the connection is closed: it begins as %s does, and nothing of it was executed", protocol)
        self.end()


class TcpEndpoint(Endpoint):
    """A TCP listener.

    Args:
        opening: what it is opened with.
        host: where to listen.
        port: 0 picks a free one.
    """

    def __init__(self, opening: Opening, host: str, port: int) -> None:
        self._reactor = opening.reactor
        self._loop = opening.reactor.loop
        self._exhausted = False
        self._make_modem = opening.make_modem
        self._sessions: dict[Session, socket.socket] = {}
        self._accepted: deque[tuple[socket.socket, str]] = deque()  # those that have no modem yet
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            self._listener = socket.socket(family, kind, protocol)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(address)
            self._listener.listen(BACKLOG)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
            reason = because(error) if isinstance(error, OSError) else "no such host name; an address would be right"
            raise EndpointError(f"cannot listen on {host}:{port}: {reason}") from error
        self._listener.setblocking(False)

    def start(self) -> None:
        """Accept connections."""
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint."""
        host, port = self._listener.getsockname()[:2]
        return {"kind": "tcp", "host": host, "port": port}

    def where(self) -> str:
        """Return HOST:PORT."""
        return shown(self._listener.getsockname())

    def close(self) -> None:
        """Close the listener and every connection."""
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        while self._accepted:
            self._accepted.popleft()[0].close()
        for session in list(self._sessions):
            session.close()
            self._ended(session)

    def _accept(self) -> None:
        """Take the connections that wait; each gets its modem when it has its turn."""
        none_yet = not self._accepted
        for _ in range(BATCH):
            if not self._accept_one():
                break
        if none_yet and self._accepted:
            self._reactor.turns.again(self._admit)

    def _accept_one(self) -> bool:
        """Take a connection, where one waits; return whether there was one."""
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            if not self._exhausted:
                log.error("cannot accept connections for now: %s", os.strerror(error.errno or 0))
            self._exhausted = True
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(RETRY, self._accept_again)
            return False
        self._exhausted = False
        self._accepted.append((connection, shown(address)))
        return True

    def _admit(self) -> None:
        """Give their modems to those who were accepted, as many as fit in one turn."""
        end = self._loop.time() + SLICE
        while self._accepted:
            self._begin(*self._accepted.popleft())
            if self._loop.time() >= end:
                break
        if self._accepted:
            self._reactor.turns.again(self._admit)

    def _begin(self, connection: socket.socket, where: str) -> None:
        connection.setblocking(False)
        for level, option, value in OPTIONS:
            connection.setsockopt(level, option, value)
        session = TcpSession(self._reactor, self._make_modem(where), connection.fileno(), self._ended)
        self._sessions[session] = connection
        session.start()

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0:
            self.start()

    def _ended(self, session: Session) -> None:
        self._sessions.pop(session).close()
