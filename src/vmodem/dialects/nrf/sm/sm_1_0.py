"""The nRF91 Serial Modem (dialect ``sm-1.0``): its version, command table, framing and policy put together."""

from __future__ import annotations

from typing import Final

from vmodem.core.commands import CommandTable
from vmodem.core.framing import Terminator
from vmodem.dialects import v250
from vmodem.dialects.nrf import generic as nrf_generic
from vmodem.dialects.nrf.core import pages as core
from vmodem.dialects.nrf.dialect import nrf91
from vmodem.dialects.nrf.sm import connections, generic, options, ping, polling, resolving, sockets, transfer
from vmodem.dialects.nrf.sm.device import SerialModem
from vmodem.dialects.nrf.sm.errata import ERRATA
from vmodem.dialects.nrf.sm.given import given
from vmodem.dialects.nrf.sm.policy import FIRMWARE, MANUAL
from vmodem.dialects.nrf.syntax import parse
from vmodem.dialects.nrf.version import Version

VERSION: Final = Version(ncs="3.2.0", libmodem="3.2.0-lte-bb1d5a22e4d2")

DIALECT: Final = nrf91(
    name="sm-1.0",
    describes="nRF91 Serial Modem, handle based, up to 8 sockets",
    manual="nRF91 Serial Modem: Socket AT commands",
    commands=CommandTable().include(
        v250.commands,
        v250.echo,
        core.commands,
        nrf_generic.commands,
        nrf_generic.power,
        generic.commands,
        ping.commands,
        sockets.commands,
        options.commands,
        connections.commands,
        transfer.commands,
        polling.commands,
        resolving.commands,
    ),
    errata=ERRATA,
    policies=(MANUAL, FIRMWARE),
    device=SerialModem,
    parse=parse,
    terminator=Terminator.CR,
    limit=4096,
    given=given,
    version=VERSION,
)
