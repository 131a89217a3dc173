"""The TLS and DTLS services of `slm-2.7` on real sockets, with clients and servers that are not ours."""

import contextlib
import random
import re
import socket
import ssl
import subprocess
import threading

import pytest

from tests import cid
from tests.certificates import CERTIFICATES, HOST
from tests.hosts import Modems
from tests.needs import needs
from tests.network.dtls import DtlsServer
from tests.network.programs import (
    DGRAM,
    Program,
    gnutls_serv,
    needs_gnutls,
    needs_openssl,
    python_server,
    s_server,
)
from tests.network.test_services import PAGE, received
from tests.patience import PATIENCE, eventually
from tests.peers import free_port, receive, tcp_server
from tests.process import Process
from vmodem import Tcp

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
CONNECTED = b'\r\n#XTCPSVR: "127.0.0.1","connected"\r\n'
DISCONNECTED = b'\r\n#XTCPSVR: 0,"disconnected"\r\n'
C = CERTIFICATES
PSK = b"a key that is text"

SERVER, CA, OTHER_CA, KEY, CLIENT, NOTHING, GARBAGE = range(600, 607)
MODEM_KEY = 700
"""A key in the store of AT%CMNG, where a tag is looked for that the store of AT#XCMNG has not."""

CREDENTIALS = [
    (SERVER, 1, C.server.certificate),
    (SERVER, 2, C.server.key),
    (CA, 0, C.ca.certificate),
    (OTHER_CA, 0, C.other_ca.certificate),
    (KEY, 3, PSK),
    (KEY, 4, cid.IDENTITY),
    (CLIENT, 0, C.ca.certificate),
    (CLIENT, 1, C.client.certificate),
    (CLIENT, 2, C.client.key),
    (GARBAGE, 1, b"no certificate"),
    (GARBAGE, 2, b"no key"),
]


@pytest.fixture(scope="module")
def modem():
    with Modems(Tcp(), dialect="slm-2.7") as served:
        write_credentials(served.host())
        yield served


@pytest.fixture(scope="module")
def process():
    """A process of its own, whose descriptors can be counted."""
    with Process("--dialect", "slm-2.7", "--tcp", "0") as served:
        write_credentials(served.host())
        yield served


def write_credentials(host):
    """Write the credentials, by AT#XCMNG, as this may be done at any time; every later host finds them."""
    for tag, kind, content in CREDENTIALS:
        host.ask(f'AT#XCMNG=0,{tag},{kind},"{content.decode()}"')
    host.ask("AT+CFUN=4")
    host.ask(f'AT%CMNG=0,{MODEM_KEY},3,"{cid.PSK.hex()}"')
    host.ask(f'AT%CMNG=0,{MODEM_KEY},4,"{cid.IDENTITY.decode()}"')
    host.close()


@pytest.fixture
def host(modem):
    made = modem.host()
    yield made
    made.close()


@pytest.fixture
def its_host(process):
    made = process.host()
    yield made
    made.close()


def serve(host, tag=SERVER):
    """Start a TLS server; return its port."""
    port = free_port()
    host.ask(f"AT#XTCPSVR=1,{port},{tag}", b'\r\n#XTCPSVR: 1,"started"\r\n' + OK)
    return port


def not_connected(name, number):
    return f'\r\n#{name}: {number},"not connected"\r\n'.encode() + ERROR


def s_client(port, *options):
    return Program("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", *options)


def strict_client():
    """A TLS client's context that tells a close_notify from an end of the stream without one."""
    context = ssl.create_default_context(cadata=C.ca.certificate.decode())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


class TestServer:
    @needs_openssl
    def test_s_client(self, host, files):
        trust = "-CAfile", str(files / "ca.pem"), "-verify_return_error", "-verify_hostname", HOST
        with s_client(serve(host), *trust) as client:
            host.expect(CONNECTED)
            host.ask("AT#XTCPSVR?", b"\r\n#XTCPSVR: 1,2,1\r\n" + OK)
            client.say(b"hello\n")
            assert received(host) == b"hello\n"
            host.ask('AT#XTCPSEND="world\n"', b"\r\n#XTCPSEND: 6\r\n" + OK)
            client.hear(b"world\n")
            host.ask("AT#XTCPHANGUP=2", DISCONNECTED + OK)
            client.hear(b"closed")

    @needs_openssl
    def test_s_client_leaves(self, host, files):
        port = serve(host)
        for _ in range(2):
            with s_client(port, "-CAfile", str(files / "ca.pem")) as client:
                host.expect(CONNECTED)
                client.say(b"bye\n")
                assert received(host) == b"bye\n"
                client.say(b"Q\n")
                host.expect(DISCONNECTED)

    @needs_openssl
    def test_a_pre_shared_key(self, host):
        options = "-psk", PSK.hex(), "-psk_identity", cid.IDENTITY.decode(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0"
        port = serve(host, KEY)
        with s_client(port, *options[:3], "a stranger", *options[4:]) as client:
            client.hear(b"alert")
        host.silent()
        with s_client(port, *options) as client:
            host.expect(CONNECTED)
            client.hear(b"PSK-AES128-CCM8")
            client.say(b"hello\n")
            assert received(host) == b"hello\n"

    @needs_gnutls
    def test_gnutls_cli(self, host, files):
        trust = "--x509cafile", str(files / "ca.pem"), "--verify-hostname", HOST
        version = "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2"
        with Program("gnutls-cli", "127.0.0.1", "-p", str(serve(host)), *trust, *version) as client:
            host.expect(CONNECTED)
            client.say(b"hello\n")
            assert received(host) == b"hello\n"
            host.ask("AT#XTCPSVR=0", DISCONNECTED + b'\r\n#XTCPSVR: 0,"stopped"\r\n' + OK)
            client.hear(b"Peer has closed the GnuTLS connection")

    @needs("curl")
    def test_curl_is_served_from_data_mode(self, host, files):
        port = serve(host)
        command = ["curl", "-sS", "--http1.0", "--cacert", str(files / "ca.pem"), f"https://localhost:{port}/"]
        with subprocess.Popen([*command, "-4"], stdout=subprocess.PIPE) as curl:
            host.expect(CONNECTED)
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += received(host)
            host.ask("AT#XTCPSEND")
            host.send(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE + b"+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")
            host.ask("AT#XTCPHANGUP=2", DISCONNECTED + OK)
            assert curl.communicate(timeout=PATIENCE)[0] == PAGE
            assert curl.returncode == 0

    @pytest.mark.parametrize("ending", ["AT#XTCPHANGUP=2", "AT#XTCPSVR=0", None])
    def test_every_end_is_a_close_notify(self, host, ending):
        port = serve(host)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
            strict_client().wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as client,
        ):
            host.expect(CONNECTED)
            if ending is None:
                client.unwrap()  # the client leaves, and waits for an answer
                host.expect(DISCONNECTED)
            else:
                host.send(ending.encode() + b"\r\n")
                host.expect(DISCONNECTED)
                assert client.recv(1) == b""

    def test_the_client_ends_the_stream_without_a_word(self, host):
        port = serve(host)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
            client = strict_client().wrap_socket(plain, server_hostname=HOST)
            host.expect(CONNECTED)
            client.close()
            host.expect(DISCONNECTED)

    @pytest.mark.parametrize("silent", [1, 7, 8, 20])
    def test_silent_clients_keep_nobody_out(self, process, its_host, silent):
        """However many say nothing, one that does its handshake is served, and they are turned away."""
        port = serve(its_host)
        before = process.descriptors()
        with contextlib.ExitStack() as stack:
            others = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
                for _ in range(silent)
            ]
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            client = stack.enter_context(strict_client().wrap_socket(plain, server_hostname=HOST))
            its_host.expect(CONNECTED)
            assert [other.recv(1) for other in others] == [b""] * silent
            client.sendall(b"at once")
            assert received(its_host) == b"at once"
            its_host.ask("AT#XTCPSVR?", b"\r\n#XTCPSVR: 1,2,1\r\n" + OK)
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as late:
                assert late.recv(1) == b""
            its_host.ask("AT#XTCPHANGUP=2", DISCONNECTED + OK)
        eventually(lambda: process.descriptors() <= before)

    def test_the_first_that_is_done_is_served(self, process, its_host):
        """Of two that begin, the later one may be done first; the other is turned away in the middle of it."""
        port = serve(its_host)
        early = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        hello, incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
        half = strict_client().wrap_bio(incoming, hello, server_hostname=HOST)
        with pytest.raises(ssl.SSLWantReadError):
            half.do_handshake()
        early.sendall(hello.read())
        assert early.recv(1)  # the server has answered
        with (
            early,
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
            strict_client().wrap_socket(plain, server_hostname=HOST) as client,
        ):
            its_host.expect(CONNECTED)
            with contextlib.suppress(ConnectionError):
                while early.recv(4096):
                    pass
            client.sendall(b"the later one")
            assert received(its_host) == b"the later one"

    def test_a_client_in_mid_handshake(self, process, its_host):
        """Nobody hears of it, nor of one that speaks something else; the next that does its handshake is served."""
        port = serve(its_host)
        before = process.descriptors()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
            eventually(lambda: process.descriptors() > before)
            its_host.ask("AT#XTCPSVR?", b"\r\n#XTCPSVR: 1,-1,1\r\n" + OK)
            its_host.ask("AT#XTCPHANGUP=2", ERROR)
            its_host.ask('AT#XTCPSEND="x"', ERROR)
        eventually(lambda: process.descriptors() <= before)
        for garbage in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00\x05hello"):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
                client.sendall(garbage)
                with contextlib.suppress(ConnectionError):
                    while client.recv(100):
                        pass
            eventually(lambda: process.descriptors() <= before)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
            strict_client().wrap_socket(plain, server_hostname=HOST) as client,
        ):
            its_host.expect(CONNECTED)
            client.sendall(b"at last")
            assert received(its_host) == b"at last"

    def test_stopping_in_mid_handshake(self, process, its_host):
        port = serve(its_host)
        before = process.descriptors()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
            eventually(lambda: process.descriptors() > before)
            its_host.ask("AT#XTCPSVR=0", b'\r\n#XTCPSVR: 0,"stopped"\r\n' + OK)
            assert client.recv(1) == b""
        its_host.ask(f"AT#XTCPSVR=1,{port}", b'\r\n#XTCPSVR: 1,"started"\r\n' + OK)

    def test_flight_mode_in_mid_handshake(self, process, its_host):
        port = serve(its_host)
        before = process.descriptors()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
            eventually(lambda: process.descriptors() > before)
            its_host.ask("AT+CFUN=4", OK + b'\r\n#XTCPSVR: -104,"stopped"\r\n')
            assert client.recv(1) == b""

    def test_credentials_that_cannot_be_used(self, host):
        port = free_port()
        host.ask(f"AT#XTCPSVR=1,{port},{NOTHING}", b'\r\n#XTCPSVR: -111,"not started"\r\n' + ERROR)
        host.ask(f"AT#XTCPSVR=1,{port},{GARBAGE}", b'\r\n#XTCPSVR: -111,"not started"\r\n' + ERROR)

    def test_a_mebibyte_each_way(self, host):
        up, down = random.Random(1).randbytes(1 << 20).replace(b"+++", b""), random.Random(2).randbytes(1 << 20)
        with (
            socket.create_connection(("127.0.0.1", serve(host)), timeout=PATIENCE) as plain,
            strict_client().wrap_socket(plain, server_hostname=HOST) as client,
        ):
            host.expect(CONNECTED)
            sender = threading.Thread(target=client.sendall, args=(down,))
            sender.start()
            got = b""
            while len(got) < len(down):
                got += received(host)
            sender.join()
            assert got == down
            host.ask("AT#XTCPSEND")
            sender = threading.Thread(target=host.send, args=(up + b"+++",))
            sender.start()
            assert receive(client, len(up)) == up
            sender.join()
            host.expect(b"\r\n#XDATAMODE: 0\r\n")


def xtcpcli(host, address, *rest, answer=b'\r\n#XTCPCLI: 1,"connected"\r\n' + OK, url="127.0.0.1"):
    host.ask(f'AT#XTCPCLI=1,"{url}",{",".join(map(str, (address[1], *rest)))}', answer)


def xudpcli(host, address, *rest, answer=b'\r\n#XUDPCLI: 1,"connected"\r\n' + OK, url="127.0.0.1"):
    host.ask(f'AT#XUDPCLI=1,"{url}",{",".join(map(str, (address[1], *rest)))}', answer)


def refused(name):
    return not_connected(name, -111)


@needs_openssl
class TestTcpClient:
    def test_both_directions(self, host, files):
        with s_server(files) as server:
            xtcpcli(host, server.address, CA)
            host.ask('AT#XTCPSEND="hello\n"', b"\r\n#XTCPSEND: 6\r\n" + OK)
            server.hear(b"hello\n")
            server.say(b"world\n")
            assert received(host) == b"world\n"
            server.say(b"Q\n")
            host.expect(b'\r\n#XTCPCLI: -104,"disconnected"\r\n')

    def test_disconnecting_is_a_close_notify(self, host):
        ends = []

        def run(connection):
            connection.suppress_ragged_eofs = False
            ends.append(connection.recv(100))

        with python_server(run) as address:
            xtcpcli(host, address, CA, 2, 1, url="localhost")
            host.ask("AT#XTCPCLI=0", b'\r\n#XTCPCLI: 0,"disconnected"\r\n' + OK)
        assert ends == [b""]

    def test_who_is_verified(self, host, files):
        """<peer_verify> and <hostname_verify>; the name that is checked is <url>."""
        with s_server(files, own="rsa_server") as server:  # localhost is not in its certificate
            xtcpcli(host, server.address, OTHER_CA, answer=refused("XTCPCLI"))
            xtcpcli(host, server.address, CA, url="localhost", answer=refused("XTCPCLI"))
            xtcpcli(host, server.address, CA, 2, 1, url="localhost", answer=refused("XTCPCLI"))
            for rest, url in [((CA, 2, 0), "localhost"), ((OTHER_CA, 1), "localhost"), ((OTHER_CA, 0), "localhost")]:
                xtcpcli(host, server.address, *rest, url=url)
                host.ask("AT#XTCPCLI=0", b'\r\n#XTCPCLI: 0,"disconnected"\r\n' + OK)

    def test_a_client_certificate(self, host, files):
        options = "-Verify", "1", "-CAfile", str(files / "ca.pem"), "-verify_return_error"
        with s_server(files, *options) as server:
            xtcpcli(host, server.address, CA, answer=refused("XTCPCLI"))
        with s_server(files, *options) as server:
            xtcpcli(host, server.address, CLIENT)
            server.hear(rb"subject=CN = client")

    @needs_gnutls
    def test_gnutls_serv(self, host, files):
        with gnutls_serv(
            "--x509certfile", str(files / "server.pem"), "--x509keyfile", str(files / "server.key")
        ) as server:
            xtcpcli(host, server.address, CA)
            host.ask('AT#XTCPSEND="hello\n"', b"\r\n#XTCPSEND: 6\r\n" + OK)
            assert received(host) == b"hello\n"

    def test_a_pre_shared_key(self, host, files):
        options = "-psk", PSK.hex(), "-psk_identity", cid.IDENTITY.decode(), "-cipher", "PSK-AES128-GCM-SHA256"
        with s_server(files, *options, own=None) as server:
            xtcpcli(host, server.address, MODEM_KEY, answer=refused("XTCPCLI"))
            xtcpcli(host, server.address, KEY)
            server.hear(b"CIPHER is PSK-AES128-GCM-SHA256")

    def test_no_credentials(self, host):
        with tcp_server() as listener:
            xtcpcli(host, listener.getsockname(), NOTHING, answer=refused("XTCPCLI"))
            host.ask("AT#XTCPCLI?", b"\r\n#XTCPCLI: -1,1\r\n" + OK)

    def test_no_such_name(self, host):
        host.send(b'AT#XTCPCLI=1,"no.such.name.invalid",443,%d\r\n' % CA)
        answer = host.read_until(b"ERROR\r\n")
        assert re.fullmatch(rb'\r\n#XTCPCLI: -[2345],"not connected"\r\n\r\nERROR\r\n', answer)

    def test_the_peer_is_no_tls_server(self, process, its_host):
        before = process.descriptors()
        with python_server(lambda connection: connection.sendall(b"220 ready\r\n"), wrap=False) as address:
            xtcpcli(its_host, address, CA, answer=not_connected("XTCPCLI", -71))
        with python_server(lambda connection: connection.recv(100), wrap=False) as address:
            xtcpcli(its_host, address, CA, answer=not_connected("XTCPCLI", -104))
        eventually(lambda: process.descriptors() <= before)

    def test_the_peer_closes_in_data_mode(self, host):
        done = threading.Event()

        def run(connection):
            assert connection.recv(3) == b"one"
            connection.sendall(b"two")
            connection.unwrap()
            done.set()

        with python_server(run) as address:
            xtcpcli(host, address, CA)
            host.ask("AT#XTCPSEND")
            host.send(b"one")
            host.expect(b"two+++")
            host.send(b"lost+++AT\r\n")
            host.expect(b"\r\n#XDATAMODE: -104\r\n" + OK)
            assert done.wait(PATIENCE)  # our close_notify has answered the peer's


def our_server(own=None):
    return DtlsServer(lambda: cid.Server(own, "PSK-AES128-GCM-SHA256"))


class TestUdpClient:
    def test_both_directions_and_the_end(self, host):
        with our_server() as server:
            xudpcli(host, server.address, MODEM_KEY)
            host.ask('AT#XUDPSEND="hello"', b"\r\n#XUDPSEND: 5\r\n" + OK)
            server.hear(b"hello")
            for datagram in (b"one", b"two" * 300):
                server.send(datagram)
                assert received(host, b"UDP") == datagram
            host.ask("AT#XUDPSEND")
            for flush in (b"three", b"four" * 250):
                host.send(flush)
                server.hear(flush)
            host.send(b"+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")
            server.close()
            host.expect(b'\r\n#XUDPCLI: -104,"disconnected"\r\n')
            host.ask("AT#XUDPCLI?", b"\r\n#XUDPCLI: -1,1\r\n" + OK)

    def test_the_peer_closes_in_data_mode(self, host):
        with our_server() as server:
            xudpcli(host, server.address, MODEM_KEY)
            host.ask("AT#XUDPSEND")
            server.close()
            host.expect(b"+++")
            host.send(b"lost+++")
            host.expect(b"\r\n#XDATAMODE: -104\r\n")

    def test_disconnecting_is_a_close_notify(self, host):
        with our_server() as server:
            xudpcli(host, server.address, MODEM_KEY)
            host.ask("AT#XUDPCLI=0", b'\r\n#XUDPCLI: 0,"disconnected"\r\n' + OK)
            eventually(lambda: server.clients[0].alert == "closed")

    @needs_openssl
    def test_who_is_verified(self, host, files):
        with s_server(files, kind=DGRAM, own="rsa_server") as server:
            xudpcli(host, server.address, OTHER_CA, answer=refused("XUDPCLI"))
        with s_server(files, kind=DGRAM, own="rsa_server") as server:
            xudpcli(host, server.address, CA, 0, url="localhost", answer=refused("XUDPCLI"))
        with s_server(files, kind=DGRAM, own="rsa_server") as server:
            for rest, url in [((CA,), "127.0.0.1"), ((CA, 0, 2, 0), "localhost"), ((OTHER_CA, 0, 1), "localhost")]:
                xudpcli(host, server.address, *rest, url=url)
                host.ask("AT#XUDPCLI=0", b'\r\n#XUDPCLI: 0,"disconnected"\r\n' + OK)

    @needs_openssl
    def test_a_connection_identifier_that_the_server_has_not(self, process, its_host, files):
        before = process.descriptors()
        with s_server(files, kind=DGRAM) as server:
            xudpcli(its_host, server.address, CA, 2, answer=not_connected("XUDPCLI", -134))
        eventually(lambda: process.descriptors() <= before)
        with s_server(files, kind=DGRAM) as server:
            xudpcli(its_host, server.address, CA, 1)
            its_host.ask('AT#XUDPSEND="hello\n"', b"\r\n#XUDPSEND: 6\r\n" + OK)
            server.hear(b"hello\n")

    @pytest.mark.parametrize("own", [b"server", b""])
    def test_a_connection_identifier_that_the_server_has(self, host, own):
        with our_server(own) as server:
            xudpcli(host, server.address, MODEM_KEY, 2)
            host.ask('AT#XUDPSEND="hello"', b"\r\n#XUDPSEND: 5\r\n" + OK)
            server.hear(b"hello")
            server.send(b"world")
            assert received(host, b"UDP") == b"world"

    @needs_gnutls
    def test_gnutls_serv(self, host, files):
        own = "--x509certfile", str(files / "server.pem"), "--x509keyfile", str(files / "server.key")
        with gnutls_serv(*own, kind=DGRAM) as server:
            xudpcli(host, server.address, CA)
            host.ask('AT#XUDPSEND="hello\n"', b"\r\n#XUDPSEND: 6\r\n" + OK)
            assert received(host, b"UDP") == b"hello\n"

    def test_no_credentials_and_no_such_name(self, host):
        with socket.socket(socket.AF_INET, DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(0.1)
            xudpcli(host, peer.getsockname(), NOTHING, answer=refused("XUDPCLI"))
            with pytest.raises(TimeoutError):
                peer.recv(100)
        host.send(b'AT#XUDPCLI=1,"no.such.name.invalid",443,%d\r\n' % CA)
        assert re.fullmatch(rb'\r\n#XUDPCLI: -[2345],"not connected"\r\n\r\nERROR\r\n', host.read_until(b"ERROR\r\n"))


@needs_openssl
def test_both_services_and_a_socket_at_once(host, files):
    """A TLS server, a DTLS client and a TLS socket of one modem do not disturb each other."""
    port = serve(host)
    with our_server() as server, s_server(files) as third, contextlib.ExitStack() as stack:
        plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        client = stack.enter_context(strict_client().wrap_socket(plain, server_hostname=HOST))
        host.expect(CONNECTED)
        xudpcli(host, server.address, MODEM_KEY, answer=b'\r\n#XUDPCLI: 3,"connected"\r\n' + OK)
        host.ask(f"AT#XSSOCKET=1,1,0,{CA}", b"\r\n#XSSOCKET: 4,1,258\r\n" + OK)
        host.ask(f'AT#XCONNECT="127.0.0.1",{third.address[1]}', b"\r\n#XCONNECT: 1\r\n" + OK)
        for _ in range(3):
            client.sendall(b"tls")
            assert received(host) == b"tls"
            server.send(b"dtls")
            assert received(host, b"UDP") == b"dtls"
            third.say(b"socket\n")
            host.ask("AT#XRECV=5", b"\r\n#XRECV: 7\r\nsocket\n" + OK)


@pytest.mark.parametrize("last", [b"", b"AT#XTCPSEND\r\n" + b"x" * 5000])
def test_a_host_that_vanishes_leaves_nothing(process, last):
    host = process.host()
    before = process.descriptors()
    port = serve(host)
    with (
        our_server() as server,
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        strict_client().wrap_socket(plain, server_hostname=HOST) as client,
    ):
        host.expect(CONNECTED)
        xudpcli(host, server.address, MODEM_KEY, answer=b'\r\n#XUDPCLI: 3,"connected"\r\n' + OK)
        client.sendall(b"x" * 1000)
        host.send(last)
        host.close()
        eventually(lambda: process.descriptors() < before)
