"""How a modem is switched on: what it is to its network then, and whether its host hears of it."""

from __future__ import annotations

from enum import Enum


class Start(Enum):
    """What a modem is to its network when it is switched on.

    `ATTACHED` is the state of a device that has been on for a while, and spares every host the wait. `OFFLINE` waits
    until the host attaches, and does so at once. `DEVICE` is how a device starts: it waits too, and attaching has the
    steps, the reports and the times of one.
    """

    ATTACHED = "attached"
    OFFLINE = "offline"
    DEVICE = "device"


class Boot(Enum):
    """When a modem is switched on: with its host, which it greets, or before there was one, and nobody hears it."""

    WITH_HOST = "with-host"
    AT_START = "at-start"
