"""A TCP listener: one modem for each connection."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any, Final

from vmodem.endpoints.endpoint import Endpoint, EndpointError, MakeModem
from vmodem.endpoints.session import Session
from vmodem.reactor import Reactor

log = logging.getLogger("vmodem")

BACKLOG: Final = 1024
RETRY: Final = 0.1
"""Seconds until connections are accepted again after the process ran out of descriptors."""


class TcpEndpoint(Endpoint):
    """A TCP listener.

    Args:
        reactor: the process's reactor.
        make_modem: makes a modem for each connection.
        host: where to listen.
        port: 0 picks a free one.
    """

    def __init__(self, reactor: Reactor, make_modem: MakeModem, host: str, port: int) -> None:
        self._reactor = reactor
        self._loop = reactor.loop
        self._exhausted = False
        self._make_modem = make_modem
        self._sessions: dict[Session, socket.socket] = {}
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            self._listener = socket.socket(family, kind, protocol)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(address)
            self._listener.listen(BACKLOG)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
            reason = error.strerror if isinstance(error, OSError) else "no such host name"
            raise EndpointError(f"cannot listen on {host}:{port}: {reason}") from error
        self._listener.setblocking(False)

    def start(self) -> None:
        """Accept connections."""
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint."""
        host, port = self._listener.getsockname()[:2]
        return {"kind": "tcp", "host": host, "port": port}

    def close(self) -> None:
        """Close the listener and every connection."""
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        for session in list(self._sessions):
            session.close()
            self._ended(session)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if not self._exhausted:
                log.error("cannot accept connections for now: %s", os.strerror(error.errno or 0))
            self._exhausted = True
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(RETRY, self._accept_again)
            return
        self._exhausted = False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fd = connection.fileno()
        session = Session(self._reactor, self._make_modem(), fd, fd, self._ended)
        self._sessions[session] = connection
        session.start()

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0:
            self.start()

    def _ended(self, session: Session) -> None:
        self._sessions.pop(session).close()
