"""Generic commands: versions, the list of commands, reset, sleep, power off, the data mode time limit."""

from __future__ import annotations

from typing import Annotated, Final

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import choice, integer
from vmodem.dialects.nrf.cellular import Cellular
from vmodem.dialects.nrf.sm.device import SerialModem

DELAY: Final = 0.05
"""Seconds from the OK of a command that ends or suspends everything until it acts."""

DEEP_SLEEP: Final = 1
IDLE: Final = 2
"""The sleep modes of #XSLEEP."""

commands = CommandTable("Generic AT commands")


@commands.set("#XSLMVER", "Show the versions of the SDK and the modem library")
def xslmver(device: SerialModem) -> str:
    """Show the versions of the nRF Connect SDK and the modem library."""
    identity = device.modem.config.identity
    return _versions("#XSLMVER", identity.ncs_version, identity.libmodem_version, identity.customer_version)


@commands.set("#XSMVER", "Show the versions of the application and the SDK")
def xsmver(device: SerialModem) -> str:
    """Show the versions of the Serial Modem application and the nRF Connect SDK."""
    identity = device.modem.config.identity
    return _versions("#XSMVER", identity.version, identity.ncs_version, identity.customer_version)


@commands.set("#XCLAC", "List the commands of the application")
def xclac(device: SerialModem) -> str:
    """List all commands that begin with #, in alphabetical order."""
    names = sorted(command.name for command in device.modem.dialect.commands if command.name.startswith("#"))
    return "\r\n".join(f"AT{name}" for name in names)


@commands.set("#XUUID", "Show the device UUID")
def xuuid(device: SerialModem) -> str:
    """Show the device UUID."""
    return f"#XUUID: {device.modem.config.identity.uuid}"


@commands.set("#XRESET", "Restart the device")
def xreset(device: SerialModem) -> None:
    """Restart the device shortly after the OK."""
    device.modem.after(DELAY, device.modem.restart)


@commands.set("#XSHUTDOWN", "Switch the device off")
def xshutdown(device: SerialModem) -> None:
    """Switch the device off shortly after the OK."""
    device.modem.after(DELAY, device.modem.power_off)


@commands.set("#XMODEMRESET", "Restart the modem core")
def xmodemreset(device: SerialModem) -> str:
    """Restart the modem core alone: every socket is closed, and the core waits for AT+CFUN=1."""
    device.poller.stop()
    device.close_all()
    device.cellular.power_off()
    device.cellular = Cellular(device.modem)
    return "#XMODEMRESET: 0"


@commands.set("#XSLEEP", "Sleep", test="#XSLEEP: (1,2)")
def xsleep(device: SerialModem, mode: Annotated[int, choice(DEEP_SLEEP, IDLE)]) -> None:
    """Sleep until the host sends something: ``mode`` 1 deep sleep, which ends in a restart; 2 idle."""
    if not device.modem.config.serial.dtr:
        raise CommandError("there is no DTR pin that could end the sleep")
    device.modem.after(DELAY, lambda: _fall_asleep(device, mode))


@commands.set("#XDATACTRL", "Set the time limit of data mode", test="#XDATACTRL=<time_limit>")
def xdatactrl(device: SerialModem, time_limit: Annotated[int, integer(1, 65535)]) -> None:
    """Set the inactivity that flushes data mode, in milliseconds; the line's speed sets the minimum."""
    if time_limit < device.minimum_time_limit:
        raise CommandError(f"{time_limit} ms are fewer than {device.minimum_time_limit}")
    device.time_limit = time_limit


@commands.read("#XDATACTRL")
def xdatactrl_read(device: SerialModem) -> str:
    """Show the time limit, 0 until it is set or data mode was entered, and its minimum."""
    return f"#XDATACTRL: {device.time_limit or 0},{device.minimum_time_limit}"


def _versions(name: str, first: str, second: str, customer: str) -> str:
    return f'{name}: "{first}","{second}"' + (f',"{customer}"' if customer else "")


def _fall_asleep(device: SerialModem, mode: int) -> None:
    if mode == IDLE:
        device.modem.sleep(lambda: None)
        return
    device.cellular.power_off()
    device.modem.sleep(device.modem.restart)
