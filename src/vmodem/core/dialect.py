"""A dialect: everything that makes the engine one particular device, as data and short bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.framing import LineRules, Overlong, Terminator
from vmodem.core.syntax import Request
from vmodem.net.interface import NetSocket

if TYPE_CHECKING:
    from vmodem.core.channel import Channel
    from vmodem.core.modem import Modem


class Follow(Enum):
    """Which of the two is answered where a manual and its firmware disagree."""

    MANUAL = "manual"
    FIRMWARE = "firmware"


class Device(Protocol):
    """What a dialect keeps for one channel between power-on and reset; handlers get it as their first argument."""

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """React to readiness that no running handler waits for."""

    def close_all(self) -> None:
        """Close everything that the channel's host has open: the channel ends."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the engine does differently on either side of ``--follow``; each dialect adds what its handlers do.

    Attributes:
        loses_input: whether what arrives while a command runs is lost, instead of waiting its turn.
        drops_urcs: whether unsolicited lines that come up in data mode are lost, instead of waiting for its end.
        overlong: what becomes of a line that is too long.
    """

    loses_input: bool = False
    drops_urcs: bool = False
    overlong: Overlong = Overlong.ERROR


@dataclass(frozen=True)
class Erratum:
    """One disagreement between a manual, its firmware, or a manual and itself.

    Attributes:
        page: the page of the manual.
        manual: what the manual says or prints.
        firmware: what the firmware does.
        answer: what we answer by default, and why.
        policy: the policy field that ``--follow`` switches, empty where both sides get the same answer.
    """

    page: str
    manual: str
    firmware: str
    answer: str
    policy: str = ""


@dataclass(frozen=True)
class Dialect:
    """One device.

    Attributes:
        name: its name on the command line.
        describes: the device it answers as, in a few words.
        manual: the manual's title.
        commands: the command table.
        errata: where manual and firmware disagree.
        policies: the dialect's own policy object for either side of ``--follow``.
        core: makes what exists once for each power-on, for all channels: the modem core, the Wi-Fi station.
        device: makes what each channel has of its own: its sockets, what its host has chosen.
        parse: the grammar of a line: a request, or None for a line that is ignored; raises `CommandError`.
        terminator: what ends a line by default.
        lines: how lines are cut besides.
        banner: what is sent at boot.
        information: frames one information line.
        ok: the positive final result.
        error: frames an error of a device.
        urc: frames one unsolicited line.
        urc_limit: how many bytes of unsolicited lines may wait; a line that does not fit is dropped.
        urc_hold: how many seconds after the last character a begun line holds unsolicited lines back, with echo on.
        given: the commands that bring a fresh device into the state that a transcript names.
        version: what this release is, whichever side is followed; the dialect's own object.
        urcs_in_data_mode: whether unsolicited messages are sent in data mode too.
        family: whose common transcripts it passes besides its own, empty where it has no relatives.
    """

    name: str
    describes: str
    manual: str
    commands: CommandTable
    errata: tuple[Erratum, ...]
    policies: Mapping[Follow, Policy]
    core: Callable[[Modem], Any]
    device: Callable[[Channel], Device]
    parse: Callable[[bytes], Request | None]
    terminator: Terminator
    lines: LineRules
    banner: bytes
    information: Callable[[str], bytes]
    ok: bytes
    error: Callable[[Any, CommandError], bytes]
    urc: Callable[[str], bytes]
    urc_limit: int
    urc_hold: float
    given: Callable[[str], list[str]]
    version: Any = None
    urcs_in_data_mode: bool = False
    family: str = ""
