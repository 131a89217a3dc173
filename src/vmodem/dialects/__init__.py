"""The dialects, by name. A dialect's modules are imported when it is asked for, not before."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from vmodem.core.dialect import Dialect
from vmodem.errors import UnknownDialectError

MODULES: Final = {
    "sm-1.0": "vmodem.dialects.nrf.sm",
    "slm-1.9": "vmodem.dialects.nrf.slm.slm_1_9",
    "slm-2.0": "vmodem.dialects.nrf.slm.slm_2_0",
    "slm-2.7": "vmodem.dialects.nrf.slm.slm_2_7",
    "ameba-2.4": "vmodem.dialects.ameba",
}
"""Every dialect and the module that holds it as ``DIALECT``."""

SHORT_NAMES: Final = {"sm": "sm-1.0", "slm": "slm-2.7", "ameba": "ameba-2.4"}
"""The newest of each family."""

DEFAULT: Final = "sm-1.0"


def find(name: str) -> Dialect:
    """Return the dialect called ``name``, or its short name.

    Raises:
        UnknownDialectError: there is none of that name.
    """
    module = MODULES.get(SHORT_NAMES.get(name, name))
    if module is None:
        raise UnknownDialectError(f"unknown dialect {name!r}; known are {', '.join([*MODULES, *SHORT_NAMES])}")
    dialect: Dialect = import_module(module).DIALECT
    return dialect


def family(name: str) -> str:
    """Return the family of devices that the dialect ``name`` belongs to, such as ``nrf``."""
    return MODULES[name].split(".")[2]
