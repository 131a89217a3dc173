import pytest
from tests.unit.dialects.nrf.core.host import CELL, TIMERS, ask, lines, machine, succeed

from vmodem.config import Cell
from vmodem.core.power import Start


def test_cereg_1_reports_the_status_alone():
    modem = machine(start=Start.OFFLINE)
    succeed(modem, "+CEREG=1")
    assert ask(modem, "+CFUN=1") == lines("OK", "+CEREG: 2", "+CEREG: 1")
    assert ask(modem, "+CEREG?") == lines("+CEREG: 1,1", "OK")


def test_roaming():
    modem = machine(start=Start.OFFLINE, cell=Cell(roaming=True, act=9))
    succeed(modem, "+CEREG=2")
    cell = '"002F","0012BEEF",9'
    assert ask(modem, "+CFUN=1") == lines("OK", f"+CEREG: 2,{cell}", f"+CEREG: 5,{cell}")
    assert ask(modem, "%XSYSTEMMODE?") == lines("%XSYSTEMMODE: 0,1,0,0", "OK")


@pytest.mark.parametrize(("level", "timers"), [(2, ""), (3, ""), (4, TIMERS), (5, TIMERS)])
def test_cereg_levels_while_searching_and_registered(level, timers):
    modem = machine(start=Start.OFFLINE, cell=Cell(registration_time=3))
    succeed(modem, f"+CEREG={level}")
    assert ask(modem, "+CFUN=1") == lines("OK", f"+CEREG: 2,{CELL}")
    modem.wait(3)
    assert modem.take() == lines(f"+CEREG: 1,{CELL}{timers}")
    assert ask(modem, "+CEREG?") == lines(f"+CEREG: {level},1,{CELL}{timers}", "OK")


def test_cops_formats_and_manual_selection():
    modem = machine()
    succeed(modem, "+COPS=3,0")
    assert ask(modem, "+COPS?") == lines('+COPS: 0,0,"Test Network",7', "OK")
    succeed(modem, "+COPS=3,2", '+COPS=1,2,"00101"')
    assert ask(modem, "+COPS?") == lines('+COPS: 1,2,"00101",7', "OK")
    succeed(modem, "+CMEE=1")
    assert ask(modem, '+COPS=1,2,"24405"') == lines("+CME ERROR: 30")
    assert modem.network.up


def test_xsystemmode_is_refused_while_the_radios_are_on():
    modem = machine()
    succeed(modem, "+CMEE=1")
    assert ask(modem, "%XSYSTEMMODE=0,1,0,0") == lines("+CME ERROR: 518")
    succeed(modem, "+CFUN=4", "%XSYSTEMMODE=0,1,1,2")
    assert ask(modem, "%XSYSTEMMODE?") == lines("%XSYSTEMMODE: 0,1,1,2", "OK")
    assert ask(modem, "%XSYSTEMMODE=0,0,0,0") == lines("+CME ERROR: 50")
