"""The configuration file: who the modem is and what its network looks like.

TOML, every key optional; `load` reports what is wrong in one line. The defaults describe an nRF9160 with a test SIM.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True, slots=True)
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
        ncs_version: version of the nRF Connect SDK, AT#XSLMVER.
        libmodem_version: version of the modem library, AT#XSLMVER.
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
    ncs_version: str = "3.2.0"
    libmodem_version: str = "3.2.0-lte-bb1d5a22e4d2"
    customer_version: str = ""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Serial:
    """The serial line.

    Attributes:
        dtr: whether a DTR pin is configured; AT#XSLEEP needs one.
    """

    dtr: bool = True


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a configuration file may set, in the tables [identity], [cell] and [serial]."""

    identity: Identity = field(default_factory=Identity)
    cell: Cell = field(default_factory=Cell)
    serial: Serial = field(default_factory=Serial)


class ConfigError(Exception):
    """The configuration file cannot be used; the message is one line that says why."""


def _like(pattern: str) -> Callable[[Any], bool]:
    """Accept strings that match ``pattern`` as a whole."""
    return lambda value: re.fullmatch(pattern, value) is not None


_TEXT: Final = (_like(r'[^\r\n"\u0100-\U0010ffff]*'), "Latin-1 text without line breaks and quotes")
"""The check of every string that has no other: what it refuses would break the lines that the modem sends."""

_CHECKS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "identity.imei": (_like("[0-9]{15}"), "15 digits"),
    "identity.svn": (_like("[0-9]{2}"), "2 digits"),
    "identity.imsi": (_like("[0-9]{1,15}"), "1 to 15 digits"),
    "identity.iccid": (_like("[0-9]{19,20}"), "19 or 20 digits"),
    "cell.plmn": (_like("[0-9]{5,6}"), "5 or 6 digits"),
    "cell.tac": (_like("[0-9A-Fa-f]{4}"), "4 hexadecimal digits"),
    "cell.ci": (_like("[0-9A-Fa-f]{8}"), "8 hexadecimal digits"),
    "cell.act": (lambda value: value in (7, 9), "7 or 9"),
    "cell.rsrp": (lambda value: 0 <= value <= 97 or value == 255, "0 to 97, or 255"),
    "cell.rsrq": (lambda value: 0 <= value <= 34 or value == 255, "0 to 34, or 255"),
    "cell.registration_time": (lambda value: 0 <= value < inf, "0 or more seconds"),
}
"""Whether a value is accepted, and what is, in words; by table and key."""


def load(path: Path) -> Config:
    """Read the configuration file at ``path``.

    Raises:
        ConfigError: it cannot be read, is not TOML, names a key or a type that does not exist, or has a value that is
            out of range.
    """
    import tomllib

    import msgspec  # not at the top: nobody without a configuration file pays for it

    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        _check_keys(raw)
        config = msgspec.convert(raw, Config)
        _check_values(config)
        return config
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _check_keys(raw: dict[str, object]) -> None:
    """Refuse unknown keys, which dataclasses would silently drop."""
    tables: dict[str, Any] = {"identity": Identity, "cell": Cell, "serial": Serial}
    for name, table in raw.items():
        if name not in tables or not isinstance(table, dict):
            raise ConfigError(f"unknown table [{name}], known are {', '.join(tables)}")
        known = [option.name for option in fields(tables[name])]
        for key in table:
            if key not in known:
                raise ConfigError(f"unknown key {key} in [{name}], known are {', '.join(known)}")


def _check_values(config: Config) -> None:
    """Refuse values that no device has, or that would break the lines that the modem sends."""
    for table in fields(config):
        section = getattr(config, table.name)
        for option in fields(section):
            key, value = f"{table.name}.{option.name}", getattr(section, option.name)
            check = _CHECKS.get(key, _TEXT if isinstance(value, str) else None)
            if check is not None and not check[0](value):
                raise ConfigError(f"{key} is {value!r}, accepted: {check[1]}")
