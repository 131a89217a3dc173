"""Typed parameters: which values a parameter accepts, and how one of them becomes an argument of a handler.

A handler declares its parameters by annotations, ``Annotated[int, integer(0, 65535)]``; the second part is a `Values`.
It refuses what is not accepted, and tells the reference what is. Declared once as an alias, such as
``Port = Annotated[int, integer(0, 65535)]``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar, get_args

from vmodem.core.errors import CommandError
from vmodem.core.syntax import Value

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Converter(Protocol[T_co]):
    """Turn a value into an argument, or raise `CommandError`."""

    def __call__(self, device: Any, value: Value, /) -> T_co:
        """Convert ``value``; ``device`` is there for what only it knows, such as its open sockets."""


class Values(Generic[T]):
    """The values that a parameter accepts.

    Args:
        convert: turns a value into an argument, or raises `CommandError`.
        words: what is accepted, such as ``an integer from 0 to 65535``.
        named: the values that stand for something, and for what; empty where they are not listed.
        beyond: what is accepted besides with a policy that has ``field``.
        field: the field of the policy; empty where nothing else is accepted.
    """

    __slots__ = ("beyond", "convert", "field", "named", "words")

    def __init__(
        self,
        convert: Converter[T],
        words: str,
        named: Mapping[int, str] | None = None,
        *,
        beyond: str = "",
        field: str = "",
    ) -> None:
        self.convert = convert
        self.words = words
        self.named = named or {}
        self.beyond = beyond
        self.field = field


INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def integer(low: int = INT32_MIN, high: int = INT32_MAX) -> Values[int]:
    """Accept an integer from ``low`` to ``high``, both included."""

    def convert(device: object, value: Value) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise CommandError(f"{shown(value)} is not an integer from {low} to {high}")

    return Values(convert, f"an integer{_limits(low, high)}")


def choice(*choices: int) -> Values[int]:
    """Accept one of the integers ``choices``, which say themselves what they are."""
    return _one_of(choices, {})


def one_of(named: Mapping[int, str]) -> Values[int]:
    """Accept one of the integers ``named``, each with the words for what it stands for."""
    return _one_of(named, named)


def unless(field: str, listed: Values[int], beyond: Values[int]) -> Values[int]:
    """Accept what ``listed`` accepts, but what ``beyond`` accepts with a policy that has ``field``.

    This is how a firmware takes values that its manual does not list.
    """
    strict, lenient = listed.convert, beyond.convert

    def convert(device: Any, value: Value) -> int:
        return lenient(device, value) if getattr(device.policy, field) else strict(device, value)

    return Values(convert, listed.words, listed.named, beyond=beyond.words, field=field)


def text(limit: int) -> Values[str]:
    """Accept a string of at most ``limit`` characters."""

    def convert(device: object, value: Value) -> str:
        if type(value) is str and len(value) <= limit:
            return value
        raise CommandError(f"{shown(value)} is not a string of at most {limit} characters")

    return Values(convert, f"a string of at most {limit} characters")


def _any_value(device: object, value: Value) -> Value:
    return value


anything = Values(_any_value, "any value")
"""Any value, for a handler that decides by itself."""


def _one_of(choices: Sequence[int] | Mapping[int, str], named: Mapping[int, str]) -> Values[int]:
    accepted = frozenset(choices)
    listed = ", ".join(str(int(one)) for one in choices)

    def convert(device: object, value: Value) -> int:
        if type(value) is int and value in accepted:
            return value
        raise CommandError(f"{shown(value)} is none of {listed}")

    return Values(convert, f"one of {listed}", named)


def _limits(low: int, high: int) -> str:
    """Return the limits of an integer in words; those of 32 bits go without saying."""
    if high == INT32_MAX:
        return "" if low == INT32_MIN else f" from {low} on"
    return f" from {low} to {high}"


class Signature:
    """The parameters of one handler, compiled from its annotations.

    Args:
        function: the handler; its first parameter is the device.
        surplus: whether more parameters than declared are accepted and ignored.

    Attributes:
        required: how many parameters have to be there.
    """

    __slots__ = ("_converters", "_names", "_rest", "_surplus", "required")

    def __init__(self, function: Callable[..., Any], *, surplus: bool) -> None:
        parameters = list(inspect.signature(function, follow_wrapped=False, eval_str=True).parameters.values())[1:]
        self._converters: list[Converter[Any]] = []
        self._names: list[str] = []
        self._rest: Converter[Any] | None = None
        self.required = 0
        self._surplus = surplus
        for parameter in parameters:
            converter = values_of(parameter.annotation).convert
            self._names.append(parameter.name)
            if parameter.kind is parameter.VAR_POSITIONAL:
                self._rest = converter
                continue
            self._converters.append(converter)
            if parameter.default is parameter.empty:
                self.required += 1

    def bind(self, device: Any, values: Sequence[Value]) -> list[Any]:
        """Return the arguments for ``values``, converted from left to right.

        Raises:
            CommandError: a parameter is missing, too many or of the wrong type or range.
        """
        given, declared = len(values), len(self._converters)
        if given < self.required:
            missing = CommandError("is missing")
            missing.blame(self._names[given])
            raise missing
        arguments: list[Any] = []
        try:
            for convert, value in zip(self._converters, values, strict=False):
                arguments.append(convert(device, value))  # how many there are tells whom to blame
            if given > declared and self._rest is not None:
                rest = self._rest
                arguments += [rest(device, value) for value in values[declared:]]
        except CommandError as error:
            error.blame(self._names[len(arguments)])
            raise
        if given > declared and self._rest is None and not self._surplus:
            raise CommandError(f"{counted(given)}, at most {declared} {'is' if declared == 1 else 'are'} accepted")
        return arguments


def shown(value: Value | None) -> str:
    """Return how a value, None for one that is left out, reads in the reason of an error: a string may be a secret."""
    if isinstance(value, str):
        return f"a string of {len(value)} characters"
    return "nothing" if value is None else str(value)


def counted(parameters: int) -> str:
    """Return a number of parameters in words."""
    return "1 parameter" if parameters == 1 else f"{parameters} parameters"


def values_of(annotation: Any) -> Values[Any]:
    """Return the `Values` in ``Annotated[...]``, or in the one that a default of None made optional."""
    for candidate in (annotation, *get_args(annotation)):
        for metadata in getattr(candidate, "__metadata__", ()):
            if isinstance(metadata, Values):
                return metadata
    raise TypeError(f"{annotation} does not say which values it accepts")
