"""Socket options #XSOCKETOPT, secure socket options #XSSOCKETOPT.

What the host's sockets can honour is honoured: reuse of addresses, timeouts, a server's limit of inactivity. What
only a radio could do is validated, kept and read back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import INT32_MAX, INT32_MIN, anything, shown
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.device import UInt16
from vmodem.dialects.nrf.errno import from_host
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.dialects.nrf.socket import Socket
from vmodem.dialects.nrf.tls import HANDSHAKE_TIMEO, Numbers, secured
from vmodem.net.interface import Option

GET: Final = 0
SET: Final = 1

SO_REUSEADDR: Final = 2
SO_TYPE: Final = 3
SO_ERROR: Final = 4
SO_PRIORITY: Final = 12
SO_RCVTIMEO: Final = 20
SO_SNDTIMEO: Final = 21
SO_BINDTODEVICE: Final = 25
SO_SILENCE_ALL: Final = 30
SO_IP_ECHO_REPLY: Final = 31
SO_IPV6_ECHO_REPLY: Final = 32
SO_TIMESTAMPING: Final = 37
SO_PROTOCOL: Final = 38
SO_RAI: Final = range(50, 55)
SO_TCP_SRV_SESSTIMEO: Final = 55

TLS_HOSTNAME: Final = 2
TLS_CIPHERSUITE_LIST: Final = 3
TLS_CIPHERSUITE_USED: Final = 4
TLS_PEER_VERIFY: Final = 5
TLS_ALPN_LIST: Final = 7
TLS_DTLS_HANDSHAKE_TIMEOUT_MIN: Final = 8
TLS_DTLS_HANDSHAKE_TIMEOUT_MAX: Final = 9
TLS_SESSION_CACHE: Final = 10
TLS_SESSION_CACHE_PURGE: Final = 11
TLS_DTLS_HANDSHAKE_TIMEO: Final = 12

HOSTNAME_LIMIT: Final = 127
INTERFACE_LIMIT: Final = 46
"""Longest interface name that SO_BINDTODEVICE takes."""

INTERFACE: Final = "pdn0"
"""The one interface that there is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an option accepts.

    Attributes:
        accepts: the values that may be set; empty where it cannot be set.
        default: what it reads as before it was set, None where reading it prints nothing.
    """

    accepts: range | frozenset[int]
    default: int | None = None


_BOOL: Final = range(2)
_SECONDS: Final = range(INT32_MAX + 1)
_ANY: Final = range(INT32_MIN, INT32_MAX + 1)

OPTIONS: Final = {
    SO_REUSEADDR: Rule(_BOOL, 0),
    SO_RCVTIMEO: Rule(_SECONDS, 0),
    SO_SNDTIMEO: Rule(_SECONDS, 0),
    SO_SILENCE_ALL: Rule(_BOOL, 0),
    SO_IP_ECHO_REPLY: Rule(_BOOL, 1),
    SO_IPV6_ECHO_REPLY: Rule(_BOOL, 1),
    **dict.fromkeys(SO_RAI, Rule(_ANY)),
    SO_TCP_SRV_SESSTIMEO: Rule(range(136), 0),
}

TLS_OPTIONS: Final = {
    TLS_PEER_VERIFY: Rule(range(3), 0),
    TLS_SESSION_CACHE: Rule(_BOOL, 0),
    TLS_SESSION_CACHE_PURGE: Rule(_ANY),
    TLS_DTLS_HANDSHAKE_TIMEO: Rule(frozenset({0, 1, 3, 7, 15, 31, 63, 123}), HANDSHAKE_TIMEO),
}

TLS_NUMBERS: Final = Numbers(TLS_PEER_VERIFY, TLS_SESSION_CACHE, TLS_DTLS_HANDSHAKE_TIMEO)

UNREAD: Final = frozenset({SO_REUSEADDR})
"""Options of #XSOCKETOPT that the firmware lets be set, but prints nothing of."""

NOT_SETTABLE: Final = frozenset({SO_PRIORITY, SO_TIMESTAMPING})
NOT_READABLE: Final = frozenset({SO_TYPE, SO_PRIORITY, SO_PROTOCOL})
TLS_NOT_SETTABLE: Final = frozenset(
    {TLS_CIPHERSUITE_LIST, TLS_ALPN_LIST, TLS_DTLS_HANDSHAKE_TIMEOUT_MIN, TLS_DTLS_HANDSHAKE_TIMEOUT_MAX}
)
"""Options that are answered ``"not supported"``."""

OptionValue: TypeAlias = Annotated[Value, anything]

commands = CommandTable("Socket AT commands")


@commands.set("#XSOCKETOPT", "Get or set a socket option", test="#XSOCKETOPT: (0,1),<name>,<value>")
def xsocketopt(device: SerialLteModem, op: UInt16, name: UInt16, value: OptionValue = 0) -> str | None:
    """Get or set an option of the active socket.

    Args:
        device: the device.
        op: 0 get, 1 set; anything else does nothing.
        name: number of the option; getting one that there is not prints nothing.
        value: what to set, 0 where it is left out; a string for SO_BINDTODEVICE.
    """
    if op == GET:
        return _get(device, name)
    if op == SET:
        _set(device, name, value)
    return None


@commands.set("#XSSOCKETOPT", "Get or set a secure socket option", test="#XSSOCKETOPT: (1),<name>,<value>")
def xssocketopt(device: SerialLteModem, op: UInt16, name: UInt16, value: OptionValue | None = None) -> str | None:
    """Get or set an option of the active socket, which has to be secure.

    Args:
        device: the device.
        op: 0 get, 1 set; anything else does nothing.
        name: number of the option.
        value: what to set; a string for TLS_HOSTNAME.
    """
    socket = device.need_active()
    if socket.sec_tag is None:
        raise CommandError("the socket is not secure")
    if op == GET:
        return _get_tls(device, socket, name)
    if op == SET:
        _set_tls(device, socket, name, value)
    return None


def _get(device: SerialLteModem, name: int) -> str | None:
    if name in NOT_READABLE:
        return '#XSOCKETOPT: "not supported"'
    if name == SO_ERROR:
        code = device.need_active().net.take_error()
        return f"#XSOCKETOPT: {from_host(code) if code else 0}"
    rule = OPTIONS.get(name)
    if rule is None or rule.default is None or (name in UNREAD and device.policy.options_unread):
        return None
    value = device.need_active().options.get(name, rule.default)
    quoted = device.policy.timeouts_quoted and name in (SO_RCVTIMEO, SO_SNDTIMEO)
    return f'#XSOCKETOPT: "{value} sec"' if quoted else f"#XSOCKETOPT: {value}"


def _set(device: SerialLteModem, name: int, value: Value) -> None:
    if name in NOT_SETTABLE:
        raise CommandError(f"<name> {name} is not supported", lines=['#XSOCKETOPT: "not supported"'])
    socket = device.need_active()
    if name == SO_BINDTODEVICE:
        _bind_to_device(value)
        return
    number = _accepted(OPTIONS, name, value)
    if name == SO_REUSEADDR:
        socket.set_option(Option.REUSEADDR, number)
    elif name == SO_RCVTIMEO:
        socket.receive_timeout = number
    elif name == SO_SNDTIMEO:
        socket.send_timeout = number
    socket.options[name] = number


def _bind_to_device(value: Value) -> None:
    """Accept the name of the interface that every socket is bound to anyway."""
    if type(value) is not str or len(value) > INTERFACE_LIMIT:
        raise CommandError(f"<value> {shown(value)} is not a string of at most {INTERFACE_LIMIT} characters")
    if value != INTERFACE:
        raise CommandError(f"there is no interface {shown(value)}, only {INTERFACE}")


def _get_tls(device: SerialLteModem, socket: Socket, name: int) -> str | None:
    if name == TLS_CIPHERSUITE_USED:
        return f"#XSSOCKETOPT: {0 if device.policy.ciphersuite_reads_zero else secured(socket).ciphersuite()}"
    if device.policy.options_unread:
        return None
    if name == TLS_HOSTNAME:
        return f"#XSSOCKETOPT: {socket.hostname or ''}"
    rule = TLS_OPTIONS.get(name)
    if rule is None:
        return None
    if rule.default is None:
        raise CommandError(f"<name> {name} is set-only")
    return f"#XSSOCKETOPT: {socket.options.get(name, rule.default)}"


def _set_tls(device: SerialLteModem, socket: Socket, name: int, value: Value | None) -> None:
    if value is None:
        raise CommandError("<value> is missing")
    if name in TLS_NOT_SETTABLE:
        raise CommandError(f"<name> {name} is not supported", lines=['#XSSOCKETOPT: "not supported"'])
    if name != TLS_HOSTNAME:
        socket.options[name] = _accepted(TLS_OPTIONS, name, value)
        if name == TLS_SESSION_CACHE_PURGE:
            device.modem.tls.purge()
        return
    if type(value) is not str or len(value) > HOSTNAME_LIMIT:
        raise CommandError(f"<value> {shown(value)} is not a host name of at most {HOSTNAME_LIMIT} characters")
    socket.hostname = None if value.upper() in ("", device.version.hostname_off) else value


def _accepted(rules: dict[int, Rule], name: int, value: Value) -> int:
    rule = rules.get(name)
    if rule is None or type(value) is not int or value not in rule.accepts:
        raise CommandError(f"<value> {shown(value)} is not accepted by option {name}")
    return value
