"""Every command that waits, with everything that can happen to its connection, in virtual time."""

import logging

import pytest
from tests import waits
from tests.certificates import CERTIFICATES
from tests.waits import ERROR, LATE, NEVER, OK, ONCE, TIMEOUT

from vmodem import dialects
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.net.fake import FakeNetwork
from vmodem.virtual import Virtual

PEER = ("192.0.2.1", 7)
WINDOW = 4096


@pytest.fixture(autouse=True)
def no_bug_of_ours(caplog):
    """Any error in the log is an exception that nobody expected."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


class Bench:
    """A virtual modem of one dialect, and its peer."""

    def __init__(self, dialect, *, window=WINDOW):
        store = Store()
        store.write(Slot(Area.MODEM, 1, Kind.CA), CERTIFICATES.ca.certificate)
        store.write(Slot(Area.CLIENT, 1, Kind.CA), CERTIFICATES.ca.certificate)
        self.dialect = dialect
        self.network = FakeNetwork(window=window)
        self.modem = Virtual(dialects.find(dialect), network=self.network, store=store)
        self.end = waits.END.get(dialect, b"\r\n")
        self.plain = self.secure = None
        self.modem.take()

    def send(self, line):
        self.modem.send(line.encode() + self.end)

    def ask(self, line):
        self.send(line)
        return self.modem.take()

    def connect(self, transport):
        if self.dialect == "ameba-2.4":
            kind = {"tcp": 1, "tls": 3, "udp": 0}[transport]
            self.send(f"AT+SKTCLIENT=0,{kind},{'1' if kind == 3 else ''},{PEER[0]},{PEER[1]},,0")
        else:
            assert ask_open(self, transport).endswith(OK)
            self.send(f'AT#XCONNECT={"0," if self.dialect == "sm-1.0" else ""}"{PEER[0]}",{PEER[1]}')
        self.plain = self.network.peers[-1]
        if transport in ("tls", "dtls"):
            self.secure = waits.SecurePeer(self.plain, datagrams=transport == "dtls")
            while not self.secure.shake():
                self.modem.pump()
            self.modem.pump()
        assert self.modem.take().endswith(OK)

    def fill(self, cell):
        """Send until the network takes no more: on a plain connection the last of it fits exactly."""
        self.plain.stop_reading()
        if not cell.fills:
            return
        sent = self.network.window if cell.transport == "tcp" else 2 * self.network.window
        lines = {
            "sm-1.0": 'AT#XSEND=0,0,0,"{}"',
            "ameba-2.4": "AT+SKTSEND=0,{size},,,{}",
        }
        line = lines.get(self.dialect, 'AT#XSEND="{}"')
        while sent and self.plain.unread < self.network.window:
            piece = "x" * min(sent, 1024)
            assert self.ask(line.format(piece, size=len(piece))).endswith(OK)
            sent -= len(piece)

    def setup(self, cell):
        for line in cell.setup:
            assert self.ask(line).endswith(OK), line

    def happen(self, cell):
        waits.happen(self.plain, self.secure, cell, lambda: self.network.set_link(up=False))
        self.modem.pump()

    def expect(self, outcome, opening=b""):
        """Check that exactly this is answered, at its time."""
        answer = outcome.answer
        if answer.count(b"%b"):
            values = (PEER[0].encode(), PEER[1])
            answer = answer % values[: answer.count(b"%")]
        if outcome.when == ONCE:
            self.modem.wait(0.1)
        else:
            self.modem.wait(TIMEOUT - 1 if outcome.when == LATE else 10_000)
            assert self.modem.take() == opening
            opening = b""
            self.modem.wait(1.2)
        assert self.modem.take() == (b"" if outcome.when == NEVER else opening + answer)


def ask_open(bench, transport):
    kind = 1 if transport in waits.STREAMS else 2
    if transport in ("tls", "dtls"):
        return bench.ask(f"AT#XSSOCKET=1,{kind},0,1,0")
    return bench.ask(f"AT#XSOCKET=1,{kind},0")


def run(cell):
    bench = Bench(cell.dialect)
    if cell.setup and cell.dialect == "ameba-2.4":  # its options are those of the links made later
        timeout = int(cell.setup[0].split()[1]) * 1000
        assert bench.ask(f"AT+SKTCFG={timeout}").endswith(OK)
    bench.connect(cell.transport)
    if cell.dialect != "ameba-2.4":
        bench.setup(cell)
    if "SEND" in cell.line:
        bench.fill(cell)
    if cell.before:
        bench.happen(cell)
    opening = cell.opening
    for index, outcome in enumerate(cell.outcomes):
        bench.send(cell.line)
        if cell.raw:
            bench.modem.send(cell.raw)
        if not cell.before and not index:
            assert bench.modem.take() == opening
            opening = b""
            bench.happen(cell)
        bench.expect(outcome, opening)
        opening = cell.opening


@pytest.mark.parametrize("cell", [*waits.receive_cells()], ids=lambda cell: cell.name)
def test_receive(cell):
    run(cell)


@pytest.mark.parametrize("cell", [*waits.send_cells()], ids=lambda cell: cell.name)
def test_send(cell):
    run(cell)


@pytest.mark.parametrize("cell", [*waits.poll_cells()], ids=lambda cell: cell.name)
def test_poll(cell):
    run(cell)


@pytest.mark.parametrize("cell", [*waits.asynchronous_poll_cells()], ids=lambda cell: cell.name)
def test_asynchronous_poll(cell):
    run(cell)


CONNECT_LIMITS = {"sm-1.0": 30, "ameba-2.4": 20}
HANDSHAKE_LIMITS = {"ameba-2.4": 60, "sm-1.0": 30}
NRF = ("sm-1.0", "slm-1.9", "slm-2.0", "slm-2.7")


def failed(dialect, code):
    return b"\r\nERROR: %d\r\n" % code if dialect == "ameba-2.4" else ERROR


def begin_connecting(bench, transport):
    """Send the command that connects; return the peer."""
    if bench.dialect == "ameba-2.4":
        kind = {"tcp": 1, "tls": 3}[transport]
        bench.send(f"AT+SKTCLIENT=0,{kind},{'1' if kind == 3 else ''},{PEER[0]},{PEER[1]},,0")
    else:
        assert ask_open(bench, transport).endswith(OK)
        if bench.dialect != "sm-1.0":
            assert bench.ask("AT#XSOCKETOPT=1,21,30").endswith(OK)
        bench.send(f'AT#XCONNECT={"0," if bench.dialect == "sm-1.0" else ""}"{PEER[0]}",{PEER[1]}')
    return bench.network.peers[-1]


@pytest.mark.parametrize("dialect", waits.DIALECTS)
@pytest.mark.parametrize("transport", waits.STREAMS)
@pytest.mark.parametrize("happens", ["nothing", "resets", "link"])
def test_connect(dialect, transport, happens):
    bench = Bench(dialect)
    bench.network.silent.add(PEER)
    peer = begin_connecting(bench, transport)
    assert not bench.modem.take()
    answer = failed(dialect, 2 if transport == "tcp" else 13)
    if happens == "nothing":
        limit = CONNECT_LIMITS.get(dialect, 30)
        bench.modem.wait(limit - 1)
        assert not bench.modem.take()
        bench.modem.wait(1)
    elif happens == "resets":
        peer.reset()
    else:
        bench.network.set_link(up=False)
    bench.modem.pump()
    assert bench.modem.take() == answer


@pytest.mark.parametrize("dialect", waits.DIALECTS)
@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("happens", waits.PLAIN)
def test_a_connection_that_ends_as_soon_as_it_is_made(dialect, transport, happens):
    """Connected, the end is told by the next receive; where there is a handshake to do, it fails."""
    bench = Bench(dialect)
    bench.network.silent.add(PEER)
    peer = begin_connecting(bench, transport)
    peer.accept()
    cell = next(cell for cell in waits.receive_cells() if (cell.transport, cell.happens) == ("tcp", happens))
    waits.happen(peer, None, cell, lambda: bench.network.set_link(up=False))
    bench.modem.pump()
    limits = HANDSHAKE_LIMITS if transport == "tls" else CONNECT_LIMITS
    answer = bench.modem.take()
    if transport == "tls" and happens == "nothing":
        assert not answer
        bench.modem.wait(limits.get(dialect, 30) - 1)
        assert not bench.modem.take()
        bench.modem.wait(1)
        answer = bench.modem.take()
    if transport == "tls" or happens == "link":
        code = 14 if transport == "tls" else 2
        if happens == "link" and transport == "tls":
            code = 13  # it is lost before the handshake has begun
        assert answer == failed(dialect, code)
    else:
        assert answer.endswith(OK)


@pytest.mark.parametrize("dialect", waits.DIALECTS)
@pytest.mark.parametrize("happens", waits.PLAIN)
@pytest.mark.parametrize("data", [b"", b"no record of TLS"])
def test_handshake(dialect, happens, data):
    """The peer takes the first flight, and then it does something else than to answer it."""
    bench = Bench(dialect)
    peer = begin_connecting(bench, "tls")
    assert peer.take()
    cell = next(cell for cell in waits.receive_cells() if cell.happens == happens and not cell.data)
    if data:
        peer.send(data)
    waits.happen(peer, None, cell, lambda: bench.network.set_link(up=False))
    bench.modem.pump()
    if happens == "nothing" and not data:
        assert not bench.modem.take()
        bench.modem.wait(HANDSHAKE_LIMITS.get(dialect, 30))
    assert bench.modem.take() == failed(dialect, 14)


@pytest.mark.parametrize("dialect", NRF)
@pytest.mark.parametrize("happens", ["nothing", "link"])
def test_dtls_handshake(dialect, happens):
    bench = Bench(dialect)
    begin_connecting(bench, "dtls")
    if happens == "link":
        bench.network.set_link(up=False)
        bench.modem.pump()
    else:
        bench.modem.wait(122)
        assert not bench.modem.take()
        bench.modem.wait(2)
    assert bench.modem.take() == ERROR


ACCEPTED = {"sm-1.0": 1, "slm-1.9": 2, "slm-2.0": 1, "slm-2.7": 2}


def listening(dialect):
    bench = Bench(dialect)
    handle = "0," if dialect == "sm-1.0" else ""
    listen = f"AT#XLISTEN{'=0' if handle else ''}"
    for line in ("AT#XSOCKET=1,1,1", f"AT#XBIND={handle}1234", listen):
        assert bench.ask(line).endswith(OK)
    return bench, handle


@pytest.mark.parametrize("dialect", NRF)
@pytest.mark.parametrize("happens", waits.PLAIN)
@pytest.mark.parametrize("data", [b"", b"xyz"])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("limit", [TIMEOUT, 0])
def test_accept(dialect, happens, data, before, limit):
    """A client comes, and what else it does; the connection is accepted, and the next receive tells the rest."""
    bench, handle = listening(dialect)
    if not before:
        assert not bench.ask(f"AT#XACCEPT={handle}{limit}")
    peer = bench.network.incoming(1234, ("192.0.2.9", 5000))
    if data:
        peer.send(data)
    if happens != "link":
        cell = next(cell for cell in waits.receive_cells() if cell.happens == happens and not cell.data)
        waits.happen(peer, None, cell, None)
    bench.modem.pump()
    if before:
        bench.send(f"AT#XACCEPT={handle}{limit}")
    assert bench.modem.take() == b'\r\n#XACCEPT: %d,"192.0.2.9"\r\n\r\nOK\r\n' % ACCEPTED[dialect]
    if happens == "link":
        bench.network.set_link(up=False)
        bench.modem.pump()
    line = f"AT#XRECV=0,0,0,{TIMEOUT},10" if handle else f"AT#XRECV={TIMEOUT}"
    receive = next(r for r in waits.receives() if (r.dialect, r.line) == (dialect, line))
    for outcome in receive.outcomes(happens, data):
        bench.send(line)
        bench.expect(outcome)


@pytest.mark.parametrize("dialect", NRF)
@pytest.mark.parametrize("happens", ["nothing", "link"])
@pytest.mark.parametrize("limit", [TIMEOUT, 0])
def test_accept_nobody(dialect, happens, limit):
    bench, handle = listening(dialect)
    assert not bench.ask(f"AT#XACCEPT={handle}{limit}")
    if happens == "link":
        bench.network.set_link(up=False)
        bench.modem.pump()
        bench.expect(waits.Outcome(ONCE, ERROR))
    else:
        bench.expect(waits.Outcome(LATE if limit else NEVER, ERROR))


UNASKED = {
    "slm-2.7 client": (
        "slm-2.7",
        b"\r\n#XTCPDATA: 3\r\nxyz",
        dict.fromkeys(waits.SECURE[1:], b'\r\n#XTCPCLI: -104,"disconnected"\r\n'),
    ),
    "slm-2.7 server": (
        "slm-2.7",
        b"\r\n#XTCPDATA: 3\r\nxyz",
        {
            **dict.fromkeys(waits.SECURE[1:], b'\r\n#XTCPSVR: 0,"disconnected"\r\n'),
            "resets": b'\r\n#XTCPSVR: -104,"disconnected"\r\n',
            "link": b'\r\n#XTCPSVR: -104,"disconnected"\r\n\r\n#XTCPSVR: -104,"stopped"\r\n',
        },
    ),
    "ameba-2.4": ("ameba-2.4", b"[$][SKT][DATA][0][3]:xyz\r\n", {}),
}
"""What is told without a command: the data, then the end, where the device tells it."""


@pytest.mark.parametrize("who", UNASKED)
@pytest.mark.parametrize("happens", waits.PLAIN)
@pytest.mark.parametrize("data", [b"", b"xyz"])
@pytest.mark.parametrize("sends", [False, True], ids=["idle", "a send is blocked"])
def test_unasked(who, happens, data, sends):
    """What comes is passed on to the end, also where a send waits for the same peer; it fails then, or goes on."""
    dialect, header, ends = UNASKED[who]
    bench = Bench(dialect, window=10)
    if who.endswith("server"):
        bench.ask("AT#XTCPSVR=1,1234")
        peer = bench.network.incoming(1234, ("192.0.2.9", 5000))
        bench.modem.pump()
    else:
        bench.ask(
            'AT#XTCPCLI=1,"192.0.2.1",7' if who.endswith("client") else f"AT+SKTCLIENT=0,1,,{PEER[0]},{PEER[1]},,1"
        )
        peer = bench.network.peers[-1]
    bench.modem.take()
    blocked = sends and happens != "nothing"
    if blocked:
        peer.stop_reading()
        line = 'AT#XTCPSEND="0123456789abc"' if dialect == "slm-2.7" else "AT+SKTSEND=0,13,,,0123456789abc"
        assert not bench.ask(line)
    if data:
        peer.send(data)
    cell = next(cell for cell in waits.receive_cells() if cell.happens == happens and not cell.data)
    waits.happen(peer, None, cell, lambda: bench.network.set_link(up=False))
    bench.modem.pump()
    answer = bench.modem.take()
    if blocked and happens == "shuts down" and data:
        # The data waits for the command to end, and the end behind it waits for the data; the peer may still read.
        assert not answer
        peer.start_reading()
        bench.modem.pump()
        answer = bench.modem.take().replace(b"\r\n#XTCPSEND: 13\r\n", b"").replace(OK, b"", 1)
    elif blocked:
        result = {"slm-2.7": ERROR, "ameba-2.4": b"\r\nERROR: 2\r\n"}[dialect]
        assert answer.startswith(result)
        answer = answer.removeprefix(result)
    if blocked and happens == "closes":
        happens = "resets"  # it has not read everything
    passed_on = header if data and happens != "link" else b""
    assert answer == passed_on + ends.get(happens, b"")
