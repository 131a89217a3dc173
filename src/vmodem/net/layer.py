"""What can stand between a modem and its network, or between TLS and the network: layers.

A layer is a network that stands on another one, and the driver of it. Each socket of the inner network gets a socket of
the layer in front of it, as soon as it is opened or accepted. The layer here passes everything through and does nothing
else; one that does is a subclass that overrides the method in question, and `wrap` where that is one of a socket's.

    class Deaf(SocketLayer):
        def recv(self, size, flags):
            raise BlockingIOError

    class DeafNetwork(NetworkLayer):
        def wrap(self, inner):
            return Deaf(inner, self)

    network = DeafNetwork(HostNetwork(...))

Layers stand on each other, and TLS on any of them. This module must not know about AT commands, modems or TLS.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from operator import itemgetter

from vmodem.net.interface import (
    Address,
    Answer,
    EchoSocket,
    Family,
    NetSocket,
    Network,
    Option,
    SocketType,
    earlier,
    leave,
)


class SocketLayer(NetSocket):
    """A socket in front of another one, which it owns.

    Args:
        inner: the socket behind it.
        network: the layer that it belongs to.
    """

    __slots__ = ("inner", "network", "type")

    def __init__(self, inner: NetSocket, network: NetworkLayer) -> None:
        self.type = inner.type
        self.inner = inner
        self.network = network
        self.ready = network.driver.socket_ready
        inner.ready = self._inner_ready

    @property
    def base(self) -> NetSocket:
        """The socket of the bottom network."""
        return self.inner.base

    @property
    def lost(self) -> int:
        """The errno that the connection was lost with."""
        return self.inner.lost

    def told(self, events: int) -> None:
        """Pass on that ``events`` may have become true of the inner socket.

        Readiness is edge-like: what is kept back here is told later, or there has to be nothing to tell.
        """
        self.ready(self, events)

    def _inner_ready(self, socket: NetSocket, events: int) -> None:
        self.told(events)

    def bind(self, port: int) -> None:
        """Bind."""
        self.inner.bind(port)

    def listen(self, backlog: int) -> None:
        """Listen."""
        self.inner.listen(backlog)

    def accept(self) -> tuple[NetSocket, Address]:
        """Take a connection; its socket gets one of the layer's in front."""
        accepted, address = self.inner.accept()
        return self.network.wrap(accepted), address

    def connect(self, address: Address) -> None:
        """Begin to connect."""
        self.inner.connect(address)

    def finish_connect(self) -> None:
        """Tell how the connect went."""
        self.inner.finish_connect()

    def send(self, data: bytes) -> int:
        """Send to the connected peer."""
        return self.inner.send(data)

    def sendto(self, data: bytes, address: Address) -> int:
        """Send one datagram."""
        return self.inner.sendto(data, address)

    def recv(self, size: int, flags: int) -> bytes:
        """Receive."""
        return self.inner.recv(size, flags)

    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        """Receive one datagram and its sender."""
        return self.inner.recvfrom(size, flags)

    def poll(self) -> int:
        """Return what is true now."""
        return self.inner.poll()

    def remind(self) -> None:
        """Have it told once more what is true."""
        self.inner.remind()

    def unacknowledged(self) -> int:
        """Return how many sent bytes are not acknowledged."""
        return self.inner.unacknowledged()

    def take_error(self) -> int:
        """Return what went wrong."""
        return self.inner.take_error()

    def set_option(self, option: Option, value: int) -> None:
        """Set an option."""
        self.inner.set_option(option, value)

    def local_address(self) -> Address:
        """Return the local address and port."""
        return self.inner.local_address()

    def peer_address(self) -> Address:
        """Return the peer's address and port."""
        return self.inner.peer_address()

    def abort(self, code: int) -> None:
        """Lose the connection."""
        self.inner.abort(code)

    def close(self) -> None:
        """Close."""
        leave(self.inner)


class EchoLayer(SocketLayer, EchoSocket):
    """A socket for ICMP echo in front of another one."""

    __slots__ = ("_echo",)

    def __init__(self, inner: EchoSocket, network: NetworkLayer) -> None:
        super().__init__(inner, network)
        self._echo = inner

    def send_echo(self, sequence: int, payload: bytes) -> None:
        """Send one echo request."""
        self._echo.send_echo(sequence, payload)

    def recv_echo(self) -> int:
        """Return the sequence number of a reply."""
        return self._echo.recv_echo()


class NetworkLayer(Network):
    """A network that stands on another one.

    Args:
        inner: the network behind it; this layer is its driver.
    """

    __slots__ = ("_timers", "inner")

    def __init__(self, inner: Network) -> None:
        self.inner = inner
        self._timers: list[tuple[float, Callable[[], None]]] = []
        inner.driver = self

    def wrap(self, inner: NetSocket) -> NetSocket:
        """Return what stands in front of ``inner``, which has just been opened or accepted."""
        return SocketLayer(inner, self)

    def wrap_echo(self, inner: EchoSocket) -> EchoSocket:
        """Return what stands in front of ``inner``, which has just been opened."""
        return EchoLayer(inner, self)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Call ``action`` in ``seconds`` from now, unless the network is closed before."""
        insort(self._timers, (self.now + seconds, action), key=itemgetter(0))
        self.reschedule()

    # As the network of what stands above

    @property
    def up(self) -> bool:
        """Whether the link is up."""
        return self.inner.up

    @property
    def deadline(self) -> float | None:
        """When something is due next, here or below."""
        return earlier(self._timers[0][0] if self._timers else None, self.inner.deadline)

    def advance(self, now: float) -> None:
        """Do what is due, below first."""
        self.inner.advance(now)
        while self._timers and self._timers[0][0] <= now:
            _, action = self._timers.pop(0)
            action()

    def address(self, family: Family) -> str | None:
        """Return the modem's own address of ``family``."""
        return self.inner.address(family)

    def open(self, family: Family, type: SocketType) -> NetSocket:
        """Open a socket."""
        return self.wrap(self.inner.open(family, type))

    def open_echo(self, family: Family, address: str) -> EchoSocket:
        """Open a socket for ICMP echo."""
        return self.wrap_echo(self.inner.open_echo(family, address))

    def look_up(self, host: str, family: Family, token: object) -> None:
        """Find the addresses of the name ``host``; the answer passes `resolved`."""
        self.inner.look_up(host, family, token)

    def set_link(self, *, up: bool) -> None:
        """Bring the link up or down."""
        self.inner.set_link(up=up)

    def close(self) -> None:
        """Close every socket, and forget lookups and timers."""
        self._timers.clear()
        self.inner.close()

    # As the driver of what stands below

    @property
    def now(self) -> float:
        """The modem's clock in seconds."""
        return self.driver.now

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Pass on what becomes true of a socket that nobody has opened or accepted yet."""
        self.driver.socket_ready(socket, events)

    def resolved(self, token: object, answer: Answer) -> None:
        """Pass the answer to a lookup on."""
        self.driver.resolved(token, answer)

    def reschedule(self) -> None:
        """Have the modem's deadline looked at."""
        self.driver.reschedule()
