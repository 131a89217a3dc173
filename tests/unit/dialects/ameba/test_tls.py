"""TLS in memory: peers that are Python's ssl module, and that nobody hurries."""

import re
import ssl

import pytest
from tests.certificates import CERTIFICATES

from vmodem import dialects
from vmodem.core.dialect import Follow
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Option
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"
C = CERTIFICATES


def powered_on(follow=Follow.MANUAL, network=None):
    store = Store()
    for area, own in ((Area.CLIENT, C.client), (Area.SERVER, C.server)):
        store.write(Slot(area, 1, Kind.CA), C.ca.certificate)
        store.write(Slot(area, 1, Kind.CERTIFICATE), own.certificate)
        store.write(Slot(area, 1, Kind.KEY), own.key)
    modem = Virtual(dialects.find("ameba-2.4"), follow=follow, store=store, network=network)
    modem.take()
    return modem


@pytest.fixture
def modem():
    return powered_on()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return C.write(tmp_path_factory.mktemp("certificates"))


def say(modem, line):
    modem.send(line.encode() + b"\r")


def ask(modem, line):
    say(modem, line)
    return modem.take()


class Peer:
    """The other end of a connection: Python's TLS between the peer in memory and whoever asks."""

    def __init__(self, modem, peer, folder, *, server=False):
        self.modem = modem
        self.peer = peer
        kind = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(kind)
        context.check_hostname = False
        context.load_verify_locations(folder / "ca.pem")
        own = "server" if server else "client"
        context.load_cert_chain(folder / f"{own}.pem", folder / f"{own}.key")
        context.verify_mode = ssl.CERT_OPTIONAL if server else ssl.CERT_REQUIRED
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=server)

    def go_on(self, action, size=1 << 20):
        """Do ``action`` once with what has come, and send what it leads to in pieces; return its result or None."""
        self._in.write(self.peer.take())
        try:
            return action()
        except ssl.SSLWantReadError:
            return None
        finally:
            said = self._out.read()
            for at in range(0, len(said), size):
                self.peer.send(said[at : at + size])
                self.modem.pump()

    def shake(self, size=1 << 20):
        """Do the handshake."""
        for _ in range(4):
            self.go_on(self._tls.do_handshake, size)
        assert self._tls.version() == "TLSv1.2"
        return self

    def send(self, data):
        self.go_on(lambda: self._tls.write(data))

    def receive(self):
        data = b""
        while piece := self.go_on(lambda: self._tls.read(1 << 20)):
            data += piece
        return data

    @property
    def knows(self):
        """Who the modem is, by its certificate; None where it has shown none."""
        certificate = self._tls.getpeercert()
        return certificate and certificate["subject"][0][0][1]

    def close(self):
        with pytest.raises(ssl.SSLWantReadError):
            self._tls.unwrap()
        self.peer.send(self._out.read())
        self.peer.close()
        self.modem.pump()

    @property
    def told(self):
        """Whether the modem has said that it closes."""
        try:
            return self.go_on(lambda: self._tls.read(1)) == b""
        except ssl.SSLZeroReturnError:
            return True


def connect(modem, folder, line="AT+SKTCLIENT=0,5,1,192.0.2.1,443,,1", size=1 << 20):
    say(modem, line)
    peer = Peer(modem, modem.network.peers[-1], folder, server=True).shake(size)
    assert modem.take() == OK
    return peer


def arrive(modem, folder, number, address="192.0.2.9", port=443):
    peer = modem.network.incoming(port, (address, number))
    modem.pump()
    return Peer(modem, peer, folder)


def seeds(stream):
    return [int(link) for link in re.findall(rb"link_id:(\d+),seed", stream)]


class TestExamplesOfTheManual:
    def test_sktserver(self, folder):
        modem = powered_on(network=FakeNetwork("192.168.0.109"))
        assert ask(modem, "AT+SKTSERVER=0,3,1,4433,1") == OK
        arrive(modem, folder, 49946, "192.168.0.103", 4433).shake()
        assert modem.take() == (
            b"[$][SKT][EVENT]: A client[link_id:1,seed,tls,dst_address:192.168.0.103,dst_port:49946] "
            b"connected to server[link_id:0]\r\n"
        )

    def test_sktclient(self, modem, folder):
        assert connect(modem, folder, "AT+SKTCLIENT=5,2,,192.168.1.10,4433,,1").knows is None

    def test_sktsend_and_sktsendraw(self, modem, folder):
        connect(modem, folder, "AT+SKTCLIENT=0,2,,192.168.1.10,4433,,1")
        assert ask(modem, "AT+SKTSERVER=1,3,1,443,1") == OK
        peer = arrive(modem, folder, 1).shake()
        assert seeds(modem.take()) == [2]
        assert ask(modem, "AT+SKTSEND=2,5,,,12345") == OK
        assert ask(modem, "AT+SKTSENDRAW=2,5") == b">>>\r\n"
        modem.send(b"12345")
        assert modem.take() == OK
        assert peer.receive() == b"1234512345"

    def test_sktread(self, modem, folder):
        connect(modem, folder, "AT+SKTCLIENT=2,2,,192.168.1.10,4433,,0").send(b"ABC")
        assert ask(modem, "AT+SKTREAD=2,10") == b"+SKTREAD:2,3,ABC\r\nOK\r\n"

    def test_sktstate_and_sktdel(self, folder):
        modem = powered_on(network=FakeNetwork("192.168.0.109"))
        assert ask(modem, "AT+SKTSERVER=0,1,,6666,1") == OK
        assert ask(modem, "AT+SKTSERVER=1,0,,12345,1") == OK
        connect(modem, folder, "AT+SKTCLIENT=2,3,1,192.168.0.103,4433,,1")
        modem.network.incoming(6666, ("192.168.0.103", 49941))
        modem.pump()
        assert seeds(modem.take()) == [3]
        server, seed, udp, client = (
            b"link_id:0,server,tcp,src_address:192.168.0.109,src_port:6666,dst_address:0.0.0.0,dst_port:0,socket_fd:0\r\n",
            b"link_id:3,seed,tcp,src_address:0.0.0.0,src_port:0,dst_address:192.168.0.103,dst_port:49941,socket_fd:3\r\n",
            b"link_id:1,server,udp,src_address:192.168.0.109,src_port:12345,dst_address:0.0.0.0,dst_port:0,socket_fd:1\r\n",
            b"link_id:2,client,ssl,src_address:0.0.0.0,src_port:0,dst_address:192.168.0.103,dst_port:4433,socket_fd:2\r\n",
        )
        assert ask(modem, "AT+SKTSTATE") == server + seed + udp + client + OK
        assert ask(modem, "AT+SKTDEL=0") == OK
        assert ask(modem, "AT+SKTSTATE") == udp + client + OK


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_a_client(modem, folder, size):
    peer = connect(modem, folder, size=size)
    assert peer.knows == "client"
    peer.send(b"hello\0")
    assert modem.take() == b"[$][SKT][DATA][0][6]:hello\0\r\n"
    assert ask(modem, "AT+SKTSEND=0,5,,,world") == OK
    assert peer.receive() == b"world"
    assert ask(modem, "AT+SKTDEL=0") == OK
    assert peer.told
    assert peer.peer.closed
    assert modem.network.sockets == []


def test_a_src_port_is_shown_and_no_more(modem, folder):
    connect(modem, folder, "AT+SKTCLIENT=3,5,1,192.0.2.1,443,1234,0")
    row = b"link_id:3,client,ssl,src_address:0.0.0.0,src_port:1234,dst_address:192.0.2.1,dst_port:443,socket_fd:0\r\n"
    assert ask(modem, "AT+SKTSTATE") == row + OK
    assert modem.network.sockets[0].port != 1234


def test_seeds_are_told_of_as_their_handshakes_end_and_listed_as_they_came(modem, folder):
    assert ask(modem, "AT+SKTSERVER=0,3,1,443,1") == OK
    slow, silent, quick = (arrive(modem, folder, number) for number in (1, 2, 3))
    quick.shake(1)
    slow.shake()
    assert seeds(modem.take()) == [3, 1]
    assert seeds(ask(modem, "AT+SKTSTATE")) == [1, 3]
    quick.send(b"3")
    slow.send(b"1")
    assert modem.take() == b"[$][SKT][DATA][3][1]:3\r\n[$][SKT][DATA][1][1]:1\r\n"
    modem.wait(30)
    assert silent.peer.closed
    assert not slow.peer.closed
    assert ask(modem, "AT+SKTCLIENT=2,1,,192.0.2.1,7,,0") == OK
    assert ask(modem, "AT+SKTDEL=0") == OK
    assert slow.told
    assert quick.told


@pytest.mark.parametrize("others", [1, 19, 20, 50])
def test_silent_clients_keep_nobody_out(modem, folder, others):
    """Each has an id; where none is left the one that is longest at its handshake gives its own up."""
    assert ask(modem, "AT+SKTSERVER=0,3,1,443,1") == OK
    served = arrive(modem, folder, 1).shake()
    silent = [arrive(modem, folder, 2 + number) for number in range(others)]
    late = arrive(modem, folder, 1000).shake()
    assert len(seeds(modem.take())) == 2
    late.send(b"here")
    served.send(b"still")
    assert re.findall(rb":(\w+)\r", modem.take()) == [b"here", b"still"]
    assert [one.peer.closed for one in silent] == [True] * max(0, others - 17) + [False] * min(others, 17)
    modem.wait(30)
    assert all(one.peer.closed for one in silent)


def test_clients_that_are_served_keep_their_ids(modem, folder):
    assert ask(modem, "AT+SKTSERVER=0,3,1,443,1") == OK
    served = [arrive(modem, folder, number).shake() for number in range(1, 20)]
    assert arrive(modem, folder, 1000).peer.closed
    assert not any(one.peer.closed for one in served)


def test_the_end_of_a_client_is_seen_by_reading(modem, folder):
    peer = connect(modem, folder, "AT+SKTCLIENT=0,5,1,192.0.2.1,443,,0")
    peer.send(b"bye")
    peer.close()
    assert ask(modem, "AT+SKTREAD=0,2") == b"+SKTREAD:0,2,by" + OK
    assert ask(modem, "AT+SKTREAD=0,2") == b"+SKTREAD:0,1,e" + OK
    assert ask(modem, "AT+SKTREAD=0,2") == b"\r\nERROR: 4\r\n"
    assert b",socket_fd:-1" in ask(modem, "AT+SKTSTATE")
    assert modem.network.sockets == []


def test_the_firmware_prints_text_from_tls_too(folder):
    modem = powered_on(Follow.FIRMWARE)
    connect(modem, folder, "AT+SKTCLIENT=0,5,1,192.0.2.1,443,,0").send(b"ab\0cd")
    assert ask(modem, "AT+SKTREAD=0,10") == b"+SKTREAD:0,5,ab" + OK


def test_a_host_that_does_not_read_stops_the_peer(modem, folder):
    peer = connect(modem, folder)
    data = bytes(range(256)) * 4096
    peer.send(data)
    assert len(modem.channel.output) < 100_000
    received = b""
    stream = b""
    while piece := modem.take():
        stream += piece
    while found := re.match(rb"\[\$\]\[SKT\]\[DATA\]\[0\]\[(\d+)\]:", stream):
        end = found.end() + int(found[1])
        received += stream[found.end() : end]
        stream = stream[end + 2 :]
    assert received == data
    assert stream == b""


@pytest.mark.parametrize("end", ["close", "reset", "hang up"])
def test_the_end_while_data_waits_for_the_peer(modem, folder, end):
    assert ask(modem, "AT+SKTSERVER=5,3,1,443,1") == OK
    peer = arrive(modem, folder, 1).shake()
    modem.take()
    peer.peer.stop_reading()
    assert ask(modem, "AT+SKTSENDRAW=0,300000") == b">>>\r\n"
    modem.send(bytes(200_000))
    if end == "hang up":
        modem.modem.close()
        assert modem.network.sockets == []
        return
    if end == "close":
        peer.close()
    else:
        peer.peer.reset()
        modem.pump()
    modem.send(bytes(100_000))
    assert re.sub(rb"\[\$\]\[TT\]:\w+ Watermark\r\n", b"", modem.take()) == b"\r\nERROR: 2\r\n"
    assert b"socket_fd:-1" in ask(modem, "AT+SKTSTATE")
    assert ask(modem, "AT+SKTDEL=5") == OK
    assert modem.network.sockets == []


@pytest.mark.parametrize("line", ["AT+WLDISCONN", "AT+RST"])
def test_handshakes_end_with_the_link(modem, folder, line):
    assert ask(modem, "AT+SKTSERVER=0,3,1,443,1") == OK
    pending, shaken = (arrive(modem, folder, number) for number in (1, 2))
    shaken.shake()
    modem.take()
    assert OK in ask(modem, line)
    modem.wait(1)
    modem.take()
    assert pending.peer.closed
    assert shaken.peer.closed
    assert seeds(ask(modem, "AT+SKTSTATE")) == ([2] if line == "AT+WLDISCONN" else [])
    ask(modem, "AT+SKTDEL=0")
    assert modem.network.sockets == []
    assert ask(modem, "AT+SKTSTATE") == OK


def test_a_host_that_hangs_up_during_the_handshake(modem, folder):
    say(modem, "AT+SKTCLIENT=0,5,1,192.0.2.1,443,,1")
    assert modem.take() == b""
    modem.modem.close()
    assert modem.network.sockets == []
    assert modem.network.peers[0].closed


@pytest.mark.parametrize("follow", Follow)
def test_options_are_for_tls_unless_the_firmware_is_followed(follow):
    modem = powered_on(follow)
    assert ask(modem, "AT+SKTCFG=,,1,1") == OK
    assert ask(modem, "AT+SKTSERVER=0,2,1,443,0") == OK
    has_options = follow is Follow.MANUAL
    assert modem.network.sockets[0].options == ({Option.NODELAY: 1, Option.KEEPALIVE: 1} if has_options else {})
