"""The state of the modem core of an nRF91: its functional mode, its SIM, its registration, its PDP contexts.

This module must not know about devices, command tables, sockets or handles.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import ip_address
from typing import Final, NamedTuple

from vmodem.core.errors import CommandError
from vmodem.core.modem import Modem
from vmodem.core.power import Start
from vmodem.core.tasks import Delay, Task
from vmodem.dialects.nrf.core.cme import INCORRECT_PASSWORD
from vmodem.net.interface import Family

POWER_OFF: Final = 0
FULL: Final = 1
FLIGHT: Final = 4
"""The functional modes (+CFUN)."""

AUTOMATIC: Final = 0
MANUAL: Final = 1
"""How the operator is selected (+COPS)."""

NUMERIC: Final = 2
"""The <format> of +COPS that names an operator by its digits."""

NB_IOT: Final = 9
"""The <AcT> of a cell that speaks NB-IoT."""


class Stat(IntEnum):
    """The <stat> of +CEREG."""

    OFF = 0
    HOME = 1
    SEARCHING = 2
    UNKNOWN = 4
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

IDLE: Final = (Stat.OFF, Stat.UNKNOWN)
"""The registration statuses of a core that has no cell."""

SEARCH_TIME: Final = 1.1
"""Seconds in which a device finds a cell."""

REGISTRATION_TIME: Final = 2.9
"""Seconds from AT+CFUN=1 to the registration of a device, on LTE-M."""

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
        self.stat = Stat.UNKNOWN if self._is_device else Stat.OFF
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
        if self.cereg < 2 or self.stat in IDLE:
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
        elif self._is_device:
            self._report_event("EXCE STATUS 0")
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
        if self.fun != FULL or self.locked or self._detached or self._search is not None or self.stat not in IDLE:
            return
        seconds = self._modem.config.cell.registration_time
        if self._is_device:
            self._search = self._modem.spawn(self._attach_as_device(seconds or REGISTRATION_TIME))
            return
        self._set_stat(Stat.SEARCHING)
        if seconds > 0:
            self._search = self._modem.spawn(self._register_at(self._modem.now + seconds))
        else:
            self._register()

    async def _attach_as_device(self, seconds: float) -> None:
        """Find a cell, then register: a device reports that it searches once it has found one."""
        begun = self._modem.now
        await Delay(begun + seconds * SEARCH_TIME / REGISTRATION_TIME)
        self._set_stat(Stat.SEARCHING)
        await self._register_at(begun + seconds)

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
        searched = self._search is not None
        self._forget_search()
        if self.stat is Stat.OFF or (self.stat is Stat.UNKNOWN and not searched):
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

    @property
    def _is_device(self) -> bool:
        """Whether attaching has the steps and the times of a device."""
        return self._modem.start is Start.DEVICE

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
