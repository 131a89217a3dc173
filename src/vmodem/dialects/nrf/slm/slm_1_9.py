"""The nRF91 Serial LTE Modem of the nRF Connect SDK 1.9 (dialect ``slm-1.9``): one socket."""

from __future__ import annotations

from functools import partial
from typing import Final

from vmodem.core.commands import CommandTable
from vmodem.core.framing import Terminator
from vmodem.dialects import v250
from vmodem.dialects.nrf import generic as nrf_generic
from vmodem.dialects.nrf.core import pages as core
from vmodem.dialects.nrf.dialect import nrf91
from vmodem.dialects.nrf.slm import connections, generic, options, resolving, sockets, transfer
from vmodem.dialects.nrf.slm.data_mode import begin_silent
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.dialects.nrf.slm.errata import ERRATA_1_9
from vmodem.dialects.nrf.slm.framing import core_text
from vmodem.dialects.nrf.slm.given import RESET_1_9, given
from vmodem.dialects.nrf.slm.policy import FIRMWARE_1_9, MANUAL_1_9
from vmodem.dialects.nrf.slm.syntax import parse
from vmodem.dialects.nrf.slm.version import LIMITS_1_9, Version

VERSION: Final = Version(
    ncs="1.9.0",
    data_mode=begin_silent,
    max_opened=1,
    reads_closed=True,
    hostname_off="",
    payload_first=True,
    receive_limits=LIMITS_1_9,
)

DIALECT: Final = nrf91(
    name="slm-1.9",
    describes="nRF91 Serial LTE Modem, one socket",
    manual="nRF91 Serial LTE Modem: Socket AT commands (nRF Connect SDK 1.9)",
    commands=CommandTable().include(
        v250.commands,
        core.commands.replying(core_text),
        nrf_generic.commands,
        generic.commands,
        generic.old,
        generic.sleep_1_9,
        sockets.commands,
        options.commands,
        connections.commands,
        transfer.commands,
        resolving.commands,
    ),
    errata=ERRATA_1_9,
    policies=(MANUAL_1_9, FIRMWARE_1_9),
    device=SerialLteModem,
    parse=parse,
    terminator=Terminator.CRLF,
    limit=4094,
    version=VERSION,
    given=partial(given, reset=RESET_1_9),
)
