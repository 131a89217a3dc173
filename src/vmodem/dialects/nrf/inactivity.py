"""The end of an accepted connection on which no data moves: what a server's option SO_TCP_SRV_SESSTIMEO asks for."""

from __future__ import annotations

from vmodem.core.tasks import Delay
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.socket import Socket


def watch(device: Nrf91, peer: Socket, minutes: int) -> None:
    """End the connection of ``peer`` when no data moved for ``minutes``; 0 means never."""
    peer.active_at = device.modem.now
    if minutes:
        peer.task = device.channel.spawn(_end_inactive(device, peer, minutes * 60))


async def _end_inactive(device: Nrf91, peer: Socket, limit: int) -> None:
    while (deadline := peer.active_at + limit) > device.modem.now:
        await Delay(deadline)
    device.end_inactive(peer)
