"""A software modem: AT commands on one side, the host's real sockets on the other.

What is named here is the public API; everything else may change from one version to the next. Nothing is imported
before it is used.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vmodem.config import AccessPoint, Cell, Config, Firmware, Identity, ModemCore, SerialLine, Wifi, load_config
    from vmodem.core.dialect import Dialect, Follow
    from vmodem.core.framing import Terminator
    from vmodem.core.power import Boot, Start
    from vmodem.core.trace import (
        Accepted,
        Bound,
        Closed,
        Connected,
        Connecting,
        Data,
        DataBegins,
        DataEnds,
        Event,
        Failed,
        HostLine,
        Listening,
        LookUp,
        Note,
        Opened,
        Power,
        Received,
        Refused,
        Reply,
        Resolved,
        Result,
        Secured,
        Sent,
        State,
        Trace,
        Urc,
    )
    from vmodem.credentials.store import Store
    from vmodem.endpoints.endpoint import Endpoint, Opening, Setting, Spec
    from vmodem.endpoints.pty import Pty
    from vmodem.endpoints.serial import Serial
    from vmodem.endpoints.session import Session
    from vmodem.endpoints.stdio import Stdio
    from vmodem.endpoints.tcp import Tcp
    from vmodem.errors import (
        ConfigError,
        EndpointError,
        NoPlaceError,
        ProfileError,
        SpecError,
        StoreError,
        UnknownDialectError,
        VmodemError,
    )
    from vmodem.hub import Hub, Site
    from vmodem.library import Served, Started, serve, start
    from vmodem.net.interface import NetSocket, Network
    from vmodem.net.layer import NetworkLayer, SocketLayer
    from vmodem.profile import Profile
    from vmodem.profiles import load_profiles

__version__ = "0.1.0"

_HOMES = {
    "vmodem.config": (
        "AccessPoint",
        "Cell",
        "Config",
        "Firmware",
        "Identity",
        "ModemCore",
        "SerialLine",
        "Wifi",
        "load_config",
    ),
    "vmodem.core.dialect": ("Dialect", "Follow"),
    "vmodem.core.framing": ("Terminator",),
    "vmodem.core.power": ("Boot", "Start"),
    "vmodem.core.trace": (
        "Accepted",
        "Bound",
        "Closed",
        "Connected",
        "Connecting",
        "Data",
        "DataBegins",
        "DataEnds",
        "Event",
        "Failed",
        "HostLine",
        "Listening",
        "LookUp",
        "Note",
        "Opened",
        "Power",
        "Received",
        "Refused",
        "Reply",
        "Resolved",
        "Result",
        "Secured",
        "Sent",
        "State",
        "Trace",
        "Urc",
    ),
    "vmodem.credentials.store": ("Store",),
    "vmodem.endpoints.endpoint": ("Endpoint", "Opening", "Setting", "Spec"),
    "vmodem.endpoints.pty": ("Pty",),
    "vmodem.endpoints.serial": ("Serial",),
    "vmodem.endpoints.session": ("Session",),
    "vmodem.endpoints.stdio": ("Stdio",),
    "vmodem.endpoints.tcp": ("Tcp",),
    "vmodem.errors": (
        "ConfigError",
        "EndpointError",
        "NoPlaceError",
        "ProfileError",
        "SpecError",
        "StoreError",
        "UnknownDialectError",
        "VmodemError",
    ),
    "vmodem.hub": ("Hub", "Site"),
    "vmodem.library": ("Served", "Started", "serve", "start"),
    "vmodem.net.interface": ("NetSocket", "Network"),
    "vmodem.net.layer": ("NetworkLayer", "SocketLayer"),
    "vmodem.profile": ("Profile",),
    "vmodem.profiles": ("load_profiles",),
}
"""Where each name of the API is defined."""

__all__ = [
    "Accepted",
    "AccessPoint",
    "Boot",
    "Bound",
    "Cell",
    "Closed",
    "Config",
    "ConfigError",
    "Connected",
    "Connecting",
    "Data",
    "DataBegins",
    "DataEnds",
    "Dialect",
    "Endpoint",
    "EndpointError",
    "Event",
    "Failed",
    "Firmware",
    "Follow",
    "HostLine",
    "Hub",
    "Identity",
    "Listening",
    "LookUp",
    "ModemCore",
    "NetSocket",
    "Network",
    "NetworkLayer",
    "NoPlaceError",
    "Note",
    "Opened",
    "Opening",
    "Power",
    "Profile",
    "ProfileError",
    "Pty",
    "Received",
    "Refused",
    "Reply",
    "Resolved",
    "Result",
    "Secured",
    "Sent",
    "Serial",
    "SerialLine",
    "Served",
    "Session",
    "Setting",
    "Site",
    "SocketLayer",
    "Spec",
    "SpecError",
    "Start",
    "Started",
    "State",
    "Stdio",
    "Store",
    "StoreError",
    "Tcp",
    "Terminator",
    "Trace",
    "UnknownDialectError",
    "Urc",
    "VmodemError",
    "Wifi",
    "__version__",
    "load_config",
    "load_profiles",
    "serve",
    "start",
]

logging.getLogger("vmodem").addHandler(logging.NullHandler())  # whoever wants the log asks for it


def __getattr__(name: str) -> Any:
    """Import what is named, when it is asked for."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the names of the API."""
    return [*__all__]
