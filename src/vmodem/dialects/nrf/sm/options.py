"""Socket options #XSOCKETOPT, secure socket options #XSSOCKETOPT.

What the host's sockets can honour is honoured: reuse of addresses, timeouts, a server's limit of inactivity. What
only a radio could do is validated, kept and read back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import INT32_MAX, anything, choice, shown
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.device import Int, UInt16
from vmodem.dialects.nrf.sm.device import Handle, SerialModem
from vmodem.dialects.nrf.socket import Socket
from vmodem.dialects.nrf.tls import Numbers, secured
from vmodem.net.interface import Option, SocketType

GET: Final = 0

AT_SO_REUSEADDR: Final = 2
AT_SO_RCVTIMEO: Final = 20
AT_SO_SNDTIMEO: Final = 21
AT_SO_SILENCE_ALL: Final = 30
AT_SO_IP_ECHO_REPLY: Final = 31
AT_SO_IPV6_ECHO_REPLY: Final = 32
AT_SO_BINDTOPDN: Final = 40
AT_SO_TCP_SRV_SESSTIMEO: Final = 55
AT_SO_RAI: Final = 61
AT_SO_IPV6_DELAYED_ADDR_REFRESH: Final = 62

RAI_NO_DATA: Final = 1

AT_TLS_HOSTNAME: Final = 2
AT_TLS_CIPHERSUITE_USED: Final = 4
AT_TLS_PEER_VERIFY: Final = 5
AT_TLS_SESSION_CACHE: Final = 12
AT_TLS_SESSION_CACHE_PURGE: Final = 13
AT_TLS_DTLS_CID: Final = 14
AT_TLS_DTLS_CID_STATUS: Final = 15
AT_TLS_DTLS_HANDSHAKE_TIMEO: Final = 18

HOSTNAME_LIMIT: Final = 127


@dataclass(frozen=True, slots=True)
class Rule:
    """What an option accepts.

    Attributes:
        accepts: the values that may be set; empty where it cannot be set.
        default: what it reads as before it was set, None where it cannot be read.
        only: the only socket type that has it, None where all do.
    """

    accepts: range | frozenset[int]
    default: int | None
    only: SocketType | None = None


_BOOL: Final = range(2)
_SECONDS: Final = range(INT32_MAX + 1)

OPTIONS: Final = {
    AT_SO_REUSEADDR: Rule(_BOOL, None),
    AT_SO_RCVTIMEO: Rule(_SECONDS, 0),
    AT_SO_SNDTIMEO: Rule(_SECONDS, 30),
    AT_SO_SILENCE_ALL: Rule(_BOOL, 0),
    AT_SO_IP_ECHO_REPLY: Rule(_BOOL, 1),
    AT_SO_IPV6_ECHO_REPLY: Rule(_BOOL, 1),
    AT_SO_BINDTOPDN: Rule(range(11), None),
    AT_SO_TCP_SRV_SESSTIMEO: Rule(range(136), 0, SocketType.STREAM),
    AT_SO_RAI: Rule(range(1, 6), None),
    AT_SO_IPV6_DELAYED_ADDR_REFRESH: Rule(_BOOL, 0),
}

TLS_OPTIONS: Final = {
    AT_TLS_PEER_VERIFY: Rule(range(3), 2),
    AT_TLS_SESSION_CACHE: Rule(_BOOL, 0),
    AT_TLS_SESSION_CACHE_PURGE: Rule(range(-(2**31), 2**31), None),
    AT_TLS_DTLS_CID: Rule(range(3), 0, SocketType.DGRAM),
    AT_TLS_DTLS_HANDSHAKE_TIMEO: Rule(frozenset({1, 3, 7, 15, 31, 63, 123}), 123, SocketType.DGRAM),
}

TLS_NUMBERS: Final = Numbers(AT_TLS_PEER_VERIFY, AT_TLS_SESSION_CACHE, AT_TLS_DTLS_HANDSHAKE_TIMEO, AT_TLS_DTLS_CID)

commands = CommandTable("Socket AT commands")


@commands.set("#XSOCKETOPT", "Get or set a socket option", test="#XSOCKETOPT: <handle>,(0,1),<name>,<value>")
def xsocketopt(
    device: SerialModem, handle: Handle, op: Annotated[int, choice(0, 1)], name: UInt16, value: Int = 0
) -> str | None:
    """Get or set a socket option.

    Args:
        device: the device.
        handle: an open socket, secure or not.
        op: 0 get, 1 set.
        name: number of the option.
        value: what to set; 0 where it is left out.
    """
    rule = _rule(OPTIONS, handle, name)
    if op == GET:
        return f"#XSOCKETOPT: {handle.handle},{_get(handle, name, rule)}"
    _set(handle, name, rule, value)
    _apply(device, handle, name, value)
    return None


@commands.set("#XSSOCKETOPT", "Get or set a secure socket option", test="#XSSOCKETOPT: <handle>,(0,1),<name>,<value>")
def xssocketopt(
    device: SerialModem,
    handle: Handle,
    op: Annotated[int, choice(0, 1)],
    name: UInt16,
    value: Annotated[Value | None, anything] = None,
) -> str | None:
    """Get or set an option of a secure socket.

    Args:
        device: the device.
        handle: an open secure socket.
        op: 0 get, 1 set.
        name: number of the option.
        value: what to set, mandatory for every option; a string for AT_TLS_HOSTNAME, ``"NULL"`` turns it off.
    """
    if handle.sec_tag is None:
        if device.policy.options_need_secure:
            raise CommandError("the socket is not secure")
        return None
    if op == GET:
        return f"#XSSOCKETOPT: {handle.handle},{_get_tls(device, handle, name)}"
    if name == AT_TLS_HOSTNAME:
        _set_hostname(handle, value)
    elif type(value) is int:
        _set(handle, name, _rule(TLS_OPTIONS, handle, name), value)
        if name == AT_TLS_SESSION_CACHE_PURGE:
            device.modem.tls.purge()
    else:
        raise CommandError(f"<value> {shown(value)} is not accepted by option {name}")
    return None


def _rule(rules: dict[int, Rule], socket: Socket, name: int) -> Rule:
    rule = rules.get(name)
    if rule is None:
        raise CommandError(f"<name> {name} is no option")
    if rule.only is not None and rule.only is not socket.type:
        raise CommandError(f"<name> {name} is for {rule.only.name} sockets")
    return rule


def _get(socket: Socket, name: int, rule: Rule) -> int:
    if rule.default is None:
        raise CommandError(f"<name> {name} is set-only")
    if name == AT_SO_RCVTIMEO:  # receiving sets it too
        return int(socket.receive_timeout)
    if name == AT_SO_SNDTIMEO:  # an accepted connection has it from its listener
        return int(socket.send_timeout)
    return socket.options.get(name, rule.default)


def _set(socket: Socket, name: int, rule: Rule, value: int) -> None:
    if value not in rule.accepts:
        raise CommandError(f"<value> {value} is not accepted by option {name}")
    socket.options[name] = value


def _apply(device: SerialModem, socket: Socket, name: int, value: int) -> None:
    """Let an option that was just set take effect."""
    if name == AT_SO_REUSEADDR:
        socket.set_option(Option.REUSEADDR, value)
    elif name == AT_SO_RCVTIMEO:
        socket.receive_timeout = value
    elif name == AT_SO_SNDTIMEO:
        socket.send_timeout = device.reaches(socket).send_timeout = value
    elif name == AT_SO_BINDTOPDN:
        if not device.cellular.is_active(value):
            raise CommandError(f"<value> {value} is no active PDN connection")
        socket.cid = value
    elif name == AT_SO_RAI and value == RAI_NO_DATA:
        socket.net.peer_address()  # the modem wants a connected socket


def _get_tls(device: SerialModem, socket: Socket, name: int) -> int | str:
    if name == AT_TLS_HOSTNAME:
        return socket.hostname or ""
    if name == AT_TLS_CIPHERSUITE_USED:
        return f"0x{secured(socket).ciphersuite():04x}"
    if name == AT_TLS_DTLS_CID_STATUS:
        if socket.type is not SocketType.DGRAM:
            raise CommandError("AT_TLS_DTLS_CID_STATUS is for datagram sockets")
        return secured(socket).cid_status()
    if name == AT_TLS_DTLS_CID and not device.policy.cid_readable:
        raise CommandError("AT_TLS_DTLS_CID is set-only")
    return _get(socket, name, _rule(TLS_OPTIONS, socket, name))


def _set_hostname(socket: Socket, value: Value | None) -> None:
    if type(value) is not str or len(value) > HOSTNAME_LIMIT:
        raise CommandError(f"<value> {shown(value)} is not a host name of at most {HOSTNAME_LIMIT} characters")
    socket.hostname = None if value.upper() in ("", "NULL") else value
