"""A pseudo terminal in a real event loop: whose the bytes are, who is answered, and when the modem is a new one.

The hosts are descriptors of the test itself. vmodem does nothing while the test does not await: so a test decides what
has happened before vmodem looks, as if the program had been stopped meanwhile.
"""

import asyncio
import contextlib
import fcntl
import itertools
import os
import re
import select
import socket
import termios
from functools import partial, wraps
from unittest.mock import patch

import pytest
from tests.hosts import PtyHost
from tests.patience import PATIENCE

from vmodem.endpoints import pty
from vmodem.endpoints.presence import Presence
from vmodem.endpoints.pty import Pty
from vmodem.errors import EndpointError
from vmodem.hub import Hub
from vmodem.profile import Profile

READY = b"Ready\r\n"
OK = b"\r\nOK\r\n"
OPEN = b"AT#XSOCKET=1,1,0\r"
LIST = b"AT#XSOCKET?\r"


class Desk:
    """A modem at a pseudo terminal in the running event loop, and hosts."""

    def __init__(self, spec):
        self.loop = asyncio.get_running_loop()
        self.hub = Hub(self.loop)
        self.endpoint = self.hub.add(Profile(), spec)
        self.hub.start()
        self.hosts = []

    def open(self):
        fd = os.open(self.endpoint.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.hosts.append(fd)
        return fd

    def close(self, host):
        self.hosts.remove(host)
        os.close(host)

    async def ask(self, host, line, end=OK):
        """Send ``line``; return what comes up to ``end``."""
        await self.say(host, line)
        return await self.hear(host, end)

    async def say(self, host, line):
        """Send ``line``; a terminal that is full of what another host left takes it when there is room."""
        writable = self.loop.create_future()
        self.loop.add_writer(host, lambda: writable.done() or writable.set_result(None))
        try:
            async with asyncio.timeout(PATIENCE):
                await writable
        finally:
            self.loop.remove_writer(host)
        assert os.write(host, line) == len(line)

    async def hear(self, host, end=OK):
        got = b""
        async with asyncio.timeout(PATIENCE):
            while not got.endswith(end):
                await self.answered(host)
                got += os.read(host, 65536)
        return got

    async def answered(self, host):
        """Wait until something waits for ``host`` in the terminal; leave it there."""
        readable = self.loop.create_future()
        self.loop.add_reader(host, lambda: readable.done() or readable.set_result(None))
        try:
            await readable
        finally:
            self.loop.remove_reader(host)

    async def turns(self, number=4):
        """Let vmodem look at what has happened."""
        for _ in range(number):
            await asyncio.sleep(0)

    async def fresh(self):
        """Whether a host that opens the terminal now finds a modem without sockets, which greets."""
        host = self.open()
        got = await self.ask(host, LIST)
        self.close(host)
        return got == READY + OK

    def end(self):
        for host in self.hosts:
            os.close(host)
        self.hub.close()


def at_a_desk(**settings):
    """Run a test in an event loop, at a desk."""

    def decorate(test):
        @wraps(test)
        def run(*arguments, **named):
            async def conversation():
                desk = Desk(Pty(**settings))
                try:
                    await test(desk, *arguments, **named)
                finally:
                    desk.end()

            asyncio.run(conversation())

        del run.__wrapped__  # pytest looks for fixtures there
        return run

    return decorate


PATTERNS = sorted(set(itertools.permutations("AAABBB")))
"""Every order in which two hosts open the terminal, ask something and close it."""


@pytest.mark.parametrize("pattern", PATTERNS, ids="".join)
def test_two_hosts_in_every_order(pattern):
    @at_a_desk()
    async def play(desk):
        for looked in itertools.product([False, True], repeat=len(pattern)):
            await play_once(desk, pattern, looked)
            await desk.turns()
            assert await desk.fresh(), looked
            await desk.turns()

    play()


async def play_once(desk, pattern, looked):
    """Play a pattern; vmodem looks after the steps that ``looked`` says, and a host that it hears is answered."""
    there, steps = {}, {"A": 0, "B": 0}
    opened = 0  # sockets of the modem, as far as a host was told
    for who, look in zip(pattern, looked, strict=True):
        steps[who] += 1
        if steps[who] == 1:
            there[who] = desk.open()
        elif steps[who] == 2:
            os.write(there[who], OPEN)
            if look:
                got = await desk.hear(there[who], OK)
                handles = [int(handle) for handle in re.findall(rb"#XSOCKET: (\d),1,6", got)]
                assert handles, (pattern, looked, got)
                assert handles[-1] >= opened, "the modem was reset under a host that is there"
                opened = handles[-1] + 1
        else:
            desk.close(there.pop(who))
            opened = opened if there else 0
        if look:
            await desk.turns()


@at_a_desk()
async def test_hosts_that_went_while_the_program_was_stopped_do_not_reset_one_that_is_there(desk):
    host = desk.open()
    await desk.ask(host, OPEN)
    for _ in range(20_000):
        desk.close(desk.open())
    assert b"#XSOCKET: 0,1,0,1,0" in await desk.ask(host, LIST)
    assert b"#XSOCKET: 1,1,6" in await desk.ask(host, OPEN)


@at_a_desk()
async def test_the_one_that_is_there_after_many_that_went_is_answered_by_a_new_modem(desk):
    host = desk.open()
    await desk.ask(host, OPEN)
    desk.close(host)
    for _ in range(20_000):
        desk.close(desk.open())
    host = desk.open()
    assert await desk.ask(host, LIST) in (OK, READY + OK)


@at_a_desk()
async def test_two_openings_before_vmodem_looks_are_two(desk):
    for _ in range(20):
        first, second = desk.open(), desk.open()
        await desk.ask(first, OPEN)
        desk.close(first)
        assert b"#XSOCKET: 0,1,0,1,0" in await desk.ask(second, LIST)
        desk.close(second)
        assert await desk.fresh()


@at_a_desk()
async def test_a_host_that_opens_at_once_finds_a_new_modem_and_loses_no_byte(desk):
    host = desk.open()
    await desk.ask(host, OPEN)
    for _ in range(200):
        desk.close(host)
        host = desk.open()
        opened = b"\r\n#XSOCKET: 0,1,6\r\n" + OK
        assert await desk.ask(host, LIST + OPEN, opened) == READY + OK + opened


@at_a_desk()
async def test_what_a_host_said_before_it_closed_is_done_and_nobody_hears_the_answer(desk):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        port = listener.getsockname()[1]
        host = desk.open()
        os.write(host, OPEN + b'AT#XCONNECT=0,"127.0.0.1",%d\r' % port + b'AT#XSEND=0,0,0,"last words"\r')
        desk.close(host)
        await desk.turns()
        accepted, _ = await asyncio.to_thread(listener.accept)
        with accepted:
            accepted.settimeout(PATIENCE)
            assert await asyncio.to_thread(accepted.recv, 100) == b"last words"
            assert await asyncio.to_thread(accepted.recv, 100) == b""  # its socket is closed
        assert await desk.fresh()


LEFT_IN = {
    "idle": b"AT\r",
    "a command that waits": b"AT#XRECV=0,0,0,600\r",
    "a command that waits, and more behind it than it takes in": b"AT#XRECV=0,0,0,600\r" + b"AT\r" * 4000,
    "data mode": b"AT#XSEND=0,2,0\r",
    "data mode, with data": b"AT#XSEND=0,2,0\rlast words",
    "the middle of a line": b"AT#XSE",
}


@pytest.mark.parametrize("next_one", ["at once", "later", "never"])
@pytest.mark.parametrize("left_in", LEFT_IN.values(), ids=LEFT_IN)
def test_a_host_that_has_gone_does_not_keep_its_sockets(left_in, next_one):
    @at_a_desk()
    async def play(desk):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host = desk.open()
            await desk.ask(host, OPEN)
            await desk.ask(host, b'AT#XCONNECT=0,"127.0.0.1",%d\r' % listener.getsockname()[1])
            accepted, _ = listener.accept()
        with accepted:
            with contextlib.suppress(BlockingIOError):
                os.write(host, left_in)
            await desk.turns(20)
            desk.close(host)
            if next_one == "later":
                await desk.turns(20)
            if next_one != "never":
                host = desk.open()
                assert (await desk.ask(host, b"\r" + LIST)).endswith(OK)
            accepted.settimeout(PATIENCE)
            got = b""
            while piece := await asyncio.to_thread(accepted.recv, 100):
                got += piece
            assert got in (b"", b"last words")

    with patch("vmodem.endpoints.session.EOF_GRACE", 0.05):
        play()


@at_a_desk()
async def test_more_than_one_read_is_read_to_the_end(desk):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        host = desk.open()
        await desk.ask(host, OPEN)
        await desk.ask(host, b'AT#XCONNECT=0,"127.0.0.1",%d\r' % listener.getsockname()[1])
        await desk.ask(host, b"AT#XSEND=0,2,0\r")
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += os.write(host, b"x" * 4096)
        assert sent > 4096
        desk.close(host)
        await desk.turns()
        accepted, _ = listener.accept()
        with accepted, accepted.makefile("rb") as got:
            accepted.settimeout(PATIENCE)
            assert await asyncio.to_thread(got.read) == b"x" * sent


@at_a_desk()
async def test_answers_that_a_host_did_not_wait_for_are_not_the_next_one_s(desk):
    for _ in range(20):
        host = desk.open()
        os.write(host, b"AT#XSLMVER\rAT\rnonsense\r")
        desk.close(host)
        await desk.turns()
        host = desk.open()
        assert await desk.ask(host, b"AT\r") == READY + OK
        os.write(host, b"nonsense\r")
        await desk.answered(host)
        desk.close(host)
        assert await desk.fresh()


GET_EXCLUSIVE = 0x80045440
"""TIOCGEXCL, which Python does not name."""


def stop(host):
    termios.tcflow(host, termios.TCOOFF)


def shut_out_others(host):
    fcntl.ioctl(host, termios.TIOCEXCL)


@pytest.mark.parametrize("shut", [stop, shut_out_others])
@pytest.mark.parametrize("looked", [False, True])
def test_what_a_host_has_shut_is_open_for_the_next_one(shut, looked):
    if shut is shut_out_others and os.geteuid() != 0:
        pytest.skip("only root opens a terminal that a host has shut")

    @at_a_desk()
    async def play(desk):
        host = desk.open()
        await desk.ask(host, b"AT\r")
        shut(host)
        desk.close(host)
        if looked:
            await desk.turns()
        host = desk.open()
        await desk.answered(host)  # it greets, so vmodem has looked
        assert await desk.ask(host, b"AT\r") == READY + OK
        assert fcntl.ioctl(host, GET_EXCLUSIVE, bytes(4)) == bytes(4)

    play()


@at_a_desk()
async def test_hosts_that_only_look_change_nothing_for_the_next_one(desk):
    for turn in range(20):
        host = desk.open()
        termios.tcgetattr(host)
        termios.tcflush(host, termios.TCIFLUSH)
        desk.close(host)
        if turn % 2:
            await desk.turns()
    assert await desk.fresh()


@pytest.mark.parametrize("moment", range(6))
@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize("hasty", range(3))
def test_a_host_is_answered_whenever_it_comes_while_vmodem_looks(moment, place, hasty):
    """Before or behind one of the looks that vmodem takes, some hosts write and go, and one comes that stays."""

    @at_a_desk()
    async def play(desk):
        looks, look = itertools.count(), Presence.left

        def come():
            for _ in range(hasty):
                host = desk.open()
                os.write(host, b"AT\r")
                desk.close(host)
            os.write(desk.open(), b"AT#XSOCKET=1,1,0\r")

        def left(presence):
            if (now := next(looks) == moment) and place == "before":
                come()
            answer = look(presence)
            if now and place == "behind":
                come()
            return answer

        with patch.object(Presence, "left", left):
            while not desk.hosts:  # each one that goes has vmodem look
                host = desk.open()
                os.write(host, b"AT\r")
                desk.close(host)
                await desk.turns()
            (host,) = desk.hosts
            await desk.hear(host, b"#XSOCKET: 0,1,6\r\n" + OK)
            await desk.turns(20)
            assert b"#XSOCKET: 0,1,0,1,0" in await desk.ask(host, LIST)

    play()


@at_a_desk()
async def test_hosts_that_come_and_go_without_end_leave_everybody_else_a_turn(desk):
    host = desk.open()
    await desk.ask(host, b"AT\r")
    turns = 0

    async def somebody_else():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    another, answers = asyncio.create_task(somebody_else()), iter([True] * 2000)
    with patch.object(Presence, "left", lambda presence: next(answers, False)):
        os.write(host, b"AT\r")
        assert await desk.hear(host, READY) == READY
        assert next(answers, None) is None
        assert turns >= 2000 // pty.LOOKS_AT_ONCE
        assert await desk.ask(host, b"AT\r") == OK
    another.cancel()


@at_a_desk()
async def test_nobody_costs_nothing(desk):
    """While nobody has the terminal open its hang-up is there to be read, always: it must not be read all the time."""
    host = desk.open()
    await desk.ask(host, b"AT\r")
    desk.close(host)
    await desk.turns(20)
    polls = []
    select_once = desk.loop._selector.select
    desk.loop._selector.select = lambda timeout: polls.append(timeout) or select_once(timeout)
    await asyncio.sleep(0.05)
    assert len(polls) < 10, "the loop spins"
    desk.loop._selector.select = select_once


@at_a_desk()
async def test_without_a_descriptor_to_spare_the_next_host_still_hears_nothing_old(desk):
    host = desk.open()
    os.write(host, b"nonsense\r")
    await desk.answered(host)
    desk.close(host)
    opening, os.open = os.open, partial(refuse, desk.endpoint.path, os.open)
    try:
        await desk.turns(20)
    finally:
        os.open = opening
    assert await desk.fresh()


def refuse(path, opening, wanted, *arguments):
    if wanted == path:
        raise OSError(24, "Too many open files")
    return opening(wanted, *arguments)


@at_a_desk(hangup="keep")
async def test_hangup_keep_is_one_modem_for_good(desk):
    host = desk.open()
    await desk.ask(host, OPEN)
    for _ in range(100):
        desk.close(host)
        host = desk.open()
    await desk.turns()
    assert b"#XSOCKET: 0,1,0,1,0" in await desk.ask(host, LIST)


def test_a_kernel_that_does_not_tell_is_warned_of_and_the_modem_kept(monkeypatch, caplog):
    monkeypatch.setattr("vmodem.endpoints.presence.LAST_CLOSE", select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    @at_a_desk()
    async def play(desk):
        host = desk.open()
        await desk.ask(host, OPEN)
        desk.close(host)
        await desk.turns()
        host = desk.open()
        assert b"#XSOCKET: 0,1,0,1,0" in await desk.ask(host, LIST)

    play()
    assert "will not be noticed: " in caplog.text


class TestLink:
    """A link is made anew where it was left over, never where it leads to what is there."""

    @pytest.fixture
    def link(self, tmp_path):
        return tmp_path / "modem"

    @staticmethod
    def served(link):
        """Serve at ``link``, and return where it led meanwhile."""

        async def serve():
            desk = Desk(Pty(str(link)))
            try:
                return os.readlink(link), desk.endpoint.path
            finally:
                desk.end()

        return asyncio.run(serve())

    def test_it_leads_to_the_terminal_as_long_as_that_is_served(self, link):
        target, path = self.served(link)
        assert target == path
        assert not os.path.lexists(link)

    @pytest.mark.parametrize("target", ["/nowhere", "/dev/pts/987654", "modem"])
    def test_left_over(self, link, target):
        link.symlink_to(target)
        led, path = self.served(link)
        assert led == path
        assert os.listdir(link.parent) == []

    def test_left_over_with_a_number_that_is_ours_now(self, link):
        for _ in range(2):  # the kernel gives out the lowest number that is free
            master, slave = os.openpty()
            link.symlink_to(os.ttyname(slave))
            os.close(slave)
            os.close(master)
            led, path = self.served(link)
            assert led == path

    def test_the_terminal_of_somebody_else(self, link):
        master, slave = os.openpty()
        link.symlink_to(os.ttyname(slave))
        with pytest.raises(EndpointError, match=f"{link}: it leads to {os.ttyname(slave)}, which is in use; end "):
            self.served(link)
        assert os.readlink(link) == os.ttyname(slave)
        assert os.listdir(link.parent) == [link.name]
        os.close(slave)  # nobody is its host, it is served still
        with pytest.raises(EndpointError, match="in use"):
            self.served(link)
        os.close(master)
        led, path = self.served(link)
        assert led == path

    @pytest.mark.parametrize("target", [os.devnull, "."])
    def test_what_is_no_terminal(self, link, target):
        link.symlink_to(target)
        with pytest.raises(EndpointError, match="in use"):
            self.served(link)
        assert os.readlink(link) == target

    def test_twice_in_one_program(self, link):
        async def serve():
            desk = Desk(Pty(str(link)))
            try:
                with pytest.raises(EndpointError, match="in use"):
                    desk.hub.add(Profile(), Pty(str(link)))
                assert os.readlink(link) == desk.endpoint.path
                host = PtyHost(str(link))
                desk.hosts.append(host.fd)
                assert await desk.ask(host.fd, b"AT\r") in (OK, READY + OK)
            finally:
                desk.end()

        asyncio.run(serve())

    def test_one_that_another_program_put_there_just_now(self, link, monkeypatch):
        """Both found the same link left over; the other one was faster."""
        master, slave = os.openpty()
        rename = os.rename

        def late(old, new):
            monkeypatch.setattr(os, "rename", rename)
            os.unlink(link)
            os.symlink(os.ttyname(slave), link)
            rename(old, new)

        link.symlink_to("/nowhere")
        monkeypatch.setattr(pty.os, "rename", late)
        with pytest.raises(EndpointError, match="in use"):
            self.served(link)
        assert os.readlink(link) == os.ttyname(slave)
        assert os.listdir(link.parent) == [link.name]
        os.close(slave)
        os.close(master)
