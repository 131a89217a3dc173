"""What a release of the Serial LTE Modem is, whichever side of ``--follow`` is answered."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from vmodem.dialects.nrf import version
from vmodem.net.interface import Family, SocketType

ReceiveLimits: TypeAlias = Mapping[SocketType, Mapping[Family, int]]

LIMITS_1_9: Final[ReceiveLimits] = {
    SocketType.STREAM: {Family.IPV4: 668, Family.IPV6: 648},
    SocketType.DGRAM: {Family.IPV4: 1252, Family.IPV6: 1220},
    SocketType.RAW: {Family.PACKET: 1252},
}
LIMITS_2_0: Final[ReceiveLimits] = {
    SocketType.STREAM: {Family.IPV4: 1240, Family.IPV6: 1220},
    SocketType.DGRAM: {Family.IPV4: 1252, Family.IPV6: 1232},
    SocketType.RAW: {Family.PACKET: 1252},
}
"""The most bytes that one #XRECV or #XRECVFROM returns."""


@dataclass(frozen=True, kw_only=True)
class Version(version.Version):
    """One release.

    Attributes:
        data_mode: begins data mode: called with the device, what sends one flush, and ``datagrams``, whether one flush
            is one datagram; returns what the running command has to wait for, if anything.
        max_opened: how many sockets may be open, accepted connections aside.
        reads_closed: whether reading without a socket prints handle 0.
        hostname_off: the TLS_HOSTNAME that turns the check of the host name off.
        payload_first: whether received data comes before the line that tells its size.
        receive_limits: the most bytes that one receive returns.
    """

    data_mode: Callable[..., Coroutine[Any, Any, None] | None]
    max_opened: int = 8
    reads_closed: bool = False
    hostname_off: str = "NULL"
    payload_first: bool = False
    receive_limits: ReceiveLimits
