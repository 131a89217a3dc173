"""Typed parameters: how a value of the line becomes an argument of a handler.

A handler declares its parameters by annotations, ``Annotated[int, integer(0, 65535)]``; the second part is a converter,
called with the device and the value. Declared once as an alias, such as ``Port = Annotated[int, integer(0, 65535)]``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, get_args

from vmodem.core.errors import CommandError
from vmodem.core.syntax import Value

T_co = TypeVar("T_co", covariant=True)


class Converter(Protocol[T_co]):
    """Turn a value into an argument, or raise `CommandError`."""

    def __call__(self, device: Any, value: Value, /) -> T_co:
        """Convert ``value``; ``device`` is there for what only it knows, such as its open sockets."""


INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def integer(low: int = INT32_MIN, high: int = INT32_MAX) -> Converter[int]:
    """Accept an integer from ``low`` to ``high``, both included."""

    def convert(device: object, value: Value) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise CommandError(f"{shown(value)} is not an integer from {low} to {high}")

    return convert


def choice(*choices: int) -> Converter[int]:
    """Accept one of the integers ``choices``."""
    accepted = frozenset(choices)
    listed = ", ".join(str(int(one)) for one in choices)

    def convert(device: object, value: Value) -> int:
        if type(value) is int and value in accepted:
            return value
        raise CommandError(f"{shown(value)} is none of {listed}")

    return convert


def text(limit: int) -> Converter[str]:
    """Accept a string of at most ``limit`` characters."""

    def convert(device: object, value: Value) -> str:
        if type(value) is str and len(value) <= limit:
            return value
        raise CommandError(f"{shown(value)} is not a string of at most {limit} characters")

    return convert


def anything(device: object, value: Value) -> Value:
    """Accept any value, for a handler that decides by itself."""
    return value


class Signature:
    """The parameters of one handler, compiled from its annotations.

    Args:
        function: the handler; its first parameter is the device.
        surplus: whether more parameters than declared are accepted and ignored.
    """

    __slots__ = ("_converters", "_names", "_required", "_rest", "_surplus")

    def __init__(self, function: Callable[..., Any], *, surplus: bool) -> None:
        parameters = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        self._converters: list[Converter[Any]] = []
        self._names: list[str] = []
        self._rest: Converter[Any] | None = None
        self._required = 0
        self._surplus = surplus
        for parameter in parameters:
            converter = _converter(parameter.annotation)
            self._names.append(parameter.name)
            if parameter.kind is parameter.VAR_POSITIONAL:
                self._rest = converter
                continue
            self._converters.append(converter)
            if parameter.default is parameter.empty:
                self._required += 1

    def bind(self, device: Any, values: Sequence[Value]) -> list[Any]:
        """Return the arguments for ``values``, converted from left to right.

        Raises:
            CommandError: a parameter is missing, too many or of the wrong type or range.
        """
        given, declared = len(values), len(self._converters)
        if given < self._required:
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


def _converter(annotation: Any) -> Converter[Any]:
    """Return the converter in ``Annotated[...]``, or in the one that a default of None made optional."""
    for candidate in (annotation, *get_args(annotation)):
        metadata = getattr(candidate, "__metadata__", None)
        if metadata:
            converter: Converter[Any] = metadata[0]
            return converter
    raise TypeError(f"{annotation} has no converter")
