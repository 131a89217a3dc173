"""The SIM: its PIN, its numbers, the report of its state."""

from __future__ import annotations

from typing import Annotated

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import text
from vmodem.dialects.nrf.core.cme import NOT_ALLOWED, NOT_FOUND, SIM_NOT_INSERTED, SIM_PIN_REQUIRED
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.values import Flag

commands = CommandTable("Modem commands")


@commands.set("+CPIN", "Enter the PIN of the SIM", surplus=False, secret=True)
def cpin(device: Nrf91, pin: Annotated[str, text(8)]) -> None:
    """Enter the PIN, 4 to 8 digits in quotes.

    Args:
        device: the device.
        pin: 4 to 8 digits.

    Errors:
        16: the PIN is wrong.
        3: the SIM asks for no PIN.
        10: the SIM is off.

    URCs:
        %XSIM: <state> - where AT%XSIM asked for it.
        +CEREG: <stat>[,<tac>,<ci>,<AcT>,...] - where AT+CEREG asked for it.
    """
    _need_sim(device)
    if not device.cellular.locked:
        raise CommandError("the SIM asks for no PIN", code=NOT_ALLOWED)
    device.cellular.unlock(pin)


@commands.read("+CPIN")
def cpin_read(device: Nrf91) -> str:
    """Show whether the SIM waits for its PIN.

    Answers:
        +CPIN: READY
        +CPIN: "SIM PIN" - while it waits.

    Errors:
        10: the SIM is off.
    """
    _need_sim(device)
    return '+CPIN: "SIM PIN"' if device.cellular.locked else "+CPIN: READY"


@commands.set("%XSIM", "Report changes of the SIM's state", surplus=False)
def xsim(device: Nrf91, n: Flag) -> None:
    """Switch the report of the SIM's state off or on.

    Args:
        device: the device.
        n: whether it is reported.

    URCs:
        %XSIM: <state> - 1 ready, 0 off, 0,1 waiting for its PIN.
    """
    device.cellular.xsim = n


@commands.read("%XSIM")
def xsim_read(device: Nrf91) -> str:
    """Show the SIM's state: 1 ready, 0 off, 0,1 waiting for its PIN.

    Answers:
        %XSIM: <state>
    """
    return f"%XSIM: {device.cellular.sim_state}"


@commands.set("%XICCID", "Show the number of the SIM card", surplus=False)
def xiccid(device: Nrf91) -> str:
    """Show the number of the SIM card, which can be read without the PIN.

    Answers:
        %XICCID: <iccid>

    Errors:
        10: the SIM is off.
    """
    _need_sim(device)
    return f"%XICCID: {device.modem.config.identity.iccid}"


@commands.set("+CIMI", "Show the subscriber identity (IMSI)", surplus=False)
def cimi(device: Nrf91) -> str:
    """Show the IMSI.

    Answers:
        <imsi>

    Errors:
        10: the SIM is off.
        11: it waits for its PIN.
    """
    _need_pin(device)
    return device.modem.config.identity.imsi


@commands.set("+CNUM", "Show the subscriber's number", surplus=False)
def cnum(device: Nrf91) -> str:
    """Show the subscriber's number, where the SIM has one; type 145 is international, 129 any other.

    Answers:
        +CNUM: ,"<number>",<type>

    Errors:
        10: the SIM is off.
        11: it waits for its PIN.
        22: it has no number of the subscriber.
    """
    _need_pin(device)
    number = device.modem.config.identity.msisdn
    if not number:
        raise CommandError("the SIM has no number of the subscriber", code=NOT_FOUND)
    return f'+CNUM: ,"{number}",{145 if number[0] == "+" else 129}'


def _need_sim(device: Nrf91) -> None:
    if not device.cellular.sim_on:
        raise CommandError("the SIM is off", code=SIM_NOT_INSERTED)


def _need_pin(device: Nrf91) -> None:
    _need_sim(device)
    if device.cellular.locked:
        raise CommandError("the SIM waits for its PIN", code=SIM_PIN_REQUIRED)
