"""The sockets of `slm-1.9` and `slm-2.0` on real sockets: many at once, and data mode with its silence."""

import re
import select
import socket
import time
from contextlib import ExitStack

import pytest

from tests.hosts import Modems
from tests.patience import PATIENCE
from tests.peers import accept, free_port, port_of, receive, reset, tcp_server
from vmodem import Pty, Tcp

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"


def ask(host, line, answer=OK):
    host.send(line.encode("latin-1") + b"\r\n")
    host.expect(answer)


@pytest.fixture
def slm_2_0():
    with Modems(Pty(), dialect="slm-2.0") as served:
        yield served.host()


@pytest.fixture
def slm_1_9():
    with Modems(Pty(), dialect="slm-1.9") as served:
        yield served.host()


def polled(host, line, count):
    """Poll until ``count`` sockets have events; return the lines."""
    deadline = time.monotonic() + PATIENCE
    while True:
        host.send(line.encode() + b"\r\n")
        lines = [found for found in host.read_until(b"\r\nOK\r\n").split(b"\r\n") if found]
        if len(lines) == count + 1:
            return lines[:-1]
        assert time.monotonic() < deadline, lines


def test_eight_sockets_are_polled(slm_2_0):
    host = slm_2_0
    with ExitStack() as stack:
        peers = []
        for handle in range(8):
            listener = stack.enter_context(tcp_server())
            ask(host, "AT#XSOCKET=1,1,0", f"\r\n#XSOCKET: {handle},1,6\r\n\r\nOK\r\n".encode())
            ask(host, f'AT#XCONNECT="127.0.0.1",{port_of(listener)}', b"\r\n#XCONNECT: 1\r\n\r\nOK\r\n")
            peers.append(stack.enter_context(accept(listener)))
        ask(host, "AT#XSOCKET=1,1,0", ERROR)
        ask(host, "AT#XPOLL=0")
        for handle in (1, 3, 4):
            peers[handle].sendall(b"from %d" % handle)
        for handle in (4, 6):
            peers[handle].close()
        assert polled(host, "AT#XPOLL=1000", 4) == [
            b'#XPOLL: 1,"0x00000001"',
            b'#XPOLL: 3,"0x00000001"',
            b'#XPOLL: 4,"0x00000011"',
            b'#XPOLL: 6,"0x00000011"',
        ]
        assert polled(host, "AT#XPOLL=1000,6,0,3", 2) == [b'#XPOLL: 6,"0x00000011"', b'#XPOLL: 3,"0x00000001"']
        ask(host, "AT#XPOLL=100,0,2,5,7")
        for handle in (1, 3, 4):
            ask(host, f"AT#XSOCKETSELECT={handle}", f"\r\n#XSOCKETSELECT: {handle},1,0\r\n\r\nOK\r\n".encode())
            ask(host, "AT#XRECV=5", f"\r\n#XRECV: 6\r\nfrom {handle}\r\nOK\r\n".encode())
        ask(host, "AT#XRECV=5")  # the fourth peer has closed
        ask(host, "AT#XSOCKET=0", b'\r\n#XSOCKET: 0,"closed"\r\n\r\nOK\r\n')
        assert polled(host, "AT#XPOLL=1000", 1) == [b'#XPOLL: 6,"0x00000011"']
        host.send(b"AT#XPOLL=-1,7\r\n")
        host.silent()
        peers[7].sendall(b"at last")
        host.expect(b'\r\n#XPOLL: 7,"0x00000001"\r\n\r\nOK\r\n')


class TestSingleSocket:
    def connect(self, host, listener):
        ask(host, "AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 1,1,6\r\n\r\nOK\r\n")
        ask(host, "AT#XSOCKET=1,1,0", ERROR)
        ask(host, f'AT#XCONNECT="127.0.0.1",{port_of(listener)}', b"\r\n#XCONNECT: 1\r\n\r\nOK\r\n")
        return accept(listener)

    def test_a_session(self, slm_1_9):
        with tcp_server() as listener, self.connect(slm_1_9, listener) as peer:
            ask(slm_1_9, 'AT#XSEND="Test TCP"', b"\r\n#XSEND: 8\r\n\r\nOK\r\n")
            assert receive(peer, 8) == b"Test TCP"
            peer.sendall(b"Test OK")
            ask(slm_1_9, "AT#XRECV=5", b"Test OK\r\n#XRECV: 7\r\n\r\nOK\r\n")
            ask(slm_1_9, "AT#XSOCKET?", b"\r\n#XSOCKET: 1,1,0\r\n\r\nOK\r\n")
            peer.close()
            ask(slm_1_9, "AT#XRECV=5")
            ask(slm_1_9, "AT#XSOCKET=0", b'\r\n#XSOCKET: 0,"closed"\r\n\r\nOK\r\n')
            ask(slm_1_9, "AT#XSOCKET?", b"\r\n#XSOCKET: 0\r\n\r\nOK\r\n")

    def test_data_mode_ends_with_silence(self, slm_1_9):
        host = slm_1_9
        with tcp_server() as listener, self.connect(host, listener) as peer:
            host.send(b"AT#XSEND\r\n")
            host.silent()
            host.send(b"hello")
            assert receive(peer, 5) == b"hello"
            host.send(b"a+++b")  # no silence behind it
            assert receive(peer, 5) == b"a+++b"
            host.silent()
            host.send(b"the end+++")
            host.expect(OK)
            assert receive(peer, 7) == b"the end"
            host.send(b"AT#XSEND\r\n")
            host.silent()
            host.send(b"+++")
            host.expect(OK)
            ask(host, "AT")

    def test_data_mode_ends_with_the_connection(self, slm_1_9):
        host = slm_1_9
        with tcp_server() as listener, self.connect(host, listener) as peer:
            host.send(b"AT#XSEND\r\n")
            host.send(b"one")
            assert receive(peer, 3) == b"one"
            peer.close()
            for _ in range(10):  # the first flush is answered by a reset, a later one cannot be sent
                host.send(b"lost")
                time.sleep(0.05)
                if select.select([host.fd], [], [], 0)[0]:
                    break
            host.expect(ERROR)
            ask(host, "AT")


@pytest.mark.parametrize("name", ["slm-1.9", "slm-2.0", "slm-2.7"])
@pytest.mark.parametrize("left", [b"", b"last words"])
@pytest.mark.parametrize("end", [socket.socket.close, reset])
def test_what_is_said_of_an_accepted_connection_follows_its_life(name, left, end):
    """It is there until its end has come, by a FIN or by a reset, and all that came before was received."""
    with Modems(Tcp(), dialect=name) as served:
        host, port = served.host(), free_port()
        for line in ("AT#XSOCKET=1,1,1", f"AT#XBIND={port}", "AT#XLISTEN"):
            host.send(line.encode() + b"\r\n")
            host.read_until(OK)
        client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        host.send(b"AT#XACCEPT=10\r\n")
        handle = re.search(rb'#XACCEPT: (\d),"127.0.0.1"', host.read_until(OK))[1]
        assert handle != b"0"
        ask(host, "AT#XACCEPT?", b"\r\n#XACCEPT: %b\r\n" % handle + OK)
        client.sendall(left)
        end(client)
        if left:
            ask(host, "AT#XACCEPT?", b"\r\n#XACCEPT: %b\r\n" % handle + OK)
            host.send(b"AT#XRECV=10\r\n")
            assert left in host.read_until(OK)
        ended(host, end)
        ask(host, "AT#XACCEPT?", b"\r\n#XACCEPT: 0\r\n" + OK)
        ended(host, end)


def ended(host, end):
    """Receive the end: OK alone for a FIN, ERROR for a reset."""
    ask(host, "AT#XRECV=10", OK if end is socket.socket.close else ERROR)


@pytest.mark.parametrize("name", ["slm-2.0", "slm-2.7"])
def test_an_accepted_connection_is_polled(name):
    with Modems(Tcp(), dialect=name) as served:
        host, port = served.host(), free_port()
        for line in ("AT#XSOCKET=1,1,1", f"AT#XBIND={port}", "AT#XLISTEN"):
            host.send(line.encode() + b"\r\n")
            host.read_until(OK)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
            host.send(b"AT#XACCEPT=10\r\n")
            handle = re.search(rb'#XACCEPT: (\d),"127.0.0.1"', host.read_until(OK))[1]
            ask(host, "AT#XPOLL=0")
            host.send(b"AT#XPOLL=-1\r\n")
            client.sendall(b"hello")
            host.expect(b'\r\n#XPOLL: %b,"0x00000001"\r\n' % handle + OK)
