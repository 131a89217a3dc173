"""The clients of a TLS server that are still at their handshake: nobody hears of them, and none has a handle.

Several may be at it at once: one that is silent keeps nobody out, and the first that is done is served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vmodem.core import calls
from vmodem.core.errors import in_words
from vmodem.core.tasks import Task
from vmodem.dialects.nrf.device import Nrf91
from vmodem.net.interface import Address, NetSocket
from vmodem.tls.security import Security

LIMIT: Final = 8
"""How many may be at their handshake at once; for one more the earliest is turned away."""

HANDSHAKE: Final = 30
"""Seconds that each has for it."""


class Newcomer:
    """A client at its handshake; ``task`` is what does it."""

    __slots__ = ("task",)

    task: Task


class Newcomers:
    """Those at one server.

    Args:
        device: the device.
        welcome: takes the connection of one that is done, and its address.
    """

    __slots__ = ("_device", "_waiting", "_welcome")

    def __init__(self, device: Nrf91, welcome: Callable[[NetSocket, Address], None]) -> None:
        self._device = device
        self._welcome = welcome
        self._waiting: list[Newcomer] = []

    def add(self, net: NetSocket, address: Address, security: Security) -> None:
        """Begin the handshake with the client behind ``net``."""
        if len(self._waiting) == LIMIT:
            self._device.modem.inform("%d clients are at their handshake, the earliest is turned away", LIMIT)
            self._device.modem.cancel(self._waiting[0].task)
        newcomer = Newcomer()
        self._waiting.append(newcomer)
        newcomer.task = self._device.channel.spawn(self._secure(newcomer, net, address, security))

    def turn_away(self) -> None:
        """Close the connections of all."""
        for newcomer in [*self._waiting]:
            self._device.modem.cancel(newcomer.task)

    async def _secure(self, newcomer: Newcomer, net: NetSocket, address: Address, security: Security) -> None:
        """Do the handshake with one; where that fails, or is cancelled, its connection is closed."""
        modem = self._device.modem
        done = False
        try:
            net = front = await calls.secure(modem, net, security)
            await calls.handshake(modem, front, HANDSHAKE)
            done = True
        except OSError as error:
            modem.inform("a client has failed at the handshake: %s", in_words(error))
        finally:
            self._waiting.remove(newcomer)
            if not done:
                net.close()
        if done:
            self._welcome(net, address)
