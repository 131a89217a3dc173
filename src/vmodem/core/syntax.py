"""What a line asks for: the name of a command, a form, and parameter values.

Each family of devices has its own grammar, a function from a line to a `Request`; the words are shared.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple, TypeAlias


class Form(Enum):
    """The form of a command: ``NAME=...`` or a bare ``NAME`` sets, ``NAME?`` reads, ``NAME=?`` tests."""

    SET = "set"
    READ = "read"
    TEST = "test"


class Empty(Enum):
    """The type of `EMPTY`, a parameter that is present and has no value, as the second of ``1,,2``."""

    EMPTY = "empty"

    def __str__(self) -> str:
        return "an empty parameter"


EMPTY: Final = Empty.EMPTY

Value: TypeAlias = int | str | Empty


class Request(NamedTuple):
    """One parsed line.

    ``name`` is upper-case with its prefix, such as ``#XSOCKET``; it is empty for a bare ``AT``.
    """

    name: str
    form: Form
    values: list[Value]
