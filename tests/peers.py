"""The peers of a modem: what listens, connects and sends at the other end of its sockets."""

import contextlib
import itertools
import os
import socket
import struct

from tests.patience import PATIENCE


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


def reset(connection):
    """Close a connection by a reset, which says nothing of what was received."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def receive(connection, size):
    """Return exactly ``size`` bytes of a connection."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(1 << 16, size - len(data)))
        assert piece, f"the stream ended after {len(data)} of {size} bytes"
        data += piece
    return bytes(data)
