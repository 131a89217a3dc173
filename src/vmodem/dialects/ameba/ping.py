"""A ping that runs: ICMP echo requests, one after the other, and what is reported of them.

This module must not know about devices or commands.
"""

from __future__ import annotations

from contextlib import closing
from typing import Final

from vmodem.core import calls
from vmodem.core.channel import Channel
from vmodem.core.errors import in_words
from vmodem.core.modem import Modem
from vmodem.core.tasks import Delay, Lookup
from vmodem.net.interface import Family, ResolveError, family_of

TIMEOUT: Final = 1.0
"""Seconds to wait for each reply."""


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
