"""Generic commands that the Serial Modem and the Serial LTE Modem share: reset, sleep, power, data mode's time."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import integer, one_of
from vmodem.dialects.nrf.device import Nrf91

DELAY: Final = 0.05
"""Seconds from the OK of a command that ends or suspends everything until it acts."""

DEEP_SLEEP: Final = 1
IDLE: Final = 2
"""The sleep modes of #XSLEEP."""

commands = CommandTable("Generic AT commands")
power = CommandTable("Generic AT commands")
"""What the oldest firmware does not have."""


@commands.set("#XSLMVER", "Show the versions of the SDK and the modem library")
def xslmver(device: Nrf91) -> str:
    """Show the versions of the nRF Connect SDK and the modem library.

    Answers:
        #XSLMVER: "<sdk>","<libmodem>"[,"<customer>"] - the last one where a customer has a version.
    """
    identity = device.modem.config.identity
    libmodem_version = identity.libmodem_version or device.version.libmodem
    return versions("#XSLMVER", ncs_version(device), libmodem_version, identity.customer_version)


@commands.set("#XUUID", "Show the device UUID")
def xuuid(device: Nrf91) -> str:
    """Show the device UUID.

    Answers:
        #XUUID: <uuid>
    """
    return f"#XUUID: {device.modem.config.identity.uuid}"


@commands.set("#XRESET", "Restart the device")
def xreset(device: Nrf91) -> None:
    """Restart the device shortly after the OK.

    URCs:
        Ready - when the device is back.
    """
    device.modem.after(DELAY, device.modem.restart)


@power.set("#XSHUTDOWN", "Switch the device off")
def xshutdown(device: Nrf91) -> None:
    """Switch the device off shortly after the OK."""
    device.modem.after(DELAY, device.modem.power_off)


@power.set("#XMODEMRESET", "Restart the modem core")
def xmodemreset(device: Nrf91) -> str:
    """Restart the modem core alone: every socket is closed, and the core waits for AT+CFUN=1.

    Answers:
        #XMODEMRESET: 0
    """
    device.reset_core()
    return "#XMODEMRESET: 0"


Mode: TypeAlias = Annotated[int, one_of({DEEP_SLEEP: "deep sleep, which ends in a restart", IDLE: "idle"})]


@commands.set("#XSLEEP", "Sleep", test="#XSLEEP: (1,2)")
def xsleep(device: Nrf91, mode: Mode) -> None:
    """Sleep until the host sends something.

    Args:
        device: the device.
        mode: how deeply.

    Errors:
        there is no DTR pin that could end the sleep.

    URCs:
        Ready - after deep sleep.
    """
    if not device.modem.config.serial.dtr:
        raise CommandError("there is no DTR pin that could end the sleep")
    device.modem.after(DELAY, lambda: _fall_asleep(device, mode))


@commands.set("#XDATACTRL", "Set the time limit of data mode", test="#XDATACTRL=<time_limit>")
def xdatactrl(device: Nrf91, time_limit: Annotated[int, integer(1, 65535)]) -> None:
    """Set the inactivity that flushes data mode, in milliseconds; the line's speed sets the minimum.

    Args:
        device: the device.
        time_limit: milliseconds; the line's speed sets the minimum.

    Errors:
        it is less than the minimum.
    """
    if time_limit < device.minimum_time_limit:
        raise CommandError(f"<time_limit> {time_limit} is less than {device.minimum_time_limit}")
    device.time_limit = time_limit


@commands.read("#XDATACTRL")
def xdatactrl_read(device: Nrf91) -> str:
    """Show the time limit, 0 until it is set or data mode was entered, and its minimum.

    Answers:
        #XDATACTRL: <time_limit>,<minimum>
    """
    return f"#XDATACTRL: {device.time_limit or 0},{device.minimum_time_limit}"


def ncs_version(device: Nrf91) -> str:
    """Return the configured version of the nRF Connect SDK, or the one that the firmware has."""
    return device.modem.config.identity.ncs_version or device.version.ncs


def versions(name: str, first: str, second: str, customer: str) -> str:
    """Return the line of a command that shows versions: two, and the customer's own where there is one."""
    return f'{name}: "{first}","{second}"' + (f',"{customer}"' if customer else "")


def _fall_asleep(device: Nrf91, mode: int) -> None:
    if mode == IDLE:
        device.modem.sleep(lambda: None)
    else:
        deep_sleep(device)


def deep_sleep(device: Nrf91) -> None:
    """Sleep with everything off; waking is a restart."""
    device.cellular.power_off()
    device.modem.sleep(device.modem.restart)
