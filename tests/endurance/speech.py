"""How a host of each dialect moves a stream, and lines that one might send, right or wrong."""

import os
import re
import select
import time
from dataclasses import dataclass, replace

from tests.patience import PATIENCE

RESULT = re.compile(rb"(?:^|\r\n)(OK|ERROR(?:: \d+)?|\+CM[ES] ERROR: \d+)\r\n")


@dataclass(frozen=True)
class Speech:
    """One dialect.

    Attributes:
        connect: the lines that connect to port ``{port}``.
        send: the line that sends ``{text}``, ``{size}`` bytes.
        receive: the line that receives; empty where what a peer sends comes by itself.
        data: received bytes in the stream: how many there are, behind them (``after``) or before them.
        close: the line that closes the connection.
        mode: the line that begins data mode for ``{size}`` bytes.
        entered: what is answered then.
        end: what ends data mode.
        left: what is answered then.
    """

    connect: tuple[str, ...]
    send: str
    receive: str
    data: re.Pattern[bytes]
    close: str
    mode: str
    entered: re.Pattern[bytes] | None
    end: bytes
    left: re.Pattern[bytes]
    after: bool = False


DATAMODE = re.compile(rb"\r\n#XDATAMODE: 0\r\n")
OK = re.compile(rb"\r\nOK\r\n")

SLM = Speech(
    connect=("AT#XSOCKET=1,1,0", 'AT#XCONNECT="127.0.0.1",{port}'),
    send='AT#XSEND="{text}"',
    receive="AT#XRECV=1",
    data=re.compile(rb"([0-9a-f.]+)\r\n#XRECV: (\d+)\r\n"),
    close="AT#XSOCKET=0",
    mode="AT#XSEND",
    entered=None,
    end=b"+++",
    left=OK,
    after=True,
)

SPEECH = {
    "sm-1.0": Speech(
        connect=("AT#XSOCKET=1,1,0", 'AT#XCONNECT=0,"127.0.0.1",{port}'),
        send='AT#XSEND=0,0,0,"{text}"',
        receive="AT#XRECV=0,0,0,1",
        data=re.compile(rb"\r\n#XRECV: 0,0,(\d+)\r\n"),
        close="AT#XCLOSE=0",
        mode="AT#XSEND=0,2,0",
        entered=OK,
        end=b"+++",
        left=DATAMODE,
    ),
    "slm-1.9": SLM,
    "slm-2.0": replace(SLM, data=re.compile(rb"\r\n#XRECV: (\d+)\r\n"), after=False),
    "slm-2.7": Speech(
        connect=('AT#XTCPCLI=1,"127.0.0.1",{port}',),
        send='AT#XTCPSEND="{text}"',
        receive="",
        data=re.compile(rb"\r\n#XTCPDATA: (\d+)\r\n"),
        close="AT#XTCPCLI=0",
        mode="AT#XTCPSEND",
        entered=OK,
        end=b"+++",
        left=DATAMODE,
    ),
    "ameba-2.4": Speech(
        connect=("AT+SKTCLIENT=0,1,,127.0.0.1,{port},,1",),
        send="AT+SKTSEND=0,{size},,,{text}",
        receive="",
        data=re.compile(rb"\[\$\]\[SKT\]\[DATA\]\[0\]\[(\d+)\]:"),
        close="AT+SKTDEL=0",
        mode="AT+SKTSENDRAW=0,{size}",
        entered=re.compile(rb">>>\r\n"),
        end=b"",
        left=OK,
    ),
}


class Talker:
    """The host of a connection: ``received`` are the peer's bytes, ``acked`` counts ours that the modem took."""

    def __init__(self, host, speech):
        self.host = host
        self.speech = speech
        self.received = bytearray()
        self.acked = 0

    def read(self, patience):
        """Take what comes within ``patience`` seconds; the peer's bytes go to ``received``."""
        readable, _, _ = select.select([self.host.fd], [], [], patience)
        if not readable:
            return False
        try:
            piece = os.read(self.host.fd, 65536)
        except OSError:
            piece = b""
        assert piece, f"the modem hung up after {bytes(self.host.got[-200:])!r}"
        self.host.got += piece
        self.sort()
        return True

    def sort(self):
        """Take the peer's bytes out of what has come."""
        got = self.host.got
        while found := self.speech.data.search(got):
            if self.speech.after:
                size = int(found[2])
                assert size == len(found[1]), f"{size} bytes are announced, {len(found[1])} came"
                self.received += found[1]
                del got[found.start() : found.end()]
                continue
            size = int(found[1])
            if len(got) < found.end() + size:
                return
            self.received += got[found.end() : found.end() + size]
            del got[found.start() : found.end() + size]

    def whole(self):
        """Return how much of what has come is before bytes of the peer's that are still to come."""
        found = None if self.speech.after else self.speech.data.search(self.host.got)
        return found.start() if found else len(self.host.got)

    def wait(self, pattern, what):
        """Wait for ``pattern``; return what was found, and forget all up to its end."""
        deadline = time.monotonic() + 4 * PATIENCE
        while not (found := pattern.search(self.host.got, 0, self.whole())):
            left = deadline - time.monotonic()
            assert left > 0, f"nothing came for {what!r} but {bytes(self.host.got[-300:])!r}"
            self.read(left)
        text = bytes(self.host.got[: found.end()])
        del self.host.got[: found.end()]
        return text

    def ask(self, line):
        """Send a line; return its answer, and what came before."""
        self.host.send(line.encode("latin-1") + self.host.end)
        return self.wait(RESULT, line[:80])

    def order(self, line):
        """Send a line that has to be OK."""
        answer = self.ask(line)
        assert answer.endswith(b"OK\r\n"), f"{answer!r} came for {line[:80]!r}"


PORTS = (0, 1, 7, 65535, 65536)
TEXTS = (
    '"127.0.0.1"',
    '"::1"',
    '"localhost"',
    '"nobody.invalid"',
    '"0102"',
    '""',
    "bare",
    "127.0.0.1",
    '"',
    "2001:db8::1",
)
NUMBERS = (-1, 0, 1, 2, 3, 4, 5, 8, 16, 64, 256, 512, 600, 65535, 2**31 - 1, 2**31, -(2**31) - 1)
LIKELY = {
    "sm-1.0": (
        "AT#XSOCKET={n},{n},{n}",
        'AT#XCONNECT={n},"127.0.0.1",{p}',
        "AT#XBIND={n},{q}",
        "AT#XLISTEN={n}",
        "AT#XACCEPT={n},1",
        'AT#XSEND={n},0,{n},"hello"',
        "AT#XSEND={n},2,0",
        "AT#XRECV={n},{n},0,1",
        "AT#XCLOSE",
        "AT#XCLOSE={n}",
        "AT#XAPOLL=1,{n},1",
        'AT#XSENDTO={n},0,0,"127.0.0.1",{p},"hello"',
        "AT#XSSOCKET=1,{n},{n},1",
        'AT#XSENDTO={n},2,0,"127.0.0.1",{p}',
        'AT#XPING="127.0.0.1",{n},100,1,100',
        "AT#XDATACTRL={n}",
    ),
    "slm-1.9": (
        "AT#XSOCKET={n},{n},{n}",
        'AT#XCONNECT="127.0.0.1",{p}',
        "AT#XBIND={q}",
        "AT#XLISTEN",
        "AT#XACCEPT=1",
        "AT#XSEND",
        'AT#XSEND="hello"',
        "AT#XRECV=1",
        "AT#XSOCKET=0",
        'AT#XSENDTO="127.0.0.1",{p},"hello"',
        "AT#XSSOCKET=1,{n},{n},1",
        'AT#XSENDTO="127.0.0.1",{p}',
        "AT#XSOCKETOPT=1,20,1",
        "AT#XSLMUART=115200",
    ),
    "ameba-2.4": (
        "AT+SKTCLIENT={n},{n},,127.0.0.1,{p},,{n}",
        "AT+SKTSERVER={n},{n},,{q},{n}",
        "AT+SKTDEL={n}",
        "AT+SKTREAD={n},100",
        "AT+SKTSEND={n},5,,,hello",
        "AT+SKTSENDRAW={n},{n}",
        "AT+SKTSTATE",
        "AT+SKTSEND={n},5,127.0.0.1,{p},hello",
        "AT+PING=127.0.0.1,{n}",
        "AT+WLDISCONN",
        "AT+SKTCFG={n},{n},{n},{n}",
    ),
}
LIKELY["slm-2.0"] = (*LIKELY["slm-1.9"], "AT#XSOCKETSELECT={n}", "AT#XPOLL=1", "AT#XPOLL=1,{n}")
LIKELY["slm-2.7"] = (
    *LIKELY["slm-2.0"],
    'AT#XTCPCLI=1,"127.0.0.1",{p}',
    "AT#XTCPCLI=0",
    "AT#XTCPSVR=1,{q}",
    "AT#XTCPSVR=0",
    "AT#XTCPSEND",
    'AT#XTCPSEND="hello"',
    "AT#XTCPHANGUP={n}",
    "AT#XUDPSVR=1,{q}",
    "AT#XUDPSVR=0",
    'AT#XUDPCLI=1,"127.0.0.1",{p}',
    "AT#XUDPCLI=0",
    "AT#XUDPSEND",
    'AT#XUDPSEND="hello"',
)


def any_line(dialect, dice, peers, servers):
    """Return a line that a host might send: likely, wild, or no line at all.

    Args:
        dialect: whose line.
        dice: what decides.
        peers: ports where peers are.
        servers: ports that servers may take.
    """
    kind = dice.random()
    if kind < 0.6:
        line = dice.choice(LIKELY[dialect.name])
        return line.format(n=dice.randint(0, 3), p=dice.choice(peers), q=dice.choice(servers)).encode()
    if kind < 0.65:
        return dice.randbytes(dice.randint(0, 300))
    if kind < 0.7:
        return dice.choice((b"+++", b"AT", b"AT" + b"x" * 9000, b'AT="', b"\x08\x7f\x1a\x1b"))
    name = dice.choice([command.name for command in dialect.commands])
    if kind < 0.8:
        return f"AT{name}{dice.choice(('', '?', '=?', '='))}".encode()
    values = dice.choices((*TEXTS, *map(str, NUMBERS), *map(str, servers), ""), k=dice.randint(0, 6))
    return f"AT{name}={','.join(values)}".encode()
