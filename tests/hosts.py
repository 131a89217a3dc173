"""Modems in this process, and the hosts that talk to them or to any others."""

import os
import select
import socket
import time
import tty

import vmodem
from tests.patience import PATIENCE
from vmodem.transcripts.matching import ENDS


class Modems:
    """Modems that a thread of this process serves; ``where`` holds a path or HOST:PORT for each endpoint.

    ``profile`` is what they are: the keywords of a `vmodem.Profile`.
    """

    def __init__(self, *endpoints, **profile):
        made = vmodem.Profile(**profile)
        self.dialect = made.device
        self._started = vmodem.start(made, *endpoints)
        self.where = [place(endpoint) for endpoint in self._started.endpoints]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._started.close()

    def host(self, endpoint=0):
        """Connect a host and swallow the banner."""
        return connect(self.where[endpoint], self.dialect)


def place(endpoint):
    """Return the path or the HOST:PORT of an endpoint that describes itself."""
    return endpoint["path"] if "path" in endpoint else f"{endpoint['host']}:{endpoint['port']}"


def open_host(where, end=b"\r"):
    """Connect a host to a path or HOST:PORT."""
    return (TcpHost if ":" in where else PtyHost)(where, end)


def connect(where, dialect):
    """Connect a host to a path or HOST:PORT, and swallow the banner."""
    made = open_host(where, ENDS[dialect.terminator])
    try:
        made.expect(dialect.banner)
    except AssertionError:
        made.close()
        raise
    return made


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
