"""Secure sockets of the nRF91 dialects through a served modem, with TLS and DTLS peers that are not ours."""

import contextlib
import os
import random
import select
import socket
import threading
import time
from typing import ClassVar

import pytest

from tests import cid
from tests.certificates import CERTIFICATES, HOST, PSK, PSK_IDENTITY
from tests.hosts import Modems
from tests.network import mbedtls
from tests.network.dtls import DtlsServer, Relay
from tests.network.programs import (
    DGRAM,
    STREAM,
    gnutls_serv,
    needs_gnutls,
    needs_openssl,
    python_server,
    s_server,
)
from tests.patience import PATIENCE, eventually
from tests.peers import accept, free_port, port_of, receive, reset, tcp_server
from tests.process import Process
from vmodem import Pty, Tcp
from vmodem.net.interface import Family

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
C = CERTIFICATES
NONE, OPTIONAL, REQUIRED = 0, 1, 2

# Security tags.
CA, OTHER_CA, CLIENT, OTHER_CLIENT, KEY, WRONG_KEY, GARBAGE, CID_KEY, NOTHING = range(1, 10)
CREDENTIALS = [
    (CA, 0, C.ca.certificate),
    (OTHER_CA, 0, C.other_ca.certificate),
    (CLIENT, 0, C.ca.certificate),
    (CLIENT, 1, C.client.certificate),
    (CLIENT, 2, C.client.key),
    (OTHER_CLIENT, 0, C.ca.certificate),
    (OTHER_CLIENT, 1, C.other_client.certificate),
    (OTHER_CLIENT, 2, C.other_client.key),
    (KEY, 3, PSK.hex().encode()),
    (KEY, 4, PSK_IDENTITY),
    (WRONG_KEY, 3, PSK[::-1].hex().encode()),
    (WRONG_KEY, 4, PSK_IDENTITY),
    (GARBAGE, 0, b"no certificate"),
    (CID_KEY, 3, cid.PSK.hex().encode()),
    (CID_KEY, 4, cid.IDENTITY),
]


class SerialModem:
    """A host of `sm-1.0` with one secure socket; it knows how this dialect says everything."""

    dialect = "sm-1.0"
    hostname_off = "NULL"
    options: ClassVar = {
        "hostname": 2,
        "verify": 5,
        "cache": 12,
        "purge": 13,
        "cid": 14,
        "timeo": 18,
    }

    def __init__(self, host):
        self.host = host
        self.ask = host.ask

    def open(self, kind, tag=CA, verify=None, family=Family.IPV4):
        rest = "" if verify is None else f",{verify}"
        self.ask(f"AT#XSSOCKET={family},{kind},0,{tag}{rest}", self.opened(kind))

    def opened(self, kind):
        return f"\r\n#XSSOCKET: 0,{kind},{258 if kind is STREAM else 273}\r\n\r\nOK\r\n"

    def set(self, option, value, answer=OK):
        quoted = f'"{value}"' if isinstance(value, str) else value
        self.ask(f"AT#XSSOCKETOPT={self.handle}1,{self.options[option]},{quoted}", answer)

    handle = "0,"

    def connect(self, address, *, answer=None):
        self.ask(f'AT#XCONNECT={self.handle}"{address[0]}",{address[1]}', answer or self.connected)

    connected = b"\r\n#XCONNECT: 0,1\r\n\r\nOK\r\n"

    def fail(self, address):
        self.connect(address, answer=ERROR)

    def time_out_after_a_second(self, kind):
        if kind is STREAM:
            self.ask(f"AT#XSOCKETOPT={self.handle}1,21,1")
        else:
            self.set("timeo", 1)

    def send(self, text):
        self.ask(f'AT#XSEND=0,0,0,"{text}"', f"\r\n#XSEND: 0,{len(text)}\r\n\r\nOK\r\n")

    def send_in_vain(self):
        self.ask('AT#XSEND=0,0,0,"secret"', b"\r\n#XSEND: 0,0\r\n" + ERROR)

    def hear(self, data):
        self.ask("AT#XRECV=0,0,0,5", b"\r\n#XRECV: 0,0,%d\r\n%b\r\nOK\r\n" % (len(data), data))

    def receive(self, answer):
        self.ask("AT#XRECV=0,0,0,5", answer)

    def suite(self, number):
        self.ask("AT#XSSOCKETOPT=0,0,4", f"\r\n#XSSOCKETOPT: 0,0x{number:04x}\r\n\r\nOK\r\n")

    def enter_data_mode(self):
        self.ask("AT#XSEND=0,2,0")

    def leave_data_mode(self):
        self.host.send(b"+++")
        self.host.expect(b"\r\n#XDATAMODE: 0\r\n")

    def close(self):
        self.ask("AT#XCLOSE=0", b"\r\n#XCLOSE: 0,0\r\n\r\nOK\r\n")


class SerialLteModem(SerialModem):
    """A host of `slm-2.0`."""

    dialect = "slm-2.0"
    options: ClassVar = {"hostname": 2, "verify": 5, "cache": 10, "purge": 11, "timeo": 12}
    handle = ""
    connected = b"\r\n#XCONNECT: 1\r\n\r\nOK\r\n"

    def send(self, text):
        self.ask(f'AT#XSEND="{text}"', f"\r\n#XSEND: {len(text)}\r\n\r\nOK\r\n")

    def send_in_vain(self):
        self.ask('AT#XSEND="secret"', b"\r\n#XSEND: 0\r\n" + ERROR)

    def hear(self, data):
        self.ask("AT#XRECV=5", b"\r\n#XRECV: %d\r\n%b\r\nOK\r\n" % (len(data), data))

    def receive(self, answer):
        self.ask("AT#XRECV=5", answer)

    def suite(self, number):
        self.ask("AT#XSSOCKETOPT=0,4", f"\r\n#XSSOCKETOPT: {number}\r\n\r\nOK\r\n")

    def enter_data_mode(self):
        self.host.send(b"AT#XSEND\r\n")
        self.host.silent(0.1)

    def leave_data_mode(self):
        time.sleep(0.5)
        self.host.send(b"+++")
        self.host.expect(OK)

    def close(self):
        self.ask("AT#XSOCKET=0", b'\r\n#XSOCKET: 0,"closed"\r\n\r\nOK\r\n')


class OneSocket(SerialLteModem):
    """A host of `slm-1.9`."""

    dialect = "slm-1.9"
    hostname_off = ""

    def opened(self, kind):
        return super().opened(kind).replace("T: 0", "T: 1")

    def hear(self, data):
        self.ask("AT#XRECV=5", b"%b\r\n#XRECV: %d\r\n\r\nOK\r\n" % (data, len(data)))


HOSTS = {made.dialect: made for made in (SerialModem, SerialLteModem, OneSocket)}


@contextlib.contextmanager
def running(make):
    """Yield a function that returns the modems of a dialect, with the credentials that a host has written.

    ``make`` makes those that do not run yet.
    """
    with contextlib.ExitStack() as stack:
        made = {}

        def find(dialect):
            if dialect not in made:
                made[dialect] = stack.enter_context(make(dialect))
                write_credentials(made[dialect])
            return made[dialect]

        yield find


@pytest.fixture(scope="module")
def served():
    with running(lambda dialect: Modems(Tcp(), Pty(), dialect=dialect)) as find:
        yield find


@pytest.fixture(scope="module")
def processes():
    """Return processes of their own, whose descriptors can be counted."""
    with running(lambda dialect: Process("--dialect", dialect, "--tcp", "0", "--pty", endpoints=2)) as find:
        yield find


def write_credentials(modem):
    """Write the credentials as a host does, which every later host of the same modems finds."""
    host = modem.host()
    host.ask("AT+CFUN=4")
    for tag, kind, content in CREDENTIALS:
        host.ask(f'AT%CMNG=0,{tag},{kind},"{content.decode()}"')
    host.ask("AT+CFUN=1")
    host.close()


@contextlib.contextmanager
def a_host(served, dialect, endpoint=0):
    host = served(dialect).host(endpoint)
    try:
        yield HOSTS[dialect](host)
    finally:
        host.close()


@pytest.fixture(params=HOSTS)
def modem(served, request):
    """A host of each dialect."""
    with a_host(served, request.param) as host:
        yield host


@pytest.fixture
def sm(served):
    with a_host(served, "sm-1.0", endpoint=1) as host:
        yield host


@pytest.fixture(params=[STREAM, DGRAM], ids=["TLS", "DTLS"])
def kind(request):
    return request.param


def psk_options(suite):
    return "-psk", PSK.hex(), "-psk_identity", PSK_IDENTITY.decode(), "-cipher", suite + ":@SECLEVEL=0"


@needs_openssl
class TestVerification:
    @pytest.mark.parametrize("own", ["server", "rsa_server"])
    def test_both_directions(self, modem, files, kind, own):
        suite = "ECDHE-ECDSA-AES128-GCM-SHA256" if own == "server" else "ECDHE-RSA-AES128-GCM-SHA256"
        with s_server(files, "-cipher", suite, kind=kind, own=own) as server:
            modem.open(kind)
            modem.set("hostname", HOST)
            modem.connect(server.address)
            modem.suite(0xC02B if own == "server" else 0xC02F)
            modem.send("hello\n")
            server.hear(b"hello\n")
            server.say(b"world\n")
            modem.hear(b"world\n")
            if kind is STREAM:  # over DTLS it leaves without a word
                server.say(b"Q\n")
                modem.receive(OK)
                modem.receive(OK)
            modem.close()

    def test_ipv6(self, sm, files, kind):
        with s_server(files, kind=kind, family=Family.IPV6) as server:
            sm.open(kind, family=Family.IPV6)
            sm.set("hostname", "::1")
            sm.connect(server.address)
            sm.send("hello\n")
            server.hear(b"hello\n")

    @pytest.mark.parametrize(("own", "tag"), [("expired_server", CA), ("server", OTHER_CA), ("server", CA)])
    def test_who_is_not_verified(self, modem, files, kind, own, tag):
        """Wrong for one of three reasons: out of date, another authority, another name."""
        with s_server(files, kind=kind, own=own) as server:
            modem.open(kind, tag)
            if (own, tag) == ("server", CA):
                modem.set("hostname", "other.example.com")
            modem.fail(server.address)
            modem.set("verify", OPTIONAL)
            modem.connect(server.address)
            modem.send("anybody\n")
            server.hear(b"anybody\n")
            modem.close()
            modem.open(kind, tag, NONE)
            modem.set("hostname", "other.example.com")
            modem.connect(server.address)
            modem.send("whoever\n")
            server.hear(b"whoever\n")
            modem.close()

    def test_the_host_name_is_asked_for_and_checked(self, modem, files, kind):
        """A failed XCONNECT leaves the socket usable; the name can be turned off; an address is no name to ask for."""
        naming = "-servername", HOST, "-cert2", str(files / "server.pem"), "-key2", str(files / "server.key")
        with s_server(files, *naming, kind=kind) as server:
            modem.open(kind)
            modem.set("hostname", "other.example.com")
            modem.fail(server.address)
            modem.set("hostname", HOST)
            modem.connect(server.address)
            modem.send("hello\n")
            names = server.hear(rb"[\s\S]*hello\n")[0]
            for name in (b"other.example.com", HOST.encode()):
                assert b'Hostname in TLS extension: "%b"' % name in names
            modem.close()
        for name in ("127.0.0.1", modem.hostname_off):
            with s_server(files, *naming, kind=kind) as server:
                modem.open(kind)
                modem.set("hostname", "other.example.com")
                modem.set("hostname", name)
                modem.connect(server.address)
                modem.send("hello\n")
                assert b"Hostname in TLS extension" not in server.hear(rb"[\s\S]*hello\n")[0]
                modem.close()

    def test_an_address_that_the_certificate_has_not(self, sm, files, kind):
        with s_server(files, kind=kind) as server:
            sm.open(kind)
            sm.set("hostname", "192.0.2.1")
            sm.fail(server.address)

    def test_a_client_certificate(self, modem, files, kind):
        options = "-Verify", "1", "-CAfile", str(files / "ca.pem"), "-verify_return_error"
        with s_server(files, *options, kind=kind) as server:
            modem.open(kind, CLIENT)
            modem.connect(server.address)
            server.hear(rb"subject=CN = client")
            modem.close()
        for tag in (CA, OTHER_CLIENT):
            with s_server(files, *options, kind=kind) as server:
                modem.open(kind, tag)
                modem.fail(server.address)
                modem.close()

    @pytest.mark.parametrize("tag", [NOTHING, GARBAGE])
    def test_no_credentials(self, modem, kind, tag):
        """The attempt is made, and ends at once; nothing is sent in the clear then."""
        with socket.socket(socket.AF_INET, kind) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(0.1)
            if kind is STREAM:
                peer.listen(1)
            modem.open(kind, tag)
            modem.fail(peer.getsockname())
            modem.send_in_vain()
            if kind is STREAM:
                with accept(peer) as connection:
                    assert connection.recv(100) == b""
            else:
                with pytest.raises(TimeoutError):
                    peer.recv(100)
            modem.close()


@needs_openssl
class TestPreSharedKey:
    @pytest.mark.parametrize(
        ("suite", "number"),
        [
            ("PSK-AES128-CCM8", 0xC0A8),
            ("PSK-AES128-GCM-SHA256", 0x00A8),
            ("ECDHE-PSK-AES128-CBC-SHA256", 0xC037),
        ],
    )
    def test_the_suite(self, modem, files, kind, suite, number):
        with s_server(files, *psk_options(suite), kind=kind, own=None) as server:
            modem.open(kind, KEY)
            modem.connect(server.address)
            modem.suite(number)
            modem.send("hello\n")
            server.hear(b"hello\n")
            modem.close()

    def test_a_wrong_key_then_the_right_one(self, sm, files, kind):
        with s_server(files, *psk_options("PSK-AES128-CCM8"), kind=kind, own=None) as server:
            sm.open(kind, WRONG_KEY)
            sm.time_out_after_a_second(kind)  # a DTLS server drops what it cannot decrypt
            sm.fail(server.address)
            sm.close()
        with s_server(files, *psk_options("PSK-AES128-CCM8"), kind=kind, own=None) as server:
            sm.open(kind, KEY)
            sm.connect(server.address)


@needs_openssl
class TestSessionCache:
    def connect(self, modem, server, kind, *, cache=1):
        """Connect; return whether the server saw a session resumed."""
        modem.open(kind)
        modem.set("cache", cache)
        modem.connect(server.address)
        modem.send("go\n")
        seen = b"Reused session-id" in server.hear(rb"CIPHER is[\s\S]*?go\n")[0]
        modem.close()
        server.hear(rb"CONNECTION CLOSED|ACCEPT|DONE")
        return seen

    def test_resumption_until_it_is_purged(self, modem, files, kind):
        with s_server(files, kind=kind) as server:
            assert [self.connect(modem, server, kind) for _ in range(2)] == [False, True]
            assert not self.connect(modem, server, kind, cache=0)
            modem.open(kind)
            modem.set("purge", 0)
            modem.close()
            assert [self.connect(modem, server, kind) for _ in range(2)] == [False, True]


@needs_gnutls
class TestGnutls:
    def test_a_certificate(self, modem, files, kind):
        own = "--x509certfile", str(files / "server.pem"), "--x509keyfile", str(files / "server.key")
        with gnutls_serv(*own, kind=kind) as server:
            modem.open(kind)
            modem.set("hostname", HOST)
            modem.connect(server.address)
            modem.send("hello\n")
            modem.hear(b"hello\n")
            modem.close()

    def test_a_client_certificate(self, sm, files):
        own = "--x509certfile", str(files / "server.pem"), "--x509keyfile", str(files / "server.key")
        trust = "--x509cafile", str(files / "ca.pem"), "--require-client-cert", "--verify-client-cert"
        for tag in (CA, CLIENT):
            with gnutls_serv(*own, *trust, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2") as server:
                sm.open(STREAM, tag)
                if tag == CA:
                    sm.fail(server.address)
                    sm.close()
                else:
                    sm.connect(server.address)
                    sm.send("hello\n")
                    sm.hear(b"hello\n")

    @pytest.mark.parametrize("suite", ["PSK:+AES-128-CCM-8", "ECDHE-PSK:+AES-128-CBC"])
    def test_a_pre_shared_key(self, sm, files, kind, suite):
        version = "TLS1.2" if kind is STREAM else "DTLS1.2"
        algorithms = f"NONE:+VERS-{version}:+{suite}:+MAC-ALL:+SIGN-ALL:+GROUP-ALL:+COMP-NULL"
        with gnutls_serv("--pskpasswd", str(files / "psk.txt"), "--priority", algorithms, kind=kind) as server:
            sm.open(kind, KEY)
            sm.connect(server.address)
            sm.send("hello\n")
            sm.hear(b"hello\n")


class TestHandshakesThatFail:
    """Each leaves the socket as it was, and nothing else."""

    @pytest.fixture
    def served(self, processes):
        return processes

    @contextlib.contextmanager
    def left_as_it_was(self, served, modem, kind):
        modem.open(kind)
        modem.time_out_after_a_second(kind)
        before = served(modem.dialect).descriptors()
        yield
        modem.send_in_vain()
        eventually(lambda: served(modem.dialect).descriptors() <= before)
        modem.close()

    @pytest.mark.parametrize("answer", [b"220 ready\r\n", b"\x16\x03\x03\x00\x05hello", b"HTTP/1.0 400\r\n\r\n" * 2000])
    def test_garbage(self, served, modem, answer):
        with (
            python_server(lambda connection: connection.sendall(answer), wrap=False) as address,
            self.left_as_it_was(served, modem, STREAM),
        ):
            modem.fail(address)

    @pytest.mark.parametrize("end", [socket.socket.close, reset])
    def test_the_peer_leaves(self, served, modem, end):
        def serve(connection):
            connection.recv(100)
            end(connection)

        with python_server(serve, wrap=False) as address, self.left_as_it_was(served, modem, STREAM):
            modem.fail(address)

    def test_nobody_there(self, served, sm, kind):
        address = "127.0.0.1", free_port()
        with self.left_as_it_was(served, sm, kind):
            sm.fail(address)

    @needs_openssl
    def test_the_deadline(self, served, files):
        """Peers that say nothing, only half of a hello, or nonsense in datagrams: none of them keeps the modem."""
        cases = (STREAM, self.silent), (DGRAM, self.silent), (STREAM, self.half_a_hello), (DGRAM, self.nonsense)
        with s_server(files) as real, contextlib.ExitStack() as stack:
            hosts = [stack.enter_context(a_host(served, "sm-1.0")) for _ in cases]
            before = served("sm-1.0").descriptors()
            for host, (kind, _) in zip(hosts, cases, strict=True):
                host.open(kind)
                host.time_out_after_a_second(kind)
            begin = time.monotonic()
            for host, (kind, answer) in zip(hosts, cases, strict=True):
                peer = stack.enter_context(socket.socket(socket.AF_INET, kind))
                peer.bind(("127.0.0.1", 0))
                peer.settimeout(PATIENCE)
                if kind is STREAM:
                    peer.listen(1)
                host.host.send(f'AT#XCONNECT=0,"127.0.0.1",{port_of(peer)}\r'.encode())
                answer(peer, real, stack)
            for host in hosts:
                host.host.expect(ERROR)
            assert 0.9 < time.monotonic() - begin < 3
            for host in hosts:
                host.send_in_vain()
                host.close()
            assert served("sm-1.0").descriptors() <= before

    def silent(self, peer, real, stack):
        pass

    def half_a_hello(self, peer, real, stack):
        connection = stack.enter_context(accept(peer))
        with socket.create_connection(real.address) as server:
            server.sendall(connection.recv(65536))
            hello = server.recv(65536)
        connection.sendall(hello[: len(hello) // 2])

    def nonsense(self, peer, real, stack):
        _, address = peer.recvfrom(65536)
        for size in (0, 1, 12, 13, 14, 100, 1400):
            peer.sendto(os.urandom(size), address)


class TestData:
    def test_two_mebibytes_from_data_mode_to_a_slow_reader(self, modem):
        data = random.Random(1).randbytes(2 << 20).replace(b"+++", b"")
        got = bytearray()

        def serve(connection):
            time.sleep(0.2)  # until everything on the way is full
            while len(got) < len(data):
                got.extend(connection.recv(500 if len(got) < 20_000 else 65536))

        with python_server(serve) as address:
            modem.open(STREAM)
            modem.connect(address)
            modem.enter_data_mode()
            modem.host.send(data)
            eventually(lambda: len(got) == len(data))
            modem.leave_data_mode()
            modem.close()
        assert got == data

    def test_one_flush_is_one_datagram(self, modem):
        with DtlsServer(lambda: cid.Server(None, "PSK-AES128-GCM-SHA256")) as server:
            modem.open(DGRAM, KEY)
            modem.connect(server.address)
            modem.enter_data_mode()
            flushes = [b"one", b"\r\ntwo\r\n", b"three" * 200]
            for flush in flushes:
                modem.host.send(flush)
                server.hear(flush)
            modem.leave_data_mode()
            assert server.clients[0].received == flushes
            for flush in flushes:
                server.send(flush)
            for flush in flushes:
                modem.hear(flush)
            modem.close()

    @pytest.mark.parametrize("dialect", ["slm-1.9", "slm-2.0"])
    def test_data_mode_ends_with_the_connection(self, served, dialect):
        with a_host(served, dialect) as modem:
            with python_server(lambda connection: receive(connection, 3)) as address:
                modem.open(STREAM)
                modem.connect(address)
                modem.enter_data_mode()
                modem.host.send(b"one")
            for _ in range(10):  # the first flush is answered by a reset, a later one cannot be sent
                modem.host.send(b"lost")
                time.sleep(0.05)
                if select.select([modem.host.fd], [], [], 0)[0]:
                    break
            modem.host.expect(ERROR)
            modem.close()

    def test_a_mebibyte_to_the_modem(self, sm):
        data = random.Random(2).randbytes(1 << 20)
        with python_server(lambda connection: connection.sendall(data)) as address:
            sm.open(STREAM)
            sm.connect(address)
            got = b""
            while len(got) < len(data):
                size = min(2048, len(data) - len(got))
                sm.host.send(b"AT#XRECV=0,0,256,5,%d\r" % size)
                sm.host.expect(b"\r\n#XRECV: 0,0,%d\r\n" % size)
                got += sm.host.read(size)
                sm.host.expect(OK)
            sm.receive(OK)
        assert got == data

    def test_a_receive_that_is_smaller_than_a_record(self, modem):
        done = threading.Event()
        data = bytes(range(32, 127)) * 30

        def serve(connection):
            connection.sendall(data)
            done.wait(PATIENCE)

        with python_server(serve) as address:
            modem.open(STREAM)
            modem.connect(address)
            time.sleep(0.1)  # all of it is there
            if modem.dialect == "sm-1.0":
                modem.ask("AT#XRECV=0,0,2,5,3", b'\r\n#XRECV: 0,0,3\r\n !"\r\nOK\r\n')
                modem.ask("AT#XRECV=0,0,64,5,4", b'\r\n#XRECV: 0,0,4\r\n !"#\r\nOK\r\n')
                modem.ask("AT#XRECV=0,1,0,5,2", b"\r\n#XRECV: 0,1,2\r\n2425\r\nOK\r\n")
                at, limit = 6, 2048
            else:
                at, limit = 0, 668 if modem.dialect == "slm-1.9" else 1240
            while at < len(data):
                modem.hear(data[at : at + limit])
                at += limit
            if modem.dialect == "sm-1.0":
                modem.ask("AT#XRECV=0,0,64,0", ERROR)
            done.set()
            modem.receive(OK)
            modem.close()

    def test_closing_is_a_close_notify(self, modem):
        ends = []

        def serve(connection):
            connection.suppress_ragged_eofs = False
            ends.append(connection.recv(100))  # fails where the stream just ends

        with python_server(serve) as address:
            modem.open(STREAM)
            modem.connect(address)
            modem.close()
        assert ends == [b""]

    def test_the_acknowledgement_is_waited_for(self, sm):
        with python_server(lambda connection: receive(connection, 6)) as address:
            sm.open(STREAM)
            sm.connect(address)
            sm.ask('AT#XSEND=0,0,512,"secret"', b"\r\n#XSEND: 0,6\r\n\r\nOK\r\n")


class TestPolling:
    def test_xapoll(self, sm):
        step = threading.Barrier(2, timeout=PATIENCE)

        def serve(connection):
            step.wait()
            connection.sendall(b"0123456789")
            step.wait()
            connection.unwrap()

        with python_server(serve) as address:
            sm.open(STREAM)
            sm.ask("AT#XAPOLL=1,1")
            sm.connect(address)
            sm.host.silent()
            step.wait()
            sm.host.expect(b"\r\n#XAPOLL: 0,1\r\n")
            sm.host.silent()
            sm.ask("AT#XRECV=0,0,0,5,4", b"\r\n#XRECV: 0,0,4\r\n0123" + OK + b"\r\n#XAPOLL: 0,1\r\n")
            sm.ask("AT#XRECV=0,0,0,5", b"\r\n#XRECV: 0,0,6\r\n456789" + OK)
            sm.host.silent()
            step.wait()
            sm.host.expect(b"\r\n#XAPOLL: 0,17\r\n")
            sm.receive(OK)
            sm.close()

    def test_xapoll_of_dtls(self, sm):
        with DtlsServer(lambda: cid.Server(None, "PSK-AES128-GCM-SHA256")) as server:
            sm.open(DGRAM, KEY)
            sm.ask("AT#XAPOLL=1,1")
            sm.connect(server.address)
            server.send(b"one")
            sm.host.expect(b"\r\n#XAPOLL: 0,1\r\n")
            sm.hear(b"one")
            sm.ask("AT#XRECVFROM=0,0,64,0", ERROR)
            server.send(b"two")
            sm.host.expect(b"\r\n#XAPOLL: 0,1\r\n")
            sm.ask("AT#XRECVFROM=0,0,0,5", f'\r\n#XRECVFROM: 0,0,3,"127.0.0.1",{server.address[1]}\r\ntwo\r\nOK\r\n')
            server.close()
            sm.host.expect(b"\r\n#XAPOLL: 0,17\r\n")
            sm.receive(OK)

    def test_nothing_is_polled_before_the_handshake_is_done(self, sm):
        with tcp_server() as listener:
            sm.open(STREAM)
            sm.ask("AT#XAPOLL=1,5")
            sm.host.send(f'AT#XCONNECT=0,"127.0.0.1",{port_of(listener)}\r'.encode())
            with accept(listener) as peer:
                peer.recv(65536)
                sm.host.silent()
                peer.sendall(b"220 ready\r\n")
                sm.host.expect(ERROR)
                sm.host.silent()

    def test_xpoll(self, served):
        step = threading.Barrier(2, timeout=PATIENCE)

        def serve(connection):
            step.wait()
            connection.sendall(b"0123456789")
            step.wait()
            connection.unwrap()

        with a_host(served, "slm-2.0") as modem, python_server(serve) as address:
            modem.open(STREAM)
            modem.connect(address)
            modem.ask("AT#XPOLL=100")
            step.wait()
            for _ in range(2):
                modem.ask("AT#XPOLL=5000", b'\r\n#XPOLL: 0,"0x00000001"\r\n' + OK)
            modem.hear(b"0123456789")
            modem.ask("AT#XPOLL=0")
            modem.host.send(b"AT#XPOLL=-1\r\n")
            modem.host.silent()
            step.wait()
            modem.host.expect(b'\r\n#XPOLL: 0,"0x00000011"\r\n' + OK)
            modem.close()


class TestInTheClear:
    """Nothing of a secure socket ever is."""

    def test_before_connecting(self, modem, kind):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(0.1)
            modem.open(kind)
            modem.send_in_vain()
            modem.receive(ERROR)
            address = f'"127.0.0.1",{port_of(peer)}'
            if modem.dialect == "sm-1.0":
                modem.ask(f'AT#XSENDTO=0,0,0,{address},"secret"', b"\r\n#XSENDTO: 0,0\r\n" + ERROR)
                modem.ask("AT#XRECVFROM=0,0,0,1", ERROR)
            else:
                modem.ask(f'AT#XSENDTO={address},"secret"', b"\r\n#XSENDTO: 0\r\n" + ERROR)
                modem.ask("AT#XRECVFROM=1", ERROR)
            with pytest.raises(TimeoutError):
                peer.recv(100)
            modem.close()

    def test_what_comes_in_the_clear_is_not_received(self, sm):
        port = free_port()
        sm.open(DGRAM)
        sm.ask(f"AT#XBIND=0,{port}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"trust me", ("127.0.0.1", port))
        sm.ask("AT#XRECV=0,0,0,1", ERROR)
        sm.ask("AT#XRECVFROM=0,0,0,1", ERROR)

    def test_data_mode_of_a_socket_that_is_not_connected(self, sm):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(0.3)
            sm.open(DGRAM)
            sm.ask(f'AT#XSENDTO=0,2,0,"127.0.0.1",{port_of(peer)}')
            sm.host.send(b"secret")
            sm.leave_data_mode()
            with pytest.raises(TimeoutError):
                peer.recv(100)

    @needs_openssl
    def test_another_address_than_the_peers(self, sm, files):
        with s_server(files, kind=DGRAM) as server:
            sm.open(DGRAM)
            sm.connect(server.address)
            sm.ask(f'AT#XSENDTO=0,0,0,"127.0.0.1",{server.address[1]},"hello\n"', b"\r\n#XSENDTO: 0,6\r\n" + OK)
            server.hear(b"hello\n")
            sm.ask('AT#XSENDTO=0,0,0,"127.0.0.1",9,"hello\n"', b"\r\n#XSENDTO: 0,0\r\n" + ERROR)

    def test_link_loss(self, modem):
        ends = []

        def serve(connection):
            connection.suppress_ragged_eofs = False
            try:
                ends.append(connection.recv(100))
            except OSError:
                ends.append("cut off")

        with python_server(serve) as address:
            modem.open(STREAM)
            modem.connect(address)
            modem.ask("AT+CFUN=4")
            modem.send_in_vain()
            modem.receive(ERROR)
            modem.ask("AT+CFUN=1")
            modem.send_in_vain()
            modem.fail(address)
            modem.close()
        assert ends == ["cut off"]


SUITE = "PSK-AES128-CCM8"


def our_server(own):
    return cid.Server(own, SUITE)


def mbedtls_server(own):
    return mbedtls.Server(own, cid.SUITES[SUITE])


class TestConnectionId:
    def status(self, sm, expected):
        sm.ask("AT#XSSOCKETOPT=0,0,15", f"\r\n#XSSOCKETOPT: 0,{expected}\r\n\r\nOK\r\n")

    @pytest.mark.parametrize(
        "server_of",
        [pytest.param(our_server, id="ours"), pytest.param(mbedtls_server, id="mbedTLS", marks=mbedtls.needed)],
    )
    def test_it_goes_on_after_the_source_port_changed(self, sm, server_of):
        with DtlsServer(lambda: server_of(b"server")) as server, Relay(server.address) as relay:
            sm.open(DGRAM, CID_KEY)
            sm.set("cid", 2)
            sm.connect(relay.address)
            self.status(sm, 3)
            sm.suite(0xC0A8)
            sm.send("before")
            server.hear(b"before")
            relay.change_port()
            sm.send("after")
            server.hear(b"after")
            server.send(b"welcome back")
            sm.hear(b"welcome back")
            assert len(server.clients) == 1

    @pytest.mark.parametrize(
        ("own", "asked", "status"), [(b"server", 1, 2), (b"server", 0, 0), (b"", 2, 1), (None, 2, 0), (None, 1, 0)]
    )
    def test_who_uses_one(self, sm, own, asked, status):
        """A server without one is no reason to fail: the status tells."""
        with DtlsServer(lambda: our_server(own)) as server:
            sm.open(DGRAM, CID_KEY)
            sm.set("cid", asked)
            sm.connect(server.address)
            self.status(sm, status)
            sm.send("hello")
            server.hear(b"hello")
            server.send(b"world")
            sm.hear(b"world")

    def test_without_it_another_port_is_another_client(self, sm):
        with DtlsServer(lambda: our_server(b"server")) as server, Relay(server.address) as relay:
            sm.open(DGRAM, CID_KEY)
            sm.connect(relay.address)
            sm.send("before")
            server.hear(b"before")
            relay.change_port()
            sm.send("after")
            eventually(lambda: len(server.clients) == 2)
            assert server.clients[0].received == [b"before"]


@needs_openssl
class TestSecrets:
    def test_none_is_shown_or_logged(self, files, tmp_path):
        """Neither by AT nor in the most detailed log; that a peer is not verified is."""
        secrets = [C.client.key.split(b"\n")[1], PSK.hex().encode()]
        with Process("--dialect", "sm-1.0", "--tcp", "0", "--log-level", "debug") as modem:
            write_credentials(modem)
            host = modem.host()
            sm = SerialModem(host)
            for tag, kind in ((CLIENT, 2), (KEY, 3)):
                host.ask(f"AT%CMNG=2,{tag},{kind}", ERROR)
            host.send(b"AT%CMNG=1\r")
            shown = host.read_until(b"\r\nOK\r\n")
            with s_server(files, own="expired_server") as server:
                sm.open(STREAM, CLIENT, OPTIONAL)
                sm.connect(server.address)
                sm.close()
                sm.open(STREAM, KEY)
                sm.fail(server.address)
                sm.close()
            host.close()
            _, log = modem.stop()
        assert "connected, although the peer is not verified: certificate has expired" in log
        assert "Traceback" not in log
        for secret in secrets:
            assert secret not in shown
            assert secret.decode() not in log

    def test_credentials_in_a_folder(self, files, tmp_path):
        folder = tmp_path / "credentials"
        with Modems(Tcp(), credentials=folder) as modem:
            write_credentials(modem)
        with Modems(Tcp(), credentials=folder) as modem, s_server(files) as server:
            sm = SerialModem(modem.host())
            sm.open(STREAM, CLIENT)
            sm.connect(server.address)
            sm.host.close()


@pytest.mark.parametrize("last", [b"", b"AT#XSEND=0,2,0\r", b"AT#XSEND=0,2,0\r" + b"x" * 5000])
def test_a_host_that_vanishes_leaves_nothing(processes, last):
    modem = processes("sm-1.0")
    before = modem.descriptors()
    with python_server(lambda connection: connection.recv(1)) as address:
        host = SerialModem(modem.host())
        host.open(STREAM)
        host.connect(address)
        host.host.send(last)
        host.host.close()
        eventually(lambda: modem.descriptors() <= before)


def test_a_host_that_vanishes_in_mid_handshake(processes):
    modem = processes("sm-1.0")
    before = modem.descriptors()
    with tcp_server() as listener:
        host = SerialModem(modem.host())
        host.open(STREAM)
        host.host.send(f'AT#XCONNECT=0,"127.0.0.1",{port_of(listener)}\r'.encode())
        with accept(listener) as peer:
            peer.recv(10)
            reset(host.host.sock)
            eventually(lambda: modem.descriptors() <= before)
