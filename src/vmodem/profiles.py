"""The modems that a configuration file describes: its ``[[modem]]`` tables.

Each table is a modem of its own: its name, its dialect, its endpoints, its options in the words of the command line,
and tables such as ``[modem.identity]``, whose keys win over those of the file's own ``[identity]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from vmodem.config import TABLES, Config, ModemCore, configured, in_words, refused, table_of, unknown
from vmodem.credentials.store import Store
from vmodem.endpoints import KINDS, spec_of
from vmodem.endpoints.endpoint import Setting, Spec
from vmodem.errors import ConfigError, Key, ProfileError, StoreError, UnknownDialectError, VmodemError
from vmodem.hub import Site
from vmodem.profile import Profile
from vmodem.toml import read

MODEM: Final = "modem"
"""The key of the array of modems; a table of the same name holds settings of the modem core."""

_OPTIONS: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "name": (str, "text"),
    "dialect": (str, "the name of a dialect"),
    "endpoint": ((str, list), 'text such as "tcp 5000", or a list of such'),
    "follow": (str, '"manual" or "firmware"'),
    "start": (str, '"attached", "offline" or "device"'),
    "offline": (bool, "true or false"),
    "boot": (str, '"with-host" or "at-start"'),
    "address": ((str, list), "an address, or a list of an IPv4 and an IPv6 address"),
    "terminator": (str, '"cr", "lf" or "crlf"'),
    "credentials": (str, "the path of a directory"),
}
"""The keys of a modem besides tables and settings, their types, and the types in words."""

_AS_IT_IS: Final = ("name", "dialect", "follow", "offline", "start", "boot", "terminator")
"""Those that mean the same to a profile."""

_CORE: Final = tuple(option.name for option in fields(ModemCore))
"""The keys of the table ``[modem]``, which stand in each ``[[modem]]`` itself."""


def load_profiles(
    path: Path | str, base: Profile | None = None, settings: Mapping[str, Any] | None = None
) -> tuple[Config, list[Site]]:
    """Read a configuration file with its modems.

    Args:
        path: the file.
        base: what a modem is where the file does not say, None for the defaults.
        settings: what is chosen for the endpoints of a kind where the file does not say.

    Returns:
        What the file says of every modem, and the endpoints of the modems that it describes, none where it has no
        ``[[modem]]``.

    Raises:
        ConfigError: it cannot be used.
    """
    document = read(path)
    with document.telling():
        shared = dict(document.tables)
        tables = shared.pop(MODEM) if isinstance(shared.get(MODEM), list) else []
        config = configured(shared, elsewhere=dict.fromkeys(_options(), f"a [[{MODEM}]]"))
        base = replace(base or Profile(), config=config)
        served = [one for index, table in enumerate(tables) for one in _modem(index, table, shared, base, settings)]
        return config, served


def _modem(
    index: int, table: Any, shared: Mapping[str, Any], base: Profile, settings: Mapping[str, Any] | None
) -> list[Site]:
    """Return the endpoints of one modem."""
    place: Key = (MODEM, index)
    if not isinstance(table, dict):
        raise refused(place, table, f"a table, written [[{MODEM}]]")
    _check(place, table)
    own: dict[str, Any] = {name: table[name] for name in TABLES if name in table}
    core = {name: table[name] for name in _CORE if name in table}
    merged = {name: _merged(shared.get(name), own.get(name)) for name in {**shared, **own}}
    config = configured(merged, place, dict.fromkeys((*_options(), *_CORE), f"the [[{MODEM}]] itself"))
    config = replace(config, modem=table_of(MODEM, core, place))
    options = {name: table[name] for name in _AS_IT_IS if name in table}
    if "offline" in table:
        options.setdefault("start", None)  # what the command line says of it is said anew
    if "address" in table:
        options["addresses"] = tuple([table["address"]] if isinstance(table["address"], str) else table["address"])
    if "credentials" in table:
        options["credentials"] = table["credentials"]
    elif type(base.credentials) is Store:
        options["credentials"] = Store()  # what one modem has in memory is no other's
    try:
        profile = replace(base, config=config, **options)
    except (ProfileError, UnknownDialectError, StoreError) as error:
        raise ConfigError(f"{in_words(place)}: {error}", (*place, _culprit(base, options))) from error
    chosen = {**(settings or {}), **{setting: table[setting] for setting in _settings() if setting in table}}
    return [Site(profile, spec) for spec in _endpoints((*place, "endpoint"), table.get("endpoint"), chosen)]


def _culprit(base: Profile, options: Mapping[str, Any]) -> str:
    """Return the key of the option that no profile can have."""
    for name, value in options.items():
        try:
            replace(base, **{name: value})
        except VmodemError:
            return "address" if name == "addresses" else name
    return ""


@cache
def _settings() -> dict[str, Setting]:
    """Return what can be chosen for the endpoints of a kind, by name."""
    return {setting.name: setting for kind in KINDS for setting in spec_of(kind).settings}


@cache
def _options() -> dict[str, tuple[type | tuple[type, ...], str]]:
    """Return the keys of a modem besides tables, their types, and the types in words."""
    options = dict(_OPTIONS)
    for name, setting in _settings().items():
        words = " or ".join(f'"{choice}"' for choice in setting.choices) or "true or false"
        options[name] = (str if setting.choices else bool, words)
    return options


def _check(place: Key, table: Mapping[str, Any]) -> None:
    """Refuse unknown keys and values of the wrong type; the tables are checked with the shared ones."""
    options, settings = _options(), _settings()
    for name, value in table.items():
        key = (*place, name)
        if name in options:
            types, words = options[name]
            choices = settings[name].choices if name in settings else ()
            if not isinstance(value, types) or (choices and value not in choices):
                raise refused(key, value, words)
        elif (name not in TABLES and name not in _CORE) or name == MODEM:
            raise unknown(key, [*options, *_CORE, *(name for name in TABLES if name != MODEM)])


def _merged(shared: Any, own: Any) -> Any:
    """Return a table with its own keys over the shared ones; an array of tables replaces the shared one."""
    if isinstance(shared, dict) and isinstance(own, dict):
        return {**shared, **own}
    return shared if own is None else own


def _endpoints(place: Key, value: str | list[Any] | None, settings: Mapping[str, Any]) -> list[Spec]:
    """Return the endpoints that ``KIND VALUE``, or a list of such, names; the first kind where there is none."""
    if value == []:
        raise refused(place, value, _OPTIONS["endpoint"][1])
    if isinstance(value, list):
        return [_endpoint((*place, index), word, settings) for index, word in enumerate(value)]
    return [_endpoint(place, next(iter(KINDS)) if value is None else value, settings)]


def _endpoint(place: Key, text: Any, settings: Mapping[str, Any]) -> Spec:
    kind, _, value = text.partition(" ") if isinstance(text, str) else ("", "", "")
    if kind not in KINDS:
        raise refused(place, text, f"one of {', '.join(KINDS)}, and its address behind it")
    spec = spec_of(kind)
    if bool(value) != bool(spec.metavar) and not (spec.optional and not value):
        raise refused(place, text, " ".join(filter(None, (kind, spec.metavar))))
    try:
        return spec.parse(value or None).chosen(settings)
    except ValueError as error:
        raise ConfigError(f"{in_words(place)}: {error}", place) from error
