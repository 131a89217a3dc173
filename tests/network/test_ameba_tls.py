"""TLS of the Ameba on real sockets: OpenSSL's programs, curl and Python's ssl module at the other end."""

import contextlib
import hashlib
import random
import re
import socket
import ssl
import threading

import pytest

from tests.certificates import CERTIFICATES, HOST, issue
from tests.hosts import Modems
from tests.needs import needs
from tests.network.programs import Program, identity, s_server
from tests.network.test_ameba import DATA, OK, Device, connected_to, options_of, options_of_socket, start
from tests.patience import PATIENCE, eventually
from tests.peers import free_port, port_of, receive, tcp_server
from tests.process import Process
from vmodem import Tcp
from vmodem.credentials.directory import DirectoryStore
from vmodem.credentials.store import Area, Kind, Slot

C = CERTIFICATES
EVENT = re.compile(
    rb"\[\$\]\[SKT\]\[EVENT\]: A client\[link_id:(\d+),seed,tls,dst_address:127\.0\.0\.1,dst_port:(\d+)\] "
    rb"connected to server\[link_id:0\]\r\n"
)
HANDSHAKE_FAILED = b"\r\nERROR: 14\r\n"


def keep(folder):
    """Fill the directory of the device: suite 1 is all right, 2 has other CAs, 3 a server that has expired."""
    store = DirectoryStore(folder)
    for index, ca, client, server in (
        (1, C.ca, C.client, C.server),
        (2, C.other_ca, C.other_client, C.server),
        (3, C.ca, C.client, C.expired_server),
    ):
        for area, own in ((Area.CLIENT, client), (Area.SERVER, server)):
            store.write(Slot(area, index, Kind.CA), ca.certificate)
            store.write(Slot(area, index, Kind.CERTIFICATE), own.certificate)
            store.write(Slot(area, index, Kind.KEY), own.key)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    keep(folder)
    with Process("--dialect", "ameba-2.4", "--tcp", "0", "--credentials", str(folder)) as made:
        yield made


class SecureDevice(Device):
    """What the host of an Ameba does that speaks TLS."""

    def serve_tls(self, kind, auto_rcv, suite=1):
        """Make link 0 a server; return its port."""
        port = free_port()
        self.ask(f"AT+SKTSERVER=0,{kind},{suite},{port},{int(auto_rcv)}")
        return port

    def seed(self):
        """Return the link and the port of the client that has just connected."""
        event = self.host.read_until(b"\r\n")
        found = EVENT.fullmatch(event)
        assert found, event
        return int(found[1]), int(found[2])

    def state(self):
        """Return the rows of AT+SKTSTATE."""
        self.send(b"AT+SKTSTATE\r")
        return self.host.read_until(OK)[: -len(OK)].decode().splitlines()


@pytest.fixture
def device(served):
    host = served.host()
    before = served.descriptors()
    device = SecureDevice(host)
    yield device
    for row in device.state():
        if ",seed," not in row:
            device.ask(f"AT+SKTDEL={row.split(',')[0].partition(':')[2]}")
    eventually(lambda: served.descriptors() == before)
    host.close()


@pytest.fixture(params=[False, True], ids=["read", "auto"])
def auto_rcv(request):
    return request.param


def server_context(files, own="server"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / f"{own}.pem", files / f"{own}.key")
    return context


def client_context(files, own=None):
    context = ssl.create_default_context(cafile=files / "ca.pem")
    if own:
        context.load_cert_chain(files / f"{own}.pem", files / f"{own}.key")
    return context


class Server:
    """A TLS server of Python's, for one client: the handshake is done in a thread."""

    def __init__(self, context):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.port = port_of(self.listener)
        self.client = None
        self._context = context
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self):
        plain, _ = self.listener.accept()
        plain.settimeout(PATIENCE)
        # Without a close_notify the end of the stream would be an error.
        with contextlib.suppress(OSError):
            self.client = self._context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False)
        if self.client is None:
            plain.close()

    def accept(self):
        """Return the client, once the handshake is done."""
        self._thread.join(PATIENCE)
        return self.client

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.accept() is not None:
            self.client.close()
        self.listener.close()


@contextlib.contextmanager
def connected(device, files, auto_rcv, link=2):
    """Connect ``link`` as a client of type 3; yield its peer."""
    with Server(server_context(files)) as server:
        device.ask(f"AT+SKTCLIENT={link},3,1,127.0.0.1,{server.port},,{int(auto_rcv)}")
        yield server.accept()


@contextlib.contextmanager
def client(files, port, own=None):
    """Connect to a server of the device; yield the connection."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        client_context(files, own).wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as secure,
    ):
        yield secure


@needs("openssl")
class TestTypesOfClient:
    @pytest.mark.parametrize(
        ("kind", "suite", "own"),
        [(2, "", "server"), (2, "", "expired_server"), (2, 3, "rsa_server"), (3, 1, "server"), (3, 1, "rsa_server")],
    )
    def test_without_a_certificate(self, device, files, kind, suite, own):
        with s_server(files, own=own) as server:
            self.converse(device, server, kind, suite)

    @pytest.mark.parametrize(("kind", "own"), [(4, "server"), (4, "expired_server"), (5, "server")])
    def test_with_a_certificate(self, device, files, kind, own):
        require = "-Verify", "1", "-CAfile", str(files / "ca.pem"), "-verify_return_error"
        with s_server(files, *require, own=own) as server:
            self.converse(device, server, kind, 1, rb"subject=CN = client")

    def converse(self, device, server, kind, suite, greeting=b""):
        port = server.address[1]
        device.ask(f"AT+SKTCLIENT=5,{kind},{suite},127.0.0.1,{port},,1")
        server.hear(greeting)
        device.ask("AT+SKTSEND=5,6,,,hello\n", b"\r\nERROR: 1\r\n")  # a line has no LF
        device.ask("AT+SKTSEND=5,5,,,hello")
        device.send_raw(5, b"\n")
        server.hear(b"hello\n")
        server.say(b"world\n")
        assert device.message() == (b"world\n", None)
        assert device.state() == [
            f"link_id:5,client,ssl,src_address:0.0.0.0,src_port:0,dst_address:127.0.0.1,dst_port:{port},socket_fd:0"
        ]
        device.ask("AT+SKTDEL=5")
        server.hear(rb"CONNECTION CLOSED|DONE")

    @pytest.mark.parametrize(
        ("kind", "suite", "own"),
        [(3, 2, "server"), (3, 1, "expired_server"), (5, 2, "server"), (5, 1, "expired_server")],
    )
    def test_a_server_that_does_not_prove_who_it_is(self, device, files, kind, suite, own):
        with s_server(files, own=own) as server:
            device.ask(f"AT+SKTCLIENT=5,{kind},{suite},127.0.0.1,{server.address[1]},,1", HANDSHAKE_FAILED)
            server.hear(b"alert")
        assert device.state() == []

    @pytest.mark.parametrize(("kind", "suite"), [(2, ""), (3, 1), (4, 2)])
    def test_a_client_that_does_not_prove_who_it_is(self, device, files, kind, suite):
        require = "-Verify", "1", "-CAfile", str(files / "ca.pem"), "-verify_return_error"
        with s_server(files, *require) as server:
            device.ask(f"AT+SKTCLIENT=5,{kind},{suite},127.0.0.1,{server.address[1]},,1", HANDSHAKE_FAILED)
        assert device.state() == []

    def test_a_server_of_another_version(self, device, files):
        for version in ("-tls1_3", "-tls1_1"):
            command = ["openssl", "s_server", "-accept", "127.0.0.1:0", version, *identity(files, "server")]
            with Program(*command) as server:
                port = int(server.hear(rb"ACCEPT \S+:(\d+)\n")[1])
                device.ask(f"AT+SKTCLIENT=5,3,1,127.0.0.1,{port},,1", HANDSHAKE_FAILED)


class TestClient:
    def test_neither_name_nor_address_count(self, device, files, tmp_path):
        elsewhere = issue("elsewhere", C.ca, hosts=("elsewhere.example.com",))
        (tmp_path / "own.pem").write_bytes(elsewhere.certificate + elsewhere.key)
        asked = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "own.pem")
        context.sni_callback = lambda connection, name, context: asked.append(name)
        for host in ("127.0.0.1", "localhost"):
            with Server(context) as server:
                device.ask(f"AT+SKTCLIENT=5,3,1,{host},{server.port},,1")
                device.ask("AT+SKTDEL=5")
        assert asked == [None, None]

    def test_nobody_is_there(self, device):
        port = free_port()
        device.ask(f"AT+SKTCLIENT=5,2,,127.0.0.1,{port},,1", b"\r\nERROR: 13\r\n")
        assert device.state() == []

    @pytest.mark.parametrize("said", [b"HTTP/1.0 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b""])
    def test_a_server_that_speaks_no_tls(self, device, said):
        with tcp_server() as listener:
            device.send(b"AT+SKTCLIENT=5,2,,127.0.0.1,%d,,1\r" % port_of(listener))
            with listener.accept()[0] as peer:
                peer.sendall(said)
            device.expect(HANDSHAKE_FAILED)
        assert device.state() == []

    def test_a_conversation(self, device, files, auto_rcv):
        with connected(device, files, auto_rcv) as peer:
            assert peer.version() == "TLSv1.2"
            peer.sendall(b"ABC\0\r\n")
            assert device.receive_until(b"\n", 2, auto_rcv) == b"ABC\0\r\n"
            device.ask("AT+SKTSEND=2,12,,,Hello\\, world")
            device.send_raw(2, bytes(range(256)))
            assert receive(peer, 268) == b"Hello, world" + bytes(range(256))
            device.ask("AT+SKTDEL=2")
            assert peer.recv(1) == b""

    def test_data_comes_right_behind_the_handshake(self, device, files, auto_rcv):
        with Server(server_context(files)) as server:
            talker = threading.Thread(target=lambda: server.accept().sendall(b"welcome\n"))
            talker.start()
            device.ask(f"AT+SKTCLIENT=2,2,,127.0.0.1,{server.port},,{int(auto_rcv)}")
            assert device.receive_until(b"\n", 2, auto_rcv) == b"welcome\n"
            talker.join(PATIENCE)

    def test_the_rest_of_a_record_can_be_read_at_once(self, device, files):
        with connected(device, files, False) as peer:
            device.ask("AT+SKTREAD=2,10", b"+SKTREAD:2,0,\r\nOK\r\n")
            peer.sendall(b"0123456789abc")
            assert device.read(2, udp=False)[0] == b"0123456789abc"
            peer.sendall(b"0123456789abc")
            answer = b""
            while not answer:
                device.send(b"AT+SKTREAD=2,4\r")
                answer = device.host.read_until(OK)[: -len(OK)].removeprefix(b"+SKTREAD:2,0,")
            assert answer == b"+SKTREAD:2,4,0123"
            device.ask("AT+SKTREAD=2,4", b"+SKTREAD:2,4,4567\r\nOK\r\n")
            device.ask("AT+SKTREAD=2,40", b"+SKTREAD:2,5,89abc\r\nOK\r\n")
            device.ask("AT+SKTREAD=2,40", b"+SKTREAD:2,0,\r\nOK\r\n")

    @pytest.mark.parametrize("orderly", [True, False], ids=["close_notify", "end"])
    def test_a_peer_that_closes_leaves_the_id(self, device, files, auto_rcv, orderly):
        with connected(device, files, auto_rcv) as peer:
            peer.sendall(b"bye")
            if orderly:
                with contextlib.suppress(OSError):
                    peer.settimeout(0)
                    peer.unwrap()
            peer.close()
            assert device.receive_until(b"bye", 2, auto_rcv) == b"bye"
            if not auto_rcv:
                answer = b"+SKTREAD:2,0,\r\nOK\r\n"
                while b"ERROR: 4" not in answer:
                    device.send(b"AT+SKTREAD=2,9\r")
                    answer = device.host.read_until(b"\r\n") + device.host.read_until(b"\r\n")
            eventually(lambda: device.state()[0].endswith(",socket_fd:-1"))
            device.ask("AT+SKTREAD=2,1", b"\r\nERROR: 1\r\n")
            device.ask("AT+SKTSEND=2,1,,,x", b"\r\nERROR: 1\r\n")
            device.ask("AT+SKTDEL=2")


@needs("openssl")
class TestTypesOfServer:
    def s_client(self, files, port, *options):
        trust = "-CAfile", str(files / "ca.pem"), "-verify_return_error"
        return Program("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", *trust, *options)

    @pytest.mark.parametrize(("kind", "own"), [(2, None), (2, "other_client"), (3, "client")])
    def test_a_client_is_served(self, device, files, auto_rcv, kind, own):
        port = device.serve_tls(kind, auto_rcv)
        with self.s_client(files, port, *(identity(files, own) if own else ())) as program:
            link, its_port = device.seed()
            program.say(b"hello\n")
            assert device.receive_until(b"\n", link, auto_rcv) == b"hello\n"
            device.ask(f"AT+SKTSEND={link},5,,,12345")
            device.send_raw(link, b"\0\n")
            program.hear(b"12345\0\n")
            assert device.state() == [
                f"link_id:0,server,ssl,src_address:127.0.0.1,src_port:{port},dst_address:0.0.0.0,dst_port:0,socket_fd:0",
                f"link_id:{link},seed,ssl,src_address:0.0.0.0,src_port:0,dst_address:127.0.0.1,"
                f"dst_port:{its_port},socket_fd:1",
            ]
            device.ask(f"AT+SKTDEL={link}")
            program.hear(b"closed")

    @pytest.mark.parametrize("own", [None, "other_client"])
    def test_a_client_that_does_not_prove_who_it_is(self, device, files, own):
        port = device.serve_tls(3, True)
        with self.s_client(files, port, *(identity(files, own) if own else ())) as program:
            program.hear(b"alert")
        device.host.silent()
        with self.s_client(files, port, *identity(files, "client")):
            assert device.seed()[0] == 1

    def test_a_client_that_does_not_trust_the_server(self, device, files):
        port = device.serve_tls(2, True, suite=3)
        with self.s_client(files, port) as program:
            program.hear(b"certificate has expired")
        device.host.silent()
        assert len(device.state()) == 1


class TestServer:
    def test_many_clients_and_some_that_never_speak(self, device, files):
        port = device.serve_tls(3, True)
        with contextlib.ExitStack() as stack:
            silent = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)) for _ in range(3)
            ]
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as stranger:
                stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
                with contextlib.suppress(ConnectionResetError):
                    while stranger.recv(100):  # an alert, then the end
                        pass
            clients = [stack.enter_context(client(files, port, "client")) for _ in range(6)]
            links = [device.seed() for _ in clients]
            assert sorted(link for link, _ in links) == [4, 5, 6, 7, 8, 9]  # three are those of the silent ones
            links = {port: link for link, port in links}
            assert len(device.state()) == 7
            for number, each in enumerate(clients):
                each.sendall(b"from %d" % number)
                found = DATA.fullmatch(device.host.read_until(b":"))
                assert int(found[1]) == links[port_of(each)]
                assert device.take(int(found[2])) == b"from %d" % number
                device.expect(b"\r\n")
            for each in clients:
                device.ask(f"AT+SKTSEND={links[port_of(each)]},2,,,{links[port_of(each)]:02}")
                assert int(receive(each, 2)) == links[port_of(each)]
            device.ask("AT+SKTDEL=0")
            for each in clients:
                assert each.recv(1) == b""  # by a close_notify
            for each in silent:
                assert each.recv(1) == b""
            assert device.state() == []

    @pytest.mark.parametrize("others", [18, 19, 40])
    def test_silent_clients_keep_nobody_out(self, device, files, others):
        """They have all ids there are: the earliest gives its own up."""
        port = device.serve_tls(2, True)
        with contextlib.ExitStack() as stack:
            for _ in range(others):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            with client(files, port) as late:
                link, _ = device.seed()
                late.sendall(b"at once")
                assert device.receive_until(b"at once", link, True) == b"at once"

    def test_a_client_that_closes(self, device, files, auto_rcv):
        port = device.serve_tls(2, auto_rcv)
        with client(files, port) as peer:
            link, _ = device.seed()
            peer.sendall(b"bye")
        assert device.receive_until(b"bye", link, auto_rcv) == b"bye"
        if not auto_rcv:
            device.ask(f"AT+SKTREAD={link},1", b"\r\nERROR: 4\r\n")
        eventually(lambda: device.state()[1].endswith(",socket_fd:-1"))
        with client(files, port):
            assert device.seed()[0] == link + 1
            device.ask(f"AT+SKTDEL={link}")

    @needs("curl")
    def test_curl_is_served_a_page(self, device, files, auto_rcv):
        page = random.Random(1).randbytes(50_000)
        port = device.serve_tls(3, auto_rcv)
        curl = start(
            *("curl", "-sS", "--cacert", str(files / "ca.pem")),
            *("--cert", str(files / "client.pem"), "--key", str(files / "client.key")),
            f"https://localhost:{port}/page",
        )
        link, _ = device.seed()
        assert device.receive_until(b"\r\n\r\n", link, auto_rcv).startswith(b"GET /page HTTP/1.1\r\n")
        device.send_raw(link, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
        assert curl.communicate(timeout=PATIENCE)[0] == page


def test_two_mebibytes_to_a_slow_reader_and_back(served, device, files):
    data = random.Random(3).randbytes(2 << 20)
    with tcp_server() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        device.send(b"AT+SKTCLIENT=0,3,1,127.0.0.1,%d,,1\r" % port_of(listener))
        plain = listener.accept()[0]
        plain.settimeout(PATIENCE)
        peer = server_context(files).wrap_socket(plain, server_side=True, suppress_ragged_eofs=False)
        device.expect(OK)
        before = served.resident()
        device.ask(f"AT+SKTSENDRAW=0,{len(data)}", b">>>\r\n")
        sent = device.host.send_what_fits(data)  # nobody reads
        if sent < len(data):
            device.expect(b"[$][TT]:High Watermark\r\n")
        assert served.resident() - before < 4096

        arrived = []

        def echo():
            arrived.append(receive(peer, len(data)))
            peer.sendall(arrived[0])

        thread = threading.Thread(target=echo)
        thread.start()
        device.send_piecewise(data[sent:])
        device.host.read_until(OK)
        digest, size = hashlib.sha256(), 0
        while size < len(data):
            payload, _ = device.message()
            digest.update(payload)
            size += len(payload)
        thread.join(PATIENCE)
        assert arrived[0] == data
        assert digest.digest() == hashlib.sha256(data).digest()
        assert served.resident() - before < 4096
        device.ask("AT+SKTDEL=0")
        assert peer.recv(1) == b""
        peer.close()


@pytest.mark.parametrize(("follow", "has"), [("manual", True), ("firmware", False)])
def test_socket_options_are_for_tls_too(tmp_path, files, follow, has):
    """The manual has them for TLS; in the firmware such a socket has none."""
    keep(tmp_path)
    with Modems(Tcp(), dialect="ameba-2.4", credentials=str(tmp_path), follow=follow) as modems:
        device = SecureDevice(modems.host())
        with socket.socket() as fresh:
            expected = [2000, 3500, 1, 1, 60, 10, 3] if has else options_of_socket(fresh)
        device.ask("AT+SKTCFG=2000,3500,1,1,60,10,3")
        with Server(server_context(files)) as server:
            device.ask(f"AT+SKTCLIENT=5,2,,127.0.0.1,{server.port},,0")
            assert options_of(connected_to(("127.0.0.1", server.port))) == expected
            device.ask("AT+SKTDEL=5")
        port = device.serve_tls(2, False)
        assert options_of(lambda sock: sock.getsockname() == ("127.0.0.1", port)) == expected
