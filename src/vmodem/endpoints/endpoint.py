"""What all endpoints have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias

from vmodem.core.modem import Modem

MakeModem: TypeAlias = Callable[..., Modem]
"""Makes a modem that is not yet booted; the `Signals` of its line may be given."""


class EndpointError(Exception):
    """An endpoint cannot be opened; the message is one line that says which and why."""


class Endpoint(ABC):
    """A place where hosts reach modems. It is opened when it is made, and accepts bytes once it was started."""

    @abstractmethod
    def start(self) -> None:
        """Accept bytes."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint."""

    @abstractmethod
    def close(self) -> None:
        """Close it and every session on it."""
