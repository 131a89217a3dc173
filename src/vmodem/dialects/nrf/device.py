"""The nRF91 device: state that the Serial Modem and the Serial LTE Modem share, and how their lines are framed."""

from __future__ import annotations

import errno
from typing import Annotated, TypeAlias

from vmodem.core.channel import Channel
from vmodem.core.errors import CommandError
from vmodem.core.parameters import Values, shown
from vmodem.core.sockets import SocketTable
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.core.state import Cellular
from vmodem.dialects.nrf.policy import Policy
from vmodem.dialects.nrf.socket import Socket
from vmodem.dialects.nrf.version import Version
from vmodem.net.interface import Family, NetSocket, Option, SocketType


class Nrf91:
    """One nRF91 device between power-on and reset.

    Attributes:
        channel: the AT channel of its host.
        modem: the modem.
        version: what its release is.
        policy: what differs on either side of ``--follow``.
        sockets: its open sockets.
        time_limit: silence in milliseconds that flushes data mode, None while it has the default (#XDATACTRL).
    """

    __slots__ = ("channel", "modem", "policy", "sockets", "time_limit", "version")

    def __init__(self, channel: Channel, sockets: SocketTable[Socket]) -> None:
        self.channel = channel
        self.modem = channel.modem
        self.version: Version = self.modem.dialect.version
        self.policy: Policy = self.modem.policy
        self.sockets = sockets
        self.time_limit: int | None = None

    @property
    def cellular(self) -> Cellular:
        """The state of the modem core: functional mode, registration, notifications."""
        core: Cellular = self.modem.core
        return core

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Note that data moved on ``socket``."""
        found = self.sockets.find(socket)
        if found is not None:
            found.active_at = self.modem.now

    def open(self, family: Family, type: SocketType, role: int, cid: int = 0) -> Socket:
        """Open a socket under the lowest free handle, without entering it.

        Raises:
            CommandError: no handle is free.
            OSError: the network refuses.
        """
        handle = self.sockets.free_handle()
        try:
            return Socket(handle, self.modem.network.open(family, type), family, type, role, cid)
        except PermissionError:
            self.modem.warn("raw sockets are not permitted: run as root or with CAP_NET_RAW")
            raise

    def add(self, socket: Socket) -> None:
        """Enter a socket that was just opened or accepted."""
        _send_at_once(socket)
        self.sockets.add(socket)

    def reopen(self, socket: Socket) -> None:
        """Give ``socket`` a fresh one of the network, as if it had never been bound or connected."""
        socket.net.close()
        socket.replace(self.modem.network.open(socket.family, socket.type))

    def close(self, socket: Socket) -> None:
        """Close a socket, and the connections that it accepted, if any."""
        for accepted in self.sockets:
            if accepted.listener is socket:
                self.close(accepted)
        if socket.listener is not None and socket.listener.peer is socket:
            socket.listener.peer = None
        if socket.task is not None:
            self.modem.cancel(socket.task)
        self.sockets.remove(socket)
        socket.net.close()

    def close_all(self) -> None:
        """Close every socket."""
        for socket in self.sockets:
            if self.sockets.get(socket.handle) is socket:  # closing a listening socket closed its peer too
                self.close(socket)

    def end_inactive(self, peer: Socket) -> None:
        """End an accepted connection that was inactive for too long; its handle stays open until it is closed."""
        peer.task = None
        peer.net.abort(errno.ETIMEDOUT)

    def reset_core(self) -> None:
        """Restart the modem core: every socket is closed, and the core is off until AT+CFUN=1."""
        self.close_all()
        self.cellular.power_off()
        self.modem.core = Cellular(self.modem)

    def reaches(self, socket: Socket) -> Socket:
        """Return the socket that data of ``socket`` goes through: a listening socket reaches its accepted peer."""
        return socket if socket.peer is None else socket.peer

    def send_timeout(self, socket: Socket) -> float:
        """Return how many seconds sending on ``socket`` may wait without any progress, 0 for ever."""
        return socket.send_timeout

    @property
    def minimum_time_limit(self) -> int:
        """The shortest inactivity time limit in milliseconds: 256 bytes of ten bits at the line's speed, and 10 ms."""
        return 256 * 10 * 1000 // self.modem.signals.baud + 10


def _send_at_once(socket: Socket) -> None:
    """Have each command's data leave at once, as from the modem."""
    if socket.type is SocketType.STREAM:
        socket.set_option(Option.NODELAY, 1)


def host_name(device: Nrf91, value: Value) -> str:
    """Accept a host name or an address."""
    if type(value) is not str or len(value) > device.policy.max_host:
        raise CommandError(f"{shown(value)} is not a host name of at most {device.policy.max_host} characters")
    return value


Host: TypeAlias = Annotated[
    str,
    Values(
        host_name, "a string of at most 128 characters", beyond="a string of at most 127 characters", field="max_host"
    ),
]


def need_port(port: int) -> None:
    """Refuse port 0, as the modem's resolver does."""
    if not port:
        raise CommandError("<port> 0 cannot be connected or sent to")


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
