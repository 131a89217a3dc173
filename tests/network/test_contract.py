"""What every network has to do alike: the host's real sockets, the fake network, and either through a layer."""

import contextlib
import errno

import pytest

from tests.network.worlds import WORLDS, ready
from tests.patience import eventually
from vmodem.net.interface import (
    MSG_PEEK,
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    Family,
    ResolveError,
    SocketType,
)

STREAM, DGRAM = SocketType.STREAM, SocketType.DGRAM
FAMILIES = [Family.IPV4, Family.IPV6]


@pytest.fixture(params=WORLDS, ids=lambda world: world.name)
def world(request):
    made = request.param()
    yield made
    made.close()


def fails(code, call, *arguments):
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the code is what is checked
        call(*arguments)
    assert errno.errorcode[caught.value.errno] == errno.errorcode[code]


def connected(world, family=Family.IPV4):
    """Return a connected stream socket and its peer."""
    address, accept = world.server(family)
    sock = world.network.open(family, STREAM)
    with pytest.raises(BlockingIOError):
        sock.connect(address)
    ready(world, sock, POLLOUT)
    sock.finish_connect()
    return sock, accept()


def listening(world, family=Family.IPV4):
    sock = world.network.open(family, STREAM)
    sock.bind(0)
    sock.listen(1)
    return sock


def receive(world, sock, size=2048, flags=0):
    while True:
        try:
            return sock.recv(size, flags)
        except BlockingIOError:
            ready(world, sock, POLLIN)


def fill(sock):
    """Send until the peer, which does not read, takes no more; return what went."""
    sent = bytearray()
    with contextlib.suppress(BlockingIOError):
        while len(sent) < 1 << 26:
            piece = bytes([len(sent) // 1000 & 0xFF]) * 1000
            sent += piece[: sock.send(piece)]
    assert len(sent) < 1 << 26, "it never blocked"
    return sent


class TestStream:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_both_directions(self, world, family):
        sock, peer = connected(world, family)
        assert sock.send(b"ping") == 4
        assert peer.recv(4) == b"ping"
        peer.send(b"pong")
        assert receive(world, sock) == b"pong"

    def test_nothing_to_receive_blocks(self, world):
        sock, _ = connected(world)
        with pytest.raises(BlockingIOError):
            sock.recv(10, 0)

    def test_peek_leaves_the_data(self, world):
        sock, peer = connected(world)
        peer.send(b"hello")
        assert receive(world, sock, 10, MSG_PEEK) == b"hello"
        assert sock.recv(2, 0) == b"he"
        assert sock.recv(10, 0) == b"llo"

    def test_who_stops_early_is_reminded_in_another_turn(self, world):
        sock, peer = connected(world)
        peer.send(b"hello")
        assert receive(world, sock, 1) == b"h"
        for _ in range(2):
            world.driver.events.clear()
            sock.remind()
            assert not world.driver.events
            assert ready(world, sock, POLLIN) & POLLIN
        assert sock.recv(10, 0) == b"ello"

    def test_a_lost_connection_is_not_reminded_of_anything(self, world):
        sock, _ = connected(world)
        sock.abort(errno.ETIMEDOUT)
        ready(world, sock, POLLHUP)
        sock.remind()
        sock.close()

    def test_end_of_stream_comes_after_the_data_and_again(self, world):
        sock, peer = connected(world)
        peer.send(b"last")
        peer.close()
        assert receive(world, sock) == b"last"
        assert receive(world, sock) == b""
        assert sock.recv(10, 0) == b""

    def test_a_half_close_leaves_the_other_direction(self, world):
        sock, peer = connected(world)
        peer.send(b"last")
        peer.shut_down()
        ready(world, sock, POLLHUP)
        assert sock.poll() == POLLIN | POLLOUT | POLLHUP
        assert [receive(world, sock, 10, MSG_PEEK), sock.recv(10, 0), sock.recv(10, 0)] == [b"last", b"last", b""]
        for _ in range(2):
            assert sock.send(b"hello") == 5
            assert peer.recv(5) == b"hello"
        eventually(lambda: sock.unacknowledged() == 0)

    @pytest.mark.parametrize("data", [b"", b"last"])
    def test_a_reset_is_told_behind_the_data_whenever_asked(self, world, data):
        sock, peer = connected(world)
        if data:
            peer.send(data)
        peer.reset()
        assert ready(world, sock, POLLHUP) & (POLLERR | POLLHUP)
        for flags in (MSG_PEEK, 0) if data else ():
            assert sock.poll() == POLLIN | POLLOUT | POLLERR | POLLHUP
            assert sock.recv(10, flags) == data
        for _ in range(2):
            assert sock.poll() == POLLIN | POLLOUT | POLLERR | POLLHUP
            fails(errno.ECONNRESET, sock.recv, 10, MSG_PEEK)
            fails(errno.ECONNRESET, sock.recv, 10, 0)
            fails(errno.ECONNRESET, sock.send, b"x")

    def test_a_reset_is_told_to_who_receives_after_who_sends(self, world):
        sock, peer = connected(world)
        peer.send(b"last")
        peer.reset()
        ready(world, sock, POLLHUP)
        fails(errno.ECONNRESET, sock.send, b"x")
        assert sock.recv(10, 0) == b"last"
        fails(errno.ECONNRESET, sock.recv, 10, 0)

    def test_a_reset_behind_the_end_is_an_end(self, world):
        sock, peer = connected(world)
        peer.shut_down()
        ready(world, sock, POLLHUP)
        peer.reset()
        ready(world, sock, POLLERR)
        assert sock.recv(10, 0) == b""
        fails(errno.EPIPE, sock.send, b"x")
        assert sock.recv(10, 0) == b""

    def test_to_send_to_a_closed_connection_breaks_it(self, world):
        sock, peer = connected(world)
        peer.close()
        ready(world, sock, POLLHUP)
        assert sock.send(b"x") == 1
        ready(world, sock, POLLERR)
        assert sock.recv(10, 0) == b""
        with pytest.raises(OSError):  # noqa: PT011 - which of the two that are true first
            sock.unacknowledged()
        fails(errno.EPIPE, sock.send, b"x")

    @pytest.mark.parametrize("end", ["reset", "close"])
    def test_what_the_peer_has_not_read_is_never_acknowledged_after_its_end(self, world, end):
        sock, peer = connected(world)
        peer.stop_reading()
        fill(sock)
        eventually(lambda: sock.unacknowledged() > 0)
        world.driver.events.clear()
        getattr(peer, end)()
        ready(world, sock, POLLERR)
        for _ in range(2):
            fails(errno.ECONNRESET, sock.unacknowledged)
            fails(errno.ECONNRESET, sock.recv, 10, 0)

    def test_an_error_is_taken_once_and_ends_the_stream(self, world):
        sock, peer = connected(world)
        assert sock.take_error() == 0
        peer.reset()
        ready(world, sock, POLLHUP)
        assert sock.take_error() == errno.ECONNRESET
        assert sock.take_error() == 0
        assert sock.recv(10, 0) == b""

    def test_the_error_of_a_lost_connection_stays(self, world):
        sock, _ = connected(world)
        sock.abort(errno.ETIMEDOUT)
        assert [sock.take_error(), sock.take_error()] == [errno.ETIMEDOUT] * 2

    def test_the_end_of_a_lost_connection_is_told_even_when_it_is_closed(self, world):
        sock, _ = connected(world)
        world.driver.events.clear()
        sock.abort(errno.ETIMEDOUT)
        sock.close()
        ready(world, sock, POLLHUP)

    def test_closing_ends_the_peers_stream(self, world):
        sock, peer = connected(world)
        sock.close()
        sock.close()
        assert peer.at_end()

    def test_refused(self, world):
        sock = world.network.open(Family.IPV4, STREAM)
        with pytest.raises(BlockingIOError):
            sock.connect(world.refusing())
        ready(world, sock, POLLOUT)
        fails(errno.ECONNREFUSED, sock.finish_connect)

    def test_refused_and_tried_again(self, world):
        sock = world.network.open(Family.IPV4, STREAM)
        with pytest.raises(BlockingIOError):
            sock.connect(world.refusing())
        ready(world, sock, POLLOUT)
        fails(errno.ECONNREFUSED, sock.finish_connect)
        address, accept = world.server()
        world.driver.events.clear()
        with pytest.raises(BlockingIOError):
            sock.connect(address)
        ready(world, sock, POLLOUT)
        sock.finish_connect()
        sock.send(b"hello")
        assert accept().recv(5) == b"hello"

    def test_use_before_connect(self, world):
        sock = world.network.open(Family.IPV4, STREAM)
        fails(errno.ENOTCONN, sock.send, b"x")
        fails(errno.ENOTCONN, sock.recv, 10, 0)
        fails(errno.ENOTCONN, sock.peer_address)

    def test_second_connect(self, world):
        sock, _ = connected(world)
        fails(errno.EISCONN, sock.connect, world.server()[0])

    def test_a_peer_that_never_reads_blocks_and_nothing_is_lost(self, world):
        sock, peer = connected(world)
        peer.stop_reading()
        sent = fill(sock)
        world.driver.events.clear()
        got = peer.drain()
        ready(world, sock, POLLOUT)
        sent += b"z" * sock.send(b"z")
        while len(got) < len(sent):
            got += peer.recv(len(sent) - len(got))
        assert got == sent

    def test_acknowledgement(self, world):
        sock, peer = connected(world)
        assert sock.unacknowledged() == 0
        sock.send(b"x")
        assert peer.recv(1) == b"x"
        eventually(lambda: sock.unacknowledged() == 0)  # the host's kernel may take its time to acknowledge


class TestPoll:
    def test_unconnected_stream_has_nothing(self, world):
        assert world.network.open(Family.IPV4, STREAM).poll() == 0

    def test_connected_stream_can_be_written(self, world):
        sock, _ = connected(world)
        assert sock.poll() == POLLOUT

    def test_data(self, world):
        sock, peer = connected(world)
        peer.send(b"x")
        ready(world, sock, POLLIN)
        assert sock.poll() == POLLIN | POLLOUT

    def test_closure_comes_with_readability(self, world):
        sock, peer = connected(world)
        peer.close()
        ready(world, sock, POLLHUP)
        assert sock.poll() & (POLLIN | POLLHUP) == POLLIN | POLLHUP

    def test_datagram_socket_can_be_written_at_once(self, world):
        assert world.network.open(Family.IPV4, DGRAM).poll() == POLLOUT

    def test_pending_connection(self, world):
        sock = listening(world)
        assert sock.poll() == 0
        world.connect(sock.local_address())
        ready(world, sock, POLLIN)
        assert sock.poll() == POLLIN


class TestServer:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_accept(self, world, family):
        sock = listening(world, family)
        with pytest.raises(BlockingIOError):
            sock.accept()
        peer = world.connect(sock.local_address())
        ready(world, sock, POLLIN)
        accepted, address = sock.accept()
        assert address[0] == world.network.address(family)
        assert accepted.peer_address() == address
        peer.send(b"hello")
        assert receive(world, accepted) == b"hello"
        accepted.send(b"world")
        assert peer.recv(5) == b"world"

    def test_bound_to_the_modems_address(self, world):
        assert listening(world).local_address()[0] == world.network.address(Family.IPV4)

    def test_mistakes(self, world):
        sock = listening(world)
        fails(errno.EINVAL, sock.bind, 0)
        other = world.network.open(Family.IPV4, STREAM)
        fails(errno.EINVAL, other.listen, 1)
        fails(errno.EADDRINUSE, other.bind, sock.local_address()[1])
        datagram = world.network.open(Family.IPV4, DGRAM)
        fails(errno.EOPNOTSUPP, datagram.listen, 1)


class TestDatagrams:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_unconnected(self, world, family):
        sock, peer = world.network.open(family, DGRAM), world.datagrams(family)
        sock.bind(0)
        assert sock.sendto(b"one", peer.address) == 3
        assert peer.recv() == b"one"
        peer.send(b"two", sock.local_address())
        ready(world, sock, POLLIN)
        assert sock.recvfrom(100, 0) == (b"two", peer.address)

    def test_connected(self, world):
        sock, peer = world.network.open(Family.IPV4, DGRAM), world.datagrams()
        sock.connect(peer.address)
        assert sock.send(b"hello") == 5
        assert peer.recv() == b"hello"
        peer.send(b"world", sock.local_address())
        assert receive(world, sock) == b"world"

    def test_a_datagram_is_cut_and_the_rest_is_lost(self, world):
        sock, peer = world.network.open(Family.IPV4, DGRAM), world.datagrams()
        sock.bind(0)
        peer.send(b"abcdef", sock.local_address())
        peer.send(b"second", sock.local_address())
        assert receive(world, sock, 3) == b"abc"
        assert receive(world, sock, 100) == b"second"

    def test_empty(self, world):
        sock, peer = world.network.open(Family.IPV4, DGRAM), world.datagrams()
        sock.bind(0)
        peer.send(b"", sock.local_address())
        ready(world, sock, POLLIN)
        assert sock.recvfrom(100, 0) == (b"", peer.address)

    def test_send_without_a_peer(self, world):
        fails(errno.ENOTCONN, world.network.open(Family.IPV4, DGRAM).send, b"x")


class TestLink:
    def test_what_needs_the_link_fails_without_it(self, world):
        world.network.set_link(up=False)
        sock = world.network.open(Family.IPV4, STREAM)
        fails(errno.ENETDOWN, sock.connect, ("127.0.0.1", 7))
        fails(errno.ENETDOWN, sock.bind, 0)
        fails(errno.ENETDOWN, world.network.open(Family.IPV4, DGRAM).sendto, b"x", ("127.0.0.1", 7))
        with pytest.raises(ResolveError, match="EAI_AGAIN"):
            world.network.resolve("localhost", Family.IPV4, "token")

    def test_a_connection_is_lost_with_the_link(self, world):
        sock, _ = connected(world)
        world.network.set_link(up=False)
        assert ready(world, sock, POLLHUP) & POLLHUP
        assert sock.poll() & POLLHUP
        world.network.set_link(up=True)
        fails(errno.ENETDOWN, sock.recv, 10, 0)
        fails(errno.ENETDOWN, sock.send, b"x")

    def test_a_fresh_socket_works_again(self, world):
        sock = world.network.open(Family.IPV4, STREAM)
        world.network.set_link(up=False)
        world.network.set_link(up=True)
        address, _ = world.server()
        with pytest.raises(BlockingIOError):
            sock.connect(address)
        ready(world, sock, POLLOUT)
        sock.finish_connect()

    def test_abort(self, world):
        sock, peer = connected(world)
        sock.abort(errno.ETIMEDOUT)
        assert ready(world, sock, POLLHUP) & POLLHUP
        fails(errno.ETIMEDOUT, sock.recv, 10, 0)
        assert peer.at_end()


class TestResolve:
    def resolve(self, world, host, family):
        answer = world.network.resolve(host, family, "token")
        if answer is None:
            world.until(lambda: "token" in world.driver.answers)
            answer = world.driver.answers["token"]
        return answer

    @pytest.mark.parametrize(
        ("host", "family", "answer"),
        [
            ("127.0.0.1", Family.IPV4, ["127.0.0.1"]),
            ("::1", Family.IPV6, ["::1"]),
            ("::1", Family.UNSPEC, ["::1"]),
            ("localhost", Family.IPV4, ["127.0.0.1"]),
        ],
    )
    def test_addresses(self, world, host, family, answer):
        assert list(self.resolve(world, host, family)) == answer

    def test_literal_of_the_other_family(self, world):
        with pytest.raises(ResolveError, match="EAI_NONAME"):
            world.network.resolve("127.0.0.1", Family.IPV6, "token")

    @pytest.mark.parametrize("host", ["no.such.host.invalid", "a\x00b", "caf\xe9", "x" * 128, ""])
    def test_no_such_name(self, world, host):
        answer = self.resolve(world, host, Family.IPV4)
        assert isinstance(answer, ResolveError)
        assert answer.name in ("EAI_NONAME", "EAI_AGAIN")

    def test_an_answer_after_closing_is_dropped(self, world):
        assert world.network.resolve("localhost", Family.IPV4, "token") is None
        world.network.close()
        assert self.resolve(world, "127.0.0.1", Family.IPV4) == ["127.0.0.1"]
        world.network.resolve("localhost", Family.IPV4, "other")
        world.until(lambda: "other" in world.driver.answers)
        assert "token" not in world.driver.answers
