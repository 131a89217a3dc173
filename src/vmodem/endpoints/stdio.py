"""Standard input and output. The end of input ends the program."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

from vmodem.endpoints.endpoint import Endpoint, Opening, Spec
from vmodem.endpoints.session import Session
from vmodem.errors import EndpointError, SpecError, quoted

STDIN, STDOUT = 0, 1


@dataclass(frozen=True)
class Stdio(Spec):
    """Standard input and output; the end of input ends the endpoint."""

    kind = "stdio"
    help = "standard input and output"
    single = True

    @classmethod
    def parse(cls, value: str | None) -> Stdio:
        """Take no value."""
        if value is not None:
            raise SpecError(f"{quoted(value)}: standard input and output have no address")
        return cls()

    def open(self, opening: Opening) -> StdioEndpoint:
        """Take standard input and output."""
        return StdioEndpoint(opening)


class StdioEndpoint(Endpoint):
    """Standard input and output.

    Args:
        opening: what it is opened with.
    """

    def __init__(self, opening: Opening) -> None:
        if sys.__stdin__ is None or sys.__stdout__ is None:
            raise EndpointError("standard input and output are not both open")
        self._gone = opening.gone
        self._blocking = [(fd, os.get_blocking(fd)) for fd in (STDIN, STDOUT)]
        self._session = Session(opening.reactor, opening.make_modem("stdio"), STDIN, STDOUT, self._ended)

    def start(self) -> None:
        """Accept bytes."""
        for fd, _ in self._blocking:
            os.set_blocking(fd, False)
        self._session.start()

    def _ended(self, session: Session) -> None:
        self._gone(f"standard output: {session.error.strerror}" if session.error else None)

    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint."""
        return {"kind": "stdio"}

    def where(self) -> str:
        """Return nothing: standard output is not for that."""
        return ""

    def close(self) -> None:
        """End the session; give the descriptors back as they were, the caller's shell uses them too."""
        self._session.close()
        for fd, blocking in self._blocking:
            os.set_blocking(fd, blocking)
