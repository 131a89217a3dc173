r"""The grammar of a line as the Ameba reads it (reference: Realtek Ameba 1.3 and 1.6).

    AT+NAME[=field,field...]

A name is upper-case, and there are no read and test forms. Every comma separates: there are no quotes, and nothing is
trimmed. `AT+NAME` has no field, `AT+NAME=` has one, which is empty. Where data is part of the line `\,` is a comma and
`\\` a backslash.

A number is read as C's atoi reads it: blanks, a sign, digits, and whatever follows is ignored; no digits are 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from vmodem.core.errors import CommandError, UnknownCommandError
from vmodem.core.parameters import INT32_MAX, INT32_MIN, Converter, Values, integer, one_of
from vmodem.core.syntax import Form, Request, Value

ESCAPING: Final = frozenset({"+SKTSEND", "+SKTSENDRAW"})
"""The commands in whose fields a backslash escapes a comma and a backslash."""

_NAME: Final = re.compile(r"\+[A-Z]{1,16}", re.ASCII)
"""What the name of a command may be; a line of a certificate or of a key is longer."""

_TAB_IS_SPACE: Final = bytes.maketrans(b"\t", b" ")
_IGNORED: Final = b"\n\xff"
_NUMBER: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)", re.ASCII)


class NotACommandError(CommandError):
    """A line that does not even begin as a command does.

    Args:
        line: the line.
    """

    def __init__(self, line: str) -> None:
        super().__init__("it is no AT command")  # the log must not show the line: it may be a piece of a key
        self.line = line


def parse(line: bytes) -> Request | None:
    """Parse one line; None for an empty one, which is ignored.

    Raises:
        CommandError: it is no command, or a backslash escapes what it cannot escape.
    """
    text = line.translate(_TAB_IS_SPACE, _IGNORED).decode("latin-1").lstrip(" ")
    if not text:
        return None
    name, equals, arguments = text[2:].partition("=")
    if not text.startswith("AT") or not _NAME.fullmatch(name):
        raise NotACommandError(text)
    if not equals:
        return Request(name, Form.SET, [])
    fields = _split_escaped(arguments) if name in ESCAPING else arguments.split(",")
    return Request(name, Form.SET, [*fields])


def unknown_line(failure: CommandError) -> str | None:
    """Return the line that is no known command; None where ``failure`` is another one."""
    if isinstance(failure, NotACommandError):
        return failure.line
    if isinstance(failure, UnknownCommandError):
        name, _, fields = failure.request
        return f"AT{name}={','.join(map(str, fields))}" if fields else f"AT{name}"
    return None


def _split_escaped(text: str) -> list[str]:
    """Split at every comma that is not escaped, and take the escapes out."""
    if "\\" not in text:
        return text.split(",")
    marked = text.replace("\\\\", "\0").replace("\\,", "\n")  # neither byte can be part of a line
    if "\\" in marked:
        raise CommandError("a backslash escapes neither a comma nor a backslash")
    return [field.replace("\0", "\\").replace("\n", ",") for field in marked.split(",")]


# Fields


def atoi(text: str) -> int:
    """Return the number at the front of ``text``, 0 where there is none."""
    found = _NUMBER.match(text)
    return min(max(int(found[1]), INT32_MIN), INT32_MAX) if found else 0


def number(low: int = INT32_MIN, high: int = INT32_MAX) -> Values[int]:
    """Accept a number from ``low`` to ``high``, both included; the field must not be empty."""
    return _numbers(integer(low, high))


def number_of(named: Mapping[int, str]) -> Values[int]:
    """Accept one of the numbers ``named``, each with the words for what it stands for; the field must not be empty."""
    return _numbers(one_of(named))


def number_or(default: int, given: Values[int]) -> Values[int]:
    """Accept what ``given`` accepts, or an empty field for ``default``."""

    def convert(device: object, value: Value) -> int:
        return given.convert(device, value) if value else default

    return Values(convert, f"{given.words}, or empty for {default}", given.named)


def _numbers(accepted: Values[int]) -> Values[int]:
    """Accept a field whose number ``accepted`` accepts."""
    accept: Converter[int] = accepted.convert

    def convert(device: object, value: Value) -> int:
        return accept(device, atoi(filled(device, value)))

    return Values(convert, accepted.words, accepted.named)


def field(device: object, value: Value) -> str:
    """Accept any field, also an empty one."""
    assert isinstance(value, str)
    return value


def filled(device: object, value: Value) -> str:
    """Accept a field that is not empty."""
    if not isinstance(value, str) or not value:
        raise CommandError("is empty")
    return value


Field: TypeAlias = Annotated[str, Values(field, "any text")]
Filled: TypeAlias = Annotated[str, Values(filled, "any text that is not empty")]

PORT: Final = number(1, 65535)
