"""TLS and DTLS peers that are not ours: `openssl`, `gnutls-serv`, Python's ssl module."""

import contextlib
import os
import re
import select
import socket
import ssl
import subprocess
import threading
import time

from tests.certificates import CERTIFICATES
from tests.needs import needs
from tests.network.worlds import LOOPBACK
from tests.patience import PATIENCE
from tests.peers import free_port
from vmodem.net.interface import Family, SocketType

STREAM, DGRAM = SocketType.STREAM, SocketType.DGRAM

needs_openssl = needs("openssl")
needs_gnutls = needs("gnutls-serv")


class Program:
    """Another program, its input and its output."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()

    def say(self, data):
        self.process.stdin.write(data)

    def hear(self, pattern):
        """Wait for ``pattern`` in its output; return the match."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.got)):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert readable, f"{pattern} did not come, but {self.got.decode(errors='replace')}"
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"it ended after {self.got.decode(errors='replace')}"
            self.got += piece
        self.got = self.got[found.end() :]
        return found


def identity(files, name):
    return ["-cert", str(files / f"{name}.pem"), "-key", str(files / f"{name}.key")]


@contextlib.contextmanager
def s_server(files, *options, kind=STREAM, own="server", family=Family.IPV4):
    """`openssl s_server`: what comes from its input is sent, what comes is in its output."""
    host = "[::1]" if family is Family.IPV6 else "127.0.0.1"
    version = "-tls1_2" if kind is STREAM else "-dtls1_2"
    command = ["openssl", "s_server", "-accept", f"{host}:0", version, *(identity(files, own) if own else ["-nocert"])]
    with Program(*command, *options) as program:
        port = int(program.hear(rb"ACCEPT \S+:(\d+)\n")[1])
        program.address = (LOOPBACK[family], port)
        yield program


@contextlib.contextmanager
def gnutls_serv(*options, kind=STREAM):
    """`gnutls-serv`, which echoes."""
    port = free_port()
    udp = ["--udp"] if kind is DGRAM else []
    with Program("gnutls-serv", *udp, "--echo", "-p", str(port), *options) as program:
        program.hear(rb"IPv4 \S+ port \d+...done")
        program.address = ("127.0.0.1", port)
        yield program


@contextlib.contextmanager
def python_server(serve, *, wrap=True):
    """A server of Python's ssl module on a thread: ``serve`` gets the connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # which older versions of Python set
    memory = os.memfd_create("certificate")
    os.write(memory, CERTIFICATES.server.certificate + CERTIFICATES.server.key)
    context.load_cert_chain(f"/proc/self/fd/{memory}")
    os.close(memory)

    def run():
        connection, _ = listener.accept()
        connection.settimeout(PATIENCE)
        try:
            with context.wrap_socket(connection, server_side=True) if wrap else connection as secured:
                serve(secured)
        except OSError as error:
            failures.append(error)

    failures = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert failures == []
