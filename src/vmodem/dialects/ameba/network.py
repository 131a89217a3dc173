"""Network commands: AT+PING, ICMP echo requests to a host."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Final

from vmodem.core import calls
from vmodem.core.channel import Channel
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError, in_words
from vmodem.core.modem import Modem
from vmodem.core.tasks import Delay, Lookup
from vmodem.dialects.ameba.device import Ameba
from vmodem.dialects.ameba.syntax import Field, atoi
from vmodem.net.interface import ICMP_HINT, Family, ResolveError, family_of

EMPTY: Final = 1
USAGE: Final = 2
"""The errors of AT+PING: no parameter, and any other mistake."""

MAX_SIZE: Final = 10000
"""The longest payload in bytes: the device's buffer."""

TIMEOUT: Final = 1.0
"""Seconds to wait for each reply."""

commands = CommandTable("NETWORK AT command")


class Ping:
    """One ping, and what became of it.

    Attributes:
        host: host name or IPv4 address.
        count: how many requests, None for no end.
        size: payload of each request in bytes.
        interval: seconds after each reply, or its absence.
        stopped: whether the host has asked for its end.
    """

    __slots__ = (
        "_longest",
        "_received",
        "_sent",
        "_shortest",
        "_total",
        "count",
        "host",
        "interval",
        "size",
        "stopped",
    )

    def __init__(self, host: str) -> None:
        self.host = host
        self.count: int | None = 4
        self.size = 32
        self.interval = 1
        self.stopped = False
        self._sent = 0
        self._received = 0
        self._total = self._longest = 0  # milliseconds
        self._shortest = 1000

    async def run(self, channel: Channel) -> None:
        """Send the requests, one after the other, and report."""
        while not self.stopped and (self.count is None or self._sent < self.count):
            self._sent += 1
            channel.urc(f"[ping_test] {await self._request(channel.modem)}")
            await Delay(channel.modem.now + self.interval)
        if self.stopped:
            channel.urc("[ping_test] ping test terminate!")
        for line in self._summary():
            channel.urc(f"[ping_test] {line}")

    async def _request(self, modem: Modem) -> str:
        """Send one request; return what became of it."""
        number = self._sent
        try:
            address = await _resolve(self.host)
        except ResolveError:
            return f"Get host name failed in the {number} ping test"
        began = modem.now
        if not await _answered(modem, address, number & 0xFFFF, bytes(self.size)):
            return f"Request timeout for icmp_seq {number}"
        took = int((modem.now - began) * 1000)
        self._received += 1
        self._total += took
        self._shortest = min(self._shortest, took)
        self._longest = max(self._longest, took)
        return f"{self.size} bytes from {address}: icmp_seq={number} time={took} ms"

    def _summary(self) -> list[str]:
        loss = (self._sent - self._received) * 100 // self._sent
        average = self._total // self._received if self._received else 0
        return [
            f"{self._sent} packets transmitted, {self._received} received, {loss}% packet loss, average {average} ms",
            f"min: {self._shortest} ms, max: {self._longest} ms",
        ]


@commands.set("+PING", "Ping a host")
def ping(device: Ameba, *fields: Field) -> None:
    """Ping a host; the replies are reported after the OK, as they come. Or end the ping that runs.

    Args:
        device: the device.
        fields: host name or address, then in any order -n and the number of requests, -l and the payload in bytes,
            -t and the pause in seconds, -t alone for no end; or stop.
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


async def _resolve(host: str) -> str:
    """Return the address of ``host``; an address needs no link to be known."""
    if family_of(host) is Family.IPV4:
        return host
    return (await Lookup(host, Family.IPV4))[0]


async def _answered(modem: Modem, address: str, sequence: int, payload: bytes) -> bool:
    """Send one request; return whether it was answered; one that cannot be sent takes as long as a lost one."""
    deadline = modem.now + TIMEOUT
    try:
        with closing(modem.network.open_echo(Family.IPV4, address)) as net:
            await calls.echo(modem, net, sequence, payload, TIMEOUT)
    except OSError as error:
        modem.inform("ping %d: %s", sequence, in_words(error))
        await Delay(deadline)
        return False
    return True
