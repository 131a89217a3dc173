"""A software modem: AT commands on one side, the host's real sockets on the other.

What is named here is the public API; everything else may change from one version to the next. Nothing is imported
before it is used.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vmodem.config import Config, load_config
    from vmodem.core.dialect import Dialect, Follow
    from vmodem.core.framing import Terminator
    from vmodem.core.trace import Event, Trace
    from vmodem.endpoints.endpoint import Endpoint, Spec
    from vmodem.endpoints.pty import Pty
    from vmodem.endpoints.serial import Serial
    from vmodem.endpoints.stdio import Stdio
    from vmodem.endpoints.tcp import Tcp
    from vmodem.errors import (
        ConfigError,
        EndpointError,
        ProfileError,
        StoreError,
        UnknownDialectError,
        VmodemError,
    )
    from vmodem.hub import Hub
    from vmodem.library import Served, Started, serve, start
    from vmodem.net.layer import NetworkLayer, SocketLayer
    from vmodem.profile import Profile

__version__ = "0.1.0"

_HOMES = {
    "vmodem.config": ("Config", "load_config"),
    "vmodem.core.dialect": ("Dialect", "Follow"),
    "vmodem.core.framing": ("Terminator",),
    "vmodem.core.trace": ("Event", "Trace"),
    "vmodem.endpoints.endpoint": ("Endpoint", "Spec"),
    "vmodem.endpoints.pty": ("Pty",),
    "vmodem.endpoints.serial": ("Serial",),
    "vmodem.endpoints.stdio": ("Stdio",),
    "vmodem.endpoints.tcp": ("Tcp",),
    "vmodem.errors": (
        "ConfigError",
        "EndpointError",
        "ProfileError",
        "StoreError",
        "UnknownDialectError",
        "VmodemError",
    ),
    "vmodem.hub": ("Hub",),
    "vmodem.library": ("Served", "Started", "serve", "start"),
    "vmodem.net.layer": ("NetworkLayer", "SocketLayer"),
    "vmodem.profile": ("Profile",),
}
"""Where each name of the API is defined."""

__all__ = [
    "Config",
    "ConfigError",
    "Dialect",
    "Endpoint",
    "EndpointError",
    "Event",
    "Follow",
    "Hub",
    "NetworkLayer",
    "Profile",
    "ProfileError",
    "Pty",
    "Serial",
    "Served",
    "SocketLayer",
    "Spec",
    "Started",
    "Stdio",
    "StoreError",
    "Tcp",
    "Terminator",
    "Trace",
    "UnknownDialectError",
    "VmodemError",
    "__version__",
    "load_config",
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
