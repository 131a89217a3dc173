"""What is timed: round trips of a host, pipelined commands, in turns; and a lot of data."""

import os
import statistics
import time

from benchmarks.peers import cpu_time

MIB = 1 << 20
BLOCK = bytes(range(32, 127)).replace(b"+", b"") * 700


def round_trip(host, line, count):
    """Return the median round trip in microseconds."""
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        host.ask(line)
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1000


def pipelined(host, pid, line, answer, count):
    """Return how many commands, sent at once, the process ``pid`` answers in a second of its CPU time."""
    begin = cpu_time(pid)
    os.write(host.fd, line * count)
    answers = host.take(len(answer) * count)
    took = cpu_time(pid) - begin
    if answers != answer * count:
        raise RuntimeError(f"not every command was answered with {answer!r}")
    return count / took


def in_turns(measures, rounds):
    """Measure two things in turns, after one turn that does not count; who begins changes from round to round."""
    for measure in measures:
        measure()
    pairs = []
    for number in range(rounds):
        first, second = measures if number % 2 == 0 else measures[::-1]
        pair = first(), second()
        pairs.append(pair if number % 2 == 0 else pair[::-1])
    return pairs


def medians(pairs):
    """Return the medians of both sides and of their ratios."""
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return ours, theirs, statistics.median(a / b for a, b in pairs)


def spread(pairs):
    """Return the quartiles of the ratios, below and above."""
    ratios = [a / b for a, b in pairs]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return low, high


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
