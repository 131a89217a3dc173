"""The nRF91 Serial LTE Modem of the nRF Connect SDK 2.0 (dialect ``slm-2.0``): eight sockets, one of them selected."""

from __future__ import annotations

from functools import partial
from typing import Final

from vmodem.core.commands import CommandTable
from vmodem.core.framing import Terminator
from vmodem.dialects import v250
from vmodem.dialects.nrf import generic as nrf_generic
from vmodem.dialects.nrf.core import pages as core
from vmodem.dialects.nrf.dialect import nrf91
from vmodem.dialects.nrf.slm import (
    connections,
    generic,
    options,
    polling,
    resolving,
    selecting,
    sockets,
    transfer,
)
from vmodem.dialects.nrf.slm.data_mode import begin_silent
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.dialects.nrf.slm.errata import ERRATA_2_0
from vmodem.dialects.nrf.slm.given import RESET_2_0, given
from vmodem.dialects.nrf.slm.policy import FIRMWARE_2_0, MANUAL_2_0
from vmodem.dialects.nrf.slm.syntax import parse
from vmodem.dialects.nrf.slm.version import LIMITS_2_0, Version

VERSION: Final = Version(ncs="2.0.0", data_mode=begin_silent, receive_limits=LIMITS_2_0)

SOCKET_COMMANDS: Final = CommandTable().include(
    sockets.commands,
    selecting.commands,
    options.commands,
    connections.commands,
    transfer.commands,
    polling.commands,
    resolving.commands,
)
"""The socket commands, which version 2.7 has too."""

DIALECT: Final = nrf91(
    name="slm-2.0",
    describes="nRF91 Serial LTE Modem, 8 sockets, one of them selected",
    manual="nRF91 Serial LTE Modem: Socket AT commands (nRF Connect SDK 2.0)",
    commands=CommandTable().include(
        v250.commands,
        core.commands,
        nrf_generic.commands,
        generic.commands,
        generic.old,
        generic.time_limit_2_0,
        SOCKET_COMMANDS,
    ),
    errata=ERRATA_2_0,
    policies=(MANUAL_2_0, FIRMWARE_2_0),
    device=SerialLteModem,
    parse=parse,
    terminator=Terminator.CRLF,
    limit=4094,
    version=VERSION,
    given=partial(given, reset=RESET_2_0),
)
