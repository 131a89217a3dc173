"""Use modems of every dialect at random, and see whether they are as they were before.

    python -m tests.endurance.soak [--seconds N] [--seed N]

One process serves every dialect at a TCP port and at a pseudo terminal. Hosts say lines that are right and wrong, to
peers that echo, flood, drip, reset, shut down or never read, and vanish in the middle; others move numbered bytes.
After each round everybody has gone. Every byte that was acknowledged has to have arrived in order, every descriptor
to be given back, nothing to be an error in the log, and in the end memory to be what it was.
"""

import argparse
import contextlib
import os
import select
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from random import Random

from tests.endurance.peers import Crowd, Knocker, Witness, numbered
from tests.endurance.speech import SPEECH, Talker, any_line
from tests.hosts import connect
from tests.patience import eventually
from tests.peers import free_port, reset
from tests.process import Process
from vmodem import dialects

HOSTS = 6
"""How many hosts there are at a time."""
ROUNDS = 5
"""How often everybody goes, at least."""
LONGEST = 10
"""The most seconds until everybody goes."""
WARM = 2
"""Rounds until memory is what it will be."""
LOOK = 0.3
"""Seconds between two hosts of a terminal: what one has sent and nobody has read would be taken for the next one's."""
GROWTH = 4096
"""The most KiB that memory may grow from then on, however long it takes."""


class Soak:
    """A process of modems, the peers around it, and what went wrong."""

    def __init__(self, process, seed):
        self.process = process
        self.seed = seed
        self.crowd = Crowd()
        self.servers = [free_port() for _ in range(4)]
        self.endpoints = [(where, dialects.find(name)) for where, name in zip(process.where, NAMES, strict=True)]
        self.terminals = {where: threading.Lock() for where in process.where if ":" not in where}
        self.faults = []
        self.numbers = iter(range(1 << 60))
        self.counts = {"conversations": 0, "lines": 0, "sent": 0, "received": 0}
        self.counting = threading.Lock()
        self.pausing = threading.Event()

    def count(self, **more):
        with self.counting:
            for what, by in more.items():
                self.counts[what] += by

    def round(self, until):
        """Let hosts come and go until then; return when the last one has gone."""
        knocker = Knocker(self.servers, Random(f"{self.seed} {next(self.numbers)}"))
        hosts = [threading.Thread(target=self.converse, args=(until,)) for _ in range(HOSTS)]
        for host in hosts:
            host.start()
        for host in hosts:
            host.join()
        knocker.close()
        self.crowd.drop()

    def converse(self, until):
        while time.monotonic() < until and not self.faults:
            number = next(self.numbers)
            try:
                self.conversation(Random(f"{self.seed} {number}"), until)
            except Exception:
                self.faults.append(f"conversation {number}: {traceback.format_exc()}")

    def conversation(self, dice, until):
        where, dialect = dice.choice(self.endpoints)
        with self.terminals.get(where, contextlib.nullcontext()), contextlib.ExitStack() as after:
            host = connect(where, dialect)
            try:
                if dice.random() < 0.4:
                    self.noise(host, dialect, dice, until)
                else:
                    self.stream(host, dialect, dice, until, after)
            except Exception as error:
                error.add_note(f"a host of {dialect.name} at {where}")
                raise
            finally:
                reset(host.sock) if ":" in where and dice.random() < 0.3 else host.close()
                if where in self.terminals:
                    self.pausing.wait(LOOK)
        self.count(conversations=1)

    def noise(self, host, dialect, dice, until):
        """Say anything, read it or not, and vanish."""
        reads = dice.random() < 0.8
        for _ in range(dice.randint(1, 60)):
            line = any_line(dialect, dice, self.crowd.ports, self.servers)
            try:
                host.send_what_fits(line + host.end, 0.05)
                if reads and select.select([host.fd], [], [], dice.choice((0, 0, 0.01, 0.1)))[0]:
                    os.read(host.fd, 65536)
            except OSError:
                return  # the device has switched itself off, or was shut
            self.count(lines=1)
            if time.monotonic() > until:
                return

    def stream(self, host, dialect, dice, until, after):
        """Move numbered bytes in both directions, and end that in any way; ``after`` is for what follows the host."""
        witness = Witness(slow=dice.random() < 0.3)
        talker = Talker(host, SPEECH[dialect.name])
        after.callback(self.left, talker, witness)
        for line in talker.speech.connect:
            talker.order(line.format(port=witness.port))
        for _ in range(dice.randint(1, 25)):
            dice.choice((said, said, moded, asked, drained))(talker, witness, dice)
            if time.monotonic() > until:
                break
        dice.choice((closed, peer_closed, peer_reset, vanished))(talker, witness, dice)

    def left(self, talker, witness):
        """See what became of a stream whose host has gone."""
        witness.close()
        got, received = bytes(witness.got), bytes(talker.received)
        assert got == numbered(0, len(got)), "the peer got something else"
        assert received == numbered(0, len(received)), "the host received something else"
        self.count(sent=len(got), received=len(received))

    def check(self, idle):
        """Look at what is left once everybody has gone; return how much memory that is."""
        for where, dialect in self.endpoints:
            host = connect(where, dialect)
            talker = Talker(host, SPEECH[dialect.name])
            ping = "AT+TEST" if dialect.name.startswith("ameba") else "AT"
            talker.order(ping)
            host.close()
        eventually(lambda: self.process.descriptors() <= idle, 20)
        return self.process.resident()


def said(talker, witness, dice):
    """Send by a line."""
    size = dice.randint(1, 1024)
    text = numbered(talker.acked, size).decode()
    talker.order(talker.speech.send.format(text=text, size=size))
    talker.acked += size


def moded(talker, witness, dice):
    """Send in data mode; nothing else is on its way then, as it would have no form there."""
    drained(talker, witness, dice)
    speech = talker.speech
    size = dice.choice((dice.randint(1, 100), dice.randint(1, 10000)))
    if not speech.end:
        size = min(size, 1000)
    talker.host.send(speech.mode.format(size=size).encode() + talker.host.end)
    if speech.entered:
        talker.wait(speech.entered, speech.mode)
    data = numbered(talker.acked, size)
    while data:
        cut = dice.randint(1, 4000)
        talker.host.send(data[:cut])
        data = data[cut:]
    talker.host.send(speech.end)
    talker.wait(speech.left, speech.mode)
    talker.acked += size


def asked(talker, witness, dice):
    """Let the peer send."""
    witness.ask(dice.choice((dice.randint(1, 50), dice.randint(1, 20000))))


def drained(talker, witness, dice):
    """Receive all that the peer was asked to send."""
    deadline = time.monotonic() + 30
    while len(talker.received) < witness.asked:
        assert time.monotonic() < deadline, (
            f"{len(talker.received)} of {witness.asked} bytes were received, and {bytes(talker.host.got[-100:])!r}"
        )
        if talker.speech.receive:
            talker.ask(talker.speech.receive)
        else:
            talker.read(1)
    assert talker.received == numbered(0, witness.asked), "what the peer sent was not received in order"


def arrived(talker, witness):
    """See that the peer got all that was acknowledged, and nothing else."""
    assert witness.ended.wait(20), "the connection did not end"
    assert witness.got == numbered(0, talker.acked), f"the peer got {len(witness.got)} of {talker.acked} bytes"


def closed(talker, witness, dice):
    drained(talker, witness, dice)
    talker.order(talker.speech.close)
    arrived(talker, witness)


def peer_closed(talker, witness, dice):
    asked(talker, witness, dice)
    witness.end("closes")
    drained(talker, witness, dice)
    talker.ask(talker.speech.close)
    arrived(talker, witness)


def peer_reset(talker, witness, dice):
    witness.end("resets")


def vanished(talker, witness, dice):
    """Let the host go, with bytes on their way or without."""


NAMES = [name for name in SPEECH for _ in range(2)]


def configuration(folder):
    """Write down a modem of each dialect at a TCP port and at a pseudo terminal."""
    tables = "".join(
        f'[[modem]]\nname = "{name}"\ndialect = "{name}"\nendpoint = ["tcp 127.0.0.1:0", "pty {folder}/{name}"]\n'
        for name in SPEECH
    )
    path = Path(folder, "soak.toml")
    path.write_text(tables)
    return str(path)


def soak(process, seconds, seed):
    """Soak the modems of ``process``; return what went wrong."""
    one = Soak(process, seed)
    idle = process.descriptors()
    end = time.monotonic() + seconds
    memory = []
    try:
        while time.monotonic() < end and not one.faults:
            one.round(min(end, time.monotonic() + min(LONGEST, seconds / ROUNDS)))
            if not one.faults:
                memory.append(one.check(idle))
    except AssertionError as error:
        one.faults.append(f"after a round: {error}; {process.descriptors()} descriptors, {idle} before")
    finally:
        one.crowd.close()
    status, log = process.stop()
    if status != 0:
        one.faults.append(f"the exit status is {status}")
    if log:
        one.faults.append(f"the log has errors:\n{log}")
    if len(memory) > WARM and memory[-1] - memory[WARM - 1] > GROWTH:
        one.faults.append(f"memory grows: {memory} KiB")
    print(", ".join(f"{count} {what}" for what, count in one.counts.items()), f"memory {memory} KiB", sep="; ")
    return one.faults


def main():
    """Soak, and return 0 where nothing went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.soak")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", default=str(int.from_bytes(os.urandom(4))))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        options = ["--config", configuration(folder), "--log-level", "error"]
        with Process(*options, endpoints=len(NAMES)) as process:
            faults = soak(process, arguments.seconds, arguments.seed)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
