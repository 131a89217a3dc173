"""The functional mode: +CFUN."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.parameters import one_of
from vmodem.dialects.nrf.core.state import FLIGHT, FULL, POWER_OFF
from vmodem.dialects.nrf.device import Nrf91

UICC: Final = 41
"""The mode that switches the SIM on, and leaves the functional mode as it is."""

commands = CommandTable("Modem commands")


Fun: TypeAlias = Annotated[
    int,
    one_of({POWER_OFF: "power off", FULL: "full", FLIGHT: "flight mode", UICC: "switch the SIM on, and no more"}),
]


@commands.set("+CFUN", "Set the functional mode", test="+CFUN: (0,1,4,41)", surplus=False)
def cfun(device: Nrf91, fun: Fun) -> None:
    """Set the functional mode.

    Args:
        device: the device.
        fun: the mode.

    URCs:
        +CEREG: <stat>[,<tac>,<ci>,<AcT>,...] - where AT+CEREG asked for it.
        +CGEV: <event> - where AT+CGEREP asked for it.
        %XSIM: <state> - where AT%XSIM asked for it.
    """
    if fun == UICC:
        device.cellular.power_sim(on=True)
    else:
        device.cellular.set_fun(fun)


@commands.read("+CFUN")
def cfun_read(device: Nrf91) -> str:
    """Show the functional mode.

    Answers:
        +CFUN: <fun>
    """
    return f"+CFUN: {device.cellular.fun}"
