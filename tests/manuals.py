"""What the five manuals say about the values of their parameters, in their own words, and nothing of our code.

A row is one sentence of a manual: a line of the host with ``{}`` for the value, the values that the sentence lists
(of a range both ends), values that it does not list, and those of the latter that the firmware takes all the same.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One sentence about the values of one parameter."""

    says: str
    line: str
    listed: tuple[object, ...]
    outside: tuple[object, ...] = ()
    firmware: tuple[object, ...] = ()
    given: str = ""
    """The sockets that there are, as a transcript names them."""


NO_UINT16 = (-1, 65536, '"1"')
PORT = ("an unsigned 16-bit integer (0 - 65535)", (1, 65535), NO_UINT16)
"""Port 0 is listed too, but there is no peer at it: it is tried where a port is bound to."""
BINARY = ((0, 1), (-1, 2))
HANDSHAKE = "one of the following values: 1, 3, 7, 15, 31, 63, 123"
HANDSHAKE_TIMES = (1, 3, 7, 15, 31, 63, 123)
INTEGERS = (-(2**31), 0, 2**31 - 1)
TAG = 16842753


def port(line, given=""):
    """Return the row of a port that is connected or sent to."""
    says, listed, outside = PORT
    return Row(f"<port> is {says}", line, listed, outside, given=given)


def get_or_set(line, names, *, gettable, settable, words, given, firmware=()):
    """Return the rows of options in both directions: which can be got, and which can be set.

    ``line`` has the <op>, the <name> and the rest of the line; ``names`` has a good value for each option.
    """
    unknown = (1, 19, 99)
    yield Row(
        f"{words}: set-only ones cannot be got",
        line("0", "{}", ""),
        tuple(gettable),
        (*sorted(set(names) - set(gettable) - {4, 11, 15}), *unknown),
        firmware,
        given,
    )
    for name in settable:
        yield Row(f"{words}: {name} can be set", line("1", name, "{}"), (names[name],), given=given)
    for name in (*sorted(set(names) - set(settable)), *unknown):
        yield Row(f"{words}: {name} is get-only, or no option", line("1", "{}", ",1"), (), (name,), given=given)


def sm_option(command):
    """Return how a line gets or sets an option of socket 0."""
    return lambda op, name, value: f"AT#{command}=0,{op},{name}{',' if value and value[0] != ',' else ''}{value}"


def slm_option(command):
    """Return how a line gets or sets an option of the active socket."""
    return lambda op, name, value: f"AT#{command}={op},{name}{',' if value and value[0] != ',' else ''}{value}"


def values_of_options(line, given, **values):
    """Return a row for each option: what it may be set to, and what not."""
    for name, (says, listed, outside, *firmware) in values.items():
        number = int(name.lstrip("_"))
        yield Row(f"option {number}: {says}", line("1", number, "{}"), listed, outside, *firmware, given=given)


SECONDS = ("an integer that indicates the timeout in seconds", (0, 1, 2**31 - 1), (-1, 2**31, '"1"'))
SWITCH = ("0 for disabled or 1 for enabled", *BINARY)

SM_PLAIN = {2: 1, 20: 1, 21: 1, 30: 1, 31: 1, 32: 1, 40: 0, 55: 1, 61: 2, 62: 1}
SM_SECURE = {2: '"a.example"', 4: 1, 5: 1, 12: 1, 13: 1, 14: 1, 15: 1, 18: 1}

SM = (
    Row("<op> is 1 or 2", "AT#XSOCKET={},1,0", (1, 2), (0, 3, *NO_UINT16)),
    Row("<type> is 1, 2 or 3", "AT#XSOCKET=1,{},0", (1, 2, 3), (0, 4, *NO_UINT16)),
    Row("<role> is 0 or 1", "AT#XSOCKET=1,1,{}", (0, 1), (2, 3, 65535, *NO_UINT16), (2, 3, 65535)),
    Row("<role> is 0 or 1", "AT#XSOCKET=1,3,{}", (0, 1), (2,), (2,)),
    Row("<cid> is an integer indicating the PDN connection", "AT#XSOCKET=1,1,0,{}", (0,), (-1, 11, '"0"')),
    Row("<op> is 1 or 2", f"AT#XSSOCKET={{}},1,0,{TAG}", (1, 2), (0, 3, *NO_UINT16)),
    Row("<type> is 1 or 2", f"AT#XSSOCKET=1,{{}},0,{TAG}", (1, 2), (0, 3, *NO_UINT16)),
    Row("<role> is 0 or 1", f"AT#XSSOCKET=1,1,{{}},{TAG}", (0, 1), (2, *NO_UINT16)),
    Row("<sec_tag> is an integer", "AT#XSSOCKET=1,1,0,{}", (0, TAG, 2**31 - 1), (2**31, '"1"')),
    Row("<peer_verify> is 0, 1 or 2", f"AT#XSSOCKET=1,1,0,{TAG},{{}}", (0, 1, 2), (-1, 3)),
    Row("<cid> is an integer indicating the PDN connection", f"AT#XSSOCKET=1,1,0,{TAG},2,{{}}", (0,), (-1, 11)),
    Row("<handle> is the handle of an open socket", "AT#XCLOSE={}", (0,), (-1, 1, '"0"'), given="0:tcp"),
    Row("<op> is 0 or 1", "AT#XSOCKETOPT=0,{},20,1", *BINARY, given="0:tcp"),
    Row("<op> is 0 or 1", "AT#XSSOCKETOPT=0,{},5,1", *BINARY, given="0:tls"),
    *get_or_set(
        sm_option("XSOCKETOPT"),
        SM_PLAIN,
        gettable=(20, 21, 30, 31, 32, 55, 62),
        settable=SM_PLAIN,
        words="<name> is 2 (set-only), 20, 21, 30, 31, 32, 40 (set-only), 55, 61 (set-only) or 62",
        given="0:tcp",
    ),
    *get_or_set(
        sm_option("XSSOCKETOPT"),
        SM_SECURE,
        gettable=(2, 5, 12, 18),
        settable=(2, 5, 12, 13, 14, 18),
        words="<name> is 2, 4 (get-only), 5, 12, 13 (set-only), 14 (set-only), 15 (get-only) or 18",
        given="0:dtls",
        firmware=(14,),
    ),
    *values_of_options(
        sm_option("XSOCKETOPT"),
        "0:tcp",
        _2=SWITCH,
        _20=SECONDS,
        _21=SECONDS,
        _30=("0 for allowing ICMP echo replies or 1 for disabling them", *BINARY),
        _31=SWITCH,
        _32=SWITCH,
        _40=("the packet data network ID to bind to", (0,), (-1, 11)),
        _55=("values from the range 0 to 135", (0, 1, 135), (-1, 136)),
        _61=("1, 2, 3, 4 or 5", (2, 3, 4, 5), (-1, 0, 6)),
        _62=SWITCH,
    ),
    Row("RAI_NO_DATA is 1", "AT#XSOCKETOPT=0,1,61,{}", (1,), given="0:tcp:connected"),
    *values_of_options(
        sm_option("XSSOCKETOPT"),
        "0:dtls",
        _2=("a string; it can be NULL", ('"a.example"', '"NULL"'), (5,)),
        _5=("0 for none, 1 for optional or 2 for required", (0, 1, 2), (-1, 3, '"1"')),
        _12=SWITCH,
        _13=("any integer value", INTEGERS, ('"1"',)),
        _14=("one of the following values: 0, 1, 2", (0, 1, 2), (-1, 3)),
        _18=(HANDSHAKE, HANDSHAKE_TIMES, (-1, 0, 2, 124)),
    ),
    Row("<port> is an unsigned 16-bit integer (0 - 65535)", "AT#XBIND=0,{}", (0, 1, 65535), NO_UINT16, given="0:tcp"),
    port('AT#XCONNECT=0,"192.0.2.1",{}', "0:tcp"),
    Row(
        "<handle> is the handle of an open socket", "AT#XBIND=0,80\nAT#XLISTEN={}", (0,), (-1, 1), given="0:tcp:server"
    ),
    Row("<timeout> is in seconds, 0 for none", "AT#XACCEPT=0,{}", (0, 1), ('"1"', 2**31), given="0:tcp:listening:80"),
    Row("<mode> is 0, 1 or 2", 'AT#XSEND=0,{},0,"41"', (0, 1, 2), (-1, 3), given="0:tcp:connected"),
    Row("<flags> is 0 or 512", 'AT#XSEND=0,0,{},"41"', (0, 512), (-1, 1, 2, 256, 513), given="0:tcp:connected"),
    Row(
        "with <flags> 512 valid timeout values are 1 to 600 seconds",
        'AT#XSOCKETOPT=0,1,21,{}\nAT#XSEND=0,0,512,"41"',
        (1, 600),
        (0, 601),
        given="0:tcp:connected",
    ),
    Row(
        "up to 2800 characters",
        "AT#XSEND=0,1,0,{}",
        ('"41"', f'"{"41" * 1400}"'),
        ('"4"', f'"{"41" * 1401}"', f'"{"41" * 1402}"'),
        (f'"{"41" * 1401}"',),
        given="0:tcp:connected",
    ),
    Row("<mode> is 0 or 1", "AT#XRECV=0,{},0,10", *BINARY, given="0:tcp:connected"),
    Row("<flags> is 0, 2, 64 or 256", "AT#XRECV=0,0,{},10,4", (0, 2, 64, 256), (-1, 1, 512), given="0:tcp:connected"),
    Row("<timeout> is in seconds, 0 for none", "AT#XRECV=0,0,0,{}", (0, 1, 2**31 - 1), (-1,), given="0:tcp:connected"),
    Row("<data_len> is at most 2048", "AT#XRECV=0,0,0,10,{}", (1, 2048), (-1, 2049), given="0:tcp:connected"),
    Row("<mode> is 0, 1 or 2", 'AT#XSENDTO=0,{},0,"192.0.2.1",7,"41"', (0, 1, 2), (-1, 3), given="0:udp"),
    Row("<flags> is 0 or 512", 'AT#XSENDTO=0,0,{},"192.0.2.1",7,"41"', (0, 512), (-1, 1, 513), given="0:udp"),
    port('AT#XSENDTO=0,0,0,"192.0.2.1",{},"41"', "0:udp"),
    Row("<mode> is 0 or 1", "AT#XRECVFROM=0,{},0,10", *BINARY, given="0:udp:connected"),
    Row("<flags> is 0, 2 or 64", "AT#XRECVFROM=0,0,{},10", (0, 2, 64), (-1, 1, 256), given="0:udp:connected"),
    Row("<timeout> is in seconds, 0 for none", "AT#XRECVFROM=0,0,0,{}", (0, 1), (-1,), given="0:udp:connected"),
    Row("<data_len> is at most 2048", "AT#XRECVFROM=0,0,0,10,{}", (1, 2048), (-1, 2049), given="0:udp:connected"),
    Row("<op> is 0 or 1", "AT#XAPOLL={},1", *BINARY),
    Row("<events> is a sum of 0, 1 and 4", "AT#XAPOLL=1,{}", (0, 1, 4, 5), (-1, 2, 3, 6, 8)),
    Row("<handleN> is the handle of an open socket", "AT#XAPOLL=1,1,{}", (0,), (-1, 1, '"0"'), given="0:tcp"),
    Row("<address_family> is 0, 1 or 2", 'AT#XGETADDRINFO="both.example",{}', (0, 1, 2), (-1, 3)),
)

SLM_SECURE = {2: '"a.example"', 4: 1, 5: 1, 10: 1, 11: 1, 12: 1}


def slm(first, op_unchecked):
    """Return what the manuals of the versions with one active socket say; ``op_unchecked`` is what 1.9 takes."""
    return (
        Row("<op> is 0, 1 or 2", "AT#XSOCKET={},1,0", (0, 1, 2), (3, 65535, *NO_UINT16), op_unchecked),
        Row("<type> is 1, 2 or 3", "AT#XSOCKET=1,{},0", (1, 2, 3), (0, 4, *NO_UINT16)),
        Row("<role> is 0 or 1", "AT#XSOCKET=1,1,{}", (0, 1), (2, 3, 65535, *NO_UINT16), (2, 3, 65535)),
        Row("<op> is 0, 1 or 2", f"AT#XSSOCKET={{}},1,0,{TAG}", (0, 1, 2), (3, 65535, *NO_UINT16), op_unchecked),
        Row("<type> is 1 or 2", f"AT#XSSOCKET=1,{{}},0,{TAG}", (1, 2), (0, 3, *NO_UINT16)),
        Row("<role> is 0 or 1", f"AT#XSSOCKET=1,1,{{}},{TAG}", (0, 1), (2, *NO_UINT16)),
        Row("<sec_tag> is an integer", "AT#XSSOCKET=1,1,0,{}", (0, TAG, 2**31 - 1), ('"1"',)),
        Row("<peer_verify> is 0, 1 or 2", f"AT#XSSOCKET=1,1,0,{TAG},{{}}", (0, 1, 2), (-1, 3)),
        Row("<op> is 0 or 1", "AT#XSOCKETOPT={},20,1", (0, 1), (2, 65535, *NO_UINT16), (2, 65535), "tcp"),
        Row("<op> is 0 or 1", "AT#XSSOCKETOPT={},5,1", (0, 1), (2, 65535, *NO_UINT16), (2, 65535), "tls"),
        *get_or_set(
            slm_option("XSSOCKETOPT"),
            SLM_SECURE,
            gettable=(2, 5, 10, 12),
            settable=(2, 5, 10, 11, 12),
            words="<name> is 2, 4 (get-only), 5, 10, 11 or 12",
            given="dtls",
            firmware=(1, 19, 99),
        ),
        *values_of_options(
            slm_option("XSSOCKETOPT"),
            "dtls",
            _2=("a string", ('"a.example"',), (5,)),
            _5=("0 or 1; the example sets 2", (0, 1, 2), (-1, 3, '"1"')),
            _10=("0 or 1", *BINARY),
            _11=("any integer value", INTEGERS, ('"1"',)),
            _12=(HANDSHAKE, HANDSHAKE_TIMES, (-1, 0, 2, 124), (0,)),
        ),
        Row("<port> is an unsigned 16-bit integer (0 - 65535)", "AT#XBIND={}", (0, 1, 65535), NO_UINT16, given="tcp"),
        port('AT#XCONNECT="192.0.2.1",{}', "tcp"),
        Row("<timeout> is in seconds, 0 for none", "AT#XACCEPT={}", (0, 1), ('"1"', 2**31), given="tcp:listening:80"),
        Row(
            "the maximum size of the data is 1252 bytes",
            "AT#XSEND={}",
            ('"x"', f'"{"x" * 1252}"'),
            (f'"{"x" * 1253}"', 5),
            given="tcp:connected",
        ),
        Row("<timeout> is in seconds, 0 for none", "AT#XRECV={}", (0, 1), ('"1"', 2**31), given="tcp:connected"),
        port('AT#XSENDTO="192.0.2.1",{},"x"', "udp"),
        Row(
            "its maximum size is 1252 bytes",
            'AT#XSENDTO="192.0.2.1",7,{}',
            ('"x"', f'"{"x" * 1252}"'),
            (f'"{"x" * 1253}"', 5),
            given="udp",
        ),
        Row("<timeout> is in seconds, 0 for none", "AT#XRECVFROM={}", (0, 1), ('"1"', 2**31), given="udp:connected"),
        *(
            (
                Row("-1 means indefinite, 0 no timeout", "AT#XPOLL={}", (-1, 0, 2000), ('"0"', 2**31), given="tcp"),
                Row("<handleN> is the handle of an open socket", "AT#XPOLL=0,{}", (first,), (-1, 5), given="tcp"),
                Row("<handle> is the handle of an open socket", "AT#XSOCKETSELECT={}", (first,), (-1, 5), given="tcp"),
            )
            if not op_unchecked
            else ()
        ),
    )


STOP_OR_START = ("<op> is 0, 1 or 2", (0, 1, 2), (3, 65535, *NO_UINT16), (3, 65535))


def services():
    """Return what the manual of version 2.7 says."""
    says, *values = STOP_OR_START
    for line in ("XTCPSVR={},3442", "XUDPSVR={},3442", 'XTCPCLI={},"both.example",7', 'XUDPCLI={},"both.example",7'):
        yield Row(says, f"AT#{line}", *values)
    for line in ("XTCPSVR=1,{}", "XUDPSVR=1,{}"):
        yield Row("<port> is an unsigned 16-bit integer (0 - 65535)", f"AT#{line}", (0, 1, 65535), NO_UINT16)
    for line in ('XTCPCLI=1,"192.0.2.1",{}', 'XUDPCLI=1,"192.0.2.1",{}'):
        yield port(f"AT#{line}")
    for line in (
        f'XTCPCLI=1,"192.0.2.1",7,{TAG},{{}}',
        f'XUDPCLI=1,"192.0.2.1",7,{TAG},0,{{}}',
        f'XUDPCLI=1,"192.0.2.1",7,{TAG},{{}}',
    ):
        yield Row("<peer_verify>, <use_dtls_cid>: 0, 1 or 2", f"AT#{line}", (0, 1, 2), (-1, 3, '"1"'))
    for line in (f'XTCPCLI=1,"192.0.2.1",7,{TAG},2,{{}}', f'XUDPCLI=1,"192.0.2.1",7,{TAG},0,2,{{}}'):
        yield Row("<hostname_verify> is 0 or 1", f"AT#{line}", *BINARY)
    for line in ('XTCPCLI=1,"192.0.2.1",7,{}', 'XUDPCLI=1,"192.0.2.1",7,{}'):
        yield Row("<sec_tag> is an integer", f"AT#{line}", (TAG,), (2**31, '"1"'))
    for name in ("TCP", "UDP"):
        yield Row(
            "the maximum size of the data is 1024 bytes",
            f"AT#X{name}SEND={{}}",
            ('"x"', f'"{"x" * 1024}"'),
            (f'"{"x" * 1025}"', 5),
            given=f"{name.lower()}cli",
        )


AMEBA_PORT = ("Range: [1,65535]", (1, 65535), (-1, 0, 65536))
LINK_ID = "Range: [0, MEMP_NUM_NETCONN-1], currently MEMP_NUM_NETCONN=20"

AMEBA = (
    *(
        Row(says, f"AT+SKTCFG={',' * number}{{}}", listed, outside)
        for number, (says, listed, outside) in enumerate(
            [
                ("Non-negative integer", (0, 1, 2**31 - 1, ""), (-1,)),
                ("Non-negative integer", (0, 1, 2**31 - 1, ""), (-1,)),
                ("0: disable TCP_NODELAY, 1: enable TCP_NODELAY", (0, 1, ""), (-1, 2)),
                ("0: disable SO_KEEPALIVE, 1: enable SO_KEEPALIVE", (0, 1, ""), (-1, 2)),
                ("Range: [0,7200]", (0, 1, 7200, ""), (-1, 7201)),
                ("Range: [0,75]", (0, 1, 75, ""), (-1, 76)),
                ("Range: [0,10]", (0, 1, 10, ""), (-1, 11)),
            ]
        )
    ),
    Row(LINK_ID, "AT+SKTSERVER={},1,,80,0", (0, 19), (-1, 20, "")),
    Row("0 UDP, 1 TCP, 2 and 3 TLS", "AT+SKTSERVER=0,{},1,80,0", (0, 1, 2, 3), (-1, 4, "")),
    Row("Range: [1-10]", "AT+SKTSERVER=0,2,{},80,0", (1, 10), (-1, 0, 11, "")),
    Row(AMEBA_PORT[0], "AT+SKTSERVER=0,1,,{},0", *AMEBA_PORT[1:]),
    Row("0: don't enable, 1: enable", "AT+SKTSERVER=0,1,,80,{}", (0, 1), (-1, 2, "")),
    Row(LINK_ID, "AT+SKTCLIENT={},1,,192.0.2.1,7,,0", (0, 19), (-1, 20, "")),
    Row("0 UDP, 1 TCP, 2 to 5 TLS", "AT+SKTCLIENT=0,{},1,192.0.2.1,7,5000,0", (0, 1, 2, 3, 4, 5), (-1, 6, "")),
    *(
        Row("Range: [1-10]", f"AT+SKTCLIENT=0,{conn_type},{{}},192.0.2.1,7,,0", (1, 10), (-1, 0, 11, ""))
        for conn_type in (3, 4, 5)
    ),
    Row("Domain name maximum length: 255", "AT+SKTCLIENT=0,1,,{},7,,0", ("192.0.2.1", "both.example"), ("", "x" * 256)),
    Row(AMEBA_PORT[0], "AT+SKTCLIENT=0,1,,192.0.2.1,{},,0", *AMEBA_PORT[1:]),
    Row(AMEBA_PORT[0], "AT+SKTCLIENT=0,0,,192.0.2.1,7,{},0", AMEBA_PORT[1], (*AMEBA_PORT[2], "")),
    Row("0: don't enable, 1: enable", "AT+SKTCLIENT=0,1,,192.0.2.1,7,,{}", (0, 1), (-1, 2, "")),
    Row(LINK_ID, "AT+SKTSEND={},1,,,x", (0,), (-1, 1, 20, ""), given="0:tcp:connected"),
    Row("length is specified by <data_size>", "AT+SKTSEND=0,{},,,xyz", (3,), (-1, 0, 2, 4), given="0:tcp:connected"),
    Row(AMEBA_PORT[0], "AT+SKTSEND=0,1,192.0.2.1,{},x", *AMEBA_PORT[1:], given="0:udp:bound:80"),
    Row(LINK_ID, "AT+SKTREAD={},5", (0,), (-1, 1, 20, ""), given="0:tcp:connected"),
    Row("the number of bytes to read", "AT+SKTREAD=0,{}", (1, 2048), (-1, 0, ""), given="0:tcp:connected"),
    Row(LINK_ID, "AT+SKTSENDRAW={},1", (0,), (-1, 1, 20, ""), given="0:tcp:connected"),
    Row("Arbitrarily user-specified", "AT+SKTSENDRAW=0,{}", (1, 2**31 - 1), (-1, 0, ""), given="0:tcp:connected"),
    Row(AMEBA_PORT[0], "AT+SKTSENDRAW=0,1,192.0.2.1,{}", *AMEBA_PORT[1:], given="0:udp:bound:80"),
    Row(LINK_ID, "AT+SKTDEL={}", (0,), (-1, 1, 20, ""), given="0:tcp:connected"),
)

ROWS = {
    "sm-1.0": SM,
    "slm-1.9": slm(1, (3, 65535)),
    "slm-2.0": slm(0, ()),
    "slm-2.7": (*services(), *slm(1, ())),
    "ameba-2.4": AMEBA,
}
