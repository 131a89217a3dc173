"""Whatever a modem has to do, one call does a bounded part of it: a grid of dialects and of kinds of work."""

import pytest

from vmodem import dialects
from vmodem.core import calls
from vmodem.core.channel import SHARE, UNASKED_LIMIT
from vmodem.core.tasks import Room
from vmodem.net.fake import FakeEcho
from vmodem.net.interface import Family
from vmodem.transcripts.matching import ENDS
from vmodem.virtual import Virtual

PEER = ("192.0.2.1", 7)
MUCH = 10 * SHARE


def lines(modem, end):
    """Pipeline commands."""
    modem.channel.receive((b"AT+TEST" if b"\n" in end else b"AT").join([b"", *[end] * MUCH]), modem.now)


def tasks(modem, end):
    """Let tasks pass on without end what never fills the host's output."""

    async def pass_on():
        while True:
            await Room()
            modem.modem.scheduler.progress += 0

    for _ in range(3):
        modem.channel.spawn(pass_on())
    modem.channel.process()


@pytest.mark.parametrize("work", [lines, tasks])
@pytest.mark.parametrize("dialect", dialects.MODULES)
def test_one_call_does_a_bounded_part(dialect, work):
    made = dialects.find(dialect)
    modem = Virtual(made)
    modem.take()
    before = modem.modem.scheduler.progress
    work(modem, ENDS[made.terminator])
    assert modem.channel.hungry
    assert modem.modem.deadline == modem.now
    assert modem.modem.scheduler.progress - before <= SHARE + 3


@pytest.mark.parametrize("dialect", dialects.MODULES)
def test_a_line_that_comes_meanwhile_waits_for_the_turn(dialect):
    made = dialects.find(dialect)
    modem = Virtual(made)
    modem.take()
    lines(modem, ENDS[made.terminator])
    size = len(modem.channel.output)
    lines(modem, ENDS[made.terminator])
    assert len(modem.channel.output) == size


@pytest.mark.parametrize("dialect", dialects.MODULES)
def test_no_unsolicited_line_comes_between_pipelined_ones(dialect):
    made = dialects.find(dialect)
    modem = Virtual(made)
    modem.take()
    lines(modem, ENDS[made.terminator])
    modem.channel.urc("#URC")
    modem.pump()
    said = modem.take()
    assert said.count(b"#URC") == 1
    assert said.endswith(made.urc("#URC"))


def test_what_a_step_takes_in_of_secure_connections_counts():
    modem = Virtual(dialects.find("slm-2.7"))
    steps = 0

    async def pass_on():
        nonlocal steps
        while True:
            await Room()
            steps += 1
            modem.modem.tls.taken_in += SHARE // 4

    modem.channel.spawn(pass_on())
    modem.channel.process()
    assert modem.channel.hungry
    assert 0 < steps <= 4


def test_late_replies_are_dropped_a_bounded_number_at_once(monkeypatch):
    modem = Virtual(dialects.find("sm-1.0"))
    net = modem.modem.network.open_echo(Family.IPV4, PEER[0])
    for sequence in range(4 * calls.LATE):
        net.send_echo(sequence, b"")
    modem.pump()
    taken, replied = [], []
    recv_echo = FakeEcho.recv_echo
    monkeypatch.setattr(FakeEcho, "recv_echo", lambda echo: taken.append(recv_echo(echo)) or taken[-1])

    async def ping():
        await calls.echo(modem.modem, net, 4 * calls.LATE, b"", 1)
        replied.append(len(taken))

    modem.channel.spawn(ping())
    assert len(taken) == calls.LATE
    modem.pump()
    assert replied == [4 * calls.LATE + 1]


def test_tasks_that_wait_for_room_have_it_in_turns():
    modem = Virtual(dialects.find("ameba-2.4"))
    modem.take()
    said = []

    async def pass_on(name):
        while True:
            await Room()
            said.append(name)
            modem.channel.urc_bytes(b"x" * (UNASKED_LIMIT // 2))

    for name in "abcd":
        modem.channel.spawn(pass_on(name))
    for _ in range(4):
        modem.channel.output.clear()
        modem.modem.advance(modem.now)
    assert "".join(said) == "abcdabcd"
