"""What commands that wait have to answer, whatever their peer does: the expected outcomes, as data for two worlds.

A cell is a command, what its peer does, whether that is before or while the command waits, and what comes of it. The
same cells run on the network in memory and, those without long waits, on real sockets.
"""

import dataclasses
import itertools

from OpenSSL import SSL

from tests.certificates import CERTIFICATES

TIMEOUT = 5
"""Seconds, where a command or a socket has a timeout."""

ONCE, LATE, NEVER = "at once", "at the timeout", "never"

END = {"sm-1.0": b"\r", "ameba-2.4": b"\r"}
PLAIN = ("nothing", "closes", "shuts down", "resets", "link")
SECURE = (*PLAIN, "says goodbye", "says goodbye and closes")
TRANSPORTS = {
    "tcp": PLAIN,
    "tls": SECURE,
    "udp": ("nothing", "link"),
    "dtls": ("nothing", "link", "says goodbye"),
}
"""What can happen to each connection besides data."""

DIALECTS = ("sm-1.0", "slm-1.9", "slm-2.0", "slm-2.7", "ameba-2.4")
STREAMS = ("tcp", "tls")
OK, ERROR = b"\r\nOK\r\n", b"\r\nERROR\r\n"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One answer, and when it comes."""

    when: str
    answer: bytes = b""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One command that waits.

    Attributes:
        dialect: which modem.
        transport: what connects it and its peer.
        line: the command.
        happens: what happens to the connection.
        data: what the peer sends before that.
        before: whether it happens before the command is sent, or while it waits.
        outcomes: what is answered, each time that the command is sent.
        setup: lines that are sent before, each answered with OK.
        fills: whether so much has been sent that the network takes no more.
        raw: what is sent behind the line, as it is.
        opening: what the command answers at once, before it waits.
    """

    dialect: str
    transport: str
    line: str
    happens: str
    data: bytes
    before: bool
    outcomes: tuple[Outcome, ...]
    setup: tuple[str, ...] = ()
    fills: bool = False
    raw: bytes = b""
    opening: bytes = b""

    @property
    def name(self):
        parts = [self.dialect, self.transport, self.line, self.happens, "before" if self.before else "while"]
        return " ".join([*parts, *(["data"] if self.data else []), *self.setup])


# Receive

BEHIND = {
    "nothing": "timeout",
    "closes": "end",
    "shuts down": "end",
    "says goodbye": "end",
    "says goodbye and closes": "end",
    "resets": "error",
    "link": "error",
}
"""What a receive tells once there is no data, as recv(2) does: 0 behind the end of a stream, otherwise the error."""


@dataclasses.dataclass(frozen=True)
class Receive:
    """A receive command, and how its dialect says what came of it."""

    dialect: str
    transports: tuple[str, ...]
    line: str
    data: bytes
    end: bytes = OK
    error: bytes = ERROR
    again: bytes = ERROR  # after an end or an error was told
    timeout: bytes = ERROR
    timeout_is: str = LATE
    whole: bool = False  # it waits for more than comes
    keeps: bool = False  # it leaves data where it is

    def outcomes(self, happens, data):
        """Return what is told, as often as it is asked."""
        behind = BEHIND[happens]
        told = {"end": self.end, "error": self.error, "timeout": self.timeout}[behind]
        when = self.timeout_is if behind == "timeout" else ONCE
        if not data or happens == "link":  # what came before the link was lost is lost with it
            again = {"end": self.end if self.again is ERROR else self.again, "error": self.again}.get(behind, told)
            return Outcome(when, told), *([Outcome(when, again)] if when != NEVER else [])
        first = Outcome(when if self.whole else ONCE, self.data)
        if first.when == NEVER:
            return (Outcome(NEVER),)
        return first, first if self.keeps else Outcome(when, told)


def receives():
    """Return every receive command, with a timeout and without one."""
    both = (TIMEOUT, LATE), (0, NEVER)
    every = tuple(TRANSPORTS)
    for limit, when in both:
        for flags, transports in ((0, every), (2, every), (256, STREAMS), (258, STREAMS)):
            yield Receive(
                "sm-1.0", transports, f"AT#XRECV=0,0,{flags},{limit},10", b"\r\n#XRECV: 0,0,3\r\nxyz\r\nOK\r\n",
                timeout_is=when, whole=flags >= 256, keeps=bool(flags & 2),
            )  # fmt: skip
        yield Receive(
            "sm-1.0", every, f"AT#XRECVFROM=0,0,0,{limit}", b'\r\n#XRECVFROM: 0,0,3,"%b",%d\r\nxyz\r\nOK\r\n',
            timeout_is=when,
        )  # fmt: skip
        for dialect in ("slm-2.0", "slm-2.7"):
            yield Receive(dialect, every, f"AT#XRECV={limit}", b"\r\n#XRECV: 3\r\nxyz\r\nOK\r\n", timeout_is=when)
            yield Receive(
                dialect, every, f"AT#XRECVFROM={limit}", b'\r\n#XRECVFROM: 3,"%b"\r\nxyz\r\nOK\r\n', timeout_is=when
            )
        yield Receive("slm-1.9", every, f"AT#XRECV={limit}", b"xyz\r\n#XRECV: 3\r\n\r\nOK\r\n", timeout_is=when)
    for flags in (64, 64 + 256):
        yield Receive(
            "sm-1.0", STREAMS, f"AT#XRECV=0,0,{flags},0,10", b"\r\n#XRECV: 0,0,3\r\nxyz\r\nOK\r\n", timeout_is=ONCE
        )
    yield Receive(
        "ameba-2.4", STREAMS, "AT+SKTREAD=0,10", b"+SKTREAD:0,3,xyz\r\nOK\r\n", timeout_is=ONCE,
        timeout=b"+SKTREAD:0,0,\r\nOK\r\n", end=b"\r\nERROR: 4\r\n", error=b"\r\nERROR: 4\r\n",
        again=b"\r\nERROR: 1\r\n",
    )  # fmt: skip


def receive_cells():
    """Yield every receive with everything that can happen."""
    for receive in receives():
        for transport in receive.transports:
            for happens, data, before in itertools.product(TRANSPORTS[transport], (b"", b"xyz"), (True, False)):
                if not before and receive.timeout_is == ONCE:
                    continue  # it does not wait
                outcomes = receive.outcomes(happens, data)
                yield Cell(receive.dialect, transport, receive.line, happens, data, before, outcomes)


# Send

BLOCKED = {
    "nothing": LATE,
    "closes": ONCE,  # with unread data at the peer: a reset
    "shuts down": LATE,  # it may read on
    "resets": ONCE,
    "link": ONCE,
    "says goodbye": LATE,
    "says goodbye and closes": ONCE,
}
"""When a send to a peer that takes nothing ends, as send(2) does."""


@dataclasses.dataclass(frozen=True)
class Send:
    """A send command that waits for a peer that reads nothing, and what it says when that was in vain."""

    dialect: str
    line: str
    failed: bytes
    late: str = LATE
    setup: tuple[str, ...] = ()
    fills: bool = True
    raw: bytes = b""
    opening: bytes = b""


def sends():
    """Return every way to send: at once, with flag 512, in data mode; with a timeout, and without one."""
    for limit, late in ((TIMEOUT, LATE), (0, NEVER)):
        sm = (f"AT#XSOCKETOPT=0,1,21,{limit}",)
        failed = b"\r\n#XSEND: 0,0\r\n\r\nERROR\r\n"
        yield Send("sm-1.0", 'AT#XSEND=0,0,0,"waits"', failed, late, sm)
        data_mode = {"raw": b"waits+++", "opening": OK}
        yield Send("sm-1.0", "AT#XSEND=0,2,0", b"\r\n#XDATAMODE: 0\r\n", late, sm, **data_mode)
        if limit:
            yield Send("sm-1.0", 'AT#XSEND=0,0,512,"waits"', failed, late, sm)
            yield Send("sm-1.0", 'AT#XSEND=0,0,512,"waits"', failed, late, sm, fills=False)
            yield Send("sm-1.0", "AT#XSEND=0,2,512", b"\r\n#XDATAMODE: 0\r\n", late, sm, fills=False, **data_mode)
        for dialect in ("slm-1.9", "slm-2.0", "slm-2.7"):
            if limit:
                slm = (f"AT#XSOCKETOPT=1,21,{limit}",)
                yield Send(dialect, 'AT#XSEND="waits"', b"\r\n#XSEND: 0\r\n\r\nERROR\r\n", LATE, slm)
        yield Send("slm-2.7", "AT#XSEND", b"\r\n#XDATAMODE: 0\r\n", late, (f"AT#XSOCKETOPT=1,21,{limit}",), **data_mode)
        yield Send("ameba-2.4", "AT+SKTSEND=0,5,,,waits", b"\r\nERROR: 2\r\n", late, (f"so_sndtimeo {limit}",))
        yield Send(
            "ameba-2.4", "AT+SKTSENDRAW=0,5", b"\r\nERROR: 2\r\n", late, (f"so_sndtimeo {limit}",),
            raw=b"waits", opening=b">>>\r\n",
        )  # fmt: skip


def send_cells():
    """Yield every send with everything that can happen."""
    for send, transport in itertools.product(sends(), STREAMS):
        if send.dialect == "ameba-2.4" and transport == "tls":
            continue  # no socket option is a TLS link's
        for happens, data, before in itertools.product(TRANSPORTS[transport], (b"", b"xyz"), (True, False)):
            when = BLOCKED[happens]
            outcome = Outcome(send.late if when == LATE else when, b"" if when == send.late == NEVER else send.failed)
            if outcome.when == NEVER:
                outcome = Outcome(NEVER)
            if before and not send.fills and when == ONCE and happens == "closes":
                continue  # there is nothing unread then: that is another cell
            yield Cell(
                send.dialect, transport, send.line, happens, data, before, (outcome,), send.setup, send.fills,
                send.raw, send.opening,
            )  # fmt: skip


# Poll

POLLED = {
    "nothing": 0,
    "closes": 0x11,
    "shuts down": 0x11,
    "says goodbye": 0x11,
    "says goodbye and closes": 0x11,
    "resets": 0x19,
    "link": 0x10,
}
"""What poll(2) shows behind the data: 1 readable, 8 error, 16 hang-up. Data is readable, too."""


def poll_cells():
    """Yield every poll with everything that can happen."""
    for dialect, transport in itertools.product(("slm-2.0", "slm-2.7"), TRANSPORTS):
        for limit, when in ((TIMEOUT * 1000, LATE), (-1, NEVER), (0, ONCE)):
            for happens, data, before in itertools.product(TRANSPORTS[transport], (b"", b"xyz"), (True, False)):
                if not before and limit == 0:
                    continue  # it does not wait
                events = POLLED[happens] | (1 if data and happens != "link" else 0)
                line = f'\r\n#XPOLL: {int(dialect == "slm-2.7")},"0x{events:08x}"\r\n'.encode() if events else b""
                outcome = Outcome(ONCE if events else when, b"" if not events and when == NEVER else line + OK)
                yield Cell(dialect, transport, f"AT#XPOLL={limit}", happens, data, before, (outcome,))


def asynchronous_poll_cells():
    """Yield #XAPOLL with everything that can happen: each event is told once, the first without data in the way."""
    for transport in STREAMS:
        for events, happens, before in itertools.product((0, 1, 5), TRANSPORTS[transport], (True, False)):
            told, writable = POLLED[happens] & (events | 0x18), 4 & events
            if before:
                opening, answer = b"", OK + _polled(told | (writable if happens != "link" else 0))
            else:
                opening, answer = OK + _polled(writable), _polled(told)
            yield Cell(
                "sm-1.0", transport, f"AT#XAPOLL=1,{events}", happens, b"", before, (Outcome(ONCE, answer),),
                opening=opening,
            )  # fmt: skip


def _polled(events):
    return b"\r\n#XAPOLL: 0,%d\r\n" % events if events else b""


class SecurePeer:
    """The server's end of a TLS or DTLS connection, by OpenSSL in memory, over a plain peer that sends and takes."""

    def __init__(self, plain, *, datagrams):
        self.plain = plain
        context = SSL.Context(SSL.DTLS_METHOD if datagrams else SSL.TLS_METHOD)
        if not datagrams:
            context.set_max_proto_version(SSL.TLS1_2_VERSION)
        own = CERTIFICATES.server
        context.use_certificate(own.x509)
        context.use_privatekey(own.private)
        self.tls = SSL.Connection(context, None)
        if datagrams:
            self.tls.set_ciphertext_mtu(1200)
        self.tls.set_accept_state()

    def shake(self):
        """Go on with the handshake; return whether it is done."""
        for data in self.plain.take_all():
            self.tls.bio_write(data)
            try:
                self.tls.do_handshake()
                done = True
            except SSL.WantReadError:
                done = False
            self.flush()
            if done:
                return True
        return False

    def flush(self):
        try:
            while True:
                self.plain.send(self.tls.bio_read(65536))
        except SSL.WantReadError:
            pass

    def send(self, data):
        self.tls.send(data)
        self.flush()

    def say_goodbye(self):
        self.tls.shutdown()
        self.flush()


def happen(plain, secure, cell, lose_link):
    """Let the peer do what ``cell`` says."""
    if cell.data:
        (secure or plain).send(cell.data)
    happens = cell.happens
    if happens.startswith("says goodbye"):
        secure.say_goodbye()
    if happens.endswith("closes"):
        plain.close()
    elif happens == "shuts down":
        plain.shut_down()
    elif happens == "resets":
        plain.reset()
    elif happens == "link":
        lose_link()
