"""What the properties have to know of each dialect: how it ends a command, and lines that move data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PLAIN = re.compile(rb"\r\n(OK|ERROR|\+CM[ES] ERROR: \d+)\r\n")
NUMBERED = re.compile(rb"\r\n(OK|ERROR: \d+)\r\n")


@dataclass(frozen=True)
class Traits:
    """One dialect.

    Attributes:
        result: a final result; the stream holds one for each command line.
        ping: a command that is always OK.
        unsafe: commands that are never made up: they restart, sleep, take data, or may wait for ever.
        transfers: lines that move data and end; ``{h}`` is a handle, ``{f}`` a flag, ``{t}`` a timeout.
        connect: the commands that connect the first socket to 192.0.2.1, port 7, over TCP (1) or UDP (2).
        sends: the commands that then enter data mode.
        left: what the modem says when data mode ends.
        entered: what it says when data mode begins.
    """

    result: re.Pattern[bytes]
    ping: bytes
    unsafe: str
    transfers: tuple[str, ...]
    connect: dict[int, tuple[bytes, ...]] = field(default_factory=dict)
    sends: dict[int, bytes] = field(default_factory=dict)
    entered: bytes = b""
    left: bytes = b""


SM = Traits(
    result=PLAIN,
    ping=b"AT",
    unsafe="RESET|SLEEP|SHUTDOWN|SEND|RECV|ACCEPT",
    transfers=(
        'AT#XSEND={h},0,{f},"hello"',
        'AT#XSEND={h},1,{f},"68656c6c6f"',
        'AT#XSENDTO={h},0,{f},"peer.test",7,"hello"',
        "AT#XRECV={h},1,{f},{t}",
        "AT#XRECVFROM={h},0,{f},{t},10",
        "AT#XACCEPT={h},{t}",
    ),
    connect={type: (b"AT#XSOCKET=1,%d,0" % type, b'AT#XCONNECT=0,"192.0.2.1",7') for type in (1, 2)},
    sends={1: b"AT#XSEND=0,2,0", 2: b"AT#XSEND=0,2,0"},
    entered=b"\r\nOK\r\n",
    left=b"\r\n#XDATAMODE: 0\r\n",
)

_SLM_TRANSFERS = (
    'AT#XSEND="hello"',
    'AT#XSENDTO="peer.test",7,"hello"',
    "AT#XRECV={t}",
    "AT#XRECVFROM={t}",
    "AT#XACCEPT={t}",
)

SLM_1_9 = Traits(
    result=PLAIN,
    ping=b"AT",
    unsafe="RESET|SLEEP|SHUTDOWN|SEND|RECV|ACCEPT|XPOLL",
    transfers=_SLM_TRANSFERS,
    connect={type: (b"AT#XSOCKET=1,%d,0" % type, b'AT#XCONNECT="192.0.2.1",7') for type in (1, 2)},
    sends={1: b"AT#XSEND", 2: b"AT#XSEND"},
    left=b"\r\nOK\r\n",
)

SLM_2_0 = Traits(
    result=PLAIN,
    ping=b"AT",
    unsafe=SLM_1_9.unsafe,
    transfers=(*_SLM_TRANSFERS, "AT#XSOCKETSELECT={h}", "AT#XPOLL={t}", "AT#XPOLL={t},{h}"),
    connect=SLM_1_9.connect,
    sends=SLM_1_9.sends,
    left=SLM_1_9.left,
)

SLM_2_7 = Traits(
    result=PLAIN,
    ping=b"AT",
    unsafe=SLM_1_9.unsafe,
    transfers=(*SLM_2_0.transfers, 'AT#XTCPSEND="hello"', 'AT#XUDPSEND="hello"', "AT#XTCPHANGUP={h}"),
    connect={1: (b'AT#XTCPCLI=1,"192.0.2.1",7',), 2: (b'AT#XUDPCLI=1,"192.0.2.1",7',)},
    sends={1: b"AT#XTCPSEND", 2: b"AT#XUDPSEND"},
    entered=b"\r\nOK\r\n",
    left=b"\r\n#XDATAMODE: 0\r\n",
)

AMEBA = Traits(
    result=NUMBERED,
    ping=b"AT+TEST",
    unsafe="RST|TEST|SENDRAW|WLCONN|WLDISCONN",  # whether a link has heard of the last two yet is a matter of timing
    transfers=(
        "AT+SKTSEND={h},5,192.0.2.1,7,hello",
        "AT+SKTREAD={h},10",
        "AT+SKTDEL={h}",
        "AT+SKTCLIENT={h},1,,192.0.2.1,7,,{f}",
        "AT+SKTSERVER={h},0,,1000,{f}",
    ),
)

TRAITS = {"sm-1.0": SM, "slm-1.9": SLM_1_9, "slm-2.0": SLM_2_0, "slm-2.7": SLM_2_7, "ameba-2.4": AMEBA}
