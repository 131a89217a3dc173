"""What every dialect of the nRF91 family has in common: its banner, and how its lines are framed."""

from __future__ import annotations

from collections.abc import Callable

from vmodem.core.channel import Channel
from vmodem.core.commands import CommandTable
from vmodem.core.dialect import Dialect, Erratum, Follow, Policy
from vmodem.core.framing import LineRules, Terminator
from vmodem.core.syntax import Request
from vmodem.dialects.nrf.core.state import Cellular
from vmodem.dialects.nrf.device import OK, Nrf91, error, information
from vmodem.dialects.nrf.version import Version


def nrf91(
    *,
    name: str,
    describes: str,
    manual: str,
    commands: CommandTable,
    errata: tuple[Erratum, ...],
    policies: tuple[Policy, Policy],
    device: Callable[[Channel], Nrf91],
    parse: Callable[[bytes], Request | None],
    terminator: Terminator,
    limit: int,
    given: Callable[[str], list[str]],
    version: Version,
    urc_limit: int = 4096,
) -> Dialect:
    """Return a dialect of the family; ``policies`` are the manual's and the firmware's, ``limit`` is the line's."""
    return Dialect(
        name=name,
        describes=describes,
        manual=manual,
        commands=commands,
        errata=errata,
        policies=dict(zip((Follow.MANUAL, Follow.FIRMWARE), policies, strict=True)),
        core=Cellular,
        device=device,
        parse=parse,
        terminator=terminator,
        lines=LineRules(limit),
        banner=b"Ready\r\n",
        information=information,
        ok=OK,
        error=error,
        urc=information,
        urc_limit=urc_limit,
        urc_hold=1.0,
        given=given,
        version=version,
        family="nrf",
    )
