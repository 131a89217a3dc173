"""The log of a modem: the trace that is always there where somebody wants to read it.

Every line begins with the modem's name. At ``info`` it tells why commands were refused, at ``debug`` the whole
dialogue and what the sockets do; what may be a secret it never shows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from vmodem.core import trace
from vmodem.core.trace import Event

if TYPE_CHECKING:
    from vmodem.core.channel import Channel
    from vmodem.core.modem import Modem
    from vmodem.net.interface import Address

E = TypeVar("E", bound=Event)

log = logging.getLogger("vmodem")

LONGEST: Final = 500
"""How many characters of one event a line shows."""

_UNPRINTABLE: Final = re.compile(rb"[^\x20-\x7e]")
_NAMES: Final = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}


def readable(data: bytes) -> str:
    r"""Return bytes as text of one line, with ``\r``, ``\n`` and ``\xNN`` for what has no shape."""
    text = _UNPRINTABLE.sub(lambda found: _escaped(found[0][0]), data.replace(b"\\", b"\\\\"))
    return text.decode("ascii") if len(text) <= LONGEST else f"{text[:LONGEST].decode('ascii')}... ({len(data)} bytes)"


def _escaped(byte: int) -> bytes:
    return _NAMES.get(byte, f"\\x{byte:02X}").encode()


class Log:
    """The trace that writes the log of the program."""

    def event(self, now: float, modem: Modem, channel: Channel | None, event: Event) -> None:
        """Write one line about ``event``, where the log has a place for it."""
        level = logging.INFO if isinstance(event, trace.Refused) else logging.DEBUG
        words = _WORDS.get(type(event))
        if words is not None and log.isEnabledFor(level):
            log.log(level, "%s: %s", modem.name_of(channel), words(event))


LOG: Final = Log()


def _line(data: bytes) -> str:
    return readable(data.strip(b"\r\n"))


def _refused(event: trace.Refused) -> str:
    return f"{readable(event.command)}: {event.reason}" if event.command else event.reason


def _address(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _moved(event: trace.Sent | trace.Received, verb: str, direction: str) -> str:
    whom = "" if event.address is None else f" {direction} {_address(event.address)}"
    if not event.data and verb == "received":
        return f"socket {event.socket} received the end of the stream{whom}"
    return f"socket {event.socket} {verb} {len(event.data)} bytes{whom}"


def _say(kind: type[E], words: Callable[[E], str]) -> tuple[type[Event], Callable[[Any], str]]:
    """Return what a line says of the events of one kind, so that a checker of types knows which."""
    return kind, words


_WORDS: Final = dict(
    (
        _say(trace.HostLine, lambda e: f"> {readable(e.shown)}"),
        _say(trace.Reply, lambda e: f"< {_line(e.shown)}"),
        _say(trace.Result, lambda e: f"< {_line(e.shown)}"),
        _say(trace.Urc, lambda e: f"< {_line(e.data)}  (unsolicited)"),
        _say(trace.Refused, _refused),
        _say(trace.DataBegins, lambda e: "data mode begins"),
        _say(trace.Data, lambda e: f"> {len(e.data)} bytes of data ({e.why})"),
        _say(trace.DataEnds, lambda e: "data mode ends"),
        _say(trace.Power, lambda e: e.state.value),
        _say(trace.Opened, lambda e: f"socket {e.socket} opened: {e.family.name}, {e.type.name}"),
        _say(trace.Bound, lambda e: f"socket {e.socket} bound to {_address(e.address)}"),
        _say(trace.Listening, lambda e: f"socket {e.socket} listens"),
        _say(trace.Accepted, lambda e: f"socket {e.socket} accepted from {_address(e.address)} by socket {e.listener}"),
        _say(trace.Connecting, lambda e: f"socket {e.socket} connects to {_address(e.address)}"),
        _say(trace.Connected, lambda e: f"socket {e.socket} is connected"),
        _say(
            trace.Secured,
            lambda e: f"socket {e.socket} is secured, suite {e.ciphersuite:04X}{', resumed' if e.resumed else ''}",
        ),
        _say(trace.Sent, lambda e: _moved(e, "sent", "to")),
        _say(trace.Received, lambda e: _moved(e, "received", "from")),
        _say(trace.Failed, lambda e: f"socket {e.socket}: {e.call}: {e.reason}"),
        _say(trace.Closed, lambda e: f"socket {e.socket} closed"),
        _say(trace.LookUp, lambda e: f"looks up {e.host}"),
        _say(trace.Resolved, lambda e: f"{e.host} is {', '.join(e.addresses) or e.failure}"),
    )
)
"""What a line says of each event; a note writes its own."""
