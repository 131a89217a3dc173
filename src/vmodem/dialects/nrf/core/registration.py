"""The network: registration, the operator, the signal, the radios."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import one_of, text
from vmodem.dialects.nrf.core.cme import INCORRECT_PARAMETERS, NO_NETWORK_SERVICE, NOT_ALLOWED_WHILE_ACTIVE
from vmodem.dialects.nrf.core.state import AUTOMATIC, FULL, MANUAL, NB_IOT, NUMERIC, SystemMode
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.values import Flag

SET_FORMAT: Final = 3
"""The mode of +COPS that selects nothing; there is no mode that deregisters."""

commands = CommandTable("Modem commands")


Level: TypeAlias = Annotated[
    int,
    one_of(
        {
            0: "nothing",
            1: "the status",
            2: "the status and the cell",
            3: "the status, the cell, and a cause where there is one",
            4: "the status, the cell and the timers",
            5: "the status, the cell, the timers, and a cause where there is one",
        }
    ),
]
"""How much +CEREG reports unasked."""

Selection: TypeAlias = Annotated[
    int, one_of({AUTOMATIC: "automatically", MANUAL: "the given operator", SET_FORMAT: "none, set the format only"})
]
Format: TypeAlias = Annotated[int, one_of({0: "long name", 1: "short name", NUMERIC: "MCC and MNC"})]
Technology: TypeAlias = Annotated[int, one_of({7: "LTE-M", NB_IOT: "NB-IoT"})]
Preference: TypeAlias = Annotated[
    int,
    one_of(
        {
            0: "none",
            1: "LTE-M",
            2: "NB-IoT",
            3: "the network's order first, then LTE-M",
            4: "the network's order first, then NB-IoT",
        }
    ),
]


@commands.set("+CEREG", "Report the registration status", test="+CEREG: (0-5)", surplus=False)
def cereg(device: Nrf91, n: Level) -> None:
    """Choose what is reported unasked.

    Args:
        device: the device.
        n: how much.

    URCs:
        +CEREG: <stat>[,<tac>,<ci>,<AcT>,...] - 0 off, 1 home, 2 searching, 5 roaming; the rest from level 2 on.
    """
    device.cellular.cereg = n


@commands.read("+CEREG")
def cereg_read(device: Nrf91) -> str:
    """Show the registration status.

    Answers:
        +CEREG: <n>,<stat>[,<tac>,<ci>,<AcT>,...] - 0 off, 1 home, 2 searching, 5 roaming; the rest from level 2 on.
    """
    return f"+CEREG: {device.cellular.cereg},{device.cellular.status()}"


@commands.set("+COPS", "Select the operator", surplus=False)
def cops(
    device: Nrf91,
    mode: Selection,
    format: Format | None = None,
    oper: Annotated[str, text(6)] = "",
    act: Technology = 7,
) -> None:
    """Select the operator.

    Args:
        device: the device.
        mode: which operator to select.
        format: how an operator is named; has to be 2 to select one.
        oper: MCC and MNC, 5 or 6 digits.
        act: preferred access technology; ignored.

    Errors:
        50: the format is missing, or cannot select an operator.
        30: there is no such operator.

    URCs:
        +CEREG: <stat>[,<tac>,<ci>,<AcT>,...] - where AT+CEREG asked for it.
    """
    cellular = device.cellular
    if mode != AUTOMATIC:
        if format is None:
            raise CommandError("<format> is missing", code=INCORRECT_PARAMETERS)
        if mode == SET_FORMAT:
            cellular.cops_format = format
            return
        _need_operator(device, format, oper)
    cellular.cops_mode = mode
    cellular.attach()


@commands.read("+COPS")
def cops_read(device: Nrf91) -> str:
    """Show how the operator was selected and, while registered, which it is.

    Answers:
        +COPS: <mode>[,<format>,"<oper>",<AcT>]
    """
    cellular, cell = device.cellular, device.modem.config.cell
    if not cellular.registered:
        return f"+COPS: {cellular.cops_mode}"
    name = cell.plmn if cellular.cops_format == NUMERIC else cell.operator
    return f'+COPS: {cellular.cops_mode},{cellular.cops_format},"{name}",{cell.act}'


@commands.test("+COPS")
def cops_test(device: Nrf91) -> str:
    """List the operators that can be found, the configured one, without names: 2 is the current one, 1 another.

    Answers:
        +COPS: (<stat>,"","","<oper>",<AcT>)

    Errors:
        30: the radio is off.
    """
    if device.cellular.fun != FULL:
        raise CommandError("the radio is off", code=NO_NETWORK_SERVICE)
    cell = device.modem.config.cell
    return f'+COPS: ({2 if device.cellular.registered else 1},"","","{cell.plmn}",{cell.act})'


@commands.set(
    "+CESQ",
    "Show the signal quality",
    test="+CESQ: (99),(99),(255),(255),(0-34,255),(0-97,255)",
    surplus=False,
)
def cesq(device: Nrf91) -> str:
    """Show RSRQ and RSRP; unknown while not registered.

    Answers:
        +CESQ: 99,99,255,255,<rsrq>,<rsrp>
    """
    cell = device.modem.config.cell
    rsrq, rsrp = (cell.rsrq, cell.rsrp) if device.cellular.registered else (255, 255)
    return f"+CESQ: 99,99,255,255,{rsrq},{rsrp}"


@commands.set("+CSQ", "Show the signal strength", test="+CSQ: (99),(99)", surplus=False)
def csq(device: Nrf91) -> str:
    """Show that the signal strength is unknown: the command is for 2G and 3G, +CESQ is for LTE.

    Answers:
        +CSQ: 99,99
    """
    return "+CSQ: 99,99"


@commands.set("%XSYSTEMMODE", "Choose the radios", test="%XSYSTEMMODE: (0,1),(0,1),(0,1),(0-4)", surplus=False)
def xsystemmode(device: Nrf91, lte_m: Flag, nb_iot: Flag, gnss: Flag, preference: Preference) -> None:
    """Choose the radios that may be used, while they are off; ``preference`` is stored.

    Args:
        device: the device.
        lte_m: LTE-M.
        nb_iot: NB-IoT.
        gnss: satellite navigation.
        preference: which of the first two is preferred; stored.

    Errors:
        518: the radios are on.
        50: no radio is left.
    """
    if device.cellular.fun == FULL:
        raise CommandError("the radios are on", code=NOT_ALLOWED_WHILE_ACTIVE)
    if not (lte_m or nb_iot or gnss):
        raise CommandError("no radio is left", code=INCORRECT_PARAMETERS)
    device.cellular.system_mode = SystemMode(lte_m, nb_iot, gnss, preference)


@commands.read("%XSYSTEMMODE")
def xsystemmode_read(device: Nrf91) -> str:
    """Show the radios that may be used.

    Answers:
        %XSYSTEMMODE: <lte_m>,<nb_iot>,<gnss>,<preference>
    """
    return f"%XSYSTEMMODE: {','.join(map(str, device.cellular.system_mode))}"


def _need_operator(device: Nrf91, format: int, oper: str) -> None:
    if format != NUMERIC:
        raise CommandError("an operator is selected by its digits only", code=INCORRECT_PARAMETERS)
    if oper != device.modem.config.cell.plmn:
        raise CommandError(f"there is no operator {oper}", code=NO_NETWORK_SERVICE)
