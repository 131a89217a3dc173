"""The Wi-Fi station: whether it is in a network, and its addresses.

Link and station are one: the link of the modem's network is up while the station is connected. This module must not
know about commands.
"""

from __future__ import annotations

from typing import NamedTuple

from vmodem.core.modem import Modem
from vmodem.net.interface import Family


class Addresses(NamedTuple):
    """The addresses of an interface."""

    ip: str = "0.0.0.0"
    gateway: str = "0.0.0.0"
    netmask: str = "255.255.255.0"


class Target(NamedTuple):
    """What AT+WLCONN asks for; empty or 0 where it does not say."""

    ssid: str
    bssid: str
    password: str
    channel: int
    wep: bool


class Station:
    """The station between power-on and reset.

    Attributes:
        addresses: the addresses of its interface.
        static: the addresses that AT+WLSTATICIP chose for the next connection, None for DHCP.
    """

    __slots__ = ("_modem", "addresses", "static")

    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self.static: Addresses | None = None
        self.addresses = self._lease() if self.connected else Addresses()

    @property
    def connected(self) -> bool:
        """Whether the station is in a network."""
        return self._modem.network.up

    @property
    def address(self) -> str:
        """The station's IPv4 address, 0.0.0.0 while it has none."""
        return self.addresses.ip

    def finds(self, target: Target) -> bool:
        """Return whether ``target`` is the configured network, with what it takes to join."""
        point = self._modem.config.wifi
        return (
            target.ssid in ("", point.ssid)
            and target.bssid.lower() in ("", point.bssid.lower())
            and target.channel in (0, point.channel)
            and (point.security == "Open" or target.password == point.password)
            and (point.security == "WEP" or not target.wep)
        )

    def join(self) -> list[str]:
        """Join the network; return what the device says about it."""
        self._modem.network.set_link(up=True)
        connected = "[$]wifi connected"
        if self.static is not None:
            self.addresses = self.static
            return [connected]
        self.addresses = self._lease()
        if self.addresses == Addresses():
            return [connected, "[$]wifi got ip timeout"]
        return [connected, f'[$]wifi got ip:"{self.address}"']

    def leave(self) -> list[str]:
        """Leave the network, if the station is in one; return what the device says about it."""
        self.addresses = Addresses()
        if not self.connected:
            return []
        self._modem.network.set_link(up=False)
        return ["[$]wifi disconnected"]

    def _lease(self) -> Addresses:
        """Return what DHCP gives: the address that the modem's network has, if any."""
        address = self._modem.network.address(Family.IPV4)
        wifi = self._modem.config.wifi
        return Addresses() if address is None else Addresses(address, wifi.gateway, wifi.netmask)
