"""The nRF91 Serial LTE Modem of the nRF Connect SDK 2.7 (dialect ``slm-2.7``): TCP and UDP services, and sockets."""

from __future__ import annotations

from functools import partial
from typing import Final

from vmodem.core.commands import CommandTable
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import LineRules, Terminator
from vmodem.dialects import v250
from vmodem.dialects.nrf import cellular
from vmodem.dialects.nrf import generic as nrf_generic
from vmodem.dialects.nrf.device import OK, error, information
from vmodem.dialects.nrf.slm import (
    connections,
    generic,
    options,
    polling,
    resolving,
    selecting,
    sockets,
    tcp,
    transfer,
    udp,
)
from vmodem.dialects.nrf.slm.errata import ERRATA_2_7
from vmodem.dialects.nrf.slm.given import RESET_2_7, given
from vmodem.dialects.nrf.slm.policy import FIRMWARE_2_7, MANUAL_2_7
from vmodem.dialects.nrf.slm.proxies import ProxyModem
from vmodem.dialects.nrf.slm.syntax import parse_skipping


class SerialLteModem27(ProxyModem):
    """One Serial LTE Modem 2.7."""

    __slots__ = ()

    ncs_version = "2.7.0"
    libmodem_version = "2.7.0"


DIALECT: Final = Dialect(
    name="slm-2.7",
    describes="nRF91 Serial LTE Modem with TCP and UDP proxies",
    manual="nRF91 Serial LTE Modem: TCP and UDP AT commands (nRF Connect SDK 2.7)",
    commands=CommandTable().include(
        v250.commands,
        cellular.commands,
        nrf_generic.commands,
        nrf_generic.power,
        generic.commands,
        tcp.commands,
        udp.commands,
        sockets.commands,
        selecting.commands,
        options.commands,
        connections.commands,
        transfer.commands,
        polling.commands,
        resolving.commands,
    ),
    errata=ERRATA_2_7,
    policies={Follow.MANUAL: MANUAL_2_7, Follow.FIRMWARE: FIRMWARE_2_7},
    device=SerialLteModem27,
    parse=parse_skipping,
    terminator=Terminator.CRLF,
    lines=LineRules(4096),
    banner=b"Ready\r\n",
    information=information,
    ok=OK,
    error=error,
    urc=information,
    urc_limit=16384,
    urc_hold=1.0,
    given=partial(given, reset=RESET_2_7),
)
