"""What a modem is: its dialect, who it is, what it starts with, what stands between it and the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from os import urandom
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from vmodem import dialects
from vmodem.assembly import assemble
from vmodem.config import Config, check
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import Terminator
from vmodem.core.line import Signals
from vmodem.core.modem import Modem
from vmodem.core.power import Boot, Start
from vmodem.credentials.store import Store
from vmodem.errors import ProfileError, quoted
from vmodem.net.interface import Family, Network

if TYPE_CHECKING:
    from vmodem.core.trace import Trace

Layer: TypeAlias = Callable[[Network], Network]
"""Puts something in front of a network: a subclass of `NetworkLayer`, mostly."""

LOOPBACK: Final = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a modem is; every modem that is made of a profile is one of its own.

    Attributes:
        dialect: which device it is: a dialect, or its name; `UnknownDialectError` where there is none of that name.
        name: what the log calls it, beside where its host is; empty for that alone.
        follow: which side is answered where manual and firmware disagree: a `Follow`, or ``manual``, ``firmware``.
        config: identity, cell, Wi-Fi and what else a configuration file says.
        credentials: where its credentials are kept, and shared with the others of this profile: a store, or the path
            of a directory; `StoreError` where that cannot be used.
        terminator: what ends a line: a `Terminator`, or ``cr``, ``lf``, ``crlf``; None for the dialect's default.
        offline: whether it starts detached from its network, where `start` does not say.
        start: what it is to its network when it is switched on: a `Start`, or ``attached``, ``offline``, ``device``;
            None for what `offline` says.
        boot: whether it is switched on with its host, and greets it: a `Boot`, or ``with-host``, ``at-start``.
        addresses: its own addresses, at most one of each family; servers bind to them, and what goes out comes from
            them. Of a family that is left out servers bind to loopback, and the host chooses for what goes out.
        layers: what stands between it and the host's network, the first nearest to the network.
        traces: who is told what happens, besides the log.
        random: returns as many random bytes as it is asked for.
        sources: the given addresses, by family.
        own: the modem's own addresses, by family.

    Raises:
        ProfileError: something of it makes no sense.
        ConfigError: its configuration has a value that no device has.
    """

    dialect: str | Dialect = dialects.DEFAULT
    name: str = ""
    follow: Follow | str = Follow.MANUAL
    config: Config = field(default_factory=Config)
    credentials: Store | Path | str = field(default_factory=Store)
    terminator: Terminator | str | None = None
    offline: bool = False
    start: Start | str | None = None
    boot: Boot | str = Boot.WITH_HOST
    addresses: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    traces: tuple[Trace, ...] = ()
    random: Callable[[int], bytes] = urandom
    sources: Mapping[Family, str] = field(init=False, repr=False, compare=False)
    own: Mapping[Family, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look at what was asked for, and turn names into what they name."""
        for name, (fits, words) in _ACCEPTED.items():
            if not fits(getattr(self, name)):
                raise ProfileError(f"{name} is {quoted(getattr(self, name))}, accepted: {words}")
        if isinstance(self.dialect, str):
            self._set("dialect", dialects.find(self.dialect))
        self._set("follow", _member(Follow, "follow", self.follow))
        self._set("boot", _member(Boot, "boot", self.boot))
        if self.start is not None:
            self._set("start", _member(Start, "start", self.start))
        if self.terminator is not None:
            self._set("terminator", _member(Terminator, "terminator", self.terminator))
        if not isinstance(self.credentials, Store):
            from vmodem.credentials.directory import DirectoryStore  # not at the top: few keep their credentials

            self._set("credentials", DirectoryStore(Path(self.credentials)))
        if self.config != Config():
            check(self.config)
        self._set("addresses", tuple(map(str, self.addresses)))
        self._set("sources", _families(self.addresses))
        self._set("own", LOOPBACK | dict(self.sources))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def device(self) -> Dialect:
        """The dialect."""
        assert isinstance(self.dialect, Dialect)
        return self.dialect

    def modem(self, network: Network, where: str = "", signals: Signals | None = None) -> Modem:
        """Return a modem that is not yet booted.

        Args:
            network: the network behind its layers; whoever drives the modem is to be the driver of `Modem.network`.
            where: where its host is, for the log.
            signals: the wires of its line, None for a line that has none.
        """
        assert isinstance(self.follow, Follow)
        assert isinstance(self.credentials, Store)
        assert isinstance(self.boot, Boot)
        assert not isinstance(self.start, str)
        assert not isinstance(self.terminator, str)
        for layer in self.layers:
            network = layer(network)
        return assemble(
            self.device,
            network,
            config=self.config,
            follow=self.follow,
            terminator=self.terminator,
            signals=signals,
            start=self.start or (Start.OFFLINE if self.offline else Start.ATTACHED),
            boot=self.boot,
            store=self.credentials,
            name=" ".join(filter(None, (self.name, where))) or "modem",
            traces=self.traces,
            random=self.random,
        )


def _of(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _each(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple | list) and all(map(fits, value))


_ACCEPTED: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "dialect": (_of(str, Dialect), "a dialect, or the name of one"),
    "name": (lambda value: isinstance(value, str) and value.isprintable(), "text on one line"),
    "config": (_of(Config), "a Config"),
    "credentials": (
        lambda value: isinstance(value, Store | Path) or (isinstance(value, str) and value != "" and "\0" not in value),
        "a Store, or the path of a directory",
    ),
    "offline": (_of(bool), "True, False"),
    "addresses": (_each(_of(str, IPv4Address, IPv6Address)), "a tuple of addresses, one for each family"),
    "layers": (_each(callable), "a tuple of subclasses of NetworkLayer"),
    "traces": (_each(lambda one: callable(getattr(one, "event", None))), "a tuple of objects with a method event"),
    "random": (callable, "a function that returns as many random bytes as it is asked for"),
}
"""What each attribute may be, and that in words; those that name one of a few are looked at where it is found."""


def _member(kind: type[Enum], name: str, value: object) -> Enum:
    """Return the member of ``kind`` that ``value`` is, or is the value of."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise ProfileError(f"{name} is {quoted(value)}, accepted: {known}") from None


def _families(addresses: tuple[str, ...]) -> dict[Family, str]:
    """Return ``addresses`` by family."""
    found: dict[Family, str] = {}
    for address in addresses:
        try:
            family = Family.IPV4 if ip_address(address).version == 4 else Family.IPV6
        except ValueError:
            raise ProfileError(
                f"address: {quoted(address)} is no IPv4 or IPv6 address; 127.0.0.1 or ::1 would be one"
            ) from None
        if family in found:
            raise ProfileError("address: may be given once for each family")
        found[family] = address
    return found
