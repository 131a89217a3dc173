"""Asynchronous socket polling #XAPOLL."""

from __future__ import annotations

from typing import Annotated, Final

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import anything, choice
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.sm.device import SerialModem, open_handle

STOP: Final = 0
EVENTS: Final = (0, 1, 4, 5)
MAX_HANDLES: Final = 8

commands = CommandTable("Socket AT commands")


@commands.set(
    "#XAPOLL",
    "Poll sockets asynchronously",
    test="#XAPOLL: (0,1),<0,1,4,5>,<handle1>,<handle2>,...",
)
def xapoll(device: SerialModem, op: Annotated[int, choice(0, 1)], *rest: Annotated[Value, anything]) -> None:
    """Start or stop asynchronous polling; nothing changes where a parameter is wrong.

    Args:
        device: the device.
        op: 0 stop, whatever follows; 1 start.
        rest: the events, a sum of 1 POLLIN and 4 POLLOUT, then up to 8 handles; no handle means all sockets, also
            those opened later.
    """
    if op == STOP:
        device.poller.stop()
        return
    if not rest or type(rest[0]) is not int or rest[0] not in EVENTS:
        raise CommandError(f"<events> is none of {', '.join(map(str, EVENTS))}")
    handles = [open_handle(device, value) for value in rest[1 : 1 + MAX_HANDLES]]
    device.poller.start(rest[0], handles or device.listed(), everything=not handles)


@commands.read("#XAPOLL")
def xapoll_read(device: SerialModem) -> str:
    """Tell whether polling is running, the events, and the sockets that are polled."""
    poller = device.poller
    values = [int(poller.running), poller.events, *(socket.handle for socket in poller.polled())]
    return f"#XAPOLL: {','.join(map(str, values))}"
