"""The engine by itself, with a dialect of three commands made for the purpose."""

import errno
import math
from dataclasses import replace
from typing import Annotated

import pytest

from vmodem import dialects
from vmodem.core.channel import INPUT_LIMIT, OUTPUT_LIMIT, UNASKED_LIMIT
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.framing import CountReader, EscapeReader, Flush
from vmodem.core.parameters import integer
from vmodem.core.tasks import AnyReady, Delay, HostData, Lookup, Room
from vmodem.net.interface import POLLIN, Family, SocketType
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"

commands = CommandTable("Test commands")


@commands.set("+WAIT", "Wait")
async def wait(device, seconds: Annotated[int, integer()]):
    await Delay(device.modem.now + seconds)
    return f"+WAIT: {seconds}"


@commands.set("+URC", "Send an unsolicited line now, and OK in a while")
async def urc(device, size: Annotated[int, integer()]):
    device.channel.urc("x" * size)
    await Delay(device.modem.now + 1)


@commands.set("+RAISE", "Fail")
def fail(device, how: Annotated[int, integer()]):
    raise [CommandError("no", lines=["+RAISE: 0"]), OSError(errno.ECONNRESET, "reset"), RuntimeError("a bug")][how]


@commands.set("+LOOKUP", "Resolve")
async def lookup(device):
    return " ".join(await Lookup("name.test", Family.IPV4))


@commands.set("+DATA", "Enter data mode")
def data(device, then: Annotated[int, integer()] = 0):
    device.channel.enter_data_mode(echo_back(), swallow_line_feed=True)
    if then:
        raise CommandError("after all not")


async def echo_back():
    reader, taken = EscapeReader(b"+++", 8, datagrams=False), b""
    while True:
        piece, why = await HostData(reader, 0.1)
        taken += b"[" + piece + b"]"
        if why is Flush.ESCAPE:
            return taken


@commands.set("+TAKE", "Take bytes of the host before the result")
async def take(device, count: Annotated[int, integer()], limit: Annotated[int, integer()] = INPUT_LIMIT):
    levels = []
    device.channel.write(b">")
    device.channel.take_data(swallow_line_feed=True, limit=limit, watch=levels.append)
    await Delay(device.modem.now + 1)
    taken, _ = await HostData(CountReader(count), math.inf)
    return f"+TAKE: {taken.decode()} {max(levels, default=0)}"


@commands.set("+FLOOD", "Send unsolicited messages in the background, as fast as the host takes them")
def flood(device, count: Annotated[int, integer()], size: Annotated[int, integer()]):
    async def task():
        for number in range(count):
            await Room()
            device.channel.urc_bytes(b"%d:" % number + b"x" * size)

    device.channel.spawn(task())


@commands.set("+POUR", "Send a lot within a command")
async def pour(device, count: Annotated[int, integer()]):
    for _ in range(count):
        await Room()
        device.channel.write(b"x" * 1000)


@commands.set("+ANY", "Wait for one of two sockets")
async def any_ready(device):
    pair = [device.modem.network.open(Family.IPV4, SocketType.DGRAM) for _ in range(2)]
    for net in pair:
        net.bind(0)
    return f"+ANY: {await AnyReady(pair, POLLIN, device.modem.now + 5)}"


@commands.set("+LINE", "Change the line")
def line(device, save: Annotated[int, integer()]):
    device.modem.set_speed(9600, rtscts=False, save=save == 1)


@commands.set("+BACKGROUND", "Run in the background")
def background(device):
    async def task():
        await Delay(device.modem.now + 5)
        device.channel.urc("done")

    device.channel.spawn(task())


@commands.set("+BUG", "Fail in the background")
def bug(device):
    async def task():
        raise RuntimeError("a bug in the background")

    device.channel.spawn(task())


@commands.set("+OFF", "Switch off")
def off(device):
    device.modem.after(1, device.modem.power_off)


@commands.set("+RESTART", "Restart")
def restart(device):
    device.modem.after(1, device.modem.restart)


@commands.set("+SLEEP", "Sleep")
def sleep(device):
    device.modem.sleep(lambda: device.channel.urc("awake"))


@pytest.fixture
def modem():
    sm = dialects.find("sm")
    made = Virtual(replace(sm, commands=CommandTable().include(sm.commands, commands)))
    made.take()
    return made


def made(**dialect):
    """Return a modem of another dialect."""
    sm = dialects.find("sm")
    modem = Virtual(replace(sm, commands=CommandTable().include(sm.commands, commands), **dialect))
    modem.take()
    return modem


def following(**policy):
    """Return a modem whose engine follows another policy."""
    return made(policies={side: replace(one, **policy) for side, one in dialects.find("sm").policies.items()})


def ask(modem, line):
    modem.send(line.encode() + b"\r")
    return modem.take()


class TestOneCommandAtATime:
    def test_input_that_arrives_meanwhile_waits_its_turn(self, modem):
        assert ask(modem, "AT+WAIT=2\rAT+WAIT=1\rAT") == b""
        modem.wait(2)
        assert modem.take() == b"\r\n+WAIT: 2\r\n" + OK
        modem.wait(1)
        assert modem.take() == b"\r\n+WAIT: 1\r\n" + OK + OK

    def test_the_host_is_held_back_while_a_lot_waits(self, modem):
        ask(modem, "AT+WAIT=2")
        modem.send(b"AT\r" * (INPUT_LIMIT // 3 + 1))
        assert not modem.channel.accepting
        modem.wait(2)
        assert modem.channel.accepting

    def test_a_host_that_does_not_read_stalls_the_modem(self, modem):
        modem.send(b"AT#XSOCKET=?\r" * 3000)
        assert OUTPUT_LIMIT <= len(modem.channel.output) < OUTPUT_LIMIT + 200
        assert modem.channel.stalled
        assert not modem.channel.accepting
        assert modem.take().count(OK) > 1000


class TestInputThatIsLost:
    """A device that is deaf while a command runs."""

    def test_what_comes_with_or_during_a_command_is_lost(self):
        modem = following(loses_input=True)
        assert ask(modem, "AT+WAIT=2\rAT+WAIT=1") == b""
        assert ask(modem, "AT+WAIT=1") == b""
        modem.wait(5)
        assert modem.take() == b"\r\n+WAIT: 2\r\n" + OK
        assert ask(modem, "AT") == OK

    def test_data_is_not_lost(self):
        modem = following(loses_input=True)
        assert ask(modem, "AT+TAKE=6") == b">"
        modem.send(b"abc")
        modem.wait(2)
        modem.send(b"def")
        assert modem.take() == b"\r\n+TAKE: abcdef 6\r\n" + OK


class TestRoom:
    def test_messages_do_not_pile_up_while_the_host_reads_nothing(self, modem):
        modem.channel.receive(b"AT+FLOOD=1000,1000\r", 0.0)
        modem.pump()
        assert UNASKED_LIMIT <= len(modem.channel.output) < UNASKED_LIMIT + 2000
        assert modem.channel.stalled
        assert modem.channel.accepting
        received = modem.take()
        assert received == OK + b"".join(b"%d:" % number + b"x" * 1000 for number in range(1000))

    def test_nothing_is_dropped_while_a_command_runs(self, modem):
        ask(modem, "AT+WAIT=2\rAT+FLOOD=20,1000\rAT+WAIT=2")
        modem.wait(10)
        received = modem.take()
        assert received.endswith(b"".join(b"%d:" % number + b"x" * 1000 for number in range(20)))

    def test_a_command_sends_no_faster_than_the_host_takes(self, modem):
        modem.channel.receive(b"AT+POUR=500\rAT\r", 0.0)
        assert len(modem.channel.output) < OUTPUT_LIMIT + 2000
        received = modem.take()
        assert received == b"x" * 500_000 + OK + OK


class TestDataWithinACommand:
    def test_exactly_what_was_announced(self, modem):
        assert ask(modem, "AT+TAKE=3\r\nabcAT") == b">"  # the LF after the CR belongs to the command
        modem.wait(1)
        assert modem.take() == b"\r\n+TAKE: abc 3\r\n" + OK + OK

    def test_the_host_is_held_back_at_the_commands_own_limit(self, modem):
        ask(modem, "AT+TAKE=4,20000")
        modem.send(b"x" * 19_999)
        assert modem.channel.accepting
        modem.send(b"x")
        assert not modem.channel.accepting
        modem.wait(1)
        modem.send(b"\r")
        modem.wait(1)
        assert ask(modem, "AT")
        assert modem.channel.accepting

    def test_what_there_is_at_the_end_of_input(self, modem):
        ask(modem, "AT+TAKE=10")
        modem.send(b"abc")
        modem.channel.eof(modem.now)
        modem.wait(1)
        assert modem.take() == b"\r\n+TAKE: abc 3\r\n" + OK
        assert modem.channel.finished

    def test_unsolicited_messages_wait_or_do_not(self):
        for at_once, expected in ((False, b""), (True, b"\r\ndone\r\n")):
            modem = made(urcs_in_data_mode=at_once)
            ask(modem, "AT+BACKGROUND\rAT+TAKE=1")
            modem.wait(5)
            assert modem.take() == expected

    def test_unsolicited_lines_that_are_lost(self):
        modem = following(drops_urcs=True)
        ask(modem, "AT+BACKGROUND\rAT+DATA")
        modem.wait(5)
        modem.send(b"+++")
        assert modem.take() == b"[]"


def test_any_of_several_sockets(modem):
    ask(modem, "AT+ANY")
    modem.network.datagram(modem.network.sockets[1], b"x", ("192.0.2.1", 7))
    modem.pump()
    assert modem.take() == b"\r\n+ANY: 1\r\n" + OK
    ask(modem, "AT+ANY")
    modem.wait(5)
    assert modem.take() == b"\r\n+ANY: 0\r\n" + OK


@pytest.mark.parametrize(("save", "then"), [(1, (9600, False)), (0, (115200, True))])
def test_a_restart_brings_the_saved_line_back(modem, save, then):
    changes = []
    signals = modem.modem.signals
    signals.to_host = lambda: changes.append((signals.baud, signals.rtscts))
    ask(modem, f"AT+LINE={save}\rAT+RESTART")
    modem.wait(1)
    assert (modem.modem.signals.baud, modem.modem.signals.rtscts) == then
    assert changes == [(9600, False), *([] if save else [then])]


class TestErrors:
    def test_lines_come_before_the_error(self, modem):
        assert ask(modem, "AT+RAISE=0") == b"\r\n+RAISE: 0\r\n" + ERROR

    def test_what_the_network_does_is_a_plain_error(self, modem, caplog):
        assert ask(modem, "AT+RAISE=1") == ERROR
        assert not caplog.records

    def test_our_own_bug_is_an_error_and_a_traceback_in_the_log(self, modem, caplog):
        assert ask(modem, "AT+RAISE=2") == ERROR
        assert caplog.records[0].exc_info
        assert ask(modem, "AT") == OK

    def test_a_bug_in_the_background_ends_its_task_only(self, modem, caplog):
        assert ask(modem, "AT+BUG") == OK
        assert caplog.records[0].exc_info
        assert modem.modem.deadline is None


class TestUnsolicitedLines:
    def test_never_inside_a_response(self, modem):
        assert ask(modem, "AT+URC=3") == b""
        modem.wait(1)
        assert modem.take() == OK + b"\r\nxxx\r\n"

    def test_one_that_does_not_fit_is_dropped_whole(self, modem):
        ask(modem, "AT+URC=4000\rAT+URC=200\rAT+URC=20")
        modem.wait(1)
        first = modem.take()
        modem.wait(2)
        assert first + modem.take() == OK * 3 + b"\r\n" + b"x" * 4000 + b"\r\n\r\n" + b"x" * 20 + b"\r\n"

    def test_held_back_by_a_begun_line_with_echo_on(self, modem):
        ask(modem, "ATE1")
        ask(modem, "AT+BACKGROUND")
        modem.wait(4.5)
        modem.send(b"A")
        assert modem.take() == b"A"
        modem.wait(0.6)
        assert modem.take() == b""
        modem.wait(0.4)
        assert modem.take() == b"\r\ndone\r\n"


class TestDataMode:
    def test_pieces_and_the_way_back(self, modem):
        assert ask(modem, "AT+DATA") == OK
        modem.send(b"abc")
        modem.wait(0.1)
        modem.send(b"12345678+++AT\r")
        assert modem.take() == b"[abc][12345678]" + OK

    def test_a_lone_plus_is_held_and_may_be_completed_later(self, modem):
        ask(modem, "AT+DATA")
        modem.send(b"++")
        modem.wait(10)
        assert modem.modem.deadline is None
        modem.send(b"+")
        assert modem.take() == b"[]"

    def test_a_command_that_fails_enters_nothing(self, modem):
        assert ask(modem, "AT+DATA=1") == ERROR
        assert ask(modem, "AT") == OK

    def test_the_end_of_input_flushes(self, modem):
        ask(modem, "AT+DATA")
        modem.send(b"abc++")
        modem.channel.eof(modem.now)
        modem.pump()
        assert modem.channel.finished

    def test_nothing_unsolicited(self, modem):
        ask(modem, "AT+BACKGROUND\rAT+DATA")
        modem.wait(10)
        assert modem.take() == b""
        modem.send(b"+++")
        assert modem.take() == b"[]\r\ndone\r\n"


class TestPower:
    def test_off(self, modem):
        ask(modem, "AT+OFF\rAT+BACKGROUND")
        modem.wait(1)
        assert ask(modem, "AT") == b""
        assert modem.modem.deadline is None

    def test_restart_forgets_everything(self, modem):
        ask(modem, "ATE1\rAT#XSOCKET=1,1,0\rAT+BACKGROUND\rAT+RESTART")
        modem.wait(1)
        assert modem.take() == b"Ready\r\n"
        modem.wait(10)
        assert modem.take() == b""
        assert ask(modem, "AT#XSOCKET?") == OK
        assert not modem.network.sockets

    def test_sleep_ends_with_the_next_byte(self, modem):
        ask(modem, "AT+BACKGROUND\rAT+SLEEP")
        modem.wait(10)
        assert modem.take() == b""
        assert ask(modem, "AT") == OK + b"\r\ndone\r\n\r\nawake\r\n"


class TestTheEnd:
    @pytest.mark.parametrize("line", ["AT", "AT+WAIT=100", "AT+BACKGROUND", "AT+DATA", "AT+LOOKUP"])
    def test_closing_leaves_nothing(self, modem, line):
        modem.channel.receive(line.encode() + b"\rAT#XSOCKET=1,2,0\r", 0.0)
        modem.modem.close()
        modem.modem.close()
        assert modem.modem.deadline is None
        assert not modem.network.sockets
        modem.pump()

    def test_what_was_asked_for_is_done_after_the_last_byte(self, modem):
        ask(modem, "AT+WAIT=2\rAT")
        modem.channel.eof(modem.now)
        assert not modem.channel.finished
        modem.wait(2)
        assert modem.channel.finished
        assert modem.take() == b"\r\n+WAIT: 2\r\n" + OK + OK


class TestLookup:
    def test_answer(self, modem):
        modem.network.hosts["name.test"] = ["192.0.2.1", "192.0.2.3"]
        assert ask(modem, "AT+LOOKUP") == b"\r\n192.0.2.1 192.0.2.3\r\n" + OK

    def test_failure_is_a_plain_error(self, modem):
        assert ask(modem, "AT+LOOKUP") == ERROR

    def test_an_answer_that_nobody_waits_for_is_ignored(self, modem):
        modem.modem.resolved(object(), ["192.0.2.1"], 0.0)
        assert modem.take() == b""
