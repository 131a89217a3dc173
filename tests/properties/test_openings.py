"""Hosts that open and close the terminal of a running `vmodem serve`: 10,000 times each with `make test-deep`."""

import contextlib
import itertools
import os
import random
import re
import select
import signal
import subprocess
import time

import pytest
from tests.needs import needs
from tests.patience import PATIENCE, eventually
from tests.process import Process

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
OPENINGS = 10_000 if DEEP else 60
AT_ONCE = 10_000 if DEEP else 500
"""Openings with hardly a gap between them, which take no time."""
READY = b"Ready\r\n"
OK = b"\r\nOK\r\n"
OPEN = b"AT#XSOCKET=1,1,0\r"
LIST = b"AT#XSOCKET?\r"


@pytest.fixture(scope="module")
def served():
    with Process() as process:
        yield process


class Host:
    """A host on descriptors of its own; ``modes`` has one for each time that it opens the terminal."""

    def __init__(self, served, modes=(os.O_RDWR,)):
        self.fds = [os.open(served.where[0], mode | os.O_NOCTTY | os.O_NONBLOCK) for mode in modes]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def send(self, data):
        assert select.select([], self.fds[-1:], [], PATIENCE)[1], "the modem takes nothing"
        assert os.write(self.fds[-1], data) == len(data)

    def send_what_fits(self, data):
        with contextlib.suppress(BlockingIOError):
            os.write(self.fds[-1], data)

    def hear(self, end=OK):
        """Return what comes up to ``end``."""
        got, deadline = b"", time.monotonic() + PATIENCE
        while not got.endswith(end):
            assert select.select([self.fds[0]], [], [], max(0, deadline - time.monotonic()))[0], f"only {got!r} came"
            with contextlib.suppress(BlockingIOError):  # it was meant for the last host, and has just been discarded
                got += os.read(self.fds[0], 65536)
        return got

    def ask(self, line):
        self.send(line)
        return self.hear()

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []


def pass_by(seconds):
    """Let a time pass, to the microsecond: the gap between two hosts is what is tried here."""
    end = time.perf_counter() + seconds
    select.select([], [], [], max(0.0, seconds - 0.001))
    while time.perf_counter() < end:
        pass


def fresh(served):
    """Whether a host finds a modem without sockets, which greets it."""
    with Host(served) as host:
        return host.ask(LIST) == READY + OK


@pytest.mark.parametrize("modes", [(os.O_RDWR,), (os.O_RDONLY, os.O_WRONLY)], ids=["once", "to read and to write"])
@pytest.mark.parametrize(("least", "most"), [(0, 0.05), (0.02, 0.0205), (0, 0)])
def test_the_next_host_loses_no_byte_whenever_it_comes(served, modes, least, most):
    gaps = random.Random(12)
    for _ in range(OPENINGS):
        with Host(served, modes) as host:
            assert host.ask(OPEN) == READY + b"\r\n#XSOCKET: 0,1,6\r\n" + OK
        pass_by(gaps.uniform(least, most))


PATTERNS = sorted(set(itertools.permutations("AAABBB")))
"""Every order in which two hosts open the terminal, ask something and close it."""

HEARD = list(itertools.product([True, False], repeat=2))
"""Which of the two wait for their answers."""


def test_two_hosts_in_every_order_and_haste(served):
    chances = random.Random(4)
    every = list(itertools.product(PATTERNS, HEARD, [0, 1e-5, 1e-4, 1e-3]))
    rounds = AT_ONCE // (2 * len(every)) + 1 if DEEP else 1
    for pattern, heard, gap in every * rounds if DEEP else chances.sample(every, AT_ONCE // 5):
        play(served, pattern, dict(zip("AB", heard, strict=True)), gap)
        eventually(lambda: fresh(served))


def play(served, pattern, heard, gap):
    """Play a pattern: whoever waits for an answer gets one, and from a modem that lives as long as anybody is there."""
    there, asked, opened = {}, set(), 0
    for who in pattern:
        if who not in there:
            there[who] = Host(served)
        elif who not in asked:
            asked.add(who)
            there[who].send(OPEN)
            if heard[who]:
                handles = [int(handle) for handle in re.findall(rb"#XSOCKET: (\d),1,6", there[who].hear())]
                assert handles, (pattern, heard, gap)
                assert handles[-1] >= opened, f"the modem was reset under a host that is there: {pattern} {heard} {gap}"
                opened = handles[-1] + 1
        else:
            there[who].close()
            there[who] = None
            opened = opened if any(there.values()) else 0
        pass_by(gap)


@pytest.mark.parametrize("openings", [1, 2, 3, 20_000])
def test_openings_while_the_program_is_stopped(served, openings):
    """One host is there all the time; then it goes, and another one comes behind many that went."""
    with Host(served) as host:
        host.ask(OPEN)
        while_stopped(served, openings)
        assert b"#XSOCKET: 0,1,0,1,0" in host.ask(LIST)
        served.running.send_signal(signal.SIGSTOP)
    come_and_go(served, openings)
    with Host(served) as host:
        host.send(LIST)
        served.running.send_signal(signal.SIGCONT)
        assert host.hear() in (OK, READY + OK)
    eventually(lambda: fresh(served))


@pytest.mark.parametrize("words", [b"", b"AT\r", OPEN])
def test_openings_without_a_pause(served, words):
    with Host(served) as host:
        host.ask(OPEN)
        come_and_go(served, 2000)
        assert b"#XSOCKET: 0,1,0,1,0" in host.ask(LIST)
    come_and_go(served, 20_000, words)
    with Host(served) as host:
        host.ask(b"\r" + LIST)  # whoever was before may not have come to the end of a line
    eventually(lambda: fresh(served))


def while_stopped(served, openings):
    served.running.send_signal(signal.SIGSTOP)
    come_and_go(served, openings)
    served.running.send_signal(signal.SIGCONT)


def come_and_go(served, openings, words=b""):
    for _ in range(openings):
        with Host(served) as host:
            if words:
                host.send_what_fits(words)


def test_hosts_that_write_and_go_at_once_leave_nobody_without_an_answer(served):
    chances = random.Random(3)
    for _ in range(AT_ONCE):
        for _ in range(chances.randrange(1, 4)):
            with Host(served) as host:
                host.send(b"AT\r")
            pass_by(chances.choice([0, 0, 1e-5, 1e-4, 1e-3]))
        with Host(served) as host:
            host.send(b"AT\r")
            host.hear()
    eventually(lambda: fresh(served))


@needs("chat")
def test_chat(served):
    script = 'chat -s -t5 ABORT ERROR "" AT OK <"$0" >"$0" 2>/dev/null'
    for number in range(1000 if DEEP else 10):
        assert subprocess.run(["sh", "-c", script, served.where[0]], check=False).returncode == 0, number


def test_no_descriptor_is_left(served):
    eventually(lambda: fresh(served))
    before = served.descriptors()
    for _ in range(100):
        with Host(served) as host:
            host.ask(OPEN)
    eventually(lambda: served.descriptors() <= before)
