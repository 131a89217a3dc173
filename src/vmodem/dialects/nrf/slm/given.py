"""The state that a transcript starts from, as the commands that bring a fresh Serial LTE Modem into it.

tcp:connected udp:bound:1234 tcp6 tcp:listening:8080 dtls tcp:server          sockets, in the order of opening
tcpsvr:3442 tcpcli udpsvr:3442 udpcli                                         services, of version 2.7
"""

from __future__ import annotations

from typing import Final

from vmodem.dialects.nrf.given import KINDS, PEER, PEER_PORT, entering, opening

SERVERS: Final = {"tcpsvr": "#XTCPSVR=1", "udpsvr": "#XUDPSVR=1"}
CLIENTS: Final = {"tcpcli": "#XTCPCLI=1", "udpcli": "#XUDPCLI=1"}

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
            lines += [opening(kind, state), *entering(word, kind, state, port)]
        else:
            raise ValueError(f"{word!r} is neither a service nor a socket, one of {', '.join(KINDS)}")
    return lines
