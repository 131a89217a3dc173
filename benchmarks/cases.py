"""What is measured beside a floor, and beside another version of vmodem: it needs nothing but the command line."""

import contextlib
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple

from benchmarks.measure import in_turns, pipelined, round_trip
from benchmarks.peers import Installation, Sink, connect, cpu_time, descriptors, floor, resident, run, vmodem

AT = b"AT\r"
OK = b"\r\nOK\r\n"
SEND = b'AT#XSEND=0,0,0,"' + b"x" * 32 + b'"\r'
SENT = b"\r\n#XSEND: 0,32\r\n\r\nOK\r\n"

TRIPS = 250
"""Round trips in one turn: short turns, so that what else the machine does meets both sides."""
IDLE = 1000, 9000
"""Connections between which the memory of an idle modem is the slope."""
RESERVE = 64
"""Descriptors that a process needs beside those of its connections."""

Measure = Callable[[], float]
Measuring = AbstractContextManager[Measure]


class Turns(NamedTuple):
    """How often the programs are started anew, since each start is a little faster or slower, and turns each time."""

    starts: int
    rounds: int


class Case(NamedTuple):
    """One figure.

    Attributes:
        what: what it is, for the table.
        unit: its unit.
        target: what is aimed at, for the table.
        measuring: starts a version; yields what measures once.
        peer: the same of the floor, where there is one.
        turns: how often it is measured, and in the short form.
    """

    name: str
    what: str
    unit: str
    target: str
    measuring: Callable[[Installation], Measuring]
    peer: Callable[[], Measuring] | None = None
    turns: tuple[Turns, Turns] = Turns(9, 25), Turns(1, 7)


def compare(one, other, turns):
    """Measure two sides in turns; return the pairs."""
    pairs = []
    for _ in range(turns.starts):
        with one() as ours, other() as theirs:
            pairs += in_turns((ours, theirs), turns.rounds)
    return pairs


def alone(one, turns):
    """Return the median of one side."""
    figures = []
    for _ in range(turns.starts):
        with one() as measure:
            measure()
            figures += [measure() for _ in range(turns.rounds)]
    return statistics.median(figures)


@contextlib.contextmanager
def round_trips(serving, line, sink=None):
    """Measure round trips of ``line`` at a program, connected to ``sink`` first."""
    with serving as modem, modem.host() as host:
        if sink is not None:
            connect(host, sink.port)
        yield partial(round_trip, host, line, TRIPS)


def at_case(name, what, target, line, *options, tcp=False):
    """Return the case of a command that does nothing, beside the floor."""
    return Case(
        name,
        what,
        "us",
        target,
        lambda version: round_trips(vmodem(*options, tcp=tcp, version=version), line),
        lambda: round_trips(floor(tcp=tcp), line),
    )


def send_case(name, what, target, *, tcp=False):
    """Return the case of a short send to a server on loopback, beside the floor."""

    def measuring(version):
        return round_trips(vmodem(tcp=tcp, version=version), SEND, Sink())

    def peer():
        sink = Sink()
        return round_trips(floor("--sink", str(sink.port), tcp=tcp), SEND, sink)

    return Case(name, what, "us", target, measuring, peer)


def pipeline(line, answer, count):
    """Return what measures ``count`` commands sent at once over TCP."""

    @contextlib.contextmanager
    def measuring(version):
        with vmodem(tcp=True, version=version) as modem, modem.host() as host:
            connect(host, Sink().port)
            yield partial(pipelined, host, modem.pid, line, answer, count)

    return measuring


def repeated(measure):
    """Return what measures a version by starting it each time."""

    @contextlib.contextmanager
    def measuring(version):
        yield partial(measure, version)

    return measuring


def idle(version):
    """Return the KiB by which one more idle host on TCP makes the process larger."""
    few, many = IDLE
    with (
        descriptors(many + RESERVE) as granted,
        vmodem(tcp=True, version=version) as modem,
        contextlib.ExitStack() as hosts,
    ):
        if granted < many + RESERVE:
            many = granted - RESERVE
            few = min(few, many // 2)
            warnings.warn(f"{few} to {many} connections: no more files may be open", stacklevel=1)
        sizes = []
        for count in (few, many - few):
            for _ in range(count):
                hosts.enter_context(modem.host()).take(1)  # it greets
            sizes.append(resident(modem.pid))
    return (sizes[1] - sizes[0]) / (many - few)


def start(version):
    """Return the milliseconds from the start of the program to its ready file."""
    begin = time.perf_counter()
    with vmodem(version=version):
        return (time.perf_counter() - begin) * 1000


def start_cpu(version):
    """Return the milliseconds that the program has computed when its ready file appears."""
    with vmodem(version=version) as modem:
        return cpu_time(modem.pid) * 1000


def imports(version):
    """Return the milliseconds that ``vmodem --version`` computes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run("--version", version=version)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


PTY = "round trip over a pseudo terminal"
STARTS = Turns(1, 41), Turns(1, 3)
FLOOR = "at most 1.5"

CASES = (
    at_case("sm-1.0", f"AT {PTY}, sm-1.0", FLOOR, AT),
    at_case("slm-1.9", f"AT {PTY}, slm-1.9", FLOOR, b"AT\r\n", "--dialect", "slm-1.9"),
    at_case("slm-2.0", f"AT {PTY}, slm-2.0", FLOOR, b"AT\r\n", "--dialect", "slm-2.0"),
    at_case("slm-2.7", f"AT {PTY}, slm-2.7", FLOOR, b"AT\r\n", "--dialect", "slm-2.7"),
    at_case("ameba-2.4", f"AT+TEST {PTY}, ameba-2.4", FLOOR, b"AT+TEST\r\n", "--dialect", "ameba-2.4"),
    at_case("at_tcp", "AT round trip over TCP", "-", AT, tcp=True),
    send_case("xsend", "AT#XSEND of 32 bytes to a server on loopback, over a pseudo terminal", "at most 2"),
    send_case("xsend_tcp", "AT#XSEND of 32 bytes to a server on loopback, over TCP", "-", tcp=True),
    Case("pipelined_at", "AT, pipelined over TCP, for a second of CPU time", "/s", "-", pipeline(AT, OK, 5000)),
    Case(
        "pipelined_xsend",
        "AT#XSEND of 32 bytes, pipelined over TCP, for a second of CPU time",
        "/s",
        "-",
        pipeline(SEND, SENT, 1000),
    ),
    Case(
        "idle",
        "Memory of an idle modem on TCP: the slope from 1,000 to 9,000 in one process",
        "KiB",
        "-",
        repeated(idle),
        turns=(Turns(1, 3), Turns(1, 1)),
    ),
    Case(
        "start",
        "From the start of the program to its ready file",
        "ms",
        "at most 400 ms",
        repeated(start),
        turns=STARTS,
    ),
    Case("start_cpu", "The same, CPU time", "ms", "-", repeated(start_cpu), turns=STARTS),
    Case(
        "imports",
        "CPU time of vmodem --version: the interpreter and what every command imports",
        "ms",
        "-",
        repeated(imports),
        turns=STARTS,
    ),
)
