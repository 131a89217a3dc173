"""The nRF91 device: state that the Serial Modem and the Serial LTE Modem share, and how their lines are framed."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from vmodem.core.errors import CommandError
from vmodem.core.modem import Modem
from vmodem.core.parameters import integer
from vmodem.core.sockets import SocketTable
from vmodem.core.tasks import Task
from vmodem.dialects.nrf.cellular import Cellular
from vmodem.net.interface import Family, NetSocket, SocketType


class Socket:
    """One open socket as its host knows it.

    Attributes:
        handle: the number that names it on the wire.
        net: the network's socket behind it.
        family: protocol family.
        type: socket type.
        role: 0 client, 1 server.
        cid: PDN connection.
        sec_tag: security tag of a secure socket, None for a plain one.
        hostname: the name that a secure socket's peer has to have, None where it is not checked.
        receive_timeout: seconds, 0 for ever.
        send_timeout: seconds, 0 for ever.
        options: value of every option that was set, by its number.
        peer: the accepted connection that a listening socket reaches.
        listener: the listening socket that an accepted connection came from.
        active_at: when data last moved, in seconds of the engine's clock.
        watchdog: the background task that ends an inactive connection.
    """

    __slots__ = (
        "active_at",
        "cid",
        "family",
        "handle",
        "hostname",
        "listener",
        "net",
        "options",
        "peer",
        "receive_timeout",
        "role",
        "sec_tag",
        "send_timeout",
        "type",
        "watchdog",
    )

    def __init__(self, handle: int, net: NetSocket, family: Family, type: SocketType, role: int, cid: int = 0) -> None:
        self.handle = handle
        self.net = net
        self.family = family
        self.type = type
        self.role = role
        self.cid = cid
        self.sec_tag: int | None = None
        self.hostname: str | None = None
        self.receive_timeout = 0.0
        self.send_timeout = 0.0
        self.options: dict[int, int] = {}
        self.peer: Socket | None = None
        self.listener: Socket | None = None
        self.active_at = 0.0
        self.watchdog: Task | None = None


class Nrf91:
    """One nRF91 device between power-on and reset.

    Attributes:
        modem: the engine that runs it.
        sockets: its open sockets.
        cellular: the state of the modem core: functional mode, registration, notifications.
        time_limit: silence in milliseconds that flushes data mode, None while it has the default (#XDATACTRL).
    """

    __slots__ = ("cellular", "modem", "sockets", "time_limit")

    def __init__(self, modem: Modem, sockets: SocketTable[Socket]) -> None:
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
