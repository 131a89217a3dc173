import pytest
from tests.unit.dialects.nrf.core.host import IPV6, ask, lines, machine


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
