"""Network commands: AT+PING, ICMP echo requests to a host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.modem import Modem
from vmodem.dialects.ameba.device import Ameba
from vmodem.dialects.ameba.ping import Ping
from vmodem.dialects.ameba.syntax import Field, atoi
from vmodem.net.interface import ICMP_HINT, Family

EMPTY: Final = 1
USAGE: Final = 2
"""The errors of AT+PING: no parameter, and any other mistake."""

MAX_SIZE: Final = 10000
"""The longest payload in bytes: the device's buffer."""

commands = CommandTable("NETWORK AT command")


@commands.set("+PING", "Ping a host")
def ping(device: Ameba, *fields: Field) -> None:
    """Ping a host; the replies are reported after the OK, as they come. Or end the ping that runs.

    Args:
        device: the device.
        fields: host name or address, then in any order -n and the number of requests, -l and the payload in bytes,
            -t and the pause in seconds, -t alone for no end; or stop.

    Errors:
        1: there is no host.
        2: any other mistake, or a ping runs already.

    URCs:
        [$][ping_test] <text> - each reply, or its absence, and a summary.
    """
    if not fields or not fields[0]:
        raise CommandError("no host", code=EMPTY)
    running = device.ping
    if fields[0] == "stop":
        if len(fields) > 1:
            raise CommandError("stop has no parameter", code=USAGE)
        if running is not None:
            running.stopped = True
        return
    asked = _read(fields)
    if running is not None:
        raise CommandError("a ping runs already", code=USAGE)
    _check_permission(device.modem)
    device.ping = asked
    device.channel.spawn(_run(device, asked), awaited=asked.count is not None)


async def _run(device: Ameba, asked: Ping) -> None:
    try:
        await asked.run(device.channel)
    finally:
        device.ping = None


def _read(fields: Sequence[str]) -> Ping:
    asked = Ping(fields[0])
    left = list(fields[:0:-1])  # the next one last
    while left:
        name = left.pop()
        if name == "-t" and not (left and left[-1][:1].isdigit()):
            asked.count = None
            continue
        if not left:
            raise CommandError(f"{name} has no value", code=USAGE)
        _set(asked, name, atoi(left.pop()))
    return asked


def _set(asked: Ping, name: str, value: int) -> None:
    if name == "if" and value in (0, 1):
        return  # the interface; there is only one
    if value < 1 or (name == "-l" and value > MAX_SIZE):
        raise CommandError(f"{name} cannot be {value}", code=USAGE)
    match name:
        case "-n":
            asked.count = value
        case "-l":
            asked.size = value
        case "-t":
            asked.interval = value
        case _:
            raise CommandError(f"there is no {name}", code=USAGE)


def _check_permission(modem: Modem) -> None:
    """Open a socket before the OK, so that the host hears of it where that is not permitted."""
    try:
        modem.network.open_echo(Family.IPV4, "127.0.0.1").close()
    except PermissionError as error:
        modem.warn("AT+PING: %s", ICMP_HINT)
        raise CommandError("no permission for ICMP", code=USAGE) from error
    except OSError:
        pass  # without a link nobody answers, which is told request by request
