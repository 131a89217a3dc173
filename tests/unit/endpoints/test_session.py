"""A session by itself, on a pair of sockets and a real event loop: what comes in, what goes out, whose turn it is."""

import asyncio
import contextlib
import errno
import math
import os
import random
import select
import socket
import struct
import threading
import time
from dataclasses import replace
from typing import Annotated
from unittest.mock import patch

import pytest

from vmodem import dialects, turns
from vmodem.config import Config
from vmodem.core.channel import OUTPUT_LIMIT, SHARE
from vmodem.core.commands import CommandTable
from vmodem.core.framing import EscapeReader, Flush
from vmodem.core.line import LineLayer
from vmodem.core.modem import Modem
from vmodem.core.parameters import integer
from vmodem.core.tasks import Delay, HostData, Room
from vmodem.endpoints import session
from vmodem.endpoints.session import READ_SIZE, Session
from vmodem.net.fake import FakeNetwork
from vmodem.reactor import Reactor

OK = b"\r\nOK\r\n"
PATIENCE = 10
PIECE = 4096

commands = CommandTable("Test commands")


@commands.set("+WAIT", "Wait")
async def wait(device, milliseconds: Annotated[int, integer()]):
    await Delay(device.modem.now + milliseconds / 1000)
    return f"+WAIT: {milliseconds}"


@commands.set("+POUR", "Send a lot within a command")
async def pour(device, count: Annotated[int, integer()]):
    for _ in range(count):
        await Room()
        device.channel.write(b"x" * 1000)


@commands.set("+FLOOD", "Send unsolicited messages in the background, as fast as the host takes them")
def flood(device):
    async def task():
        while True:
            await Room()
            device.channel.urc_bytes(b"x" * 1000)

    device.channel.spawn(task())


@commands.set("+DATA", "Take data until it is escaped from, and count it")
def data(device):
    async def count():
        reader, taken = EscapeReader(b"+++", PIECE, datagrams=False), 0
        while True:
            piece, why = await HostData(reader, math.inf)
            taken += len(piece)
            if why is Flush.ESCAPE:
                return f"+DATA: {taken}"

    device.channel.enter_data_mode(count(), swallow_line_feed=True)


@commands.set("+SLEEP", "Sleep")
def sleep(device):
    device.modem.sleep(lambda: None)


SM = dialects.find("sm")
DIALECT = replace(SM, commands=CommandTable().include(SM.commands, commands), banner=b"")


class Desk:
    """A session in the running event loop, and the host at the other end of its descriptors.

    `turns` holds a copy of `watched` for each turn of the loop, which tells what happened between two turns.
    """

    def __init__(self, read_fd=None, write_fd=None, layer=None):
        self.loop = asyncio.get_running_loop()
        self.host, self.own = socket.socketpair()
        for end in (self.host, self.own):
            end.setblocking(False)
        self.reactor = Reactor(self.loop)
        self.modem = Modem(DIALECT, FakeNetwork(), config=Config(), random=random.Random(0).randbytes)
        self.line = layer(self.modem.channels[0]) if layer else self.modem.channels[0]
        self.ended = []
        self.session = Session(
            self.reactor,
            self.modem,
            self.own.fileno() if read_fd is None else read_fd,
            self.own.fileno() if write_fd is None else write_fd,
            self.ended.append,
            self.line if layer else None,
        )
        self.turns = []
        self.watched = lambda: self.modem.scheduler.progress
        self._tick = self.loop.call_soon(self._turn)

    def _turn(self):
        self.turns.append(self.watched())
        self._tick = self.loop.call_soon(self._turn)

    def most_in_a_turn(self):
        return max(after - before for before, after in zip(self.turns, self.turns[1:], strict=False))

    async def send(self, data):
        await self.loop.sock_sendall(self.host, data)

    async def take(self, size):
        taken = bytearray()
        while len(taken) < size:
            piece = await self.loop.sock_recv(self.host, 1 << 16)
            assert piece, f"the session hung up after {bytes(taken[-100:])!r}"
            taken += piece
        return bytes(taken)

    async def ask(self, line, answer=OK):
        await self.send(line + b"\r")
        assert await self.take(len(answer)) == answer

    async def until(self, true):
        while not true():
            await asyncio.sleep(0.001)

    async def until_ended(self):
        await self.until(lambda: self.ended)
        assert self.ended == [self.session]

    def close(self):
        self._tick.cancel()
        self.session.close()
        self.reactor.close()
        for end in (self.host, self.own):
            end.close()


def at_a_desk(**arguments):
    """Let a test run with a `Desk`, whose arguments these are, in an event loop of its own."""

    def decorate(test):
        def run():
            async def go():
                desk = Desk(**{name: make() for name, make in arguments.items()})
                try:
                    desk.session.start()
                    await asyncio.wait_for(test(desk), PATIENCE)
                finally:
                    desk.close()

            asyncio.run(go())

        run.__name__ = test.__name__
        return run

    return decorate


soon_given_up = patch.object(session, "EOF_GRACE", 0.05)
"""Lets a test wait less for what goes on no more once the host has gone."""


# What comes in and goes out


@at_a_desk()
async def test_commands_are_answered(desk):
    await desk.ask(b"AT")
    await desk.ask(b"AT+WAIT=5", b"\r\n+WAIT: 5\r\n" + OK)
    assert not desk.ended


@at_a_desk()
async def test_the_banner_comes_first(desk):
    desk.session.close()
    desk.modem = Modem(SM, FakeNetwork(), config=Config(), random=random.Random(0).randbytes)
    fd = desk.own.fileno()
    desk.session = Session(desk.reactor, desk.modem, fd, fd, desk.ended.append)
    desk.session.start()
    await desk.ask(b"AT", SM.banner + OK)


@at_a_desk()
async def test_a_slow_reader_stops_the_sender_and_loses_nothing(desk):
    size = 400 * (1000 + len(OK))
    sent = 0
    with contextlib.suppress(TimeoutError):
        for _ in range(400):
            await asyncio.wait_for(desk.send(b"AT+POUR=1\r"), 0.2)
            sent += 1
        await asyncio.sleep(0.1)
    assert len(desk.line.output) < OUTPUT_LIMIT + 1100
    assert await desk.take(sent * size // 400) == (b"x" * 1000 + OK) * sent
    await desk.ask(b"AT")


@at_a_desk()
async def test_a_host_that_never_reads_is_read_no_more(desk):
    sent = 0
    with contextlib.suppress(TimeoutError):
        while True:
            await asyncio.wait_for(desk.send(b"AT\r" * 1000), 0.2)
            sent += 1
    assert desk.line.unread < 2 * READ_SIZE
    assert sent < 1000
    assert len(desk.line.output) < OUTPUT_LIMIT + 1000


# The end of the host


@at_a_desk()
async def test_a_half_closed_host_gets_its_answers(desk):
    await desk.send(b"AT+WAIT=50\rAT\r")
    desk.host.shutdown(socket.SHUT_WR)
    answer = b"\r\n+WAIT: 50\r\n" + OK + OK
    assert await desk.take(len(answer)) == answer
    await desk.until_ended()
    assert desk.session.error is None
    assert desk.modem.off


@at_a_desk()
async def test_the_descriptors_stay_open(desk):
    desk.host.shutdown(socket.SHUT_WR)
    await desk.until_ended()
    assert os.fstat(desk.own.fileno())


@at_a_desk()
async def test_what_came_before_the_end_is_done_however_much_it_is(desk):
    await desk.send(b"AT\r" * (3 * SHARE))
    desk.host.shutdown(socket.SHUT_WR)
    assert await desk.take(3 * SHARE * len(OK)) == OK * 3 * SHARE
    await desk.until_ended()


@soon_given_up
@at_a_desk()
async def test_a_host_that_has_gone_is_waited_for_as_long_as_something_goes_on(desk):
    await desk.send(b"AT+WAIT=60000\r")
    await desk.until(lambda: desk.modem.channels[0].busy)
    desk.host.shutdown(socket.SHUT_WR)
    await desk.until_ended()


@soon_given_up
@at_a_desk()
async def test_a_host_that_is_held_back_and_goes_is_noticed(desk):
    with contextlib.suppress(TimeoutError):
        while True:
            await asyncio.wait_for(desk.send(b"AT+WAIT=60000\r" * 1000), 0.1)
    assert not desk.line.accepting
    desk.host.close()
    await desk.until_ended()


@at_a_desk()
async def test_a_host_that_hangs_up_is_no_error(desk):
    await desk.send(b"AT+WAIT=20\r")
    await desk.until(lambda: desk.modem.channels[0].busy)
    desk.host.close()
    await desk.until_ended()
    assert desk.session.error is None


def test_a_reset_is_no_error():
    async def go():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host = socket.create_connection(listener.getsockname())
            own, _ = listener.accept()
        own.setblocking(False)
        desk = Desk(own.fileno(), own.fileno())
        desk.session.start()
        host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        host.close()
        await desk.until_ended()
        assert desk.session.error is None
        desk.close()
        own.close()

    asyncio.run(go())


@pytest.fixture
def full():
    fd = os.open("/dev/full", os.O_WRONLY | os.O_NONBLOCK)
    yield fd
    os.close(fd)


def test_a_failed_write_is_told(full):
    @at_a_desk(write_fd=lambda: full)
    async def fails(desk):
        await desk.send(b"AT\r")
        await desk.until_ended()
        assert desk.session.error.errno == errno.ENOSPC

    fails()


def test_a_regular_file_is_read_to_its_end(tmp_path):
    path = tmp_path / "commands"
    path.write_bytes(b"AT\r" * 1000 + b"AT+WAIT=10\r")
    fd = os.open(path, os.O_RDONLY)

    @at_a_desk(read_fd=lambda: fd)
    async def reads(desk):
        answer = OK * 1000 + b"\r\n+WAIT: 10\r\n" + OK
        assert await desk.take(len(answer)) == answer
        await desk.until_ended()

    reads()
    os.close(fd)


# A host that makes way for the next one


@at_a_desk()
async def test_a_muted_session_goes_on_and_says_nothing(desk):
    desk.session.mute()
    await desk.send(b"AT+POUR=500\r")
    await desk.until(lambda: desk.modem.scheduler.progress > 500)
    assert not select.select([desk.host], [], [], 0.02)[0]
    assert not desk.ended


@at_a_desk()
async def test_a_detached_session_does_what_was_asked_and_reads_no_more(desk):
    await desk.send(b"AT+WAIT=30\r")
    await desk.until(lambda: desk.modem.channels[0].busy)
    desk.session.detach()
    await desk.send(b"AT\r")
    assert not desk.ended
    await desk.until_ended()
    assert desk.own.recv(10) == b"AT\r"
    assert not select.select([desk.host], [], [], 0.02)[0]


@at_a_desk()
async def test_a_detached_session_leaves_the_watch_of_the_next_one_alone(desk):
    await desk.send(b"AT+WAIT=30\r")
    await desk.until(lambda: desk.modem.channels[0].busy)
    desk.session.detach()
    told = []
    desk.reactor.watch(desk.own.fileno(), told.append)
    await desk.until_ended()
    told.clear()
    await desk.send(b"AT\r")
    await desk.until(lambda: any(events & select.EPOLLIN for events in told))


@at_a_desk()
async def test_a_loop_whose_timers_do_not_tell_when_they_are_due(desk):
    """So are uvloop's that are due at once."""
    plain = desk.loop.call_at

    def call_at(when, callback):
        return desk.loop.call_soon(callback) if when <= desk.loop.time() else plain(when, callback)

    with patch.object(desk.loop, "call_at", call_at):
        for later in (0, 0, 1000, -1000):
            desk.session._wake_at(desk.loop.time() + later)
        await desk.send(b"AT+WAIT=1\rAT+WAIT=0\rAT\r")
        answer = b"\r\n+WAIT: 1\r\n" + OK + b"\r\n+WAIT: 0\r\n" + OK + OK
        assert await desk.take(len(answer)) == answer


@at_a_desk()
async def test_closing_twice_does_nothing(desk):
    desk.session.close()
    desk.session.close()
    desk.session.end()
    assert not desk.ended


# Whose turn it is


@contextlib.contextmanager
def brief_turns():
    """Let no turn last: whoever has one does a single share, so that shares can be counted."""
    with patch.object(turns, "LINE", 0), patch.object(session, "SLICE", 0), patch.object(session, "AT_ONCE", 0):
        yield


@at_a_desk()
async def test_a_huge_read_is_carried_out_in_shares(desk):
    count = 2000
    with brief_turns():
        await desk.send(b"AT\r" * count)
        assert await desk.take(count * len(OK)) == OK * count
    assert 0 < desk.most_in_a_turn() <= 2 * SHARE


class Scale(LineLayer):
    """A line that weighs what passes, and counts how often it is called without need."""

    def __init__(self, inner):
        super().__init__(inner)
        self.weight = 0
        self.advances = 0

    def receive(self, data, now):
        self.weight += len(data)
        super().receive(data, now)

    def advance(self, now):
        self.advances += 1
        super().advance(now)


@at_a_desk(layer=lambda: Scale)
async def test_data_is_taken_in_shares(desk):
    desk.watched = lambda: desk.line.weight
    await desk.ask(b"AT+DATA=")
    size = 32 << 20

    def pour():
        with socket.fromfd(desk.host.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as host:
            host.setblocking(True)
            host.sendall(bytes(size))
            host.sendall(b"+++")
            host.setblocking(False)

    with brief_turns():
        await asyncio.to_thread(pour)
        end = b"\r\n+DATA: %d\r\n" % size
        assert await desk.take(len(end)) == end
    assert PIECE <= desk.most_in_a_turn() <= 2 * READ_SIZE


@at_a_desk()
async def test_a_flood_to_a_host_that_reads_on_leaves_the_others_their_turn(desk):
    total = 0
    end = time.monotonic() + 0.5

    def drain():
        nonlocal total
        while time.monotonic() < end:
            if select.select([desk.host], [], [], 0.01)[0]:
                total += len(desk.host.recv(1 << 20))

    reader = threading.Thread(target=drain)
    with brief_turns():
        await desk.send(b"AT+FLOOD=\r")
        reader.start()
        await desk.until(lambda: not reader.is_alive())
    assert total > OUTPUT_LIMIT
    assert desk.most_in_a_turn() <= 2 * SHARE


@at_a_desk(layer=lambda: Scale)
async def test_a_modem_that_falls_asleep_has_no_turn(desk):
    await desk.send(b"AT+POUR=40\rAT+SLEEP=\r")
    assert await desk.take(40_000 + 2 * len(OK)) == b"x" * 40_000 + OK + OK
    before = desk.line.advances
    for _ in range(1000):
        await asyncio.sleep(0)
    assert desk.line.advances <= before + 1


# A line over a line


class Inverting(LineLayer):
    """A line whose bytes are all inverted, both ways."""

    def __init__(self, inner):
        super().__init__(inner)
        self._output = bytearray()

    @property
    def output(self):
        if len(self._output) < OUTPUT_LIMIT:
            self._output += inverted(self.inner.output)
            self.inner.output.clear()
        return self._output

    def receive(self, data, now):
        super().receive(inverted(data), now)


def inverted(data):
    return bytes(byte ^ 0xFF for byte in data)


class Deaf(LineLayer):
    """A line of which the host never hears anything."""

    @property
    def output(self):
        self.inner.output.clear()
        return self.inner.output


@at_a_desk(layer=lambda: Inverting)
async def test_a_line_may_stand_between_session_and_channel(desk):
    await desk.send(inverted(b"AT+WAIT=5\rAT\r"))
    answer = inverted(b"\r\n+WAIT: 5\r\n" + OK + OK)
    assert await desk.take(len(answer)) == answer
    await desk.send(inverted(b"AT+POUR=300\r"))
    assert await desk.take(300_000 + len(OK)) == inverted(b"x" * 300_000 + OK)
    desk.host.shutdown(socket.SHUT_WR)
    await desk.until_ended()


@at_a_desk(layer=lambda: Deaf)
async def test_a_line_that_loses_everything_goes_on(desk):
    await desk.send(b"AT+POUR=300\r")
    desk.host.shutdown(socket.SHUT_WR)
    await desk.until_ended()
    assert desk.modem.scheduler.progress > 300
