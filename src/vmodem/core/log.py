"""The log of a modem: the trace that is always there where somebody wants to read it.

Every line begins with the modem's name. At ``info`` it tells why commands were refused, at ``debug`` the whole
dialogue and what the sockets do; what may be a secret it never shows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from vmodem.core import trace
from vmodem.core.trace import Event

if TYPE_CHECKING:
    from vmodem.core.channel import Channel
    from vmodem.core.modem import Modem

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


def _address(address: Any) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _moved(event: trace.Sent | trace.Received, verb: str, direction: str) -> str:
    whom = "" if event.address is None else f" {direction} {_address(event.address)}"
    if not event.data and verb == "received":
        return f"socket {event.socket} received the end of the stream{whom}"
    return f"socket {event.socket} {verb} {len(event.data)} bytes{whom}"


_WORDS: Final[dict[type[Event], Callable[[Any], str]]] = {
    trace.HostLine: lambda e: f"> {readable(e.shown)}",
    trace.Reply: lambda e: f"< {_line(e.shown)}",
    trace.Result: lambda e: f"< {_line(e.shown)}",
    trace.Urc: lambda e: f"< {_line(e.data)}  (unsolicited)",
    trace.Refused: _refused,
    trace.DataBegins: lambda e: "data mode begins",
    trace.Data: lambda e: f"> {len(e.data)} bytes of data ({e.why})",
    trace.DataEnds: lambda e: "data mode ends",
    trace.Power: lambda e: e.state.value,
    trace.Opened: lambda e: f"socket {e.socket} opened: {e.family.name}, {e.type.name}",
    trace.Bound: lambda e: f"socket {e.socket} bound to {_address(e.address)}",
    trace.Listening: lambda e: f"socket {e.socket} listens",
    trace.Accepted: lambda e: f"socket {e.socket} accepted from {_address(e.address)} by socket {e.listener}",
    trace.Connecting: lambda e: f"socket {e.socket} connects to {_address(e.address)}",
    trace.Connected: lambda e: f"socket {e.socket} is connected",
    trace.Secured: lambda e: (
        f"socket {e.socket} is secured, suite {e.ciphersuite:04X}{', resumed' if e.resumed else ''}"
    ),
    trace.Sent: lambda e: _moved(e, "sent", "to"),
    trace.Received: lambda e: _moved(e, "received", "from"),
    trace.Failed: lambda e: f"socket {e.socket}: {e.call}: {e.reason}",
    trace.Closed: lambda e: f"socket {e.socket} closed",
    trace.LookUp: lambda e: f"looks up {e.host}",
    trace.Resolved: lambda e: f"{e.host} is {', '.join(e.addresses) or e.failure}",
}
"""What a line says of each event; a note writes its own."""
