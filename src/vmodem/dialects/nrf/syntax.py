"""The grammar of a line as the nRF91 modem library reads it (reference: Serial Modem 1.1 and 1.2).

    AT | ATE0 | ATE1 | AT<prefix><name>[ = <parameters> | ? | =? ]        prefix: one of + % #

A parameter is an integer, a quoted string without escapes, a bare word as the last parameter, a list in parentheses,
or empty.
"""

from __future__ import annotations

import re
from typing import Final

from vmodem.core.errors import CommandError
from vmodem.core.syntax import EMPTY, Form, Request, Value

_START: Final = re.compile("at", re.ASCII | re.IGNORECASE)
_COMMAND: Final = re.compile(r"([+%#][A-Za-z0-9_]+)(=\?|\?|=)?", re.ASCII)
_PARAMETER: Final = re.compile(
    r' ?(?:([+-]?[1-9][0-9]*|0)|"([^"]*)"|(\([^)]*\))|((?!\d+\Z)[A-Za-z0-9][A-Za-z0-9_\-+. ]*\Z)|)(?:,|\Z)', re.ASCII
)
_INTEGER, _QUOTED, _LIST, _WORD = 1, 2, 3, 4


def parse(line: bytes) -> Request | None:
    """Parse one line; None for an empty one, which is ignored.

    Whatever stands before the first ``AT`` is ignored.

    Raises:
        CommandError: it is no command, or its parameters break the grammar.
    """
    text = line.decode("latin-1")
    if text[:2] not in ("AT", "at"):
        if not text:
            return None
        start = _START.search(text)
        if start is None:
            raise CommandError("it is no AT command")
        text = text[start.start() :]
    if len(text) == 2:
        return Request("", Form.SET, [])
    command = _COMMAND.match(text, 2)
    if command is None:
        return _echo(text)
    name, suffix = command.groups()
    rest = command.end()
    if suffix == "=":
        return Request(name.upper(), Form.SET, modem_parameters(text[rest:]))
    if rest != len(text):
        raise CommandError(f"{len(text) - rest} characters after the command")
    if suffix is None:
        return Request(name.upper(), Form.SET, [])
    return Request(name.upper(), Form.READ if suffix == "?" else Form.TEST, [])


def _echo(text: str) -> Request:
    if text[2:].upper() not in ("E0", "E1"):
        raise CommandError("it is no AT command")
    return Request("E", Form.SET, [int(text[3])])


def modem_parameters(text: str) -> list[Value]:
    """Parse what stands behind the ``=`` of a command.

    Raises:
        CommandError: it breaks the grammar.
    """
    values: list[Value] = []
    if not text:
        return values
    start, end = 0, len(text)
    while True:
        found = _PARAMETER.match(text, start)
        if found is None:
            raise CommandError(f"cannot parse the parameters from character {start + 1} on")
        kind = found.lastindex
        if kind == _INTEGER:
            values.append(int(found[_INTEGER]))
        else:
            values.append(EMPTY if kind is None else found[kind])
        start = found.end()
        if start == end and text[-1] != ",":
            return values
        if start == end:
            values.append(EMPTY)
            return values
