"""The grammar of a line as the Serial LTE Modem reads it (reference: Serial LTE Modem 2).

    AT | AT<prefix><name>[ = <parameters> | ? | =? ]        prefix: one of + % #

A parameter of a # command is a decimal integer, a quoted string without escapes, or empty; the separators are ``,``,
``:`` and ``=``. The parameters of a + or % command are the modem core's business.
"""

from __future__ import annotations

import re
from typing import Final

from vmodem.core.errors import CommandError
from vmodem.core.syntax import EMPTY, Form, Request, Value
from vmodem.dialects.nrf.syntax import modem_parameters

_COMMAND: Final = re.compile(r"AT(?:([+%#][A-Z0-9]+)(=\?|\?|=)?)?", re.ASCII | re.IGNORECASE)
_START: Final = re.compile("AT|at")
_PARAMETER: Final = re.compile(r'[ \t\r\n\v\f]?(?:(-?[0-9]+)(?=[,:=\s]|\Z)[,:=]?|"([^"]*)"[,:=]?|[,:=])', re.ASCII)
_INTEGER, _STRING = 1, 2
_SPACES: Final = " \t\r\n\v\f"

MAX_PARAMETERS: Final = 40
"""How many parameters a line may have besides the command's name."""


def parse(line: bytes) -> Request:
    """Parse one line as version 1.9 and 2.0 do: an empty one, or one with anything before AT, is an error.

    Raises:
        CommandError: it is no command, or its parameters break the grammar.
    """
    return _parse(line.decode("latin-1"))


def parse_skipping(line: bytes) -> Request | None:
    """Parse one line as version 2.7 does: whatever stands before the first AT is skipped, an empty line is ignored.

    Raises:
        CommandError: it is no command, or its parameters break the grammar.
    """
    if not line:
        return None
    text = line.decode("latin-1")
    start = _START.search(text)
    return _parse(text if start is None else text[start.start() :])


def _parse(line: str) -> Request:
    text = line.partition("\0")[0]  # a NUL ends what the parser sees
    command = _COMMAND.match(text)
    if command is None:
        raise CommandError("it is no AT command")
    name, suffix = command[1], command[2]
    rest = text[command.end() :]
    if suffix == "=":
        parameters = _parameters(rest) if name[0] == "#" else modem_parameters(rest)
        return Request(name.upper(), Form.SET, parameters)
    if rest:
        raise CommandError(f"{len(rest)} characters after the command")
    if suffix is None:
        return Request((name or "").upper(), Form.SET, [])
    return Request(name.upper(), Form.READ if suffix == "?" else Form.TEST, [])


def _parameters(text: str) -> list[Value]:
    """Parse the parameters of a # command; a separator at the end adds none."""
    values: list[Value] = []
    start = 0
    while text[start:].strip(_SPACES):
        found = _PARAMETER.match(text, start)
        if found is None:
            raise CommandError(f"cannot parse the parameters from character {start + 1} on")
        kind = found.lastindex
        if kind == _INTEGER:
            values.append(int(found[_INTEGER]))
        else:
            values.append(EMPTY if kind is None else found[_STRING])
        start = found.end()
    if len(values) > MAX_PARAMETERS:
        raise CommandError(f"{len(values)} parameters, at most {MAX_PARAMETERS} are read")
    return values
