"""Secure sockets and services where real peers do not reach: what a failed handshake leaves, and any garbage."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import cid
from tests.certificates import CERTIFICATES, HOST

from vmodem import dialects
from vmodem.credentials.store import Area, Kind, Slot
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Option
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
PEER = ("192.0.2.1", 7)
CLIENT = ("192.0.2.9", 5000)
CA, KEY, SERVER, NOTHING = 1, 2, 3, 9
SUITE = "PSK-AES128-GCM-SHA256"

CREDENTIALS = {
    Slot(Area.MODEM, CA, Kind.CA): CERTIFICATES.ca.certificate,
    Slot(Area.MODEM, KEY, Kind.PSK): cid.PSK.hex().encode(),
    Slot(Area.MODEM, KEY, Kind.PSK_IDENTITY): cid.IDENTITY,
    Slot(Area.NATIVE, SERVER, Kind.PSK): b"a key that is text",
    Slot(Area.NATIVE, SERVER, Kind.PSK_IDENTITY): b"me",
}

CONNECTS = {
    "sm-1.0": ("AT#XSSOCKET=1,{kind},0,{tag}", 'AT#XCONNECT=0,"192.0.2.1",7', ERROR),
    "slm-1.9": ("AT#XSSOCKET=1,{kind},0,{tag}", 'AT#XCONNECT="192.0.2.1",7', ERROR),
    "slm-2.0": ("AT#XSSOCKET=1,{kind},0,{tag}", 'AT#XCONNECT="192.0.2.1",7', ERROR),
}
SENDS = {"sm-1.0": 'AT#XSEND=0,0,0,"secret"', "slm-1.9": 'AT#XSEND="secret"', "slm-2.0": 'AT#XSEND="secret"'}
TLS, DTLS = 1, 2

every_socket = pytest.mark.parametrize("name", CONNECTS)
both_kinds = pytest.mark.parametrize("kind", [TLS, DTLS], ids=["TLS", "DTLS"])


@pytest.fixture(autouse=True)
def no_bug_of_ours(caplog):
    """Any error in the log is an exception that nobody expected."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def fresh(name, **network):
    modem = Virtual(dialects.find(name), network=FakeNetwork(**network))
    for slot, content in CREDENTIALS.items():
        modem.modem.store.write(slot, content)
    modem.take()
    return modem


def ask(modem, line):
    modem.send(line.encode() + b"\r\n")
    return modem.take()


def begin(modem, name, kind=TLS, tag=CA):
    """Open a secure socket and begin to connect it."""
    opening, connecting, _ = CONNECTS[name]
    assert ask(modem, opening.format(kind=kind, tag=tag)).endswith(OK)
    return ask(modem, connecting)


def peer_of(modem):
    return modem.network.peers[-1]


def nothing_left(modem, sockets=0):
    """Check that nothing is left of what was under way."""
    assert modem.modem.deadline is None
    assert not modem.modem.scheduler.tasks_of(modem.channel)
    assert not modem.modem.tls.busy
    assert len(modem.network.sockets) == sockets
    assert not modem.network.pending


def fails(modem):
    assert modem.take() == ERROR
    nothing_left(modem, sockets=1)
    (socket,) = modem.channel.device.sockets
    assert socket.net is modem.network.sockets[0]
    return socket


@every_socket
class TestAFailedHandshakeLeavesNothing:
    @both_kinds
    def test_no_credentials(self, name, kind):
        modem = fresh(name)
        modem.channel.output += begin(modem, name, kind, NOTHING)
        fails(modem)

    @both_kinds
    def test_the_deadline(self, name, kind):
        modem = fresh(name)
        assert begin(modem, name, kind) == b""
        limit = 30 if name == "sm-1.0" and kind == TLS else 123
        modem.wait(limit - 0.1)
        assert modem.take() == b""
        modem.wait(0.1)
        fails(modem)

    def test_a_peer_that_goes_on_and_on(self, name):
        """One byte a second of a record that never ends does not move the deadline."""
        modem = fresh(name)
        assert begin(modem, name) == b""
        limit = 30 if name == "sm-1.0" else 123
        for byte in b"\x16\x03\x03\x40\x00" + bytes(limit - 6):
            modem.wait(1)
            peer_of(modem).send(bytes([byte]))
            modem.pump()
        assert modem.take() == b""
        modem.wait(1)
        fails(modem)

    @pytest.mark.parametrize("end", ["close", "reset"])
    def test_the_peer_leaves(self, name, end):
        modem = fresh(name)
        assert begin(modem, name) == b""
        getattr(peer_of(modem), end)()
        modem.pump()
        fails(modem)

    @pytest.mark.parametrize("reuse", [0, 1])
    def test_the_fresh_socket_is_as_the_first(self, name, reuse):
        modem = fresh(name)
        opening, connecting, _ = CONNECTS[name]
        ask(modem, opening.format(kind=TLS, tag=CA))
        assert ask(modem, f"AT#XSOCKETOPT={'0,' if name == 'sm-1.0' else ''}1,2,{reuse}") == OK
        ask(modem, connecting)
        peer_of(modem).send(b"220 ready\r\n")
        modem.pump()
        assert fails(modem).net.options == {Option.NODELAY: 1, Option.REUSEADDR: reuse}

    @both_kinds
    def test_nothing_goes_out_in_the_clear(self, name, kind):
        modem = fresh(name)
        begin(modem, name, kind, NOTHING)
        assert ask(modem, SENDS[name]).endswith(b": 0,0\r\n" + ERROR if name == "sm-1.0" else b": 0\r\n" + ERROR)
        assert [peer.take() for peer in modem.network.peers] == [b""]

    def test_an_attempt_that_succeeds_too_late(self, name):
        """The wait for the connection was given up; it comes nevertheless, and is no plain one."""
        modem = fresh(name)
        modem.network.silent.add(PEER)
        set_timeout = "AT#XSOCKETOPT=0,1,21,1" if name == "sm-1.0" else "AT#XSOCKETOPT=1,21,1"
        opening, connecting, _ = CONNECTS[name]
        for line in (opening.format(kind=TLS, tag=CA), set_timeout, connecting):
            ask(modem, line)
        modem.wait(1)
        assert modem.take() == ERROR
        peer_of(modem).accept()
        modem.pump()
        assert ask(modem, SENDS[name]).endswith(ERROR)
        assert peer_of(modem).take() == b""

    def test_the_host_leaves_in_mid_handshake(self, name):
        modem = fresh(name)
        begin(modem, name)
        modem.modem.close()
        nothing_left(modem)


class DtlsPeer:
    """A DTLS server behind the peer of a modem's latest socket."""

    def __init__(self, modem, own=None):
        self.modem = modem
        self.server = cid.Server(own, SUITE)
        self.peer = peer_of(modem)

    def carry(self):
        """Carry what is on the way, both ways, until nothing is."""
        while True:
            up = self.peer.take_all()
            for datagram in up:
                self.server.feed(datagram)
            down = self.server.take()
            for datagram in down:
                self.peer.send(datagram)
            self.modem.pump()
            if not up and not down:
                return


class TestDtlsService:
    def connected(self):
        modem = fresh("slm-2.7")
        assert ask(modem, f'AT#XUDPCLI=1,"192.0.2.1",7,{KEY}') == b""
        peer = DtlsPeer(modem)
        peer.carry()
        assert modem.take() == b'\r\n#XUDPCLI: 1,"connected"\r\n' + OK
        return modem, peer

    def test_the_peer_closes(self):
        """The end of a DTLS connection is no empty datagram, of which any number may come."""
        modem, peer = self.connected()
        peer.server.send(b"last words")
        peer.server.close()
        peer.carry()
        assert modem.take() == b'\r\n#XUDPDATA: 10\r\nlast words\r\n#XUDPCLI: -104,"disconnected"\r\n'
        nothing_left(modem)

    def test_datagrams_that_nobody_can_decrypt(self):
        modem, peer = self.connected()
        for garbage in (b"", b"\x17", b"\x17\xfe\xfd" + bytes(40), bytes(2000)):
            peer.peer.send(garbage)
        modem.pump()
        assert modem.take() == b""
        peer.server.send(b"still here")
        peer.carry()
        assert modem.take() == b"\r\n#XUDPDATA: 10\r\nstill here"

    def test_the_link_is_lost(self):
        modem, _ = self.connected()
        assert ask(modem, "AT+CFUN=4") == OK + b'\r\n#XUDPCLI: -104,"disconnected"\r\n'
        nothing_left(modem)

    def test_the_handshake_ends_after_ten_seconds(self):
        modem = fresh("slm-2.7")
        ask(modem, f'AT#XUDPCLI=1,"192.0.2.1",7,{KEY}')
        modem.wait(9.9)
        assert modem.take() == b""
        modem.wait(0.1)
        assert modem.take() == b'\r\n#XUDPCLI: -116,"not connected"\r\n' + ERROR
        nothing_left(modem)

    def test_a_connection_identifier_that_the_peer_has_not(self):
        modem = fresh("slm-2.7")
        ask(modem, f'AT#XUDPCLI=1,"192.0.2.1",7,{KEY},2')
        DtlsPeer(modem).carry()
        assert modem.take() == b'\r\n#XUDPCLI: -134,"not connected"\r\n' + ERROR
        nothing_left(modem)


class TestDtlsSocket:
    @pytest.mark.parametrize(("own", "status"), [(None, 0), (b"", 1), (b"server", 3)])
    def test_a_connection_identifier_is_a_request(self, own, status):
        """A server that has none is no reason to fail, unlike for AT#XUDPCLI; the status tells."""
        modem = fresh("sm-1.0")
        ask(modem, f"AT#XSSOCKET=1,2,0,{KEY}")
        ask(modem, "AT#XSSOCKETOPT=0,1,14,2")
        ask(modem, 'AT#XCONNECT=0,"192.0.2.1",7')
        DtlsPeer(modem, own).carry()
        assert modem.take() == b"\r\n#XCONNECT: 0,1\r\n" + OK
        assert ask(modem, "AT#XSSOCKETOPT=0,0,15") == b"\r\n#XSSOCKETOPT: 0,%d\r\n" % status + OK
        assert ask(modem, "AT#XSSOCKETOPT=0,0,4") == b"\r\n#XSSOCKETOPT: 0,0x00a8\r\n" + OK

    def test_the_deadline_is_the_options(self):
        modem = fresh("sm-1.0")
        for line in (f"AT#XSSOCKET=1,2,0,{KEY}", "AT#XSSOCKETOPT=0,1,18,7", 'AT#XCONNECT=0,"192.0.2.1",7'):
            ask(modem, line)
        modem.wait(6.9)
        assert modem.take() == b""
        modem.wait(0.1)
        assert modem.take() == ERROR

    def test_the_socket_is_usable_after_a_failure(self):
        modem = fresh("sm-1.0")
        ask(modem, f"AT#XSSOCKET=1,2,0,{KEY}")
        ask(modem, "AT#XSSOCKETOPT=0,1,18,1")
        ask(modem, 'AT#XCONNECT=0,"192.0.2.1",7')
        modem.wait(1)
        assert modem.take() == ERROR
        ask(modem, 'AT#XCONNECT=0,"192.0.2.1",7')
        peer = DtlsPeer(modem)
        peer.carry()
        assert modem.take() == b"\r\n#XCONNECT: 0,1\r\n" + OK
        assert ask(modem, 'AT#XSEND=0,0,0,"hello"') == b"\r\n#XSEND: 0,5\r\n" + OK
        peer.carry()
        assert peer.server.received == [b"hello"]


class TestTlsServer:
    def serving(self):
        modem = fresh("slm-2.7")
        assert b'"started"' in ask(modem, f"AT#XTCPSVR=1,3442,{SERVER}")
        return modem

    def incoming(self, modem):
        peer = modem.network.incoming(3442, CLIENT)
        modem.pump()
        return peer

    def test_a_silent_client_is_dropped(self):
        modem = self.serving()
        silent = self.incoming(modem)
        modem.wait(29)
        assert not silent.closed
        second = self.incoming(modem)
        modem.wait(1)
        assert silent.socket not in modem.network.sockets
        assert second.socket in modem.network.sockets
        modem.wait(29)
        nothing_left(modem, sockets=1)
        assert modem.take() == b""

    def test_however_many_are_silent_the_latest_are_kept(self):
        modem = self.serving()
        clients = [self.incoming(modem).socket for _ in range(30)]
        assert [client in modem.network.sockets for client in clients] == [False] * 22 + [True] * 8
        modem.wait(30)
        nothing_left(modem, sockets=1)
        assert modem.take() == b""

    def test_garbage(self):
        modem = self.serving()
        for garbage in (b"\0", b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00\x05hello", bytes(20000)):
            self.incoming(modem).send(garbage)
            modem.pump()
            modem.wait(30)
            nothing_left(modem, sockets=1)
        assert modem.take() == b""
        assert ask(modem, "AT#XTCPSVR?") == b"\r\n#XTCPSVR: 1,-1,1\r\n" + OK

    def test_a_client_in_mid_handshake_is_not_there_yet(self):
        modem = self.serving()
        self.incoming(modem)
        assert ask(modem, "AT#XTCPSVR?") == b"\r\n#XTCPSVR: 1,-1,1\r\n" + OK
        assert ask(modem, "AT#XTCPHANGUP=2") == ERROR
        assert ask(modem, 'AT#XTCPSEND="x"') == ERROR
        assert ask(modem, "AT#XTCPSVR=0") == b'\r\n#XTCPSVR: 0,"stopped"\r\n' + OK
        nothing_left(modem)

    @pytest.mark.parametrize("line", ["AT+CFUN=4", "AT#XRESET"])
    def test_what_ends_the_server_ends_the_handshake(self, line):
        modem = self.serving()
        self.incoming(modem)
        ask(modem, line)
        modem.wait(1)
        nothing_left(modem)


class TestAnyGarbage:
    """Whatever a peer answers, however it is cut: no exception, and an error in the end."""

    ANSWERS = st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.builds(lambda kind, body: bytes([kind]) + b"\x03\x03" + len(body).to_bytes(2, "big") + body,
                      st.integers(20, 25), st.binary(max_size=100)),
            st.builds(lambda kind, body: bytes([kind]) + b"\xfe\xfd" + bytes(8) + len(body).to_bytes(2, "big") + body,
                      st.integers(20, 25), st.binary(max_size=100)),
            st.builds(lambda body: b"\x16\x03\x03" + (len(body) + 4).to_bytes(2, "big") + b"\x02"
                      + len(body).to_bytes(3, "big") + body, st.binary(max_size=100)),
        ),
        max_size=6,
    )  # fmt: skip

    def answer(self, modem, pieces):
        for piece in pieces:
            peer_of(modem).send(piece)
            modem.pump()

    @given(st.sampled_from(sorted(CONNECTS)), st.sampled_from([TLS, DTLS]), ANSWERS)
    def test_sockets(self, name, kind, pieces):
        modem = fresh(name)
        assert begin(modem, name, kind) == b""
        self.answer(modem, pieces)
        modem.wait(123)
        fails(modem)

    @given(st.sampled_from(["XTCPCLI", "XUDPCLI"]), ANSWERS)
    def test_services(self, service, pieces):
        modem = fresh("slm-2.7")
        assert ask(modem, f'AT#{service}=1,"192.0.2.1",7,{CA}') == b""
        self.answer(modem, pieces)
        modem.wait(123)
        answer = modem.take()
        assert answer.startswith(f"\r\n#{service}: -".encode())
        assert answer.endswith(b'"not connected"\r\n' + ERROR)
        nothing_left(modem)

    @given(ANSWERS)
    def test_the_server(self, pieces):
        modem = fresh("slm-2.7")
        ask(modem, f"AT#XTCPSVR=1,3442,{SERVER}")
        modem.network.incoming(3442, CLIENT)
        modem.pump()
        self.answer(modem, pieces)
        modem.wait(30)
        assert modem.take() == b""
        nothing_left(modem, sockets=1)


def test_the_host_name_is_not_what_the_peer_is_connected_by():
    """The name of the option alone is checked and asked for, whatever the socket connects to."""
    modem = fresh("sm-1.0", hosts={"elsewhere.example": ["192.0.2.1"]})
    ask(modem, f"AT#XSSOCKET=1,1,0,{CA}")
    ask(modem, f'AT#XSSOCKETOPT=0,1,2,"{HOST}"')
    ask(modem, 'AT#XCONNECT=0,"elsewhere.example",7')
    hello = peer_of(modem).take()
    assert HOST.encode() in hello
    assert b"elsewhere" not in hello
