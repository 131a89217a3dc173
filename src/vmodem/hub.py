"""Any number of modems at any number of endpoints, on one event loop: no signals, no printing, no exit."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

from vmodem.core.line import Signals
from vmodem.core.modem import Modem
from vmodem.endpoints.endpoint import Endpoint, Opening, Spec
from vmodem.errors import EndpointError, SpecError, because, quoted
from vmodem.net.host import HostNetwork
from vmodem.profile import Profile
from vmodem.reactor import Reactor

Gone: TypeAlias = Callable[[Endpoint, str | None], None]
"""Is told of an endpoint that has ended by itself, and why; None where that is no failure."""


class Site(NamedTuple):
    """One endpoint that is asked for, and what its modems are."""

    profile: Profile
    spec: Spec


class Hub:
    """Modems at endpoints.

    Endpoints are opened by `add`, accept hosts from `start` on, and end with `remove` or `close`; those that are added
    to a hub that was started accept hosts at once.

    Args:
        loop: the event loop that everything runs on; every method has to be called on it, or before it runs.
        gone: is told of endpoints that end by themselves; the hub has removed them then.

    Attributes:
        endpoints: the endpoints that are open, in the order in which they were added.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, gone: Gone | None = None) -> None:
        self._reactor = Reactor(loop)
        self._gone = gone
        self._started = False
        self.endpoints: list[Endpoint] = []

    def add(self, profile: Profile, spec: Spec) -> Endpoint:
        """Open an endpoint whose hosts reach modems of ``profile``, and return it.

        Raises:
            SpecError: ``spec`` is no endpoint.
            EndpointError: it cannot be opened, or this machine does not have an address of the profile.
        """
        if not isinstance(spec, Spec):
            raise SpecError(f"{quoted(spec)} is no endpoint; an instance would be one, as of vmodem.Tcp()")
        for address in profile.addresses:
            _check(address)
        opened: list[Endpoint] = []
        endpoint = spec.open(Opening(self._reactor, partial(self._make_modem, profile), partial(self._ended, opened)))
        opened.append(endpoint)
        self.endpoints.append(endpoint)
        if self._started:
            endpoint.start()
        return endpoint

    def start(self) -> None:
        """Accept hosts at every endpoint."""
        self._started = True
        for endpoint in list(self.endpoints):
            endpoint.start()

    def remove(self, endpoint: Endpoint) -> None:
        """Close an endpoint and every modem at it; nothing where it has ended already."""
        if endpoint in self.endpoints:
            self.endpoints.remove(endpoint)
            endpoint.close()

    def close(self) -> None:
        """Close every endpoint and every modem."""
        for endpoint in list(self.endpoints):
            self.remove(endpoint)
        self._reactor.close()

    def _make_modem(self, profile: Profile, where: str, signals: Signals | None = None) -> Modem:
        return profile.modem(HostNetwork(self._reactor, profile.own, profile.sources), where, signals)

    def _ended(self, opened: list[Endpoint], reason: str | None) -> None:
        """Remove an endpoint that has ended by itself, and tell of it."""
        for endpoint in opened:
            self.remove(endpoint)
            if self._gone is not None:
                self._gone(endpoint, reason)


def _check(address: str) -> None:
    """Refuse an address that this machine does not have."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
            sock.bind((address, 0))
    except OSError as error:
        raise EndpointError(f"cannot use the address {address}: {because(error)}") from error
