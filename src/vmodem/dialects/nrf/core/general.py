"""Who the device is, which commands its modem core has, and how their errors read."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.parameters import one_of
from vmodem.dialects.nrf.device import Nrf91

commands = CommandTable("Modem commands")


@commands.set("+CGMI", "Show the manufacturer", surplus=False)
def cgmi(device: Nrf91) -> str:
    """Show the manufacturer.

    Answers:
        <manufacturer>
    """
    return device.modem.config.identity.manufacturer


@commands.set("+CGMM", "Show the model", surplus=False)
def cgmm(device: Nrf91) -> str:
    """Show the model.

    Answers:
        <model>
    """
    return device.modem.config.identity.model


@commands.set("+CGMR", "Show the revision of the modem firmware", surplus=False)
def cgmr(device: Nrf91) -> str:
    """Show the revision of the modem firmware.

    Answers:
        <revision>
    """
    return device.modem.config.identity.revision


Snt: TypeAlias = Annotated[int, one_of({0: "the bare IMEI", 1: "IMEI", 2: "IMEISV", 3: "software version number"})]


@commands.set("+CGSN", "Show the serial number (IMEI)", test="+CGSN: (0-3)", surplus=False)
def cgsn(device: Nrf91, snt: Snt = 0) -> str:
    """Show the serial number.

    Args:
        device: the device.
        snt: which number.

    Answers:
        <imei> - for 0, or where it is left out.
        +CGSN: "<sn>"
    """
    imei, svn = device.modem.config.identity.imei, device.modem.config.identity.svn
    if snt == 0:
        return imei
    return f'+CGSN: "{(imei, imei[:14] + svn, svn)[snt - 1]}"'


@commands.set("+CLAC", "List the commands of the modem core", surplus=False)
def clac(device: Nrf91) -> str:
    """List all commands that begin with + or %, in the order of the table.

    Answers:
        AT<name> - for each of them.
    """
    return "\r\n".join(
        f"AT{command.name}" for command in device.modem.dialect.commands if command.name.startswith(("+", "%"))
    )


@commands.set("+CMEE", "Number the errors of the modem core", test="+CMEE: (0,1)", surplus=False)
def cmee(device: Nrf91, n: Annotated[int, one_of({0: "ERROR", 1: "+CME ERROR with a number"})] = 0) -> None:
    """Choose how the modem core's errors read.

    Args:
        device: the device.
        n: how they read.
    """
    device.cellular.cmee = n


@commands.read("+CMEE")
def cmee_read(device: Nrf91) -> str:
    """Show how the modem core's errors read.

    Answers:
        +CMEE: <n>
    """
    return f"+CMEE: {device.cellular.cmee}"
