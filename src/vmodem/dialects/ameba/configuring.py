"""Socket options: AT+SKTCFG, AT+SKTQUERY."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.parameters import INT32_MAX
from vmodem.dialects.ameba.device import Ameba, SocketOptions
from vmodem.dialects.ameba.syntax import number, number_of, number_or

Milliseconds: TypeAlias = Annotated[int, number_or(0, number(0, INT32_MAX))]
Switch: TypeAlias = Annotated[int, number_or(0, number_of({0: "off", 1: "on"}))]
KeepIdle: TypeAlias = Annotated[int, number_or(0, number(0, 7200))]
KeepIntvl: TypeAlias = Annotated[int, number_or(0, number(0, 75))]
KeepCnt: TypeAlias = Annotated[int, number_or(0, number(0, 10))]

commands = CommandTable("Socket AT Commands")


@commands.set("+SKTCFG", "Configure socket options", surplus=False)
def sktcfg(
    device: Ameba,
    so_sndtimeo: Milliseconds,
    so_rcvtimeo: Milliseconds = 0,
    tcp_nodelay: Switch = 0,
    so_keepalive: Switch = 0,
    tcp_keepidle: KeepIdle = 0,
    tcp_keepintvl: KeepIntvl = 0,
    tcp_keepcnt: KeepCnt = 0,
) -> None:
    """Set the options of the sockets that are opened from now on; an option that is left out or empty becomes 0.

    Args:
        device: the device.
        so_sndtimeo: milliseconds that sending may take, 0 for any.
        so_rcvtimeo: milliseconds that receiving may take, 0 for any.
        tcp_nodelay: whether data leaves at once.
        so_keepalive: whether it is checked that the peer is there.
        tcp_keepidle: seconds until the first check, 0 for the network's own.
        tcp_keepintvl: seconds between checks, 0 for the network's own.
        tcp_keepcnt: how many checks may fail, 0 for the network's own.

    Errors:
        1: a parameter is missing, surplus, or none of these.
    """
    device.options = SocketOptions(
        so_sndtimeo, so_rcvtimeo, tcp_nodelay, so_keepalive, tcp_keepidle, tcp_keepintvl, tcp_keepcnt
    )


@commands.set("+SKTQUERY", "Query socket options", surplus=False)
def sktquery(device: Ameba) -> list[str]:
    """List the options that AT+SKTCFG sets.

    Answers:
        Global SOCKET configuration:
        <option>: <value> - for each of them.

    Errors:
        1: there is a parameter.
    """
    options = device.options._asdict()
    return ["", "Global SOCKET configuration:", *(f"{name}: {value}" for name, value in options.items())]
