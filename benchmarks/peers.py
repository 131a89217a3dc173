"""What the benchmarks start, talk to and measure with."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
from pathlib import Path


@contextlib.contextmanager
def pinned(cpu):
    """Run this process, and those that it starts meanwhile, on one CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def program(*command, ready):
    """Run a program until it has made the path ``ready``; stop it at the end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not os.path.lexists(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not start")
            time.sleep(0.005)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextlib.contextmanager
def vmodem(*options):
    """Run vmodem on a pseudo terminal; yield the path of the terminal."""
    with tempfile.TemporaryDirectory() as folder:
        link, ready = str(Path(folder, "pty")), str(Path(folder, "ready"))
        command = [sys.executable, "-m", "vmodem", "serve", "--pty", link, "--ready-file", ready, *options]
        with program(*command, ready=ready):
            yield link


@contextlib.contextmanager
def floor(*arguments):
    """Run the floor; yield the path of its terminal."""
    with tempfile.TemporaryDirectory() as folder:
        link = str(Path(folder, "pty"))
        with program(sys.executable, "-m", "benchmarks.floor", link, *arguments, ready=link):
            yield link


@contextlib.contextmanager
def socat(port):
    """Run socat between a pseudo terminal and a TCP port; yield the path of the terminal."""
    with tempfile.TemporaryDirectory() as folder:
        link = str(Path(folder, "pty"))
        command = ["socat", "-b", "65536", f"PTY,raw,echo=0,link={link}", f"TCP:127.0.0.1:{port},nodelay"]
        with program(*command, ready=link):
            yield link


class Sink:
    """A TCP server that counts what it gets, or a TLS server where ``context`` is given; ``echo`` sends it back."""

    def __init__(self, context=None, *, echo=False):
        self._context = context
        self._echo = echo
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.count = 0
        self.reached = threading.Event()
        self.goal = 1 << 62
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._drain, args=(connection,), daemon=True).start()

    def _drain(self, connection):
        buffer = bytearray(1 << 18)
        with contextlib.suppress(OSError):
            if self._context is not None:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection = self._context.wrap_socket(connection, server_side=True)
            while size := connection.recv_into(buffer):
                self.count += size
                if self._echo:
                    connection.sendall(buffer[:size])
                if self.count >= self.goal:
                    self.reached.set()


class Terminal:
    """The host's side of a pseudo terminal, blocking."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        time.sleep(0.05)
        termios.tcflush(self.fd, termios.TCIOFLUSH)

    def ask(self, line, end=b"OK\r\n"):
        """Send ``line`` and return the answer up to ``end``."""
        os.write(self.fd, line)
        answer = b""
        while not answer.endswith(end):
            answer += os.read(self.fd, 4096)
        return answer

    def close(self):
        os.close(self.fd)


def tls_context(folder):
    """Return the context of a TLS 1.2 server with a throw-away EC certificate, whose CA is FOLDER/ca.pem."""
    from tests.certificates import CERTIFICATES

    CERTIFICATES.write(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(folder, "server.pem"), Path(folder, "server.key"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITE)
    context.options |= ssl.OP_NO_TICKET
    return context


SUITE = "ECDHE-ECDSA-AES128-GCM-SHA256"


@contextlib.contextmanager
def s_client(port, folder):
    """Run openssl s_client; yield it, its standard input and output piped."""
    command = ["openssl", "s_client", "-quiet", "-tls1_2", "-verify_quiet", "-CAfile", str(Path(folder, "ca.pem"))]
    process = subprocess.Popen(
        [*command, "-connect", f"127.0.0.1:{port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
