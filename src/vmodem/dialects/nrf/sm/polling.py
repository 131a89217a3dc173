"""Asynchronous socket polling #XAPOLL."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.parameters import Values, anything, one_of
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.opening import opens
from vmodem.dialects.nrf.sm.device import HANDLE, SerialModem
from vmodem.net.interface import POLLIN, POLLOUT

START: Final = 1
MAX_HANDLES: Final = 8

Handles: TypeAlias = Annotated[Value, Values(anything.convert, HANDLE.words)]
"""Looked up in the handler, which does not look at what follows the eighth."""

commands = CommandTable("Socket AT commands")


Op: TypeAlias = Annotated[int, one_of({0: "stop", START: "start"})]
Events: TypeAlias = Annotated[
    int,
    one_of({0: "nothing else", POLLIN: "POLLIN", POLLOUT: "POLLOUT", POLLIN | POLLOUT: "POLLIN and POLLOUT"}),
]


def stop(device: SerialModem, op: int) -> None:
    """Stop polling."""
    device.poller.stop()


@commands.set(
    "#XAPOLL",
    "Poll sockets asynchronously",
    test="#XAPOLL: (0,1),<0,1,4,5>,<handle1>,<handle2>,...",
)
@opens([START], otherwise=stop)
def xapoll(device: SerialModem, op: Op, events: Events, *handles: Handles) -> None:
    """Start or stop asynchronous polling; nothing changes where a parameter is wrong.

    Args:
        device: the device.
        op: what to do; whatever follows 0 is ignored.
        events: what to report, besides errors and the end of a connection.
        handles: up to 8 sockets, further ones are ignored; all, also those opened later, where none is given.

    Manual:
        Asynchronous socket polling #XAPOLL

    Errors:
        a handle is that of no open socket.

    URCs:
        #XAPOLL: <handle>,<revents> - the events of a socket, a sum of 1 POLLIN, 4 POLLOUT, 8 POLLERR, 16 POLLHUP and 32
            POLLNVAL.
    """
    sockets = [HANDLE.convert(device, handle) for handle in handles[:MAX_HANDLES]]
    device.poller.start(events, sockets or device.listed(), everything=not sockets)


@commands.read("#XAPOLL")
def xapoll_read(device: SerialModem) -> str:
    """Tell whether polling is running, the events, and the sockets that are polled.

    Answers:
        #XAPOLL: <running>,<events>[,<handle>,...] - 1 or 0 whether it is running.
    """
    poller = device.poller
    values = [int(poller.running), poller.events, *(socket.handle for socket in poller.polled())]
    return f"#XAPOLL: {','.join(map(str, values))}"
