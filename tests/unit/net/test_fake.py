"""What the fake network does beyond the contract that every network keeps."""

from __future__ import annotations

import errno

import pytest

from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import POLLERR, POLLHUP, POLLIN, POLLOUT, Family, ResolveError, SocketType

SERVER = ("192.0.2.1", 7)


class Driver:
    now = 0.0

    def __init__(self) -> None:
        self.events: list[tuple[object, int]] = []
        self.answers: list[tuple[object, object]] = []

    def socket_ready(self, socket, events) -> None:
        self.events.append((socket, events))

    def resolved(self, token, answer) -> None:
        self.answers.append((token, answer))


@pytest.fixture
def network() -> FakeNetwork:
    network = FakeNetwork(hosts={"name": ["192.0.2.1", "2001:db8::1"]}, window=10)
    network.driver = Driver()
    return network


@pytest.fixture
def tcp(network):
    socket = network.open(Family.IPV4, SocketType.STREAM)
    with pytest.raises(BlockingIOError):
        socket.connect(SERVER)
    network.deliver()
    network.driver.events.clear()
    return socket


def fails(code: int, call, *arguments) -> None:
    with pytest.raises(OSError, match=r"\w") as caught:
        call(*arguments)
    assert caught.value.errno == code


def test_nothing_is_told_before_it_is_delivered(network) -> None:
    socket = network.open(Family.IPV4, SocketType.STREAM)
    with pytest.raises(BlockingIOError):
        socket.connect(SERVER)
    assert network.resolve("name", Family.UNSPEC, "token") is None
    assert (network.driver.events, network.driver.answers) == ([], [])
    network.deliver()
    assert network.driver.events == [(socket, POLLOUT)]
    assert network.driver.answers == [("token", ["192.0.2.1", "2001:db8::1"])]
    assert not network.pending


def test_a_peer_that_does_not_read_fills_the_window(network, tcp) -> None:
    peer = network.peers[0]
    peer.stop_reading()
    assert tcp.send(b"0123456789abc") == 10
    assert (tcp.poll(), tcp.unacknowledged()) == (0, 10)
    fails(errno.EAGAIN, tcp.send, b"abc")
    peer.start_reading()
    network.deliver()
    assert network.driver.events == [(tcp, POLLOUT)]
    assert (peer.take(), tcp.unacknowledged()) == (b"0123456789", 0)


def test_a_refused_and_an_unanswered_connect(network) -> None:
    network.refused.add(SERVER)
    network.silent.add(("192.0.2.1", 8))
    refused, silent = (network.open(Family.IPV4, SocketType.STREAM) for _ in range(2))
    for socket, port in ((refused, 7), (silent, 8)):
        with pytest.raises(BlockingIOError):
            socket.connect(("192.0.2.1", port))
    network.deliver()
    fails(errno.ECONNREFUSED, refused.finish_connect)
    fails(errno.EINPROGRESS, silent.finish_connect)
    network.peers[1].accept()
    network.deliver()
    silent.finish_connect()


def test_a_reset_and_an_end(network, tcp) -> None:
    network.peers[0].send(b"x")
    network.peers[0].close()
    assert tcp.poll() == POLLIN | POLLOUT | POLLHUP
    assert (tcp.recv(9, 0), tcp.recv(9, 0), tcp.recv(9, 0)) == (b"x", b"", b"")
    network.peers[0].reset()
    assert tcp.poll() & (POLLERR | POLLHUP) == POLLERR | POLLHUP
    assert tcp.recv(9, 0) == b""
    fails(errno.EPIPE, tcp.send, b"x")


def test_incoming_connections(network) -> None:
    server = network.open(Family.IPV4, SocketType.STREAM)
    server.bind(80)
    fails(errno.ECONNREFUSED, network.incoming, 80, ("192.0.2.9", 5000))
    server.listen(1)
    peer = network.incoming(80, ("192.0.2.9", 5000))
    peer.send(b"early")
    network.deliver()
    assert network.driver.events[0] == (server, POLLIN)
    accepted, address = server.accept()
    assert (address, accepted.recv(9, 0)) == (("192.0.2.9", 5000), b"early")
    network.incoming(80, ("192.0.2.9", 5001))
    server.close()
    assert [p.closed for p in network.peers] == [False, True]


def test_datagrams_reach_a_socket_or_a_port(network) -> None:
    udp = network.open(Family.IPV4, SocketType.DGRAM)
    udp.bind(80)
    network.datagram(udp, b"one", SERVER)
    network.datagram(80, b"two", SERVER)
    network.datagram(81, b"lost", SERVER)
    assert (udp.recvfrom(2, 0), udp.recvfrom(9, 0)) == ((b"on", SERVER), (b"two", SERVER))
    fails(errno.EAGAIN, udp.recvfrom, 9, 0)


def test_the_link_takes_everything_with_it(network, tcp) -> None:
    fresh = network.open(Family.IPV4, SocketType.DGRAM)
    network.set_link(up=False)
    network.deliver()
    assert (tcp, POLLHUP) in network.driver.events
    assert (tcp.poll(), fresh.poll()) == (POLLHUP, POLLOUT)
    fails(errno.ENETDOWN, tcp.recv, 9, 0)
    fails(errno.ENETDOWN, fresh.sendto, b"x", SERVER)
    fails(errno.ENETDOWN, fresh.bind, 80)
    with pytest.raises(ResolveError, match="EAI_AGAIN"):
        network.resolve("name", Family.UNSPEC, "token")
    network.set_link(up=True)
    assert fresh.sendto(b"x", SERVER) == 1


def test_echo_requests_are_answered_but_for_the_lost_ones(network) -> None:
    network.ping_loss.add(2)
    echo = network.open_echo(Family.IPV4, "192.0.2.1")
    for sequence in (1, 2, 3):
        echo.send_echo(sequence, b"payload")
    fails(errno.EAGAIN, echo.recv_echo)
    network.deliver()
    assert (echo.recv_echo(), echo.recv_echo()) == (1, 3)
    assert network.pings[1] == ("192.0.2.1", 2, b"payload")


def test_closing_forgets_lookups(network) -> None:
    network.resolve("name", Family.IPV4, "token")
    network.close()
    network.deliver()
    assert (network.driver.answers, network.sockets) == ([], [])


def test_raw_sockets_send_and_get_whole_packets(network) -> None:
    raw = network.open(Family.PACKET, SocketType.RAW)
    packet = bytes([0x45]) + bytes(11) + bytes([192, 0, 2, 9]) + bytes(4)
    assert raw.send(packet) == len(packet)
    assert network.packets == [packet]
    fails(errno.EINVAL, raw.send, b"noise")
    network.packet(packet)
    assert raw.recvfrom(4, 0) == (packet[:4], ("192.0.2.9", 0))
