"""Poll sockets #XPOLL."""

from __future__ import annotations

from typing import Annotated, Final

from vmodem.core.commands import CommandTable, Information
from vmodem.core.parameters import anything
from vmodem.core.syntax import Value
from vmodem.core.tasks import AnyReady, Delay
from vmodem.dialects.nrf.device import Int
from vmodem.dialects.nrf.slm.device import SerialLteModem, opened_handle
from vmodem.dialects.nrf.socket import Socket
from vmodem.net.interface import CLOSURE, POLLIN

MAX_HANDLES: Final = 8

commands = CommandTable("Socket AT commands")


@commands.set("#XPOLL", "Poll sockets")
async def xpoll(device: SerialLteModem, timeout: Int, *handles: Annotated[Value, anything]) -> list[Information]:
    """Wait until an open socket has data, a connection to accept, or has ended; print the events of each that has.

    Args:
        device: the device.
        timeout: milliseconds; 0 does not wait, less than 0 waits for ever.
        handles: up to 8 open sockets, further ones are ignored; all that are open where none is given.
    """
    sockets = [opened_handle(device, handle) for handle in handles[:MAX_HANDLES]]
    sockets = sockets or [entry.socket for entry in device.opened]
    modem = device.modem
    deadline = None if timeout < 0 else modem.now + timeout / 1000
    if not sockets:
        if deadline is not None:
            await Delay(deadline)
        return []  # nothing could ever end an endless wait
    while not (lines := _events(sockets)) and (deadline is None or modem.now < deadline):
        if not await AnyReady([socket.net for socket in sockets], POLLIN, deadline):
            break
    return lines


def _events(sockets: list[Socket]) -> list[Information]:
    found = ((socket.handle, socket.net.poll() & (POLLIN | CLOSURE)) for socket in sockets)
    return [f'#XPOLL: {handle},"0x{events:08x}"' for handle, events in found if events]
