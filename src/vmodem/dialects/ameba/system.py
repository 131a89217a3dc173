"""System commands: test, versions, the list of commands, reset, the speed of the line."""

from __future__ import annotations

from math import inf
from typing import Annotated, Final, TypeAlias

from vmodem.core.channel import OUTPUT_LIMIT, Channel
from vmodem.core.commands import CommandTable, Information, Outcome
from vmodem.core.errors import CommandError
from vmodem.core.framing import CountReader
from vmodem.core.tasks import HostData, Room
from vmodem.dialects.ameba.device import Ameba
from vmodem.dialects.ameba.syntax import Field, atoi, number, number_or

DELAY: Final = 0.05
"""Seconds from the OK of AT+RST until the device restarts."""

ECHO: Final = 0
UPSTREAM: Final = 1
DOWNSTREAM: Final = 2
"""The modes of AT+TEST."""

PIECE: Final = 4096
"""Bytes of a test that are taken or sent at once."""

_common = CommandTable("Common AT Command")
_system = CommandTable("AP Common AT Command")


@_common.set("+RST", "Restart the device")
def rst(device: Ameba) -> None:
    """Restart the device shortly after the OK.

    URCs:
        ATCMD READY - when the device is back.
    """
    device.modem.after(DELAY, device.modem.restart)


@_system.set("+TEST", "Check that the device answers, or how fast")
def test(device: Ameba, *fields: Field) -> Outcome:
    """Answer OK, or carry out a test.

    Args:
        device: the device.
        fields: nothing; or 0 and a text that is repeated, 1 and the number of bytes that the host is going to send,
            2 and the number of bytes that the device shall send.

    Answers:
        arg len = <size> - in test 0.
        arg = <text> - in test 0.
        >>> - in test 1, the data may come.
        upstream test(tt mode): Send <size> KBytes in <time> ms, <speed> Kbits/sec
        Downstream Test Start - in test 2, the data follows.
        Downstream Test End

    Errors:
        1: there is no such test.
    """
    if not fields:
        return None
    if len(fields) != 2:
        raise CommandError(f"{len(fields)} parameters instead of none or 2")
    mode, argument = atoi(fields[0]), fields[1]
    if mode == ECHO:
        text = argument.encode("latin-1")
        return b"\r\n arg len = %d \r\n\r\n arg = %b \r\n" % (len(text), text)
    count = atoi(argument)
    if mode == UPSTREAM and count > 0:
        return _upstream(device.channel, count)
    if mode == DOWNSTREAM and count >= 0:
        return _downstream(device.channel, count)
    raise CommandError(f"there is no test {mode} of {count} bytes")


@_system.set("+LIST", "List the commands")
def list_(device: Ameba) -> list[Information]:
    """List all commands by section; the order is that of the dialect's table.

    Answers:
        <section>:
        AT<name> - for each command of it.
    """
    sections: dict[str, list[Information]] = {}
    for command in device.modem.dialect.commands:
        section = sections.setdefault(command.page, [f"{command.page}:"])
        section.append(f"AT{command.name}")
    return [line for section in sections.values() for line in section]


@_system.set("+GMR", "Show the versions")
def gmr(device: Ameba) -> list[Information]:
    """Show the versions; the first line ends in LF alone, as on the device.

    Answers:
        <name>: <version> - for each of them.
    """
    firmware = device.modem.config.firmware
    return [
        f"AMEBA-RTOS SDK VERSION: {firmware.sdk}\n".encode("latin-1"),
        f"ATCMD VERSION: {firmware.atcmd}",
        f"IMAGE VERSION: {firmware.image}",
        firmware.chip,
        f"COMPILE TIME: {firmware.compile_time}",
        f"COMPILE USER: {firmware.compile_user}",
        f"COMPILE ENV : {firmware.compile_env}",
    ]


Save: TypeAlias = Annotated[int, number_or(0, number())]
Baud: TypeAlias = Annotated[int, number(4800, 6000000)]


@_system.set("+UART", "Set the speed of the line", surplus=False)
def uart(
    device: Ameba, save: Annotated[int, number_or(0, number())], baud: Annotated[int, number(4800, 6000000)]
) -> None:
    """Set the speed of the line; the OK is sent at the new one.

    Args:
        device: the device.
        save: 1 to keep the speed when the device restarts.
        baud: bits in a second.

    Errors:
        1: a parameter is missing, surplus, or none of these.
    """
    device.modem.set_speed(baud, rtscts=device.modem.signals.rtscts, save=save == 1)


commands = CommandTable().include(_common, _system)


async def _upstream(channel: Channel, count: int) -> bytes:
    """Take ``count`` bytes of the host and throw them away; time runs from the first one."""
    channel.write(b">>>\r\n")
    channel.take_data(swallow_line_feed=True)
    await HostData(CountReader(1), inf)
    modem = channel.modem
    started, left = modem.now, count - 1
    while left:
        data, _ = await HostData(CountReader(min(left, PIECE)), inf)
        left -= len(data)
    if modem.policy.loses_input:
        channel.discard_input()
    took = int((modem.now - started) * 1000)
    speed = count * 8 // took if took else 0
    return b"upstream test(tt mode): Send %d KBytes in %d ms, %d Kbits/sec\n\r" % (count // 1024, took, speed)


async def _downstream(channel: Channel, count: int) -> bytes:
    """Send ``count`` bytes, no faster than the host takes them."""
    channel.write(b"Downstream Test Start\r\n")
    for sent in range(0, count, PIECE):
        if len(channel.output) >= OUTPUT_LIMIT:
            await Room()
        channel.write(b"\x01" * min(count - sent, PIECE))
    return b"Downstream Test End\r\n"
