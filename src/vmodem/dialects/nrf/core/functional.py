"""The functional mode: +CFUN."""

from __future__ import annotations

from typing import Annotated, Final

from vmodem.core.commands import CommandTable
from vmodem.core.parameters import choice
from vmodem.dialects.nrf.core.state import FLIGHT, FULL, POWER_OFF
from vmodem.dialects.nrf.device import Nrf91

UICC: Final = 41
"""The mode that switches the SIM on, and leaves the functional mode as it is."""

commands = CommandTable("Modem commands")


@commands.set("+CFUN", "Set the functional mode", test="+CFUN: (0,1,4,41)", surplus=False)
def cfun(device: Nrf91, fun: Annotated[int, choice(POWER_OFF, FULL, FLIGHT, UICC)]) -> None:
    """Set the functional mode: ``fun`` 0 power off, 1 full, 4 flight mode; 41 only switches the SIM on."""
    if fun == UICC:
        device.cellular.power_sim(on=True)
    else:
        device.cellular.set_fun(fun)


@commands.read("+CFUN")
def cfun_read(device: Nrf91) -> str:
    """Show the functional mode."""
    return f"+CFUN: {device.cellular.fun}"
