"""The format of transcript files: conversations with a modem, one block each, as steps.

This module does no I/O but reading the file, and knows nothing of modems.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final, TypeAlias

from vmodem.net.interface import Address, family_of


class TranscriptError(ValueError):
    """A transcript file makes no sense; the message starts with file and line."""


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
        dialect: the dialect that its file is for, as its head says; None for any.
    """

    path: Path
    number: int
    end: int
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    page: str
    errata: tuple[str, ...]
    dialect: Given | None = None

    @property
    def lines(self) -> list[str]:
        """The lines that the host sends, for what is covered."""
        return [step.text[2:] for step in self.steps if isinstance(step, Send) and step.line]


MAX_SIZE: Final = 1 << 26
"""The most bytes in a file."""

MAX_REPEATED: Final = 1 << 24
"""The most bytes that the repetitions of one line may stand for."""

MAX_WAIT: Final = 1_000_000.0
"""The most seconds that one directive waits."""

_ESCAPE: Final = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|\{([0-9]+) ([^}]+)\}|(.?))", re.DOTALL)
_ESCAPES: Final = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\", '"': b'"'}
STRING: Final = r'"((?:[^"\\]|\\.)*)"'
_VERBS: Final = "closes|resets|accepts|stops reading|reads|is closed"


def unescape(text: str) -> bytes:
    r"""Turn ``\r \n \t \\ \" \xNN`` into bytes, and ``\{COUNT TEXT}`` into repetitions; the rest is UTF-8.

    Raises:
        ValueError: another escape, or more bytes than a transcript may send at once.
    """
    parts: list[bytes] = []
    end = size = 0
    for found in _ESCAPE.finditer(text):
        size += _size(found)
        if size > MAX_REPEATED:
            raise ValueError(f"{_shortened(found[0])} makes more than {MAX_REPEATED} bytes of this line")
        parts += [text[end : found.start()].encode(), _unescaped(found)]
        end = found.end()
    return b"".join([*parts, text[end:].encode()])


def _size(found: re.Match[str]) -> int:
    """Return how many bytes a repetition stands for; a huge count counts as one that is too large."""
    _, count, repeated, _ = found.groups()
    if count is None:
        return 0
    return len(repeated.encode()) * int(count) if len(count) <= 9 else MAX_REPEATED + 1


def _unescaped(found: re.Match[str]) -> bytes:
    code, count, repeated, name = found.groups()
    if code is not None:
        return bytes([int(code, 16)])
    if count is not None:
        data: bytes = repeated.encode() * int(count)
        return data
    if name not in _ESCAPES:
        raise ValueError(f'unknown escape {found[0]}; known are \\r \\n \\t \\\\ \\" \\xNN \\{{COUNT TEXT}}')
    return _ESCAPES[name]


def escape(data: bytes) -> str:
    r"""Turn bytes into text that `unescape` understands."""
    names = {ord(value): f"\\{name}" for name, value in _ESCAPES.items() if name != '"'}
    return "".join(names.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02X}") for byte in data)


def address(text: str) -> Address:
    """Parse ``ADDRESS:PORT``; an IPv6 address stands in brackets."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if family_of(bare) is None or (":" in bare) != (bare != host) or not port.isascii() or not port.isdigit():
        raise ValueError(f"{_shortened(text)} is not ADDRESS:PORT, as in 192.0.2.1:7 or [2001:db8::1]:7")
    return bare, _port(port)


def _port(text: str) -> int:
    if len(text) > 5 or int(text) > 65535:
        raise ValueError(f"{_shortened(text)} is no port, which is at most 65535")
    return int(text)


def _strings(text: str) -> tuple[bytes, ...]:
    return tuple(unescape(found) for found in re.findall(STRING, text))


def _pattern(number: int, text: str, kind: str, pattern: str) -> Expect:
    data = pattern.encode()
    if kind == "<~":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", FutureWarning)  # of what may mean something else one day
                re.compile(data)
        except (re.error, OverflowError, RecursionError, FutureWarning) as error:
            raise ValueError(f"{_shortened(pattern)} is no regular expression: {error}") from error
    return Expect(number, text, kind, data)


def _wait(number: int, text: str, seconds: str) -> Wait:
    if float(seconds) > MAX_WAIT:
        raise ValueError(f"{seconds} seconds are more than {MAX_WAIT:.0f}")
    return Wait(number, text, float(seconds))


def _peer_does(number: int, text: str, who: str, verb: str, data: tuple[bytes, ...] = ()) -> PeerDoes:
    if ":" in who:
        address(who)
    elif not who.isascii() or not who.isdigit():
        raise ValueError(f"{_shortened(who)} is no peer, who is a HANDLE or an ADDRESS:PORT")
    return PeerDoes(number, text, who, verb, data)


def _given(number: int, text: str, found: re.Match[str]) -> Given:
    return Given(number, text, found[1], found[2])


def _given_address(number: int, text: str, found: re.Match[str]) -> Given:
    address(found[2])
    return _given(number, text, found)


def _given_host(number: int, text: str, found: re.Match[str]) -> Given:
    for one in found[2].split()[1:]:
        if family_of(one) is None:
            raise ValueError(f"{_shortened(one)} is no IPv4 or IPv6 address")
    return _given(number, text, found)


def _given_credential(number: int, text: str, found: re.Match[str]) -> Given:
    unescape(found[3])
    return _given(number, text, found)


Builder: TypeAlias = Callable[[int, str, "re.Match[str]"], Step]

_DIRECTIVES: Final[list[tuple[str, re.Pattern[str], Builder]]] = [
    (grammar, re.compile(pattern), build)
    for grammar, pattern, build in (
        ("> LINE", r"> (.*)", lambda n, t, m: Send(n, t, m[1].encode(), True)),
        (">| BYTES", r">\| ?(.*)", lambda n, t, m: Send(n, t, unescape(m[1]), False)),
        ("<| BYTES", r"(<\|) ?(.*)", lambda n, t, m: Expect(n, t, m[1], unescape(m[2]))),
        ("<~ PATTERN", r"(<~) (.*)", lambda n, t, m: _pattern(n, t, m[1], m[2])),
        ("< LINE", r"(<) (.*)", lambda n, t, m: _pattern(n, t, m[1], m[2])),
        ("given > LINE", r"given (>) (.*)", _given),
        ("given sockets SOCKET ...", r"given (sockets) (.*\S.*)", _given),
        ("given offline", r"given (offline)()", _given),
        ("given start attached|offline|device", r"given (start) (attached|offline|device)", _given),
        ("given follow manual|firmware", r"given (follow) (manual|firmware)", _given),
        ("given terminator cr|lf|crlf", r"given (terminator) (cr|lf|crlf)", _given),
        ("given config TABLE.KEY VALUE", r"given (config) (\w+\.\w+(?: .*)?)", _given),
        (
            'given credential AREA TAG KIND "CONTENT"',
            rf"given (credential) (\w+ [0-9]{{1,10}} \w+ {STRING})",
            _given_credential,
        ),
        ("given host NAME ADDRESS ...", r"given (host) (\S+(?: \S+)*)", _given_host),
        ("given refused ADDRESS:PORT", r"given (refused) (\S+)", _given_address),
        ("given silent ADDRESS:PORT", r"given (silent) (\S+)", _given_address),
        ("given lost NUMBER ...", r"given (lost) ([0-9]{1,9}(?: [0-9]{1,9})*)", _given),
        ("given window BYTES", r"given (window) ([0-9]{1,9})", _given),
        (
            "peer connects to PORT from ADDRESS:PORT",
            r"peer connects to ([0-9]+) from (\S+)",
            lambda n, t, m: PeerConnects(n, t, _port(m[1]), address(m[2])),
        ),
        (
            'peer ADDRESS:PORT sends "DATA" to HANDLE',
            rf"peer (\S+) sends {STRING} to ([0-9]{{1,9}})",
            lambda n, t, m: Datagram(n, t, address(m[1]), unescape(m[2]), int(m[3])),
        ),
        (f"peer WHO {_VERBS}", rf"peer (\S+) ({_VERBS})", lambda n, t, m: _peer_does(n, t, m[1], m[2])),
        *(
            (
                f'peer WHO {verb} "DATA"',
                rf"peer (\S+) ({verb})((?: {STRING})+)",
                lambda n, t, m: _peer_does(n, t, m[1], m[2], _strings(m[3])),
            )
            for verb in ("sends", "gets")
        ),
        (
            'peer WHO sends "DATA" and closes',
            rf"peer (\S+) sends((?: {STRING})+) and (closes)",
            lambda n, t, m: _peer_does(n, t, m[1], m[4], _strings(m[2])),
        ),
        ("wait SECONDS", r"wait ([0-9]{1,12}(?:\.[0-9]{1,12})?)", lambda n, t, m: _wait(n, t, m[1])),
        ("nothing", r"nothing", lambda n, t, m: Nothing(n, t)),
    )
]
"""Every directive: how it reads, what matches it, what makes a step of it."""

_HEADS: Final = {"dialect": ("dialect NAME", r"\S+"), "follow": ("follow manual|firmware", "manual|firmware")}
"""What may stand before the first directive, and is so for the whole file: how it reads, what matches its value."""

_HEAD: Final = re.compile(rf"({'|'.join(_HEADS)})(?: (.*))?")


def parse_step(number: int, text: str) -> Step:
    """Parse one line.

    Raises:
        ValueError: it is no directive; the message names the nearest one.
    """
    for _, pattern, build in _DIRECTIVES:
        found = pattern.fullmatch(text)
        if found is not None:
            return build(number, text, found)
    if _HEAD.fullmatch(text):
        raise ValueError(
            f"{_shortened(text)} stands too late: before the first directive of the file it would be right"
        )
    raise ValueError(f"{_shortened(text)} is no directive; the nearest is: {nearest(text)}")


def nearest(text: str) -> str:
    """Return how the directive that ``text`` is most like reads."""
    known = [*(grammar for grammar, _, _ in _DIRECTIVES), *(h[0] for h in _HEADS.values()), "errata: TEXT", "# COMMENT"]
    choices = [(grammar, one) for grammar in known for one in _choices(grammar)]
    asked = _words(text[:80])
    return max(choices, key=lambda choice: SequenceMatcher(None, _words(choice[1]), asked).ratio())[0]


def _choices(grammar: str) -> list[str]:
    """Return what ``grammar`` stands for, which may offer several words: ``peer WHO closes|resets``."""
    found = re.fullmatch(r"(.*? )((?:[a-z ]+\|)+[a-z ]+)", grammar)
    return [grammar] if found is None else [found[1] + one for one in found[2].split("|")]


def _words(text: str) -> str:
    """Return the text as it is compared: what stands for itself counts, what stands for something else does not."""
    return re.sub(r'"[^"]*"|[A-Z]{2,}\S*|\d\S*', "", text).lower()


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def read(path: Path) -> str:
    """Return the text of a transcript file as it is, line ends and byte order mark included.

    Raises:
        TranscriptError: it is no text in UTF-8, or no transcript has its size.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise TranscriptError(f"{path}:1: the file has more than {MAX_SIZE} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        wrong = f"byte {column}, {data[error.start]:#04x}, is no text in UTF-8"
        raise TranscriptError(f"{path}:{line}: {wrong}") from error


def parse(path: Path) -> list[Block]:
    """Read a transcript file.

    Raises:
        TranscriptError: it makes no sense.
        OSError: it cannot be read.
    """
    lines = [line.removesuffix("\r") for line in read(path).removeprefix("\ufeff").split("\n")]
    head = _head(path, lines)
    blocks = [_parse_block(path, number, group, head) for number, group in _groups(lines)]
    return [block for block in blocks if block.steps]


def _head(path: Path, lines: Sequence[str]) -> dict[str, Given]:
    """Return what a file says of all its blocks, by name: lines before the first of their directives."""
    head: dict[str, Given] = {}
    for number, text in enumerate(lines, 1):
        found = _HEAD.fullmatch(text.rstrip())
        if found is None and text.strip() and not text.startswith("#"):
            break
        if found is None:
            continue
        name, value = found[1], (found[2] or "").strip()
        grammar, pattern = _HEADS[name]
        if re.fullmatch(pattern, value) is None:
            raise TranscriptError(f"{path}:{number}: {_shortened(text)} makes no sense; {grammar} would be right")
        if name in head:
            before = head[name].number
            raise TranscriptError(f"{path}:{number}: {_shortened(text)} is one too many: line {before} has one already")
        head[name] = Given(number, text, name, value)
    return head


def _groups(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Split the lines of a file at blank ones; each group comes with the number of its first line."""
    group: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            group.append(line)
        elif group:
            yield number - len(group), group
            group = []


def _parse_block(path: Path, first: int, lines: Sequence[str], head: Mapping[str, Given]) -> Block:
    steps: list[Step] = []
    page = ""
    errata: list[str] = []
    numbers = {line.number for line in head.values()}
    for number, text in enumerate(lines, first):
        if number in numbers or (text.startswith("#") and not text.startswith("# page:")):
            continue
        if text.startswith("# page:"):
            page = text.removeprefix("# page:").strip()
        elif text.startswith("errata:"):
            errata.append(text.removeprefix("errata:").strip())
        elif text[0] in " \t" and errata:
            errata[-1] += " " + text.strip()
        else:
            try:
                steps.append(parse_step(number, text))
            except ValueError as error:
                raise TranscriptError(f"{path}:{number}: {error}") from error
    given = [step for step in steps if isinstance(step, Given)]
    if "follow" in head:
        given.insert(0, head["follow"])  # a block's own comes later, and wins
    return Block(
        path,
        first,
        first + len(lines) - 1,
        tuple(given),
        tuple(step for step in steps if not isinstance(step, Given)),
        page,
        tuple(errata),
        head.get("dialect"),
    )
