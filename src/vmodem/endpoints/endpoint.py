"""What all endpoints have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any, ClassVar, NamedTuple, Protocol

from vmodem.core.line import Signals
from vmodem.core.modem import Modem
from vmodem.errors import SpecError, quoted
from vmodem.reactor import Reactor


class MakeModem(Protocol):
    """Makes a modem that is not yet booted."""

    def __call__(self, where: str, signals: Signals | None = None) -> Modem:
        """Return a modem.

        Args:
            where: where its host is, in a few words for the log.
            signals: the wires of its line, None for a line that has none.
        """


class Opening(NamedTuple):
    """What an endpoint is opened with.

    Attributes:
        reactor: the process's reactor.
        make_modem: makes the modem of a host.
        gone: called once where the endpoint ends by itself: with why, or None where that is no failure.
    """

    reactor: Reactor
    make_modem: MakeModem
    gone: Callable[[str | None], None]


class Setting(NamedTuple):
    """Something that can be chosen for every endpoint of a kind.

    Attributes:
        name: its name, as an option and in the configuration file.
        help: what it does.
        choices: the values it may have, the first is the default; none where it is switched on by being there.
    """

    name: str
    help: str
    choices: tuple[str, ...] = ()


class Spec(ABC):
    """One endpoint that is asked for: its kind, and what was said of it.

    Attributes:
        kind: the kind's name: its option, and its key in the configuration file and the ready file.
        help: what it is, in a few words.
        metavar: how its value reads, empty where it has none.
        optional: whether the value may be left out.
        settings: what can be chosen for all of its kind; each is a field of the spec.
        single: whether a process can have only one.
    """

    kind: ClassVar[str]
    help: ClassVar[str]
    metavar: ClassVar[str] = ""
    optional: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = ()
    single: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse a setting that there is not; a kind that has more to look at overrides this, and calls it.

        Raises:
            SpecError: it makes no sense; the message says what would.
        """
        for setting in self.settings:
            value = getattr(self, setting.name)
            if value not in (setting.choices or (True, False)):
                words = ", ".join(setting.choices) or "True, False"
                raise SpecError(f"{setting.name} is {quoted(value)}, accepted: {words}")

    @classmethod
    @abstractmethod
    def parse(cls, value: str | None) -> Spec:
        """Read the value of an option or of a key, None where there is none.

        Raises:
            ValueError: it makes no sense; the message says what would, as that of a `SpecError`.
        """

    def chosen(self, settings: Mapping[str, Any]) -> Spec:
        """Return it with those of ``settings`` that its kind has."""
        mine = {setting.name: settings[setting.name] for setting in self.settings if setting.name in settings}
        return replace(self, **mine) if mine else self  # type: ignore[type-var]

    @abstractmethod
    def open(self, opening: Opening) -> Endpoint:
        """Open the endpoint.

        Raises:
            EndpointError: it cannot be opened.
        """


def need_text(name: str, value: object, accepted: str) -> None:
    """Refuse what is no text, or no name of anything.

    Raises:
        SpecError: it is none; ``accepted`` says what would be one.
    """
    if not isinstance(value, str | PurePath) or not str(value) or "\0" in str(value):
        raise SpecError(f"{name} is {quoted(value)}, accepted: {accepted}")


class Endpoint(ABC):
    """A place where hosts reach modems. It is opened when it is made, and accepts bytes once it was started."""

    @abstractmethod
    def start(self) -> None:
        """Accept bytes."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint: its kind, and where it is."""

    @abstractmethod
    def where(self) -> str:
        """Return where a host finds it, as `vmodem serve` prints it; empty where nothing is to be printed."""

    @abstractmethod
    def close(self) -> None:
        """Close it and every session on it."""
