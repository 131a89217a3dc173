import errno
import hashlib
import random
import re

import pytest

from vmodem import dialects
from vmodem.core.dialect import Follow
from vmodem.net.interface import Option
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"
MIB = 1 << 20
DATA = re.compile(rb"\[\$\]\[SKT\]\[DATA\]\[(\d+)\]\[(\d+)\]:")


def powered_on(follow=Follow.MANUAL):
    modem = Virtual(dialects.find("ameba-2.4"), follow=follow)
    modem.take()
    return modem


@pytest.fixture
def modem():
    return powered_on()


def ask(modem, line):
    modem.send(line.encode() + b"\r")
    return modem.take()


def open_links(modem, *lines):
    for line in lines:
        assert ask(modem, line) == OK


def seeds(modem, count, port=80):
    """Connect so many clients to a server."""
    peers = [modem.network.incoming(port, ("192.0.2.9", 1000 + number)) for number in range(count)]
    modem.pump()
    return peers


def drain(modem):
    """Return everything that a host gets that reads on."""
    said = modem.take()
    while True:
        modem.modem.advance(modem.now)
        modem.pump()
        if not (piece := modem.take()):
            return said
        said += piece


def read_messages(stream):
    """Return the payload of each DATA message, by link, and what else there is."""
    found, rest, at = {}, b"", 0
    while message := DATA.search(stream, at):
        end = message.end() + int(message[2])
        found.setdefault(int(message[1]), []).append(stream[message.end() : end])
        assert stream[end : end + 2] == b"\r\n"
        rest += stream[at : message.start()]
        at = end + 2
    return found, rest + stream[at:]


class TestTwentyLinks:
    def test_nineteen_seeds_of_one_server(self, modem):
        open_links(modem, "AT+SKTSERVER=0,1,,80,1")
        peers = seeds(modem, 19)
        events = modem.take().split(b"\r\n")[:-1]
        assert [int(re.search(rb"link_id:(\d+),seed", event)[1]) for event in events] == list(range(1, 20))
        for number, peer in enumerate(peers, 1):
            peer.send(b"from %d" % number)
        modem.pump()
        received, rest = read_messages(modem.take())
        assert received == {number: [b"from %d" % number] for number in range(1, 20)}
        assert not rest
        for number, peer in enumerate(peers, 1):
            assert ask(modem, f"AT+SKTSEND={number},2,,,{number:02}") == OK
            assert peer.take() == b"%02d" % number
        assert ask(modem, "AT+SKTSTATE").count(b"link_id:") == 20

    def test_one_more_is_turned_away_until_an_id_is_free(self, modem):
        open_links(modem, "AT+SKTSERVER=0,1,,80,0")
        seeds(modem, 19)
        modem.take()
        (surplus,) = seeds(modem, 1)
        assert surplus.closed
        assert modem.take() == b""
        open_links(modem, "AT+SKTDEL=7")
        (late,) = seeds(modem, 1)
        assert not late.closed
        assert b"link_id:7,seed" in modem.take()

    def test_deleting_the_server_frees_everything(self, modem):
        open_links(modem, "AT+SKTSERVER=19,1,,80,1")
        peers = seeds(modem, 19)
        modem.take()
        open_links(modem, "AT+SKTDEL=19")
        assert all(peer.closed for peer in peers)
        assert modem.network.sockets == []
        assert ask(modem, "AT+SKTSTATE") == OK
        for link in range(20):
            open_links(modem, f"AT+SKTSERVER={link},0,,{1000 + link},1")
        assert ask(modem, "AT+SKTSERVER=0,0,,2000,1") == b"\r\nERROR: 1\r\n"


class TestOptions:
    def test_they_reach_tcp_sockets_that_are_opened_afterwards(self, modem):
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,0", "AT+SKTCFG=2000,3000,1,1,60,10,3")
        open_links(modem, "AT+SKTCLIENT=1,1,,192.0.2.1,7,,0", "AT+SKTSERVER=2,1,,80,0", "AT+SKTSERVER=3,0,,80,0")
        timeouts = {Option.SNDTIMEO: 2000, Option.RCVTIMEO: 3000}
        options = {
            **timeouts,
            Option.NODELAY: 1,
            Option.KEEPALIVE: 1,
            Option.KEEPIDLE: 60,
            Option.KEEPINTVL: 10,
            Option.KEEPCNT: 3,
        }
        before, client, server, datagrams = (socket.options for socket in modem.network.sockets)
        assert before == {}
        assert client == server == options
        assert datagrams == {**timeouts, Option.REUSEADDR: 1}

    def test_zero_leaves_the_value_of_the_network(self, modem):
        open_links(modem, "AT+SKTCFG=0,0,0,1,0,75,0", "AT+SKTCLIENT=1,1,,192.0.2.1,7,,0")
        assert modem.network.sockets[0].options == {Option.KEEPALIVE: 1, Option.KEEPINTVL: 75}
        open_links(modem, "AT+SKTCFG=,,,,60,10,3", "AT+SKTCLIENT=2,1,,192.0.2.1,7,,0")
        assert modem.network.sockets[1].options == {}

    def test_an_option_that_cannot_be_set(self, modem, monkeypatch):
        def refuse(socket, option, value):
            raise OSError(errno.EINVAL, "no")

        open_links(modem, "AT+SKTCFG=,,1")
        monkeypatch.setattr("vmodem.net.fake.FakeSocket.set_option", refuse)
        assert ask(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,0") == b"\r\nERROR: 2\r\n"
        assert ask(modem, "AT+SKTSERVER=0,1,,80,0") == b"\r\nERROR: 2\r\n"
        assert ask(modem, "AT+SKTSERVER=0,0,,80,0") == b"\r\nERROR: 4\r\n"
        assert modem.network.sockets == []
        assert ask(modem, "AT+SKTSTATE") == OK


class TestSendRaw:
    def test_ten_mebibytes_to_a_slow_peer(self, modem):
        """Nothing is lost, little waits, and the host is told when to pause."""
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,0")
        (peer,) = modem.network.peers
        peer.stop_reading()
        dice = random.Random(1)
        data = dice.randbytes(10 * MIB)
        received = hashlib.sha256()
        told = b""
        assert ask(modem, f"AT+SKTSENDRAW=0,{len(data)}") == b">>>\r\n"
        at = 0
        while at < len(data):
            while modem.channel.accepting and at < len(data):
                size = dice.randint(1, 20_000)
                modem.send(data[at : at + size])
                at += size
                assert modem.channel.unread < 81920 + 20_000
            told += modem.take()
            while not modem.channel.accepting:
                peer.start_reading()
                received.update(peer.take())
                peer.stop_reading()
                modem.pump()
        while not told.endswith(OK):
            peer.start_reading()
            modem.pump()
            told += modem.take()
        received.update(peer.take())
        assert received.digest() == hashlib.sha256(data).digest()
        watermarks = told.removesuffix(OK).split(b"\r\n")[:-1]
        assert watermarks[::2] == [b"[$][TT]:High Watermark"] * (len(watermarks) // 2)
        assert watermarks[1::2] == [b"[$][TT]:Low Watermark"] * (len(watermarks) // 2)
        assert len(watermarks) > 50

    def test_a_peer_that_reads_needs_no_watermarks(self, modem):
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,0")
        assert ask(modem, f"AT+SKTSENDRAW=0,{MIB}") == b">>>\r\n"
        modem.send(b"x" * MIB)
        assert modem.take() == OK
        assert modem.network.peers[0].take() == b"x" * MIB

    def test_an_echo_does_not_deadlock(self, modem):
        """What the peer sends back goes to the host all the while."""
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,1")
        (peer,) = modem.network.peers
        assert ask(modem, "AT+SKTSENDRAW=0,1000000") == b">>>\r\n"
        echoed = b""
        for _ in range(100):
            modem.send(b"0123456789" * 1000)
            peer.send(peer.take())
            modem.pump()
            echoed += modem.take()
        peer.send(peer.take())
        modem.pump()
        echoed += modem.take()
        received, rest = read_messages(echoed)
        assert b"".join(received[0]) == b"0123456789" * 100_000
        assert rest == OK

    def test_what_follows_is_a_command(self, modem):
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,0")
        modem.send(b"AT+SKTSENDRAW=0,3\rabcAT+SKTDEL=0\r")
        assert modem.take() == b">>>\r\n" + OK + OK
        assert modem.network.peers[0].take() == b"abc"

    def test_the_firmware_loses_what_comes_early_and_what_comes_too_much(self):
        modem = powered_on(Follow.FIRMWARE)
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,0")
        modem.send(b"AT+SKTSENDRAW=0,3\rabc")
        assert modem.take() == b">>>\r\n"
        modem.send(b"defAT+SKTDEL=0\r")
        assert modem.take() == OK
        assert modem.network.peers[0].take() == b"def"
        assert ask(modem, "AT+SKTDEL=0") == OK

    def test_the_host_goes_in_the_middle(self, modem):
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,0")
        modem.send(b"AT+SKTSENDRAW=0,30000\r" + b"x" * 20000)
        modem.channel.eof(modem.now)
        assert modem.network.peers[0].take() == b"x" * 20000
        assert modem.channel.finished

    def test_a_peer_that_ends_its_stream_while_data_waits_for_it(self, modem):
        """The link ends as it does at any other time, and the command with it."""
        modem.network.window = 10
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,1")
        (peer,) = modem.network.peers
        peer.stop_reading()
        assert ask(modem, "AT+SKTSENDRAW=0,20") == b">>>\r\n"
        modem.send(b"x" * 20)
        peer.socket.ended(None)
        modem.pump()
        assert modem.take() == b"\r\nERROR: 2\r\n"
        assert modem.network.sockets == []
        assert b"socket_fd:-1" in ask(modem, "AT+SKTSTATE")


class TestAutoReceive:
    def test_a_host_that_does_not_read_stops_the_peer(self, modem):
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,1", "AT+SKTCLIENT=1,1,,192.0.2.1,8,,1")
        one, two = modem.network.peers
        data = random.Random(2).randbytes(10 * MIB)
        one.send(data)
        two.send(b"me too")
        modem.pump()
        assert len(modem.channel.output) < 100_000
        received, rest = read_messages(drain(modem))
        assert b"".join(received[0]) == data
        assert max(map(len, received[0])) == 16384
        assert received[1] == [b"me too"]
        assert not rest

    def test_messages_wait_for_the_end_of_a_command(self, modem):
        modem.network.silent.add(("192.0.2.1", 9))
        open_links(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,7,,1")
        modem.send(b"AT+SKTCLIENT=1,1,,192.0.2.1,9,,0\r")
        modem.network.peers[0].send(b"x" * 20000)
        modem.pump()
        assert modem.take() == b""
        modem.wait(20)
        answer = modem.take()
        assert answer.startswith(b"\r\nERROR: 2\r\n[$][SKT][DATA][0][16384]:x")
        assert b"".join(read_messages(answer)[0][0]) == b"x" * 20000

    def test_a_server_that_cannot_accept_tries_again(self, modem, monkeypatch):
        open_links(modem, "AT+SKTSERVER=0,1,,80,0")
        (listener,) = modem.network.sockets

        def fail(socket):
            raise OSError(errno.EMFILE, "too many")

        with monkeypatch.context() as patch:
            patch.setattr("vmodem.net.fake.FakeSocket.accept", fail)
            seeds(modem, 1)
            assert modem.take() == b""
        modem.wait(0.5)
        assert b"link_id:1,seed" in modem.take()
        assert not listener.options

    def test_leaving_the_network_ends_every_link(self, modem):
        open_links(modem, "AT+SKTSERVER=0,1,,80,1", "AT+SKTSERVER=1,0,,81,1", "AT+SKTCLIENT=2,1,,192.0.2.1,7,,1")
        seeds(modem, 1)
        modem.take()
        modem.network.set_link(up=False)
        modem.pump()
        assert modem.take() == b""
        assert ask(modem, "AT+SKTSTATE").count(b"socket_fd:-1") == 4
        assert modem.network.sockets == []
        for link in (1, 2, 0):
            open_links(modem, f"AT+SKTDEL={link}")
        assert ask(modem, "AT+SKTSTATE") == OK


def test_a_reset_forgets_links_and_options(modem):
    open_links(modem, "AT+SKTCFG=1,1,1,1,1,1,1", "AT+SKTSERVER=0,1,,80,1", "AT+SKTCLIENT=2,1,,192.0.2.1,7,,1")
    (peer,) = seeds(modem, 1)
    modem.take()
    ask(modem, "AT+RST")
    modem.wait(1)
    assert modem.take() == b"ATCMD READY\r\n"
    assert peer.closed
    assert modem.network.sockets == []
    assert ask(modem, "AT+SKTSTATE") == OK
    assert ask(modem, "AT+SKTQUERY").count(b": 0\r\n") == 7


def test_a_reset_while_a_client_connects(modem):
    modem.network.silent.add(("192.0.2.1", 7))
    modem.send(b"AT+SKTCLIENT=1,1,,192.0.2.1,7,,1\r")
    modem.modem.restart()
    assert modem.network.sockets == []
    assert ask(modem, "AT+SKTSTATE").endswith(OK)


def test_no_error_of_the_network_is_an_accident(modem, caplog):
    """Whatever fails while a link is made is an error with a number, and leaves nothing behind."""
    modem.network = modem.modem.network

    def refuse(family, type):
        raise OSError(errno.EMFILE, "too many")

    modem.modem.network.open = refuse
    assert ask(modem, "AT+SKTSERVER=0,1,,80,0") == b"\r\nERROR: 2\r\n"
    assert ask(modem, "AT+SKTSERVER=0,0,,80,0") == b"\r\nERROR: 4\r\n"
    assert ask(modem, "AT+SKTCLIENT=0,1,,192.0.2.1,80,,0") == b"\r\nERROR: 2\r\n"
    assert ask(modem, "AT+SKTCLIENT=0,0,,192.0.2.1,80,80,0") == b"\r\nERROR: 4\r\n"
    assert ask(modem, "AT+SKTSTATE") == OK
    assert not caplog.records
