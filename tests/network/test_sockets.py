"""The Serial Modem on real sockets: what only the kernel decides."""

import hashlib
import os
import random
import socket
import struct

import pytest

from tests.hosts import Modems
from tests.patience import eventually
from tests.peers import accept, free_port, port_of, receive, tcp_server
from tests.process import Process
from vmodem import Pty, Tcp

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"


@pytest.fixture(scope="module")
def modem():
    with Modems(Tcp(), Pty()) as served:
        yield served


@pytest.fixture(params=["tcp", "pty"])
def host(modem, request):
    made = modem.host(0 if request.param == "tcp" else 1)
    yield made
    made.close()


def connected(host, listener, family=1):
    host.ask(f"AT#XSOCKET={family},1,0", "\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
    address = listener.getsockname()[0]
    host.ask(f'AT#XCONNECT=0,"{address}",{port_of(listener)}', "\r\n#XCONNECT: 0,1\r\n\r\nOK\r\n")
    return accept(listener)


class TestTcpClient:
    @pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
    def test_both_directions(self, host, family):
        with (
            tcp_server(family) as listener,
            connected(host, listener, 1 if family == socket.AF_INET else 2) as peer,
        ):
            host.ask('AT#XSEND=0,0,0,"hello"', "\r\n#XSEND: 0,5\r\n\r\nOK\r\n")
            assert receive(peer, 5) == b"hello"
            peer.sendall(bytes(range(256)))
            host.ask("AT#XRECV=0,0,256,5,256", b"\r\n#XRECV: 0,0,256\r\n" + bytes(range(256)) + OK)
            peer.close()
            host.ask("AT#XRECV=0,0,0,5", OK)

    def test_wait_for_data(self, host):
        with tcp_server() as listener, connected(host, listener) as peer:
            host.send(b"AT#XRECV=0,1,0,5\r")
            host.silent()
            peer.sendall(b"\x01\xff")
            host.expect(b"\r\n#XRECV: 0,1,2\r\n01FF\r\nOK\r\n")

    def test_refused(self, host):
        with tcp_server() as listener:
            port = port_of(listener)
        host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
        host.ask(f'AT#XCONNECT=0,"127.0.0.1",{port}', ERROR)

    def test_name(self, host):
        with tcp_server() as listener:
            host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
            host.ask(f'AT#XCONNECT=0,"localhost",{port_of(listener)}', "\r\n#XCONNECT: 0,1\r\n\r\nOK\r\n")

    def test_reset_by_the_peer(self, host):
        with tcp_server() as listener:
            peer = connected(host, listener)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            host.ask("AT#XRECV=0,0,0,5", ERROR)

    def test_send_waits_for_the_acknowledgement(self, host):
        with tcp_server() as listener, connected(host, listener) as peer:
            host.ask('AT#XSEND=0,0,512,"acked"', "\r\n#XSEND: 0,5\r\n\r\nOK\r\n")
            assert receive(peer, 5) == b"acked"

    def test_send_timeout(self, host):
        with tcp_server() as listener, connected(host, listener):
            host.ask("AT#XSOCKETOPT=0,1,21,1")
            line = 'AT#XSEND=0,0,0,"' + "x" * 4000 + '"'
            for _ in range(5000):
                host.send(line.encode() + b"\r")
                answer = host.read_until(b"\r\n\r\n")
                final = host.read_until(b"\r\n")
                if final == b"ERROR\r\n":
                    break
                assert answer == b"\r\n#XSEND: 0,4000\r\n\r\n"
            assert final == b"ERROR\r\n"
            assert 0 <= int(answer.split(b",")[1]) < 4000


class TestTcpServer:
    def test_accept_and_exchange(self, host):
        host.ask("AT#XSOCKET=1,1,1", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
        port = free_port()
        host.ask(f"AT#XBIND=0,{port}")
        host.ask("AT#XLISTEN=0")
        host.ask("AT#XACCEPT=0,1", ERROR)
        with socket.create_connection(("127.0.0.1", port)) as client:
            host.ask("AT#XACCEPT=0,5", b'\r\n#XACCEPT: 1,"127.0.0.1"\r\n\r\nOK\r\n')
            host.ask('AT#XSEND=1,0,0,"by handle"', b"\r\n#XSEND: 1,9\r\n\r\nOK\r\n")
            host.ask('AT#XSEND=0,0,0,"by listener"', b"\r\n#XSEND: 0,11\r\n\r\nOK\r\n")
            assert receive(client, 20) == b"by handleby listener"
            client.sendall(b"hi")
            host.ask("AT#XRECV=0,0,0,5", b"\r\n#XRECV: 0,0,2\r\nhi\r\nOK\r\n")
            host.ask("AT#XCLOSE=1", b"\r\n#XCLOSE: 1,0\r\n\r\nOK\r\n")
            assert client.recv(1) == b""
            host.ask("AT#XRECV=0,0,64,0", ERROR)


class TestUdp:
    @pytest.mark.parametrize(
        ("family", "op", "address"), [(socket.AF_INET, 1, "127.0.0.1"), (socket.AF_INET6, 2, "::1")]
    )
    def test_unconnected(self, host, family, op, address):
        with socket.socket(family, socket.SOCK_DGRAM) as peer:
            peer.bind((address, 0))
            peer.settimeout(5)
            host.ask(f"AT#XSOCKET={op},2,0", b"\r\n#XSOCKET: 0,2,17\r\n\r\nOK\r\n")
            host.ask(f'AT#XSENDTO=0,1,0,"{address}",{port_of(peer)},"00FF"', b"\r\n#XSENDTO: 0,2\r\n\r\nOK\r\n")
            data, sender = peer.recvfrom(100)
            assert data == b"\x00\xff"
            peer.sendto(b"answer", sender)
            port = port_of(peer)
            host.ask("AT#XRECVFROM=0,0,0,5", f'\r\n#XRECVFROM: 0,0,6,"{address}",{port}\r\nanswer\r\nOK\r\n')

    def test_one_datagram_for_each_flush(self, host):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(5)
            host.ask("AT#XSOCKET=1,2,0", b"\r\n#XSOCKET: 0,2,17\r\n\r\nOK\r\n")
            host.ask(f'AT#XCONNECT=0,"127.0.0.1",{port_of(peer)}', b"\r\n#XCONNECT: 0,1\r\n\r\nOK\r\n")
            host.ask("AT#XSEND=0,2,0")
            for datagram in (b"first", b"\r\nsecond\r\n", b"third++"):
                host.send(datagram)
                assert peer.recv(5000) == datagram
            host.send(b"last+++AT\r")
            assert peer.recv(5000) == b"last"
            host.expect(b"\r\n#XDATAMODE: 0\r\n\r\nOK\r\n")

    def test_overflow(self, host):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            host.ask("AT#XSOCKET=1,2,0", b"\r\n#XSOCKET: 0,2,17\r\n\r\nOK\r\n")
            host.ask(f'AT#XSENDTO=0,2,0,"127.0.0.1",{port_of(peer)}')
            host.send(b"x" * 20000 + b"+++")
            host.expect(b"\r\n#XDATAMODE: -139\r\n")


class TestDataMode:
    def test_a_slow_peer_loses_nothing(self, host):
        data = random.Random(1).randbytes(3 << 20).replace(b"+", b"-")
        with tcp_server() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            peer = connected(host, listener)
            host.ask("AT#XSEND=0,2,0")
            sent = host.send_what_fits(data * 8)
            assert sent < 8 * len(data), "the modem took everything while nobody read"
            got = hashlib.sha256(receive(peer, sent - 4096))  # the rest waits for the time limit
            got.update(receive(peer, 4096))
            assert got.digest() == hashlib.sha256((data * 8)[:sent]).digest()
            host.send(data)
            assert receive(peer, len(data)) == data
            host.send(b"+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")
            peer.close()

    def test_peer_resets(self, host):
        with tcp_server() as listener:
            peer = connected(host, listener)
            host.ask("AT#XSEND=0,2,0")
            host.send(b"hello")
            assert receive(peer, 5) == b"hello"
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            host.send(b"lost" * 5000 + b"+++")
            host.expect(b"\r\n#XDATAMODE: 0\r\n")
            host.ask("AT")
            host.ask('AT#XSEND=0,0,0,"x"', b"\r\n#XSEND: 0,0\r\n\r\nERROR\r\n")

    def test_without_a_connection(self, host):
        host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
        host.ask("AT#XSEND=0,2,0")
        host.send(b"nowhere+++")
        host.expect(b"\r\n#XDATAMODE: 0\r\n")


class TestPolling:
    def test_events_of_a_connection(self, host):
        with tcp_server() as listener:
            host.ask("AT#XAPOLL=1,5")
            host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
            host.silent()
            host.ask(
                f'AT#XCONNECT=0,"127.0.0.1",{port_of(listener)}',
                b"\r\n#XCONNECT: 0,1\r\n\r\nOK\r\n\r\n#XAPOLL: 0,4\r\n",
            )
            peer = accept(listener)
            host.ask('AT#XSEND=0,0,0,"echo"', b"\r\n#XSEND: 0,4\r\n\r\nOK\r\n\r\n#XAPOLL: 0,4\r\n")
            peer.sendall(receive(peer, 4))
            host.expect(b"\r\n#XAPOLL: 0,1\r\n")
            peer.close()
            host.expect(b"\r\n#XAPOLL: 0,16\r\n")
            host.ask("AT#XRECV=0,0,0,1", b"\r\n#XRECV: 0,0,4\r\necho\r\nOK\r\n")
            host.ask("AT#XCLOSE=0", b"\r\n#XCLOSE: 0,0\r\n\r\nOK\r\n")
            host.silent()


class TestLeavingNothingBehind:
    """A host that goes away leaves no socket, no task and no descriptor."""

    @pytest.mark.parametrize("endpoint", [0, 1])
    @pytest.mark.parametrize(
        "last",
        [
            b"",
            b"AT#XRE",
            b"AT#XRECV=0,0,0,0\r",
            b"AT#XSEND=0,2,0\r",
            b"AT#XSEND=0,2,0\rdata",
            b"AT#XAPOLL=1,5\r",
        ],
    )
    def test_host_vanishes(self, endpoint, last):
        with Process("--tcp", "0", "--pty", endpoints=2) as modem:
            self.vanish(modem, endpoint, last)

    def vanish(self, modem, endpoint, last):
        before = modem.descriptors()
        host = modem.host(endpoint)
        with tcp_server() as listener, connected(host, listener) as peer:
            host.send(last)
            if endpoint == 0:
                host.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            host.close()
            while peer.recv(100):
                pass
        eventually(lambda: modem.descriptors() == before)
        again = modem.host(endpoint)
        again.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
        again.close()
        eventually(lambda: modem.descriptors() == before)

    @pytest.mark.parametrize("linger", [struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)], ids=["RST", "FIN"])
    @pytest.mark.parametrize(
        "waits_for", [b"AT#XRECV=0,0,0,0\r" + b"AT\r" * 5000, b"AT#XSEND=0,2,0\r" + b"x" * 40_000_000]
    )
    def test_host_vanishes_while_it_is_held_back(self, waits_for, linger):
        with Process("--tcp", "0") as modem:
            before = modem.descriptors()
            host = modem.host()
            with tcp_server() as listener, connected(host, listener):
                host.ask("AT#XSOCKETOPT=0,1,21,0")
                assert host.send_what_fits(waits_for) < len(waits_for) or len(waits_for) < 20_000
                host.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                host.close()
                eventually(lambda: modem.descriptors() == before)

    def test_a_lookup_under_way(self):
        with Process("--tcp", "0") as modem:
            before = modem.descriptors()
            host = modem.host()
            host.send(b'AT#XGETADDRINFO="no.such.name.invalid"\r')
            host.close()
            eventually(lambda: modem.descriptors() == before)

    def test_noise(self, host):
        noise = random.Random(2).randbytes(1 << 16).replace(b"+", b"")
        host.send(noise + b'"\r' * (noise.count(b'"') % 2) + b"\r")
        host.send(b"AT#XUUID\r")
        before = host.read_until(b"\r\n#XUUID: ")
        assert before.replace(b"\r\nERROR\r\n", b"") == b"\r\n#XUUID: "  # noise is ERROR and nothing else
        assert len(host.read_until(OK)) == 36 + len(b"\r\n") + len(OK)

    def test_host_that_never_reads(self):
        with Process("--tcp", "0") as modem:
            host = modem.host()
            before = modem.resident()
            taken = host.send_what_fits(b"AT#XSOCKET=?\r" * 2_000_000)
            assert taken < 26_000_000, "the modem took everything although nobody read its answers"
            assert modem.resident() - before < 4096
            count = taken // len(b"AT#XSOCKET=?\r")
            for _ in range(count):
                host.expect(b"\r\n#XSOCKET: <handle>,(1,2),(1,2,3),(0,1),<cid>\r\n\r\nOK\r\n")
            host.close()


class TestRaw:
    pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets need root")

    def packet(self, source_port, port, payload):
        """Return an IPv4 packet with a UDP datagram, both on loopback."""
        udp = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
        addresses = socket.inet_aton("127.0.0.1") * 2
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + addresses + udp

    def test_whole_packets(self, host):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(5)
            host.ask("AT#XSOCKET=1,3,0", b"\r\n#XSOCKET: 0,3,0\r\n\r\nOK\r\n")
            host.ask("AT#XBIND=0,1", ERROR)
            packet = self.packet(4242, port_of(peer), b"raw!")
            host.ask(f'AT#XSEND=0,1,0,"{packet.hex()}"', b"\r\n#XSEND: 0,32\r\n\r\nOK\r\n")
            assert peer.recvfrom(100) == (b"raw!", ("127.0.0.1", 4242))
            for _ in range(1000):  # other programs' packets on loopback come too
                host.send(b"AT#XRECV=0,1,0,5\r")
                answer = host.read_until(b"\r\nOK\r\n")
                if b"raw!".hex().upper().encode() in answer:
                    break
            assert bytes.fromhex(answer.split(b"\r\n")[2].decode())[-12:-4] == packet[20:28]

    def test_noise_is_no_packet(self, host):
        host.ask("AT#XSOCKET=1,3,0", b"\r\n#XSOCKET: 0,3,0\r\n\r\nOK\r\n")
        host.ask('AT#XSEND=0,0,0,"hello"', b"\r\n#XSEND: 0,0\r\n\r\nERROR\r\n")


class TestPing:
    pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="ICMP needs root or net.ipv4.ping_group_range")

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
    def test_replies_and_average(self, host, address):
        host.ask(f'AT#XPING="{address}",32,1000,2,10')
        for _ in range(2):
            host.read_until(b"#XPING: 0.")
            host.read_until(b" seconds\r\n")
        host.read_until(b"#XPING: average 0.")
        host.read_until(b" seconds\r\n")
