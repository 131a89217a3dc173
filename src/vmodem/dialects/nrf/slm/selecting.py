"""Select socket #XSOCKETSELECT."""

from __future__ import annotations

from vmodem.core.commands import CommandTable, Information
from vmodem.core.errors import CommandError
from vmodem.dialects.nrf.slm.device import Handle, SerialLteModem

NO_SEC_TAG = -1

commands = CommandTable("Socket AT commands")


@commands.set("#XSOCKETSELECT", "Select the active socket")
def xsocketselect(device: SerialLteModem, handle: Handle) -> str:
    """Make ``handle``, an open socket, the active one.

    Args:
        device: the device.
        handle: an open socket.

    Manual:
        Select Socket #XSOCKETSELECT

    Answers:
        #XSOCKETSELECT: <handle>,<family>,<role> - the family is 1 IPv4, 2 IPv6, 3 packet.
    """
    device.active = handle
    return f"#XSOCKETSELECT: {handle.handle},{handle.family},{handle.role}"


@commands.read("#XSOCKETSELECT")
def xsocketselect_read(device: SerialLteModem) -> list[Information]:
    """List the open sockets (handle, family, role, type, sec_tag, ranking), then the handle of the active one.

    Answers:
        #XSOCKETSELECT: <handle>,<family>,<role>,<type>,<sec_tag>,<ranking> - for each of them; the security tag of a
            plain one is -1.
        #XSOCKETSELECT: <handle_active> - the active one.
    """
    lines: list[Information] = []
    for s, ranking in device.opened:
        sec_tag = NO_SEC_TAG if s.sec_tag is None else s.sec_tag
        lines.append(f"#XSOCKETSELECT: {s.handle},{s.family},{s.role},{s.type},{sec_tag},{ranking}")
    if device.active is not None:
        lines.append(f"#XSOCKETSELECT: {device.active.handle}")
    return lines


@commands.test("#XSOCKETSELECT")
def xsocketselect_test(device: SerialLteModem) -> None:
    """Answer OK where the firmware does, although the manual calls this unsupported.

    Errors:
        it is not supported, but with --follow firmware.
    """
    if not device.policy.select_tests:
        raise CommandError("#XSOCKETSELECT has no test form")
