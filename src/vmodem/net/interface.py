"""The network interface that the engine and the dialects are written against.

It is the socket API that the firmware itself was written against, made non-blocking: a call that cannot finish at
once raises `BlockingIOError`; every other failure is an `OSError` with an ``errno``. Nothing here does I/O.

This module must not know about AT commands, dialects or event loops.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from ipaddress import ip_address
from typing import Any, Protocol, TypeAlias

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16
POLLNVAL = 32
CLOSURE = POLLERR | POLLHUP | POLLNVAL

MSG_PEEK = 2

ICMP_HINT = "permit ICMP sockets with sysctl net.ipv4.ping_group_range, or run as root or with CAP_NET_RAW"
"""What to do where `Network.open_echo` raises `PermissionError`."""

Address: TypeAlias = tuple[str, int]


class Family(IntEnum):
    """IP protocol family, numbered as the nRF91 modem library numbers it."""

    UNSPEC = 0
    IPV4 = 1
    IPV6 = 2
    PACKET = 3


class SocketType(IntEnum):
    """Socket type, numbered as in POSIX."""

    STREAM = 1
    DGRAM = 2
    RAW = 3


class Option(Enum):
    """Socket options that a network can honour; anything else is the dialect's own business."""

    REUSEADDR = "SO_REUSEADDR"
    NODELAY = "TCP_NODELAY"
    KEEPALIVE = "SO_KEEPALIVE"
    KEEPIDLE = "TCP_KEEPIDLE"
    KEEPINTVL = "TCP_KEEPINTVL"
    KEEPCNT = "TCP_KEEPCNT"
    BROADCAST = "SO_BROADCAST"
    SNDTIMEO = "SO_SNDTIMEO"
    RCVTIMEO = "SO_RCVTIMEO"
    USER_TIMEOUT = "TCP_USER_TIMEOUT"


class ResolveError(Exception):
    """A name could not be resolved; ``name`` is the constant of getaddrinfo(3), such as ``EAI_NONAME``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


Answer: TypeAlias = "Sequence[str] | ResolveError"


class PeerVerify(IntEnum):
    """Whether the peer has to prove who it is, numbered as in the nRF91 modem library."""

    NONE = 0
    OPTIONAL = 1
    REQUIRED = 2


class DtlsCid(IntEnum):
    """Whether a DTLS connection identifier (RFC 9146) is used, numbered as in the nRF91 modem library."""

    DISABLED = 0
    SUPPORTED = 1
    ENABLED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an end of a secure connection proves and checks identities with; ``b""`` for what it does not have.

    Attributes:
        ca: trusted root certificates, PEM.
        certificate: its own certificate, PEM.
        key: the private key of that certificate, PEM, not encrypted.
        psk: the pre-shared key, raw.
        psk_identity: the name of the pre-shared key.
    """

    ca: bytes = b""
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    psk: bytes = field(default=b"", repr=False)
    psk_identity: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How a connection is to be secured.

    Attributes:
        credentials: what to prove and to check identities with.
        server: whether this end is the server.
        peer_verify: whether the peer's certificate is checked: not at all; checked, but no obstacle; required.
        hostname: the name or address that the peer's certificate has to be for, None where that is not checked.
        server_name: the name that the client asks for (SNI), None for none.
        session_cache: whether a session is kept, and resumed with the same peer.
        dtls_cid: whether a DTLS client offers a connection identifier.
    """

    credentials: Credentials
    server: bool = False
    peer_verify: PeerVerify = PeerVerify.REQUIRED
    hostname: str | None = None
    server_name: str | None = None
    session_cache: bool = False
    dtls_cid: DtlsCid = DtlsCid.DISABLED


class CredentialError(OSError):
    """Credentials that cannot be used; ``part`` is the field of `Credentials` that is to blame."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(errno.ECONNREFUSED, f"{part}: {reason}")
        self.part = part


class MismatchError(CredentialError):
    """A private key that does not belong to the certificate it comes with."""


class HandshakeError(OSError):
    """A TLS or DTLS handshake that failed; ``reason`` says in plain words why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.reason = reason


class Listener(Protocol):
    """Who is told that something happened on a network: the engine, through whoever drives it."""

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Tell that ``events`` may have become true on ``socket``; spurious calls are allowed."""

    def resolved(self, token: object, answer: Answer) -> None:
        """Deliver the answer to the `Network.resolve` call that was made with ``token``."""


class NetSocket(ABC):
    """One socket. Readiness is edge-like: after `BlockingIOError` the listener is told when to try again.

    Attributes:
        type: socket type.
    """

    __slots__ = ()

    type: SocketType

    @abstractmethod
    def bind(self, port: int) -> None:
        """Bind to ``port`` (0 to 65535; 0 picks one) at the modem's own address."""

    @abstractmethod
    def listen(self, backlog: int) -> None:
        """Put a stream socket in listening mode."""

    @abstractmethod
    def accept(self) -> tuple[NetSocket, Address]:
        """Take a pending connection."""

    @abstractmethod
    def connect(self, address: Address) -> None:
        """Begin to connect; raise `BlockingIOError` where `finish_connect` has to be asked after POLLOUT."""

    @abstractmethod
    def finish_connect(self) -> None:
        """Return once connected, raise `BlockingIOError` while it is under way, or the `OSError` it ended with."""

    @abstractmethod
    def send(self, data: bytes) -> int:
        """Send to the connected peer; return how many bytes were taken."""

    @abstractmethod
    def sendto(self, data: bytes, address: Address) -> int:
        """Send one datagram to ``address``; return how many bytes were taken."""

    @abstractmethod
    def recv(self, size: int, flags: int) -> bytes:
        """Receive at most ``size`` bytes; ``b""`` is the peer's end of stream. ``flags``: 0 or `MSG_PEEK`."""

    @abstractmethod
    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        """Receive one datagram, cut to ``size`` bytes, and its sender."""

    @abstractmethod
    def poll(self) -> int:
        """Return what is true now, a sum of POLLIN, POLLOUT, POLLERR and POLLHUP."""

    @abstractmethod
    def unacknowledged(self) -> int:
        """Return how many sent bytes the peer has not acknowledged yet."""

    @abstractmethod
    def take_error(self) -> int:
        """Return the errno of what went wrong since last asked, 0 where nothing did (SO_ERROR)."""

    @abstractmethod
    def set_option(self, option: Option, value: int) -> None:
        """Set a socket option; timeouts are in milliseconds, and SNDTIMEO and RCVTIMEO are the caller's business."""

    @abstractmethod
    def local_address(self) -> Address:
        """Return the local address and port."""

    @abstractmethod
    def peer_address(self) -> Address:
        """Return the peer's address and port; ENOTCONN where there is no peer."""

    @abstractmethod
    def abort(self, code: int) -> None:
        """Lose the connection: it ends, later calls fail with the errno ``code``, and POLLHUP is true."""

    @abstractmethod
    def close(self) -> None:
        """Close; a second call does nothing."""


class SecureSocket(NetSocket):
    """A TLS or DTLS connection over a connected socket, which it owns: `Network.secure` makes it.

    Everything else is as with the plain socket, once `handshake` has returned. A DTLS connection that the peer has
    closed ends as a stream does, by ``b""``.
    """

    __slots__ = ()

    @abstractmethod
    def handshake(self) -> None:
        """Return once the handshake is done, raise `BlockingIOError` while it is under way.

        Raises:
            HandshakeError: it failed: ECONNREFUSED for a certificate, a key or an alert, ECONNRESET where the peer
                went away, EPROTO where it speaks something else.
        """

    @abstractmethod
    def retransmit_after(self) -> float | None:
        """Return in how many seconds `retransmit` is due, None for never: a stream, or nothing to repeat."""

    @abstractmethod
    def retransmit(self) -> None:
        """Repeat what the peer has not answered, where that is due; a failure is left to `handshake`."""

    @abstractmethod
    def ciphersuite(self) -> int:
        """Return the cipher suite as IANA numbers it; ENOTCONN before the handshake is done."""

    @property
    @abstractmethod
    def resumed(self) -> bool:
        """Return whether the handshake resumed an earlier session."""

    @property
    @abstractmethod
    def verified(self) -> bool:
        """Return whether the peer has proved who it is, by a certificate or by a pre-shared key."""

    @property
    @abstractmethod
    def verify_error(self) -> str:
        """Return in plain words why the peer is not `verified`, "" where it is."""

    @abstractmethod
    def cid_status(self) -> int:
        """Return who uses a connection identifier: 0 nobody, 1 the peer when it sends, 2 this end, 3 both."""

    @abstractmethod
    def translate(self, events: int) -> int:
        """Take the ``events`` of the plain socket, do what they permit; return what became true of this one."""


class EchoSocket(NetSocket):
    """A socket for ICMP echo: `send_echo` and `recv_echo`, besides readiness and closing."""

    __slots__ = ()

    @abstractmethod
    def send_echo(self, sequence: int, payload: bytes) -> None:
        """Send one echo request to the connected peer."""

    @abstractmethod
    def recv_echo(self) -> int:
        """Return the sequence number of an echo reply that arrived."""


class Network(ABC):
    """One modem's network: its addresses, its sockets, its resolver, and whether its link is up.

    Attributes:
        listener: who is told what happens.
        up: whether the link is up.
        secured: the secure socket in front of each plain one that has one; None as long as there never was any.
        sessions: the TLS sessions that can be resumed; only the secure layer knows what is in it.
    """

    __slots__ = ("listener", "secured", "sessions", "up")

    listener: Listener
    up: bool
    secured: dict[NetSocket, SecureSocket] | None
    sessions: OrderedDict[Any, Any]

    def __init__(self) -> None:
        self.up = True
        self.secured = None
        self.sessions = OrderedDict()

    @abstractmethod
    def address(self, family: Family) -> str | None:
        """Return the modem's own address of ``family``, None where it has none."""

    @abstractmethod
    def open(self, family: Family, type: SocketType) -> NetSocket:
        """Open a socket."""

    @abstractmethod
    def open_echo(self, family: Family, address: str) -> EchoSocket:
        """Open a socket that sends ICMP echo requests to ``address``."""

    def resolve(self, host: str, family: Family, token: object) -> Sequence[str] | None:
        """Resolve ``host``: an address literal at once; of a name the listener is told, with ``token``.

        Returns:
            The addresses, or None where they are not known yet.

        Raises:
            ResolveError: there is no link, or the literal is of another family.
        """
        if not self.up:
            raise ResolveError("EAI_AGAIN")
        literal = family_of(host)
        if literal is None:
            self.look_up(host, family, token)
            return None
        if family not in (Family.UNSPEC, literal):
            raise ResolveError("EAI_NONAME")
        return [host]

    @abstractmethod
    def look_up(self, host: str, family: Family, token: object) -> None:
        """Find the addresses of the name ``host``, and tell the listener."""

    def secure(self, socket: NetSocket, security: Security) -> SecureSocket:
        """Put TLS, or DTLS, over a connected socket; nobody but the secure socket uses ``socket`` from then on.

        Raises:
            CredentialError: the credentials cannot be used.
            OSError: the socket is not connected, or a name in ``security`` cannot be one.
        """
        from vmodem.net.secure import secure  # not at the top: nobody without a secure socket pays for OpenSSL

        return secure(self, socket, security)

    def check(self, security: Security, type: SocketType) -> None:
        """Refuse credentials that `secure` would refuse: what a server cannot use shows before anybody connects.

        Raises:
            CredentialError: the credentials cannot be used.
        """
        from vmodem.net.contexts import context_for

        context_for(security, datagrams=type is not SocketType.STREAM)

    def purge_sessions(self) -> None:
        """Forget the TLS sessions: no later connection resumes one."""
        self.sessions.clear()

    def front(self, socket: NetSocket) -> NetSocket:
        """Return the secure socket in front of ``socket``, itself where there is none."""
        return socket if self.secured is None else self.secured.get(socket, socket)

    def tell(self, socket: NetSocket, events: int) -> None:
        """Tell the listener that ``events`` may be true on ``socket``, or what follows for whom it is the inside of."""
        if self.secured is None or (front := self.secured.get(socket)) is None:
            self.listener.socket_ready(socket, events)
        elif events := front.translate(events):
            self.listener.socket_ready(front, events)

    @abstractmethod
    def set_up(self, up: bool) -> None:
        """Bring the link up or down; going down aborts every socket that used it."""

    @abstractmethod
    def close(self) -> None:
        """Close every socket that is still open and forget pending lookups."""


def family_of(host: str) -> Family | None:
    """Return the family of an address literal, None where ``host`` is not one."""
    try:
        return Family.IPV4 if ip_address(host).version == 4 else Family.IPV6
    except ValueError:
        return None


def link_down() -> OSError:
    """Return the error of a call that needs the link while it is down."""
    return OSError(errno.ENETDOWN, "the link is down")
