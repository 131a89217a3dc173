"""The nRF91 Serial LTE Modem of the nRF Connect SDK 2.7 (dialect ``slm-2.7``): TCP and UDP services, and sockets."""

from __future__ import annotations

from functools import partial
from typing import Final

from vmodem.core.commands import CommandTable
from vmodem.core.framing import Terminator
from vmodem.credentials.store import NATIVE_TLS
from vmodem.dialects import v250
from vmodem.dialects.nrf import generic as nrf_generic
from vmodem.dialects.nrf import native_tls
from vmodem.dialects.nrf.core import pages as core
from vmodem.dialects.nrf.dialect import nrf91
from vmodem.dialects.nrf.slm import generic, tcp, udp
from vmodem.dialects.nrf.slm.errata import ERRATA_2_7
from vmodem.dialects.nrf.slm.given import RESET_2_7, given
from vmodem.dialects.nrf.slm.policy import FIRMWARE_2_7, MANUAL_2_7
from vmodem.dialects.nrf.slm.services import ServiceModem, begin_escaped
from vmodem.dialects.nrf.slm.slm_2_0 import SOCKET_COMMANDS
from vmodem.dialects.nrf.slm.syntax import parse_skipping
from vmodem.dialects.nrf.slm.version import LIMITS_2_0, Version

VERSION: Final = Version(
    ncs="2.7.0", libmodem="2.7.0", credential_areas=NATIVE_TLS, data_mode=begin_escaped, receive_limits=LIMITS_2_0
)

DIALECT: Final = nrf91(
    name="slm-2.7",
    describes="nRF91 Serial LTE Modem with TCP and UDP services",
    manual="nRF91 Serial LTE Modem: TCP and UDP AT commands (nRF Connect SDK 2.7)",
    commands=CommandTable().include(
        v250.commands,
        core.commands,
        nrf_generic.commands,
        nrf_generic.power,
        generic.commands,
        generic.sleep_2_7,
        tcp.commands,
        udp.commands,
        SOCKET_COMMANDS,
        native_tls.commands,
    ),
    errata=ERRATA_2_7,
    policies=(MANUAL_2_7, FIRMWARE_2_7),
    device=ServiceModem,
    parse=parse_skipping,
    terminator=Terminator.CRLF,
    limit=4096,
    urc_limit=16384,
    version=VERSION,
    given=partial(given, reset=RESET_2_7),
)
