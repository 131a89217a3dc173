"""Worlds that have to behave alike: the host's real sockets and the network in memory, without and with a layer."""

import asyncio
import socket

from tests.patience import PATIENCE
from tests.peers import reset
from vmodem.net.fake import FakeNetwork
from vmodem.net.host import HostNetwork
from vmodem.net.interface import CLOSURE, Family
from vmodem.net.layer import NetworkLayer
from vmodem.reactor import Reactor

LOOPBACK = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}
AF = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


class Record:
    """A driver that remembers."""

    now = 0.0

    def __init__(self):
        self.events = {}
        self.answers = {}
        self.changed = lambda: None

    def socket_ready(self, sock, events):
        self.events[sock] = self.events.get(sock, 0) | events
        self.changed()

    def resolved(self, token, answer):
        self.answers[token] = answer
        self.changed()

    def reschedule(self):
        raise AssertionError("nothing waits for a moment")


class FakeWorld:
    """The fake network, driven by hand."""

    name = "fake"

    def __init__(self):
        self.driver = Record()
        self.fake = FakeNetwork("127.0.0.1", "::1", hosts={"localhost": ["::1", "127.0.0.1"]})
        self.network = self.layered(self.fake)
        self.network.driver = self.driver
        self._port = 7000

    def layered(self, network):
        return network

    def close(self):
        self.network.close()

    def until(self, true):
        self.fake.deliver()
        assert true(), "it never happened"

    def server(self, family=Family.IPV4):
        """Return the address of a TCP server and a function that accepts."""
        self._port += 1
        address = (LOOPBACK[family], self._port)

        def accept():
            self.fake.deliver()
            return FakeConnection(self, next(p for p in self.fake.peers if p.address == address))

        return address, accept

    def refusing(self):
        self._port += 1
        self.fake.refused.add(("127.0.0.1", self._port))
        return ("127.0.0.1", self._port)

    def connect(self, address):
        """Connect to a listening socket of the modem."""
        self._port += 1
        return FakeConnection(self, self.fake.incoming(address[1], (address[0], self._port)))

    def datagrams(self, family=Family.IPV4):
        """Return a UDP peer."""
        self._port += 1
        return FakeDatagrams(self, (LOOPBACK[family], self._port))


class FakeConnection:
    def __init__(self, world, peer):
        self.world, self.peer = world, peer

    def send(self, data):
        self.peer.send(data)

    def recv(self, size):
        self.world.fake.deliver()
        return self.peer.take()

    def shut_down(self):
        self.peer.shut_down()

    def close(self):
        self.peer.close()

    def reset(self):
        self.peer.reset()

    def stop_reading(self):
        self.peer.stop_reading()

    def drain(self):
        self.peer.start_reading()
        return self.peer.take()

    def at_end(self):
        self.world.fake.deliver()
        return self.peer.closed


class FakeDatagrams:
    def __init__(self, world, address):
        self.world, self.address = world, address

    def send(self, data, to):
        self.world.fake.datagram(to[1], data, self.address)

    def recv(self):
        self.world.fake.deliver()
        for peer in self.world.fake.peers:
            if peer.address == self.address:
                found = peer.take_all()
                assert len(found) == 1
                return found[0]
        raise AssertionError("no datagram came")

    def close(self):
        pass


class HostWorld:
    """Real sockets on loopback, driven by an event loop that runs until something happens."""

    name = "host"

    def __init__(self):
        self.driver = Record()
        self.loop = asyncio.new_event_loop()
        self.reactor = Reactor(self.loop)
        self.network = self.layered(HostNetwork(self.reactor, LOOPBACK, {}))
        self.network.driver = self.driver
        self._open = []

    def layered(self, network):
        return network

    def close(self):
        self.network.close()
        self.reactor.close()
        self.loop.close()
        for one in self._open:
            one.close()

    def until(self, true):
        """Run the loop until ``true()``."""

        async def wait():
            happened = asyncio.Event()
            self.driver.changed = happened.set
            while not true():
                happened.clear()
                await happened.wait()

        self.loop.run_until_complete(asyncio.wait_for(wait(), PATIENCE))

    def server(self, family=Family.IPV4):
        listener = socket.create_server((LOOPBACK[family], 0), family=AF[family])
        listener.settimeout(PATIENCE)
        self._open.append(listener)

        def accept():
            connection, _ = listener.accept()
            return self._connection(connection)

        return listener.getsockname()[:2], accept

    def refusing(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return listener.getsockname()

    def connect(self, address):
        return self._connection(socket.create_connection(address, timeout=PATIENCE))

    def datagrams(self, family=Family.IPV4):
        return HostDatagrams(self, family)

    def _connection(self, sock):
        sock.settimeout(PATIENCE)
        self._open.append(sock)
        return HostConnection(sock)


class HostConnection:
    def __init__(self, sock):
        self.sock = sock

    def send(self, data):
        self.sock.sendall(data)

    def recv(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            assert piece, "the stream ended"
            data += piece
        return data

    def shut_down(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        reset(self.sock)

    def stop_reading(self):
        pass

    def drain(self):
        self.sock.setblocking(False)
        data = b""
        try:
            while piece := self.sock.recv(1 << 20):
                data += piece
        except BlockingIOError:
            pass
        self.sock.settimeout(PATIENCE)
        return data

    def at_end(self):
        return self.sock.recv(1) == b""


class HostDatagrams:
    def __init__(self, world, family):
        self.sock = socket.socket(AF[family], socket.SOCK_DGRAM)
        self.sock.bind((LOOPBACK[family], 0))
        self.sock.settimeout(PATIENCE)
        self.address = self.sock.getsockname()[:2]
        world._open.append(self.sock)

    def send(self, data, to):
        self.sock.sendto(data, to)

    def recv(self):
        return self.sock.recv(65536)

    def close(self):
        self.sock.close()


class LayeredFakeWorld(FakeWorld):
    """The fake network behind a layer that does nothing."""

    name = "layer over fake"

    def layered(self, network):
        return NetworkLayer(network)


class LayeredHostWorld(HostWorld):
    """Real sockets behind a layer that does nothing."""

    name = "layer over host"

    def layered(self, network):
        return NetworkLayer(network)


WORLDS = [FakeWorld, HostWorld, LayeredFakeWorld, LayeredHostWorld]


def ready(world, sock, events):
    """Let time pass until one of ``events``, or the end, was told for ``sock``."""
    world.until(lambda: world.driver.events.get(sock, 0) & (events | CLOSURE))
    return world.driver.events.pop(sock)
