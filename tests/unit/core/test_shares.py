"""Whatever a modem has to do, one call does a bounded part of it: a grid of dialects and of kinds of work."""

import pytest

from vmodem import dialects
from vmodem.core.channel import SHARE, UNASKED_LIMIT
from vmodem.core.tasks import Room
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
