"""Poll sockets #XPOLL."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable, Information
from vmodem.core.errors import CommandError
from vmodem.core.parameters import Values, anything, shown
from vmodem.core.syntax import Value
from vmodem.core.tasks import AnyReady, Delay
from vmodem.dialects.nrf.slm.device import HANDLE, SerialLteModem
from vmodem.dialects.nrf.socket import Socket
from vmodem.dialects.nrf.values import Int
from vmodem.net.interface import CLOSURE, POLLIN

MAX_HANDLES: Final = 8

Handles: TypeAlias = Annotated[Value, Values(anything.convert, HANDLE.words)]
"""Looked up in the handler, which does not look at what follows the eighth."""

commands = CommandTable("Socket AT commands")


@commands.set("#XPOLL", "Poll sockets")
async def xpoll(device: SerialLteModem, timeout: Int, *handles: Handles) -> list[Information]:
    """Wait until an open socket has data, a connection to accept, or has ended; print the events of each that has.

    Args:
        device: the device.
        timeout: milliseconds; 0 does not wait, less than 0 waits for ever.
        handles: up to 8 open sockets, further ones are ignored; all that are open where none is given. A connection
            that a server has accepted is a socket of its own.

    Manual:
        Poll sockets #XPOLL

    Answers:
        #XPOLL: <handle>,"<revents>" - for each socket that has events, 0x and 8 digits: a sum of 0x01 POLLIN, 0x08
            POLLERR, 0x10 POLLHUP and 0x20 POLLNVAL. No line where there are none in time.

    Errors:
        a handle is that of no open socket.
    """
    pollable = _pollable(device)
    sockets = [_named(pollable, handle) for handle in handles[:MAX_HANDLES]] or pollable
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


def _pollable(device: SerialLteModem) -> list[Socket]:
    """Return the open sockets in their order, each with the connection that it has accepted behind it."""
    opened = [entry.socket for entry in device.opened]
    if not device.policy.polls_accepted:
        return opened
    return [socket for entry in opened for socket in (entry, entry.peer) if socket is not None]


def _named(pollable: list[Socket], handle: Value) -> Socket:
    found = next((socket for socket in pollable if socket.handle == handle), None)
    if found is None:
        raise CommandError(f"{shown(handle)} is the handle of no open socket")
    return found


def _events(sockets: list[Socket]) -> list[Information]:
    found = ((socket.handle, socket.net.poll() & (POLLIN | CLOSURE)) for socket in sockets)
    return [f'#XPOLL: {handle},"0x{events:08x}"' for handle, events in found if events]
