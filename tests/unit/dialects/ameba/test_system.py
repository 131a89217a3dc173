import pytest

from vmodem import dialects
from vmodem.core.channel import INPUT_LIMIT, OUTPUT_LIMIT
from vmodem.core.dialect import Follow
from vmodem.virtual import Virtual

DIALECT = dialects.find("ameba-2.4")


@pytest.fixture
def modem():
    modem = Virtual(DIALECT)
    modem.take()
    return modem


def test_the_line_has_its_new_speed_when_the_ok_is_sent(modem):
    changes = []
    signals = modem.modem.signals
    signals.to_host = lambda: changes.append((signals.baud, signals.rtscts, bytes(modem.channel.output)))
    rtscts = modem.modem.signals.rtscts
    modem.send(b"AT+UART=1,921600\r")
    assert changes == [(921600, rtscts, b"")]
    assert modem.modem.signals.baud == 921600
    modem.send(b"AT+UART=1,1\r")
    assert len(changes) == 1
    assert modem.modem.signals.baud == 921600


def test_the_speed_survives_a_restart(modem):
    modem.send(b"AT+UART=1,9600\rAT+RST\r")
    modem.wait(1)
    assert modem.take() == b"\r\nOK\r\n\r\nOK\r\nATCMD READY\r\n"
    assert modem.modem.signals.baud == 9600


def test_data_of_the_upstream_test_is_taken_as_it_comes(modem):
    modem.send(b"AT+TEST=1,1000000\r")
    assert modem.take() == b">>>\r\n"
    for _ in range(100):
        assert modem.channel.accepting
        modem.send(bytes(10000))
        assert modem.channel.unread < INPUT_LIMIT
    assert modem.take().startswith(b"upstream test(tt mode): Send 976 KBytes in 0 ms, 0 Kbits/sec\n\r\r\nOK\r\n")


@pytest.mark.parametrize(
    ("follow", "answer"), [(Follow.MANUAL, b"\r\nOK\r\n\r\nOK\r\n"), (Follow.FIRMWARE, b"\r\nOK\r\n")]
)
def test_bytes_beyond_the_announced_ones_are_a_command_or_lost(follow, answer):
    modem = Virtual(DIALECT, follow=follow)
    modem.send(b"AT+TEST=1,3\r")
    modem.take()
    modem.send(b"abcAT+TEST\r")
    assert modem.take().endswith(b"Kbits/sec\n\r" + answer)
    modem.send(b"AT+TEST\r")
    assert modem.take() == b"\r\nOK\r\n"


def test_the_downstream_test_sends_no_faster_than_the_host_takes(modem):
    modem.send(b"AT+TEST=2,1000000\rAT+TEST\r")
    received = bytearray()
    while modem.channel.output:
        assert len(modem.channel.output) < 2 * OUTPUT_LIMIT
        received += modem.channel.output[:10000]
        del modem.channel.output[:10000]
        modem.modem.advance(modem.now)
    assert received.count(b"\x01") == 1000000
    assert received.endswith(b"\x01Downstream Test End\r\n\r\nOK\r\n\r\nOK\r\n")


def test_the_list_has_every_command_once(modem):
    modem.send(b"AT+LIST\r")
    lines = modem.take().decode().split("\r\n")
    assert sorted(line[2:] for line in lines if line.startswith("AT+")) == sorted(c.name for c in DIALECT.commands)
    titles = [line for line in lines if line.endswith(":")]
    assert titles == list(dict.fromkeys(f"{command.page}:" for command in DIALECT.commands))
