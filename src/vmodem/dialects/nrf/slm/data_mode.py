"""Data mode up to version 2.0: nothing is said when it begins, and ``+++`` with silence behind it ends it (section 4).

The command that began it ends with data mode: its result is the first that the host hears of it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from vmodem.core.errors import CommandError, in_words
from vmodem.core.framing import Flush, SilenceReader
from vmodem.core.tasks import HostData
from vmodem.dialects.nrf.data_mode import ESCAPE, Send
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.net.interface import ResolveError

CAPACITY: Final = 3840
"""Bytes that are sent without waiting for silence: the buffer of 4096 is flushed when fewer than 256 are free."""


def begin_silent(device: SerialLteModem, send: Send, *, datagrams: bool) -> Coroutine[Any, Any, None]:
    """Begin data mode as the releases up to 2.0 do; the running command has to wait for its end."""
    return silent_data_mode(device, send, error_is_ok=device.policy.send_error_is_ok)


async def silent_data_mode(device: Nrf91, send: Send, *, error_is_ok: bool) -> None:
    """Send what the host sends, flush by flush, until the escape sequence or a failure.

    Args:
        device: the device.
        send: sends one flush.
        error_is_ok: whether a failure ends data mode with OK.

    Raises:
        CommandError: a flush could not be sent.
    """
    device.channel.take_data(swallow_line_feed=True)
    if device.time_limit is None:
        device.time_limit = device.minimum_time_limit
    reader = SilenceReader(ESCAPE, CAPACITY)
    while True:
        data, why = await HostData(reader, device.time_limit / 1000)
        if data and not await _flush(device, send, data):
            break
        if why is Flush.ESCAPE:
            return
    device.channel.discard_input()
    if not error_is_ok:
        raise CommandError("data mode has ended: sending failed")


async def _flush(device: Nrf91, send: Send, data: bytes) -> bool:
    """Send one flush; return False where some of it could not be sent, and is dropped."""
    try:
        sent = await send(data)
    except (OSError, ResolveError, CommandError) as error:
        device.modem.warn("%d bytes of data mode are dropped: %s", len(data), in_words(error))
        return False
    if sent < len(data):
        device.modem.warn("%d bytes of data mode are dropped: the peer takes no more", len(data) - sent)
    return sent == len(data)
