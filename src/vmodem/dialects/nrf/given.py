"""The sockets that a transcript starts with, as the commands that open them; each dialect has its own for the rest."""

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


def opening(kind: str, state: str) -> str:
    """Return the command that opens a socket of ``kind``, in the role that ``state`` needs."""
    role = 1 if state in ("listening", "server") else 0
    return f"AT{KINDS[kind]},{role}" + (f",{SEC_TAG}" if "tls" in kind else "")


def entering(word: str, kind: str, state: str, port: str, handle: str = "") -> list[str]:
    """Return the commands that bring an open socket into ``state``.

    Args:
        word: the whole word of the transcript, for what is wrong with it.
        kind: one of `KINDS`.
        state: connected, bound, listening, server, or nothing.
        port: where to, or at.
        handle: the socket's handle and a comma, where commands take one.

    Raises:
        ValueError: there is no such state, or it needs a port.
    """
    if state in ("", "server"):
        return []
    if state == "connected":
        return [f'AT#XCONNECT={handle}"{PEER[2 if kind.endswith("6") else 1]}",{port or PEER_PORT}']
    if state == "bound" and port:
        return [f"AT#XBIND={handle}{port}"]
    if state == "listening" and port:
        listen = f"AT#XLISTEN={handle.rstrip(',')}" if handle else "AT#XLISTEN"
        return [f"AT#XBIND={handle}{port}", listen]
    raise ValueError(f"{word!r}: the state is one of connected, bound:PORT, listening:PORT, server")
