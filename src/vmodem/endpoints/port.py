"""The other side of a serial line: a device that a transcript is played against."""

from __future__ import annotations

import os
import select
from types import TracebackType

from vmodem.endpoints.serial import configure


class SerialPort:
    """A device at a serial port or a pseudo terminal, opened as its host does.

    Args:
        device: path of the port.
        baud: speed in bit/s.
    """

    def __init__(self, device: str, baud: int) -> None:
        self._fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        configure(self._fd, baud, rtscts=False)

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
        while data:
            select.select([], [self._fd], [])
            data = data[os.write(self._fd, data) :]

    def read(self, timeout: float) -> bytes:
        """Return what comes within ``timeout`` seconds, as soon as something does; ``b""`` where nothing does."""
        readable, _, _ = select.select([self._fd], [], [], timeout)
        return os.read(self._fd, 65536) if readable else b""
