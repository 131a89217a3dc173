"""The configuration file: who the modem is and what its network looks like.

TOML, every key optional; `load_config` reports what is wrong in one line, with its place and what would be right.
The defaults describe an nRF9160 with a test SIM, and an Ameba in reach of a test network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import AddressValueError, IPv4Address
from math import inf
from pathlib import Path
from typing import Any, Final, TypeAlias

from vmodem.errors import ConfigError, Key, quoted, suggestion


@dataclass(frozen=True)
class Identity:
    """Who the device is.

    Attributes:
        manufacturer: answer of AT+CGMI.
        model: answer of AT+CGMM.
        revision: answer of AT+CGMR, the modem firmware.
        imei: 15 digits, AT+CGSN.
        svn: software version number, 2 digits, AT+CGSN=2 and AT+CGSN=3.
        imsi: up to 15 digits, AT+CIMI.
        iccid: 19 or 20 digits, AT%XICCID.
        msisdn: the subscriber's number, AT+CNUM; empty for none.
        uuid: device UUID, AT#XUUID.
        pin: PIN of the SIM, empty where it asks for none.
        version: version of the application, AT#XSMVER.
        ncs_version: version of the nRF Connect SDK, AT#XSLMVER; empty for the one of the dialect's firmware.
        libmodem_version: version of the modem library, AT#XSLMVER; empty as above.
        customer_version: version that a customer added, empty for none.
    """

    manufacturer: str = "Nordic Semiconductor ASA"
    model: str = "nRF9160-SICA"
    revision: str = "mfw_nrf9160_1.3.7"
    imei: str = "352656100367872"
    svn: str = "01"
    imsi: str = "001010123456789"
    iccid: str = "89450421180216216095"
    msisdn: str = "+15555550100"
    uuid: str = "50503041-3633-4261-803d-1e2b8f70111a"
    pin: str = ""
    version: str = "1.0.0"
    ncs_version: str = ""
    libmodem_version: str = ""
    customer_version: str = ""


@dataclass(frozen=True)
class Cell:
    """The cellular network that the device finds.

    Attributes:
        plmn: MCC and MNC of the operator, 5 or 6 digits.
        operator: long name of the operator.
        tac: tracking area code, 4 hexadecimal digits.
        ci: cell identity, 8 hexadecimal digits.
        act: access technology: 7 LTE-M, 9 NB-IoT.
        apn: access point name of the default PDN connection.
        roaming: whether the device is registered as roaming.
        rsrp: index of AT+CESQ, 0 to 97, 255 unknown.
        rsrq: index of AT+CESQ, 0 to 34, 255 unknown.
        registration_time: seconds from AT+CFUN=1 to the registration.
    """

    plmn: str = "00101"
    operator: str = "Test Network"
    tac: str = "002F"
    ci: str = "0012BEEF"
    act: int = 7
    apn: str = "internet"
    roaming: bool = False
    rsrp: int = 56
    rsrq: int = 22
    registration_time: float = 0.0


@dataclass(frozen=True)
class SerialLine:
    """The serial line.

    Attributes:
        dtr: whether a DTR pin is configured; AT#XSLEEP needs one.
    """

    dtr: bool = True


@dataclass(frozen=True)
class ModemCore:
    """The modem core of an nRF91.

    Attributes:
        cmng_while_active: whether AT%CMNG and AT%KEYGEN may change credentials while the modem is active, which no
            device allows.
    """

    cmng_while_active: bool = False


@dataclass(frozen=True)
class AccessPoint:
    """A Wi-Fi network in the air.

    Attributes:
        ssid: its name.
        bssid: address of the access point.
        channel: its channel.
        rssi: strength of its signal in dBm.
        security: how it is protected, one of `SECURITIES`.
        mode: the newest kind of 802.11 that it speaks, one of `MODES`.
    """

    ssid: str = "Neighbour"
    bssid: str = "02:00:00:00:00:02"
    channel: int = 11
    rssi: int = -70
    security: str = "WPA2 AES"
    mode: str = "N"


@dataclass(frozen=True)
class Wifi(AccessPoint):
    """The Wi-Fi network that the device can join.

    Attributes:
        password: what AT+WLCONN has to give; nothing is asked for where the security is Open.
        mac: the device's own address.
        gateway: the address of the router, as AT+WLSTATE shows it.
        netmask: the network mask, as AT+WLSTATE shows it.
        connect_time: seconds that AT+WLCONN takes.
    """

    ssid: str = "vmodem"
    bssid: str = "02:00:00:00:00:01"
    channel: int = 6
    rssi: int = -50
    password: str = "12345678"
    mac: str = "02:00:00:00:00:10"
    gateway: str = "192.168.1.1"
    netmask: str = "255.255.255.0"
    connect_time: float = 0.0


@dataclass(frozen=True)
class Firmware:
    """What AT+GMR prints.

    Attributes:
        sdk: version of the SDK.
        atcmd: version of the AT commands.
        image: version of the image.
        chip: name of the chip and what its OTP memory tells about it.
        compile_time: when the image was built.
        compile_user: who built it.
        compile_env: what it was built with.
    """

    sdk: str = "1.1.0"
    atcmd: str = "2.4.2"
    image: str = "1.1"
    chip: str = "amebadplus: 00000000000000000000000000000000"
    compile_time: str = "2025/07/01-12:00:00"
    compile_user: str = "user@localhost"
    compile_env: str = "gcc version 10.3.1"


@dataclass(frozen=True)
class Config:
    """Everything that a configuration file may set; every attribute is a table, `network` an array of tables."""

    identity: Identity = field(default_factory=Identity)
    cell: Cell = field(default_factory=Cell)
    serial: SerialLine = field(default_factory=SerialLine)
    modem: ModemCore = field(default_factory=ModemCore)
    wifi: Wifi = field(default_factory=Wifi)
    network: tuple[AccessPoint, ...] = ()
    firmware: Firmware = field(default_factory=Firmware)


TABLES: Final[dict[str, Any]] = {
    "identity": Identity,
    "cell": Cell,
    "serial": SerialLine,
    "modem": ModemCore,
    "wifi": Wifi,
    "network": AccessPoint,
    "firmware": Firmware,
}
"""The class behind each table."""

LIST: Final = "network"
"""The one that is an array of tables."""

SECURITIES: Final = (
    "Open",
    "WEP",
    "WPA TKIP",
    "WPA AES",
    "WPA Mixed",
    "WPA2 TKIP",
    "WPA2 AES",
    "WPA2 Mixed",
    "WPA/WPA2 TKIP",
    "WPA/WPA2 AES",
    "WPA/WPA2 Mixed",
    "WPA2/WPA3-SAE AES",
    "WPA3-SAE AES",
)
"""How a Wi-Fi network can be protected, in the words of AT+WLSCAN."""

MODES: Final = ("B", "G", "A", "N", "AC", "AX")
"""The kinds of 802.11, the oldest first."""


def _like(pattern: str) -> Callable[[Any], bool]:
    """Accept strings that match ``pattern`` as a whole."""
    return lambda value: re.fullmatch(pattern, value) is not None


def _is_ipv4(value: Any) -> bool:
    try:
        IPv4Address(value)
    except AddressValueError:
        return False
    return True


_Check: TypeAlias = tuple[Callable[[Any], bool], str]
"""Whether a value is accepted, and what is, in words."""

_TEXT: Final[_Check] = (
    _like(r'[^\x00-\x1f"\x7f-\x9f\u0100-\U0010ffff]*'),
    "Latin-1 text without quotes, line breaks and other control characters",
)
"""The check of every string that has no other: what it refuses would break the lines that the modem sends."""

_TYPES: Final = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}
"""The types that values have, in words."""

_SECONDS: Final[_Check] = (lambda value: 0 <= value < inf, "0 or more seconds")
_ETHERNET: Final[_Check] = (_like("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}"), "six bytes, as in 1a:2b:3c:4d:5e:6f")
_IPV4: Final[_Check] = (_is_ipv4, "an IPv4 address")
_WORD: Final = r'[^\x00-\x1f\x7f",\u00ff-\U0010ffff]'
"""A character that a host can send within a field of AT+WLCONN."""

_ACCESS_POINT: Final[dict[str, _Check]] = {
    "ssid": (_like(_WORD + "{1,32}"), "1 to 32 Latin-1 characters, no comma and no quote"),
    "bssid": _ETHERNET,
    "channel": (lambda value: 1 <= value <= 14 or 36 <= value <= 177, "1 to 14, or 36 to 177"),
    "rssi": (lambda value: -100 <= value <= 0, "-100 to 0"),
    "security": (lambda value: value in SECURITIES, ", ".join(SECURITIES)),
    "mode": (lambda value: value in MODES, ", ".join(MODES)),
}

_CHECKS: Final[dict[str, _Check]] = {
    "identity.imei": (_like("[0-9]{15}"), "15 digits"),
    "identity.svn": (_like("[0-9]{2}"), "2 digits"),
    "identity.imsi": (_like("[0-9]{1,15}"), "1 to 15 digits"),
    "identity.iccid": (_like("[0-9]{19,20}"), "19 or 20 digits"),
    "identity.msisdn": (_like(r"(\+?[0-9]{1,20})?"), "empty, or up to 20 digits with or without a + before them"),
    "identity.uuid": (
        _like("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
        "a UUID, as in 50503041-3633-4261-803d-1e2b8f70111a",
    ),
    "identity.pin": (_like("([0-9]{4,8})?"), "empty, or 4 to 8 digits"),
    "cell.plmn": (_like("[0-9]{5,6}"), "5 or 6 digits"),
    "cell.tac": (_like("[0-9A-Fa-f]{4}"), "4 hexadecimal digits"),
    "cell.ci": (_like("[0-9A-Fa-f]{8}"), "8 hexadecimal digits"),
    "cell.act": (lambda value: value in (7, 9), "7 or 9"),
    "cell.rsrp": (lambda value: 0 <= value <= 97 or value == 255, "0 to 97, or 255"),
    "cell.rsrq": (lambda value: 0 <= value <= 34 or value == 255, "0 to 34, or 255"),
    "cell.registration_time": _SECONDS,
    **{f"{table}.{key}": check for table in ("wifi", "network") for key, check in _ACCESS_POINT.items()},
    "wifi.password": (
        _like(f"({_WORD}{{5,64}})?"),
        "empty, or 5 to 64 Latin-1 characters, no comma and no quote",
    ),
    "wifi.mac": _ETHERNET,
    "wifi.gateway": _IPV4,
    "wifi.netmask": _IPV4,
    "wifi.connect_time": _SECONDS,
}
"""The check of every value that needs one, by table and key."""


def load_config(path: Path | str) -> Config:
    """Read the configuration file at ``path``, one that describes no modems of its own (``[[modem]]``).

    Raises:
        ConfigError: it cannot be read, is not TOML, names a key or a type that does not exist, or has a value that is
            out of range.
    """
    from vmodem.toml import read  # not at the top: nobody without a file pays for it

    document = read(path)
    with document.telling():
        return configured(document.tables)


def configured(raw: Mapping[str, Any], place: Key = (), elsewhere: Mapping[str, str] | None = None) -> Config:
    """Return the configuration that tables of TOML describe.

    Args:
        raw: the tables by name.
        place: where they stand.
        elsewhere: where other keys belong, by key, for who looks for them here.

    Raises:
        ConfigError: they name a key or a type that does not exist, or have a value that is out of range.
    """
    tables: dict[str, Any] = {}
    for name, value in raw.items():
        key = (*place, name)
        if name not in TABLES:
            raise unknown(key, TABLES, elsewhere)
        written = in_brackets(key)
        if name == LIST:
            if not isinstance(value, list):
                raise refused(key, value, f"an array of tables, each written {written}")
            tables[name] = tuple(table_of(name, one, (*key, index), elsewhere) for index, one in enumerate(value))
        else:
            tables[name] = table_of(name, value, key, elsewhere)
    return Config(**tables)


def table_of(name: str, value: Any, key: Key, elsewhere: Mapping[str, str] | None = None) -> Any:
    """Return the table ``name`` that ``value``, which stands at ``key``, describes; see `configured`."""
    if not isinstance(value, dict):
        raise refused(key, value, f"a table, written {in_brackets(key)}")
    options = {option.name: option for option in fields(TABLES[name])}
    for option in value:
        if option not in options:
            raise unknown((*key, option), options, elsewhere)
    return TABLES[name](
        **{option: _accepted(name, options[option], given, (*key, option)) for option, given in value.items()}
    )


def check(config: Config) -> None:
    """Refuse values that no device has, or that would break the lines that the modem sends.

    Raises:
        ConfigError: there is one.
    """
    for name, kind in TABLES.items():
        value = getattr(config, name)
        for index, table in enumerate(value if name == LIST else (value,)):
            key: Key = (name, index) if name == LIST else (name,)
            if not isinstance(table, kind):
                raise refused(key, table, f"a {kind.__name__}")
            for option in fields(kind):
                _accepted(name, option, getattr(table, option.name), (*key, option.name))


def unknown(key: Key, known: Iterable[str], elsewhere: Mapping[str, str] | None = None) -> ConfigError:
    """Return what is wrong with a key that its table does not have.

    Args:
        key: the key.
        known: those that the table has.
        elsewhere: where other keys belong, besides those of `TABLES`.
    """
    name = str(key[-1])
    modem = key[:1] if len(key) > 1 and isinstance(key[1], int) and key[0] != LIST else ()
    homes = [table for table, kind in TABLES.items() if any(option.name == name for option in fields(kind))]
    if elsewhere is not None and name in elsewhere:
        remedy = f"it belongs in {elsewhere[name]}"
    elif homes:
        remedy = f"it belongs in {' or '.join(in_brackets((*modem, table)) for table in homes)}"
    else:
        remedy = suggestion(name, known)
    return ConfigError(f"{in_words(key)} is unknown; {remedy}", key)


def refused(key: Key, value: Any, accepted: str) -> ConfigError:
    """Return what is wrong with a value that its key cannot have."""
    return ConfigError(f"{in_words(key)} is {_toml(value)}, accepted: {accepted}", key)


def in_words(key: Key) -> str:
    """Return a key as messages show it, as in ``modem[0].identity.imei``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{quoted(part)[1:-1]}" for part in key)[1:]


def in_brackets(key: Key) -> str:
    """Return how the table ``key`` is written, as in ``[modem.identity]``."""
    names = [part for part in key if isinstance(part, str)]
    written = ".".join(names)
    return f"[[{written}]]" if names[-1] == LIST else f"[{written}]"


def _accepted(table: str, option: Field[Any], value: Any, key: Key) -> Any:
    """Return a value with the type that its option has; refuse one that the option cannot have."""
    kind = type(option.default)
    if kind is float and type(value) is int:
        value = float(value) if abs(value) < 2**53 else inf
    fits, words = _CHECKS.get(f"{table}.{option.name}", _TEXT if kind is str else (lambda value: True, ""))
    if type(value) is not kind:
        raise refused(key, value, ": ".join(filter(None, (_TYPES[kind], words))))
    if not fits(value):
        raise refused(key, value, words)
    return value


def _toml(value: Any) -> str:
    """Return a value as a message shows it: nearly as it is written in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "an array of tables" if value and isinstance(value[0], dict) else "an array"
    return "a table" if isinstance(value, dict) else quoted(value)
