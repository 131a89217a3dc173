"""ITU-T V.250: the few basic commands that every modem has."""

from __future__ import annotations

from typing import Annotated, Protocol

from vmodem.core.channel import Channel
from vmodem.core.commands import CommandTable
from vmodem.core.parameters import one_of

commands = CommandTable("V.250")
echo = CommandTable("V.250")


class HasChannel(Protocol):
    """What these commands need of a device."""

    @property
    def channel(self) -> Channel:
        """The AT channel of its host."""


@commands.set("", "Check that the modem answers")
def at(device: HasChannel) -> None:
    """Answer OK to a bare AT."""


@echo.set("E", "Switch echo off (ATE0) or on (ATE1)")
def ate(device: HasChannel, value: Annotated[int, one_of({0: "off", 1: "on"})]) -> None:
    """Switch the echo of host input; off by default (V.250 6.2.4).

    Args:
        device: the device.
        value: the digit behind ATE.
    """
    device.channel.echo = value == 1
