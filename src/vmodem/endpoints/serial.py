"""A real serial port, 8N1."""

from __future__ import annotations

import os
import termios
import tty
from dataclasses import dataclass
from typing import Any, Final

from vmodem.core.line import Signals
from vmodem.endpoints.endpoint import Endpoint, Opening, Setting, Spec, need_text
from vmodem.endpoints.session import Session
from vmodem.errors import EndpointError, SpecError, because, quoted

DEFAULT_BAUD: Final = 115200

_CFLAG, _ISPEED, _OSPEED = 2, 4, 5


@dataclass(frozen=True)
class Serial(Spec):
    """A serial port, 8N1.

    Attributes:
        device: path of the port.
        baud: speed in bit/s, one that termios knows.
        rtscts: whether RTS/CTS flow control is on.
    """

    kind = "serial"
    help = "a serial port, 8N1"
    metavar = "DEVICE[@BAUD]"
    settings = (Setting("rtscts", "RTS/CTS flow control on serial ports"),)

    device: str
    baud: int = DEFAULT_BAUD
    rtscts: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no port, or a speed that there is not."""
        super().__post_init__()
        need_text("device", self.device, "the path of a serial port, as in /dev/ttyUSB0")
        if type(self.baud) is not int or not self.baud or speed_of(self.baud) is None:
            raise SpecError(f"{quoted(self.baud)} is no speed of a serial port; {DEFAULT_BAUD} would be one")

    @classmethod
    def parse(cls, value: str | None) -> Serial:
        """Read ``DEVICE[@BAUD]``."""
        device, at, baud = (value or "").rpartition("@")
        if not at:
            return cls(value or "")
        if not (baud.isascii() and baud.isdigit() and len(baud) <= 9):
            raise SpecError(f"{quoted(baud)} is no speed of a serial port; {DEFAULT_BAUD} would be one")
        return cls(device, int(baud))

    def open(self, opening: Opening) -> SerialEndpoint:
        """Open the port."""
        return SerialEndpoint(opening, self.device, self.baud, rtscts=self.rtscts)


class SerialEndpoint(Endpoint):
    """A serial port.

    Args:
        opening: what it is opened with.
        device: path of the port.
        baud: speed in bit/s, one that termios knows.
        rtscts: whether RTS/CTS flow control is on.
    """

    def __init__(self, opening: Opening, device: str, baud: int, *, rtscts: bool) -> None:
        self._device = device
        self._baud = baud
        self._signals = Signals(baud, rtscts=rtscts)
        self._fd = open_port(device, baud, rtscts=rtscts)
        self._session = Session(
            opening.reactor,
            opening.make_modem(device, self._signals),
            self._fd,
            self._fd,
            lambda session: opening.gone(f"the serial port {device} has gone"),
        )
        self._signals.to_host = self._change

    def start(self) -> None:
        """Accept bytes."""
        self._session.start()

    def _change(self) -> None:
        """Set the port as its host asked the modem to."""
        baud, rtscts = self._signals.baud, self._signals.rtscts
        if speed_of(baud) is None:
            self._session.modem.warn("%s stays at %d bit/s: it cannot have %d", self._device, self._baud, baud)
            return
        try:
            set_line(self._fd, baud, rtscts=rtscts)
        except termios.error as error:
            self._session.modem.warn("%s cannot be set to %d bit/s: %s", self._device, baud, error.args[-1])
        else:
            self._baud = baud

    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint."""
        return {"kind": "serial", "path": self._device, "baud": self._baud}

    def where(self) -> str:
        """Return the path of the port."""
        return self._device

    def close(self) -> None:
        """End the session and close the port."""
        self._session.close()
        os.close(self._fd)


def open_port(device: str, baud: int, *, rtscts: bool) -> int:
    """Open a serial port, raw, 8N1, and forget what it had received; return its descriptor.

    Raises:
        EndpointError: there is none.
    """
    try:
        fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise EndpointError(f"cannot open {device}: {because(error)}") from error
    try:
        tty.setraw(fd)
        set_line(fd, baud, rtscts=rtscts)
        termios.tcflush(fd, termios.TCIFLUSH)
    except (OSError, termios.error) as error:
        os.close(fd)
        raise EndpointError(f"cannot use {device} as a serial port: {because(OSError(*error.args))}") from error
    return fd


def speed_of(baud: int) -> int | None:
    """Return the termios constant for ``baud``, None where there is none."""
    speed: int | None = getattr(termios, f"B{baud}", None)
    return speed


def set_line(fd: int, baud: int, *, rtscts: bool) -> None:
    """Set the speed and the flow control of the port, at once."""
    attributes = termios.tcgetattr(fd)
    attributes[_CFLAG] &= ~(termios.CSTOPB | termios.PARENB | termios.CRTSCTS)
    attributes[_CFLAG] |= termios.CREAD | termios.CLOCAL | (termios.CRTSCTS if rtscts else 0)
    attributes[_ISPEED] = attributes[_OSPEED] = speed_of(baud)
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
