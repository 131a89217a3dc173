from dataclasses import replace

import pytest

from vmodem import dialects
from vmodem.config import Cell, Config, Identity, SerialLine
from vmodem.core.power import Start
from vmodem.virtual import Virtual

DIALECT = dialects.find("sm-1.0")
OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"


def machine(config=None, *, start=Start.ATTACHED):
    modem = Virtual(DIALECT, config=config, start=start)
    modem.take()
    return modem


def ask(modem, command):
    modem.send(b"AT%b\r" % command)
    return modem.take()


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"#XSLMVER", b'#XSLMVER: "3.2.0","3.2.0-lte-bb1d5a22e4d2"'),
        (b"#XSMVER", b'#XSMVER: "1.0.0","3.2.0"'),
        (b"#XUUID", b"#XUUID: 50503041-3633-4261-803d-1e2b8f70111a"),
        (b"#XSLEEP=?", b"#XSLEEP: (1,2)"),
        (b"#XDATACTRL?", b"#XDATACTRL: 0,32"),
        (b"#XDATACTRL=?", b"#XDATACTRL=<time_limit>"),
    ],
)
def test_it_answers(command, answer):
    assert ask(machine(), command) == b"\r\n%b\r\n" % answer + OK


@pytest.mark.parametrize(
    "command",
    [
        *(b"#XSLMVER?", b"#XSLMVER=?", b"#XSMVER?", b"#XSMVER=?", b"#XCLAC?", b"#XCLAC=?", b"#XUUID?", b"#XUUID=?"),
        *(b"#XRESET?", b"#XRESET=?", b"#XSHUTDOWN?", b"#XSHUTDOWN=?", b"#XMODEMRESET?", b"#XMODEMRESET=?"),
        *(b"#XSLEEP", b"#XSLEEP?", b"#XSLEEP=0", b"#XSLEEP=3", b'#XSLEEP="1"'),
        *(b"#XDATACTRL", b"#XDATACTRL=0", b"#XDATACTRL=31", b"#XDATACTRL=65536", b"#XDATACTRL=-1"),
    ],
)
def test_what_does_not_exist_is_an_error(command):
    modem = machine()
    assert ask(modem, command) == ERROR
    modem.wait(1)
    assert ask(modem, b"") == OK


def test_errors_stay_plain_with_cmee():
    modem = machine()
    assert ask(modem, b"+CMEE=1") == OK
    assert ask(modem, b"#XSLEEP=3") == ERROR


def test_a_customer_version_comes_last():
    modem = machine(Config(identity=replace(Identity(), customer_version="c7")))
    assert ask(modem, b"#XSLMVER") == b'\r\n#XSLMVER: "3.2.0","3.2.0-lte-bb1d5a22e4d2","c7"\r\n' + OK
    assert ask(modem, b"#XSMVER") == b'\r\n#XSMVER: "1.0.0","3.2.0","c7"\r\n' + OK


def test_xclac_lists_the_commands_of_the_application_in_one_block():
    answer = ask(machine(), b"#XCLAC")
    listed = answer.removeprefix(b"\r\n").removesuffix(b"\r\n" + OK).decode().split("\r\n")
    assert listed == sorted(f"AT{command.name}" for command in DIALECT.commands if "#" in command.name)
    assert "AT#XSOCKET" in listed


def test_xreset_restarts_after_50_ms():
    modem = machine()
    ask(modem, b"#XSOCKET=1,1,0")
    ask(modem, b"E1")
    assert ask(modem, b"#XRESET") == b"AT#XRESET\r" + OK
    modem.wait(0.049)
    assert modem.take() == b""
    modem.wait(0.002)
    assert modem.take() == b"Ready\r\n"
    assert modem.network.sockets == []
    assert ask(modem, b"#XSOCKET?") == OK


def test_xshutdown_switches_off_after_50_ms():
    modem = machine()
    ask(modem, b"#XSOCKET=1,1,0")
    assert ask(modem, b"#XSHUTDOWN") == OK
    assert ask(modem, b"") == OK
    modem.wait(0.05)
    assert ask(modem, b"") == b""
    assert modem.network.sockets == []


def test_deep_sleep_ends_in_a_restart():
    modem = machine()
    ask(modem, b"#XSOCKET=1,1,0")
    assert ask(modem, b"#XSLEEP=1") == OK
    assert ask(modem, b"#XSOCKET?") == b"\r\n#XSOCKET: 0,1,0,1,0\r\n" + OK
    modem.wait(0.05)
    assert not modem.network.up
    assert modem.take() == b""
    modem.send(b"\r")
    assert modem.take() == b"Ready\r\n"
    assert modem.network.up
    assert ask(modem, b"#XSOCKET?") == OK


def test_deep_sleep_forgets_a_pending_registration():
    modem = machine(Config(cell=Cell(registration_time=3)), start=Start.OFFLINE)
    ask(modem, b"+CFUN=1")
    ask(modem, b"#XSLEEP=1")
    modem.wait(10)
    assert not modem.network.up


def test_idle_sleep_goes_on_where_it_was():
    modem = machine()
    ask(modem, b"#XSOCKET=1,2,0")
    ask(modem, b"#XBIND=0,1234")
    assert ask(modem, b"#XAPOLL=1,1") == OK
    assert ask(modem, b"#XSLEEP=2") == OK
    modem.wait(0.05)
    modem.network.datagram(1234, b"x", ("192.0.2.1", 7))
    modem.wait(1)
    assert modem.take() == b""
    modem.send(b"\r")
    assert modem.take() == b"\r\n#XAPOLL: 0,1\r\n"
    assert ask(modem, b"#XSOCKET?") == b"\r\n#XSOCKET: 0,1,0,2,0\r\n" + OK


@pytest.mark.parametrize("mode", [1, 2])
def test_sleep_needs_dtr(mode):
    assert ask(machine(Config(serial=SerialLine(dtr=False))), b"#XSLEEP=%d" % mode) == ERROR


def test_xmodemreset_restarts_the_core_alone():
    modem = machine()
    for command in (b"+CMEE=1", b"+CEREG=5", b"+CGEREP=1", b"#XDATACTRL=100"):
        assert ask(modem, command) == OK
    for command in (b"#XSOCKET=1,1,1", b"#XSOCKET=1,2,0"):
        ask(modem, command)
    ask(modem, b"#XBIND=0,1234")
    ask(modem, b"#XLISTEN=0")
    modem.network.incoming(1234, ("192.0.2.1", 7))
    assert b"#XACCEPT: 2" in ask(modem, b"#XACCEPT=0,0")
    assert ask(modem, b"#XMODEMRESET") == b"\r\n#XMODEMRESET: 0\r\n" + OK
    assert modem.network.sockets == []
    assert not modem.network.up
    assert ask(modem, b"#XSOCKET?") == OK
    assert ask(modem, b"+CFUN?") == b"\r\n+CFUN: 0\r\n" + OK
    assert ask(modem, b"+CMEE?") == b"\r\n+CMEE: 0\r\n" + OK
    assert ask(modem, b"#XDATACTRL?") == b"\r\n#XDATACTRL: 100,32\r\n" + OK
    assert ask(modem, b"+CFUN=1") == OK
    assert modem.network.up
    assert ask(modem, b"#XSOCKET=1,1,0") == b"\r\n#XSOCKET: 0,1,6\r\n" + OK


def test_xmodemreset_forgets_a_pending_registration():
    modem = machine(Config(cell=Cell(registration_time=3)), start=Start.OFFLINE)
    ask(modem, b"+CFUN=1")
    ask(modem, b"#XMODEMRESET")
    modem.wait(10)
    assert not modem.network.up


@pytest.mark.parametrize("limit", [32, 1000, 65535])
def test_xdatactrl(limit):
    modem = machine()
    assert ask(modem, b"#XDATACTRL=%d" % limit) == OK
    assert ask(modem, b"#XDATACTRL?") == b"\r\n#XDATACTRL: %d,32\r\n" % limit + OK
