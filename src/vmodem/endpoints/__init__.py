"""Endpoints carry bytes between a host and a modem, and nothing else.

Each kind of endpoint is one module with one `Spec`: its option, how a value of it reads, how it is opened. To add a
kind, write the module and enter it in `KINDS`: the command line, the configuration file and the hub take it from there.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vmodem.endpoints.endpoint import Spec

KINDS: Final = {
    "pty": "vmodem.endpoints.pty.Pty",
    "tcp": "vmodem.endpoints.tcp.Tcp",
    "stdio": "vmodem.endpoints.stdio.Stdio",
    "serial": "vmodem.endpoints.serial.Serial",
}
"""Every kind of endpoint and its `Spec`; the first is the one that is opened where none is asked for."""


def spec_of(kind: str) -> type[Spec]:
    """Return the `Spec` of the kind of endpoint called ``kind``; its module is imported now, not before."""
    module, _, name = KINDS[kind].rpartition(".")
    spec: type[Spec] = getattr(import_module(module), name)
    return spec
