"""TLS and DTLS over the network in memory: two secure sockets face to face, and peers that are none."""

from __future__ import annotations

import base64
import errno
import gc
import random
import subprocess
import sys
import time
from dataclasses import replace
from secrets import token_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import crypto
from tests.certificates import CERTIFICATES, HOST, PSK, PSK_IDENTITY, shared_key
from tests.cid import Server as CidServer

from vmodem import dialects
from vmodem.core import calls
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import MSG_PEEK, POLLERR, POLLHUP, POLLIN, POLLOUT, Family, Option, SocketType
from vmodem.tls.security import Bundle, CredentialError, DtlsCid, HandshakeError, PeerVerify, SecureSocket, Security
from vmodem.tls.socket import SHARE
from vmodem.tls.stack import Tls
from vmodem.tls.stream import CHUNK, SHORT_CHUNK
from vmodem.virtual import Virtual

STREAM, DGRAM = SocketType.STREAM, SocketType.DGRAM
KINDS = [STREAM, DGRAM]
SERVER, CLIENT = ("192.0.2.1", 4433), ("192.0.2.2", 49152)

C = CERTIFICATES
NAMED = Security(bundle=C.trusting(), hostname=HOST, server_name=HOST)
SERVING = Security(bundle=C.having(C.server), server=True, peer_verify=PeerVerify.NONE)
KEYED = Security(bundle=shared_key())
KEYED_SERVER = Security(bundle=shared_key(), server=True)


class Driver:
    now = 0.0

    def __init__(self):
        self.events = {}

    def socket_ready(self, socket, events):
        self.events[socket] = self.events.get(socket, 0) | events

    def resolved(self, token, answer):
        raise AssertionError("nothing was looked up")

    def reschedule(self):
        raise AssertionError("nothing waits for a moment")


class End:
    """A plain socket in memory that is connected, the secure one in front of it, and the plain one's peer."""

    def __init__(self, kind, security, *, server=False, network=None, tls=None, window=65536):
        self.network = network or FakeNetwork("192.0.2.1" if server else "192.0.2.2", window=window)
        if network is None:
            self.network.driver = Driver()
        self.driver = self.network.driver
        self.tls = tls or Tls(token_bytes)
        self.plain = self.connect(kind, server)
        self.peer = self.plain.peer
        self.socket = self.tls.secure(self.plain, security)
        self.done = False

    def connect(self, kind, server):
        plain = self.network.open(Family.IPV4, kind)
        if kind is DGRAM:
            plain.connect(CLIENT if server else SERVER)
        elif server:
            plain.bind(SERVER[1])
            plain.listen(1)
            self.network.incoming(SERVER[1], CLIENT)
            listening, (plain, _) = plain, plain.accept()
            listening.close()
        else:
            with pytest.raises(BlockingIOError):
                plain.connect(SERVER)
            self.network.deliver()
        return plain

    def handshake(self):
        """Go on with the handshake; return whether it is done."""
        if not self.done:
            try:
                self.socket.handshake()
                self.done = True
            except BlockingIOError:
                pass
        return self.done

    def events(self):
        """Return what was told since last asked."""
        self.network.deliver()
        return self.driver.events.pop(self.socket, 0)

    def recv(self, size=1 << 20):
        """Return all that waits."""
        data = b""
        try:
            while piece := self.socket.recv(size, 0):
                data += piece
        except BlockingIOError:
            pass
        return data


class Pair:
    """Two ends; `carry` takes what they send from one to the other."""

    def __init__(self, kind, client, server, *, tls=None, server_tls=None, window=65536):
        self.client = End(kind, client, tls=tls, window=window)
        self.server = End(kind, server, server=True, tls=server_tls, window=window)
        self.ends = self.client, self.server

    def carry(self, cut=lambda data: [data]):
        """Carry what is on the way; return whether there was anything."""
        moved = False
        for here, there in (self.ends, self.ends[::-1]):
            for data in here.peer.take_all():
                moved = True
                for piece in cut(data):
                    there.peer.send(piece)
            if here.peer.closed and not there.peer.gone and here.plain.type is STREAM:
                moved = True
                there.peer.close()
        for end in self.ends:
            end.network.deliver()
        return moved

    def handshake(self, cut=lambda data: [data]):
        """Do the whole handshake."""
        while [end for end in self.ends if not end.handshake()]:
            assert self.carry(cut), "nothing happens any more"
        self.carry()
        return self

    def fail(self):
        """Do a handshake that fails; return how it did for each end, None where it did not."""
        failures = {}
        moved = True
        while moved:
            for end in self.ends:
                try:
                    if end not in failures:
                        end.handshake()
                except HandshakeError as error:
                    failures[end] = error
            moved = self.carry()
        return [failures.get(end) for end in self.ends]


def pair(kind=STREAM, client=NAMED, server=SERVING, **options):
    return Pair(kind, client, server, **options).handshake()


def short_records(both, count):
    """Send the client so many records of one byte, of which it is not told; return how long one is."""
    for _ in range(count):
        both.server.socket.send(b"x")
    sent = b"".join(both.server.peer.take_all())
    both.client.peer.send(sent)
    return len(sent) // count


@pytest.fixture(params=KINDS, ids=lambda kind: "TLS" if kind is STREAM else "DTLS")
def kind(request):
    return request.param


def pem_lines(der):
    """Return the lines of ``der`` in PEM."""
    return base64.encodebytes(der).split()


def fails(code, call, *arguments):
    with pytest.raises(OSError, match=r"\w") as caught:
        call(*arguments)
    assert errno.errorcode[caught.value.errno] == errno.errorcode[code]


def security(credentials, **options):
    return Security(bundle=credentials, **options)


class TestHandshake:
    @pytest.mark.parametrize(
        ("client", "server"),
        [
            (NAMED, SERVING),
            (security(C.trusting(C.client)), security(C.trusting(C.server), server=True)),
            (NAMED, security(C.having(C.rsa_server), server=True, peer_verify=PeerVerify.NONE)),
            (KEYED, KEYED_SERVER),
        ],
        ids=["certificate", "client certificate", "RSA", "pre-shared key"],
    )
    def test_data_goes_both_ways(self, kind, client, server):
        both = pair(kind, client, server)
        assert both.client.socket.verified
        assert both.client.socket.verify_error == ""
        assert both.client.socket.ciphersuite() == both.server.socket.ciphersuite() > 0
        assert both.client.socket.send(b"ping") == 4
        both.carry()
        assert both.server.recv() == b"ping"
        assert both.server.socket.send(b"pong") == 4
        both.carry()
        assert both.client.socket.recvfrom(100, 0) == (b"pong", SERVER)

    def test_the_server_hears_what_is_wrong_with_an_optional_client(self, kind):
        server = security(C.trusting(C.server), server=True, peer_verify=PeerVerify.OPTIONAL, session_cache=True)
        for own, wrong in ((C.client, ""), (C.other_client, "unable to get"), (None, "no certificate")):
            heard = pair(kind, security(C.trusting(own)), server).server.socket
            assert heard.verified == (not wrong)
            assert wrong in heard.verify_error

    @pytest.mark.parametrize(
        ("options", "own", "wrong"),
        [
            ({"hostname": HOST}, "server", ""),
            ({"hostname": HOST.upper()}, "server", ""),
            ({"hostname": SERVER[0]}, "server", "IP address mismatch"),
            ({"hostname": "127.0.0.1"}, "server", ""),
            ({"hostname": "::1"}, "server", ""),
            ({"hostname": "other.example.com"}, "server", "hostname mismatch"),
            ({"hostname": "other.example.com", "server_name": HOST}, "server", "hostname mismatch"),
            ({"hostname": None, "server_name": "other.example.com"}, "server", ""),
            ({"hostname": HOST}, "expired_server", "certificate has expired"),
            ({"ca": C.other_ca}, "server", "unable to get local issuer certificate"),
        ],
    )
    def test_what_is_checked(self, kind, options, own, wrong):
        options = dict(options)
        trust = C.trusting(ca=options.pop("ca", None))
        server = security(C.having(getattr(C, own)), server=True, peer_verify=PeerVerify.NONE)
        known = pair(kind, security(trust, peer_verify=PeerVerify.OPTIONAL, **options), server).client.socket
        assert (known.verified, wrong in known.verify_error) == (not wrong, True)
        careless = pair(kind, security(trust, peer_verify=PeerVerify.NONE, **options), server).client.socket
        assert not careless.verified
        strict = Pair(kind, security(trust, peer_verify=PeerVerify.REQUIRED, **options), server)
        if not wrong:
            assert strict.handshake().client.socket.verified
            return
        failure, _ = strict.fail()
        assert failure.errno == errno.ECONNREFUSED
        assert wrong in failure.reason
        assert not strict.client.socket.verified
        assert strict.client.socket.verify_error == failure.reason

    def test_nobody_is_trusted_without_a_ca(self, kind):
        failure, told = Pair(kind, security(C.having(C.client)), SERVING).fail()
        assert (failure.errno, told.errno) == (errno.ECONNREFUSED, errno.ECONNREFUSED)
        assert "unknown ca" in told.reason

    def test_a_certificate_that_is_trusted_itself_is_enough(self, kind):
        assert pair(kind, security(C.trusting(ca=C.server))).client.socket.verified

    @pytest.mark.parametrize("own", [None, C.other_client], ids=["none", "of another CA"])
    def test_a_client_without_the_required_certificate(self, kind, own):
        failures = Pair(kind, security(C.trusting(own)), security(C.trusting(C.server), server=True)).fail()
        assert [failure.errno for failure in failures] == [errno.ECONNREFUSED] * 2
        assert "alert" in failures[0].reason
        assert ("no certificate" if own is None else "certificate verify failed") in failures[1].reason

    @pytest.mark.parametrize(
        ("credentials", "reason"),
        [
            (shared_key(PSK[::-1]), "another pre-shared key"),
            (shared_key(identity=b"stranger"), "unknown identity"),
            (C.trusting(), "no cipher suite in common"),
        ],
        ids=["key", "identity", "certificates"],
    )
    def test_a_wrong_pre_shared_key(self, credentials, reason):
        failures = Pair(STREAM, security(credentials), KEYED_SERVER).fail()
        assert [failure.errno for failure in failures] == [errno.ECONNREFUSED] * 2
        assert reason in failures[1].reason
        assert "alert" in failures[0].reason

    def test_a_wrong_pre_shared_key_over_dtls(self):
        """A record that cannot be decrypted is no record at all: the server waits on, until its time is over."""
        both = Pair(DGRAM, security(shared_key(PSK[::-1])), KEYED_SERVER)
        assert both.fail()[0] is None or both.fail()[0].errno == errno.ECONNREFUSED
        assert not both.client.done
        assert not both.server.done

    def test_cut_anywhere(self):
        both = Pair(STREAM, NAMED, SERVING).handshake(lambda data: [data[i : i + 1] for i in range(len(data))])
        assert both.client.socket.verified

    @pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad\r\n\r\n", bytes(600), b"\x16\x03\x03\x00\x04c\x00\x00\x00"])
    def test_garbage_in_place_of_a_hello(self, garbage):
        end = End(STREAM, NAMED)
        assert not end.handshake()
        end.peer.send(garbage)
        with pytest.raises(HandshakeError) as caught:
            end.socket.handshake()
        assert caught.value.errno == errno.EPROTO
        with pytest.raises(HandshakeError, match="proper TLS"):
            end.socket.handshake()
        assert end.socket.poll() == POLLERR | POLLHUP
        fails(errno.ENOTCONN, end.socket.send, b"x")

    def test_garbage_over_dtls_is_dropped(self):
        both = Pair(DGRAM, NAMED, SERVING)
        for end in both.ends:
            for garbage in (b"", b"\x16", b"\x16\xfe\xfd", b"x" * 9000, b"\x16\xfe\xff" + b"\x00" * 8 + b"\xff\xff"):
                end.peer.send(garbage)
        assert both.handshake().client.socket.verified

    @pytest.mark.parametrize("alert", [40, 48, 80, 112])
    def test_an_alert(self, kind, alert):
        end = End(kind, NAMED)
        assert not end.handshake()
        header = b"\x15\x03\x03" if kind is STREAM else b"\x15\xfe\xfd" + bytes(8)
        end.peer.send(header + b"\x00\x02\x02" + bytes([alert]))
        with pytest.raises(HandshakeError, match=r"the peer sent an alert: [a-z]") as caught:
            end.socket.handshake()
        assert caught.value.errno == errno.ECONNREFUSED

    @pytest.mark.parametrize("way", ["close", "reset"])
    def test_a_peer_that_goes_away(self, way):
        end = End(STREAM, NAMED)
        assert not end.handshake()
        getattr(end.peer, way)()
        assert end.events() & POLLHUP
        with pytest.raises(HandshakeError) as caught:
            end.socket.handshake()
        assert caught.value.errno == errno.ECONNRESET
        end.socket.close()
        assert (end.network.sockets, end.tls.busy) == ([], False)

    def test_a_slow_reader(self):
        """The flights fill the window of a peer that does not read, and nothing is lost."""
        both = Pair(STREAM, NAMED, SERVING, window=50)
        for end in both.ends:
            end.peer.stop_reading()
        for _ in range(500):
            for end in both.ends:
                end.handshake()
            for here, there in (both.ends, both.ends[::-1]):
                here.peer.start_reading()
                there.peer.send(here.peer.take())
                here.peer.stop_reading()
                here.network.deliver()
        assert both.client.done
        assert both.server.done

    def test_dtls_nobody_there(self):
        end = End(DGRAM, NAMED)
        end.network.refused.add(SERVER)
        with pytest.raises(HandshakeError) as caught:
            end.handshake()
        assert caught.value.errno == errno.ECONNREFUSED

    def test_dtls_a_server_that_is_away_for_a_moment(self):
        """A server that opens its socket anew for each client refuses what comes meanwhile: that is a loss, no end."""
        both = Pair(DGRAM, NAMED, SERVING)
        assert not both.client.handshake()
        both.carry()
        both.server.handshake()
        both.carry()
        both.client.network.refused.add(SERVER)
        assert not both.client.handshake()
        both.client.network.refused.clear()
        time.sleep(both.client.socket.retransmit_after())
        both.client.socket.retransmit()
        assert both.handshake().client.done

    def test_flights_are_cut_into_datagrams(self):
        server = security(
            Bundle(certificate=C.rsa_server.certificate + C.ca.certificate * 3, key=C.rsa_server.key),
            server=True,
            peer_verify=PeerVerify.NONE,
        )
        both = Pair(DGRAM, NAMED, server)
        both.client.handshake()
        both.carry()
        both.server.handshake()
        sizes = [len(datagram) for datagram in both.server.peer.take_all()]
        assert len(sizes) > 1
        assert max(sizes) <= 1232


class TestSecurity:
    def test_contexts_are_shared(self):
        def shared(first, second):
            ends = End(STREAM, first), End(STREAM, second)
            return ends[0].socket._tls.get_context() is ends[1].socket._tls.get_context()

        same = security(C.trusting(), hostname="127.0.0.1")
        assert shared(NAMED, same)
        assert not shared(NAMED, security(C.trusting(), peer_verify=PeerVerify.OPTIONAL))
        assert not shared(NAMED, security(C.trusting(C.client)))

    @pytest.mark.parametrize(
        ("part", "credentials"),
        [
            ("ca", Bundle(ca=b"nonsense")),
            ("ca", Bundle(ca=b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
            ("certificate", Bundle(certificate=C.client.key, key=C.client.key)),
            ("certificate", Bundle(key=C.client.key)),
            ("key", Bundle(certificate=C.client.certificate)),
            ("key", Bundle(certificate=C.client.certificate, key=C.client.certificate)),
            ("key", Bundle(certificate=C.client.certificate, key=C.server.key)),
            ("key", Bundle(certificate=C.client.certificate, key=C.rsa_server.key)),
            ("psk_identity", Bundle(psk=PSK, psk_identity=b"a\0b")),
            ("psk_identity", Bundle(psk=PSK, psk_identity=b"x" * 200)),
        ],
    )
    def test_credentials_that_cannot_be_used(self, kind, part, credentials):
        with pytest.raises(CredentialError) as caught:
            End(kind, security(credentials))
        assert (caught.value.part, caught.value.errno) == (part, errno.ECONNREFUSED)

    @pytest.mark.parametrize("part", ["ca", "certificate", "key"])
    @pytest.mark.filterwarnings("ignore::UserWarning")  # serial numbers that should not be
    def test_damaged_credentials(self, part):
        whole = C.client.key if part == "key" else C.client.certificate
        head, *lines, foot = whole.splitlines()
        der = base64.b64decode(b"".join(lines))
        dice = random.Random(1)
        refused = 0
        for _ in range(300):
            damaged = bytearray(der)
            damaged[dice.randrange(len(der))] = dice.randrange(256)
            pem = b"\n".join([head, *pem_lines(bytes(damaged)), foot, b""])
            own = {} if part == "ca" else {"certificate": C.client.certificate, "key": C.client.key}
            try:
                End(STREAM, security(Bundle(**{**own, part: pem})))
            except CredentialError:
                refused += 1
        assert refused > 50

    def test_a_server_needs_an_identity(self, kind):
        with pytest.raises(CredentialError, match="a server needs one"):
            End(kind, security(Bundle(), server=True), server=True)

    @pytest.mark.parametrize("name", ["", "a\0b", "caf\xe9", "x" * 256])
    def test_names_that_are_none(self, kind, name):
        fails(errno.EINVAL, End, kind, security(C.trusting(), hostname=name))
        fails(errno.EINVAL, End, kind, security(C.trusting(), server_name=name))

    def test_nothing_secret_is_shown(self, kind):
        both = pair(kind, KEYED, KEYED_SERVER)
        shown = f"{KEYED!r} {both.client.socket!r} {security(C.having(C.server))!r}"
        assert PSK_IDENTITY.decode() in shown
        assert repr(PSK)[2:-1] not in shown
        assert "PRIVATE" not in shown

    def test_only_a_connected_socket_can_be_secured(self, kind):
        end = pair(kind).client
        fails(errno.ENOTCONN, end.tls.secure, end.network.open(Family.IPV4, kind), NAMED)
        fails(errno.EISCONN, end.tls.secure, end.plain, NAMED)
        fails(errno.EISCONN, end.tls.secure, end.socket, NAMED)

    def test_a_connection_identifier_that_the_server_does_not_know(self):
        for offered in (DtlsCid.SUPPORTED, DtlsCid.ENABLED):
            both = pair(DGRAM, security(C.trusting(), dtls_cid=offered))
            assert both.client.socket.cid_status() == 0
            both.client.socket.send(b"hello")
            both.carry()
            assert both.server.recv() == b"hello"

    def test_nobody_without_a_secure_socket_pays_for_openssl(self):
        program = (
            "import sys, vmodem.program, vmodem.virtual, vmodem.net.layer, vmodem.tls.stack\n"
            "sys.exit(bool({'OpenSSL', 'cryptography'} & set(sys.modules)))"
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class TestSessions:
    @pytest.fixture(autouse=True)
    def a_server_that_stays(self):
        self.server_tls = Tls(token_bytes)
        yield
        self.server_tls.close()

    def pair(self, kind, tls, client=None, server=None):
        return pair(kind, client or self.CLIENT, server or self.SERVER, tls=tls, server_tls=self.server_tls)

    def resumed(self, kind, tls, client=None, server=None):
        """Connect; return whether either end says that a session was resumed."""
        both = self.pair(kind, tls, client, server)
        for end in both.ends:
            end.socket.close()
        assert both.client.socket.resumed == both.server.socket.resumed
        return both.client.socket.resumed

    CLIENT = security(C.trusting(), hostname=HOST, session_cache=True)
    SERVER = security(C.having(C.server), server=True, peer_verify=PeerVerify.NONE, session_cache=True)

    def test_resumed_until_it_is_purged(self, kind):
        tls = Tls(token_bytes)
        assert [self.resumed(kind, tls) for _ in range(3)] == [False, True, True]
        tls.purge()
        assert [self.resumed(kind, tls) for _ in range(2)] == [False, True]

    def test_a_restarted_device_has_forgotten(self, kind):
        tls = Tls(token_bytes)
        self.resumed(kind, tls)
        tls.close()
        assert not self.resumed(kind, tls)

    def test_another_modem_has_its_own(self, kind):
        assert not self.resumed(kind, Tls(token_bytes))
        assert not self.resumed(kind, Tls(token_bytes))

    def test_switched_off_at_either_end(self, kind):
        tls = Tls(token_bytes)
        assert [self.resumed(kind, tls, client=NAMED) for _ in range(2)] == [False, False]
        assert [self.resumed(kind, tls, server=SERVING) for _ in range(2)] == [False, False]

    def test_a_session_is_not_resumed_by_who_checks_more(self, kind):
        tls = Tls(token_bytes)
        careless = security(C.trusting(), peer_verify=PeerVerify.NONE, session_cache=True)
        self.resumed(kind, tls, client=careless)
        assert not self.resumed(kind, tls)
        assert not self.resumed(kind, tls, client=security(C.trusting(), session_cache=True))

    def test_what_was_wrong_is_known_after_resumption_too(self, kind):
        tls = Tls(token_bytes)
        optional = security(C.trusting(), hostname="other", peer_verify=PeerVerify.OPTIONAL, session_cache=True)
        for resumed in (False, True):
            both = self.pair(kind, tls, optional)
            assert both.client.socket.resumed == resumed
            assert both.client.socket.verify_error == "hostname mismatch"

    def test_a_connection_that_was_lost_can_be_resumed(self, kind):
        tls = Tls(token_bytes)
        both = self.pair(kind, tls)
        both.client.socket.abort(errno.ETIMEDOUT)
        both.client.socket.close()
        both.server.socket.close()
        assert self.resumed(kind, tls)

    def test_they_are_bounded(self):
        tls = Tls(token_bytes)
        for n in range(40):
            client = security(C.trusting(), server_name=f"host{n}", session_cache=True)
            self.resumed(STREAM, tls, client=client)
        assert len(tls._memory._sessions) == 32


class TestStream:
    def test_part_of_a_record_and_peek(self):
        both = pair()
        both.client.socket.send(b"abcdef")
        both.carry()
        there = both.server.socket
        assert there.recv(2, MSG_PEEK) == b"ab"
        assert there.recv(4, 0) == b"abcd"
        assert there.poll() == POLLIN | POLLOUT
        assert there.recv(100, MSG_PEEK) == b"ef"
        assert there.recv(100, 0) == b"ef"
        assert there.poll() == POLLOUT
        with pytest.raises(BlockingIOError):
            there.recv(1, 0)

    def test_readiness_is_that_of_data(self):
        both = pair()
        both.server.events()
        both.client.socket.send(b"abc")
        record = both.client.peer.take()
        both.server.peer.send(record[:-1])
        assert both.server.events() == 0
        both.server.peer.send(record[-1:])
        assert both.server.events() == POLLIN
        assert both.server.plain not in both.server.driver.events

    def test_what_is_taken_is_sent_before_more_is_taken(self):
        both = pair(window=1000)
        here, peer = both.client.socket, both.client.peer
        peer.stop_reading()
        both.client.events()
        assert here.send(b"x" * 900) == 900
        assert here.poll() == POLLOUT
        assert here.send(b"y" * 900) == 900
        assert here.poll() == 0
        assert here.unacknowledged() > 1800
        with pytest.raises(BlockingIOError):
            here.send(b"z")
        assert both.client.events() == 0
        peer.start_reading()
        assert both.client.events() == POLLOUT
        assert here.send(b"z") == 1
        both.carry()
        both.carry()
        assert both.server.recv() == b"x" * 900 + b"y" * 900 + b"z"

    def test_what_is_taken_is_sent_after_closing(self):
        both = pair(window=1000)
        both.client.peer.stop_reading()
        assert both.client.socket.send(b"x" * 5000) == 5000
        both.client.socket.close()
        both.client.socket.close()
        assert both.client.plain.open
        for _ in range(8):
            both.client.peer.start_reading()
            both.server.peer.send(both.client.peer.take())
            both.client.peer.stop_reading()
            both.client.network.deliver()
            both.server.network.deliver()
        assert not both.client.plain.open
        assert both.server.recv() == b"x" * 5000
        assert both.server.socket.recv(10, 0) == b""

    def test_a_network_that_is_closed_lets_nobody_linger(self):
        both = pair(window=1000)
        both.client.peer.stop_reading()
        both.client.socket.send(b"x" * 5000)
        both.client.socket.close()
        both.client.tls.close()
        assert not both.client.network.sockets
        both = pair(window=1000)
        both.client.peer.stop_reading()
        both.client.socket.send(b"x" * 5000)
        both.client.socket.close()
        both.client.network.set_link(up=False)
        both.client.network.deliver()
        assert not both.client.network.sockets

    def test_close_notify(self):
        both = pair()
        both.client.socket.send(b"last")
        both.client.socket.close()
        for data in both.client.peer.take_all():
            both.server.peer.send(data)
        assert both.server.events() & (POLLIN | POLLHUP) == POLLIN | POLLHUP
        there = both.server.socket
        assert there.poll() == POLLIN | POLLHUP | POLLOUT
        assert [there.recv(100, 0) for _ in range(3)] == [b"last", b"", b""]
        assert there.poll() == POLLIN | POLLHUP | POLLOUT
        fails(errno.EBADF, both.client.socket.send, b"x")
        assert both.client.socket.poll() == POLLHUP

    def test_an_end_without_close_notify(self, caplog):
        both = pair()
        both.client.socket.send(b"last")
        both.carry()
        both.server.peer.close()
        with caplog.at_level("INFO"):
            assert both.server.events() & POLLHUP
        assert [both.server.socket.recv(100, 0) for _ in range(2)] == [b"last", b""]
        assert "without a close_notify" in caplog.text

    def test_reset(self):
        both = pair()
        both.client.peer.reset()
        assert both.client.events() & (POLLERR | POLLHUP)
        for _ in range(2):
            assert both.client.socket.poll() & (POLLERR | POLLHUP) == POLLERR | POLLHUP
            fails(errno.ECONNRESET, both.client.socket.recv, 10, 0)
            fails(errno.ECONNRESET, both.client.socket.send, b"x")

    def test_what_came_before_a_reset_is_received_after_a_send_that_failed(self):
        both = pair()
        both.server.socket.send(b"last")
        for data in both.server.peer.take_all():
            both.client.peer.send(data)
        both.client.peer.reset()
        fails(errno.ECONNRESET, both.client.socket.send, b"x")
        assert both.client.socket.recv(10, 0) == b"last"
        fails(errno.ECONNRESET, both.client.socket.recv, 10, 0)

    def test_all_of_it_is_however_many_records_it_was(self):
        both = pair()
        count = 16 * SHARE
        short_records(both, count)
        both.client.peer.reset()
        fails(errno.ECONNRESET, both.client.socket.send, b"x")
        assert both.client.socket.recv(count, 0) == b"x" * count

    def test_one_call_takes_in_a_bounded_number_of_records(self):
        both = pair()
        count = 16 * SHARE
        record = short_records(both, count)
        both.client.socket.recv(1, 0)  # now it is known that they are short
        tls, before = both.client.tls, both.client.tls.taken_in
        assert before < CHUNK // record + SHARE < count
        assert both.client.socket.poll() & POLLIN
        assert 0 < tls.taken_in - before <= SHARE + SHORT_CHUNK // record + 1
        both.client.network.deliver()
        assert both.client.recv() == b"x" * (count - 1)

    def test_a_reset_behind_a_close_notify_is_an_end(self):
        both = pair()
        both.server.socket.close()
        both.carry()
        both.client.peer.reset()
        both.client.events()
        assert [both.client.socket.recv(10, 0) for _ in range(2)] == [b"", b""]
        with pytest.raises(OSError, match=r"EPIPE|ECONNRESET"):
            both.client.socket.send(b"x")
        assert both.client.socket.recv(10, 0) == b""

    def test_an_error_is_taken_once(self):
        both = pair()
        assert both.client.socket.take_error() == 0
        both.client.peer.reset()
        both.client.events()
        assert [both.client.socket.take_error() for _ in range(2)] == [errno.ECONNRESET, 0]
        assert both.client.socket.recv(10, 0) == b""

    @pytest.mark.parametrize(
        ("garbage", "code"),
        [(b"no record at all", errno.EPROTO), (b"\x17\x03\x03\x00\x28" + b"x" * 40, errno.ECONNRESET)],
    )
    def test_garbage(self, garbage, code):
        both = pair()
        both.client.socket.send(b"good")
        both.carry()
        both.server.peer.send(garbage)
        assert both.server.events() & POLLERR
        assert both.server.socket.recv(100, 0) == b"good"
        fails(code, both.server.socket.recv, 100, 0)
        both.carry()  # the alert
        fails(errno.ECONNRESET, both.client.socket.recv, 100, 0)
        fails(code, both.server.socket.send, b"x")

    def test_a_peer_that_sends_much_is_not_read_without_end(self):
        both = pair(window=1 << 24)
        data = random.Random(1).randbytes(1 << 20)
        assert both.client.socket.send(data) == len(data)
        both.carry()
        assert len(both.server.socket._plain) < 2 * 65536
        assert both.server.recv(1000) == data

    def test_the_end_is_told_however_much_waits(self):
        both = pair(window=1 << 24)
        both.client.socket.send(bytes(1 << 20))
        both.client.socket.close()
        for data in both.client.peer.take_all():
            both.server.peer.send(data)
        both.server.peer.close()
        assert both.server.events() & POLLHUP
        assert len(both.server.recv()) == 1 << 20

    @given(
        st.integers(0, 1 << 32),
        st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=50), st.integers(1, 900)), max_size=12),
        st.integers(1, 3000),
    )
    def test_nothing_is_lost_or_doubled(self, seed, sends, window):
        """However the network cuts the bytes, and however little it takes at once."""
        chance = random.Random(seed)

        def cut(data):
            pieces = []
            while data:
                size = chance.randint(1, len(data))
                pieces.append(data[:size])
                data = data[size:]
            return pieces

        both = Pair(STREAM, KEYED, KEYED_SERVER, window=window)
        expected = {
            end: b"".join(data * n for which, data, n in sends if which == (end is both.client)) for end in both.ends
        }
        left = dict(expected)
        got = dict.fromkeys(both.ends, b"")
        for _ in range(100000):
            both.carry(cut)
            if [end for end in both.ends if not end.handshake()]:
                continue
            for end in both.ends:
                (end.peer.start_reading if chance.random() < 0.6 else end.peer.stop_reading)()
                if left[end]:
                    try:
                        left[end] = left[end][end.socket.send(left[end][: chance.randint(1, 40000)]) :]
                    except BlockingIOError:
                        pass
                got[end] += end.recv(chance.randint(1, 5000))
            if all(
                len(got[end]) == len(expected[other]) for end, other in zip(both.ends, both.ends[::-1], strict=True)
            ):
                break
        assert [got[end] for end in both.ends] == [expected[end] for end in both.ends[::-1]]


class TestDatagrams:
    def test_one_send_is_one_datagram_is_one_receive(self):
        both = pair(DGRAM)
        sent = [b"one", b"x" * 16384, b"three"]
        for data in sent:
            assert both.client.socket.send(data) == len(data)
        assert len(both.client.peer._received) == 3
        both.carry()
        assert both.server.socket.poll() == POLLIN | POLLOUT
        assert both.server.socket.recv(2, MSG_PEEK) == b"on"
        assert [both.server.socket.recv(20000, 0) for _ in sent] == sent
        with pytest.raises(BlockingIOError):
            both.server.socket.recv(1, 0)

    def test_cut_to_size(self):
        both = pair(DGRAM)
        for data in (b"abcdef", b"second"):
            both.client.socket.send(data)
        both.carry()
        assert [both.server.socket.recv(3, 0), both.server.socket.recv(100, 0)] == [b"abc", b"second"]

    def test_too_long_and_empty(self):
        both = pair(DGRAM)
        fails(errno.EMSGSIZE, both.client.socket.send, bytes(16385))
        assert both.client.socket.send(b"") == 0
        assert not both.carry()

    def test_sendto_reaches_the_peer_only(self):
        both = pair(DGRAM)
        assert both.client.socket.sendto(b"x", SERVER) == 1
        fails(errno.EISCONN, both.client.socket.sendto, b"x", ("192.0.2.99", 1))

    def test_close_notify_ends_it(self):
        both = pair(DGRAM)
        both.client.socket.close()
        both.carry()
        assert both.server.events() & POLLHUP
        assert both.server.socket.recv(10, 0) == b""

    def test_nobody_there_any_more(self):
        both = pair(DGRAM)
        both.client.network.refused.add(SERVER)
        both.client.socket.send(b"x")
        assert both.client.events() & POLLERR
        fails(errno.ECONNREFUSED, both.client.socket.recv, 10, 0)
        with pytest.raises(BlockingIOError):
            both.client.socket.recv(10, 0)

    @given(st.integers(0, 1 << 32), st.lists(st.binary(min_size=1, max_size=1500), min_size=1, max_size=20))
    def test_data_is_not_torn(self, seed, sent):
        """Datagrams get lost, change places and come twice; what comes is what was sent, each at most once."""
        both = pair(DGRAM, KEYED, KEYED_SERVER)
        chance = random.Random(seed)
        for number, data in enumerate(sent):
            both.client.socket.send(b"%d " % number + data)
        datagrams = [d for d in both.client.peer.take_all() for _ in range(chance.choice((0, 1, 1, 2)))]
        chance.shuffle(datagrams)
        for datagram in datagrams:
            both.server.peer.send(datagram)
            if chance.random() < 0.3:
                both.server.peer.send(datagram[: chance.randint(0, len(datagram))])
        both.server.network.deliver()
        got = []
        while both.server.socket.poll() & POLLIN:
            got.append(both.server.socket.recv(2000, 0))
        assert len(got) == len({datagram[:13] for datagram in datagrams})
        assert set(got) <= {b"%d " % number + data for number, data in enumerate(sent)}
        assert len(set(got)) == len(got)


class LossyPath:
    """A path between two DTLS ends; ``fate`` says of each datagram how often it arrives, and whether late."""

    def __init__(self, fate, **ends):
        self.pair = Pair(DGRAM, **ends)
        self.fate = fate
        self.count = 0
        self.late = []
        self.moved = False

    def step(self):
        """Let happen what can; return whether the handshake is done at both ends."""
        both = self.pair
        for end in both.ends:
            if not end.done and end.socket.retransmit_after() == 0:
                end.socket.retransmit()
            end.handshake()
        overdue, self.late = self.late, []
        before = self.count
        for here, there in (both.ends, both.ends[::-1]):
            for datagram in here.peer.take_all():
                times, late = self.fate(self.count)
                self.count += 1
                for _ in range(times):
                    self.late.append((there, datagram)) if late else there.peer.send(datagram)
        for there, datagram in overdue:
            there.peer.send(datagram)
        for end in both.ends:
            end.network.deliver()
        self.moved = self.count > before or bool(overdue)
        return both.client.done and both.server.done

    @property
    def due(self):
        moments = [end.socket.retransmit_after() for end in self.pair.ends if not end.done]
        return min((moment for moment in moments if moment is not None), default=1.0)


def run_all(paths, patience=20):
    """Go on with the handshakes of all paths at once: OpenSSL's timers are real ones."""
    end = time.monotonic() + patience
    while unfinished := [path for path in paths if not path.step()]:
        assert time.monotonic() < end, f"{len(unfinished)} handshakes do not end"
        if not any(path.moved for path in unfinished):
            time.sleep(min(path.due for path in unfinished))


class TestLossyPath:
    def test_a_handshake_survives_any_one_loss(self):
        securities = [
            {"client": NAMED, "server": SERVING},
            {"client": security(C.trusting(C.client)), "server": security(C.trusting(C.server), server=True)},
            {"client": KEYED, "server": KEYED_SERVER},
        ]
        known = {"tls": Tls(token_bytes), "server_tls": Tls(token_bytes)}
        pair(DGRAM, TestSessions.CLIENT, TestSessions.SERVER, **known)
        securities.append({"client": TestSessions.CLIENT, "server": TestSessions.SERVER, **known})
        paths = [
            LossyPath(lambda n, lost=lost: (int(n != lost), False), **ends) for ends in securities for lost in range(8)
        ]
        run_all(paths)
        assert [path.pair.client.socket.resumed for path in paths] == [False] * 24 + [True] * 8
        for path in paths:
            both = path.pair
            both.carry()
            both.carry()
            both.client.socket.send(b"hello")
            both.carry()
            assert both.server.recv() == b"hello"

    def test_a_handshake_survives_a_bad_path(self):
        def fate(seed):
            chance = random.Random(seed)
            losses = iter([True] * 2)

            def decide(number):
                if chance.random() < 0.2 and next(losses, False):
                    return 0, False
                return chance.choice((1, 1, 2)), chance.random() < 0.3

            return decide

        run_all([LossyPath(fate(seed), client=NAMED, server=SERVING) for seed in range(30)])


class TestConnectionIdentifier:
    @pytest.mark.parametrize(
        ("offered", "own", "status"),
        [
            (DtlsCid.DISABLED, b"server", 0),
            (DtlsCid.SUPPORTED, b"server", 2),
            (DtlsCid.SUPPORTED, b"", 0),
            (DtlsCid.ENABLED, b"server", 3),
            (DtlsCid.ENABLED, b"", 1),
            (DtlsCid.ENABLED, None, 0),
        ],
    )
    def test_the_status_tells_who_uses_one(self, offered, own, status):
        end = End(DGRAM, security(C.trusting(), peer_verify=PeerVerify.NONE, dtls_cid=offered))
        server = CidServer(own, "ECDHE-ECDSA-AES128-GCM-SHA256")

        def carry():
            for datagram in end.peer.take_all():
                server.feed(datagram)
            for datagram in server.take():
                end.peer.send(datagram)
            end.network.deliver()

        assert end.socket.cid_status() == 0
        while not end.handshake():
            carry()
        assert end.socket.cid_status() == status
        end.socket.send(b"up")
        assert (end.peer._received[-1][0] == 25) == bool(status & 2)
        carry()
        server.send(b"down")
        assert (server.sent[-1][0] == 25) == bool(status & 1)
        carry()
        assert (server.received, end.recv()) == ([b"up"], b"down")


class TestCall:
    """`calls.handshake`, run by a modem under a virtual clock."""

    def start(self, kind, timeout):
        network = FakeNetwork("192.0.2.2")
        virtual = Virtual(dialects.find("sm-1.0"), network=network)
        end = End(kind, NAMED, network=network, tls=virtual.modem.tls)
        outcome = []

        async def run():
            try:
                outcome.append(await calls.handshake(virtual.modem, end.socket, timeout))
            except OSError as error:
                outcome.append(error)

        return virtual, end, outcome, virtual.modem.spawn(run())

    def test_done(self, kind):
        virtual, end, outcome, _ = self.start(kind, 10)
        server = End(kind, SERVING, server=True)
        while not outcome:
            for here, there in ((end, server), (server, end)):
                for data in here.peer.take_all():
                    there.peer.send(data)
            server.handshake()
            virtual.pump()
        assert outcome == [None]
        assert virtual.modem.deadline is None

    @pytest.mark.parametrize("timeout", [1, 30, 123])
    def test_a_silent_server_ends_it_at_the_deadline(self, kind, timeout):
        virtual, end, outcome, _ = self.start(kind, timeout)
        virtual.wait(timeout - 0.01)
        assert outcome == []
        virtual.wait(0.01)
        assert isinstance(outcome[0], TimeoutError)
        assert outcome[0].errno == errno.ETIMEDOUT
        end.socket.close()
        assert virtual.modem.deadline is None
        assert not end.network.sockets

    def test_no_deadline(self, kind):
        virtual, _, outcome, task = self.start(kind, 0)
        virtual.wait(600)
        assert outcome == []
        virtual.modem.cancel(task)
        assert virtual.modem.deadline is None

    def test_failure(self):
        virtual, end, outcome, _ = self.start(STREAM, 10)
        end.peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        virtual.pump()
        assert isinstance(outcome[0], HandshakeError)
        assert virtual.modem.deadline is None


class TestNoise:
    @given(st.sampled_from(KINDS), st.sampled_from([(NAMED, SERVING), (KEYED, KEYED_SERVER)]), st.integers(0, 1 << 32))
    def test_whatever_comes_is_an_oserror_at_most(self, kind, ends, seed):
        """Bytes are changed, cut off, put in and taken away, in the handshake and after it."""
        chance = random.Random(seed)

        def spoil(data):
            if chance.random() < 0.7:
                return [data]
            spoiled = bytearray(data)
            at = chance.randrange(len(spoiled))
            spoiled[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
            return [bytes(spoiled[: chance.choice((at + 1, len(spoiled)))])] * chance.randint(0, 2)

        both = Pair(kind, *ends)
        for _ in range(20):
            for end in both.ends:
                actions = [end.handshake, lambda end=end: end.socket.send(b"hello"), end.recv, end.socket.poll]
                for call in (
                    *actions,
                    end.socket.take_error,
                    end.socket.retransmit,
                    lambda end=end: end.socket.verify_error,
                ):
                    try:
                        call()
                    except OSError:
                        pass
            both.carry(spoil)
        for end in both.ends:
            end.socket.close()
            end.network.deliver()
            assert not end.tls.busy


class TestLink:
    def test_a_connection_is_lost_with_the_link(self, kind):
        both = pair(kind)
        both.server.socket.send(b"too late")
        both.carry()
        both.client.network.set_link(up=False)
        assert both.client.events() & POLLHUP
        assert both.client.socket.poll() == POLLHUP
        both.client.network.set_link(up=True)
        fails(errno.ENETDOWN, both.client.socket.recv, 10, 0)
        fails(errno.ENETDOWN, both.client.socket.send, b"x")
        assert both.client.socket.take_error() == errno.ENETDOWN

    def test_a_handshake_ends_with_the_link(self, kind):
        end = End(kind, NAMED)
        assert not end.handshake()
        end.network.set_link(up=False)
        assert end.events() & POLLHUP
        fails(errno.ENETDOWN, end.socket.handshake)

    def test_the_end_of_a_lost_connection_is_told_even_when_it_is_closed(self, kind):
        both = pair(kind)
        both.client.events()
        both.client.socket.abort(errno.ETIMEDOUT)
        both.client.socket.close()
        assert both.client.events() == POLLHUP
        assert not both.client.network.sockets


class TestSocket:
    def test_what_a_connected_socket_cannot_do(self, kind):
        socket = pair(kind).client.socket
        fails(errno.EISCONN, socket.bind, 0)
        fails(errno.EISCONN, socket.listen, 1)
        fails(errno.EISCONN, socket.connect, SERVER)
        fails(errno.EOPNOTSUPP, socket.accept)
        socket.finish_connect()

    def test_the_rest_is_the_plain_socket(self, kind):
        end = pair(kind).client
        end.socket.set_option(Option.KEEPALIVE, 1)
        assert end.plain.options == {Option.KEEPALIVE: 1}
        assert end.socket.local_address() == end.plain.local_address()
        assert end.socket.peer_address() == SERVER
        assert end.socket.type is kind

    def test_before_the_handshake(self, kind):
        end = End(kind, NAMED)
        fails(errno.ENOTCONN, end.socket.send, b"x")
        fails(errno.ENOTCONN, end.socket.recv, 1, 0)
        fails(errno.ENOTCONN, end.socket.ciphersuite)
        assert end.socket.poll() == 0
        assert not end.socket.verified
        assert end.socket.verify_error == "the handshake is not done"
        end.socket.close()
        assert not end.network.sockets
        fails(errno.EBADF, end.socket.handshake)

    def test_nothing_is_left_behind(self, kind):
        both = pair(kind)
        for end in both.ends:
            end.socket.close()
            assert (end.network.sockets, end.tls.busy) == ([], False)
        del both, end
        gc.collect()
        assert not [one for one in gc.get_objects() if isinstance(one, SecureSocket)]


@pytest.mark.parametrize("verify", [PeerVerify.REQUIRED, PeerVerify.OPTIONAL])
def test_nobody_but_openssl_reads_the_certificate_of_a_peer(verify, monkeypatch):
    """A peer may show one that makes another library fail, or panic: the handshake has its result all the same."""

    def fail(certificate):
        raise AssertionError("a peer's certificate was read")

    monkeypatch.setattr(crypto.X509, "to_cryptography", fail)
    pair = Pair(STREAM, replace(NAMED, peer_verify=verify), SERVING)
    pair.handshake()
    assert pair.client.socket.verified
