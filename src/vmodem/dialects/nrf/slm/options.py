"""Socket options #XSOCKETOPT, secure socket options #XSSOCKETOPT.

What the host's sockets can honour is honoured: reuse of addresses, timeouts, a server's limit of inactivity. What
only a radio could do is validated, kept and read back.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import Values, anything, choice, integer, one_of, shown, text, unless
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.errno import from_host
from vmodem.dialects.nrf.option import Rule, named
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.dialects.nrf.socket import Socket
from vmodem.dialects.nrf.tls import HANDSHAKE_TIMEO, Numbers, secured
from vmodem.dialects.nrf.values import PEER_VERIFY, UINT16
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
SO_RAI: Final = {
    50: "SO_RAI_NO_DATA or SO_RAI_LAST",
    51: "SO_RAI_LAST or SO_RAI_NO_DATA",
    52: "SO_RAI_ONE_RESP",
    53: "SO_RAI_ONGOING",
    54: "SO_RAI_WAIT_MORE",
}
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


_SWITCH: Final = one_of({0: "off", 1: "on"})
_SECONDS: Final = integer(0)

OPTIONS: Final = {
    SO_REUSEADDR: Rule("SO_REUSEADDR", "reuse of local addresses", _SWITCH),
    SO_ERROR: Rule("SO_ERROR", "the error that the socket has met, 0 for none; getting it clears it"),
    SO_RCVTIMEO: Rule("SO_RCVTIMEO", "receive timeout in seconds, 0 for none", _SECONDS),
    SO_SNDTIMEO: Rule("SO_SNDTIMEO", "send timeout in seconds, 0 for none", _SECONDS),
    SO_BINDTODEVICE: Rule("SO_BINDTODEVICE", f'the interface "{INTERFACE}"', text(INTERFACE_LIMIT), readable=False),
    SO_SILENCE_ALL: Rule("SO_SILENCE_ALL", "ICMP echo replies", one_of({0: "allowed", 1: "disabled"})),
    SO_IP_ECHO_REPLY: Rule("SO_IP_ECHO_REPLY", "ICMP echo replies for IPv4", _SWITCH, 1),
    SO_IPV6_ECHO_REPLY: Rule("SO_IPV6_ECHO_REPLY", "ICMP echo replies for IPv6", _SWITCH, 1),
    **{
        number: Rule(constant, "release assistance indication; its value is ignored", integer(), readable=False)
        for number, constant in SO_RAI.items()
    },
    SO_TCP_SRV_SESSTIMEO: Rule(
        "SO_TCP_SRV_SESSTIMEO",
        "minutes of inactivity that end an accepted connection, 0 for none",
        integer(0, 135),
    ),
}

_HANDSHAKE: Final = (1, 3, 7, 15, 31, 63, 123)

TLS_OPTIONS: Final = {
    TLS_HOSTNAME: Rule("TLS_HOSTNAME", "the name that the peer has to have", text(HOSTNAME_LIMIT)),
    TLS_CIPHERSUITE_USED: Rule("TLS_CIPHERSUITE_USED", "the cipher suite that the handshake chose"),
    TLS_PEER_VERIFY: Rule("TLS_PEER_VERIFY", "whether the peer has to prove who it is", PEER_VERIFY),
    TLS_SESSION_CACHE: Rule("TLS_SESSION_CACHE", "caching of sessions", _SWITCH),
    TLS_SESSION_CACHE_PURGE: Rule("TLS_SESSION_CACHE_PURGE", "forgets every cached session", integer(), readable=False),
    TLS_DTLS_HANDSHAKE_TIMEO: Rule(
        "TLS_DTLS_HANDSHAKE_TIMEO",
        "handshake timeout in seconds",
        unless("handshake_timeo_zero", choice(*_HANDSHAKE), choice(0, *_HANDSHAKE)),
        HANDSHAKE_TIMEO,
    ),
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

Op: TypeAlias = Annotated[int, unless("option_op_unchecked", one_of({GET: "get", SET: "set"}), UINT16)]
Name: TypeAlias = Annotated[int, Values(UINT16.convert, UINT16.words, named(OPTIONS))]
"""The manuals refer to another specification, which has no numbers."""

TlsName: TypeAlias = Annotated[int, unless("option_name_unchecked", one_of(named(TLS_OPTIONS)), UINT16)]
OptionValue: TypeAlias = Annotated[Value, anything]

commands = CommandTable("Socket AT commands")


@commands.set("#XSOCKETOPT", "Get or set a socket option", test="#XSOCKETOPT: (0,1),<name>,<value>")
def xsocketopt(device: SerialLteModem, op: Op, name: Name, value: OptionValue = 0) -> str | None:
    """Get or set an option of the active socket.

    Args:
        device: the device.
        op: what to do.
        name: number of the option; getting another one prints nothing.
        value: what to set; what the option takes.

    Manual:
        Socket options #XSOCKETOPT

    Answers:
        #XSOCKETOPT: <value> - where an option is got; in version 1.9 and with --follow firmware timeouts as in "30
            sec".
        #XSOCKETOPT: "not supported" - for SO_TYPE, SO_PRIORITY, SO_TIMESTAMPING and SO_PROTOCOL.

    Errors:
        no socket is active.
        the option cannot be set, or does not take the value.
    """
    if op == GET:
        return _get(device, name)
    if op == SET:
        _set(device, name, value)
    return None


@commands.set("#XSSOCKETOPT", "Get or set a secure socket option", test="#XSSOCKETOPT: (1),<name>,<value>")
def xssocketopt(device: SerialLteModem, op: Op, name: TlsName, value: OptionValue | None = None) -> str | None:
    """Get or set an option of the active socket, which has to be secure.

    Args:
        device: the device.
        op: what to do.
        name: number of the option.
        value: what to set, mandatory for every option; what the option takes.

    Manual:
        Secure Socket options #XSOCKETOPT

    Answers:
        #XSSOCKETOPT: <value> - where an option is got; with --follow firmware only the cipher suite.
        #XSSOCKETOPT: "not supported" - before ERROR, with --follow firmware, for some options.

    Errors:
        no socket is active, or it is not secure.
        the option cannot be got, or not be set.
        the option does not take the value, or it is left out.
        the handshake has not been done, for what it decides.
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
    if rule is None or not rule.readable or (name in UNREAD and device.policy.options_unread):
        return None
    value = device.need_active().options.get(name, rule.default)
    quoted = device.policy.timeouts_quoted and name in (SO_RCVTIMEO, SO_SNDTIMEO)
    return f'#XSOCKETOPT: "{value} sec"' if quoted else f"#XSOCKETOPT: {value}"


def _set(device: SerialLteModem, name: int, value: Value) -> None:
    if name in NOT_SETTABLE:
        raise CommandError(f"<name> {name} is not supported", lines=['#XSOCKETOPT: "not supported"'])
    socket = device.need_active()
    accepted = _accepted(device, OPTIONS, name, value)
    if name == SO_BINDTODEVICE:
        _need_interface(accepted)
        return
    if name == SO_REUSEADDR:
        socket.set_option(Option.REUSEADDR, accepted)
    elif name == SO_RCVTIMEO:
        socket.receive_timeout = accepted
    elif name == SO_SNDTIMEO:
        socket.send_timeout = accepted
    socket.options[name] = accepted


def _need_interface(name: str) -> None:
    """Accept the name of the interface that every socket is bound to anyway."""
    if name != INTERFACE:
        raise CommandError(f"there is no interface {shown(name)}, only {INTERFACE}")


def _get_tls(device: SerialLteModem, socket: Socket, name: int) -> str | None:
    if name == TLS_CIPHERSUITE_USED:
        return f"#XSSOCKETOPT: {0 if device.policy.ciphersuite_reads_zero else secured(socket).ciphersuite()}"
    if device.policy.options_unread:
        return None
    if name == TLS_HOSTNAME:
        return f"#XSSOCKETOPT: {socket.hostname or ''}"
    rule = TLS_OPTIONS[name]
    if not rule.readable:
        raise CommandError(f"<name> {name} is set-only")
    return f"#XSSOCKETOPT: {socket.options.get(name, rule.default)}"


def _set_tls(device: SerialLteModem, socket: Socket, name: int, value: Value | None) -> None:
    if value is None:
        raise CommandError("<value> is missing")
    if name in TLS_NOT_SETTABLE:
        raise CommandError(f"<name> {name} is not supported", lines=['#XSSOCKETOPT: "not supported"'])
    accepted = _accepted(device, TLS_OPTIONS, name, value)
    if name == TLS_HOSTNAME:
        socket.hostname = None if accepted.upper() in ("", device.version.hostname_off) else accepted
        return
    socket.options[name] = accepted
    if name == TLS_SESSION_CACHE_PURGE:
        device.modem.tls.purge()


def _accepted(device: SerialLteModem, rules: dict[int, Rule], name: int, value: Value) -> Any:
    """Return the value that an option is to be set to.

    Raises:
        CommandError: there is no such option, or it does not take it.
    """
    rule = rules.get(name)
    if rule is None or rule.values is None:
        raise CommandError(f"<name> {name} cannot be set")
    try:
        return rule.values.convert(device, value)
    except CommandError as error:
        error.blame("value")
        raise
