"""Data mode: the host's bytes go to a socket until ``+++``, which is found anywhere and at once.

So it is from the Serial LTE Modem 2.5 on (reference: Serial Modem 6, Serial LTE Modem 4): OK when it begins, and
#XDATAMODE with a status when it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

from vmodem.core.errors import CommandError, in_words
from vmodem.core.framing import EscapeReader, Flush
from vmodem.core.tasks import HostData
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.errno import newlib_errno
from vmodem.net.interface import ResolveError

ESCAPE: Final = b"+++"
BUFFER_SIZE: Final = 4096

Send: TypeAlias = Callable[[bytes], Coroutine[Any, Any, int]]
"""Send one flush and return how many bytes of it went."""


class EscapedDataMode:
    """Data mode from its OK to its #XDATAMODE.

    Args:
        device: the device.
        send: sends one flush.
        datagrams: whether one flush is one datagram, which must not be cut.

    Attributes:
        status: what #XDATAMODE will say: 0, or the negative error that made everything go to waste.
        lost: whether what the host sends is discarded up to ``+++``.
    """

    __slots__ = ("_datagrams", "_device", "_send", "lost", "status")

    def __init__(self, device: Nrf91, send: Send, *, datagrams: bool) -> None:
        self._device = device
        self._send = send
        self._datagrams = datagrams
        self.status = 0
        self.lost = False

    def lose(self, status: int) -> None:
        """Discard what the host sends from now on, and tell ``status`` in the end."""
        if not self.lost:
            self.status, self.lost = status, True

    async def run(self) -> str:
        """Send what the host sends, flush by flush; return the line that ends data mode."""
        device = self._device
        if device.time_limit is None:
            device.time_limit = device.minimum_time_limit
        time_limit = device.time_limit / 1000
        while True:
            reader = EscapeReader(ESCAPE, BUFFER_SIZE, datagrams=self._datagrams and not self.lost)
            data, why = await HostData(reader, time_limit)
            if why is Flush.OVERFLOW:
                device.modem.warn("more than %d bytes without a pause, all is dropped up to %r", BUFFER_SIZE, ESCAPE)
                self.lose(-newlib_errno("EOVERFLOW"))
            elif data and not self.lost:
                await self._flush(data)
            if why is Flush.ESCAPE:
                return f"#XDATAMODE: {self.status}"

    async def _flush(self, data: bytes) -> None:
        """Send one flush; what cannot be sent is dropped, as the firmware does, and data mode goes on."""
        try:
            sent = await self._send(data)
        except (OSError, ResolveError, CommandError) as error:
            self._device.modem.warn("%d bytes of data mode are dropped: %s", len(data), in_words(error))
            return
        if sent < len(data):
            self._device.modem.warn("%d bytes of data mode are dropped: the peer takes no more", len(data) - sent)
