"""What the kernel remembers of who had a pseudo terminal open: the last close, and nothing else."""

import contextlib
import itertools
import os
import select
import termios
import tty

import pytest

from vmodem.endpoints.presence import Presence


class Terminal:
    """A pseudo terminal whose presence is asked, and hosts that open and close it."""

    def __init__(self):
        self.master, slave = os.openpty()
        self.path = os.ttyname(slave)
        tty.setraw(slave)
        os.set_blocking(self.master, False)
        self.presence = Presence(self.master, slave)
        self.hosts = []

    def open(self):
        self.hosts.append(os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
        return self.hosts[-1]

    def close(self, host):
        self.hosts.remove(host)
        os.close(host)

    def fill(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.master, b"x" * 4096)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.presence.close()
    for fd in (made.master, *made.hosts):
        os.close(fd)


def test_the_openings_before_the_first_host_are_nobody_s(terminal):
    assert not terminal.presence.left()
    terminal.open()
    assert not terminal.presence.left()


def orders(hosts, length):
    """Return every order in which ``hosts`` open and close a terminal in ``length`` steps."""
    return itertools.product(range(hosts), repeat=length)


@pytest.mark.parametrize("asked", list(itertools.product([False, True], repeat=5)), ids=str)
def test_every_order_of_openings_of_three_hosts(terminal, asked):
    for order in orders(3, len(asked)):
        there, gone = {}, False
        for host, ask in zip(order, asked, strict=True):
            if host in there:
                terminal.close(there.pop(host))
                gone = gone or not there
            else:
                there[host] = terminal.open()
            if ask:
                assert terminal.presence.left() == gone, (order, asked)
                gone = False
        for fd in there.values():
            terminal.close(fd)
        assert terminal.presence.left() == (gone or bool(there)), (order, asked)


def test_no_number_of_openings_is_too_many(terminal):
    host = terminal.open()
    for _ in range(20_000):
        terminal.close(terminal.open())
    assert not terminal.presence.left()
    terminal.close(host)
    for _ in range(20_000):
        terminal.close(terminal.open())
    host = terminal.open()
    assert terminal.presence.left()
    assert not terminal.presence.left()
    for _ in range(100):
        terminal.close(host)
        host = terminal.open()
        assert terminal.presence.left()


def no_echo(fd):
    attributes = termios.tcgetattr(fd)
    attributes[3] |= termios.ICANON
    termios.tcsetattr(fd, termios.TCSAFLUSH, attributes)
    tty.setraw(fd)


@pytest.mark.parametrize(
    "act",
    [
        lambda terminal, host: os.write(host, b"AT\r"),
        lambda terminal, host: (os.write(host, b"AT\r"), os.read(terminal.master, 100)),
        lambda terminal, host: os.write(terminal.master, b"OK"),
        lambda terminal, host: (os.write(terminal.master, b"OK"), os.read(host, 100)),
        lambda terminal, host: (terminal.fill(), terminal.presence.left(), os.read(host, 4096)),
        lambda terminal, host: termios.tcflush(host, termios.TCIOFLUSH),
        lambda terminal, host: termios.tcdrain(host),
        lambda terminal, host: termios.tcsendbreak(host, 0),
        lambda terminal, host: no_echo(host),
        lambda terminal, host: [
            termios.tcflow(host, how) for how in (termios.TCOOFF, termios.TCOON, termios.TCIOFF, termios.TCION)
        ],
    ],
)
def test_what_a_host_does_is_not_taken_for_its_going(terminal, act):
    host = terminal.open()
    for _ in range(3):
        act(terminal, host)
        assert not terminal.presence.left()
    terminal.close(host)
    assert terminal.presence.left()


def test_a_host_that_leaves_a_full_terminal_is_seen(terminal):
    host = terminal.open()
    terminal.fill()
    terminal.close(host)
    assert terminal.presence.left()


def test_it_becomes_readable(terminal):
    host = terminal.open()
    assert not select.select([terminal.presence.fd], [], [], 0)[0]
    terminal.close(host)
    terminal.open()
    assert select.select([terminal.presence.fd], [], [], 0)[0]


def test_what_was_set_and_what_was_sent_outlives_its_host(terminal):
    os.write(terminal.master, b"Ready\r\n")
    host = terminal.open()
    assert os.read(host, 100) == b"Ready\r\n"
    assert not termios.tcgetattr(host)[3] & termios.ICANON
    os.write(host, b"last words")
    terminal.close(host)
    assert os.read(terminal.master, 100) == b"last words"
    with pytest.raises(OSError, match="Input/output error"):
        os.read(terminal.master, 100)


def test_a_kernel_that_does_not_tell(monkeypatch):
    master, slave = os.openpty()
    tty.setraw(slave)
    monkeypatch.setattr("vmodem.endpoints.presence.LAST_CLOSE", select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    with pytest.raises(OSError, match="not supported"):
        Presence(master, slave)
    os.close(slave)
    os.close(master)
