"""Ping #XPING: ICMP echo requests to a host."""

from __future__ import annotations

from typing import Annotated, Final

from vmodem.core import calls
from vmodem.core.channel import Channel
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError, in_words
from vmodem.core.modem import Modem
from vmodem.core.parameters import INT32_MAX, integer
from vmodem.core.tasks import Delay, Lookup
from vmodem.dialects.nrf.device import Host
from vmodem.dialects.nrf.sm.device import SerialModem
from vmodem.dialects.nrf.values import Cid
from vmodem.net.interface import ICMP_HINT, EchoSocket, Family, ResolveError, link_down

MAX_LENGTH: Final = 65507
"""The longest payload in bytes: what an IPv4 packet of 65535 bytes has left."""

MAX_COUNT: Final = 65535
"""The most echo requests: their sequence numbers, which begin at 1, have 16 bits."""

commands = CommandTable("ICMP AT commands")


@commands.set("#XPING", "Ping a host")
async def xping(
    device: SerialModem,
    host: Host,
    length: Annotated[int, integer(0, MAX_LENGTH)],
    timeout: Annotated[int, integer(1, INT32_MAX)],
    count: Annotated[int, integer(1, MAX_COUNT)] = 1,
    interval: Annotated[int, integer(0, INT32_MAX)] = 1000,
    pdn: Cid = 0,
) -> None:
    """Ping ``host``; the replies are reported after the OK, as they come.

    Args:
        device: the device.
        host: host name or address.
        length: payload of each request in bytes.
        timeout: how long to wait for each reply, in milliseconds.
        count: how many requests.
        interval: pause between a reply, or its absence, and the next request, in milliseconds.
        pdn: PDN connection; it has to be active unless it is 0.

    Answers:
        "<error>" - before ERROR, the name of the failure.

    Errors:
        the name cannot be resolved: a line with the name of the failure comes first.
        the PDN connection is not active, or there is no link.
        pings need a permission of the host.

    URCs:
        #XPING: <time> seconds - for each reply.
        #XPING: average <time> seconds - at the end, of more than one reply.
    """
    if not device.cellular.is_active(pdn):
        raise CommandError(f"<pdn> {pdn} is no active PDN connection")
    modem = device.modem
    try:
        address = (await Lookup(host, Family.UNSPEC))[0]
    except ResolveError as error:
        raise CommandError(in_words(error), lines=[f'"{error.name}"']) from None
    echo = _open(modem, address)
    device.channel.spawn(
        _ping(device.channel, echo, bytes(length), timeout / 1000, count, interval / 1000), awaited=True
    )


def _open(modem: Modem, address: str) -> EchoSocket:
    """Open the socket before the OK, so that the host hears of it where that fails."""
    if not modem.network.up:
        raise link_down()
    try:
        return modem.network.open_echo(Family.IPV6 if ":" in address else Family.IPV4, address)
    except PermissionError as error:
        modem.warn("#XPING: %s", ICMP_HINT)
        raise CommandError("no permission for ICMP") from error


async def _ping(
    channel: Channel, echo: EchoSocket, payload: bytes, timeout: float, count: int, interval: float
) -> None:
    """Send ``count`` requests, one after the other; a lost one prints nothing. Times are in seconds."""
    modem = channel.modem
    took: list[float] = []
    try:
        for sequence in range(1, count + 1):
            if sequence > 1:
                await Delay(modem.now + interval)
            sent = modem.now
            if await _answered(modem, echo, sequence, payload, timeout):
                took.append(modem.now - sent)
                channel.urc_bytes(b"#XPING: %.3f seconds\r\n" % took[-1])
    finally:
        echo.close()
    if len(took) > 1:
        channel.urc_bytes(b"#XPING: average %.3f seconds\r\n" % (sum(took) / len(took)))


async def _answered(modem: Modem, echo: EchoSocket, sequence: int, payload: bytes, timeout: float) -> bool:
    """Send one request; return whether it was answered in time."""
    try:
        await calls.echo(modem, echo, sequence, payload, timeout)
    except OSError as error:
        modem.inform("ping %d: %s", sequence, in_words(error))
        return False
    return True
