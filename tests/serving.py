"""A real `vmodem serve`, and the hosts and peers that talk to it."""

import contextlib
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import time
import tty
from pathlib import Path

from vmodem import dialects
from vmodem.transcripts.matching import ENDS

PATIENCE = 10


class Served:
    """A running `vmodem serve`; ``where`` holds what it printed: a path or HOST:PORT for each endpoint."""

    def __init__(self, *options, endpoints=1, **popen):
        self.dialect = dialects.find(options[options.index("--dialect") + 1] if "--dialect" in options else "sm")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vmodem", "serve", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **popen,
        )
        self.where = [self.process.stdout.readline().rstrip("\n") for _ in range(endpoints)]
        assert self.where[-1], self.process.stderr.read()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def stop(self, number=signal.SIGTERM):
        """Stop it; return its exit status and what it logged."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, log = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, log

    def host(self, endpoint=0):
        """Connect a host and swallow the banner."""
        where = self.where[endpoint]
        end = ENDS[self.dialect.terminator]
        host = TcpHost(where, end) if ":" in where else PtyHost(where, end)
        try:
            host.expect(self.dialect.banner)
        except AssertionError:
            host.close()
            raise
        return host

    def descriptors(self):
        """Return how many descriptors it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident(self):
        """Return its resident memory in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


class Host:
    """The host of a modem, on a descriptor; ``end`` is what it ends its lines with."""

    def __init__(self, fd, end=b"\r"):
        self.fd = fd
        self.end = end
        self.got = bytearray()

    def send(self, data):
        """Send all of ``data``, however slowly the modem takes it."""
        while data:
            _, writable, _ = select.select([], [self.fd], [], PATIENCE)
            assert writable, f"the modem takes nothing, {len(data)} bytes are left"
            data = data[self.write(data) :]

    def send_what_fits(self, data, patience=0.3):
        """Send until the modem takes no more for ``patience`` seconds; return how many bytes it took."""
        sent = 0
        while sent < len(data) and select.select([], [self.fd], [], patience)[1]:
            sent += self.write(data[sent : sent + 4096])
        return sent

    def write(self, data):
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    def read_until(self, end, patience=PATIENCE):
        """Return everything up to and including ``end``."""
        deadline = time.monotonic() + patience
        while (at := self.got.find(end)) < 0:
            left = deadline - time.monotonic()
            readable, _, _ = select.select([self.fd], [], [], max(0, left))
            assert readable, f"{end!r} did not come, but {bytes(self.got)!r}"
            piece = os.read(self.fd, 65536)
            assert piece, f"the modem hung up after {bytes(self.got)!r}"
            self.got += piece
        found = bytes(self.got[: at + len(end)])
        del self.got[: at + len(end)]
        return found

    def read(self, size):
        """Return exactly ``size`` bytes."""
        while len(self.got) < size:
            readable, _, _ = select.select([self.fd], [], [], PATIENCE)
            assert readable, f"{bytes(self.got)!r} came, not {size} bytes"
            self.got += os.read(self.fd, 65536)
        found = bytes(self.got[:size])
        del self.got[:size]
        return found

    def expect(self, expected):
        """Check that exactly ``expected`` comes next."""
        found = b""
        while len(found) < len(expected):
            found += self.read_until(expected[-1:])
        assert found == expected, f"{found!r} came in place of {expected!r}"

    def ask(self, line, answer=b"\r\nOK\r\n"):
        """Send a line and check the whole answer."""
        self.send(line.encode("latin-1") + self.end)
        self.expect(answer if isinstance(answer, bytes) else answer.encode("latin-1"))

    def silent(self, patience=0.2):
        """Check that nothing comes."""
        readable, _, _ = select.select([self.fd], [], [], patience)
        assert not readable, os.read(self.fd, 65536)
        assert not self.got

    def close(self):
        os.close(self.fd)


class PtyHost(Host):
    """A host that has a terminal open."""

    def __init__(self, path, end=b"\r"):
        super().__init__(os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK), end)
        tty.setraw(self.fd, when=0)


class TcpHost(Host):
    """A host on a TCP connection."""

    def __init__(self, where, end=b"\r"):
        host, _, port = where.rpartition(":")
        self.sock = socket.create_connection((host.strip("[]"), int(port)))
        self.sock.setblocking(False)
        super().__init__(self.sock.fileno(), end)

    def close(self):
        self.sock.close()


def eventually(true, patience=PATIENCE):
    """Wait until ``true()``, which another process makes so."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


@contextlib.contextmanager
def tcp_server(family=socket.AF_INET):
    """A TCP server on loopback."""
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((address, 0), family=family) as listener:
        listener.settimeout(PATIENCE)
        yield listener


PORTS = itertools.cycle(range(4000))
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 5


def free_port():
    """Return a port of loopback that nobody has, TCP or UDP, and that nobody will be given meanwhile.

    It is below those that the kernel gives to connections, and each worker has its own.
    """
    while True:
        port = 10_000 + 4000 * WORKER + (os.getpid() + next(PORTS)) % 4000
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
            return port


def port_of(sock):
    """Return the local port of ``sock``."""
    return sock.getsockname()[1]


def accept(listener):
    """Accept a connection."""
    connection, _ = listener.accept()
    connection.settimeout(PATIENCE)
    return connection


def receive(connection, size):
    """Return exactly ``size`` bytes of a connection."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(1 << 16, size - len(data)))
        assert piece, f"the stream ended after {len(data)} of {size} bytes"
        data += piece
    return bytes(data)
