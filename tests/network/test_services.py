"""The services of `slm-2.7` on real sockets, with clients and servers that are not ours."""

import contextlib
import hashlib
import os
import random
import re
import select
import socket
import subprocess
import threading
import time

import pytest

import vmodem
from tests.hosts import Modems
from tests.needs import needs
from tests.patience import PATIENCE, eventually
from tests.peers import accept, free_port, port_of, receive, reset, tcp_server
from tests.process import Process
from vmodem import Pty, Tcp

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
CONNECTED = b'\r\n#XTCPSVR: "127.0.0.1","connected"\r\n'
DISCONNECTED = b'\r\n#XTCPSVR: 0,"disconnected"\r\n'
STOPPED = b'\r\n#XTCPSVR: 0,"stopped"\r\n'
PAGE = b"<html>" + b"a page that takes more than one flush " * 400 + b"</html>\n"
MIB = 1 << 20


@pytest.fixture(scope="module")
def modem():
    with Modems(Tcp(), Pty(), dialect="slm-2.7") as served:
        yield served


@pytest.fixture(params=["tcp", "pty"])
def host(modem, request):
    made = modem.host(0 if request.param == "tcp" else 1)
    try:
        yield made
        made.send(b"AT#XRESET\r\n")  # what the end of the test's peers makes it say is not for the next host
        made.read_until(b"Ready\r\n")
    finally:
        made.close()


def ask(host, line, answer=OK):
    host.send(line.encode("latin-1") + b"\r\n")
    host.expect(answer)


def serve(host):
    """Start the TCP server; return its port."""
    port = free_port()
    ask(host, f"AT#XTCPSVR=1,{port}", b'\r\n#XTCPSVR: 1,"started"\r\n' + OK)
    return port


def serve_one(host):
    """Start the TCP server and connect a client to it; return the client."""
    client = socket.create_connection(("127.0.0.1", serve(host)), timeout=PATIENCE)
    host.expect(CONNECTED)
    return client


def dial(host, listener):
    """Connect the TCP client; return the peer."""
    ask(host, f'AT#XTCPCLI=1,"127.0.0.1",{port_of(listener)}', b'\r\n#XTCPCLI: 1,"connected"\r\n' + OK)
    return accept(listener)


def received(host, name=b"TCP"):
    """Return what the next #XTCPDATA or #XUDPDATA passes on."""
    header = re.fullmatch(rb"\r\n#X%bDATA: (\d+)\r\n" % name, host.read_until(b"\r\n") + host.read_until(b"\r\n"))
    data = b""
    while len(data) < int(header[1]):
        data += read_some(host, int(header[1]) - len(data))
    return data


def read_some(host, size):
    """Return at most ``size`` bytes, at least one."""
    if not host.got:
        assert select.select([host.fd], [], [], PATIENCE)[0], "nothing came"
        host.got += os.read(host.fd, 4096)
    data = bytes(host.got[:size])
    del host.got[:size]
    return data


class TestTcpServer:
    @needs("curl")
    def test_curl_is_served_from_data_mode_and_hung_up_on(self, host):
        port = serve(host)
        command = ["curl", "-sS", "--http1.0", f"http://127.0.0.1:{port}/"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
            host.expect(CONNECTED)
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += received(host)
            assert request.startswith(b"GET / HTTP/1.0\r\n")
            ask(host, "AT#XTCPSEND")
            host.send(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE + b"+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")
            ask(host, "AT#XTCPHANGUP=2", DISCONNECTED + OK)
            assert curl.communicate(timeout=PATIENCE)[0] == PAGE
        ask(host, "AT#XTCPSVR?", b"\r\n#XTCPSVR: 1,-1,1\r\n" + OK)

    @needs("nc")
    def test_nc_talks_and_is_hung_up_on(self, host):
        port = serve(host)
        command = ["nc", "127.0.0.1", str(port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as nc:
            host.expect(CONNECTED)
            nc.stdin.write(b"hello from nc\n")
            nc.stdin.flush()
            assert received(host) == b"hello from nc\n"
            ask(host, 'AT#XTCPSEND="hello from the modem\n"', b"\r\n#XTCPSEND: 21\r\n" + OK)
            assert nc.stdout.readline() == b"hello from the modem\n"
            ask(host, "AT#XTCPHANGUP=2", DISCONNECTED + OK)
            assert nc.communicate(timeout=PATIENCE)[0] == b""

    @needs("nc")
    def test_nc_sends_a_file_and_leaves(self, host):
        port = serve(host)
        with subprocess.Popen(["nc", "-N", "127.0.0.1", str(port)], stdin=subprocess.PIPE) as nc:
            host.expect(CONNECTED)
            nc.communicate(PAGE, timeout=PATIENCE)
            got = b""
            while len(got) < len(PAGE):
                got += received(host)
            assert got == PAGE
            host.expect(DISCONNECTED)

    def test_a_second_client_is_turned_away(self, host):
        port = serve(host)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as first:
            host.expect(CONNECTED)
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as second:
                assert second.recv(1) == b""
            host.silent()
            first.sendall(b"still here")
            assert received(host) == b"still here"
            ask(host, 'AT#XTCPSEND="so am I"', b"\r\n#XTCPSEND: 7\r\n" + OK)
            assert receive(first, 7) == b"so am I"
        host.expect(DISCONNECTED)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
            host.expect(CONNECTED)

    def test_ipv6(self, host):
        port = free_port()
        ask(host, f"AT#XTCPSVR=2,{port}", b'\r\n#XTCPSVR: 1,"started"\r\n' + OK)
        with socket.create_connection(("::1", port), timeout=PATIENCE) as client:
            host.expect(b'\r\n#XTCPSVR: "::1","connected"\r\n')
            client.sendall(b"six")
            assert received(host) == b"six"

    def test_a_port_that_is_taken(self, host):
        with tcp_server() as taken:
            ask(host, f"AT#XTCPSVR=1,{port_of(taken)}", b'\r\n#XTCPSVR: -112,"not started"\r\n' + ERROR)
        ask(host, "AT#XTCPSVR?", b"\r\n#XTCPSVR: -1,-1,1\r\n" + OK)

    def test_the_same_port_again_at_once(self, host):
        port = serve(host)
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
                host.expect(CONNECTED)
                ask(host, "AT#XTCPSVR=0", DISCONNECTED + STOPPED + OK)
                assert client.recv(1) == b""
            ask(host, f"AT#XTCPSVR=1,{port}", b'\r\n#XTCPSVR: 1,"started"\r\n' + OK)

    def test_a_client_that_resets(self, host):
        reset(serve_one(host))
        host.expect(b'\r\n#XTCPSVR: -104,"disconnected"\r\n')
        ask(host, "AT#XTCPSVR?", b"\r\n#XTCPSVR: 1,-1,1\r\n" + OK)

    def test_flight_mode_tells_the_same_every_time(self, host):
        for _ in range(5):
            with serve_one(host) as client:
                stopped = b'\r\n#XTCPSVR: -104,"disconnected"\r\n\r\n#XTCPSVR: -104,"stopped"\r\n'
                ask(host, "AT+CFUN=4", OK + stopped)
                assert client.recv(1) == b""
            ask(host, "AT+CFUN=1")


class TestTcpClient:
    def test_both_directions(self, host):
        with tcp_server() as listener, dial(host, listener) as peer:
            ask(host, 'AT#XTCPSEND="hello"', b"\r\n#XTCPSEND: 5\r\n" + OK)
            assert receive(peer, 5) == b"hello"
            peer.sendall(bytes(range(256)))
            assert received(host) == bytes(range(256))
            ask(host, "AT#XTCPCLI=0", b'\r\n#XTCPCLI: 0,"disconnected"\r\n' + OK)
            assert peer.recv(1) == b""

    def test_by_name(self, host):
        with tcp_server() as listener:
            line = f'AT#XTCPCLI=1,"localhost",{port_of(listener)}'
            ask(host, line, b'\r\n#XTCPCLI: 1,"connected"\r\n' + OK)

    def test_ipv6(self, host):
        with tcp_server(socket.AF_INET6) as listener:
            ask(host, f'AT#XTCPCLI=2,"::1",{port_of(listener)}', b'\r\n#XTCPCLI: 1,"connected"\r\n' + OK)

    def test_refused(self, host):
        ask(host, f'AT#XTCPCLI=1,"127.0.0.1",{free_port()}', b'\r\n#XTCPCLI: -111,"not connected"\r\n' + ERROR)
        ask(host, "AT#XTCPCLI?", b"\r\n#XTCPCLI: -1,1\r\n" + OK)

    def test_no_such_name(self, host):
        host.send(b'AT#XTCPCLI=1,"no.such.name.invalid",80\r\n')
        answer = host.read_until(b"ERROR\r\n")
        assert re.fullmatch(rb'\r\n#XTCPCLI: -[2345],"not connected"\r\n\r\nERROR\r\n', answer)

    def test_the_peer_closes_or_resets(self, host):
        for end in (socket.socket.close, reset):
            with tcp_server() as listener:
                peer = dial(host, listener)
                end(peer)
                host.expect(b'\r\n#XTCPCLI: -104,"disconnected"\r\n')

    def test_the_peer_closes_in_data_mode(self, host):
        with tcp_server() as listener:
            peer = dial(host, listener)
            ask(host, "AT#XTCPSEND")
            host.send(b"one")
            assert receive(peer, 3) == b"one"
            peer.sendall(b"two")
            peer.close()
            host.expect(b"two+++")
            host.send(b"lost" * 5000 + b"+++AT\r\n")
            host.expect(b"\r\n#XDATAMODE: -104\r\n" + OK)


class TestMuchData:
    @pytest.mark.parametrize("endpoint", ["--tcp=0", "--pty"])
    def test_from_a_peer_to_a_slow_host(self, endpoint):
        """8 MiB through #XTCPDATA, byte for byte; the modem does not take in what the host has not read."""
        data = random.Random(1).randbytes(8 * MIB)
        with Process("--dialect", "slm-2.7", endpoint) as modem:
            host = modem.host()
            before = modem.resident()
            with serve_one(host) as client:
                sender = threading.Thread(target=client.sendall, args=(data,))
                sender.start()
                time.sleep(0.3)
                assert modem.resident() - before < 4096
                got = hashlib.sha256()
                count = 0
                while count < len(data):
                    piece = received(host)
                    assert len(piece) <= 2048
                    got.update(piece)
                    count += len(piece)
                    if count % 131072 < 2048:
                        time.sleep(0.002)
                sender.join()
                assert got.digest() == hashlib.sha256(data).digest()
            host.expect(DISCONNECTED)
            host.close()

    def test_raw_to_a_slow_host(self, host):
        data = random.Random(2).randbytes(8 * MIB)
        with serve_one(host) as client:
            ask(host, "AT#XTCPSEND")
            sender = threading.Thread(target=client.sendall, args=(data,))
            sender.start()
            time.sleep(0.1)
            got = hashlib.sha256()
            count = 0
            while count < len(data):
                piece = read_some(host, len(data) - count)
                got.update(piece)
                count += len(piece)
            sender.join()
            assert got.digest() == hashlib.sha256(data).digest()
            host.send(b"+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")

    def test_from_data_mode_to_a_slow_peer(self, host):
        data = random.Random(3).randbytes(8 * MIB).replace(b"+++", b"")
        with serve_one(host) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            ask(host, "AT#XTCPSEND")
            sender = threading.Thread(target=host.send, args=(data + b"+++",))
            sender.start()
            got = hashlib.sha256()
            count = 0
            while count < len(data):
                piece = client.recv(65536)
                assert piece, f"the stream ended after {count} bytes"
                got.update(piece)
                count += len(piece)
                time.sleep(0.002)
            sender.join()
            assert got.digest() == hashlib.sha256(data).digest()
            host.expect(b"\r\n#XDATAMODE: 0\r\n")

    def test_both_ways_at_once(self, host):
        up, down = random.Random(4).randbytes(MIB).replace(b"+++", b""), random.Random(5).randbytes(MIB)
        with tcp_server() as listener, dial(host, listener) as peer:
            ask(host, "AT#XTCPSEND")
            senders = [
                threading.Thread(target=host.send, args=(up,)),
                threading.Thread(target=peer.sendall, args=(down,)),
            ]
            taken = []
            senders.append(threading.Thread(target=lambda: taken.append(receive(peer, len(up)))))
            for thread in senders:
                thread.start()
            got = b""
            while len(got) < len(down):
                got += read_some(host, len(down) - len(got))
            for thread in senders:
                thread.join()
            assert got == down
            assert taken == [up]
            host.send(b"+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")


class TestUdp:
    def serve(self, host):
        port = free_port()
        ask(host, f"AT#XUDPSVR=1,{port}", b'\r\n#XUDPSVR: 1,"started"\r\n' + OK)
        return port

    def test_the_server_answers_whoever_sent_last(self, host):
        address = ("127.0.0.1", self.serve(host))
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
        ):
            for peer in (one, two, one):
                peer.settimeout(PATIENCE)
                peer.sendto(b"ping", address)
                assert received(host, b"UDP") == b"ping"
                ask(host, 'AT#XUDPSEND="pong"', b"\r\n#XUDPSEND: 4\r\n" + OK)
                assert peer.recvfrom(100) == (b"pong", address)

    @needs("nc")
    def test_the_server_answers_nc(self, host):
        port = self.serve(host)
        command = ["nc", "-u", "127.0.0.1", str(port)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as nc:
            nc.stdin.write(b"hello from nc\n")
            nc.stdin.flush()
            assert received(host, b"UDP") == b"hello from nc\n"
            ask(host, "AT#XUDPSEND")
            host.send(b"hello from the modem\n+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")
            assert nc.stdout.readline() == b"hello from the modem\n"
            nc.kill()

    def test_datagrams_are_kept_apart_and_cut(self, host):
        address = ("127.0.0.1", self.serve(host))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for datagram in (b"one", b"", b"x" * 3000, b"y"):
                peer.sendto(datagram, address)
        assert received(host, b"UDP") == b"one"
        assert received(host, b"UDP") == b"x" * 2048
        assert received(host, b"UDP") == b"y"

    def test_the_client_hears_its_peer_alone(self, host):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(PATIENCE)
            ask(host, f'AT#XUDPCLI=1,"localhost",{port_of(peer)}', b'\r\n#XUDPCLI: 1,"connected"\r\n' + OK)
            ask(host, "AT#XUDPSEND")
            for datagram in (b"first", b"\r\nsecond\r\n", b"third++"):
                host.send(datagram)
                data, address = peer.recvfrom(100)
                assert data == datagram
            host.send(b"+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")
            other.sendto(b"who?", address)
            peer.sendto(b"me", address)
            assert received(host, b"UDP") == b"me"

    def test_nobody_at_the_other_end(self, host):
        port = free_port()
        ask(host, f'AT#XUDPCLI=1,"127.0.0.1",{port}', b'\r\n#XUDPCLI: 1,"connected"\r\n' + OK)
        ask(host, 'AT#XUDPSEND="lost"', b"\r\n#XUDPSEND: 4\r\n" + OK)
        host.silent()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", port))
            peer.settimeout(PATIENCE)
            ask(host, 'AT#XUDPSEND="hello"', b"\r\n#XUDPSEND: 5\r\n" + OK)
            data, address = peer.recvfrom(100)
            assert data == b"hello"
            peer.sendto(b"world", address)
            assert received(host, b"UDP") == b"world"


class TestBothServices:
    def test_at_the_same_port_with_a_socket(self, host):
        with tcp_server() as listener, serve_one(host) as client:
            port = client.getpeername()[1]
            ask(host, f"AT#XUDPSVR=1,{port}", b'\r\n#XUDPSVR: 3,"started"\r\n' + OK)
            ask(host, "AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 4,1,6\r\n" + OK)
            ask(host, f'AT#XCONNECT="127.0.0.1",{port_of(listener)}', b"\r\n#XCONNECT: 1\r\n" + OK)
            with accept(listener) as peer, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                client.sendall(b"tcp")
                assert received(host) == b"tcp"
                sender.sendto(b"udp", ("127.0.0.1", port))
                assert received(host, b"UDP") == b"udp"
                peer.sendall(b"socket")
                host.silent()
                ask(host, "AT#XRECV=5", b"\r\n#XRECV: 6\r\nsocket" + OK)


@pytest.mark.parametrize(
    "last", [b"", b"AT#XTCPSE", b"AT#XTCPSEND\r\n", b"AT#XTCPSEND\r\ndata", b"AT#XUDPSEND\r\n" + b"x" * 5000]
)
def test_a_host_that_vanishes_leaves_nothing(last):
    with Process("--dialect", "slm-2.7", "--tcp", "0") as modem:
        before = modem.descriptors()
        host = modem.host()
        with serve_one(host) as client:
            port = client.getpeername()[1]
            ask(host, f"AT#XUDPSVR=1,{port}", b'\r\n#XUDPSVR: 3,"started"\r\n' + OK)
            client.sendall(b"x" * 100_000)
            host.send(last)
            host.close()
            with contextlib.suppress(ConnectionError):  # what the modem had not read yet makes it a reset
                while client.recv(65536):
                    pass
            eventually(lambda: modem.descriptors() == before)


def flood(connection):
    """Send until the connection ends."""
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(bytes(50_000))


def test_a_peer_that_never_stops_does_not_keep_a_slow_host_from_being_heard():
    with vmodem.start("slm-2.7", Tcp()) as modem, tcp_server() as listener, socket.socket() as host:
        host.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host.connect(("127.0.0.1", modem.port))
        host.sendall(f'AT#XTCPCLI=1,"127.0.0.1",{port_of(listener)}\r\n'.encode())
        with accept(listener) as peer:
            thread = threading.Thread(target=flood, args=(peer,))
            thread.start()
            time.sleep(0.3)
            host.sendall(b"AT#XTCPCLI=0\r\n")
            deadline = time.monotonic() + PATIENCE
            while thread.is_alive() and time.monotonic() < deadline:
                host.recv(4096)
                time.sleep(0.004)
            assert not thread.is_alive()
