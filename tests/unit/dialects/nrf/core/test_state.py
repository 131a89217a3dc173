import pytest
from tests.unit.dialects.nrf.core.host import CELL, IPV6, ask, lines, machine, silent, succeed

from vmodem.config import Cell
from vmodem.core.power import Start
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Family, SocketType


def test_an_unattached_modem_knows_nothing_of_the_network():
    modem = machine(start=Start.OFFLINE)
    assert ask(modem, "+CFUN?") == lines("+CFUN: 0", "OK")
    assert ask(modem, "+CEREG?") == lines("+CEREG: 0,0", "OK")
    assert ask(modem, "+COPS?") == lines("+COPS: 0", "OK")
    assert ask(modem, "+COPS=?") == lines("ERROR")
    assert ask(modem, "+CESQ") == lines("+CESQ: 99,99,255,255,255,255", "OK")
    assert ask(modem, "+CSQ") == lines("+CSQ: 99,99", "OK")
    assert ask(modem, "+CGDCONT?") == lines('+CGDCONT: 0,"IPV4V6","internet","",0,0', "OK")
    assert ask(modem, "+CGPADDR=0") == lines("+CGPADDR: 0", "OK")


def test_registration_takes_its_time():
    modem = machine(start=Start.OFFLINE, cell=Cell(registration_time=3))
    succeed(modem, "+CEREG=2", "+CGEREP=1")
    assert ask(modem, "+CFUN=1") == lines("OK", f"+CEREG: 2,{CELL}")
    modem.wait(2.9)
    assert silent(modem)
    assert not modem.network.up
    assert ask(modem, "+CEREG?") == lines(f"+CEREG: 2,2,{CELL}", "OK")
    modem.wait(0.2)
    assert modem.take() == lines("+CGEV: ME PDN ACT 0", f"+CEREG: 1,{CELL}", "+CGEV: IPV6 0")
    assert modem.network.up


@pytest.mark.parametrize(
    ("ipv6", "type", "events"),
    [("2001:db8::2", "IPV6", ["+CGEV: IPV6 0"]), ("2001:db8::2", "IP", []), (None, "IPV4V6", [])],
)
def test_the_ipv6_link_is_reported_where_there_is_one(ipv6, type, events):
    modem = machine(start=Start.OFFLINE, network=FakeNetwork("192.0.2.2", ipv6))
    succeed(modem, f'+CGDCONT=0,"{type}","internet"', "+CGEREP=1")
    assert ask(modem, "+CFUN=1") == lines("OK", "+CGEV: ME PDN ACT 0", *events)


@pytest.mark.parametrize("command", ["+CFUN=0", "+CFUN=4", "+CGATT=0"])
def test_a_pending_registration_is_forgotten(command):
    modem = machine(start=Start.OFFLINE, cell=Cell(registration_time=3))
    succeed(modem, "+CFUN=1", "+CEREG=1")
    assert ask(modem, command) == lines("OK", "+CEREG: 0")
    modem.wait(10)
    assert silent(modem)
    assert not modem.network.up
    assert modem.modem.deadline is None


def test_a_registration_that_is_begun_again_takes_its_full_time():
    modem = machine(start=Start.OFFLINE, cell=Cell(registration_time=3))
    succeed(modem, "+CFUN=1")
    modem.wait(2)
    succeed(modem, "+CFUN=4", "+CFUN=1")
    modem.wait(2)
    assert not modem.network.up
    modem.wait(1)
    assert modem.network.up


def test_losing_the_network_aborts_its_sockets():
    modem = machine()
    socket = modem.network.open(Family.IPV4, SocketType.STREAM)
    socket.bind(0)
    succeed(modem, "+CFUN=4")
    with pytest.raises(OSError, match="ENETDOWN"):
        socket.listen(1)


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "type"),
    [("192.0.2.2", None, "IP"), (None, IPV6, "IPV6"), (None, None, "IP")],
)
def test_the_default_context_fits_the_addresses(ipv4, ipv6, type):
    modem = machine(network=FakeNetwork(ipv4, ipv6))
    default = lines(f'+CGDCONT: 0,"{type}","internet","{ipv4 or ipv6 or ""}",0,0', "OK")
    assert ask(modem, "+CGDCONT?") == default
    succeed(modem, '+CGDCONT=0,"Non-IP","other"')
    assert ask(modem, "+CGDCONT?") == lines('+CGDCONT: 0,"Non-IP","other","",0,0', "OK")
    succeed(modem, "+CGDCONT=0")
    assert ask(modem, "+CGDCONT?") == default


def test_a_restart_forgets_everything():
    modem = machine(start=Start.OFFLINE, cell=Cell(registration_time=3))
    succeed(modem, "+CMEE=1", "+CEREG=5", "+CGEREP=1", "%XSIM=1", '+CGDCONT=1,"IP","x"', "#XRESET")
    modem.send(b"AT+CFUN=1\r")
    modem.wait(10)
    assert modem.take().endswith(b"Ready\r\n")
    assert not modem.network.up
    assert ask(modem, "+CMEE?") == lines("+CMEE: 0", "OK")
    assert ask(modem, "+CEREG?") == lines("+CEREG: 0,0", "OK")
    assert ask(modem, "+CGEREP?") == lines("+CGEREP: 0,0", "OK")
    assert ask(modem, "+CGPADDR=?") == lines("+CGPADDR: (0)", "OK")
    assert ask(modem, "+CFUN?") == lines("+CFUN: 0", "OK")
