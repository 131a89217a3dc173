"""Wi-Fi: joining the configured network and leaving it, the addresses, the networks in the air."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from vmodem.config import AccessPoint
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.tasks import Delay
from vmodem.dialects.ameba.device import Ameba
from vmodem.dialects.ameba.station import Addresses, Target
from vmodem.dialects.ameba.syntax import Field, atoi
from vmodem.net.interface import Family, family_of

MISSING: Final = 1
"""A parameter that has to be there is missing."""

INVALID: Final = 2
"""A parameter has a value that it cannot have."""

SURPLUS: Final = 3
"""There are too many parameters."""

CONNECT_FAILED: Final = 17
SCAN_FAILED: Final = 20

MAX_SSID: Final = 32
MAX_CONNECT_FIELDS: Final = 10
CHANNELS: Final = range(1, 197)

_ETHERNET: Final = re.compile("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_CHANNELS: Final = re.compile("[0-9]+(:[0-9]+)*")
_RULE: Final = "=============================="


commands = CommandTable("Wi-Fi AT Command")


@commands.set("+WLSTATICIP", "Choose a static address")
def wlstaticip(device: Ameba, *fields: Field) -> None:
    """Choose the addresses of the next connection: IP address alone, or IP address, gateway and netmask.

    Args:
        device: the device.
        fields: IP address alone, or IP address, gateway and netmask.

    Errors:
        1: there is no address.
        2: they are not 1 or 3, or one of them is none.
    """
    if not fields:
        raise CommandError("no address", code=MISSING)
    if len(fields) not in (1, 3):
        raise CommandError(f"{len(fields)} addresses instead of 1 or 3", code=INVALID)
    for field in fields:
        if family_of(field) is not Family.IPV4:
            raise CommandError(f"{field} is no IPv4 address", code=INVALID)
    device.wifi.static = Addresses(*fields)


@commands.set("+WLCONN", "Join a network", secret=True)
async def wlconn(device: Ameba, *fields: Field) -> list[str]:
    """Join a network: pairs of ssid, bssid, pw, key_id or ch and its value, in any order.

    A station that is in a network leaves it first, whatever becomes of the new one.

    Args:
        device: the device.
        fields: pairs of ssid, bssid, pw, key_id or ch and its value, in any order.

    Answers:
        [$]wifi disconnected - where the station was in a network.
        [$]wifi connected
        [$]wifi got ip:"<ip>" - where DHCP gives one.
        [$]wifi got ip timeout - where it does not.
        [$]wifi connect failed - before the error.

    Errors:
        1: neither ssid nor bssid.
        2: a name or a value that there is not.
        3: too many parameters.
        17: there is no such network, or its password is another one.
    """
    target = _target(fields)
    modem, wifi = device.modem, device.wifi
    for line in wifi.leave():
        device.channel.write(line)
    if modem.config.wifi.connect_time > 0:
        await Delay(modem.now + modem.config.wifi.connect_time)
    if not wifi.finds(target):
        reason = "there is no such network, or its password is another one"
        raise CommandError(reason, code=CONNECT_FAILED, lines=["[$]wifi connect failed"])
    return wifi.join()


@commands.set("+WLDISCONN", "Leave the network")
def wldisconn(device: Ameba) -> list[str]:
    """Leave the network, if the station is in one; a static address is forgotten.

    Answers:
        [$]wifi disconnected - where the station was in a network.
    """
    device.wifi.static = None
    return device.wifi.leave()


@commands.set("+WLSCAN", "List the networks in the air")
def wlscan(device: Ameba, *fields: Field) -> list[str]:
    """List the networks in the air: all of them, or those with a certain ssid, on certain channels (ch).

    Args:
        device: the device.
        fields: ssid and a name, ch and channels with colons between them; all networks without them.

    Answers:
        <number>, <bssid>, <rssi>, <ch>, <mode>, "<security>", "<ssid>" - for each of them.

    Errors:
        2: a name or a value that there is not.
        20: a channel that there is not.
    """
    given = _pairs(fields, {"ssid": _ssid, "ch": _channels})
    config = device.modem.config
    found = [
        point
        for point in (config.wifi, *config.network)
        if given.get("ssid", point.ssid) == point.ssid and point.channel in given.get("ch", (point.channel,))
    ]
    return [_row(number, point) for number, point in enumerate(found, start=1)]


@commands.set("+WLSTATE", "Show the network and the addresses", secret=True)
def wlstate(device: Ameba) -> list[str]:
    """Show the network that the station is in, and the addresses of its interface.

    Answers:
        <name> => <value> - for each of them, in two sections.
    """
    wifi, config = device.wifi, device.modem.config.wifi
    if wifi.connected:
        network = (config.ssid, config.bssid.lower(), config.channel, config.security.upper(), config.password)
    else:
        network = ("", "00:00:00:00:00:00", 1, "OPEN", "")
    ssid, bssid, channel, security, password = network
    return [
        "WLAN0 Status: Running",
        _RULE,
        "WLAN0 Setting:",
        _RULE,
        "      MODE => STATION",
        f"      SSID => {ssid}",
        f"     BSSID => {bssid}",
        f"   CHANNEL => {channel}",
        f"  SECURITY => {security}",
        f"  PASSWORD => {password}",
        "",
        "Interface (0)",
        _RULE,
        f"MAC => {config.mac.lower()}",
        f"IP  => {wifi.addresses.ip}",
        f"GW  => {wifi.addresses.gateway}",
        f"MSK  => {wifi.addresses.netmask}",
        "",
    ]


def _target(fields: Sequence[str]) -> Target:
    if not fields:
        raise CommandError("no network", code=MISSING)
    if len(fields) > MAX_CONNECT_FIELDS:
        raise CommandError(f"{len(fields)} parameters, at most {MAX_CONNECT_FIELDS} are accepted", code=SURPLUS)
    readers = {"ssid": _ssid, "bssid": _bssid, "pw": _password, "key_id": _key_id, "ch": _channel}
    given = _pairs(fields, readers)
    if "ssid" not in given and "bssid" not in given:
        raise CommandError("neither ssid nor bssid", code=MISSING)
    return Target(
        given.get("ssid", ""), given.get("bssid", ""), given.get("pw", ""), given.get("ch", 0), "key_id" in given
    )


def _pairs(fields: Sequence[str], readers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """Return the values by name; a value that is missing at the end is an empty one."""
    given = {}
    values = [*fields[1::2], ""]
    for name, value in zip(fields[::2], values, strict=False):
        if name not in readers:
            raise CommandError(f"a name that is none of {', '.join(readers)}", code=INVALID)
        given[name] = readers[name](value)
    return given


def _ssid(value: str) -> str:
    if 1 <= len(value) <= MAX_SSID:
        return value
    raise CommandError("no ssid", code=INVALID)


def _bssid(value: str) -> str:
    if _ETHERNET.fullmatch(value):
        return value
    raise CommandError("no bssid", code=INVALID)


def _password(value: str) -> str:
    if value:
        return value
    raise CommandError("an empty password", code=INVALID)


def _key_id(value: str) -> str:
    if value in ("0", "1", "2", "3"):
        return value
    raise CommandError("no key_id", code=INVALID)


def _channel(value: str) -> int:
    return atoi(value) & 0xFF


def _channels(value: str) -> list[int]:
    if not _CHANNELS.fullmatch(value):
        raise CommandError(f"ch: {value} is no list of channels", code=INVALID)
    channels = [int(channel) for channel in value.split(":")]
    if not all(channel in CHANNELS for channel in channels):
        raise CommandError(f"ch: {value} has a channel that does not exist", code=SCAN_FAILED)
    return channels


def _row(number: int, point: AccessPoint) -> str:
    return (
        f"{number:2}, {point.bssid.lower()}, {point.rssi}, {point.channel}, {point.mode}, "
        f'"{point.security}", "{point.ssid}" '
    )
