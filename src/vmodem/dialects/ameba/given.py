"""The state that a transcript starts from, as the commands that bring a fresh Ameba into it.

0:tcp:connected 1:udp:connected:5000 2:tcp:listening:80 7:udp:bound:1234
"""

from __future__ import annotations

from typing import Final

from vmodem.dialects.ameba.device import MEMP_NUM_NETCONN

PEER: Final = "192.0.2.1"
"""Whom a connected socket is connected to."""

PEER_PORT: Final = 7
SOURCE_PORT: Final = 5000
"""The port of a UDP client, to which its link id is added."""

RESET: Final = ("AT+SKTCFG=", *(f"AT+SKTDEL={link_id}" for link_id in range(MEMP_NUM_NETCONN)))
"""What brings a device that was used before into the state of a fresh one; links that there are not are errors."""

COMMANDS: Final = {
    ("tcp", "connected"): "AT+SKTCLIENT={id},1,,{peer},{port},,0",
    ("udp", "connected"): "AT+SKTCLIENT={id},0,,{peer},{port},{source},0",
    ("tcp", "listening"): "AT+SKTSERVER={id},1,,{port},0",
    ("udp", "bound"): "AT+SKTSERVER={id},0,,{port},0",
}


def given(spec: str) -> list[str]:
    """Return the commands that make the links ``spec`` names; where it is empty, those that reset the device.

    Args:
        spec: ``ID:KIND:STATE[:PORT]`` for each link, with any ids. ``tcp:connected`` and ``udp:connected`` are clients,
            of the peer's port 7 where none is given; ``tcp:listening:PORT`` and ``udp:bound:PORT`` are servers. All are
            without auto_rcv.

    Raises:
        ValueError: the spec makes no sense.
    """
    if not spec:
        return list(RESET)
    return [_command(word) for word in spec.split()]


def _command(word: str) -> str:
    link_id, kind, state, port = (*word.split(":"), "", "", "")[:4]
    if (kind, state) not in COMMANDS or not link_id.isdigit() or (state != "connected" and not port):
        raise ValueError(
            f"{word!r} is no link: ID:tcp:connected[:PORT], ID:udp:connected[:PORT], ID:tcp:listening:PORT"
            " or ID:udp:bound:PORT"
        )
    source = SOURCE_PORT + int(link_id)
    return COMMANDS[kind, state].format(id=link_id, peer=PEER, port=port or PEER_PORT, source=source)
