"""The Ameba on real sockets: programs that are not ours as clients of its servers, and what only the kernel decides."""

import contextlib
import hashlib
import os
import random
import re
import select
import socket
import struct
import subprocess
import threading

import pytest

from tests.hosts import Modems
from tests.needs import needs
from tests.patience import PATIENCE
from tests.peers import accept, free_port, port_of, receive, tcp_server
from tests.process import Process
from vmodem import Pty, Tcp

OK = b"\r\nOK\r\n"
EVENT = re.compile(
    rb"\[\$\]\[SKT\]\[EVENT\]: A client\[link_id:(\d+),seed,tcp,dst_address:127\.0\.0\.1,dst_port:\d+\] "
    rb"connected to server\[link_id:0\]\r\n"
)
DATA = re.compile(rb"\[\$\]\[SKT\]\[DATA\]\[(\d+)\]\[(\d+)\](?:\[([\d.]+)\]\[(\d+)\])?:")
PLENTY = bytes(20_000_000)
"""More than a connection holds whose peer does not read."""


class Device:
    """What the host of an Ameba does."""

    def __init__(self, host):
        self.host = host
        self.ask, self.expect, self.send = host.ask, host.expect, host.send

    def serve(self, kind, auto_rcv):
        """Make link 0 a server; return its port."""
        port = free_port()
        self.ask(f"AT+SKTSERVER=0,{int(kind == socket.SOCK_STREAM)},,{port},{int(auto_rcv)}")
        return port

    def client(self, listener, auto_rcv=0, link=0):
        """Connect a link; return its peer."""
        self.ask(f"AT+SKTCLIENT={link},1,,127.0.0.1,{port_of(listener)},,{auto_rcv}")
        return accept(listener)

    def send_piecewise(self, data):
        for at in range(0, len(data), 4096):
            self.send(data[at : at + 4096])

    def seed(self):
        """Return the link of the client that has just connected."""
        return int(EVENT.fullmatch(self.host.read_until(b"\r\n"))[1])

    def take(self, size):
        """Return exactly ``size`` bytes of what comes."""
        got = self.host.got
        while len(got) < size:
            assert select.select([self.host.fd], [], [], PATIENCE)[0], f"only {len(got)} of {size} bytes came"
            got += os.read(self.host.fd, 65536)
        taken = bytes(got[:size])
        del got[:size]
        return taken

    def message(self):
        """Return the payload and the sender of the next DATA message."""
        found = DATA.fullmatch(self.host.read_until(b":"))
        payload = self.take(int(found[2]))
        self.expect(b"\r\n")
        return payload, found[3] and (found[3].decode(), int(found[4]))

    def read(self, link, *, udp):
        """Read until something comes; return it and its sender."""
        payload = b""
        while not payload:
            self.send(b"AT+SKTREAD=%d,10000\r" % link)
            self.expect(b"+SKTREAD:%d," % link)
            fields = [self.host.read_until(b",")[:-1].decode() for _ in range(3 if udp else 1)]
            payload = self.take(int(fields[0]))
            self.expect(OK)
        return payload, (fields[1], int(fields[2])) if udp else None

    def receive(self, link, auto_rcv, *, udp=False):
        return self.message() if auto_rcv else self.read(link, udp=udp)

    def receive_until(self, end, link, auto_rcv):
        """Receive a stream up to ``end``."""
        data = b""
        while not data.endswith(end):
            data += self.receive(link, auto_rcv)[0]
        return data

    def send_raw(self, link, data, destination=""):
        self.ask(f"AT+SKTSENDRAW={link},{len(data)}{destination}", b">>>\r\n")
        self.send(data)
        self.expect(OK)


@pytest.fixture(scope="module")
def served():
    with Modems(Tcp(), Pty(), dialect="ameba-2.4") as made:
        yield made


@pytest.fixture(params=["tcp", "pty"])
def device(served, request):
    host = served.host(0 if request.param == "tcp" else 1)
    yield Device(host)
    host.close()


@pytest.fixture(params=[False, True], ids=["read", "auto"])
def auto_rcv(request):
    return request.param


def start(*command):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


class TestPrograms:
    @needs("curl")
    def test_curl_is_served_a_page(self, device, auto_rcv):
        page = random.Random(1).randbytes(50_000)
        port = device.serve(socket.SOCK_STREAM, auto_rcv)
        curl = start("curl", "-sS", f"http://127.0.0.1:{port}/page")
        link = device.seed()
        assert device.receive_until(b"\r\n\r\n", link, auto_rcv).startswith(b"GET /page HTTP/1.1\r\n")
        device.send_raw(link, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
        assert curl.communicate(timeout=PATIENCE)[0] == page
        device.ask("AT+SKTDEL=0")

    @needs("curl")
    def test_curl_uploads(self, device, auto_rcv, tmp_path):
        upload = random.Random(2).randbytes(100_000)
        (tmp_path / "upload").write_bytes(upload)
        port = device.serve(socket.SOCK_STREAM, auto_rcv)
        curl = start("curl", "-sS", "-H", "Expect:", "-T", str(tmp_path / "upload"), f"http://127.0.0.1:{port}/")
        link = device.seed()
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < len(upload):
            data += device.receive(link, auto_rcv)[0]
        assert data.partition(b"\r\n\r\n")[2] == upload
        device.ask(f"AT+SKTSEND={link},38,,,HTTP/1.1 204 No Content", b"\r\nERROR: 1\r\n")  # a line has no CR LF
        device.send_raw(link, b"HTTP/1.1 204 No Content\r\n\r\n")
        assert curl.communicate(timeout=PATIENCE)[0] == b""
        assert curl.returncode == 0

    @pytest.mark.parametrize(
        "command",
        [
            pytest.param(("nc", "127.0.0.1", "PORT"), marks=needs("nc"), id="nc"),
            pytest.param(("socat", "-", "TCP4:127.0.0.1:PORT"), marks=needs("socat"), id="socat"),
        ],
    )
    def test_a_conversation_over_tcp(self, device, auto_rcv, command):
        port = device.serve(socket.SOCK_STREAM, auto_rcv)
        client = start(*(word.replace("PORT", str(port)) for word in command))
        link = device.seed()
        client.stdin.write(b"hello\n\0")
        client.stdin.flush()
        assert device.receive_until(b"\0", link, auto_rcv) == b"hello\n\0"
        device.ask(f"AT+SKTSEND={link},5,,,world")
        device.send_raw(link, b"\r\n\0")
        assert client.stdout.read(8) == b"world\r\n\0"
        device.ask(f"AT+SKTDEL={link}")
        assert client.communicate(timeout=PATIENCE)[0] == b""

    @pytest.mark.parametrize(
        "command",
        [
            pytest.param(("nc", "-u", "127.0.0.1", "PORT"), marks=needs("nc"), id="nc"),
            pytest.param(("socat", "-", "UDP4:127.0.0.1:PORT"), marks=needs("socat"), id="socat"),
        ],
    )
    def test_a_conversation_over_udp(self, device, auto_rcv, command):
        port = device.serve(socket.SOCK_DGRAM, auto_rcv)
        client = start(*(word.replace("PORT", str(port)) for word in command))
        client.stdin.write(b"hello\n\0")
        client.stdin.flush()
        payload, (ip, sender) = device.receive(0, auto_rcv, udp=True)
        assert payload == b"hello\n\0"
        device.ask(f"AT+SKTSEND=0,5,{ip},{sender},world")
        device.send_raw(0, b"\r\n\0", f",{ip},{sender}")
        assert client.stdout.read(8) == b"world\r\n\0"
        client.kill()
        client.communicate()

    @needs("socat")
    def test_nineteen_clients_at_once(self, device):
        port = device.serve(socket.SOCK_STREAM, True)
        clients = [start("socat", "-", f"TCP4:127.0.0.1:{port}") for _ in range(19)]
        links = {device.seed() for _ in clients}
        assert links == set(range(1, 20))
        for number, client in enumerate(clients):
            client.stdin.write(b"%d" % number)
            client.stdin.flush()
            assert device.message() == (b"%d" % number, None)
        for link in links:
            device.ask(f"AT+SKTSEND={link},2,,,{link:02}")
        assert {int(client.stdout.read(2)) for client in clients} == links
        device.ask("AT+SKTDEL=0")
        for client in clients:
            client.communicate(timeout=PATIENCE)


def duplicate(is_it):
    """Return a duplicate of a socket of this process that nothing here has made."""
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # it is closed by now
            if not os.readlink(f"/proc/self/fd/{number}").startswith("socket:"):
                continue
            sock = socket.socket(fileno=os.dup(int(number)))
            if sock.family == socket.AF_INET and is_it(sock):
                return sock
            sock.close()
    raise AssertionError("the modem has no such socket")


def options_of(is_it):
    """Return the options of a socket of the modem; its timeouts in milliseconds."""
    with duplicate(is_it) as sock:
        return options_of_socket(sock)


def options_of_socket(sock):
    return [
        *(timeout_of(sock, option) for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO)),
        *(
            sock.getsockopt(level, option)
            for level, option in (
                (socket.IPPROTO_TCP, socket.TCP_NODELAY),
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
            )
        ),
    ]


def timeout_of(sock, option):
    seconds, microseconds = struct.unpack("@ll", sock.getsockopt(socket.SOL_SOCKET, option, 16))
    return seconds * 1000 + microseconds // 1000


def connected_to(address):
    def is_it(sock):
        try:
            return sock.getpeername() == address
        except OSError:
            return False

    return is_it


class TestOptions:
    def test_of_clients_servers_and_seeds(self, device):
        with tcp_server() as listener:
            plain = device.client(listener, link=5)
            assert options_of(connected_to(listener.getsockname()))[:4] == [0, 0, 0, 0]
            plain.close()
            device.ask("AT+SKTDEL=5")
            device.ask("AT+SKTCFG=2000,3500,1,1,60,10,3")
            with device.client(listener, link=5):
                assert options_of(connected_to(listener.getsockname())) == [2000, 3500, 1, 1, 60, 10, 3]
        port = device.serve(socket.SOCK_STREAM, True)
        assert options_of(lambda sock: sock.getsockname() == ("127.0.0.1", port)) == [2000, 3500, 1, 1, 60, 10, 3]
        with socket.create_connection(("127.0.0.1", port)) as client:
            device.seed()
            assert options_of(connected_to(client.getsockname())) == [2000, 3500, 1, 1, 60, 10, 3]

    @pytest.mark.parametrize(
        ("at", "value"),
        [(at, value) for at, values in enumerate([(0, 1000, 3_600_000)] * 2 + [(0, 1)] * 2) for value in values]
        + [(4, 0), (4, 1), (4, 7200), (5, 0), (5, 1), (5, 75), (6, 0), (6, 1), (6, 10)],
    )
    def test_with_each_value_of_the_manual(self, device, at, value):
        """0 as well as any other: it is the option's, or the host's own for the times of keep-alive."""
        with socket.socket() as fresh:
            own = options_of_socket(fresh)
        asked = [0, 0, 0, int(at >= 3), 0, 0, 0]
        asked[at] = value
        expected = [one or own[index] for index, one in enumerate(asked)]
        device.ask(f"AT+SKTCFG={','.join(map(str, asked))}")
        with tcp_server() as listener, device.client(listener, link=5):
            assert options_of(connected_to(listener.getsockname())) == expected
        port = device.serve(socket.SOCK_STREAM, True)
        assert options_of(lambda sock: sock.getsockname() == ("127.0.0.1", port)) == expected
        with socket.create_connection(("127.0.0.1", port)) as client:
            device.seed()
            assert options_of(connected_to(client.getsockname())) == expected

    @pytest.mark.parametrize("value", [0, 1000])
    def test_timeouts_are_for_udp_too(self, device, value):
        device.ask(f"AT+SKTCFG={value},{value},1,1,60,10,3")
        server, client = device.serve(socket.SOCK_DGRAM, True), free_port()
        device.ask(f"AT+SKTCLIENT=5,0,,127.0.0.1,{server},{client},0")
        for port in (server, client):
            with duplicate(lambda sock, port=port: sock.getsockname() == ("127.0.0.1", port)) as link:
                assert [timeout_of(link, option) for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO)] == [value] * 2

    def test_a_send_timeout_ends_a_send_to_a_peer_that_does_not_read(self, device):
        device.ask("AT+SKTCFG=300")
        with tcp_server() as listener, device.client(listener):
            device.ask(f"AT+SKTSENDRAW=0,{len(PLENTY)}", b">>>\r\n")
            device.send_piecewise(PLENTY)
            answer = device.host.read_until(b"\r\nERROR: 2\r\n")
            assert answer.endswith(b"[$][TT]:Low Watermark\r\n\r\nERROR: 2\r\n")
            device.ask("AT+SKTDEL=0")


class TestLinks:
    def test_two_udp_servers_may_have_one_port_and_a_client_not(self, device):
        port = device.serve(socket.SOCK_DGRAM, True)
        device.ask(f"AT+SKTSERVER=1,0,,{port},1")
        device.ask(f"AT+SKTCLIENT=2,0,,127.0.0.1,7,{port},1", b"\r\nERROR: 4\r\n")
        device.ask(f"AT+SKTSERVER=2,1,,{port},1")
        device.ask(f"AT+SKTSERVER=3,1,,{port},1", b"\r\nERROR: 2\r\n")

    def test_a_refused_connection_and_a_name(self, device):
        with tcp_server() as listener:
            port = port_of(listener)
            device.ask(f"AT+SKTCLIENT=1,1,,localhost,{port},,0")
        device.ask(f"AT+SKTCLIENT=0,1,,127.0.0.1,{port},,0", b"\r\nERROR: 2\r\n")
        device.ask("AT+SKTCLIENT=0,1,,name.invalid,80,,0", b"\r\nERROR: 1\r\n")
        device.ask("AT+SKTDEL=1")
        device.ask("AT+SKTSTATE")

    def test_a_stranger_is_heard_by_a_udp_client(self, device):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        ):
            peer.bind(("127.0.0.1", 0))
            stranger.bind(("127.0.0.1", 0))
            port = device.serve(socket.SOCK_DGRAM, False)
            device.ask("AT+SKTDEL=0")
            device.ask(f"AT+SKTCLIENT=0,0,,127.0.0.1,{port_of(peer)},{port},1")
            device.ask("AT+SKTSEND=0,5,,,hello")
            assert peer.recvfrom(10) == (b"hello", ("127.0.0.1", port))
            stranger.sendto(b"psst", ("127.0.0.1", port))
            assert device.message() == (b"psst", stranger.getsockname())

    def test_a_peer_that_ends_its_stream_while_data_waits_for_it(self, device):
        with tcp_server() as listener, device.client(listener, auto_rcv=1) as peer:
            device.ask(f"AT+SKTSENDRAW=0,{len(PLENTY)}", b">>>\r\n")
            sent = device.host.send_what_fits(PLENTY)
            device.expect(b"[$][TT]:High Watermark\r\n")
            peer.shutdown(socket.SHUT_WR)
            device.send_piecewise(PLENTY[sent:])
            device.host.read_until(b"\r\nERROR: 2\r\n")
            device.ask("AT+SKTREAD=0,1", b"\r\nERROR: 1\r\n")
            device.ask("AT+SKTDEL=0")

    def test_a_reset_by_the_peer(self, device, auto_rcv):
        with tcp_server() as listener:
            peer = device.client(listener, auto_rcv=int(auto_rcv))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            if not auto_rcv:
                device.ask("AT+SKTREAD=0,1", b"\r\nERROR: 4\r\n")
            device.send(b"AT+SKTSTATE\r")
            while b"socket_fd:-1\r\n" not in device.host.read_until(OK):
                device.send(b"AT+SKTSTATE\r")


@pytest.mark.parametrize("endpoint", ["--tcp=0", "--pty"])
def test_ten_mebibytes_to_a_slow_reader_and_back(endpoint):
    with Process("--dialect", "ameba-2.4", endpoint) as process:
        there_and_back(process, Device(process.host()))


def there_and_back(process, device):
    data = random.Random(3).randbytes(10 << 20)
    before = process.resident()
    with tcp_server() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        peer = device.client(listener, auto_rcv=1)
        device.ask(f"AT+SKTSENDRAW=0,{len(data)}", b">>>\r\n")
        sent = device.host.send_what_fits(data)  # nobody reads
        assert sent < len(data)
        device.expect(b"[$][TT]:High Watermark\r\n")
        assert process.resident() - before < 4096

        arrived = []
        reader = threading.Thread(target=lambda: arrived.append(receive(peer, len(data))))
        reader.start()
        device.send_piecewise(data[sent:])
        answers = device.host.read_until(OK)
        assert answers.startswith(b"[$][TT]:Low Watermark\r\n")
        assert re.fullmatch(
            rb"(\[\$\]\[TT\]:Low Watermark\r\n(\[\$\]\[TT\]:High Watermark\r\n)?)+", answers[: -len(OK)]
        )
        reader.join(PATIENCE)
        assert hashlib.sha256(arrived[0]).digest() == hashlib.sha256(data).digest()

        writer = threading.Thread(target=lambda: (peer.sendall(data), peer.close()))
        writer.start()
        digest, size = hashlib.sha256(), 0
        while size < len(data):
            payload, sender = device.message()
            assert sender is None
            digest.update(payload)
            size += len(payload)
        writer.join(PATIENCE)
        assert digest.digest() == hashlib.sha256(data).digest()
        assert process.resident() - before < 4096
    device.ask("AT+SKTDEL=0")
