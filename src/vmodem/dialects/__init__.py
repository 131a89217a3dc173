"""The dialects, by name. A dialect's modules are imported when it is asked for, not before.

Dialects from outside are entry points of the group ``vmodem.dialects``: their name is the dialect's, their value the
module that holds it as ``DIALECT``, or ``module:name``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from vmodem.core.dialect import Dialect
from vmodem.errors import UnknownDialectError, quoted, suggestion

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

MODULES: Final = {
    "sm-1.0": "vmodem.dialects.nrf.sm.sm_1_0",
    "slm-1.9": "vmodem.dialects.nrf.slm.slm_1_9",
    "slm-2.0": "vmodem.dialects.nrf.slm.slm_2_0",
    "slm-2.7": "vmodem.dialects.nrf.slm.slm_2_7",
    "ameba-2.4": "vmodem.dialects.ameba",
}
"""Every dialect of our own and the module that holds it as ``DIALECT``."""

SHORT_NAMES: Final = {"sm": "sm-1.0", "slm": "slm-2.7", "ameba": "ameba-2.4"}
"""The newest of each family."""

DEFAULT: Final = "sm-1.0"
GROUP: Final = "vmodem.dialects"


def find(name: str) -> Dialect:
    """Return the dialect called ``name``, or its short name.

    Raises:
        UnknownDialectError: there is none of that name, or one from outside cannot be imported.
    """
    module = MODULES.get(SHORT_NAMES.get(name, name))
    if module is not None:
        dialect: Dialect = import_module(module).DIALECT
        return dialect
    point = _outside().get(name)
    if point is None:
        raise UnknownDialectError(f"unknown dialect {quoted(name)}; {suggestion(name, [*names(), *SHORT_NAMES])}")
    return _loaded(point)


def names() -> list[str]:
    """Return the names of all dialects, our own first."""
    return [*MODULES, *_outside()]


def _outside() -> dict[str, EntryPoint]:
    """Return the dialects from outside, by name; one that has the name of one of ours is not seen."""
    from importlib.metadata import entry_points  # not at the top: who names one of ours does not wait for it

    return {point.name: point for point in sorted(entry_points(group=GROUP)) if point.name not in MODULES}


def _loaded(point: EntryPoint) -> Dialect:
    try:
        found = point.load()
    except Exception as error:
        raise UnknownDialectError(
            f"the dialect {point.name!r} cannot be imported from {point.value}: {error}"
        ) from error
    dialect = getattr(found, "DIALECT", found)
    if not isinstance(dialect, Dialect):
        raise UnknownDialectError(f"the dialect {point.name!r} is no Dialect: {point.value} is {type(found).__name__}")
    return dialect
