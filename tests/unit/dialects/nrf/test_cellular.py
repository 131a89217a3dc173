from dataclasses import replace

import pytest

from vmodem.config import Cell, Config, Identity
from vmodem.dialects.nrf.sm import DIALECT
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Family, SocketType
from vmodem.virtual import Virtual

CELL = '"002F","0012BEEF",7'
TIMERS = ',,,"11100000","11100000"'
IPV6 = "2001:0db8:0000:0000:0000:0000:0000:0002"


def lines(*expected):
    return b"".join(b"\r\n%b\r\n" % line.encode() for line in expected)


def machine(*, attached=True, network=None, cell=None, identity=None):
    config = Config(identity=identity or Identity(), cell=cell or Cell())
    modem = Virtual(DIALECT, config=config, attached=attached, network=network)
    modem.take()
    return modem


def ask(modem, command):
    modem.send(b"AT%b\r" % command.encode())
    return modem.take()


def succeed(modem, *commands):
    for command in commands:
        assert ask(modem, command) == lines("OK"), command


def silent(modem):
    return modem.take() == b""


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("+CGMI", "Nordic Semiconductor ASA"),
        ("+CGMM", "nRF9160-SICA"),
        ("+CGMR", "mfw_nrf9160_1.3.7"),
        ("+CGSN", "352656100367872"),
        ("+CGSN=0", "352656100367872"),
        ("+CGSN=1", '+CGSN: "352656100367872"'),
        ("+CGSN=2", '+CGSN: "3526561003678701"'),
        ("+CGSN=3", '+CGSN: "01"'),
        ("+CGSN=?", "+CGSN: (0-3)"),
        ("+CMEE?", "+CMEE: 0"),
        ("+CMEE=?", "+CMEE: (0,1)"),
        ("+CFUN?", "+CFUN: 1"),
        ("+CFUN=?", "+CFUN: (0,1,4,41)"),
        ("+CPIN?", "+CPIN: READY"),
        ("%XSIM?", "%XSIM: 1"),
        ("%XICCID", "%XICCID: 89450421180216216095"),
        ("+CIMI", "001010123456789"),
        ("+CNUM", '+CNUM: ,"+15555550100",145'),
        ("+CEREG?", "+CEREG: 0,1"),
        ("+CEREG=?", "+CEREG: (0-5)"),
        ("+COPS?", '+COPS: 0,2,"00101",7'),
        ("+COPS=?", '+COPS: (2,"","","00101",7)'),
        ("+CESQ", "+CESQ: 99,99,255,255,22,56"),
        ("+CESQ=?", "+CESQ: (99),(99),(255),(255),(0-34,255),(0-97,255)"),
        ("+CSQ", "+CSQ: 99,99"),
        ("+CSQ=?", "+CSQ: (99),(99)"),
        ("%XSYSTEMMODE?", "%XSYSTEMMODE: 1,0,0,0"),
        ("%XSYSTEMMODE=?", "%XSYSTEMMODE: (0,1),(0,1),(0,1),(0-4)"),
        ("+CGATT?", "+CGATT: 1"),
        ("+CGATT=?", "+CGATT: (0,1)"),
        ("+CGEREP?", "+CGEREP: 0,0"),
        ("+CGEREP=?", "+CGEREP: (0,1),(0)"),
        ("+CGDCONT?", '+CGDCONT: 0,"IPV4V6","internet","192.0.2.2",0,0'),
        ("+CGPADDR", f'+CGPADDR: 0,"192.0.2.2","{IPV6}"'),
        ("+CGPADDR=0", f'+CGPADDR: 0,"192.0.2.2","{IPV6}"'),
        ("+CGPADDR=?", "+CGPADDR: (0)"),
    ],
)
def test_a_registered_modem_answers(command, answer):
    assert ask(machine(), command) == lines(answer, "OK")


@pytest.mark.parametrize(
    "command",
    [
        *("+CGMI?", "+CGMI=1", "+CGMM?", "+CGMR?", "+CGSN?", "+CGSN=4", "+CLAC?", "+CLAC=?"),
        *("+CMEE=2", "+CMEE=0,0", "+CFUN", "+CFUN=2", "+CFUN=-1", '+CFUN="1"', "+CFUN=1,0"),
        *("+CPIN", "+CPIN=1234", "+CPIN=?", "%XSIM", "%XSIM=2", "%XSIM=?", "%XICCID?", "%XICCID=?"),
        *("+CIMI?", "+CNUM?", "+CEREG", "+CEREG=6", "+CEREG=-1", "+CESQ?", "+CSQ?", "+CSQ=1"),
        *("+COPS", "+COPS=2", "+COPS=4", "+COPS=3", "+COPS=3,3", "+COPS=1", '+COPS=1,0,"00101"', '+COPS=1,2,"99999"'),
        *(
            "%XSYSTEMMODE=1,0",
            "%XSYSTEMMODE=1,0,0",
            "%XSYSTEMMODE=2,0,0",
            "+CGATT",
            "+CGATT=2",
            "+CGEREP=2",
            "+NONE",
            "%NONE",
        ),
        *("+CGDCONT", "+CGDCONT=11", '+CGDCONT=1,"PPP"', "+CGDCONT=1,1", "+CGPADDR=1", "+CGPADDR=11"),
    ],
)
def test_what_does_not_exist_is_an_error(command):
    assert ask(machine(), command) == lines("ERROR")


def test_clac_lists_the_commands_of_the_core_as_one_string():
    answer = ask(machine(), "+CLAC")
    listed = answer.removeprefix(b"\r\n").removesuffix(b"\r\n\r\nOK\r\n").decode().split("\r\n")
    assert listed == [f"AT{c.name}" for c in DIALECT.commands if c.name[:1] in ("+", "%")]


def test_cmee_numbers_the_errors_of_the_core_only():
    modem = machine(attached=False)
    assert ask(modem, "+CIMI") == lines("ERROR")
    succeed(modem, "+CMEE=1")
    assert ask(modem, "+CMEE?") == lines("+CMEE: 1", "OK")
    assert ask(modem, "+CIMI") == lines("+CME ERROR: 10")
    assert ask(modem, "+CIMI?") == lines("ERROR")
    assert ask(modem, "#XCLOSE=0") == lines("ERROR")
    succeed(modem, "+CMEE=")
    assert ask(modem, "+CIMI") == lines("ERROR")


@pytest.mark.parametrize("fun", [0, 4])
def test_the_sim_is_off(fun):
    modem = machine()
    succeed(modem, f"+CFUN={fun}", "+CMEE=1")
    for command in ("+CIMI", "%XICCID", "+CPIN?", "+CNUM", '+CPIN="1234"'):
        assert ask(modem, command) == lines("+CME ERROR: 10"), command
    assert ask(modem, "%XSIM?") == lines("%XSIM: 0", "OK")


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


def test_an_unattached_modem_knows_nothing_of_the_network():
    modem = machine(attached=False)
    assert ask(modem, "+CFUN?") == lines("+CFUN: 0", "OK")
    assert ask(modem, "+CEREG?") == lines("+CEREG: 0,0", "OK")
    assert ask(modem, "+COPS?") == lines("+COPS: 0", "OK")
    assert ask(modem, "+COPS=?") == lines("ERROR")
    assert ask(modem, "+CESQ") == lines("+CESQ: 99,99,255,255,255,255", "OK")
    assert ask(modem, "+CSQ") == lines("+CSQ: 99,99", "OK")
    assert ask(modem, "+CGDCONT?") == lines('+CGDCONT: 0,"IPV4V6","internet","",0,0', "OK")
    assert ask(modem, "+CGPADDR=0") == lines("+CGPADDR: 0", "OK")


def test_cfun_1_reports_in_order_after_the_ok():
    modem = machine(attached=False)
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


def test_cereg_1_reports_the_status_alone():
    modem = machine(attached=False)
    succeed(modem, "+CEREG=1")
    assert ask(modem, "+CFUN=1") == lines("OK", "+CEREG: 2", "+CEREG: 1")
    assert ask(modem, "+CEREG?") == lines("+CEREG: 1,1", "OK")


def test_roaming():
    modem = machine(attached=False, cell=Cell(roaming=True, act=9))
    succeed(modem, "+CEREG=2")
    cell = '"002F","0012BEEF",9'
    assert ask(modem, "+CFUN=1") == lines("OK", f"+CEREG: 2,{cell}", f"+CEREG: 5,{cell}")
    assert ask(modem, "%XSYSTEMMODE?") == lines("%XSYSTEMMODE: 0,1,0,0", "OK")


def test_registration_takes_its_time():
    modem = machine(attached=False, cell=Cell(registration_time=3))
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
    modem = machine(attached=False, network=FakeNetwork("192.0.2.2", ipv6))
    succeed(modem, f'+CGDCONT=0,"{type}","internet"', "+CGEREP=1")
    assert ask(modem, "+CFUN=1") == lines("OK", "+CGEV: ME PDN ACT 0", *events)


@pytest.mark.parametrize(("level", "timers"), [(2, ""), (3, ""), (4, TIMERS), (5, TIMERS)])
def test_cereg_levels_while_searching_and_registered(level, timers):
    modem = machine(attached=False, cell=Cell(registration_time=3))
    succeed(modem, f"+CEREG={level}")
    assert ask(modem, "+CFUN=1") == lines("OK", f"+CEREG: 2,{CELL}")
    modem.wait(3)
    assert modem.take() == lines(f"+CEREG: 1,{CELL}{timers}")
    assert ask(modem, "+CEREG?") == lines(f"+CEREG: {level},1,{CELL}{timers}", "OK")


@pytest.mark.parametrize("command", ["+CFUN=0", "+CFUN=4", "+CGATT=0"])
def test_a_pending_registration_is_forgotten(command):
    modem = machine(attached=False, cell=Cell(registration_time=3))
    succeed(modem, "+CFUN=1", "+CEREG=1")
    assert ask(modem, command) == lines("OK", "+CEREG: 0")
    modem.wait(10)
    assert silent(modem)
    assert not modem.network.up
    assert modem.modem.deadline is None


def test_a_registration_that_is_begun_again_takes_its_full_time():
    modem = machine(attached=False, cell=Cell(registration_time=3))
    succeed(modem, "+CFUN=1")
    modem.wait(2)
    succeed(modem, "+CFUN=4", "+CFUN=1")
    modem.wait(2)
    assert not modem.network.up
    modem.wait(1)
    assert modem.network.up


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
    modem = machine(attached=False)
    succeed(modem, "+CMEE=1", "+COPS=0")
    assert ask(modem, "+CGATT=1") == lines("+CME ERROR: 3")
    assert not modem.network.up


def test_losing_the_network_aborts_its_sockets():
    modem = machine()
    socket = modem.network.open(Family.IPV4, SocketType.STREAM)
    socket.bind(0)
    succeed(modem, "+CFUN=4")
    with pytest.raises(OSError, match="ENETDOWN"):
        socket.listen(1)


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
    modem = machine(attached=False, identity=Identity(pin="1234"))
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


def test_a_restart_forgets_everything():
    modem = machine(attached=False, cell=Cell(registration_time=3))
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
