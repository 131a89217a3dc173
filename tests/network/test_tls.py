"""TLS and DTLS on the host's sockets, with programs that are not ours at the other end."""

import asyncio
import contextlib
import errno
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.certificates import CERTIFICATES, HOST, PSK, PSK_IDENTITY, shared_key
from tests.network.programs import Program, gnutls_serv, identity, needs_gnutls, needs_openssl, python_server, s_server
from tests.network.worlds import HostWorld
from tests.patience import PATIENCE
from vmodem.core import calls
from vmodem.net.interface import CLOSURE, POLLHUP, POLLIN, Family, SocketType
from vmodem.tls.security import Bundle, CredentialError, HandshakeError, PeerVerify, Security
from vmodem.tls.stack import Tls

STREAM, DGRAM = SocketType.STREAM, SocketType.DGRAM
C = CERTIFICATES
NONE, OPTIONAL, REQUIRED = PeerVerify


class World(HostWorld):
    """Drives coroutines as the engine does; it is the modem that they ask for the time."""

    def __init__(self):
        super().__init__()
        self.tls = Tls(os.urandom)

    def close(self):
        self.tls.close()
        super().close()

    @property
    def now(self):
        return self.loop.time()

    def run(self, coroutine):
        """Return what ``coroutine`` does, which awaits `Ready`."""
        answer = None
        while True:
            try:
                trap = coroutine.send(answer)
            except StopIteration as stop:
                return stop.value
            answer = self.wait(trap)

    def wait(self, trap):
        (sock,) = trap.sockets

        def happened():
            return self.driver.events.get(sock, 0) & (trap.events | CLOSURE)

        def over():
            return trap.deadline is not None and self.now >= trap.deadline

        timer = None
        if trap.deadline is not None:
            timer = self.loop.call_later(max(0, trap.deadline - self.now) + 0.001, lambda: self.driver.changed())
        self.until(lambda: happened() or over())
        if timer is not None:
            timer.cancel()
        return self.driver.events.pop(sock, 0)

    def let_linger(self):
        """Let sockets that are closed already send the rest; nobody is told of their end."""

        async def look():
            while self.tls.busy:
                await asyncio.sleep(0.001)

        self.loop.run_until_complete(asyncio.wait_for(look(), PATIENCE))

    def connect_to(self, address, kind, security, timeout=PATIENCE):
        """Connect and do the handshake."""
        family = Family.IPV6 if ":" in address[0] else Family.IPV4
        plain = self.network.open(family, kind)
        self.run(calls.connect(self, plain, address, PATIENCE))
        return self.shake(plain, security, timeout)

    def shake(self, plain, security, timeout=PATIENCE):
        try:
            secure = self.tls.secure(plain, security)
        except OSError:
            plain.close()
            raise
        try:
            self.run(calls.handshake(self, secure, timeout))
        except OSError:
            secure.close()
            raise
        return secure

    def listen(self, family=Family.IPV4):
        plain = self.network.open(family, STREAM)
        plain.bind(0)
        plain.listen(5)
        return plain

    def accept_from(self, listening, security):
        """Accept a connection and do the handshake."""
        plain, _ = self.run(calls.accept(self, listening, PATIENCE))
        return self.shake(plain, security)

    def send(self, sock, data):
        assert self.run(calls.send(self, sock, data, PATIENCE)) == len(data)

    def recv(self, sock, size=65536, *, wait_all=False):
        return self.run(calls.receive(self, sock, size, PATIENCE, peek=False, wait_all=wait_all))


@pytest.fixture
def world():
    made = World()
    yield made
    assert not made.tls.busy, "a secure socket was left open"
    made.close()


def trusting(own=None, **options):
    return Security(bundle=C.trusting(own), **options)


def keyed(psk=PSK, identity=PSK_IDENTITY, **options):
    return Security(bundle=shared_key(psk, identity), **options)


@pytest.fixture(params=[STREAM, DGRAM], ids=["TLS", "DTLS"])
def kind(request):
    return request.param


def refused(world, program, kind, security):
    """Do a handshake that fails; return why."""
    with pytest.raises(HandshakeError) as caught:
        world.connect_to(program.address, kind, security)
    assert caught.value.errno == errno.ECONNREFUSED
    return caught.value.reason


@needs_openssl
class TestOpenssl:
    @pytest.mark.parametrize("family", [Family.IPV4, Family.IPV6])
    @pytest.mark.parametrize("own", ["server", "rsa_server"])
    def test_both_directions(self, world, files, kind, own, family):
        with s_server(files, kind=kind, own=own, family=family) as server:
            sock = world.connect_to(server.address, kind, trusting(hostname=HOST, server_name=HOST))
            assert sock.verified
            world.send(sock, b"hello\n")
            server.hear(b"hello\n")
            server.say(b"world\n")
            assert world.recv(sock) == b"world\n"
            if kind is STREAM:  # over DTLS it leaves without a word
                server.say(b"Q\n")
                assert world.recv(sock) == b""
                assert sock.poll() & (POLLIN | POLLHUP) == POLLIN | POLLHUP
            sock.close()

    @pytest.mark.parametrize(
        "suite",
        [
            ("ECDHE-ECDSA-AES128-GCM-SHA256", 0xC02B),
            ("ECDHE-ECDSA-AES128-CCM8", 0xC0AE),
            ("ECDHE-ECDSA-AES256-SHA384", 0xC024),
            ("ECDHE-ECDSA-AES128-SHA", 0xC009),
            ("ECDHE-ECDSA-CHACHA20-POLY1305", 0xCCA9),
        ],
        ids=lambda suite: suite[0],
    )
    def test_the_cipher_suite(self, world, files, kind, suite):
        name, number = suite
        with s_server(files, "-cipher", name + ":@SECLEVEL=0", kind=kind) as server:
            sock = world.connect_to(server.address, kind, trusting())
            assert sock.ciphersuite() == number
            sock.close()

    @pytest.mark.parametrize(
        "suite",
        [
            ("PSK-AES128-CCM8", 0xC0A8),
            ("PSK-AES128-GCM-SHA256", 0x00A8),
            ("PSK-AES256-CBC-SHA", 0x008D),
            ("PSK-AES128-CBC-SHA256", 0x00AE),
            ("ECDHE-PSK-AES128-CBC-SHA256", 0xC037),
        ],
        ids=lambda suite: suite[0],
    )
    def test_a_pre_shared_key(self, world, files, kind, suite):
        name, number = suite
        options = "-psk", PSK.hex(), "-psk_identity", PSK_IDENTITY.decode(), "-cipher", name + ":@SECLEVEL=0"
        with s_server(files, *options, kind=kind, own=None) as server:
            sock = world.connect_to(server.address, kind, keyed())
            assert (sock.ciphersuite(), sock.verified) == (number, True)
            world.send(sock, b"hello\n")
            server.hear(b"hello\n")
            sock.close()

    def test_a_wrong_pre_shared_key(self, world, files, kind):
        options = "-psk", PSK.hex(), "-psk_identity", PSK_IDENTITY.decode(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0"
        with s_server(files, *options, kind=kind, own=None) as server:
            if kind is DGRAM:  # what the server cannot decrypt it drops
                with pytest.raises(TimeoutError):
                    world.connect_to(server.address, kind, keyed(PSK[::-1]), timeout=0.5)
            else:
                assert "alert" in refused(world, server, kind, keyed(PSK[::-1]))

    def test_what_is_wrong_with_the_server(self, world, files, kind):
        with s_server(files, kind=kind) as server:
            for wrong, security in (
                ("hostname mismatch", trusting(hostname="other.example.com")),
                ("IP address mismatch", trusting(hostname="192.0.2.1")),
                ("unable to get local issuer", Security(bundle=C.trusting(ca=C.other_ca))),
            ):
                assert wrong in refused(world, server, kind, security)
            sock = world.connect_to(server.address, kind, trusting(hostname=server.address[0]))
            assert sock.verified
            sock.close()
        with s_server(files, kind=kind, own="expired_server") as server:
            assert "expired" in refused(world, server, kind, trusting())
            for verify in (OPTIONAL, NONE):
                sock = world.connect_to(server.address, kind, trusting(peer_verify=verify))
                assert not sock.verified
                sock.close()

    def test_a_client_certificate(self, world, files, kind):
        options = "-Verify", "1", "-CAfile", str(files / "ca.pem"), "-verify_return_error"
        with s_server(files, *options, kind=kind) as server:
            sock = world.connect_to(server.address, kind, trusting(C.client))
            server.hear(rb"subject=CN = client")
            sock.close()
        for own in (None, C.other_client):
            with s_server(files, *options, kind=kind) as server:
                assert "alert" in refused(world, server, kind, trusting(own))

    def test_the_server_sees_resumption_until_it_is_purged(self, world, files, kind):
        security = trusting(hostname=HOST, session_cache=True)
        with s_server(files, kind=kind) as server:

            def connect():
                sock = world.connect_to(server.address, kind, security)
                world.send(sock, b"go\n")
                seen = b"Reused session-id" in server.hear(rb"CIPHER is[\s\S]*?go\n")[0]
                sock.close()
                server.hear(rb"CONNECTION CLOSED|ACCEPT|DONE")
                assert seen == sock.resumed
                return seen

            assert [connect() for _ in range(2)] == [False, True]
            world.tls.purge()
            assert [connect() for _ in range(2)] == [False, True]

    @pytest.mark.parametrize("family", [Family.IPV4, Family.IPV6])
    def test_a_server(self, world, files, family):
        """`openssl s_client` connects, and is told the end by a close_notify."""
        listening = world.listen(family)
        host = "[::1]" if family is Family.IPV6 else "127.0.0.1"
        where = f"{host}:{listening.local_address()[1]}"
        trust = "-CAfile", str(files / "ca.pem"), "-verify_return_error", "-servername", HOST
        with Program("openssl", "s_client", "-connect", where, "-tls1_2", *trust, *identity(files, "client")) as client:
            sock = world.accept_from(listening, trusting(C.server, server=True))
            assert sock.verified
            client.say(b"hello\n")
            assert world.recv(sock) == b"hello\n"
            world.send(sock, b"world\n")
            client.hear(b"world\n")
            sock.close()
            client.hear(b"closed")
        listening.close()

    def test_a_server_that_requires_a_certificate(self, world, files):
        listening = world.listen()
        where = f"127.0.0.1:{listening.local_address()[1]}"
        with Program("openssl", "s_client", "-connect", where, "-tls1_2") as client:
            with pytest.raises(HandshakeError, match="no certificate"):
                world.accept_from(listening, trusting(C.server, server=True))
            client.hear(rb"alert handshake failure")
        listening.close()

    def test_a_server_with_a_pre_shared_key(self, world):
        listening = world.listen()
        where = f"127.0.0.1:{listening.local_address()[1]}"
        suite = "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0"
        key = "-psk", PSK.hex(), "-psk_identity", PSK_IDENTITY.decode()
        with Program("openssl", "s_client", "-connect", where, "-tls1_2", *suite, *key) as client:
            sock = world.accept_from(listening, keyed(server=True))
            assert sock.ciphersuite() == 0xC0A8
            client.hear(rb"Cipher is PSK-AES128-CCM8")
            sock.close()
        with Program("openssl", "s_client", "-connect", where, "-tls1_2", *suite, *key[:3], "stranger") as client:
            with pytest.raises(HandshakeError, match="unknown identity"):
                world.accept_from(listening, keyed(server=True))
            client.hear(rb"alert")
        listening.close()


@needs_gnutls
class TestGnutls:
    def test_both_directions(self, world, files, kind):
        own = "--x509certfile", str(files / "server.pem"), "--x509keyfile", str(files / "server.key")
        with gnutls_serv(*own, kind=kind) as server:
            sock = world.connect_to(server.address, kind, trusting(hostname=HOST, server_name=HOST))
            assert sock.verified
            world.send(sock, b"hello\n")
            assert world.recv(sock) == b"hello\n"
            sock.close()

    @pytest.mark.parametrize(("suite", "number"), [("PSK:+AES-128-CCM-8", 0xC0A8), ("ECDHE-PSK:+AES-128-CBC", None)])
    def test_a_pre_shared_key(self, world, files, kind, suite, number):
        version = "TLS1.2" if kind is STREAM else "DTLS1.2"
        algorithms = f"NONE:+VERS-{version}:+{suite}:+MAC-ALL:+SIGN-ALL:+GROUP-ALL:+COMP-NULL"
        options = "--pskpasswd", str(files / "psk.txt"), "--priority", algorithms
        with gnutls_serv(*options, kind=kind) as server:
            sock = world.connect_to(server.address, kind, keyed())
            assert number in (None, sock.ciphersuite())
            world.send(sock, b"hello\n")
            assert world.recv(sock) == b"hello\n"
            sock.close()

    def test_a_client_certificate(self, world, files):
        own = "--x509certfile", str(files / "server.pem"), "--x509keyfile", str(files / "server.key")
        trust = "--x509cafile", str(files / "ca.pem"), "--require-client-cert", "--verify-client-cert"
        with gnutls_serv(*own, *trust, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2") as server:
            sock = world.connect_to(server.address, STREAM, trusting(C.client))
            world.send(sock, b"hello\n")
            assert world.recv(sock) == b"hello\n"
            sock.close()

    def test_a_server(self, world, files):
        listening = world.listen()
        port = str(listening.local_address()[1])
        own = "--x509certfile", str(files / "client.pem"), "--x509keyfile", str(files / "client.key")
        trust = "--x509cafile", str(files / "ca.pem"), "--verify-hostname", HOST
        version = "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2"
        with Program("gnutls-cli", "127.0.0.1", "-p", port, *own, *trust, *version) as client:
            sock = world.accept_from(listening, trusting(C.server, server=True))
            assert sock.verified
            client.hear(b"Handshake was completed")
            client.say(b"hello\n")
            assert world.recv(sock) == b"hello\n"
            sock.close()
            client.hear(b"Peer has closed the GnuTLS connection")
        listening.close()


def small_buffers(sock):
    """Have the kernel take little at once."""
    sock._inner._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)


class TestPeers:
    def test_a_mebibyte_each_way_with_a_slow_reader(self, world):
        data = os.urandom(1 << 20)
        got = bytearray()

        def serve(connection):
            time.sleep(0.05)  # until everything on the way is full
            while len(got) < len(data):
                got.extend(connection.recv(1000 if len(got) < 200_000 else 65536))
            connection.sendall(got)
            connection.unwrap()  # sends a close_notify, and waits for one

        with python_server(serve) as address:
            sock = world.connect_to(address, STREAM, trusting())
            small_buffers(sock)
            world.send(sock, data)
            assert world.recv(sock, len(data), wait_all=True) == data
            assert got == data
            assert world.recv(sock) == b""
            sock.close()

    def test_closing_does_not_lose_what_was_taken(self, world):
        data = os.urandom(1 << 20)
        got = bytearray()
        closed = threading.Event()

        def serve(connection):
            closed.wait(PATIENCE)
            while piece := connection.recv(65536):
                got.extend(piece)

        with python_server(serve) as address:
            sock = world.connect_to(address, STREAM, trusting())
            small_buffers(sock)
            taken = 0
            with contextlib.suppress(BlockingIOError):
                while taken < len(data):
                    taken += sock.send(data[taken:])
            assert taken < len(data)
            sock.close()
            assert world.tls.busy, "all was sent already"
            closed.set()
            assert sock.poll() == POLLHUP
            world.let_linger()
        assert got == data[:taken]

    def test_closing_does_not_wait_for_ever_for_a_peer_that_takes_nothing(self, world, monkeypatch):
        monkeypatch.setattr("vmodem.tls.socket.LINGER", 300)
        done = threading.Event()
        with python_server(lambda connection: done.wait(PATIENCE)) as address:
            sock = world.connect_to(address, STREAM, trusting())
            small_buffers(sock)
            with contextlib.suppress(BlockingIOError):
                while True:
                    sock.send(bytes(1 << 16))
            sock.close()
            assert world.tls.busy, "all was sent already"
            world.let_linger()
            done.set()

    def test_garbage_in_place_of_a_hello(self, world):
        with (
            python_server(lambda connection: connection.sendall(b"220 ready\r\n"), wrap=False) as address,
            pytest.raises(HandshakeError) as caught,
        ):
            world.connect_to(address, STREAM, trusting())
        assert caught.value.errno == errno.EPROTO

    def test_a_server_that_hangs_up(self, world):
        with (
            python_server(lambda connection: connection.recv(10000), wrap=False) as address,
            pytest.raises(HandshakeError) as caught,
        ):
            world.connect_to(address, STREAM, trusting())
        assert caught.value.errno == errno.ECONNRESET

    def test_a_silent_server(self, world, kind):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind is STREAM else socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            if kind is STREAM:
                silent.listen(1)
            begin = time.monotonic()
            with pytest.raises(TimeoutError) as caught:
                world.connect_to(silent.getsockname(), kind, trusting(), timeout=0.3)
            assert 0.25 < time.monotonic() - begin < 2
            assert caught.value.errno == errno.ETIMEDOUT

    def test_dtls_repeats_what_is_not_answered(self, world):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            silent.setblocking(False)
            with pytest.raises(TimeoutError):
                world.connect_to(silent.getsockname(), DGRAM, trusting(), timeout=1.5)
            hellos = [silent.recv(2000) for _ in range(2)]
            assert [hello[13] for hello in hellos] == [1, 1]
            with pytest.raises(BlockingIOError):
                silent.recv(2000)

    def test_dtls_nobody_there(self, world):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            address = closed.getsockname()
        with pytest.raises(HandshakeError) as caught:
            world.connect_to(address, DGRAM, trusting())
        assert caught.value.errno == errno.ECONNREFUSED

    def test_bad_credentials_leave_nothing(self, world):
        with python_server(lambda connection: None, wrap=False) as address, pytest.raises(CredentialError):
            world.connect_to(address, STREAM, Security(bundle=Bundle(ca=b"nonsense")))


class Crowd:
    """Many connected pairs of secure sockets, both ends on the same network."""

    def __init__(self, world, count):
        self.world = world
        self.pairs = []
        self.listening = world.listen()
        self.listening_address = ("127.0.0.1", self.listening.local_address()[1])
        for _ in range(count):
            self.add()

    def add(self):
        plain = self.world.network.open(Family.IPV4, STREAM)
        self.world.run(calls.connect(self.world, plain, self.listening_address, PATIENCE))
        accepted, _ = self.world.run(calls.accept(self.world, self.listening, PATIENCE))
        client = self.world.tls.secure(plain, trusting(hostname="127.0.0.1"))
        server = self.world.tls.secure(accepted, Security(bundle=C.having(C.server), server=True, peer_verify=NONE))
        waiting = [client, server]
        while waiting:
            for sock in list(waiting):
                with contextlib.suppress(BlockingIOError):
                    sock.handshake()
                    waiting.remove(sock)
        self.pairs.append((client, server))


def resident():
    """Return the memory of this process in KiB."""
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])


def test_a_thousand_sockets_in_one_process(world):
    Crowd(world, 20)  # what is needed once
    before = resident()
    crowd = Crowd(world, 500)
    used = (resident() - before) / 1000
    for number, (client, server) in enumerate(crowd.pairs):
        client.send(b"%d" % number)
        server.send(b"%d" % -number)
    for number, (client, server) in enumerate(crowd.pairs):
        assert world.recv(server) == b"%d" % number
        assert world.recv(client) == b"%d" % -number
    assert used < 100, f"{used:.0f} KiB for each socket"
    print(f"{used:.0f} KiB for each socket")
    world.tls.close()
    world.network.close()
