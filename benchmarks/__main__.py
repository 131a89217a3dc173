"""Measure vmodem beside its peers, or beside another version of it.

    python -m benchmarks [--short] [--against PATH] [NAME ...]

Every figure is a ratio of medians taken in turns in one run, both sides pinned to one CPU together with the
program that drives them.
"""

import argparse
import contextlib
import os
import platform
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks import tls
from benchmarks.cases import CASES, alone, compare
from benchmarks.measure import MIB, medians, spread, stream
from benchmarks.peers import HERE, Sink, connect, descriptors, pinned, resident, socat, versions, vmodem

CPU = min(os.sched_getaffinity(0))


def benchmark_of(case):
    """Return a benchmark of a case, beside the floor where it has one."""

    def benchmark(short):
        ours, turns = partial(case.measuring, HERE), case.turns[short]
        with pinned(CPU):
            if case.peer is None:
                return figure(alone(ours, turns), case.unit), "-", "-", case.target
            mine, theirs, ratio = medians(compare(ours, case.peer, turns))
        return figure(mine, case.unit), figure(theirs, case.unit), f"{ratio:.2f}", case.target

    benchmark.__name__ = case.name
    benchmark.__doc__ = case.what
    return benchmark


def throughput(short):
    """Data mode, pseudo terminal to TCP, beside socat."""
    if shutil.which("socat") is None:
        return "-", "-", "-", "at least 0.7 (socat is not installed)"
    size = (8 if short else 64) * MIB
    pairs = []
    for _ in range(3 if short else 5):
        sink = Sink()
        with vmodem() as modem, modem.host() as terminal:
            connect(terminal, sink.port)
            terminal.ask(b"AT#XSEND=0,2,0\r")
            ours = stream(terminal.fd, sink, size, ends_with=b"+++")
        with socat(sink.port) as other, other.host() as terminal:
            theirs = stream(terminal.fd, sink, size)
        pairs.append((ours, theirs))
    ours, theirs, ratio = medians(pairs)
    return f"{ours:.0f} MiB/s", f"{theirs:.0f} MiB/s", f"{ratio:.2f}", "at least 0.7"


def memory(short):
    """Memory of a modem with one open socket, 1,000 on TCP in one process, above the bare interpreter."""
    count = 1000
    bare = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with descriptors(8192), vmodem(tcp=True) as modem, contextlib.ExitStack() as hosts:
        for _ in range(count):
            hosts.enter_context(modem.host()).ask(b"AT#XSOCKET=1,1,0\r")
        each = (resident(modem.pid) - resident(bare.pid)) / count
    bare.communicate(b"\n")
    return f"{each:.1f} KiB", "-", "-", "less than 25 KiB"


BENCHMARKS = {one.__name__: one for one in (*map(benchmark_of, CASES), throughput, *tls.BENCHMARKS, memory)}


def machine():
    """Return a line about this machine."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":")[1].strip()
            break
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}"


def figure(value, unit):
    """Return a figure as the tables show it."""
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.1f} {unit}"


def row(*cells):
    """Print a row of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def header(*cells):
    """Print the head of a table."""
    row(*cells)
    row(*("---" for _ in cells))


def beside_peers(names, short):
    """Print the table of vmodem and its peers."""
    header("name", "what", "vmodem", "peer", "ratio", "target")
    for name in names or BENCHMARKS:
        benchmark = BENCHMARKS[name]
        row(name, benchmark.__doc__.rstrip("."), *benchmark(short))


def beside_version(before, after, names, short):
    """Print the table of two versions: medians, the median of the ratios, and their quartiles."""
    header("name", "what", "before", "after", "ratio", "half of the ratios")
    for case in CASES:
        if not names or case.name in names:
            with pinned(CPU):
                pairs = compare(partial(case.measuring, after), partial(case.measuring, before), case.turns[short])
            (new, old, ratio), (low, high) = medians(pairs), spread(pairs)
            sides = figure(old, case.unit), figure(new, case.unit)
            row(case.name, case.what, *sides, f"{ratio:.3f}", f"{low:.3f} to {high:.3f}")


def main():
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="fewer rounds: a look, not a measurement")
    parser.add_argument("--against", metavar="PATH", help="another version: an interpreter that has it, or a checkout")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    arguments = parser.parse_args()
    known = BENCHMARKS if arguments.against is None else [case.name for case in CASES]
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"{unknown[0]} is none of {', '.join(known)}")
    sides = ()
    if arguments.against is not None:
        try:
            sides = versions(arguments.against)
        except ValueError as error:
            parser.error(str(error))
    print(f"{machine()}\n")
    if sides:
        beside_version(*sides, arguments.names, arguments.short)
    else:
        beside_peers(arguments.names, arguments.short)


if __name__ == "__main__":
    main()
