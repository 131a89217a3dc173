import pytest

from vmodem import dialects
from vmodem.net.fake import FakeEcho, FakeNetwork
from vmodem.net.interface import POLLIN
from vmodem.virtual import Virtual

DIALECT = dialects.find("ameba-2.4")


class SlowEcho(FakeEcho):
    """Its replies come when they are asked for."""

    def send_echo(self, sequence, payload):
        self._network.asked.append((self, sequence, payload))


class SlowNetwork(FakeNetwork):
    def __init__(self):
        super().__init__()
        self.asked = []

    def open_echo(self, family, address):
        echo = SlowEcho(self, family, address)
        self.sockets.append(echo)
        return echo

    def reply(self, sequence):
        echo = self.asked[-1][0]
        echo._replies.append(sequence)
        echo.notify(POLLIN)


def start(network, line):
    modem = Virtual(DIALECT, network=network)
    modem.take()
    modem.send(line)
    assert modem.take().startswith(b"\r\nOK\r\n")
    return modem


def test_times_are_in_milliseconds():
    network = SlowNetwork()
    modem = start(network, b"AT+PING=192.0.2.1,-n,2\r")
    for sequence, seconds in ((1, 0.0405), (2, 0.0095)):
        modem.wait(seconds)
        network.reply(sequence)
        modem.pump()
        modem.wait(1)
    assert modem.take() == (
        b"[$][ping_test] 32 bytes from 192.0.2.1: icmp_seq=1 time=40 ms\r\n"
        b"[$][ping_test] 32 bytes from 192.0.2.1: icmp_seq=2 time=9 ms\r\n"
        b"[$][ping_test] 2 packets transmitted, 2 received, 0% packet loss, average 24 ms\r\n"
        b"[$][ping_test] min: 9 ms, max: 40 ms\r\n"
    )
    assert [(sequence, payload) for _, sequence, payload in network.asked] == [(1, bytes(32)), (2, bytes(32))]


def test_a_reply_to_another_request_does_not_count():
    network = SlowNetwork()
    modem = start(network, b"AT+PING=192.0.2.1,-n,1\r")
    network.reply(7)
    modem.wait(0.5)
    assert modem.take() == b""
    modem.wait(0.5)
    assert modem.take() == b"[$][ping_test] Request timeout for icmp_seq 1\r\n"


def test_every_socket_is_closed():
    network = SlowNetwork()
    modem = start(network, b"AT+PING=192.0.2.1,-t\r")
    modem.wait(10)
    assert len(network.sockets) <= 1
    modem.send(b"AT+PING=stop\r")
    modem.wait(10)
    assert network.sockets == []
    assert modem.channel.device.ping is None


def test_the_host_waits_for_a_ping_that_ends():
    endless = start(FakeNetwork(), b"AT+PING=192.0.2.1,-t\r")
    counted = start(FakeNetwork(), b"AT+PING=192.0.2.1,-n,2\r")
    for modem in (endless, counted):
        modem.channel.eof(modem.now)
    assert endless.channel.finished
    assert not counted.channel.finished
    counted.wait(5)
    assert counted.channel.finished


def test_no_permission_is_an_error(caplog):
    class Forbidden(FakeNetwork):
        def open_echo(self, family, address):
            raise PermissionError

    modem = Virtual(DIALECT, network=Forbidden())
    modem.take()
    modem.send(b"AT+PING=192.0.2.1\r")
    assert modem.take() == b"\r\nERROR: 2\r\n"
    assert "ping_group_range" in caplog.text


@pytest.mark.parametrize("line", [b"AT+PING=192.0.2.1,-n,3\r", b"AT+PING=192.0.2.1,-t,2,-l,7\r"])
def test_a_restart_ends_a_ping(line):
    modem = start(FakeNetwork(), line)
    modem.modem.restart()
    modem.take()
    modem.wait(10)
    assert modem.take() == b""
    assert modem.channel.device.ping is None
