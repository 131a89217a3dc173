"""What those who listen to a modem see of its sockets: a layer over its network, and one over its TLS.

Where nobody listens there is neither. What is sent and received over a secure connection is seen in the clear, and
marked as secret; what passes below it is not seen, nor are echo requests, which no host has a socket for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from vmodem.core.errors import in_words
from vmodem.core.trace import (
    Accepted,
    Bound,
    Closed,
    Connected,
    Connecting,
    Event,
    Failed,
    Listening,
    LookUp,
    Opened,
    Received,
    Resolved,
    Secured,
    Sent,
)
from vmodem.net.interface import (
    MSG_PEEK,
    Address,
    Answer,
    Family,
    NetSocket,
    Network,
    ResolveError,
    SocketType,
)
from vmodem.net.layer import NetworkLayer, SocketLayer
from vmodem.tls.security import SecureSocket, Security
from vmodem.tls.stack import Tls


class ObservedSocket(SocketLayer):
    """A socket of which everything is told.

    Attributes:
        number: sockets are counted from 1.
    """

    __slots__ = ("_closed", "number", "observer")

    secure = False

    def __init__(self, inner: NetSocket, network: ObservedNetwork, number: int) -> None:
        super().__init__(inner, network)
        self.observer = network
        self.number = number
        self._closed = False

    def bind(self, port: int) -> None:
        """Bind."""
        with self._telling("bind"):
            super().bind(port)
        self.observer.tell(Bound(self.number, self.local_address()))

    def listen(self, backlog: int) -> None:
        """Listen."""
        with self._telling("listen"):
            super().listen(backlog)
        self.observer.tell(Listening(self.number))

    def accept(self) -> tuple[NetSocket, Address]:
        """Take a connection."""
        with self._telling("accept"):
            accepted, address = self.inner.accept()
        socket = self.observer.wrap(accepted)
        self.observer.tell(Accepted(socket.number, self.number, address))
        return socket, address

    def connect(self, address: Address) -> None:
        """Begin to connect."""
        self.observer.tell(Connecting(self.number, address))
        with self._telling("connect"):
            super().connect(address)
        self.observer.tell(Connected(self.number))

    def finish_connect(self) -> None:
        """Tell how the connect went."""
        with self._telling("connect"):
            super().finish_connect()
        self.observer.tell(Connected(self.number))

    def send(self, data: bytes) -> int:
        """Send to the connected peer."""
        with self._telling("send"):
            sent = super().send(data)
        self.observer.tell(Sent(self.number, data[:sent], None, self.secure))
        return sent

    def sendto(self, data: bytes, address: Address) -> int:
        """Send one datagram."""
        with self._telling("send"):
            sent = super().sendto(data, address)
        self.observer.tell(Sent(self.number, data[:sent], address, self.secure))
        return sent

    def recv(self, size: int, flags: int) -> bytes:
        """Receive."""
        with self._telling("receive"):
            data = super().recv(size, flags)
        if not flags & MSG_PEEK:
            self.observer.tell(Received(self.number, data, None, self.secure))
        return data

    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        """Receive one datagram and its sender."""
        with self._telling("receive"):
            data, address = super().recvfrom(size, flags)
        if not flags & MSG_PEEK:
            self.observer.tell(Received(self.number, data, address, self.secure))
        return data, address

    def abort(self, code: int) -> None:
        """Lose the connection."""
        if not self.lost and not self._closed:
            self.observer.tell(Failed(self.number, "connection", in_words(OSError(code, ""))))
        super().abort(code)

    def close(self) -> None:
        """Close."""
        super().close()
        if not self._closed:
            self._closed = True
            self.observer.tell(Closed(self.number))

    @contextmanager
    def _telling(self, call: str) -> Iterator[None]:
        """Tell of a failure of ``call``; one that has to wait is none."""
        try:
            yield
        except BlockingIOError:
            raise
        except OSError as error:
            self.observer.tell(Failed(self.number, call, in_words(error)))
            raise


class ObservedSecure(ObservedSocket, SecureSocket):
    """A secure connection of which everything is told, in the clear."""

    __slots__ = ("_front", "_told")

    secure = True

    def __init__(self, front: SecureSocket, plain: ObservedSocket) -> None:
        super().__init__(front, plain.observer, plain.number)
        self._front = front
        self._told = False

    def handshake(self) -> None:
        """Go on with the handshake."""
        with self._telling("handshake"):
            self._front.handshake()
        if not self._told:
            self._told = True
            self.observer.tell(Secured(self.number, self._front.ciphersuite(), self._front.resumed))

    def retransmit_after(self) -> float | None:
        """Return in how many seconds `retransmit` is due."""
        return self._front.retransmit_after()

    def retransmit(self) -> None:
        """Repeat what the peer has not answered."""
        self._front.retransmit()

    def ciphersuite(self) -> int:
        """Return the cipher suite."""
        return self._front.ciphersuite()

    @property
    def resumed(self) -> bool:
        """Whether an earlier session was resumed."""
        return self._front.resumed

    @property
    def verified(self) -> bool:
        """Whether the peer has proved who it is."""
        return self._front.verified

    @property
    def verify_error(self) -> str:
        """Why the peer is not verified."""
        return self._front.verify_error

    def cid_status(self) -> int:
        """Return who uses a connection identifier."""
        return self._front.cid_status()


class ObservedTls(Tls):
    """TLS over sockets that are seen: over what stands behind them, so that what is seen is in the clear."""

    __slots__ = ()

    def secure(self, socket: NetSocket, security: Security) -> SecureSocket:
        """Put TLS, or DTLS, over a connected socket."""
        if isinstance(socket, SecureSocket) or not isinstance(socket, ObservedSocket):
            return super().secure(socket, security)
        try:
            front = super().secure(socket.inner, security)
        except OSError as error:
            self.refused(socket, error)
            raise
        return ObservedSecure(front, socket)

    def refused(self, socket: NetSocket, error: OSError) -> None:
        """Tell that a socket cannot be secured."""
        if isinstance(socket, ObservedSocket):
            socket.observer.tell(Failed(socket.number, "handshake", in_words(error)))


class ObservedNetwork(NetworkLayer):
    """A network of which everything is told.

    Attributes:
        tell: tells those who listen.
    """

    __slots__ = ("_asked", "_numbers", "tell")

    def __init__(self, inner: Network) -> None:
        super().__init__(inner)
        self.tell: Callable[[Event], None] = _nobody
        self._numbers = count(1)
        self._asked: dict[object, str] = {}

    def wrap(self, inner: NetSocket) -> ObservedSocket:
        """Return what stands in front of ``inner``."""
        return ObservedSocket(inner, self, next(self._numbers))

    def open(self, family: Family, type: SocketType) -> NetSocket:
        """Open a socket."""
        socket = self.wrap(self.inner.open(family, type))
        self.tell(Opened(socket.number, family, type))
        return socket

    def look_up(self, host: str, family: Family, token: object) -> None:
        """Find the addresses of a name."""
        self.tell(LookUp(host))
        self._asked[token] = host
        super().look_up(host, family, token)

    def resolved(self, token: object, answer: Answer) -> None:
        """Pass the answer to a lookup on."""
        host = self._asked.pop(token, "")
        if isinstance(answer, ResolveError):
            self.tell(Resolved(host, (), answer.name))
        else:
            self.tell(Resolved(host, tuple(answer), ""))
        super().resolved(token, answer)

    def close(self) -> None:
        """Close every socket, and forget lookups."""
        self._asked.clear()
        super().close()


def _nobody(event: Event) -> None:
    """Tell nobody: the modem is being made."""
