"""What a modem is: its dialect, who it is, what it starts with, what stands between it and the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from os import urandom
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from vmodem import dialects
from vmodem.assembly import assemble
from vmodem.config import Config, check
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import Terminator
from vmodem.core.line import Signals
from vmodem.core.modem import Modem
from vmodem.credentials.store import Store
from vmodem.errors import ProfileError
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
        offline: whether it starts detached from its network, as a device does at power-on.
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
    addresses: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    traces: tuple[Trace, ...] = ()
    random: Callable[[int], bytes] = urandom
    sources: Mapping[Family, str] = field(init=False, repr=False, compare=False)
    own: Mapping[Family, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Turn names into what they name, and look at what was configured."""
        if isinstance(self.dialect, str):
            self._set("dialect", dialects.find(self.dialect))
        self._set("follow", _member(Follow, "follow", self.follow))
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
            attached=not self.offline,
            store=self.credentials,
            name=" ".join(filter(None, (self.name, where))) or "modem",
            traces=self.traces,
            random=self.random,
        )


def _member(kind: type[Follow] | type[Terminator], name: str, value: object) -> Follow | Terminator:
    """Return the member of ``kind`` that ``value`` is, or is the value of."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise ProfileError(f"{name} is {value!r}, accepted: {known}") from None


def _families(addresses: tuple[str, ...]) -> dict[Family, str]:
    """Return ``addresses`` by family."""
    found: dict[Family, str] = {}
    for address in addresses:
        try:
            family = Family.IPV4 if ip_address(address).version == 4 else Family.IPV6
        except ValueError:
            raise ProfileError(f"address: {address!r} is no IPv4 or IPv6 address") from None
        if family in found:
            raise ProfileError("address: may be given once for each family")
        found[family] = address
    return found
