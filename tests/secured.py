"""A virtual modem with a TLS connection, and the server's end of it: TLS of our own on a network of its own."""

from __future__ import annotations

from tests.certificates import CERTIFICATES
from vmodem import dialects
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Family, SocketType
from vmodem.tls.security import PeerVerify, Security
from vmodem.tls.stack import Tls
from vmodem.virtual import Virtual


class Driver:
    def __init__(self):
        self.now = 0.0
        self.events = []
        self.answers = []
        self.rescheduled = 0

    def socket_ready(self, socket, events):
        self.events.append((socket, events))

    def resolved(self, token, answer):
        self.answers.append((token, answer))

    def reschedule(self):
        self.rescheduled += 1


def ask(modem, line):
    modem.send(line.encode() + b"\r")
    return modem.take()


def connected(**options):
    """Return a modem with a TLS connection, and the server's end of it."""
    store = Store()
    store.write(Slot(Area.MODEM, 1, Kind.CA), CERTIFICATES.ca.certificate)
    modem = Virtual(dialects.find("sm-1.0"), store=store, **options)
    modem.take()
    ask(modem, "AT#XSSOCKET=1,1,0,1,0")
    modem.send(b'AT#XCONNECT=0,"192.0.2.1",7\r')
    server = Server(modem)
    server.talk()
    return modem, server


class Server:
    """The server at the other end of a modem's TLS connection."""

    def __init__(self, modem):
        self.modem = modem
        self.peer = modem.network.peers[-1]
        self.network = FakeNetwork("192.0.2.1")
        self.network.driver = Driver()
        listening = self.network.open(Family.IPV4, SocketType.STREAM)
        listening.bind(7)
        listening.listen(1)
        self.client = self.network.incoming(7, ("192.0.2.2", 49152))
        plain, _ = listening.accept()
        security = Security(bundle=CERTIFICATES.having(CERTIFICATES.server), server=True, peer_verify=PeerVerify.NONE)
        self.socket = Tls(bytes).secure(plain, security)

    def carry(self):
        """Take what either end has sent to the other; return whether there was anything."""
        up, down = self.peer.take(), self.client.take()
        if up:
            self.client.send(up)
        if down:
            self.peer.send(down)
        self.network.deliver()
        self.modem.pump()
        return bool(up or down)

    def talk(self):
        """Do the handshake, in steps of 100 ms."""
        for _ in range(100):
            try:
                self.socket.handshake()
                done = True
            except BlockingIOError:
                done = False
            if not self.carry():
                if done and self.modem.channel.output:
                    return
                self.modem.wait(0.1)
        raise AssertionError("the handshake does not end")
