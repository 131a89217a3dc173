"""Connection identifiers with servers: OpenSSL behind a transcoding of the tests' own, and mbedTLS where it is here."""

import socket
import time

import pytest
from OpenSSL._util import lib

from tests import cid as ours
from tests.cid import SUITES, WAYS, Client, certificate, client_context, records, talk
from tests.network import mbedtls
from tests.patience import PATIENCE
from vmodem.tls.cid import CidStatus

SUITE = "PSK-AES128-GCM-SHA256"


def our_server(own, suite=SUITE, etm=True):
    return ours.Server(own, suite, etm)


def mbedtls_server(own, suite=SUITE, etm=True, **options):
    chain = None if suite.startswith("PSK") else certificate("RSA" if "RSA" in suite else "EC")
    return mbedtls.Server(own, SUITES[suite], chain, etm, **options)


every_server = pytest.mark.parametrize(
    "server_of", [pytest.param(our_server, id="ours"), pytest.param(mbedtls_server, id="mbedTLS", marks=mbedtls.needed)]
)


def converse(client, server):
    """Shake hands where that is to be done, and say something both ways."""
    talk(client, server)
    client.send(b"up")
    server.send(b"down" * 50)
    talk(client, server)
    assert server.received[-1] == b"up"
    assert client.received[-1] == b"down" * 50


# mbedTLS, suite by suite and case by case.


@mbedtls.needed
@pytest.mark.parametrize(("suite", "etm"), WAYS)
def test_every_suite(suite, etm):
    client, server = Client(client_context(suite.encode()), b"client"), mbedtls_server(b"server", suite, etm)
    converse(client, server)
    assert client.cid.status is CidStatus.BIDIRECTIONAL
    assert server.peer_cid() == b"client"


@mbedtls.needed
@pytest.mark.parametrize(
    ("own", "server_own", "status"),
    [
        (b"", None, CidStatus.DISABLED),
        (b"", b"", CidStatus.DISABLED),
        (b"", b"server", CidStatus.UPLINK),
        (b"client", None, CidStatus.DISABLED),
        (b"client", b"", CidStatus.DOWNLINK),
        (b"c" * 32, b"s" * 32, CidStatus.BIDIRECTIONAL),
    ],
)
def test_both_ends_agree_on_who_uses_a_cid(own, server_own, status):
    client, server = Client(client_context(SUITE.encode()), own), mbedtls_server(server_own)
    converse(client, server)
    assert client.cid.status is status
    # Where neither end wants one, mbedTLS says that the extension is not in use.
    assert server.peer_cid() == (own if server_own is not None and (own or server_own) else None)


@mbedtls.needed
@pytest.mark.parametrize("suite", [SUITE, "PSK-AES128-CBC-SHA"])
@pytest.mark.parametrize("own", [b"", b"another"])
def test_a_resumed_session_has_new_cids(suite, own):
    context, cache = client_context(suite.encode()), mbedtls.Cache()
    first, server = Client(context, b"client"), mbedtls_server(b"server", suite, cache=cache)
    converse(first, server)
    first.close()
    again = Client(context, own, first.connection.get_session())
    server = mbedtls_server(b"other server", suite, cache=cache)
    converse(again, server)
    assert lib.SSL_session_reused(again.connection._ssl)
    assert again.cid.status is (CidStatus.BIDIRECTIONAL if own else CidStatus.UPLINK)
    assert server.peer_cid() == own


@mbedtls.needed
def test_a_session_that_the_server_forgot():
    context = client_context(SUITE.encode())
    first = Client(context, b"client")
    converse(first, mbedtls_server(b"server"))
    first.close()
    again, server = Client(context, b"another", first.connection.get_session()), mbedtls_server(b"server")
    converse(again, server)
    assert not lib.SSL_session_reused(again.connection._ssl)
    assert again.cid.status is CidStatus.BIDIRECTIONAL


@mbedtls.needed
def test_the_end_of_a_resumption_gets_lost():
    context, cache = client_context(SUITE.encode()), mbedtls.Cache()
    first, server = Client(context, b"client"), mbedtls_server(b"server", cache=cache)
    converse(first, server)
    first.close()
    again, server = Client(context, b"client", first.connection.get_session()), mbedtls_server(b"server", cache=cache)
    again.pump()
    for datagram in again.take():
        server.feed(datagram)
    for datagram in server.take():
        again.feed(datagram)
    assert again.done
    assert again.take()
    server.retransmit()
    converse(again, server)
    assert server.done


@mbedtls.needed
def test_a_server_that_wants_its_cookie_first():
    client, server = Client(client_context(SUITE.encode()), b"client"), mbedtls_server(b"server", cookies=True)
    converse(client, server)
    assert client.cid.status is CidStatus.BIDIRECTIONAL


@mbedtls.needed
def test_the_server_may_ask_for_another_handshake():
    client, server = Client(client_context(SUITE.encode()), b"client"), mbedtls_server(b"server", renegotiation=True)
    converse(client, server)
    server.renegotiate()
    talk(client, server)
    converse(client, server)


# What any server has to see.


@every_server
def test_the_server_says_good_bye(server_of):
    client, server = Client(client_context(SUITE.encode()), b"client"), server_of(b"server")
    converse(client, server)
    server.close()
    talk(client, server)
    assert client.closed


@every_server
def test_the_client_says_good_bye(server_of):
    client, server = Client(client_context(SUITE.encode()), b"client"), server_of(b"server")
    converse(client, server)
    client.close()
    talk(client, server)
    assert server.alert in ("closed", mbedtls.CLOSE_NOTIFY)


@every_server
@pytest.mark.parametrize("lost", ["ours", "the server's"])
def test_the_last_flight_gets_lost(server_of, lost):
    client, server = Client(client_context(SUITE.encode()), b"client"), server_of(b"server")
    client.pump()
    while not server.done and not any(record[0] == 25 for datagram in client.sent for record in records(datagram, 6)):
        for datagram in client.take():
            server.feed(datagram)
        for datagram in server.take():
            client.feed(datagram)
    if lost == "the server's":
        for datagram in client.take():
            server.feed(datagram)
        server.take()
    client.take()
    deadline = time.monotonic() + PATIENCE
    while not client.expired():
        assert time.monotonic() < deadline
    converse(client, server)
    assert client.cid.status is CidStatus.BIDIRECTIONAL


# Addresses.


class Station:
    """A server's socket. It finds a connection by the CID of a record, or else by the address that it came from."""

    def __init__(self, connections):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)
        self.unused = list(connections)
        self.by_cid = {connection.own: connection for connection in connections if connection.own}
        self.by_address = {}
        self.addresses = {}

    def serve(self):
        """Take one datagram, and answer where its connection was last heard of."""
        datagram, address = self.socket.recvfrom(65536)
        connection = self.by_address.get(address)
        if datagram[0] == 25:
            connection = self.by_cid.get(datagram[11:17])
        elif connection is None and datagram[0] == 22 and datagram[3:5] == b"\0\0":
            connection = self.unused.pop(0)
            self.by_address[address] = connection
        if connection is not None:
            self.addresses[connection] = address
            connection.feed(datagram)
            self.flush(connection)

    def flush(self, connection):
        for datagram in connection.take():
            self.socket.sendto(datagram, self.addresses[connection])


class Device:
    """A client behind a socket of its own, which it may change."""

    def __init__(self, client, station):
        self.client = client
        self.station = station
        self.move()

    def move(self):
        """Get another port, as from a NAT that forgot."""
        old = getattr(self, "socket", None)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(self.station.socket.getsockname())
        self.socket.settimeout(PATIENCE)
        if old is not None:
            assert old.getsockname() != self.socket.getsockname()
            old.close()

    def flush(self):
        for datagram in self.client.take():
            self.socket.send(datagram)
            self.station.serve()

    def receive(self):
        self.client.feed(self.socket.recv(65536))
        self.flush()

    def connect(self):
        self.client.pump()
        self.flush()
        while not self.client.done:
            self.receive()


@pytest.fixture
def devices_of():
    """Return a function that connects two devices to one station."""
    opened = []

    def make(server_of, suite, owns):
        servers = [server_of(own, suite) for own in owns]
        station = Station(servers)
        context = client_context(suite.encode())
        devices = [Device(Client(context, own), station) for own in (b"one", b"two")]
        opened.extend([station, *devices])
        for device in devices:
            device.connect()
        return station, servers, devices

    yield make
    for each in opened:
        each.socket.close()


@every_server
@pytest.mark.parametrize("suite", [SUITE, "ECDHE-ECDSA-AES128-CCM8", "PSK-AES128-CBC-SHA256"])
def test_traffic_goes_on_when_the_port_changes(devices_of, server_of, suite):
    station, servers, devices = devices_of(server_of, suite, [b"first!", b"second"])
    for turn in range(3):
        for device, server in zip(devices, servers, strict=True):
            device.move()
            device.client.send(b"up %d" % turn)
            device.flush()
            assert server.received[-1] == b"up %d" % turn
            server.send(b"down %d" % turn)
            station.flush(server)
            device.receive()
            assert device.client.received[-1] == b"down %d" % turn


@every_server
def test_without_a_cid_of_the_server_it_does_not(devices_of, server_of):
    _, servers, devices = devices_of(server_of, SUITE, [b"", b""])
    devices[0].move()
    devices[0].client.send(b"up")
    devices[0].flush()
    assert servers[0].received == []
