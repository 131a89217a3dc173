"""Generic commands in the ways of the Serial LTE Modem; what it shares with the Serial Modem is in nrf/generic.py."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import choice, one_of
from vmodem.dialects.nrf import generic
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.dialects.nrf.values import UInt16

IDLE: Final = 0
SLEEP: Final = 1
UART_OFF: Final = 2
"""The sleep modes of version 1.9."""

BAUD_RATES: Final = (
    1200, 2400, 4800, 9600, 14400, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000,
)  # fmt: skip

commands = CommandTable("Generic AT commands")
old = CommandTable("Generic AT commands")
"""Up to version 2.0."""
sleep_1_9 = CommandTable("Generic AT commands")
sleep_2_7 = CommandTable("Generic AT commands")
time_limit_2_0 = CommandTable("Generic AT commands")


@commands.set("#XCLAC", "List the commands of the application")
def xclac(device: SerialLteModem) -> bytes:
    """List all commands that begin with #, in the order of the table, without blank lines.

    Answers:
        AT<name> - for each of them.
    """
    names = (command.name for command in device.modem.dialect.commands if command.name.startswith("#"))
    return b"".join(b"AT%b\r\n" % name.encode() for name in names)


@old.set("#XSLMVER", "Show the version of the SDK")
def xslmver(device: SerialLteModem) -> str:
    """Show the version of the nRF Connect SDK; a customer's firmware says so.

    Answers:
        #XSLMVER: "<sdk>"[-CUSTOMIZED]
    """
    custom = "-CUSTOMIZED" if device.modem.config.identity.customer_version else ""
    return f'#XSLMVER: "{generic.ncs_version(device)}"{custom}'


@old.set("#XSLMUART", "Set the speed and the flow control of the line")
def xslmuart(
    device: SerialLteModem,
    baud_rate: Annotated[int, choice(*BAUD_RATES)] | None = None,
    hwfc: Annotated[int, one_of({0: "no flow control", 1: "RTS/CTS"})] | None = None,
) -> None:
    """Set the line, shortly after the OK; it survives a restart.

    Args:
        device: the device.
        baud_rate: bit/s.
        hwfc: flow control.
    """
    modem = device.modem
    baud = modem.signals.baud if baud_rate is None else baud_rate
    rtscts = modem.signals.rtscts if hwfc is None else hwfc == 1
    modem.after(generic.DELAY, lambda: modem.set_speed(baud, rtscts=rtscts))


@old.read("#XSLMUART")
def xslmuart_read(device: SerialLteModem) -> str:
    """Show the speed in bit/s and whether there is flow control.

    Answers:
        #XSLMUART: <baud_rate>,<hwfc>
    """
    return f"#XSLMUART: {device.modem.signals.baud},{int(device.modem.signals.rtscts)}"


OldMode: TypeAlias = Annotated[
    int, one_of({IDLE: "idle", SLEEP: "sleep, which ends in a restart", UART_OFF: "the UART alone"})
]
Mode: TypeAlias = Annotated[
    int, one_of({generic.DEEP_SLEEP: "deep sleep, which ends in a restart", generic.IDLE: "idle, UART off"})
]


@sleep_1_9.set("#XSLEEP", "Sleep", test="#XSLEEP: (0,1,2)")
def xsleep(device: SerialLteModem, mode: OldMode) -> None:
    """Sleep until the host sends something.

    Args:
        device: the device.
        mode: how deeply.

    URCs:
        Ready - when the host has ended the sleep, but for idle.
    """
    device.modem.after(generic.DELAY, lambda: _fall_asleep(device, mode))


@sleep_2_7.set("#XSLEEP", "Sleep", test="#XSLEEP: (1,2)")
def xsleep_2_7(device: SerialLteModem, mode: Mode) -> None:
    """Sleep until the host sends something.

    Args:
        device: the device.
        mode: how deeply.

    Errors:
        there is no pin that could end the sleep: the configuration has no DTR.

    URCs:
        Ready - when the host has ended the sleep.
    """
    if not device.modem.config.serial.dtr:
        raise CommandError("there is no pin that could end the sleep")
    device.modem.after(generic.DELAY, lambda: _fall_asleep(device, SLEEP if mode == generic.DEEP_SLEEP else UART_OFF))


@time_limit_2_0.set("#XDATACTRL", "Set the time limit of data mode", test="#XDATACTRL=<time_limit>")
def xdatactrl(device: SerialLteModem, time_limit: UInt16) -> None:
    """Set the inactivity that flushes data mode, in milliseconds, 0 for the default; the speed sets the minimum.

    Args:
        device: the device.
        time_limit: milliseconds, 0 for the default; the line's speed sets the minimum.

    Errors:
        it is less than the minimum.
    """
    if time_limit and time_limit < device.minimum_time_limit:
        raise CommandError(f"<time_limit> {time_limit} is less than {device.minimum_time_limit}")
    device.time_limit = time_limit or None


def _fall_asleep(device: SerialLteModem, mode: int) -> None:
    if mode == SLEEP:
        generic.deep_sleep(device)
        return
    modem = device.modem
    modem.sleep((lambda: device.channel.write(modem.dialect.banner)) if mode == UART_OFF else (lambda: None))
