"""Cells of the grid of waits on real sockets: those whose outcome takes no time, of each kind."""

import socket

import pytest

from tests import waits
from tests.certificates import CERTIFICATES
from tests.hosts import Modems
from tests.network.worlds import HostConnection
from tests.patience import PATIENCE
from tests.peers import accept, port_of, tcp_server
from tests.waits import OK, ONCE
from vmodem import Tcp

LINES = {
    "sm-1.0": [f"AT#XRECV=0,0,{flags},{limit},10" for flags in (0, 2, 256, 258) for limit in (waits.TIMEOUT, 0)],
    "slm-2.7": [f"AT#XRECV={waits.TIMEOUT}", "AT#XPOLL=-1"],
}
"""Of those that wait at all: what looks once, or for 20 ms, might look before the kernel has delivered anything."""

CELLS = [
    cell
    for cell in [*waits.receive_cells(), *waits.poll_cells()]
    if cell.line in LINES.get(cell.dialect, ())
    and cell.transport in waits.STREAMS
    and cell.happens not in ("nothing", "link")
    and all(outcome.when == ONCE for outcome in cell.outcomes)
    # What is true when a poll looks is a race where two things happen one after the other.
    and not ("POLL" in cell.line and (cell.data or not cell.before))
]


class Connection(HostConnection):
    """The peer's end, as the grid wants it: what it sends goes at once, and is not lost by a reset."""

    def __init__(self, sock):
        super().__init__(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def take_all(self):
        return [self.sock.recv(1 << 16)]


@pytest.fixture(scope="module")
def served():
    """Return the modems of a dialect, which have the credentials."""
    made = {}

    def find(dialect):
        if dialect not in made:
            made[dialect] = Modems(Tcp(), dialect=dialect)
            write_credentials(made[dialect])
        return made[dialect]

    yield find
    for modems in made.values():
        modems.__exit__()


def write_credentials(modems):
    host = modems.host()
    host.ask("AT+CFUN=4")
    host.ask(f'AT%CMNG=0,1,0,"{CERTIFICATES.ca.certificate.decode()}"')
    host.ask("AT+CFUN=1")
    host.close()


@pytest.fixture
def listener():
    with tcp_server() as server:
        yield server


def connect(host, cell, listener):
    """Connect the modem; return the peer, and what secures it."""
    secure = cell.transport == "tls"
    where = f'"127.0.0.1",{port_of(listener)}'
    host.send((b"AT#XSSOCKET=1,1,0,1,0" if secure else b"AT#XSOCKET=1,1,0") + host.end)
    host.read_until(OK)
    host.send(f"AT#XCONNECT={'0,' if cell.dialect == 'sm-1.0' else ''}{where}".encode() + host.end)
    plain = Connection(accept(listener))
    secured = waits.SecurePeer(plain, datagrams=False) if secure else None
    while secured is not None and not secured.shake():
        pass
    host.read_until(OK)
    return plain, secured


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_cell(served, listener, cell):
    host = served(cell.dialect).host()
    plain, secured = connect(host, cell, listener)
    try:
        if cell.before:
            waits.happen(plain, secured, cell, None)
        for index, outcome in enumerate(cell.outcomes):
            host.send(cell.line.encode() + host.end)
            if not cell.before and not index:
                waits.happen(plain, secured, cell, None)
            host.expect(outcome.answer)
    finally:
        host.close()
        plain.close()


@pytest.mark.parametrize("end", ["close", "reset"])
def test_an_acknowledgement_that_never_comes(served, end):
    """Flag 512 waits for a peer that reads nothing, until that peer goes; so does data mode."""
    host = served("sm-1.0").host()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(PATIENCE)
        cell = next(cell for cell in CELLS if (cell.dialect, cell.transport) == ("sm-1.0", "tcp"))
        for line, raw, answer in (
            ("AT#XSEND=0,0,512", b"", b"\r\n#XSEND: 0,0\r\n\r\nERROR\r\n"),
            ("AT#XSEND=0,2,512", b"x" * 4000 + b"+++", b"\r\n#XDATAMODE: 0\r\n"),
        ):
            plain, _ = connect(host, cell, server)
            send = b'AT#XSEND=0,0,0,"%b"\r' % (b"x" * 4000)
            for _ in range(20):  # more than the peer's window
                host.send(send)
                host.expect(b"\r\n#XSEND: 0,4000\r\n\r\nOK\r\n")
            host.send(line.encode() + (b"\r" if raw else b',"waits"\r'))
            if raw:
                host.expect(OK)
                host.send(raw)
            host.silent()
            getattr(plain, end)()
            host.expect(answer)
            host.ask("AT#XCLOSE=0", b"\r\n#XCLOSE: 0,0\r\n\r\nOK\r\n")
    host.close()
