"""Socket options as data: what each is, which values it takes, whether it can be set and got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vmodem.core.parameters import Values
from vmodem.net.interface import SocketType


@dataclass(frozen=True, slots=True)
class Rule:
    """One option.

    Attributes:
        constant: its name.
        words: what its value is.
        values: what may be set, None where it cannot be set.
        default: what it reads as before it was set.
        only: the only socket type that has it, None where all do.
        readable: whether it can be got.
    """

    constant: str
    words: str
    values: Values[Any] | None = None
    default: int = 0
    only: SocketType | None = None
    readable: bool = True

    def __str__(self) -> str:
        """Return all of it in words."""
        notes = []
        if self.only is not None:
            notes.append(f"{self.only.name.lower()} sockets only")
        if self.values is None:
            notes.append("get-only")
        elif not self.readable:
            notes.append("set-only")
        text = f"{self.constant} ({', '.join(notes)}): {self.words}" if notes else f"{self.constant}: {self.words}"
        if self.values is None:
            return text
        named = ", ".join(f"{int(value)} {words}" for value, words in self.values.named.items())
        return f"{text}; {named or self.values.words}"


def named(rules: Mapping[int, Rule]) -> dict[int, str]:
    """Return the options of a table by their numbers, in words."""
    return {number: str(rule) for number, rule in rules.items()}
