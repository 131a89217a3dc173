"""The other side of a serial line: a device that a transcript is played against."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final

from vmodem.endpoints.serial import open_port
from vmodem.errors import EndpointError

PATIENCE: Final = 10.0
"""Seconds that a device may leave what is written to it waiting."""


class SerialPort:
    """A device at a serial port or a pseudo terminal, opened as its host does.

    Args:
        device: path of the port.
        baud: speed in bit/s.

    Raises:
        EndpointError: there is no such port, or it has gone: every method may find that.
    """

    def __init__(self, device: str, baud: int) -> None:
        self._device = device
        self._fd = open_port(device, baud, rtscts=False)

    def __enter__(self) -> SerialPort:
        """Return the open port."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port."""
        os.close(self._fd)

    def write(self, data: bytes) -> None:
        """Write all of ``data``."""
        with self._telling():
            while data:
                _, writable, _ = select.select([], [self._fd], [], PATIENCE)
                if not writable:
                    raise EndpointError(f"{self._device} takes nothing")
                data = data[os.write(self._fd, data) :]

    def read(self, timeout: float) -> bytes:
        """Return what comes within ``timeout`` seconds, as soon as something does; ``b""`` where nothing does."""
        readable, _, _ = select.select([self._fd], [], [], timeout)
        with self._telling():
            return os.read(self._fd, 65536) if readable else b""

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say of what fails that the port has gone."""
        try:
            yield
        except OSError as error:
            raise EndpointError(f"{self._device} has gone: {error.strerror}") from error
