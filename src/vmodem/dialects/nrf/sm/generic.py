"""Generic commands of the Serial Modem: versions and the list of commands; the others are in nrf/generic.py."""

from __future__ import annotations

from vmodem.core.commands import CommandTable
from vmodem.dialects.nrf.generic import ncs_version, versions
from vmodem.dialects.nrf.sm.device import SerialModem

commands = CommandTable("Generic AT commands")


@commands.set("#XSMVER", "Show the versions of the application and the SDK")
def xsmver(device: SerialModem) -> str:
    """Show the versions of the Serial Modem application and the nRF Connect SDK.

    Answers:
        #XSMVER: "<application>","<sdk>"[,"<customer>"] - the last one where a customer has a version.
    """
    identity = device.modem.config.identity
    return versions("#XSMVER", identity.version, ncs_version(device), identity.customer_version)


@commands.set("#XCLAC", "List the commands of the application")
def xclac(device: SerialModem) -> str:
    """List all commands that begin with #, in alphabetical order.

    Answers:
        AT<name> - for each of them.
    """
    names = sorted(command.name for command in device.modem.dialect.commands if command.name.startswith("#"))
    return "\r\n".join(f"AT{name}" for name in names)
