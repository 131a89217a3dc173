"""Resolve hostname #XGETADDRINFO."""

from __future__ import annotations

from typing import Final

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError, in_words
from vmodem.core.tasks import Lookup
from vmodem.dialects.nrf.device import Host
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.net.interface import Family, ResolveError

NAMED: Final = frozenset(
    {
        "EAI_BADFLAGS",
        "EAI_NONAME",
        "EAI_AGAIN",
        "EAI_FAIL",
        "EAI_NODATA",
        "EAI_MEMORY",
        "EAI_SYSTEM",
        "EAI_SERVICE",
    }
)
"""The failures that have a name of their own; any other is unknown."""

commands = CommandTable("Socket AT commands")


@commands.set("#XGETADDRINFO", "Resolve a host name")
async def xgetaddrinfo(device: SerialLteModem, hostname: Host) -> str:
    """Resolve ``hostname``. All addresses stand in one string.

    Args:
        device: the device.
        hostname: host name or address.

    Manual:
        Resolve hostname #XGETADDRINFO

    Answers:
        #XGETADDRINFO: "<ip_addresses>" - all of them, separated by spaces; before ERROR the name of the failure, such
            as EAI_NONAME.

    Errors:
        the name cannot be resolved.
    """
    try:
        addresses = await Lookup(hostname, Family.UNSPEC)
    except ResolveError as error:
        name = error.name if error.name in NAMED else "EAI_UNKNOWN"
        raise CommandError(in_words(error), lines=[f'#XGETADDRINFO: "{name}"']) from None
    return f'#XGETADDRINFO: "{" ".join(addresses)}"'
