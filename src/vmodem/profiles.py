"""The modems that a configuration file describes: its ``[[modem]]`` tables.

Each table is a modem of its own: its name, its dialect, its endpoints, its options in the words of the command line,
and tables such as ``[modem.identity]``, whose keys win over those of the file's own ``[identity]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from vmodem.config import TABLES, Config, ModemCore, configured, read, telling
from vmodem.credentials.store import Store
from vmodem.endpoints import KINDS, spec_of
from vmodem.endpoints.endpoint import Setting, Spec
from vmodem.errors import ConfigError, ProfileError, StoreError, UnknownDialectError
from vmodem.hub import Site
from vmodem.profile import Profile

MODEM: Final = "modem"
"""The key of the array of modems; a table of the same name holds settings of the modem core."""

_OPTIONS: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "name": (str, "text"),
    "dialect": (str, "the name of a dialect"),
    "endpoint": ((str, list), 'text such as "tcp 5000", or a list of such'),
    "follow": (str, '"manual" or "firmware"'),
    "offline": (bool, "true or false"),
    "address": ((str, list), "an address, or a list of an IPv4 and an IPv6 address"),
    "terminator": (str, '"cr", "lf" or "crlf"'),
    "credentials": (str, "the path of a directory"),
}
"""The keys of a modem besides tables and settings, their types, and the types in words."""

_CORE: Final = tuple(option.name for option in fields(ModemCore))
"""The keys of the table ``[modem]``, which stand in each ``[[modem]]`` itself."""


def load_profiles(path: Path | str, base: Profile | None = None) -> tuple[Config, list[Site]]:
    """Read a configuration file with its modems.

    Args:
        path: the file.
        base: what a modem is where the file does not say, None for the defaults.

    Returns:
        What the file says of every modem, and the endpoints of the modems that it describes, none where it has no
        ``[[modem]]``.

    Raises:
        ConfigError: it cannot be used.
    """
    with telling(path):
        raw = read(path)
        tables = raw.pop(MODEM) if isinstance(raw.get(MODEM), list) else []
        config = configured(raw)
        base = replace(base or Profile(), config=config)
        served = [one for index, table in enumerate(tables) for one in _modem(index, table, raw, base)]
        return config, served


def _modem(index: int, table: Any, shared: Mapping[str, Any], base: Profile) -> list[Site]:
    """Return the endpoints of one modem."""
    place = f"{MODEM}[{index}]"
    if not isinstance(table, dict):
        raise ConfigError(f"{place} is {table!r}, accepted: a table")
    settings = {setting.name: setting for kind in KINDS for setting in spec_of(kind).settings}
    _check(place, table, settings)
    own: dict[str, Any] = {name: table[name] for name in TABLES if name in table}
    core = {name: table[name] for name in _CORE if name in table}
    if core:
        own[MODEM] = core
    merged = {name: _merged(shared.get(name), own.get(name)) for name in {**shared, **own}}
    config = configured(merged, f"{place}.")
    options = {name: table[name] for name in ("name", "dialect", "follow", "offline", "terminator") if name in table}
    if "address" in table:
        options["addresses"] = tuple([table["address"]] if isinstance(table["address"], str) else table["address"])
    if "credentials" in table:
        options["credentials"] = table["credentials"]
    elif type(base.credentials) is Store:
        options["credentials"] = Store()  # what one modem has in memory is no other's
    try:
        profile = replace(base, config=config, **options)
    except (ProfileError, UnknownDialectError, StoreError) as error:
        raise ConfigError(f"{place}: {error}") from error
    chosen = {name: table[name] for name in settings if name in table}
    return [Site(profile, spec) for spec in _endpoints(place, table.get("endpoint"), chosen)]


def _check(place: str, table: Mapping[str, Any], settings: Mapping[str, Setting]) -> None:
    """Refuse unknown keys and values of the wrong type; the tables are checked with the shared ones."""
    accepted = dict(_OPTIONS)
    for setting in settings.values():
        words = " or ".join(f'"{choice}"' for choice in setting.choices) or "true or false"
        accepted[setting.name] = (str if setting.choices else bool, words)
    for key, value in table.items():
        if key in accepted:
            types, words = accepted[key]
            choices = settings[key].choices if key in settings else ()
            if not isinstance(value, types) or (choices and value not in choices):
                raise ConfigError(f"{place}.{key} is {value!r}, accepted: {words}")
        elif (key not in TABLES and key not in _CORE) or key == MODEM:
            known = ", ".join([*accepted, *_CORE, *(name for name in TABLES if name != MODEM)])
            raise ConfigError(f"unknown key {key} in [[{MODEM}]] {place}, known are {known}")


def _merged(shared: Any, own: Any) -> Any:
    """Return a table with its own keys over the shared ones; an array of tables replaces the shared one."""
    if isinstance(shared, dict) and isinstance(own, dict):
        return {**shared, **own}
    return shared if own is None else own


def _endpoints(place: str, value: str | list[Any] | None, settings: Mapping[str, Any]) -> list[Spec]:
    """Return the endpoints that ``KIND VALUE``, or a list of such, names; the first kind where there is none."""
    if value == []:
        raise ConfigError(f"{place}.endpoint is [], accepted: {_OPTIONS['endpoint'][1]}")
    words = [next(iter(KINDS))] if value is None else [value] if isinstance(value, str) else value
    return [_endpoint(f"{place}.endpoint", word, settings) for word in words]


def _endpoint(place: str, text: Any, settings: Mapping[str, Any]) -> Spec:
    kind, _, value = text.partition(" ") if isinstance(text, str) else ("", "", "")
    if kind not in KINDS:
        raise ConfigError(f"{place} is {text!r}, accepted: one of {', '.join(KINDS)}, and its address behind it")
    spec = spec_of(kind)
    if bool(value) != bool(spec.metavar) and not (spec.optional and not value):
        raise ConfigError(f"{place} is {text!r}, accepted: {' '.join(filter(None, (kind, spec.metavar)))}")
    try:
        return spec.parse(value or None).chosen(settings)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from error
