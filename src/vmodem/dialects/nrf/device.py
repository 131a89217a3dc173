"""The nRF91 device: state that the Serial Modem and the Serial LTE Modem share, and how their lines are framed."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from vmodem.core.errors import CommandError
from vmodem.core.modem import Modem
from vmodem.core.parameters import integer
from vmodem.core.sockets import SocketTable
from vmodem.dialects.nrf.cellular import Cellular
from vmodem.net.interface import NetSocket


class Nrf91:
    """One nRF91 device between power-on and reset.

    Attributes:
        modem: the engine that runs it.
        sockets: its open sockets.
        cellular: the state of the modem core: functional mode, registration, notifications.
        time_limit: silence in milliseconds that flushes data mode, None while it has the default (#XDATACTRL).
    """

    __slots__ = ("cellular", "modem", "sockets", "time_limit")

    def __init__(self, modem: Modem, sockets: SocketTable) -> None:
        self.modem = modem
        self.sockets = sockets
        self.cellular = Cellular(modem)
        self.time_limit: int | None = None

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Note that data moved on ``socket``."""
        found = self.sockets.find(socket)
        if found is not None:
            found.active_at = self.modem.now

    @property
    def minimum_time_limit(self) -> int:
        """The shortest inactivity time limit in milliseconds: 256 bytes of ten bits at the line's speed, and 10 ms."""
        return 256 * 10 * 1000 // self.modem.baud + 10


Int: TypeAlias = Annotated[int, integer()]
UInt16: TypeAlias = Annotated[int, integer(0, 65535)]


def information(line: str) -> bytes:
    """Frame an information line, or an unsolicited one."""
    return b"\r\n%b\r\n" % line.encode("latin-1")


OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"


def error(device: Nrf91, failure: CommandError) -> bytes:
    """Frame an error: plain, or +CME ERROR where the modem core has a number for it and AT+CMEE=1 asked for it."""
    if failure.code is not None and device.cellular.cmee:
        return information(f"+CME ERROR: {failure.code}")
    return ERROR
