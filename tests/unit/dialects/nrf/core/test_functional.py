import pytest
from tests.unit.dialects.nrf.core.host import CELL, TIMERS, ask, lines, machine, succeed

from vmodem.core.power import Start


def test_cfun_1_reports_in_order_after_the_ok():
    modem = machine(start=Start.OFFLINE)
    succeed(modem, "%XSIM=1", "+CEREG=5", "+CGEREP=1")
    assert ask(modem, "+CFUN=1") == lines(
        "OK", "%XSIM: 1", f"+CEREG: 2,{CELL}", "+CGEV: ME PDN ACT 0", f"+CEREG: 1,{CELL}{TIMERS}", "+CGEV: IPV6 0"
    )
    assert modem.network.up
    assert ask(modem, "+CEREG?") == lines(f"+CEREG: 5,1,{CELL}{TIMERS}", "OK")
    assert ask(modem, "+CFUN=1") == lines("OK")


@pytest.mark.parametrize("fun", [0, 4])
def test_cfun_0_and_4_report_in_order_after_the_ok(fun):
    modem = machine()
    succeed(modem, "%XSIM=1", "+CEREG=2", "+CGEREP=1")
    assert ask(modem, f"+CFUN={fun}") == lines(
        "OK", "+CGEV: ME PDN DEACT 0", "+CEREG: 0", "+CGEV: ME DETACH", "%XSIM: 0"
    )
    assert not modem.network.up
    assert ask(modem, f"+CFUN={fun}") == lines("OK")


@pytest.mark.parametrize("fun", [0, 4])
def test_cfun_41_switches_the_sim_on_and_nothing_else(fun):
    modem = machine()
    succeed(modem, f"+CFUN={fun}", "+CFUN=41", "+CFUN=41")
    assert ask(modem, "+CFUN?") == lines(f"+CFUN: {fun}", "OK")
    assert ask(modem, "%XSIM?") == lines("%XSIM: 1", "OK")
    assert ask(modem, "+CIMI") == lines("001010123456789", "OK")
    assert not modem.network.up
    succeed(modem, f"+CFUN={fun}")
    assert ask(modem, "%XSIM?") == lines("%XSIM: 0", "OK")


def test_cfun_41_does_not_leave_the_network():
    modem = machine()
    succeed(modem, "+CEREG=1", "+CGEREP=1", "%XSIM=1", "+CFUN=41")
    assert ask(modem, "+CFUN?") == lines("+CFUN: 1", "OK")
    assert ask(modem, "+CGATT?") == lines("+CGATT: 1", "OK")
    assert modem.network.up
