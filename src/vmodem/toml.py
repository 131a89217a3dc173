"""TOML files: what one says, and on which line each of its keys stands."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from vmodem.errors import ConfigError, Key, one_line

MAX_SIZE: Final = 1 << 24
"""The most bytes in a file."""

LONGEST: Final = 500
"""The most lines of one value whose keys are looked for."""

_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")
"""Where tomllib says that something is wrong."""

_REMEDIES: Final = {
    "Invalid value": 'text stands in quotes, as in key = "text"',
    "Invalid statement": 'a line is [table] or key = "value"',
    "Expected '=' after a key": 'a line is [table] or key = "value"',
    "Cannot overwrite a value": "it is there twice, once would be right",
    "Cannot declare": "it is there twice, once would be right",
    "Expected newline or end of document after a statement": "one key to a line would be right",
    "Unclosed array": "a ] is missing",
    "Unterminated string": "a quote is missing",
    'Expected "': "a quote is missing",
    "Expected ']": "a ] is missing",
    "Unescaped": r"in quotes \\ stands for \, or '...' takes it as it is",
    "Illegal character": "a quote is missing, or the file is no text",
}
"""What would be right, by how tomllib's words for what is wrong begin."""


class Document(NamedTuple):
    """A TOML file.

    Attributes:
        path: where it is.
        text: its text.
        tables: what it says.
    """

    path: Path | str
    text: str
    tables: dict[str, Any]

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Let every `ConfigError` begin with the file and the line."""
        try:
            yield
        except ConfigError as error:
            raise ConfigError(f"{self.path}:{self._line(error.key)}{error}", error.key) from error.__cause__

    def _line(self, key: Key) -> str:
        """Return the line of ``key``, or of the table where one would expect it."""
        lines = lines_of(self.text)
        for size in range(len(key), 0, -1):
            if key[:size] in lines:
                return f"{lines[key[:size]]}: "
        return " "


def read(path: Path | str) -> Document:
    """Read a TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    import tomllib  # not at the top: nobody without such a file pays for it

    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; a file of TOML would be right") from error
    if len(data) > MAX_SIZE:
        raise ConfigError(f"{path}: it has more than {MAX_SIZE} bytes")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        return Document(path, text, tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = f"byte {error.start + 1}, {data[error.start]:#04x}, is no text in UTF-8; a file of TOML would be right"
        raise ConfigError(f"{path}:{line}: {wrong}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}:{_in_words(str(error), text)}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}:{_deepest(text)}: it is nested too deep") from error


def _in_words(message: str, text: str) -> str:
    """Return what tomllib says is wrong, with its line in front and what would be right behind."""
    found = _PLACE.search(message)
    line = int(found[1]) if found is not None and found[1] else text.rstrip("\n").count("\n") + 1
    wrong = one_line(_PLACE.sub("", message))
    remedy = next((right for begin, right in _REMEDIES.items() if wrong.startswith(begin)), "this is no TOML")
    return f"{line}: {wrong}; {remedy}"


def lines_of(text: str) -> dict[Key, int]:
    """Return the line of each key, table and item: of ``[[modem]] name = 1`` that of ("modem", 0, "name").

    Args:
        text: what tomllib has taken.
    """
    lines: dict[Key, int] = {}
    last: dict[Key, int] = {}  # the index of the table that an array of tables ends with so far
    header: Key = ()
    for number, statement, tree in _statements(text):
        if statement.lstrip().startswith("["):
            header = _header(tree, last)
            for size in range(1, len(header) + 1):
                lines.setdefault(header[:size], number)
        else:
            for key in _keys(tree, header):
                lines.setdefault(key, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield each statement with its first line and what it says by itself.

    A statement has ended with the first line up to which it is TOML: what is open, a string or an array, is none.
    """
    import tomllib

    statement, begin = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        statement += line + "\n"
        try:
            tree = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            if number - begin > LONGEST:
                return
            continue
        if tree:
            yield begin, statement, tree
        statement, begin = "", number + 1


def _deepest(text: str) -> int:
    """Return the line at which what stands in ``text`` is nested too deep."""
    import tomllib

    lines = text.split("\n")

    def too_deep(count: int) -> bool:
        try:
            tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            return False
        except RecursionError:
            return True
        return False

    return bisect_left(range(len(lines) + 1), True, key=too_deep)


def _header(tree: Mapping[str, Any], last: dict[Key, int]) -> Key:
    """Return the table that ``[a.b]`` or ``[[a.b]]`` begins, and count it where it is one of an array."""
    key: Key = ()
    inner: Any = tree
    while inner:
        (name, inner), *_ = inner.items()
        key += (name,)
        if inner == [{}]:
            last[key] = last.get(key, -1) + 1
            inner = None
        if key in last:
            key += (last[key],)
    return key


def _keys(tree: Any, place: Key) -> Iterator[Key]:
    """Yield every key and index in ``tree``, which stands at ``place``, the outer before the inner ones."""
    waiting = [(place, tree)]
    while waiting:
        key, value = waiting.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, inner in items:
            yield (*key, name)
            waiting.append(((*key, name), inner))
