"""The state that a transcript starts from, as the commands that bring a fresh Serial Modem into it.

0:tcp:connected 1:udp:bound:1234 2:tcp6 3:tcp:listening:8080 4:dtls
"""

from __future__ import annotations

from typing import Final

PEER: Final = {1: "192.0.2.1", 2: "2001:db8::1"}
"""Whom a connected socket is connected to, by family."""

PEER_PORT: Final = 7

KINDS: Final = {
    "tcp": "#XSOCKET=1,1",
    "udp": "#XSOCKET=1,2",
    "tcp6": "#XSOCKET=2,1",
    "udp6": "#XSOCKET=2,2",
    "raw": "#XSOCKET=1,3",
    "tls": "#XSSOCKET=1,1",
    "dtls": "#XSSOCKET=1,2",
}
"""The command that opens a socket of each kind, but for its role."""

SEC_TAG: Final = 16842753

RESET: Final = ("ATE0", "AT#XAPOLL=0", "AT#XCLOSE")
"""What brings a device that was used before into the state of a fresh one, as far as sockets go."""


def given(spec: str) -> list[str]:
    """Return the commands that open the sockets ``spec`` names; where it is empty, those that close all.

    Args:
        spec: ``HANDLE:KIND[:STATE[:PORT]]`` for each socket, in the order of the handles, which start at 0.
            STATE is ``connected``, ``bound``, ``listening`` or ``server`` (opened as one, no more).

    Raises:
        ValueError: the spec makes no sense.
    """
    if not spec:
        return list(RESET)
    lines: list[str] = []
    for expected, word in enumerate(spec.split()):
        handle, kind, state, port = (*word.split(":"), "", "", "")[:4]
        if handle != str(expected) or kind not in KINDS:
            raise ValueError(f"{word!r} is not a socket: {expected}:KIND, with KIND one of {', '.join(KINDS)}")
        lines += [_opening(kind, state), *_entering(word, handle, kind, state, port)]
    return lines


def _opening(kind: str, state: str) -> str:
    role = 1 if state in ("listening", "server") else 0
    return f"AT{KINDS[kind]},{role}" + (f",{SEC_TAG}" if "tls" in kind else "")


def _entering(word: str, handle: str, kind: str, state: str, port: str) -> list[str]:
    """Return the commands that bring an open socket into ``state``."""
    if state in ("", "server"):
        return []
    if state == "connected":
        address = PEER[2 if kind.endswith("6") else 1]
        return [f'AT#XCONNECT={handle},"{address}",{port or PEER_PORT}']
    if state == "bound" and port:
        return [f"AT#XBIND={handle},{port}"]
    if state == "listening" and port:
        return [f"AT#XBIND={handle},{port}", f"AT#XLISTEN={handle}"]
    raise ValueError(f"{word!r}: the state is one of connected, bound:PORT, listening:PORT, server")
