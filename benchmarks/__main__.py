"""Measure vmodem beside its peers: `python -m benchmarks [--short] [NAME ...]`.

Every figure is a ratio of medians taken in turns in one run, vmodem and the peer pinned to one CPU together with the
program that drives them.
"""

import argparse
import os
import platform
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import tls
from benchmarks.measure import MIB, in_turns, stream
from benchmarks.peers import Sink, Terminal, floor, pinned, socat, vmodem

CPU = min(os.sched_getaffinity(0))


def round_trip_of(dialect, line):
    """Return a benchmark of a command that does nothing, in ``dialect``."""

    def benchmark(short):
        with pinned(CPU), vmodem("--dialect", dialect) as link, floor() as other:
            rounds = (5, 1000) if short else (15, 4000)
            ours, theirs, ratio = in_turns((Terminal(link), Terminal(other)), line, *rounds)
        return f"{ours:.1f} us", f"{theirs:.1f} us", f"{ratio:.2f}", "at most 1.5"

    benchmark.__name__ = dialect
    benchmark.__doc__ = f"{line.decode().strip()} round trip over a pseudo terminal, {dialect}"
    return benchmark


ROUND_TRIPS = [
    round_trip_of(name, line)
    for name, line in (
        ("sm-1.0", b"AT\r"),
        ("slm-1.9", b"AT\r\n"),
        ("slm-2.0", b"AT\r\n"),
        ("slm-2.7", b"AT\r\n"),
        ("ameba-2.4", b"AT+TEST\r\n"),
    )
]


def xsend(short):
    """AT#XSEND of 32 bytes to a server on loopback."""
    sink = Sink()
    line = b'AT#XSEND=0,0,0,"' + b"x" * 32 + b'"\r'
    with pinned(CPU), vmodem() as link, floor(str(sink.port)) as other:
        terminal = Terminal(link)
        terminal.ask(b"AT#XSOCKET=1,1,0\r")
        terminal.ask(b'AT#XCONNECT=0,"127.0.0.1",%d\r' % sink.port)
        ours, theirs, ratio = in_turns((terminal, Terminal(other)), line, *((5, 1000) if short else (15, 4000)))
    return f"{ours:.1f} us", f"{theirs:.1f} us", f"{ratio:.2f}", "at most 2"


def throughput(short):
    """Data mode, pseudo terminal to TCP, beside socat."""
    if shutil.which("socat") is None:
        return "-", "-", "-", "at least 0.7 (socat is not installed)"
    size = (8 if short else 64) * MIB
    pairs = []
    for _ in range(3 if short else 5):
        sink = Sink()
        with vmodem() as link:
            terminal = Terminal(link)
            terminal.ask(b"AT#XSOCKET=1,1,0\r")
            terminal.ask(b'AT#XCONNECT=0,"127.0.0.1",%d\r' % sink.port)
            terminal.ask(b"AT#XSEND=0,2,0\r")
            ours = stream(terminal.fd, sink, size, ends_with=b"+++")
            terminal.close()
        with socat(sink.port) as link:
            terminal = Terminal(link)
            theirs = stream(terminal.fd, sink, size)
            terminal.close()
        pairs.append((ours, theirs))
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    return f"{ours:.0f} MiB/s", f"{theirs:.0f} MiB/s", f"{ratio:.2f}", "at least 0.7"


def resident(pid):
    """Return the resident memory of a process in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS")


def memory(short):
    """Memory of a modem with one open socket, 1,000 on TCP in one process, above the bare interpreter."""
    count = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    bare = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready")
        command = [sys.executable, "-m", "vmodem", "serve", "--tcp", "0", "--ready-file", str(ready)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE)
        port = int(server.stdout.readline().rpartition(b":")[2])
        hosts = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        for host in hosts:
            host.sendall(b"AT#XSOCKET=1,1,0\r")
        for host in hosts:
            answer = b""
            while not answer.endswith(b"\r\nOK\r\n"):
                answer += host.recv(4096)
        each = (resident(server.pid) - resident(bare.pid)) / count
        for host in hosts:
            host.close()
        server.terminate()
        server.wait()
        server.stdout.close()
    bare.communicate(b"\n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return f"{each:.1f} KiB", "-", "-", "less than 25 KiB"


def start(short):
    """From the start of the program to its ready file."""
    times = []
    for _ in range(3 if short else 15):
        begin = time.perf_counter()
        with vmodem():
            times.append(time.perf_counter() - begin)
    return f"{statistics.median(times):.2f} s", "-", "-", "at most 0.4 s"


BENCHMARKS = {one.__name__: one for one in (*ROUND_TRIPS, xsend, throughput, *tls.BENCHMARKS, memory, start)}


def machine():
    """Return a line about this machine."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":")[1].strip()
            break
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}"


def main():
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="fewer rounds: a look, not a measurement")
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME")
    arguments = parser.parse_args()
    print(f"{machine()}\n")
    print("| what | vmodem | peer | ratio | target |\n| --- | --- | --- | --- | --- |")
    for name in arguments.names or BENCHMARKS:
        benchmark = BENCHMARKS[name]
        row = benchmark(arguments.short)
        print(f"| {benchmark.__doc__.rstrip('.')} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
