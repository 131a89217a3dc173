"""The state that a transcript starts from, as the commands that bring a fresh Serial Modem into it.

0:tcp:connected 1:udp:bound:1234 2:tcp6 3:tcp:listening:8080 4:dtls
"""

from __future__ import annotations

from typing import Final

from vmodem.dialects.nrf.given import KINDS, entering, opening

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
        lines += [opening(kind, state), *entering(word, kind, state, port, f"{handle},")]
    return lines
