"""Data mode: the host's bytes go to a socket until ``+++`` (reference: Serial Modem 6)."""

from __future__ import annotations

import logging
from typing import Final

from vmodem.core.framing import EscapeReader, Flush
from vmodem.core.tasks import HostData
from vmodem.dialects.nrf.errno import newlib_errno
from vmodem.dialects.nrf.sm.device import SerialModem
from vmodem.dialects.nrf.sm.transmit import Target, transmit
from vmodem.net.interface import POLLOUT, ResolveError, SocketType

log = logging.getLogger("vmodem")

ESCAPE: Final = b"+++"
BUFFER_SIZE: Final = 4096


async def data_mode(device: SerialModem, target: Target) -> str:
    """Send what the host sends, flush by flush; return the line that ends data mode."""
    if device.time_limit is None:
        device.time_limit = device.minimum_time_limit
    datagrams = target.handle.type is not SocketType.STREAM
    reader = EscapeReader(ESCAPE, BUFFER_SIZE, datagrams=datagrams)
    time_limit = device.time_limit / 1000
    status = 0
    while True:
        data, why = await HostData(reader, time_limit)
        if why is Flush.OVERFLOW:
            log.warning("more than %d bytes without a pause, all is dropped up to %r", BUFFER_SIZE, ESCAPE)
            status = -newlib_errno("EOVERFLOW")
            reader = EscapeReader(ESCAPE, BUFFER_SIZE, datagrams=False)
        elif data and not status:
            await _flush(device, target, data)
        if why is Flush.ESCAPE:
            break
    device.poller.rearm(target.handle, POLLOUT)
    return f"#XDATAMODE: {status}"


async def _flush(device: SerialModem, target: Target, data: bytes) -> None:
    """Send one flush; what cannot be sent is dropped, as the firmware does, and data mode goes on."""
    try:
        sent = await transmit(device, target, data)
    except (OSError, ResolveError) as error:
        log.warning("%d bytes of data mode are dropped: %s", len(data), error)
        return
    if sent < len(data):
        log.warning("%d bytes of data mode are dropped: the peer takes no more", len(data) - sent)
