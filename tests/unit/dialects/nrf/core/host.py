"""A host at an nRF91, whose modem core is tested."""

from vmodem import dialects
from vmodem.config import Cell, Config, Identity
from vmodem.core.power import Start
from vmodem.virtual import Virtual

DIALECT = dialects.find("sm-1.0")
CELL = '"002F","0012BEEF",7'
TIMERS = ',,,"11100000","11100000"'
IPV6 = "2001:0db8:0000:0000:0000:0000:0000:0002"


def lines(*expected):
    return b"".join(b"\r\n%b\r\n" % line.encode() for line in expected)


def machine(*, start=Start.ATTACHED, network=None, cell=None, identity=None):
    config = Config(identity=identity or Identity(), cell=cell or Cell())
    modem = Virtual(DIALECT, config=config, start=start, network=network)
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
