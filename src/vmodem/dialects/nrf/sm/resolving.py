"""Resolve hostname #XGETADDRINFO."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError, in_words
from vmodem.core.parameters import one_of
from vmodem.core.tasks import Lookup
from vmodem.dialects.nrf.device import Host
from vmodem.dialects.nrf.sm.device import SerialModem
from vmodem.net.interface import Family, ResolveError

commands = CommandTable("Socket AT commands")

AddressFamily: TypeAlias = Annotated[int, one_of({0: "any", 1: "IPv4", 2: "IPv6"})]


@commands.set("#XGETADDRINFO", "Resolve a host name", surplus=False)
async def xgetaddrinfo(device: SerialModem, hostname: Host, address_family: AddressFamily = 0) -> str:
    """Resolve ``hostname``. All addresses stand in one string.

    Args:
        device: the device.
        hostname: host name or address.
        address_family: which addresses to look for.

    Manual:
        Resolve hostname #XGETADDRINFO

    Answers:
        #XGETADDRINFO: "<ip_addresses>" - all of them, separated by spaces; before ERROR the name of the failure, such
            as EAI_NONAME.

    Errors:
        the name cannot be resolved.
    """
    try:
        addresses = await Lookup(hostname, Family(address_family))
    except ResolveError as error:
        raise CommandError(in_words(error), lines=[f'#XGETADDRINFO: "{error.name}"']) from None
    return f'#XGETADDRINFO: "{" ".join(addresses)}"'
