"""Every command of the modem core, page by page."""

from __future__ import annotations

from vmodem.core.commands import CommandTable
from vmodem.dialects.nrf.core import credentials, functional, general, packet, registration, sim

commands = CommandTable().include(
    general.commands,
    functional.commands,
    sim.commands,
    registration.commands,
    packet.commands,
    credentials.commands,
)
