"""Socket options of the nRF91 dialects at the kernel: what getsockopt says of a socket, and what comes of it."""

import socket

import pytest

from tests.hosts import Modems
from tests.network.test_ameba import duplicate
from tests.patience import PATIENCE
from tests.peers import free_port
from vmodem import Tcp, dialects

ERROR = b"\r\nERROR\r\n"
NRF = [name for name in dialects.MODULES if dialects.find(name).family == "nrf"]
STREAM, DGRAM = 1, 2
SERVER = 1
REUSEADDR = 2


class Device:
    """A host of any dialect of the family, with one socket."""

    def __init__(self, host, name):
        self.host = host
        self.named = "0," if name.startswith("sm") else ""

    def ask(self, command, *values, answer=b"OK"):
        """Send a command for the socket; check its result, and return what comes before it."""
        line = f"AT#{command}={self.named}{','.join(map(str, values))}".rstrip(",=")
        self.host.send(line.encode() + self.host.end)
        told = self.host.read_until(b"\r\n" + answer + b"\r\n")
        assert told.count(b"ERROR") == (answer == b"ERROR"), told
        return told

    def open(self, kind):
        self.host.send(f"AT#XSOCKET=1,{kind},{SERVER}".encode() + self.host.end)
        self.host.read_until(b"\r\nOK\r\n")

    def reuse(self, value):
        if value is not None:
            self.ask("XSOCKETOPT", 1, REUSEADDR, value)


@pytest.fixture(params=NRF)
def device(request):
    with Modems(Tcp(), dialect=request.param) as served:
        host = served.host()
        yield Device(host, request.param)
        host.close()


def reuse_of(port):
    """Return SO_REUSEADDR of the socket of the modem that is bound to ``port``."""
    with duplicate(lambda sock: sock.getsockname() == ("127.0.0.1", port)) as sock:
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [(STREAM, 0, 0), (STREAM, 1, 1), (STREAM, None, 1), (DGRAM, 0, 0), (DGRAM, 1, 1), (DGRAM, None, 0)],
)
def test_reuse_of_addresses_is_the_kernels(device, kind, value, expected):
    """0 as well as 1; where the host says nothing, a server can be started again at once, as on a device."""
    port = free_port()
    device.open(kind)
    device.reuse(value)
    device.ask("XBIND", port)
    assert reuse_of(port) == expected
    for later in (1, 0):
        device.reuse(later)
        assert reuse_of(port) == later


@pytest.mark.parametrize(("value", "answer"), [(0, b"ERROR"), (1, b"OK"), (None, b"OK")])
def test_a_port_whose_connection_was_just_closed(device, value, answer):
    """The kernel keeps a closed connection for a minute; only who asked not to reuse its port has to wait for it."""
    port = free_port()
    device.open(STREAM)
    device.ask("XBIND", port)
    device.ask("XLISTEN")
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        device.ask("XACCEPT", 10)
        close = b"AT#XCLOSE" if device.named else b"AT#XSOCKET=0"
        device.host.send(close + device.host.end)
        device.host.read_until(b"\r\nOK\r\n")
        assert client.recv(1) == b""
    device.open(STREAM)
    device.reuse(value)
    device.ask("XBIND", port, answer=answer)
