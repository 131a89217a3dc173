"""One open socket of an nRF91 as its host knows it, and the constants that every one of its manuals has."""

from __future__ import annotations

from typing import Final

from vmodem.core.tasks import Task
from vmodem.net.interface import CLOSURE, MSG_PEEK, Family, NetSocket, Option, SocketType

CLIENT: Final = 0
SERVER: Final = 1
"""The <role> of a socket."""

IPPROTO: Final = {SocketType.STREAM: 6, SocketType.DGRAM: 17, SocketType.RAW: 0}
IPPROTO_TLS_1_2: Final = 258
IPPROTO_DTLS_1_2: Final = 273
"""The <protocol> of a socket."""

IPPROTO_SECURE: Final = {SocketType.STREAM: IPPROTO_TLS_1_2, SocketType.DGRAM: IPPROTO_DTLS_1_2}


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
        kernel: those that the network's socket has, too.
        peer: the accepted connection that a listening socket reaches.
        listener: the listening socket that an accepted connection came from.
        active_at: when data last moved, in seconds of the engine's clock.
        task: the background task that watches or serves it.
    """

    __slots__ = (
        "active_at",
        "cid",
        "family",
        "handle",
        "hostname",
        "kernel",
        "listener",
        "net",
        "options",
        "peer",
        "receive_timeout",
        "role",
        "sec_tag",
        "send_timeout",
        "task",
        "type",
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
        self.kernel: dict[Option, int] = {}
        self.peer: Socket | None = None
        self.listener: Socket | None = None
        self.active_at = 0.0
        self.task: Task | None = None

    def set_option(self, option: Option, value: int) -> None:
        """Set an option of the network's socket, and of any that takes its place.

        Raises:
            OSError: the network refuses.
        """
        self.net.set_option(option, value)
        self.kernel[option] = value

    def replace(self, net: NetSocket) -> None:
        """Put a fresh socket of the network in place of the one there was; it has the same options.

        Raises:
            OSError: the network refuses.
        """
        self.net = net
        for option, value in self.kernel.items():
            net.set_option(option, value)

    @property
    def ended(self) -> bool:
        """Whether the connection has ended, and nothing that came before its end is left; asking changes nothing."""
        if not self.net.poll() & CLOSURE:
            return False
        try:
            return not self.net.recv(1, MSG_PEEK)
        except OSError:  # it broke; whoever receives is told again
            return True
