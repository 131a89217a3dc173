"""What the benchmarks start, talk to and measure with."""

import contextlib
import json
import os
import resource
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
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
OURS = "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"
"""What a version must not inherit: sources that are not its own, and that it compiles itself at every start."""


class Installation(NamedTuple):
    """A version of vmodem: an interpreter, and a folder of sources that comes before what is installed for it."""

    python: str = sys.executable
    sources: str | None = None

    def environment(self):
        """Return the environment in which the interpreter finds this version, and keeps what it compiled of it."""
        others = {name: value for name, value in os.environ.items() if name not in OURS}
        return others if self.sources is None else {**others, "PYTHONPATH": self.sources}


HERE = Installation()


def versions(path):
    """Return the version at ``path`` and this one: ``path`` is an interpreter that has vmodem, or a checkout of it.

    A checkout is run by this interpreter, and so is this version then: as sources, so that both start alike.
    """
    if Path(path, "src", "vmodem").is_dir():
        return tuple(Installation(sources=str(Path(root, "src").resolve())) for root in (path, ROOT))
    if Path(path).is_file() and os.access(path, os.X_OK):
        return Installation(python=os.path.abspath(path)), HERE
    raise ValueError(f"{path} is neither an interpreter nor a checkout of vmodem")


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
def descriptors(wanted):
    """Let this process, and those that it starts meanwhile, have ``wanted`` descriptors; yield how many it got."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = max(soft, min(hard, wanted))
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    try:
        yield granted
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def cpu_time(pid):
    """Return the seconds, user's and system's, that a process has computed so far."""
    return time.clock_gettime(~pid << 3 | 2)  # what clock_getcpuclockid() returns; /proc counts in steps of 10 ms


def resident(pid):
    """Return the resident memory of a process in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS")


@contextlib.contextmanager
def program(*command, ready, environment=None):
    """Run a program until it has made the path ``ready``; stop it at the end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        deadline = time.monotonic() + 10
        while not os.path.lexists(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not start")
            time.sleep(0.001)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


class Served(NamedTuple):
    """A running program that answers hosts: its process, and its endpoint, a path or a TCP port."""

    pid: int
    where: str | int

    def host(self):
        """Connect a host."""
        return Terminal(self.where) if isinstance(self.where, str) else Connection(self.where)


@contextlib.contextmanager
def served(*command, environment=None):
    """Run a program that writes a ready file as vmodem does."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready")
        with program(*command, "--ready-file", str(ready), ready=ready, environment=environment) as process:
            (endpoint,) = json.loads(ready.read_text(encoding="utf-8"))["endpoints"]
            yield Served(process.pid, endpoint["path"] if endpoint["kind"] == "pty" else endpoint["port"])


def vmodem(*options, tcp=False, version=HERE):
    """Run vmodem on a pseudo terminal, or on TCP."""
    endpoint = ("--tcp", "0") if tcp else ("--pty",)
    command = (version.python, "-m", "vmodem", "serve", *endpoint, *options)
    return served(*command, environment=version.environment())


def run(*arguments, version=HERE):
    """Run vmodem to its end."""
    command = [version.python, "-m", "vmodem", *arguments]
    subprocess.run(command, env=version.environment(), check=True, stdout=subprocess.DEVNULL)


def floor(*options, tcp=False):
    """Run the floor on a pseudo terminal, or on TCP."""
    return served(sys.executable, "-m", "benchmarks.floor", *(("--tcp",) if tcp else ()), *options)


@contextlib.contextmanager
def socat(port):
    """Run socat between a pseudo terminal and a TCP port; yield the host's side."""
    with tempfile.TemporaryDirectory() as folder:
        link = str(Path(folder, "pty"))
        command = ["socat", "-b", "65536", f"PTY,raw,echo=0,link={link}", f"TCP:127.0.0.1:{port},nodelay"]
        with program(*command, ready=link) as process:
            yield Served(process.pid, link)


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


class Host:
    """A host that waits for what it asked for."""

    def __init__(self, fd):
        self.fd = fd

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def ask(self, line, end=b"OK\r\n"):
        """Send ``line`` and return the answer up to ``end``."""
        os.write(self.fd, line)
        answer = b""
        while not answer.endswith(end):
            answer += self._read(4096)
        return answer

    def take(self, size):
        """Return the next ``size`` bytes."""
        data = b""
        while len(data) < size:
            data += self._read(size - len(data))
        return data

    def _read(self, limit):
        data = os.read(self.fd, limit)
        if not data:
            raise RuntimeError("the modem hung up")
        return data

    def close(self):
        os.close(self.fd)


class Terminal(Host):
    """The host's side of a pseudo terminal."""

    def __init__(self, path):
        super().__init__(os.open(path, os.O_RDWR | os.O_NOCTTY))
        tty.setraw(self.fd)
        time.sleep(0.05)
        termios.tcflush(self.fd, termios.TCIOFLUSH)


class Connection(Host):
    """The host's side of a TCP connection."""

    def __init__(self, port):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(connection.detach())


PLAIN = b"AT#XSOCKET=1,1,0\r"


def connect(host, port, opening=PLAIN):
    """Connect handle 0 of a Serial Modem to ``port``."""
    host.ask(opening)
    host.ask(b'AT#XCONNECT=0,"127.0.0.1",%d\r' % port)


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
