"""Standard input and output. The end of input ends the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from vmodem.endpoints.endpoint import Endpoint, EndpointError, MakeModem
from vmodem.endpoints.session import Session
from vmodem.reactor import Reactor

STDIN, STDOUT = 0, 1


class StdioEndpoint(Endpoint):
    """Standard input and output.

    Args:
        reactor: the process's reactor.
        make_modem: makes the modem.
        ended: called at the end of input, once what was asked for is done; with why, where writing failed.
    """

    def __init__(self, reactor: Reactor, make_modem: MakeModem, ended: Callable[[str | None], None]) -> None:
        if sys.__stdin__ is None or sys.__stdout__ is None:
            raise EndpointError("standard input and output are not both open")
        self._told = ended
        self._blocking = [(fd, os.get_blocking(fd)) for fd in (STDIN, STDOUT)]
        self._session = Session(reactor, make_modem(), STDIN, STDOUT, self._ended)

    def start(self) -> None:
        """Accept bytes."""
        for fd, _ in self._blocking:
            os.set_blocking(fd, False)
        self._session.start()

    def _ended(self, session: Session) -> None:
        self._told(f"standard output: {session.error.strerror}" if session.error else None)

    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint."""
        return {"kind": "stdio"}

    def close(self) -> None:
        """End the session; give the descriptors back as they were, the caller's shell uses them too."""
        self._session.close()
        for fd, blocking in self._blocking:
            os.set_blocking(fd, blocking)
