"""What is timed: round trips at a terminal, in turns, and a lot of data."""

import os
import statistics
import time

MIB = 1 << 20
BLOCK = bytes(range(32, 127)).replace(b"+", b"") * 700


def round_trip(terminal, line, count):
    """Return the median round trip in microseconds."""
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        terminal.ask(line)
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1000


def in_turns(terminals, line, rounds, count):
    """Return the medians of two terminals and of their ratios, measured in turns."""
    for terminal in terminals:
        round_trip(terminal, line, 200)
    pairs = [[round_trip(terminal, line, count) for terminal in terminals] for _ in range(rounds)]
    return medians(pairs)


def medians(pairs):
    """Return the medians of both sides and of their ratios."""
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return ours, theirs, statistics.median(a / b for a, b in pairs)


def stream(fd, sink, size, *, ends_with=b""):
    """Write ``size`` bytes to a descriptor; return MiB/s until the sink has them all."""
    sink.count, sink.goal = 0, size
    sink.reached.clear()
    begin, left = time.perf_counter(), size
    while left:
        left -= os.write(fd, BLOCK[:left])
    if ends_with:
        os.write(fd, ends_with)
    if not sink.reached.wait(60):
        raise RuntimeError(f"{size - sink.count} bytes did not arrive")
    return size / MIB / (time.perf_counter() - begin)
