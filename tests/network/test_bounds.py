"""What a host, a file or the machine makes expensive, or lacks, holds up nobody else; real modems and real files."""

import fcntl
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from tests.hosts import Modems
from tests.patience import PATIENCE, eventually
from tests.process import Process
from tests.unit.test_pem import KEYS, PASSWORD, in_pem, pbkdf2
from vmodem import Tcp
from vmodem.pem import MAX_ROUNDS

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
TCP = ("--tcp", "127.0.0.1:0")
NAME = 'AT#XGETADDRINFO="%s"'


def answered(host):
    """Return whether anything has come for ``host``."""
    return bool(select.select([host.fd], [], [], 0)[0])


def write_key(content):
    return b'AT%CMNG=0,1,2,"' + content.strip() + b'","' + PASSWORD + b'"'


class TestKeys:
    @pytest.fixture(scope="class")
    @staticmethod
    def modems():
        with Modems(Tcp(), offline=True) as served:
            yield served

    @pytest.mark.parametrize("rounds", [20_000_000, 2**32])
    def test_too_many_rounds(self, modems, rounds, caplog):
        caplog.set_level("INFO", "vmodem")
        with closing(modems.host()) as one, closing(modems.host()) as other:
            one.ask("AT+CMEE=1")
            one.send(write_key(pbkdf2(rounds)) + b"\r")
            other.ask("AT")
            one.expect(b"\r\n+CME ERROR: 527\r\n")
            one.ask("AT")
        assert f"asks for {rounds} rounds, at most {MAX_ROUNDS}" in caplog.text

    def test_many_rounds_hold_up_nobody(self, modems):
        with closing(modems.host()) as one, closing(modems.host()) as other:
            one.send(write_key(pbkdf2(1_000_000)) + b"\rAT\r")
            for _ in range(20):
                other.ask("AT")
            assert not answered(one)
            one.expect(ERROR + OK)  # the password is wrong

    def test_a_usual_key(self, modems):
        with closing(modems.host()) as host:
            host.send(write_key(in_pem(KEYS["rsa"], password=PASSWORD)) + b"\r")
            host.expect(OK)


def test_another_process_that_holds_the_lock_of_the_store(tmp_path):
    with Modems(Tcp(), credentials=tmp_path / "store", offline=True) as modems:
        lock = os.open(tmp_path / "store/.lock", os.O_RDWR | os.O_CREAT)
        with closing(modems.host()) as one, closing(modems.host()) as other:
            fcntl.flock(lock, fcntl.LOCK_EX)
            one.send(b'AT%CMNG=0,1,0,"a"\rAT%CMNG=2,1,0\r')
            for _ in range(20):
                other.ask("AT")
            assert not answered(one)
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert one.read_until(b'"a"\r\n' + OK).startswith(OK + b"\r\n%CMNG: 1,0")
        os.close(lock)


class Names:
    """The names of the machine: those that begin with ``dead`` are asked for at a server that never answers."""

    def __init__(self, monkeypatch):
        self.asked = []
        self.let_go = threading.Event()
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host, *arguments, **options):
        if host == b"good":
            return self._real("127.0.0.1", *arguments, **options)
        if not isinstance(host, bytes) or not host.startswith(b"dead"):
            return self._real(host, *arguments, **options)
        self.asked.append(host)
        self.let_go.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")


@pytest.fixture
def names(monkeypatch):
    found = Names(monkeypatch)
    yield found
    found.let_go.set()


@pytest.mark.parametrize("gone", [True, False], ids=["they have gone", "they are there"])
def test_three_hundred_hosts_at_a_dead_name_server(names, gone):
    with Modems(Tcp()) as modems:
        hosts = [modems.host() for _ in range(300)]
        for number, host in enumerate(hosts):
            host.send((NAME % f"dead{number}").encode() + b"\r")
        eventually(lambda: len(names.asked) == 300)
        if gone:
            for host in hosts:
                host.close()
        with closing(modems.host()) as host:
            host.ask(NAME % "good", b'\r\n#XGETADDRINFO: "127.0.0.1"\r\n' + OK)
        for host in hosts if not gone else ():
            host.close()


def limit(process, descriptors):
    """Let a process open no more than it has open, or as many as ``descriptors`` says."""
    _, hard = resource.prlimit(process.running.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.running.pid, resource.RLIMIT_NOFILE, (descriptors, hard))


SHORT = {
    "socket": ("sm-1.0", "AT#XSOCKET=1,1,0", ERROR),
    "name": ("sm-1.0", NAME % "localhost", ERROR),
    "credentials": ("sm-1.0", "AT%CMNG=1", ERROR),
    "write": ("sm-1.0", 'AT%CMNG=0,2,0,"a"', ERROR),
    "certificates": ("ameba-2.4", "AT+CERT=0,1", b"\r\nERROR: 1\r\n"),
    "server": ("slm-2.7", "AT#XTCPSVR=1,0", b'\r\n#XTCPSVR: -24,"not started"\r\n' + ERROR),
}


@pytest.mark.parametrize("what", SHORT)
def test_descriptors_that_run_out_are_told_as_that(what, tmp_path):
    dialect, line, answer = SHORT[what]
    options = ("--dialect", dialect, "--offline", "--credentials", str(tmp_path), "--log-level", "info")
    options = tuple(option for option in options if option != "--offline" or what == "write")
    with Process(*TCP, *options) as process, closing(process.host()) as host:
        soft = resource.prlimit(process.running.pid, resource.RLIMIT_NOFILE)[0]
        limit(process, 0)
        host.send(line.encode() + host.end)
        found = host.read_until(answer[-4:])
        limit(process, soft)
        host.send(line.encode() + host.end)
        assert b"ERROR" not in host.read_until(b"OK\r\n")
        _, log = process.stop()
    assert b"ERROR" in found
    assert "Too many open files" in log


def flood(host, lines):
    """Send lines that are refused, and take the answers."""
    for _ in range(lines // 100):
        host.send(b"AT#NOPE\r" * 100)
        host.expect(ERROR * 100)


def test_a_log_that_nobody_reads():
    with Process(*TCP, "--log-level", "debug") as process:
        with closing(process.host()) as host:
            flood(host, 12_000)
            host.ask("AT")
        process.running.send_signal(signal.SIGTERM)
        assert process.running.wait(PATIENCE) == 0


def test_a_full_disk_takes_no_log():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "vmodem", "serve", *TCP, "--log-level", "info"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=full, text=True)
        place, port = process.stdout.readline().rsplit(":", 1)
        with socket.create_connection((place, int(port)), PATIENCE) as host:
            host.sendall(b"AT#NOPE\r" * 100 + b"AT\r")
            got = b""
            while OK not in got:
                got += host.recv(65536)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        process.stdout.close()
