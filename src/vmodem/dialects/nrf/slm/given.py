"""The state that a transcript starts from, as the commands that bring a fresh Serial LTE Modem into it.

tcp:connected udp:bound:1234 tcp6 tcp:listening:8080 dtls tcp:server          sockets, in the order of opening
tcpsvr:3442 tcpcli udpsvr:3442 udpcli                                         services, of version 2.7
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

SERVERS: Final = {"tcpsvr": "#XTCPSVR=1", "udpsvr": "#XUDPSVR=1"}
CLIENTS: Final = {"tcpcli": "#XTCPCLI=1", "udpcli": "#XUDPCLI=1"}

SEC_TAG: Final = 16842753

RESET_1_9: Final = ("AT#XSOCKET=0",)
RESET_2_0: Final = RESET_1_9 * 8
RESET_2_7: Final = ("AT#XTCPSVR=0", "AT#XUDPSVR=0", *RESET_2_0)
"""What brings a device that was used before into the state of a fresh one, as far as sockets go."""


def given(spec: str, reset: tuple[str, ...]) -> list[str]:
    """Return the commands that open the sockets and services ``spec`` names; where it is empty, ``reset``.

    Args:
        reset: the commands that close everything.
        spec: ``KIND[:STATE[:PORT]]`` for each, in the order of opening. STATE is ``connected``, ``bound``,
            ``listening`` or ``server`` (opened as one, no more); a service that serves has its port in its place.

    Raises:
        ValueError: the spec makes no sense.
    """
    if not spec:
        return list(reset)
    lines: list[str] = []
    for word in spec.split():
        kind, state, port = (*word.split(":"), "", "")[:3]
        if kind in CLIENTS and not state:
            lines.append(f'AT{CLIENTS[kind]},"{PEER[1]}",{PEER_PORT}')
        elif kind in SERVERS and state:
            lines.append(f"AT{SERVERS[kind]},{state}")
        elif kind in KINDS:
            lines += [_opening(kind, state), *_entering(word, kind, state, port)]
        else:
            raise ValueError(f"{word!r} is neither a service nor a socket, one of {', '.join(KINDS)}")
    return lines


def _opening(kind: str, state: str) -> str:
    role = 1 if state in ("listening", "server") else 0
    return f"AT{KINDS[kind]},{role}" + (f",{SEC_TAG}" if "tls" in kind else "")


def _entering(word: str, kind: str, state: str, port: str) -> list[str]:
    """Return the commands that bring the socket that was just opened into ``state``."""
    if state in ("", "server"):
        return []
    if state == "connected":
        return [f'AT#XCONNECT="{PEER[2 if kind.endswith("6") else 1]}",{port or PEER_PORT}']
    if state == "bound" and port:
        return [f"AT#XBIND={port}"]
    if state == "listening" and port:
        return [f"AT#XBIND={port}", "AT#XLISTEN"]
    raise ValueError(f"{word!r}: the state is one of connected, bound:PORT, listening:PORT, server")
