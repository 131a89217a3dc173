"""The Realtek Ameba in host control mode (dialect ``ameba-2.4``): command table, framing and policy put together."""

from __future__ import annotations

from typing import Final

from vmodem.core.commands import CommandTable
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import LineRules, Terminator
from vmodem.dialects.ameba import certificates, configuring, connecting, links, network, system, transfer, wifi
from vmodem.dialects.ameba.device import OK, Ameba, error, information, urc
from vmodem.dialects.ameba.errata import ERRATA
from vmodem.dialects.ameba.given import given
from vmodem.dialects.ameba.policy import FIRMWARE, MANUAL
from vmodem.dialects.ameba.station import Station
from vmodem.dialects.ameba.syntax import parse

DIALECT: Final = Dialect(
    name="ameba-2.4",
    describes="Realtek Ameba in host control mode, up to 20 links",
    manual="Realtek Ameba: Socket AT Commands",
    commands=CommandTable().include(
        system.commands,
        wifi.commands,
        configuring.commands,
        connecting.commands,
        transfer.commands,
        links.commands,
        network.commands,
        certificates.commands,
    ),
    errata=ERRATA,
    policies={Follow.MANUAL: MANUAL, Follow.FIRMWARE: FIRMWARE},
    core=Station,
    device=Ameba,
    parse=parse,
    terminator=Terminator.CR,
    lines=LineRules(limit=1999, quotes=False, nul=True),
    banner=b"ATCMD READY\r\n",
    information=information,
    ok=OK,
    error=error,
    urc=urc,
    urc_limit=65536,
    urc_hold=0.0,
    given=given,
    urcs_in_data_mode=True,
    family="ameba",
)
