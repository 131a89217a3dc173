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
