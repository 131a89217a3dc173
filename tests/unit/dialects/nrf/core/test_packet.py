import pytest
from tests.unit.dialects.nrf.core.host import IPV6, ask, lines, machine, succeed

from vmodem.core.power import Start


@pytest.mark.parametrize("come", ["+CGATT=1", "+COPS=0"])
def test_detach_and_attach(come):
    modem = machine()
    succeed(modem, "+CEREG=1", "+CGEREP=1")
    assert ask(modem, "+CGATT=0") == lines("OK", "+CGEV: ME PDN DEACT 0", "+CEREG: 0", "+CGEV: ME DETACH")
    assert not modem.network.up
    assert ask(modem, "+CFUN?") == lines("+CFUN: 1", "OK")
    assert ask(modem, come) == lines("OK", "+CEREG: 2", "+CGEV: ME PDN ACT 0", "+CEREG: 1", "+CGEV: IPV6 0")
    assert modem.network.up


def test_a_detached_modem_attaches_again_once_the_radio_was_off():
    modem = machine()
    succeed(modem, "+CGATT=0", "+CFUN=1", "+CFUN=41")
    assert not modem.network.up
    assert ask(modem, "+COPS?") == lines("+COPS: 0", "OK")
    succeed(modem, "+CFUN=4", "+CGATT=0", "+CFUN=1")
    assert modem.network.up


def test_cgatt_1_needs_the_radio():
    modem = machine(start=Start.OFFLINE)
    succeed(modem, "+CMEE=1", "+COPS=0")
    assert ask(modem, "+CGATT=1") == lines("+CME ERROR: 3")
    assert not modem.network.up


def test_cgerep_without_a_mode_unsubscribes():
    modem = machine()
    succeed(modem, "+CGEREP=1")
    assert ask(modem, "+CGEREP?") == lines("+CGEREP: 1,0", "OK")
    succeed(modem, "+CGEREP=")
    assert ask(modem, "+CGEREP?") == lines("+CGEREP: 0,0", "OK")


def test_contexts_are_defined_and_undefined():
    modem = machine()
    cellular = modem.channel.device.cellular
    assert cellular.is_active(0)
    assert not cellular.is_active(1)
    succeed(modem, '+CGDCONT=1,"IP","extra"', '+CGDCONT=2,"IPV6"', '+CGDCONT=3,"Non-IP","",,0,0')
    assert ask(modem, "+CGDCONT?") == lines(
        '+CGDCONT: 0,"IPV4V6","internet","192.0.2.2",0,0\r\n'
        '+CGDCONT: 1,"IP","extra","192.0.2.2",0,0\r\n'
        f'+CGDCONT: 2,"IPV6","","{IPV6}",0,0\r\n'
        '+CGDCONT: 3,"Non-IP","","",0,0',
        "OK",
    )
    assert ask(modem, "+CGPADDR") == lines(
        f'+CGPADDR: 0,"192.0.2.2","{IPV6}"\r\n+CGPADDR: 1,"192.0.2.2"\r\n+CGPADDR: 2,"{IPV6}"\r\n+CGPADDR: 3',
        "OK",
    )
    assert ask(modem, "+CGPADDR=?") == lines("+CGPADDR: (0,1,2,3)", "OK")
    assert cellular.is_active(1)
    succeed(modem, "+CGDCONT=1", "+CGDCONT=1")
    assert not cellular.is_active(1)
    succeed(modem, "+CFUN=4")
    assert cellular.is_active(0)
    assert not cellular.is_active(2)


def test_cgdcont_test_has_a_line_for_each_type():
    expected = "\r\n".join(f'+CGDCONT: (0-10),"{type}",,,(0),(0)' for type in ("IP", "IPV6", "IPV4V6", "Non-IP"))
    assert ask(machine(), "+CGDCONT=?") == lines(expected, "OK")
