"""What begins as HTTP or TLS does is not let in, however it is cut; what hosts send passes, and none has to wait."""

import http.client
import logging
import random
import socket
import ssl
from contextlib import closing

import pytest
from hypothesis import given, strategies
from tests.hosts import Modems
from tests.patience import PATIENCE, eventually

import vmodem
from vmodem import dialects
from vmodem.core.line import LineLayer
from vmodem.endpoints.door import LIMIT, Door, protocol_of
from vmodem.endpoints.tcp import shown
from vmodem.virtual import Virtual

PAGE = b"Host: 127.0.0.1:5000\r\nContent-Type: text/plain\r\n\r\nAT\r\nAT#XSOCKET=1,1,0\r\n"
CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303")

STRANGERS = {
    **{
        method: f"{method} / HTTP/1.1\r\n".encode() + PAGE
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    },
    "a path": b"POST /at?x=1 HTTP/1.1\r\n" + PAGE,
    "a proxy": b"POST http://127.0.0.1:5000/ HTTP/1.1\r\n" + PAGE,
    "a tunnel": b"CONNECT example.org:443 HTTP/1.1\r\n" + PAGE,
    "the server itself": b"OPTIONS * HTTP/1.1\r\n" + PAGE,
    "HTTP/0.9": b"GET /\r\nAT\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nAT\r\n",
    "a WebSocket": b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n" + PAGE,
    "a method of the page's": b"AT+CFUN / HTTP/1.1\r\n" + PAGE,
    "a method that is a command": b"AT / HTTP/1.1\r\n" + PAGE,
    "a long path": b"AT /" + b"a" * 3 * LIMIT + b" HTTP/1.1\r\n" + PAGE,
    "TLS": CLIENT_HELLO + PAGE,
    "SSL 3": b"\x16\x03\x00" + PAGE,
}

HOSTS = {
    "a command": b"AT\r\nAT\r\n",
    "a line feed first": b"\r\nAT\r\n",
    "lower case": b"at\r\nat\r\n",
    "a set form": b"AT#XSOCKET=1,1,0\r\n",
    "a read form": b"AT+CFUN?\r\nAT\r\n",
    "a request as data": b'AT#XSEND=0,0,0,"GET / HTTP/1.1\r\n\r\n"\r\nAT\r\n',
    "the end of data": b"+++AT\r\n",
    "the end of data, in doubt": b'\r+++"\rAT\r\n',
    "the end of a multiplexer": b"\xf9" * 8 + b"\xf9\x03\xef\x05\xc3\x01\xf2\xf9AT\r\n",
    "garbage": b"\x00\xff\x16\x04garbage\r\nAT\r\n",
    "a control character": b"\x16AT\r\nAT\r\n",
    "a word that is a method": b"GET\r\nPOST\r\nAT\r\n",
    "words": b"GET ready for AT\r\nAT\r\n",
    "a request that is none": b"GET\t/ HTTP/1.1\r\nAT\r\n",
    "a request that comes later": b"AT\r\nGET / HTTP/1.1\r\nAT\r\n",
    "the Ameba": b"AT+TEST\r\nAT+SKTSTATE\r\n",
    "no end": b"AT",
    "nothing": b"",
}


def whole(data):
    return [data] if data else []


def byte_by_byte(data):
    return [data[at : at + 1] for at in range(len(data))]


def in_pieces(data):
    dice, pieces = random.Random(len(data)), []
    while data:
        size = dice.randint(1, 9)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


each_cut = pytest.mark.parametrize("cut", [whole, byte_by_byte, in_pieces])
each_dialect = pytest.mark.parametrize("name", dialects.names())


class Ear(LineLayer):
    """A line that hears what comes."""

    def __init__(self, inner):
        super().__init__(inner)
        self.heard = bytearray()

    def receive(self, data, now):
        self.heard += data
        super().receive(data, now)


def behind(name="sm-1.0"):
    """Return a modem, what it hears behind a door, the door, and what was told of who came."""
    modem = Virtual(dialects.find(name))
    modem.take()
    told = []
    ear = Ear(modem.channel)
    return modem, ear, Door(ear, lambda: told.append(""), told.append), told


@each_dialect
@each_cut
@pytest.mark.parametrize("data", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_refused_once_and_nothing_of_it_is_heard(name, cut, data):
    modem, ear, door, told = behind(name)
    for piece in cut(data):
        door.receive(piece, 0.0)
    door.eof(0.0)
    modem.pump()
    assert told == ["TLS" if data.startswith(b"\x16") else "HTTP"]
    assert (ear.heard, door.unread, modem.take()) == (b"", 0, b"")


@each_dialect
@each_cut
@pytest.mark.parametrize("data", HOSTS.values(), ids=HOSTS)
def test_a_host_is_answered_as_without_a_door(name, cut, data):
    modem, ear, door, told = behind(name)
    plain = Virtual(dialects.find(name))
    plain.take()
    for piece in cut(data):
        door.receive(piece, 0.0)
        modem.pump()
        plain.send(piece)
        assert modem.take() == plain.take()  # none has to wait
    door.eof(0.0)
    assert told == ([""] if data else [])
    assert (bytes(ear.heard), door.unread) == (data, modem.channel.unread)


@given(strategies.binary(max_size=60) | strategies.text("AT PO/H.1\r\n", max_size=40).map(str.encode))
def test_what_a_door_says_does_not_depend_on_how_bytes_are_cut(data):
    said = []
    for cuts in ([data], byte_by_byte(data)):
        _, ear, door, told = behind()
        for piece in cuts:
            door.receive(piece, 0.0)
        door.eof(0.0)
        said.append((told, bytes(ear.heard)))
    assert said[0] == said[1]
    assert said[0][1] in (data, b"")


@given(strategies.binary(max_size=60))
def test_what_is_held_has_no_end_of_a_line(data):
    if protocol_of(data) is None:
        assert not set(data) & set(b'\r\n\0"')


class TestEndpoint:
    @pytest.fixture
    def modems(self, caplog):
        caplog.set_level(logging.WARNING, "vmodem")
        with Modems(vmodem.Tcp()) as modems:
            yield modems

    def port(self, modems):
        return int(modems.where[0].rpartition(":")[2])

    def test_a_post_reaches_no_service_on_loopback(self, modems, caplog):
        with socket.create_server(("127.0.0.1", 0)) as service, closing(modems.host()) as host:
            port = service.getsockname()[1]
            body = f'AT#XSOCKET=1,1,0\rAT#XCONNECT=0,"127.0.0.1",{port}\r'
            page = http.client.HTTPConnection("127.0.0.1", self.port(modems), timeout=PATIENCE)
            page.request("POST", "/", body, {"Content-Type": "text/plain"})
            where = shown(page.sock.getsockname())
            with pytest.raises((http.client.BadStatusLine, ConnectionError)):
                page.getresponse()
            eventually(lambda: caplog.messages)
            host.ask("AT")
            service.setblocking(False)
            with pytest.raises(BlockingIOError):
                service.accept()
        told = [f"{where}: the connection is closed: it begins as HTTP does, and nothing of it was executed"]
        assert caplog.messages == told

    def test_a_client_of_tls_is_refused(self, modems, caplog):
        with socket.create_connection(("127.0.0.1", self.port(modems))) as connection:
            connection.settimeout(PATIENCE)
            with pytest.raises((ssl.SSLError, ConnectionError)):  # what it hears is no TLS, or nothing
                ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
        eventually(lambda: caplog.messages)
        assert [message.partition(": ")[2] for message in caplog.messages] == [
            "the connection is closed: it begins as TLS does, and nothing of it was executed"
        ]

    def test_a_host_whose_machine_has_gone_is_noticed(self, modems):
        host = modems.host()
        host.ask("AT")
        endpoint = modems._started.call(lambda: modems._started.hub.endpoints[0])
        (connection,) = endpoint._sessions.values()
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [connection.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [60, 15, 4]
        host.close()
