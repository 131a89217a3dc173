"""What those who listen are told of sockets and lookups."""

import pytest
from tests.secured import connected

from vmodem import dialects
from vmodem.core.trace import (
    Accepted,
    Bound,
    Closed,
    Connected,
    Connecting,
    Failed,
    Listening,
    LookUp,
    Opened,
    Received,
    Resolved,
    Secured,
    Sent,
    SocketEvent,
)
from vmodem.net.interface import Family, SocketType
from vmodem.virtual import Virtual

STREAM, DGRAM = SocketType.STREAM, SocketType.DGRAM
PEER = ("192.0.2.1", 7)


class Heard:
    """A trace that remembers what it is told of sockets and lookups."""

    def __init__(self):
        self.events = []

    def event(self, now, modem, channel, event):
        if isinstance(event, SocketEvent | LookUp | Resolved):
            self.events.append(event)

    def take(self):
        taken, self.events = self.events, []
        return taken


@pytest.fixture
def heard():
    trace = Heard()
    modem = Virtual(dialects.find("sm"), traces=(trace,))
    return modem, trace


def ask(modem, *lines):
    for line in lines:
        modem.send(line.encode() + b"\r")


def test_a_connection(heard):
    modem, trace = heard
    ask(modem, "AT#XSOCKET=1,1,0", 'AT#XCONNECT=0,"192.0.2.1",7', 'AT#XSEND=0,0,0,"hello"')
    modem.network.peers[0].send(b"world")
    ask(modem, "AT#XRECV=0,0,2,0", "AT#XRECV=0,0,0,0")
    modem.network.peers[0].close()
    ask(modem, "AT#XRECV=0,0,0,0", "AT#XCLOSE=0")
    assert trace.take() == [
        Opened(1, Family.IPV4, STREAM),
        Connecting(1, PEER),
        Connected(1),
        Sent(1, b"hello", None, False),
        Received(1, b"world", None, False),  # peeking is not receiving
        Received(1, b"", None, False),
        Closed(1),
    ]


def test_a_refused_connection_and_a_lookup(heard):
    modem, trace = heard
    modem.network.refused.add(PEER)
    modem.network.hosts["peer.test"] = ["192.0.2.1"]
    ask(modem, "AT#XSOCKET=1,1,0", 'AT#XCONNECT=0,"peer.test",7', 'AT#XCONNECT=0,"nobody.test",7')
    assert trace.take()[1:] == [
        LookUp("peer.test"),
        Resolved("peer.test", ("192.0.2.1",), ""),
        Connecting(1, PEER),
        Failed(1, "connect", "ECONNREFUSED"),
        LookUp("nobody.test"),
        Resolved("nobody.test", (), "EAI_NONAME"),
    ]


def test_datagrams_and_a_server(heard):
    modem, trace = heard
    ask(modem, "AT#XSOCKET=1,2,0", "AT#XBIND=0,5000", 'AT#XSENDTO=0,0,0,"192.0.2.1",7,"hello"')
    ask(modem, "AT#XSOCKET=1,1,1", "AT#XBIND=1,80", "AT#XLISTEN=1")
    modem.network.incoming(80, ("192.0.2.9", 9))
    ask(modem, "AT#XACCEPT=1,1", "AT+CFUN=4")
    assert trace.take() == [
        Opened(1, Family.IPV4, DGRAM),
        Bound(1, ("192.0.2.2", 5000)),
        Sent(1, b"hello", PEER, False),
        Opened(2, Family.IPV4, STREAM),
        Bound(2, ("192.0.2.2", 80)),
        Listening(2),
        Accepted(3, 2, ("192.0.2.9", 9)),
    ]


def test_the_log_at_debug(caplog):
    caplog.set_level("DEBUG")
    modem = Virtual(dialects.find("sm"))
    ask(modem, "AT#XSOCKET=1,1,0", 'AT#XCONNECT=0,"192.0.2.1",7')
    assert [line for line in caplog.messages if "socket" in line] == [
        "modem: socket 1 opened: IPV4, STREAM",
        "modem: socket 1 connects to 192.0.2.1:7",
        "modem: socket 1 is connected",
    ]


def test_a_secure_connection_is_seen_in_the_clear_and_known_to_be_secret(heard):
    _, trace = heard
    _, server = connected(traces=(trace,))
    modem = server.modem
    ask(modem, 'AT#XSEND=0,0,0,"hush"')
    server.socket.send(b"shh")
    server.carry()
    ask(modem, "AT#XRECV=0,0,0,0", "AT#XCLOSE=0")
    opened, connecting, there, secured, sent, received, closed = trace.take()
    assert (type(opened), type(connecting), type(there)) == (Opened, Connecting, Connected)
    assert (type(secured), secured.socket, secured.resumed) == (Secured, 1, False)
    assert (sent, sent.secret) == (Sent(1, b"hush", None, True), True)
    assert (received, received.secret) == (Received(1, b"shh", None, True), True)
    assert closed == Closed(1)
