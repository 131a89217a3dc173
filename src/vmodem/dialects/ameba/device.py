"""The Ameba device: its links, its socket options, its Wi-Fi, and how its lines are framed."""

from __future__ import annotations

import errno
from enum import Enum
from typing import Annotated, Final, NamedTuple, TypeAlias

from vmodem.core.channel import Channel
from vmodem.core.errors import CommandError
from vmodem.core.parameters import Values
from vmodem.core.sockets import SocketTable
from vmodem.core.syntax import Value
from vmodem.core.tasks import Task
from vmodem.dialects.ameba.ping import Ping
from vmodem.dialects.ameba.policy import Policy
from vmodem.dialects.ameba.station import Station
from vmodem.dialects.ameba.syntax import number, unknown_line
from vmodem.net.interface import Address, NetSocket
from vmodem.tls.security import Security

MEMP_NUM_NETCONN: Final = 20
"""How many links there may be: servers, clients and seeds together."""

PARAMETER_ERROR: Final = 1
"""The number of every error that has no other."""

NOWHERE: Final[Address] = ("0.0.0.0", 0)


class Role(Enum):
    """What a link is; a seed is a connection that a server accepted."""

    SERVER = "server"
    CLIENT = "client"
    SEED = "seed"


class Protocol(Enum):
    """What a link speaks, as SKTSTATE prints it."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "ssl"


class SocketOptions(NamedTuple):
    """The socket options of SKTCFG: timeouts in milliseconds, times in seconds, 0 for the default of the network."""

    so_sndtimeo: int = 0
    so_rcvtimeo: int = 0
    tcp_nodelay: int = 0
    so_keepalive: int = 0
    tcp_keepidle: int = 0
    tcp_keepintvl: int = 0
    tcp_keepcnt: int = 0


class Link:
    """One link.

    Attributes:
        handle: its link id.
        role: server, client or seed.
        protocol: what it speaks.
        auto_rcv: whether what arrives is sent to the host unasked.
        options: the socket options when it was made; those of its server for a seed; TLS has none.
        source: the local address and port that SKTSTATE prints.
        destination: whom it sends to, `NOWHERE` for a server.
        net: the network's socket, None where the connection has ended: then the id stays in use until it is deleted.
        fd: the number of that socket, -1 where there is none.
        security: how a server secures its connections, None for not at all.
        ready: whether it can be used: not as long as the handshake of a seed lasts, which has nothing but its id then.
        server: the server that a seed belongs to.
        seeds: the seeds of a server, in the order in which they connected.
        task: what receives, or accepts, in the background.
        sending: whether a command is sending on it.
    """

    __slots__ = (
        "auto_rcv",
        "destination",
        "fd",
        "handle",
        "net",
        "options",
        "protocol",
        "ready",
        "role",
        "security",
        "seeds",
        "sending",
        "server",
        "source",
        "task",
    )

    peer: Final = None
    """A link reaches its peer by its own socket."""

    def __init__(self, handle: int, role: Role, protocol: Protocol, *, auto_rcv: int, options: SocketOptions) -> None:
        self.handle = handle
        self.role = role
        self.protocol = protocol
        self.auto_rcv = bool(auto_rcv)
        self.options = options
        self.source = self.destination = NOWHERE
        self.net: NetSocket | None = None
        self.fd = -1
        self.security: Security | None = None
        self.ready = True
        self.server: Link | None = None
        self.seeds: list[Link] = []
        self.task: Task | None = None
        self.sending = False

    @property
    def listens(self) -> bool:
        """Whether it only accepts connections: what is sent and received goes through its seeds."""
        return self.role is Role.SERVER and self.protocol is not Protocol.UDP


class Ameba:
    """One Ameba between power-on and reset.

    Attributes:
        channel: the AT channel of its host.
        modem: the modem.
        policy: what differs on either side of ``--follow``.
        sockets: the links.
        options: the socket options for links that are made from now on.
        ping: the ping that runs, None while there is none.
    """

    __slots__ = ("channel", "modem", "options", "ping", "policy", "sockets")

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.modem = channel.modem
        self.policy: Policy = self.modem.policy
        self.sockets: SocketTable[Link] = SocketTable(MEMP_NUM_NETCONN)
        self.options = SocketOptions()
        self.ping: Ping | None = None

    @property
    def wifi(self) -> Station:
        """The state of the modem's Wi-Fi."""
        wifi: Station = self.modem.core
        return wifi

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Take no notice: whoever receives or accepts waits in a task of its own."""

    def open(self, link: Link, net: NetSocket) -> None:
        """Give ``link`` its socket, and the lowest free number for it."""
        taken = {other.fd for other in self.sockets}
        link.net = net
        link.fd = next(fd for fd in range(len(taken) + 1) if fd not in taken)

    def close(self, link: Link) -> None:
        """Close the socket of ``link``; its id stays in use until it is deleted."""
        task, link.task = link.task, None
        net, link.net = link.net, None
        link.fd = -1
        if task is not None:
            self.modem.cancel(task)
        if net is None:
            return
        if link.sending:  # whoever waits to send has to hear of it, and closes it then
            net.abort(errno.ECONNRESET)
        else:
            net.close()

    def close_all(self) -> None:
        """Delete every link."""
        for link in self.sockets:
            if self.sockets.get(link.handle) is link:  # deleting a server deleted its seeds too
                self.delete(link)

    def delete(self, link: Link) -> None:
        """Delete ``link``, and its seeds where it is a server."""
        for seed in list(link.seeds):
            self.delete(seed)
        if link.server is not None:
            link.server.seeds.remove(link)
        self.close(link)
        self.sockets.remove(link)


# Framing

OK: Final = b"\r\nOK\r\n"


def information(line: str) -> bytes:
    """Frame an information line."""
    return b"%b\r\n" % line.encode("latin-1")


def urc(line: str) -> bytes:
    """Frame an unsolicited message."""
    return b"[$]%b\r\n" % line.encode("latin-1")


def error(device: Ameba, failure: CommandError) -> bytes:
    """Frame an error: its number, or the line that is no known command."""
    unknown = unknown_line(failure)
    if unknown is None:
        return b"\r\nERROR: %d\r\n" % (failure.code or PARAMETER_ERROR)
    return b"" if device.policy.unknown_is_silent else b"\r\nunknown command %b\r\n" % unknown.encode("latin-1")


# Parameters

_link_id: Final = number(0, MEMP_NUM_NETCONN - 1)


def new_link_id(device: Ameba, value: Value) -> int:
    """Accept the id of a link that there is not yet."""
    link_id = _link_id.convert(device, value)
    need_free(device, link_id)
    return link_id


def need_free(device: Ameba, link_id: int) -> None:
    """Refuse the id of a link that there is: by now, where a command has waited since it was accepted.

    Raises:
        CommandError: it is in use.
    """
    if device.sockets.get(link_id) is not None:
        raise CommandError(f"{link_id} is in use")


def any_link(device: Ameba, value: Value) -> Link:
    """Accept the id of a link."""
    link_id = _link_id.convert(device, value)
    link = device.sockets.get(link_id)
    if link is None:
        raise CommandError(f"{link_id} is no link")
    return link


def open_link(device: Ameba, value: Value) -> Link:
    """Accept the id of a link whose connection is there, and has not ended."""
    link = any_link(device, value)
    if not link.ready:
        raise CommandError(f"{link.handle} is still at its handshake")
    if link.net is None:
        raise CommandError(f"{link.handle} has lost its connection")
    return link


NewLinkId: TypeAlias = Annotated[int, Values(new_link_id, f"{_link_id.words}, which no link has")]
AnyLink: TypeAlias = Annotated[Link, Values(any_link, "the id of a link")]
OpenLink: TypeAlias = Annotated[Link, Values(open_link, "the id of a link whose connection has not ended")]
