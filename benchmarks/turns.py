"""Measure whether one modem gets its turn while others have as much to do as can be.

    python -m benchmarks.turns [--short] [--against PATH] [NAME ...]

One process serves all of them: a host sends a command that does nothing, again and again, to a modem that has nothing
else to do, while hosts and peers, in a program of their own, flood others. What is told is how long the answer takes,
how much the flood gets through, and how long the process takes to end on SIGTERM in the middle of it.
"""

import argparse
import contextlib
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from benchmarks.__main__ import figure, header, machine, row
from benchmarks.floods import FLOODS
from benchmarks.measure import MIB
from benchmarks.peers import HERE, ROOT, cpu_time, descriptors, tls_context, versions, vmodem
from benchmarks.tls import secured

SLM = "--dialect", "slm-2.7"
AMEBA = "--dialect", "ameba-2.4"
TEST = b"AT+TEST\r\n"
PAUSE = 0.001
"""Seconds between an answer and the next ``AT``: a host that computes, too."""
PATIENCE = 20
"""Seconds after which an answer, or the end, is given up."""


class Scene(NamedTuple):
    """What floods the modems.

    Attributes:
        what: what it is, for the table.
        unit: what is counted, and how many of it are one of the unit's.
        options: of the modems.
        line: what the host sends, again and again.
        secure: whether the modems have to trust the peer.
    """

    what: str
    unit: tuple[str, int]
    options: tuple[str, ...] = ()
    line: bytes = b"AT\r\n"
    secure: bool = False


SCENES = {
    "quiet": Scene("Nothing", ("-", 1)),
    "pipelining_10": Scene("Ten hosts that pipeline AT", ("/s", 1)),
    "pipelining_50": Scene("Fifty hosts that pipeline AT", ("/s", 1)),
    "tcp": Scene("A TCP peer to a host that reads, slm-2.7 #XTCPCLI", ("MiB/s", MIB), SLM),
    "ameba": Scene("The same, ameba-2.4, automatic reception", ("MiB/s", MIB), AMEBA, TEST),
    "upload": Scene("A host in data mode to a peer that reads, slm-2.7", ("MiB/s", MIB), SLM),
    "udp": Scene("Datagrams of 32 bytes to a host that reads, slm-2.7 #XUDPCLI", ("/s", 1), SLM),
    "tls": Scene("A TLS peer to a host that reads, slm-2.7", ("MiB/s", MIB), SLM, secure=True),
    "tls_short": Scene("The same in records of 64 bytes", ("MiB/s", MIB), SLM, secure=True),
    "server": Scene("Clients that come to a modem's server and go, slm-2.7 #XTCPSVR", ("/s", 1), SLM),
    "ameba_server": Scene("The same, ameba-2.4 AT+SKTSERVER", ("/s", 1), AMEBA, TEST),
    "storm": Scene("3,000 hosts that connect at once, and hang up at once", ("/s", 1)),
}


class Figures(NamedTuple):
    """What was measured, in milliseconds but for the rate, which is that of a second of CPU time."""

    half: float
    most: float
    longest: float
    rate: float
    end: float


@contextlib.contextmanager
def flooding(name, port, *folder):
    """Flood the modems at ``port``; yield what asks how much got through so far."""
    if name not in FLOODS:
        yield lambda: 0
        return
    command = [sys.executable, "-m", "benchmarks.floods", name, str(port), *folder]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, bufsize=1, stderr=subprocess.DEVNULL, **pipes) as flood:

        def count():
            flood.stdin.write("\n")
            return int(flood.stdout.readline())

        try:
            flood.stdout.readline()
            yield count
        finally:
            flood.kill()


def round_trips(host, line, seconds):
    """Return how many milliseconds each answer took, of those that were asked for within ``seconds``."""
    times = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        os.write(host.fd, line)
        answer = b""
        while not answer.endswith(b"OK\r\n"):
            if not select.select([host.fd], [], [], PATIENCE)[0]:
                return [*times, PATIENCE * 1000]
            answer += os.read(host.fd, 4096)
        times.append((time.perf_counter() - begin) * 1000)
        time.sleep(PAUSE)
    return times


def ending(pid):
    """Return how many milliseconds a process takes to end on SIGTERM."""
    watched = os.pidfd_open(pid)
    try:
        begin = time.perf_counter()
        os.kill(pid, signal.SIGTERM)
        if not select.select([watched], [], [], PATIENCE)[0]:
            os.kill(pid, signal.SIGKILL)
        return (time.perf_counter() - begin) * 1000
    finally:
        os.close(watched)


def measure(name, version, seconds):
    """Return the figures of one scene."""
    scene = SCENES[name]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        options = list(scene.options)
        if scene.secure:
            tls_context(folder)
            options += secured(folder)
        stack.enter_context(descriptors(20000))
        modems = stack.enter_context(vmodem(*options, tcp=True, version=version))
        host = stack.enter_context(modems.host())
        host.ask(scene.line)
        count = stack.enter_context(flooding(name, modems.where, folder))
        begin, before = cpu_time(modems.pid), count()
        times = round_trips(host, scene.line, seconds)
        rate = (count() - before) / (cpu_time(modems.pid) - begin) / scene.unit[1]
        times.sort()
        return Figures(statistics.median(times), times[len(times) * 99 // 100], times[-1], rate, ending(modems.pid))


def medians(several):
    """Return the medians of figures, but the longest of all that was the longest."""
    made = Figures(*(statistics.median(values) for values in zip(*several, strict=True)))
    return made._replace(longest=max(figures.longest for figures in several))


def cells(name, figures):
    """Return the cells of the table."""
    unit = SCENES[name].unit[0]
    rate = "-" if unit == "-" else figure(figures.rate, unit)
    return [f"{value:.1f} ms" for value in figures[:3]] + [rate, f"{figures.end:.0f} ms"]


def main():
    parser = argparse.ArgumentParser(prog="benchmarks.turns", description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="a look, not a measurement")
    parser.add_argument("--against", metavar="PATH", help="another version: an interpreter that has it, or a checkout")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SCENES)}")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in SCENES]:
        parser.error(f"{unknown[0]} is none of {', '.join(SCENES)}")
    try:
        sides = (HERE,) if arguments.against is None else versions(arguments.against)
    except ValueError as error:
        parser.error(str(error))
    rounds, seconds = (1, 0.5) if arguments.short else (5, 2)
    print(f"{machine()}\n")
    header(
        "name",
        "what floods the modems",
        "AT: half",
        "99 of 100",
        "longest",
        "gets through in a second of CPU time",
        "SIGTERM",
    )
    for name in arguments.names or SCENES:
        measured = [[] for _ in sides]
        for _ in range(rounds):
            for side, several in zip(sides, measured, strict=True):
                several.append(measure(name, side, seconds))
        shown = [cells(name, medians(several)) for several in measured]
        row(name, SCENES[name].what, *(", ".join(both) for both in zip(*shown, strict=True)))


if __name__ == "__main__":
    main()
