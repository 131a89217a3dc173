from tests.unit.dialects.nrf.core.host import DIALECT, ask, lines, machine, succeed

from vmodem.core.power import Start


def test_clac_lists_the_commands_of_the_core_as_one_string():
    answer = ask(machine(), "+CLAC")
    listed = answer.removeprefix(b"\r\n").removesuffix(b"\r\n\r\nOK\r\n").decode().split("\r\n")
    assert listed == [f"AT{c.name}" for c in DIALECT.commands if c.name[:1] in ("+", "%")]


def test_cmee_numbers_the_errors_of_the_core_only():
    modem = machine(start=Start.OFFLINE)
    assert ask(modem, "+CIMI") == lines("ERROR")
    succeed(modem, "+CMEE=1")
    assert ask(modem, "+CMEE?") == lines("+CMEE: 1", "OK")
    assert ask(modem, "+CIMI") == lines("+CME ERROR: 10")
    assert ask(modem, "+CIMI?") == lines("ERROR")
    assert ask(modem, "#XCLOSE=0") == lines("ERROR")
    succeed(modem, "+CMEE=")
    assert ask(modem, "+CIMI") == lines("ERROR")
