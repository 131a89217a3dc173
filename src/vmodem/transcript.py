"""Transcript files: conversations with a modem that specify it, document it and test it.

A blank line separates blocks; each block is one conversation with a modem that was just powered on.
`parse` reads a file, `play` holds a conversation with a virtual modem, `play_device` with a real one,
`update` writes down what is really answered::

    # page: "Send data #XSEND", example 1
    given sockets 0:tcp:connected
    > AT#XSEND=0,0,0,"Test TCP"
    < #XSEND: 0,8
    < OK
    peer 0 gets "Test TCP"

This module does no I/O but reading the file, and looks at no clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Protocol, TextIO, TypeAlias

from vmodem.config import Config
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import Terminator
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.net.fake import FakeNetwork, FakePeer, FakeSocket
from vmodem.net.interface import Address
from vmodem.virtual import Layer, Virtual

PATIENCE: Final = 5.0
"""Seconds of silence after which a device is taken to have nothing more to say."""

DRAIN: Final = 0.2
"""Seconds of silence that end what a device still had to say before a block."""

ENDS: Final = {Terminator.CR: b"\r", Terminator.LF: b"\n", Terminator.CRLF: b"\r\n"}

Chunking: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""How what the host sends is cut into pieces."""


class TranscriptError(ValueError):
    """A transcript file makes no sense; the message starts with file and line."""


class Port(Protocol):
    """A device that a transcript is played against."""

    def write(self, data: bytes) -> None:
        """Write all of ``data``."""

    def read(self, timeout: float) -> bytes:
        """Return what comes within ``timeout`` seconds, as soon as it does; ``b""`` where nothing does."""


class Dice(Protocol):
    """What `random_chunks` needs of a random.Random."""

    def randint(self, a: int, b: int) -> int:
        """Return a number from ``a`` to ``b``."""


# Steps


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a block: its number in the file and its text."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Send(Step):
    """The host sends ``data``, and the terminator where it is a line."""

    data: bytes
    line: bool


@dataclass(frozen=True, slots=True)
class Expect(Step):
    """The modem sends a line, exactly these bytes, or a line that matches a regular expression."""

    kind: str  # "<", "<|" or "<~"
    data: bytes


@dataclass(frozen=True, slots=True)
class PeerDoes(Step):
    """A peer, named by a handle or an address, does something."""

    who: str
    verb: str
    data: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerConnects(Step):
    """A peer connects to a listening socket."""

    port: int
    address: Address


@dataclass(frozen=True, slots=True)
class Datagram(Step):
    """Anybody sends a datagram to a socket."""

    address: Address
    data: bytes
    handle: int


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Time passes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Nothing(Step):
    """The modem has nothing to say."""


@dataclass(frozen=True, slots=True)
class Given(Step):
    """Something that is so before the conversation begins."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Block:
    """One conversation.

    Attributes:
        path: the file.
        number: the first line.
        end: the last line.
        given: what is so before it begins.
        steps: what happens.
        page: the text of its ``# page:`` comment.
        errata: the manual's mistakes that it tells about.
    """

    path: Path
    number: int
    end: int
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    page: str
    errata: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """The lines that the host sends, for what is covered."""
        return [step.text[2:] for step in self.steps if isinstance(step, Send) and step.line]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a conversation went differently.

    Attributes:
        block: the conversation.
        step: the step that failed.
        expected: what should have come.
        actual: what came.
    """

    block: Block
    step: Step
    expected: str
    actual: str

    def __str__(self) -> str:
        """Show the place, the conversation so far, and both sides."""
        so_far = [s.text for s in (*self.block.given, *self.block.steps) if s.number <= self.step.number]
        shown = "".join(f"    {text}\n" for text in so_far)
        place = f"{self.block.path}:{self.step.number}"
        return f"{place}:\n{shown}expected: {self.expected}\nactual:   {self.actual}"


# Parsing

_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|\{(\d+) ([^}]+)\}|(.?))", re.DOTALL)
_ESCAPES: Final = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\", '"': b'"'}
_STRING: Final = r'"((?:[^"\\]|\\.)*)"'
_VERBS: Final = "closes|resets|accepts|stops reading|reads|is closed"


def unescape(text: str) -> bytes:
    r"""Turn ``\r \n \t \\ \" \xNN`` into bytes, and ``\{COUNT TEXT}`` into repetitions; the rest is UTF-8.

    Raises:
        ValueError: another escape.
    """
    parts: list[bytes] = []
    end = 0
    for found in _ESCAPE.finditer(text):
        parts += [text[end : found.start()].encode(), _unescaped(found)]
        end = found.end()
    return b"".join([*parts, text[end:].encode()])


def _unescaped(found: re.Match[str]) -> bytes:
    code, count, repeated, name = found.groups()
    if code is not None:
        return bytes([int(code, 16)])
    if count is not None:
        return repeated.encode() * int(count)
    if name not in _ESCAPES:
        raise ValueError(f"unknown escape {found[0]}")
    return _ESCAPES[name]


def escape(data: bytes) -> str:
    r"""Turn bytes into text that `unescape` understands."""
    names = {ord(value): f"\\{name}" for name, value in _ESCAPES.items() if name != '"'}
    return "".join(names.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02X}") for byte in data)


def address(text: str) -> Address:
    """Parse ``ADDRESS:PORT``; an IPv6 address stands in brackets."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} is not ADDRESS:PORT")
    return host.strip("[]"), int(port)


def _strings(text: str) -> tuple[bytes, ...]:
    return tuple(unescape(found) for found in re.findall(_STRING, text))


Builder: TypeAlias = Callable[[int, str, "re.Match[str]"], Step]

_DIRECTIVES: Final[list[tuple[re.Pattern[str], Builder]]] = [
    (re.compile(pattern), build)
    for pattern, build in (
        (r">\| ?(.*)", lambda n, t, m: Send(n, t, unescape(m[1]), False)),
        (r"> (.*)", lambda n, t, m: Send(n, t, m[1].encode(), True)),
        (r"(<\|) ?(.*)", lambda n, t, m: Expect(n, t, m[1], unescape(m[2]))),
        (r"(<~?) (.*)", lambda n, t, m: Expect(n, t, m[1], m[2].encode())),
        (r"given > (.*)", lambda n, t, m: Given(n, t, ">", m[1])),
        (r"given (\w+) ?(.*)", lambda n, t, m: Given(n, t, m[1], m[2])),
        (
            r"peer connects to (\d+) from (\S+)",
            lambda n, t, m: PeerConnects(n, t, int(m[1]), address(m[2])),
        ),
        (
            rf"peer (\S+) sends {_STRING} to (\d+)",
            lambda n, t, m: Datagram(n, t, address(m[1]), unescape(m[2]), int(m[3])),
        ),
        (rf"peer (\S+) ({_VERBS})", lambda n, t, m: PeerDoes(n, t, m[1], m[2])),
        (
            rf"peer (\S+) (sends|gets)((?: {_STRING})+)",
            lambda n, t, m: PeerDoes(n, t, m[1], m[2], _strings(m[3])),
        ),
        (
            rf"peer (\S+) sends((?: {_STRING})+) and (closes)",
            lambda n, t, m: PeerDoes(n, t, m[1], m[4], _strings(m[2])),
        ),
        (r"wait (\d+(?:\.\d+)?)", lambda n, t, m: Wait(n, t, float(m[1]))),
        (r"nothing", lambda n, t, m: Nothing(n, t)),
    )
]


def parse_step(number: int, text: str) -> Step:
    """Parse one line.

    Raises:
        ValueError: it is no directive.
    """
    for pattern, build in _DIRECTIVES:
        found = pattern.fullmatch(text)
        if found is not None:
            return build(number, text, found)
    raise ValueError(f"{text!r} is no directive")


def parse(path: Path) -> list[Block]:
    """Read a transcript file.

    Raises:
        TranscriptError: it makes no sense.
        OSError: it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise TranscriptError(f"{path}:1: not UTF-8") from error
    blocks = [_parse_block(path, number, group) for number, group in _groups(lines)]
    return [block for block in blocks if block.steps]


def _groups(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Split the lines of a file at blank ones; each group comes with the number of its first line."""
    group: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            group.append(line)
        elif group:
            yield number - len(group), group
            group = []


def _parse_block(path: Path, first: int, lines: Sequence[str]) -> Block:
    steps: list[Step] = []
    page = ""
    errata: list[str] = []
    for number, text in enumerate(lines, first):
        if text.startswith("# page:"):
            page = text.removeprefix("# page:").strip()
        elif text.startswith("errata:"):
            errata.append(text.removeprefix("errata:").strip())
        elif text[0] in " \t" and errata:
            errata[-1] += " " + text.strip()
        elif not text.startswith("#"):
            try:
                steps.append(parse_step(number, text))
            except ValueError as error:
                raise TranscriptError(f"{path}:{number}: {error}") from error
    return Block(
        path,
        first,
        first + len(lines) - 1,
        tuple(step for step in steps if isinstance(step, Given)),
        tuple(step for step in steps if not isinstance(step, Given)),
        page,
        tuple(errata),
    )


# Chunking


def whole(data: bytes) -> Iterable[bytes]:
    """Send everything in one piece."""
    return (data,)


def bytewise(data: bytes) -> Iterable[bytes]:
    """Send byte by byte."""
    return (data[at : at + 1] for at in range(len(data)))


def random_chunks(dice: Dice) -> Chunking:
    """Return a chunking that cuts wherever ``dice``, a seeded random.Random, says."""

    def chunks(data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            size = dice.randint(1, 8)
            yield data[at : at + size]
            at += size

    return chunks


# Matching


def match(expect: Expect, output: bytearray) -> bool:
    """Take what ``expect`` says off the front of ``output``; return False where that differs."""
    if expect.kind == "<|":
        length = len(expect.data) if output.startswith(expect.data) else -1
    else:
        length = _match_line(expect, output)
    if length < 0:
        return False
    del output[:length]
    return True


def _match_line(expect: Expect, output: bytearray) -> int:
    start = 2 if output.startswith(b"\r\n") else 0
    if expect.kind == "<":
        line = expect.data + b"\r\n"
        return start + len(line) if output.startswith(line, start) else -1
    end = output.find(b"\r\n", start)
    if end < 0 or re.fullmatch(expect.data, output[start:end]) is None:
        return -1
    return end + 2


def _silent(output: bytearray) -> bool:
    """Return whether nothing but line ends is left."""
    return not output.strip(b"\r\n")


# Setting up


def configure(config: Config, key: str, value: str) -> Config:
    """Return ``config`` with ``TABLE.NAME`` set.

    Raises:
        ValueError: there is no such key, or the value does not fit.
    """
    table, _, name = key.partition(".")
    section: Any = getattr(config, table, None)
    if section is None or name not in [option.name for option in fields(section)]:
        raise ValueError(f"unknown key {key}")
    kind = type(getattr(section, name))
    typed = value == "true" if kind is bool else kind(value)
    changes: dict[str, Any] = {table: replace(section, **{name: typed})}
    return replace(config, **changes)


def credential(text: str) -> tuple[Slot, bytes]:
    """Parse ``AREA TAG KIND "content"``.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(rf"(\w+) (\d+) (\w+) {_STRING}", text)
    if found is None or found[3].upper() not in Kind.__members__:
        raise ValueError(f'{text!r} is not AREA TAG KIND "content"')
    slot = Slot(Area(found[1]), int(found[2]), Kind[found[3].upper()])
    if not slot.exists:
        raise ValueError(f"{text!r} names no credential")
    return slot, unescape(found[4])


class _Setup:
    """What the ``given`` lines of a block say about a fresh modem."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.follow = Follow.MANUAL
        self.attached = True
        self.terminator = dialect.terminator
        self.config = Config()
        self.network = FakeNetwork()
        self.credentials = Store()

    def apply(self, given: Given) -> None:
        """Take note of one line; the commands are `commands_of`'s business."""
        value, words = given.value, given.value.split()
        match given.kind:
            case "follow":
                self.follow = Follow(value)
            case "offline":
                self.attached = False
            case "terminator":
                self.terminator = Terminator(value)
            case "config":
                self.config = configure(self.config, words[0], value.partition(" ")[2])
            case "credential":
                self.credentials.write(*credential(value))
            case _ if given.kind not in COMMANDS:
                self._apply_to_network(given)

    def _apply_to_network(self, given: Given) -> None:
        value, words = given.value, given.value.split()
        match given.kind:
            case "host":
                self.network.hosts[words[0]] = words[1:]
            case "refused":
                self.network.refused.add(address(value))
            case "silent":
                self.network.silent.add(address(value))
            case "lost":
                self.network.ping_loss.update(map(int, words))
            case "window":
                self.network.window = int(value)
            case _:
                raise ValueError(f"unknown: given {given.kind}")

    def modem(self, layers: Sequence[Layer]) -> Virtual:
        """Power a modem on."""
        return Virtual(
            self.dialect,
            follow=self.follow,
            config=self.config,
            terminator=self.terminator,
            attached=self.attached,
            network=self.network,
            layers=layers,
            credentials=self.credentials,
        )


COMMANDS: Final = (">", "sockets")
"""The kinds of ``given`` that are commands, which a real device understands too."""


def commands_of(given: Given, dialect: Dialect) -> list[str]:
    """Return the commands that ``given`` stands for."""
    if given.kind == ">":
        return [given.value]
    return dialect.given(given.value) if given.kind == "sockets" else []


# Playing


class Failure(Exception):  # noqa: N818 - what a transcript is for, not a fault
    """A step went differently: what was expected and what came."""


class Player:
    """One conversation with a virtual modem.

    Args:
        block: the conversation.
        dialect: the device.
        chunking: how what the host sends is cut.
        layers: what stands between the modem and its network.
    """

    def __init__(
        self, block: Block, dialect: Dialect, chunking: Chunking = whole, layers: Sequence[Layer] = ()
    ) -> None:
        self.output = bytearray()
        self._block = block
        self._chunking = chunking
        self._peers: dict[str, FakePeer] = {}
        setup = _Setup(dialect)
        for given in block.given:
            self._guard(given, lambda given=given: setup.apply(given))  # type: ignore[misc]
        self._end = ENDS[setup.terminator]
        self.modem = setup.modem(layers)
        self.modem.take()
        for given in block.given:
            self._guard(given, lambda given=given: self._set_up(given, dialect))  # type: ignore[misc]

    def step(self, step: Step) -> None:
        """Do one step.

        Raises:
            Failure: it went differently.
            TranscriptError: it cannot be done.
        """
        self._guard(step, lambda: self._do(step))
        self.output += self.modem.take()
        self._note_peers()

    def end(self) -> None:
        """End the conversation.

        Raises:
            Failure: the modem had more to say.
        """
        if not _silent(self.output):
            raise Failure("the end", repr(bytes(self.output)))

    def _guard(self, step: Step, action: Callable[[], None]) -> None:
        """Do something; what makes no sense is told with its place."""
        try:
            action()
        except (ValueError, LookupError) as error:
            raise TranscriptError(f"{self._block.path}:{step.number}: {error}") from error

    def _set_up(self, given: Given, dialect: Dialect) -> None:
        for line in commands_of(given, dialect):
            self.modem.send(line.encode() + self._end)
            answer = self.modem.take()
            if dialect.ok not in answer:
                raise ValueError(f"{line} is answered {answer!r}")
        self._note_peers()

    def _note_peers(self) -> None:
        """Remember whom every handle reaches; a peer is still there when its handle is closed."""
        device: Any = self.modem.channel.device
        for socket in device.sockets:
            net = socket.net if socket.peer is None else socket.peer.net
            base = None if net is None else net.base
            if isinstance(base, FakeSocket) and base.partner is not None:
                self._peers[str(socket.handle)] = base.partner

    def _do(self, step: Step) -> None:
        match step:
            case Send():
                for piece in self._chunking(step.data + (self._end if step.line else b"")):
                    self.modem.send(piece)
            case Expect():
                if not match(step, self.output):
                    raise Failure(repr(step.data), repr(bytes(self.output)))
            case Wait():
                self.modem.wait(step.seconds)
            case Nothing():
                if not _silent(self.output):
                    raise Failure("nothing", repr(bytes(self.output)))
                self.output.clear()
            case _:
                self._network_does(step)
                self.modem.pump()

    def _network_does(self, step: Step) -> None:
        network = self.modem.network
        match step:
            case PeerConnects():
                try:
                    network.incoming(step.port, step.address)
                except ConnectionRefusedError as error:
                    raise Failure("a listening socket", str(error)) from error
            case Datagram():
                device: Any = self.modem.channel.device
                network.datagram(device.sockets.get(step.handle).net.base, step.data, step.address)
            case PeerDoes(verb="gets"):
                self._peer_gets(step)
            case PeerDoes(verb="is closed"):
                if not self._peer(step.who).closed:
                    raise Failure("a closed connection", "an open one")
            case PeerDoes():
                self._peer_does(step)

    def _peer(self, who: str) -> FakePeer:
        if ":" not in who:
            if who not in self._peers:
                raise ValueError(f"handle {who} has no peer")
            return self._peers[who]
        peers = [peer for peer in self.modem.network.peers if peer.address == address(who)]
        if not peers:
            raise ValueError(f"there is no peer {who}")
        return peers[-1]

    def _peer_gets(self, step: PeerDoes) -> None:
        """Compare what a peer received: each datagram by itself, a stream as a whole."""
        if ":" not in step.who and step.who not in self._peers:
            raise Failure(repr(step.data), f"handle {step.who} has no peer")
        peers = [self._peer(step.who)]
        if ":" in step.who:
            peers = [p for p in self.modem.network.peers if p.address == address(step.who)]
        received = [piece for peer in peers for piece in peer.take_all()]
        if len(step.data) == 1 and peers[0].socket.type.name == "STREAM":
            received = [b"".join(received)]
        if tuple(received) != step.data and (any(step.data) or any(received)):
            raise Failure(repr(step.data), repr(tuple(received)))

    def _peer_does(self, step: PeerDoes) -> None:
        peer = self._peer(step.who)
        for data in step.data:
            peer.send(data)
        actions = {
            "closes": peer.close,
            "resets": peer.reset,
            "accepts": peer.accept,
            "reads": peer.start_reading,
            "stops reading": peer.stop_reading,
        }
        if step.verb in actions:
            actions[step.verb]()


def play(block: Block, dialect: Dialect, chunking: Chunking = whole, layers: Sequence[Layer] = ()) -> Difference | None:
    """Hold a conversation with a fresh virtual modem; return where it went differently, if it did.

    Raises:
        TranscriptError: a step makes no sense.
    """
    player = Player(block, dialect, chunking, layers)
    step = block.steps[-1]
    try:
        for step in block.steps:
            player.step(step)
        player.end()
    except Failure as failure:
        return Difference(block, step, *failure.args)
    return None


# Playing against a device


def obstacle(block: Block) -> str | None:
    """Return why a conversation cannot be held with a real device, None where it can."""
    for given in block.given:
        if given.kind not in COMMANDS:
            return given.text
    for step in block.steps:
        if isinstance(step, PeerConnects | PeerDoes | Datagram):
            return step.text
    return None


def play_device(block: Block, dialect: Dialect, port: Port) -> Difference | str | None:
    """Hold a conversation with a device.

    Returns:
        Where it went differently, or a string that says why it could not be held; None where all went well.
    """
    why = obstacle(block)
    if why is not None:
        return why
    end = ENDS[dialect.terminator]
    _drain(port)
    _rescue(port, end)
    reset = dialect.given("")
    for line in [*reset, *(line for given in block.given for line in commands_of(given, dialect))]:
        port.write(line.encode() + end)
        answer = _answer(port, dialect)
        if dialect.ok not in answer and not (answer and line in reset):  # there may be nothing to close
            return f"the set-up {line} is answered {answer!r}"
    return _converse(block, port, end)


def _rescue(port: Port, end: bytes) -> None:
    """Bring a device that an earlier block left in data mode, or within quotes, back to its command lines."""
    port.write(b"AT" + end)
    if not _drain(port):
        for rescue in (b"+++", b'"' + end, end):
            port.write(rescue)
        _drain(port)


def _drain(port: Port) -> bytes:
    """Return what a device still has to say."""
    said = b""
    while data := port.read(DRAIN):
        said += data
    return said


def _answer(port: Port, dialect: Dialect) -> bytes:
    """Return the answer to a command of the set-up."""
    answer = b""
    while dialect.ok not in answer and b"ERROR" not in answer and (data := port.read(PATIENCE)):
        answer += data
    return answer


def _converse(block: Block, port: Port, end: bytes) -> Difference | None:
    output = bytearray()
    for step in block.steps:
        match step:
            case Send():
                port.write(step.data + (end if step.line else b""))
            case Wait():
                while data := port.read(step.seconds):
                    output += data
            case Expect():
                while not match(step, output):
                    data = port.read(PATIENCE)
                    if not data:
                        return Difference(block, step, repr(step.data), repr(bytes(output)))
                    output += data
            case _:
                output += port.read(DRAIN)
                if not _silent(output):
                    return Difference(block, step, "nothing", repr(bytes(output)))
    output += port.read(DRAIN)
    if not _silent(output):
        return Difference(block, block.steps[-1], "the end", repr(bytes(output)))
    return None


# Whole files


def run(path: Path, dialect: Dialect, port: Port | None, out: TextIO) -> int:
    """Play a file against a fresh virtual modem for each block, or against the device at ``port``.

    Returns:
        0 where every expected line came; 1 where one did not, no block could be played, or the file makes no sense:
        ``out`` has why.
    """
    played = 0
    try:
        blocks = parse(path)
        for block in blocks:
            result = play(block, dialect) if port is None else play_device(block, dialect, port)
            if isinstance(result, Difference):
                print(result, file=out)
                return 1
            if result is not None:
                print(f"{path}:{block.number}: skipped: {result}", file=out)
                continue
            played += 1
    except TranscriptError as error:
        print(error, file=out)
        return 1
    if not blocks:
        print(f"{path}: it holds no conversation", file=out)
        return 1
    skipped = f", {len(blocks) - played} skipped" if played < len(blocks) else ""
    print(f"{path}: {played} block{'' if played == 1 else 's'} passed{skipped}", file=out)
    return 0 if played else 1


def update(path: Path, dialect: Dialect) -> str:
    """Return the text of the file with the expected lines that differ replaced by what is answered.

    Raises:
        TranscriptError: it makes no sense.
    """
    blocks = parse(path)
    lines: list[str | None] = list(path.read_text(encoding="utf-8").split("\n"))
    for block in blocks:
        for first, last, answered in _changes(block, dialect):
            lines[first - 1 : last] = ["\n".join(answered) if answered else None]
            lines[first:first] = [None] * (last - first)  # the numbers of what follows stay
    return "\n".join(line for line in lines if line is not None)


def _changes(block: Block, dialect: Dialect) -> Iterator[tuple[int, int, list[str]]]:
    """Yield what to replace in a block: first line, last line, and the new ones."""
    player = Player(block, dialect)
    steps = list(block.steps)
    while steps:
        expects = _leading_expects(steps)
        if not expects:
            step = steps.pop(0)
            try:
                player.step(step)
            except Failure:
                if isinstance(step, Nothing):
                    continue  # what it said is written down with the next expected lines, or at the end
            continue
        del steps[: len(expects)]
        before = bytes(player.output)
        if not all(match(expect, player.output) for expect in expects):
            exact = any(expect.kind == "<|" for expect in expects)
            player.output.clear()
            yield expects[0].number, expects[-1].number, rendered(before, exact=exact)
    if not _silent(player.output):
        last = block.steps[-1]
        rest = rendered(bytes(player.output), exact=False)
        yield last.number, last.number, [last.text, *rest]


def _leading_expects(steps: Sequence[Step]) -> list[Expect]:
    """Return the expected lines at the front that stand right below one another."""
    found: list[Expect] = []
    for step in steps:
        if not isinstance(step, Expect) or (found and step.number != found[-1].number + 1):
            break
        found.append(step)
    return found


def rendered(output: bytes, *, exact: bool) -> list[str]:
    """Return ``output`` as expected lines; as exact bytes where asked for, or where it is not plain lines."""
    lines = output.split(b"\r\n")
    plain = lines[-1] == b"" and all(32 <= byte < 127 for line in lines for byte in line)
    if exact or not plain:
        return [f"<| {escape(output)}"] if output else []
    return [f"< {line.decode()}" for line in lines if line]
