"""Two AT hosts at one modem: each has commands, sockets, data mode and unsolicited lines of its own."""

import pytest

from vmodem import dialects
from vmodem.core.channel import OUTPUT_LIMIT, SHARE
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"


class Host:
    """The host on one channel of a virtual modem."""

    def __init__(self, modem, channel, end):
        self.modem, self.channel, self.end = modem, channel, end

    def send(self, data):
        self.channel.receive(data, self.modem.now)
        self.modem.pump()

    def take(self):
        taken = bytes(self.channel.output)
        self.channel.output.clear()
        self.modem.modem.advance(self.modem.now)
        self.modem.pump()
        return taken

    def ask(self, line):
        self.send(line.encode() + self.end)
        return self.take()


def two_hosts(dialect):
    modem = Virtual(dialects.find(dialect))
    modem.take()
    end = {"cr": b"\r", "crlf": b"\r\n"}[modem.modem.terminator.value]
    return modem, *(Host(modem, channel, end) for channel in (modem.channel, modem.modem.open_channel()))


@pytest.fixture
def hosts():
    return two_hosts("sm")


def connect(host, port):
    assert b"#XSOCKET: 0,1,6" in host.ask("AT#XSOCKET=1,1,0")
    assert host.ask(f'AT#XCONNECT=0,"192.0.2.1",{port}') == b"\r\n#XCONNECT: 0,1\r\n" + OK


def test_one_waits_while_the_other_works(hosts):
    modem, one, other = hosts
    connect(one, 1001)
    connect(other, 1002)
    first, second = modem.network.peers
    assert one.ask("AT#XAPOLL=1,1") == OK
    assert one.ask("AT#XRECV=0,0,0,100") == b""

    assert other.ask("AT#XSOCKET?") == b"\r\n#XSOCKET: 0,1,0,1,0\r\n" + OK
    assert other.ask("AT#XAPOLL=1,5") == b"\r\nOK\r\n\r\n#XAPOLL: 0,4\r\n"
    assert other.ask("AT#XSEND=0,2,0") == OK
    other.send(b"data of the other")
    modem.wait(1)
    assert second.take() == b"data of the other"
    second.send(b"for the other")
    first.send(b"for the one")
    modem.pump()
    assert other.take() == b""  # an unsolicited line waits for the end of data mode
    assert one.take() == b"\r\n#XRECV: 0,0,11\r\nfor the one" + OK
    first.send(b"more")
    modem.pump()
    assert one.take() == b"\r\n#XAPOLL: 0,1\r\n"
    other.send(b"+++")
    assert other.take() == b"\r\n#XDATAMODE: 0\r\n\r\n#XAPOLL: 0,1\r\n\r\n#XAPOLL: 0,4\r\n"


def test_echo_is_each_hosts_own(hosts):
    _, one, other = hosts
    one.ask("ATE1")
    assert one.ask("AT") == b"AT\r" + OK
    assert other.ask("AT") == OK


def test_the_modem_core_is_one(hosts):
    _, one, other = hosts
    one.ask("AT+CEREG=1")
    other.ask("AT+CFUN=4")
    assert one.take() == b"\r\n+CEREG: 0\r\n"  # the first channel hears what no host asked for
    assert one.ask("AT+CFUN?") == b"\r\n+CFUN: 4\r\n" + OK
    assert other.take() == b""


def test_a_host_that_does_not_read_stops_itself_only(hosts):
    _, one, other = hosts
    one.send(b"AT#XSOCKET=?\r" * 3000)
    assert len(one.channel.output) >= OUTPUT_LIMIT
    assert not one.channel.accepting
    assert other.channel.accepting
    assert other.ask("AT") == OK


def test_the_end_of_a_channel_takes_what_it_had_open_and_nothing_else(hosts):
    modem, one, other = hosts
    connect(one, 1001)
    connect(other, 1002)
    other.ask("AT#XRECV=0,0,0,100")
    modem.modem.close_channel(other.channel)
    first, second = modem.network.peers
    assert second.closed
    assert not first.closed
    assert modem.modem.channels == (one.channel,)
    assert modem.modem.deadline is None
    assert one.ask("AT#XSOCKET?") == b"\r\n#XSOCKET: 0,1,0,1,0\r\n" + OK


@pytest.mark.parametrize("busy", ["AT", "AT#XRECV=0,0,0,100", "AT#XSEND=0,2,0"])
def test_a_restart_leaves_the_first_channel(hosts, busy):
    modem, one, other = hosts
    connect(other, 1002)
    other.ask(busy)
    one.ask("AT#XRESET")
    modem.wait(1)
    assert one.take() == b"Ready\r\n"
    assert modem.modem.channels == (one.channel,)
    assert not modem.network.sockets
    assert modem.modem.deadline is None
    assert other.channel.closed
    assert other.channel.finished
    other.send(b"AT\r" * 10_000)
    assert (other.take(), other.channel.accepting) == (b"", True)


def test_sleep_waits_for_every_command_and_any_host_ends_it(hosts):
    modem, one, other = hosts
    connect(other, 1002)
    other.ask("AT#XRECV=0,0,0,5")
    one.ask("AT#XSLEEP=2")
    modem.wait(4)
    assert one.ask("AT") == OK
    modem.wait(2)
    modem.network.peers[0].send(b"not heard while it sleeps")
    modem.pump()
    other.take()
    assert other.ask("AT") == OK


def test_links_of_the_ameba_are_each_hosts_own():
    modem, one, other = two_hosts("ameba")
    assert one.ask("AT+SKTCLIENT=3,1,,192.0.2.1,7,,1") == OK
    assert other.ask("AT+SKTCLIENT=3,1,,192.0.2.1,8,,0") == OK
    for peer in modem.network.peers:
        peer.send(b"x")
    modem.pump()
    assert one.take() == b"[$][SKT][DATA][3][1]:x\r\n"
    assert other.take() == b""
    modem.modem.close_channel(one.channel)
    assert [peer.closed for peer in modem.network.peers] == [True, False]


def test_a_host_that_sends_a_lot_takes_no_more_than_its_share(hosts):
    modem, one, other = hosts
    one.channel.receive(b"AT\r" * 10_000, 0.0)
    assert one.channel.output.count(OK) == SHARE
    assert modem.modem.deadline == 0.0
    other.channel.receive(b"AT\r", 0.0)
    assert other.channel.output == OK
    modem.pump()
    while taken := one.take():
        assert not taken.replace(OK, b"")
    assert modem.modem.deadline is None
    assert one.channel.unread == 0


def test_a_host_that_has_gone_is_not_finished_before_its_last_line(hosts):
    modem, one, _ = hosts
    one.channel.receive(b"AT\r" * (SHARE + 1), 0.0)
    one.channel.eof(0.0)
    assert not one.channel.finished
    assert one.channel.output.count(OK) == SHARE
    modem.pump()
    assert one.channel.finished


def test_the_share_of_a_modem_that_sleeps(hosts):
    modem, one, _ = hosts
    one.ask("AT#XSLEEP=2")
    modem.wait(1)
    one.channel.receive(b"AT\r" * (SHARE + 1), modem.now)
    modem.pump()
    assert one.take() == OK * (SHARE + 1)
