"""Socket options #XSOCKETOPT, secure socket options #XSSOCKETOPT.

What the host's sockets can honour is honoured: reuse of addresses, timeouts, a server's limit of inactivity. What
only a radio could do is validated, kept and read back.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import Values, anything, choice, integer, one_of, text
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.option import Rule, named
from vmodem.dialects.nrf.sm.device import Handle, SerialModem
from vmodem.dialects.nrf.socket import Socket
from vmodem.dialects.nrf.tls import Numbers, secured
from vmodem.dialects.nrf.values import DTLS_CID, PEER_VERIFY, UINT16, Int, OpOption
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


_SWITCH: Final = one_of({0: "off", 1: "on"})
_SECONDS: Final = integer(0)

OPTIONS: Final = {
    AT_SO_REUSEADDR: Rule("AT_SO_REUSEADDR", "reuse of local addresses", _SWITCH, readable=False),
    AT_SO_RCVTIMEO: Rule("AT_SO_RCVTIMEO", "receive timeout in seconds, 0 for none", _SECONDS, 0),
    AT_SO_SNDTIMEO: Rule("AT_SO_SNDTIMEO", "send timeout in seconds, 0 for none", _SECONDS, 30),
    AT_SO_SILENCE_ALL: Rule("AT_SO_SILENCE_ALL", "ICMP echo replies", one_of({0: "allowed", 1: "disabled"}), 0),
    AT_SO_IP_ECHO_REPLY: Rule("AT_SO_IP_ECHO_REPLY", "ICMP echo replies for IPv4", _SWITCH, 1),
    AT_SO_IPV6_ECHO_REPLY: Rule("AT_SO_IPV6_ECHO_REPLY", "ICMP echo replies for IPv6", _SWITCH, 1),
    AT_SO_BINDTOPDN: Rule("AT_SO_BINDTOPDN", "PDN connection, which has to be active", integer(0, 10), readable=False),
    AT_SO_TCP_SRV_SESSTIMEO: Rule(
        "AT_SO_TCP_SRV_SESSTIMEO",
        "minutes of inactivity that end an accepted connection, 0 for none",
        integer(0, 135),
        0,
        SocketType.STREAM,
    ),
    AT_SO_RAI: Rule(
        "AT_SO_RAI",
        "release assistance indication",
        one_of({1: "no data", 2: "last", 3: "one response", 4: "ongoing", 5: "wait for more"}),
        readable=False,
    ),
    AT_SO_IPV6_DELAYED_ADDR_REFRESH: Rule(
        "AT_SO_IPV6_DELAYED_ADDR_REFRESH", "delayed refresh of the IPv6 address", _SWITCH, 0
    ),
}

TLS_OPTIONS: Final = {
    AT_TLS_HOSTNAME: Rule(
        "AT_TLS_HOSTNAME", 'the name that the peer has to have, "NULL" for any', text(HOSTNAME_LIMIT)
    ),
    AT_TLS_CIPHERSUITE_USED: Rule("AT_TLS_CIPHERSUITE_USED", "the cipher suite that the handshake chose"),
    AT_TLS_PEER_VERIFY: Rule("AT_TLS_PEER_VERIFY", "whether the peer has to prove who it is", PEER_VERIFY, 2),
    AT_TLS_SESSION_CACHE: Rule("AT_TLS_SESSION_CACHE", "caching of sessions", _SWITCH, 0),
    AT_TLS_SESSION_CACHE_PURGE: Rule(
        "AT_TLS_SESSION_CACHE_PURGE", "forgets every cached session", integer(), readable=False
    ),
    AT_TLS_DTLS_CID: Rule("AT_TLS_DTLS_CID", "connection identifier", DTLS_CID, 0, SocketType.DGRAM, readable=False),
    AT_TLS_DTLS_CID_STATUS: Rule(
        "AT_TLS_DTLS_CID_STATUS",
        "which directions use the connection identifier: 0 none, 1 from the peer, 2 to the peer, 3 both",
        only=SocketType.DGRAM,
    ),
    AT_TLS_DTLS_HANDSHAKE_TIMEO: Rule(
        "AT_TLS_DTLS_HANDSHAKE_TIMEO",
        "handshake timeout in seconds",
        choice(1, 3, 7, 15, 31, 63, 123),
        123,
        SocketType.DGRAM,
    ),
}

TLS_NUMBERS: Final = Numbers(AT_TLS_PEER_VERIFY, AT_TLS_SESSION_CACHE, AT_TLS_DTLS_HANDSHAKE_TIMEO, AT_TLS_DTLS_CID)

Name: TypeAlias = Annotated[int, one_of(named(OPTIONS))]
TlsName: TypeAlias = Annotated[int, Values(UINT16.convert, "one of these numbers", named(TLS_OPTIONS))]
"""Looked up in the handler: the firmware does not look at the name for a socket that is not secure."""

commands = CommandTable("Socket AT commands")


@commands.set("#XSOCKETOPT", "Get or set a socket option", test="#XSOCKETOPT: <handle>,(0,1),<name>,<value>")
def xsocketopt(device: SerialModem, handle: Handle, op: OpOption, name: Name, value: Int = 0) -> str | None:
    """Get or set a socket option.

    Args:
        device: the device.
        handle: an open socket, secure or not.
        op: what to do.
        name: number of the option.
        value: what to set; what the option takes.

    Manual:
        Socket options #XSOCKETOPT

    Answers:
        #XSOCKETOPT: <handle>,<value> - where an option is got.

    Errors:
        a set-only option is got.
        the option does not take the value.
        the option is for another type of socket.
        the PDN connection is not active.
    """
    rule = _rule(OPTIONS, handle, name)
    if op == GET:
        return f"#XSOCKETOPT: {handle.handle},{_get(handle, name, rule)}"
    handle.options[name] = _accepted(device, name, rule, value)
    _apply(device, handle, name, value)
    return None


@commands.set("#XSSOCKETOPT", "Get or set a secure socket option", test="#XSSOCKETOPT: <handle>,(0,1),<name>,<value>")
def xssocketopt(
    device: SerialModem,
    handle: Handle,
    op: OpOption,
    name: TlsName,
    value: Annotated[Value | None, anything] = None,
) -> str | None:
    """Get or set an option of a secure socket.

    Args:
        device: the device.
        handle: an open secure socket.
        op: what to do.
        name: number of the option.
        value: what to set, mandatory for every option; what the option takes.

    Manual:
        Secure socket options #XSSOCKETOPT

    Answers:
        #XSSOCKETOPT: <handle>,<value> - where an option is got.

    Errors:
        the socket is not secure.
        a set-only option is got, or a get-only one set.
        the option does not take the value, or it is left out.
        the option is for another type of socket.
        the handshake has not been done, for what it decides.
    """
    if handle.sec_tag is None:
        if device.policy.options_need_secure:
            raise CommandError("the socket is not secure")
        return None
    rule = _rule(TLS_OPTIONS, handle, name)
    if op == GET:
        return f"#XSSOCKETOPT: {handle.handle},{_get_tls(device, handle, name, rule)}"
    if value is None:
        raise CommandError("<value> is missing")
    accepted = _accepted(device, name, rule, value)
    if name == AT_TLS_HOSTNAME:
        handle.hostname = None if accepted.upper() in ("", "NULL") else accepted
        return None
    handle.options[name] = accepted
    if name == AT_TLS_SESSION_CACHE_PURGE:
        device.modem.tls.purge()
    return None


def _rule(rules: dict[int, Rule], socket: Socket, name: int) -> Rule:
    rule = rules.get(name)
    if rule is None:
        raise CommandError(f"<name> {name} is no option")
    if rule.only is not None and rule.only is not socket.type:
        raise CommandError(f"<name> {name} is for {rule.only.name} sockets")
    return rule


def _get(socket: Socket, name: int, rule: Rule) -> int:
    if not rule.readable:
        raise CommandError(f"<name> {name} is set-only")
    if name == AT_SO_RCVTIMEO:  # receiving sets it too
        return int(socket.receive_timeout)
    if name == AT_SO_SNDTIMEO:  # an accepted connection has it from its listener
        return int(socket.send_timeout)
    return socket.options.get(name, rule.default)


def _accepted(device: SerialModem, name: int, rule: Rule, value: Value) -> Any:
    """Return the value that an option is to be set to.

    Raises:
        CommandError: the option does not take it.
    """
    if rule.values is None:
        raise CommandError(f"<name> {name} is get-only")
    try:
        return rule.values.convert(device, value)
    except CommandError as error:
        error.blame("value")
        raise


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


def _get_tls(device: SerialModem, socket: Socket, name: int, rule: Rule) -> int | str:
    if name == AT_TLS_HOSTNAME:
        return socket.hostname or ""
    if name == AT_TLS_CIPHERSUITE_USED:
        return f"0x{secured(socket).ciphersuite():04x}"
    if name == AT_TLS_DTLS_CID_STATUS:
        return secured(socket).cid_status()
    if name == AT_TLS_DTLS_CID and device.policy.cid_readable:
        return socket.options.get(name, 0)
    return _get(socket, name, rule)
