"""Layers: one that does nothing, and faults thrown together in a few lines, below a modem and below TLS."""

from __future__ import annotations

import errno
import inspect

import pytest
from tests import secured
from tests.secured import Driver, ask

from vmodem import dialects
from vmodem.net.fake import FakeNetwork, FakeSocket
from vmodem.net.interface import (
    POLLHUP,
    POLLIN,
    POLLOUT,
    EchoSocket,
    Family,
    NetSocket,
    Network,
    ResolveError,
    SocketType,
)
from vmodem.net.layer import EchoLayer, NetworkLayer, SocketLayer
from vmodem.virtual import Virtual

STREAM, DGRAM = SocketType.STREAM, SocketType.DGRAM
SERVER = ("192.0.2.1", 7)
OK = b"\r\nOK\r\n"


@pytest.fixture(params=[1, 2], ids=["one layer", "two layers"])
def stack(request):
    """A fake network, and what stands on it."""
    bottom = front = FakeNetwork(hosts={"name": ["192.0.2.1"]})
    for _ in range(request.param):
        front = NetworkLayer(front)
    front.driver = Driver()
    return bottom, front


def connected(bottom, front):
    socket = front.open(Family.IPV4, STREAM)
    with pytest.raises(BlockingIOError):
        socket.connect(SERVER)
    bottom.deliver()
    socket.finish_connect()
    front.driver.events.clear()
    return socket, bottom.peers[-1]


class TestPassThrough:
    def test_every_method_is_passed_through(self):
        """What the interface gets, the layer has to get: what is inherited would not be passed on."""
        for base, layer in ((NetSocket, SocketLayer), (EchoSocket, EchoLayer), (Network, NetworkLayer)):
            names = {name for name, value in vars(base).items() if callable(value) or isinstance(value, property)}
            names -= {"__init__", "resolve"}  # `resolve` is final: it asks `look_up`
            assert not {name for name in names if inspect.getattr_static(layer, name) is vars(base)[name]}

    def test_readiness_is_that_of_the_socket_in_front(self, stack):
        bottom, front = stack
        socket, peer = connected(bottom, front)
        peer.send(b"hello")
        bottom.deliver()
        assert front.driver.events == [(socket, POLLIN)]
        assert socket.recv(10, 0) == b"hello"

    def test_the_base_is_the_bottom_socket(self, stack):
        bottom, front = stack
        socket, peer = connected(bottom, front)
        assert isinstance(socket.base, FakeSocket)
        assert socket.base is bottom.sockets[0] is socket.base.base
        assert socket.base.partner is peer

    def test_accepted_sockets_are_layered_too(self, stack):
        bottom, front = stack
        listening = front.open(Family.IPV4, STREAM)
        listening.bind(8000)
        listening.listen(1)
        peer = bottom.incoming(8000, ("192.0.2.9", 5000))
        bottom.deliver()
        accepted, address = listening.accept()
        assert (type(accepted), address) == (SocketLayer, ("192.0.2.9", 5000))
        front.driver.events.clear()
        peer.send(b"hello")
        bottom.deliver()
        assert front.driver.events == [(accepted, POLLIN)]

    def test_echo(self, stack):
        bottom, front = stack
        socket = front.open_echo(Family.IPV4, "192.0.2.1")
        socket.send_echo(7, b"x")
        bottom.deliver()
        assert front.driver.events == [(socket, POLLIN)]
        assert socket.recv_echo() == 7
        assert socket.base is bottom.sockets[0]

    def test_lookups(self, stack):
        bottom, front = stack
        assert front.resolve("192.0.2.1", Family.IPV4, "token") == ["192.0.2.1"]
        assert front.resolve("name", Family.IPV4, "token") is None
        bottom.deliver()
        assert front.driver.answers == [("token", ["192.0.2.1"])]

    def test_the_link(self, stack):
        bottom, front = stack
        socket, _ = connected(bottom, front)
        front.set_link(up=False)
        assert (bottom.up, front.up, socket.lost) == (False, False, errno.ENETDOWN)
        bottom.deliver()
        assert front.driver.events == [(socket, POLLHUP)]
        with pytest.raises(ResolveError, match="EAI_AGAIN"):
            front.resolve("name", Family.IPV4, "token")
        front.set_link(up=True)
        assert front.up

    def test_a_lost_connection_is_told_although_it_is_closed(self, stack):
        bottom, front = stack
        socket, _ = connected(bottom, front)
        socket.abort(errno.ETIMEDOUT)
        socket.close()
        bottom.deliver()
        assert front.driver.events == [(socket, POLLHUP)]

    def test_closing_leaves_nothing(self, stack):
        bottom, front = stack
        socket, peer = connected(bottom, front)
        front.after(5, lambda: pytest.fail("the network is closed"))
        front.close()
        assert (bottom.sockets, peer.closed, front.deadline) == ([], True, None)
        front.advance(10)
        with pytest.raises(OSError, match="EBADF"):
            socket.recv(1, 0)


class TestTimers:
    def test_they_go_off_in_their_order_and_once(self, stack):
        _, front = stack
        happened = []
        for seconds in (3, 1, 2, 1):
            front.after(seconds, lambda seconds=seconds: happened.append(seconds))
        assert (front.deadline, front.driver.rescheduled) == (1, 4)
        front.advance(0.9)
        assert happened == []
        front.advance(2)
        assert (happened, front.deadline) == ([1, 1, 2], 3)
        front.advance(9)
        assert (happened, front.deadline) == ([1, 1, 2, 3], None)

    def test_those_of_the_inner_layer_count(self):
        inner = NetworkLayer(FakeNetwork())
        front = NetworkLayer(inner)
        front.driver = Driver()
        happened = []
        inner.after(1, lambda: happened.append("inner"))
        front.after(2, lambda: happened.append("front"))
        assert front.deadline == 1
        front.advance(2)
        assert happened == ["inner", "front"]


# Faults, as somebody would write them


class Late(SocketLayer):
    """What the peer sends comes 100 ms late."""

    __slots__ = ("_come", "_ended")

    def __init__(self, inner, network):
        super().__init__(inner, network)
        self._come = b""
        self._ended = False

    def told(self, events):
        if not events & POLLIN:
            super().told(events)
            return
        try:
            while True:
                data = self.inner.recv(65536, 0)
                self.network.after(0.1, lambda data=data: self._arrive(data))
                if not data:
                    return
        except BlockingIOError:
            pass

    def _arrive(self, data):
        self._come += data
        self._ended = not data
        self.ready(self, POLLIN | (0 if data else POLLHUP))

    def recv(self, size, flags):
        data, self._come = self._come[:size], self._come[size:]
        if data or self._ended:
            return data
        raise BlockingIOError

    def poll(self):
        return self.inner.poll() & ~POLLIN | (POLLIN if self._come or self._ended else 0)


class Stalled(SocketLayer):
    """The peer takes nothing as long as `StallNetwork.stalled`."""

    __slots__ = ()

    def send(self, data):
        if self.network.stalled:
            self.network.waiting.append(self)
            raise BlockingIOError
        return super().send(data)


class StallNetwork(NetworkLayer):
    def __init__(self, inner):
        super().__init__(inner)
        self.stalled = False
        self.waiting = []

    def wrap(self, inner):
        return Stalled(inner, self)

    def go_on(self):
        self.stalled = False
        for socket in self.waiting:
            self.after(0, lambda socket=socket: socket.ready(socket, POLLOUT))
        self.waiting.clear()


class Paced(SocketLayer):
    """100 bytes go out at once, and then 1000 in a second."""

    __slots__ = ("_free",)

    def __init__(self, inner, network):
        super().__init__(inner, network)
        self._free = 0.0

    def send(self, data):
        wait = self._free - self.network.now
        if wait > 1e-9:
            self.network.after(wait, lambda: self.ready(self, POLLOUT))
            raise BlockingIOError
        taken = super().send(data[:100])
        self._free = self.network.now + taken / 1000
        return taken


class Liar(NetworkLayer):
    """Every name has the address of somebody else."""

    def resolved(self, token, answer):
        super().resolved(token, ["192.0.2.66"])


def of(kind):
    """Return a layer whose sockets are of ``kind``."""
    return type(f"{kind.__name__}Network", (NetworkLayer,), {"wrap": lambda self, inner: kind(inner, self)})


class TestFaultsBelowAModem:
    def connected(self, layer, **options):
        modem = Virtual(dialects.find("sm-1.0"), layers=[NetworkLayer, layer], **options)
        modem.take()
        ask(modem, "AT#XSOCKET=1,1,0")
        assert ask(modem, 'AT#XCONNECT=0,"192.0.2.1",7').endswith(OK)
        return modem, modem.network.peers[-1]

    def test_late(self):
        modem, peer = self.connected(of(Late))
        modem.send(b"AT#XRECV=0,0,0,5\r")
        peer.send(b"hello")
        modem.wait(0.09)
        assert modem.take() == b""
        modem.wait(0.02)
        assert modem.take() == b"\r\n#XRECV: 0,0,5\r\nhello" + OK

    def test_stalled(self):
        modem, peer = self.connected(StallNetwork)
        layer = modem.modem.network
        layer.stalled = True
        modem.send(b'AT#XSEND=0,0,0,"hello"\r')
        modem.wait(5)
        assert (modem.take(), peer.take()) == (b"", b"")
        layer.go_on()
        modem.pump()
        assert modem.take() == b"\r\n#XSEND: 0,5\r\n" + OK
        assert peer.take() == b"hello"

    def test_paced(self):
        modem, peer = self.connected(of(Paced))
        modem.send(b'AT#XSEND=0,0,0,"' + b"x" * 1000 + b'"\r')
        assert peer.take() == b"x" * 100
        modem.wait(0.45)
        assert peer.take() == b"x" * 400
        modem.wait(0.5)
        assert peer.take() == b"x" * 500
        assert modem.take().endswith(OK)

    def test_wrong_answers_to_lookups(self):
        network = FakeNetwork(hosts={"test.server.com": ["192.0.2.1"]})
        modem, _ = self.connected(Liar, network=network)
        ask(modem, "AT#XSOCKET=1,1,0")
        ask(modem, 'AT#XCONNECT=1,"test.server.com",7')
        assert network.peers[-1].address == ("192.0.2.66", 7)


class TestFaultsBelowTls:
    SEND = b'AT#XSEND=0,0,0,"hello"\r'

    def test_late(self):
        modem, server = secured.connected(layers=[of(Late)])
        assert modem.take().endswith(OK)
        assert modem.now == pytest.approx(0.2)  # two flights of the server
        modem.send(b"AT#XRECV=0,0,0,5\r")
        server.socket.send(b"hello")
        server.carry()
        modem.wait(0.09)
        assert modem.take() == b""
        modem.wait(0.02)
        assert modem.take() == b"\r\n#XRECV: 0,0,5\r\nhello" + OK

    def test_stalled(self):
        modem, server = secured.connected(layers=[StallNetwork])
        modem.take()
        layer = modem.modem.network
        layer.stalled = True
        modem.send(self.SEND + self.SEND)
        modem.wait(5)
        assert modem.take() == b"\r\n#XSEND: 0,5\r\n" + OK  # one record is taken, the next waits
        layer.go_on()
        modem.pump()
        assert modem.take() == b"\r\n#XSEND: 0,5\r\n" + OK
        server.carry()
        assert server.socket.recv(100, 0) == b"hellohello"

    def test_paced(self):
        modem, server = secured.connected(layers=[of(Paced)])
        modem.send(b'AT#XSEND=0,0,0,"' + b"x" * 1000 + b'"\r')
        modem.wait(0.5)
        server.carry()
        with pytest.raises(BlockingIOError):
            server.socket.recv(1000, 0)  # the record is not whole
        modem.wait(1)
        server.carry()
        assert server.socket.recv(1000, 0) == b"x" * 1000

    def test_the_link_is_lost_through_a_layer(self):
        modem, _ = secured.connected(layers=[NetworkLayer])
        modem.take()
        assert ask(modem, "AT+CFUN=4").endswith(OK)
        assert not modem.modem.tls.busy or modem.modem.deadline is None
        assert b"ERROR" in ask(modem, 'AT#XSEND=0,0,0,"hello"')
