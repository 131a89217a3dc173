from dataclasses import replace

import pytest
from tests.unit.dialects.nrf.core.host import ask, lines, machine, succeed

from vmodem.config import Identity
from vmodem.core.power import Start


@pytest.mark.parametrize("fun", [0, 4])
def test_the_sim_is_off(fun):
    modem = machine()
    succeed(modem, f"+CFUN={fun}", "+CMEE=1")
    for command in ("+CIMI", "%XICCID", "+CPIN?", "+CNUM", '+CPIN="1234"'):
        assert ask(modem, command) == lines("+CME ERROR: 10"), command
    assert ask(modem, "%XSIM?") == lines("%XSIM: 0", "OK")


@pytest.mark.parametrize(
    ("msisdn", "answer"),
    [("5550100", lines('+CNUM: ,"5550100",129', "OK")), ("", lines("ERROR"))],
)
def test_cnum_without_a_plus_and_without_a_number(msisdn, answer):
    assert ask(machine(identity=replace(Identity(), msisdn=msisdn)), "+CNUM") == answer


def test_without_a_pin_none_is_taken():
    modem = machine()
    succeed(modem, "+CMEE=1")
    assert ask(modem, '+CPIN="1234"') == lines("+CME ERROR: 3")


def test_registration_waits_for_the_pin():
    modem = machine(start=Start.OFFLINE, identity=Identity(pin="1234"))
    succeed(modem, "+CMEE=1", "+CEREG=1", "%XSIM=1")
    assert ask(modem, "+CFUN=1") == lines("OK", "%XSIM: 0,1")
    assert ask(modem, "+CPIN?") == lines('+CPIN: "SIM PIN"', "OK")
    assert ask(modem, "%XSIM?") == lines("%XSIM: 0,1", "OK")
    assert ask(modem, "+CIMI") == lines("+CME ERROR: 11")
    assert ask(modem, "+CNUM") == lines("+CME ERROR: 11")
    assert ask(modem, "%XICCID") == lines("%XICCID: 89450421180216216095", "OK")
    assert ask(modem, '+CPIN="0000"') == lines("+CME ERROR: 16")
    assert not modem.network.up
    assert ask(modem, '+CPIN="1234"') == lines("OK", "%XSIM: 1", "+CEREG: 2", "+CEREG: 1")
    assert modem.network.up
    assert ask(modem, "+CPIN?") == lines("+CPIN: READY", "OK")


def test_an_attached_modem_waits_for_the_pin_too():
    modem = machine(identity=Identity(pin="1234"))
    assert not modem.network.up
    assert ask(modem, "+CFUN?") == lines("+CFUN: 1", "OK")
    assert ask(modem, "+CGATT?") == lines("+CGATT: 0", "OK")
    succeed(modem, '+CPIN="1234"')
    assert modem.network.up


def test_the_pin_is_asked_again_once_the_sim_was_off():
    modem = machine(identity=Identity(pin="1234"))
    succeed(modem, '+CPIN="1234"', "+CFUN=41")
    assert ask(modem, "+CPIN?") == lines("+CPIN: READY", "OK")
    succeed(modem, "+CFUN=4", "+CFUN=1")
    assert ask(modem, "+CPIN?") == lines('+CPIN: "SIM PIN"', "OK")
