"""The modem core of an nRF91: its state, and the 3GPP and Nordic commands that it executes.

Several lines of one command are one information string, as the firmware passes the core's text through.
This module must not know about sockets, handles or any one dialect.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import ip_address
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.modem import Modem
from vmodem.core.parameters import anything, choice, integer, shown, text
from vmodem.core.syntax import Value
from vmodem.core.tasks import Delay, Task
from vmodem.net.interface import Family

POWER_OFF: Final = 0
FULL: Final = 1
FLIGHT: Final = 4
UICC: Final = 41
"""Modes of +CFUN: the last one switches the SIM on and leaves the functional mode as it is."""

AUTOMATIC: Final = 0
MANUAL: Final = 1
SET_FORMAT: Final = 3
"""Modes of +COPS; there is no deregistering by it."""

NUMERIC: Final = 2
"""The <format> of +COPS that names an operator by its digits."""

NB_IOT: Final = 9
"""The <AcT> of a cell that speaks NB-IoT."""

NOT_ALLOWED: Final = 3
SIM_NOT_INSERTED: Final = 10
SIM_PIN_REQUIRED: Final = 11
INCORRECT_PASSWORD: Final = 16
NOT_FOUND: Final = 22
NO_NETWORK_SERVICE: Final = 30
INCORRECT_PARAMETERS: Final = 50
NOT_ALLOWED_WHILE_ACTIVE: Final = 518
"""Numbers of +CME ERROR: 3GPP TS 27.007, 9.2; the last one is Nordic's own."""


class Stat(IntEnum):
    """The <stat> of +CEREG."""

    OFF = 0
    HOME = 1
    SEARCHING = 2
    ROAMING = 5


class SystemMode(NamedTuple):
    """The parameters of %XSYSTEMMODE."""

    lte_m: int
    nb_iot: int
    gnss: int
    preference: int


class Context(NamedTuple):
    """One PDP context: its type as +CGDCONT names it, and its access point name."""

    type: str
    apn: str


FAMILIES: Final = {
    "IP": (Family.IPV4,),
    "IPV6": (Family.IPV6,),
    "IPV4V6": (Family.IPV4, Family.IPV6),
    "Non-IP": (),
}
"""The address families of each <PDP_type>."""

TIMERS_OFF: Final = ',,,"11100000","11100000"'
"""No cause, and the timers of power saving (<Active-Time>, <Periodic-TAU-ext>), which are off."""


class Cellular:
    """The modem core between its power-on and its reset.

    The link of the modem's network is up exactly while the core is registered.

    Args:
        modem: the engine; where its network's link is up, the core starts registered.

    Attributes:
        cmee: whether errors have numbers, 0 or 1 (+CMEE).
        fun: functional mode, 0, 1 or 4 (+CFUN).
        sim_on: whether the SIM has power.
        stat: registration status (+CEREG).
        cereg: how much +CEREG reports unasked, 0 to 5.
        cgerep: whether packet domain events are reported, 0 or 1 (+CGEREP).
        xsim: whether the SIM's state is reported, 0 or 1 (%XSIM).
        contexts: PDP contexts by cid (+CGDCONT).
        system_mode: which radios may be used (%XSYSTEMMODE); stored, but the cell is found in any mode.
        cops_mode: how the operator was selected, 0 or 1 (+COPS).
        cops_format: how +COPS prints the operator.
        locked: whether the SIM waits for its PIN (+CPIN).
    """

    __slots__ = (
        "_detached",
        "_modem",
        "_search",
        "cereg",
        "cgerep",
        "cmee",
        "contexts",
        "cops_format",
        "cops_mode",
        "fun",
        "locked",
        "sim_on",
        "stat",
        "system_mode",
        "xsim",
    )

    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self._search: Task | None = None
        self._detached = False  # the host asked for it, by AT+CGATT=0
        self.cmee = 0
        self.cereg = 0
        self.cgerep = 0
        self.xsim = 0
        self.cops_mode = AUTOMATIC
        self.cops_format = NUMERIC
        self.system_mode = SystemMode(0, 1, 0, 0) if modem.config.cell.act == NB_IOT else SystemMode(1, 0, 0, 0)
        self.contexts = {0: self.default_context()}
        self.locked = bool(modem.config.identity.pin)
        self.fun = FULL if modem.network.up else POWER_OFF
        self.sim_on = self.fun == FULL
        self.stat = Stat.OFF
        if self.locked:
            modem.network.set_link(up=False)
        elif self.fun == FULL:
            self.stat = self._registered_stat()

    @property
    def registered(self) -> bool:
        """Whether the device is registered to its network."""
        return self.stat in (Stat.HOME, Stat.ROAMING)

    @property
    def sim_state(self) -> str:
        """The state of the SIM as %XSIM shows it: off, waiting for its PIN, or ready."""
        if not self.sim_on:
            return "0"
        return "0,1" if self.locked else "1"

    def is_active(self, cid: int) -> bool:
        """Return whether the PDN connection ``cid`` is there: 0 always, others if defined and registered."""
        return cid == 0 or (cid in self.contexts and self.registered)

    def addresses(self, cid: int) -> list[str]:
        """Return the addresses of the PDN connection ``cid``, IPv6 with all digits; none while not connected."""
        if not self.registered:
            return []
        found = [self._modem.network.address(family) for family in FAMILIES[self.contexts[cid].type]]
        return [ip_address(address).exploded for address in found if address is not None]

    def default_context(self) -> Context:
        """Return the context of cid 0: the cell's APN, and a type that fits the addresses there are."""
        network = self._modem.network
        types = {(True, True): "IPV4V6", (False, True): "IPV6"}
        families = (network.address(Family.IPV4) is not None, network.address(Family.IPV6) is not None)
        return Context(types.get(families, "IP"), self._modem.config.cell.apn)

    def status(self) -> str:
        """Return the <stat> of +CEREG and the cell, where the subscribed level has it."""
        if self.cereg < 2 or self.stat is Stat.OFF:
            return f"{self.stat}"
        cell = self._modem.config.cell
        timers = TIMERS_OFF if self.cereg >= 4 and self.registered else ""
        return f'{self.stat},"{cell.tac}","{cell.ci}",{cell.act}{timers}'

    def set_fun(self, fun: int) -> None:
        """Change the functional mode; a change ends what AT+CGATT=0 asked for."""
        if fun != self.fun:
            self.fun = fun
            self._detached = False
        if fun != FULL:
            self._leave()
        self.power_sim(on=fun == FULL)
        self._search_cell()

    def power_sim(self, *, on: bool) -> None:
        """Switch the SIM on or off; one that was off wants its PIN again."""
        before = self.sim_state
        self.sim_on = on
        if not on:
            self.locked = bool(self._modem.config.identity.pin)
        self._report_sim(before)

    def attach(self) -> None:
        """Register from now on whenever that is possible."""
        self._detached = False
        self._search_cell()

    def detach(self) -> None:
        """Leave the network until told to attach."""
        self._detached = True
        self._leave()

    def unlock(self, pin: str) -> None:
        """Enter the PIN; what waited for it goes on.

        Raises:
            CommandError: it is wrong.
        """
        if pin != self._modem.config.identity.pin:
            raise CommandError("wrong PIN", code=INCORRECT_PASSWORD)
        before = self.sim_state
        self.locked = False
        self._report_sim(before)
        self._search_cell()

    def power_off(self) -> None:
        """Cut the power: the link goes down, nothing is reported any more."""
        self._forget_search()
        self.stat = Stat.OFF
        self._modem.network.set_link(up=False)

    def _search_cell(self) -> None:
        """Look for the network, unless something forbids it or it was found already."""
        if self.fun != FULL or self.locked or self._detached or self.stat is not Stat.OFF:
            return
        self._set_stat(Stat.SEARCHING)
        seconds = self._modem.config.cell.registration_time
        if seconds > 0:
            self._search = self._modem.spawn(self._register_at(self._modem.now + seconds))
        else:
            self._register()

    async def _register_at(self, moment: float) -> None:
        await Delay(moment)
        self._search = None
        self._register()

    def _register(self) -> None:
        self._modem.network.set_link(up=True)
        self._report_event("ME PDN ACT 0")
        self._set_stat(self._registered_stat())
        if Family.IPV6 in FAMILIES[self.contexts[0].type] and self._modem.network.address(Family.IPV6) is not None:
            self._report_event("IPV6 0")

    def _leave(self) -> None:
        """Leave the network, or stop looking for it."""
        self._forget_search()
        if self.stat is Stat.OFF:
            return
        if not self.registered:
            self._set_stat(Stat.OFF)
            return
        self._modem.network.set_link(up=False)
        self._report_event("ME PDN DEACT 0")
        self._set_stat(Stat.OFF)
        self._report_event("ME DETACH")

    def _forget_search(self) -> None:
        if self._search is not None:
            self._modem.cancel(self._search)
            self._search = None

    def _registered_stat(self) -> Stat:
        return Stat.ROAMING if self._modem.config.cell.roaming else Stat.HOME

    def _set_stat(self, stat: Stat) -> None:
        self.stat = stat
        if self.cereg:
            self._modem.urc(f"+CEREG: {self.status()}")

    def _report_event(self, event: str) -> None:
        if self.cgerep:
            self._modem.urc(f"+CGEV: {event}")

    def _report_sim(self, before: str) -> None:
        if self.xsim and self.sim_state != before:
            self._modem.urc(f"%XSIM: {self.sim_state}")


commands = CommandTable("Modem commands")

Flag: TypeAlias = Annotated[int, choice(0, 1)]
Cid: TypeAlias = Annotated[int, integer(0, 10)]
Ignored: TypeAlias = Annotated[Value, anything]


def _pdp_type(device: Any, value: Value) -> str:
    if type(value) is str and value in FAMILIES:
        return value
    raise CommandError(f"{shown(value)} is none of {', '.join(FAMILIES)}", code=INCORRECT_PARAMETERS)


# Identity


@commands.set("+CGMI", "Show the manufacturer", surplus=False)
def cgmi(device: Any) -> str:
    """Show the manufacturer."""
    return str(device.modem.config.identity.manufacturer)


@commands.set("+CGMM", "Show the model", surplus=False)
def cgmm(device: Any) -> str:
    """Show the model."""
    return str(device.modem.config.identity.model)


@commands.set("+CGMR", "Show the revision of the modem firmware", surplus=False)
def cgmr(device: Any) -> str:
    """Show the revision of the modem firmware."""
    return str(device.modem.config.identity.revision)


@commands.set("+CGSN", "Show the serial number (IMEI)", test="+CGSN: (0-3)", surplus=False)
def cgsn(device: Any, snt: Annotated[int, integer(0, 3)] = 0) -> str:
    """Show a serial number: ``snt`` 0 the bare IMEI, 1 the IMEI, 2 the IMEISV, 3 the software version number."""
    imei, svn = device.modem.config.identity.imei, device.modem.config.identity.svn
    if snt == 0:
        return str(imei)
    return f'+CGSN: "{(imei, imei[:14] + svn, svn)[snt - 1]}"'


@commands.set("+CLAC", "List the commands of the modem core", surplus=False)
def clac(device: Any) -> str:
    """List all commands that begin with + or %, in the order of the table."""
    return "\r\n".join(
        f"AT{command.name}" for command in device.modem.dialect.commands if command.name.startswith(("+", "%"))
    )


@commands.set("+CMEE", "Number the errors of the modem core", test="+CMEE: (0,1)", surplus=False)
def cmee(device: Any, n: Flag = 0) -> None:
    """Choose how the modem core's errors read: ``n`` 0 or left out ERROR, 1 +CME ERROR with a number."""
    device.cellular.cmee = n


@commands.read("+CMEE")
def cmee_read(device: Any) -> str:
    """Show how the modem core's errors read."""
    return f"+CMEE: {device.cellular.cmee}"


# Functional mode and SIM


@commands.set("+CFUN", "Set the functional mode", test="+CFUN: (0,1,4,41)", surplus=False)
def cfun(device: Any, fun: Annotated[int, choice(POWER_OFF, FULL, FLIGHT, UICC)]) -> None:
    """Set the functional mode: ``fun`` 0 power off, 1 full, 4 flight mode; 41 only switches the SIM on."""
    if fun == UICC:
        device.cellular.power_sim(on=True)
    else:
        device.cellular.set_fun(fun)


@commands.read("+CFUN")
def cfun_read(device: Any) -> str:
    """Show the functional mode."""
    return f"+CFUN: {device.cellular.fun}"


@commands.set("+CPIN", "Enter the PIN of the SIM", surplus=False)
def cpin(device: Any, pin: Annotated[str, text(8)]) -> None:
    """Enter the PIN, 4 to 8 digits in quotes."""
    _need_sim(device)
    if not device.cellular.locked:
        raise CommandError("the SIM asks for no PIN", code=NOT_ALLOWED)
    device.cellular.unlock(pin)


@commands.read("+CPIN")
def cpin_read(device: Any) -> str:
    """Show whether the SIM waits for its PIN."""
    _need_sim(device)
    return '+CPIN: "SIM PIN"' if device.cellular.locked else "+CPIN: READY"


@commands.set("%XSIM", "Report changes of the SIM's state", surplus=False)
def xsim(device: Any, n: Flag) -> None:
    """Switch the report of the SIM's state off or on."""
    device.cellular.xsim = n


@commands.read("%XSIM")
def xsim_read(device: Any) -> str:
    """Show the SIM's state: 1 ready, 0 off, 0,1 waiting for its PIN."""
    return f"%XSIM: {device.cellular.sim_state}"


@commands.set("%XICCID", "Show the number of the SIM card", surplus=False)
def xiccid(device: Any) -> str:
    """Show the number of the SIM card, which can be read without the PIN."""
    _need_sim(device)
    return f"%XICCID: {device.modem.config.identity.iccid}"


@commands.set("+CIMI", "Show the subscriber identity (IMSI)", surplus=False)
def cimi(device: Any) -> str:
    """Show the IMSI."""
    _need_pin(device)
    return str(device.modem.config.identity.imsi)


@commands.set("+CNUM", "Show the subscriber's number", surplus=False)
def cnum(device: Any) -> str:
    """Show the subscriber's number, where the SIM has one; type 145 is international, 129 any other."""
    _need_pin(device)
    number = device.modem.config.identity.msisdn
    if not number:
        raise CommandError("the SIM has no number of the subscriber", code=NOT_FOUND)
    return f'+CNUM: ,"{number}",{145 if number[0] == "+" else 129}'


# Network


@commands.set("+CEREG", "Report the registration status", test="+CEREG: (0-5)", surplus=False)
def cereg(device: Any, n: Annotated[int, integer(0, 5)]) -> None:
    """Choose what is reported: ``n`` 0 nothing, 1 the status, 2 and 3 the cell too, 4 and 5 the timers as well."""
    device.cellular.cereg = n


@commands.read("+CEREG")
def cereg_read(device: Any) -> str:
    """Show the registration status."""
    return f"+CEREG: {device.cellular.cereg},{device.cellular.status()}"


@commands.set("+COPS", "Select the operator", surplus=False)
def cops(
    device: Any,
    mode: Annotated[int, choice(AUTOMATIC, MANUAL, SET_FORMAT)],
    format: Annotated[int, choice(0, 1, NUMERIC)] | None = None,
    oper: Annotated[str, text(6)] = "",
    act: Annotated[int, choice(7, NB_IOT)] = 7,
) -> None:
    """Select the operator.

    Args:
        device: the device.
        mode: 0 automatically, 1 the given one, 3 set the format only.
        format: how an operator is named: 0 long, 1 short, 2 by its digits; has to be 2 to select one.
        oper: MCC and MNC, 5 or 6 digits.
        act: preferred access technology; ignored.
    """
    cellular = device.cellular
    if mode in (MANUAL, SET_FORMAT) and format is None:
        raise CommandError("<format> is missing", code=INCORRECT_PARAMETERS)
    if mode == SET_FORMAT:
        cellular.cops_format = format
        return
    if mode == MANUAL:
        _need_operator(device, format, oper)
    cellular.cops_mode = mode
    cellular.attach()


@commands.read("+COPS")
def cops_read(device: Any) -> str:
    """Show how the operator was selected and, while registered, which it is."""
    cellular, cell = device.cellular, device.modem.config.cell
    if not cellular.registered:
        return f"+COPS: {cellular.cops_mode}"
    name = cell.plmn if cellular.cops_format == NUMERIC else cell.operator
    return f'+COPS: {cellular.cops_mode},{cellular.cops_format},"{name}",{cell.act}'


@commands.test("+COPS")
def cops_test(device: Any) -> str:
    """List the operators that can be found, the configured one, without names: 2 is the current one, 1 another."""
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
def cesq(device: Any) -> str:
    """Show RSRQ and RSRP; unknown while not registered."""
    cell = device.modem.config.cell
    rsrq, rsrp = (cell.rsrq, cell.rsrp) if device.cellular.registered else (255, 255)
    return f"+CESQ: 99,99,255,255,{rsrq},{rsrp}"


@commands.set("+CSQ", "Show the signal strength", test="+CSQ: (99),(99)", surplus=False)
def csq(device: Any) -> str:
    """Show that the signal strength is unknown: the command is for 2G and 3G, +CESQ is for LTE."""
    return "+CSQ: 99,99"


@commands.set("%XSYSTEMMODE", "Choose the radios", test="%XSYSTEMMODE: (0,1),(0,1),(0,1),(0-4)", surplus=False)
def xsystemmode(device: Any, lte_m: Flag, nb_iot: Flag, gnss: Flag, preference: Annotated[int, integer(0, 4)]) -> None:
    """Choose the radios that may be used, while they are off; ``preference`` 0 to 4 is stored."""
    if device.cellular.fun == FULL:
        raise CommandError("the radios are on", code=NOT_ALLOWED_WHILE_ACTIVE)
    if not (lte_m or nb_iot or gnss):
        raise CommandError("no radio is left", code=INCORRECT_PARAMETERS)
    device.cellular.system_mode = SystemMode(lte_m, nb_iot, gnss, preference)


@commands.read("%XSYSTEMMODE")
def xsystemmode_read(device: Any) -> str:
    """Show the radios that may be used."""
    return f"%XSYSTEMMODE: {','.join(map(str, device.cellular.system_mode))}"


# Packet domain


@commands.set("+CGATT", "Attach or detach", test="+CGATT: (0,1)", surplus=False)
def cgatt(device: Any, state: Flag) -> None:
    """Detach or attach; the latter needs the radio."""
    if not state:
        device.cellular.detach()
        return
    if device.cellular.fun != FULL:
        raise CommandError("the radio is off", code=NOT_ALLOWED)
    device.cellular.attach()


@commands.read("+CGATT")
def cgatt_read(device: Any) -> str:
    """Show whether the device is attached."""
    return f"+CGATT: {int(device.cellular.registered)}"


@commands.set("+CGEREP", "Report packet domain events", test="+CGEREP: (0,1),(0)", surplus=False)
def cgerep(device: Any, mode: Flag = 0) -> None:
    """Switch the report of packet domain events (+CGEV) off or on."""
    device.cellular.cgerep = mode


@commands.read("+CGEREP")
def cgerep_read(device: Any) -> str:
    """Show whether packet domain events are reported; the buffering that follows is always 0."""
    return f"+CGEREP: {device.cellular.cgerep},0"


@commands.set(
    "+CGDCONT",
    "Define a PDP context",
    test="\r\n".join(f'+CGDCONT: (0-10),"{type}",,,(0),(0)' for type in FAMILIES),
)
def cgdcont(
    device: Any,
    cid: Cid,
    pdp_type: Annotated[str, _pdp_type] | None = None,
    apn: Annotated[str, text(63)] = "",
    *rest: Ignored,
) -> None:
    """Define the context ``cid``, or undefine it where nothing else is given; cid 0 gets its default back.

    Args:
        device: the device.
        cid: number of the context, 0 to 10.
        pdp_type: IP, IPV6, IPV4V6 or Non-IP.
        apn: access point name.
        rest: address, compression and the like, which the modem core ignores too.
    """
    contexts = device.cellular.contexts
    if pdp_type is not None:
        contexts[cid] = Context(pdp_type, apn)
    elif cid == 0:
        contexts[cid] = device.cellular.default_context()
    else:
        contexts.pop(cid, None)


@commands.read("+CGDCONT")
def cgdcont_read(device: Any) -> str:
    """List the defined contexts, with the first address of each."""
    cellular = device.cellular
    return "\r\n".join(
        f'+CGDCONT: {cid},"{context.type}","{context.apn}","{"".join(cellular.addresses(cid)[:1])}",0,0'
        for cid, context in sorted(cellular.contexts.items())
    )


@commands.set("+CGPADDR", "Show the modem's addresses", surplus=False)
def cgpaddr(device: Any, cid: Cid | None = None) -> str:
    """Show the addresses of the context ``cid``, of every defined one where it is left out."""
    contexts = device.cellular.contexts
    if cid is not None and cid not in contexts:
        raise CommandError(f"context {cid} is not defined", code=INCORRECT_PARAMETERS)
    return "\r\n".join(_addresses(device, number) for number in (sorted(contexts) if cid is None else [cid]))


@commands.test("+CGPADDR")
def cgpaddr_test(device: Any) -> str:
    """List the defined contexts."""
    return f"+CGPADDR: ({','.join(map(str, sorted(device.cellular.contexts)))})"


def _addresses(device: Any, cid: int) -> str:
    return ",".join([f"+CGPADDR: {cid}", *(f'"{address}"' for address in device.cellular.addresses(cid))])


def _need_sim(device: Any) -> None:
    if not device.cellular.sim_on:
        raise CommandError("the SIM is off", code=SIM_NOT_INSERTED)


def _need_pin(device: Any) -> None:
    _need_sim(device)
    if device.cellular.locked:
        raise CommandError("the SIM waits for its PIN", code=SIM_PIN_REQUIRED)


def _need_operator(device: Any, format: int | None, oper: str) -> None:
    if format != NUMERIC:
        raise CommandError("an operator is selected by its digits only", code=INCORRECT_PARAMETERS)
    if oper != device.modem.config.cell.plmn:
        raise CommandError(f"there is no operator {oper}", code=NO_NETWORK_SERVICE)
