"""argparse in a user's words: every mistake is one line that says what is wrong, and what would be right."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from vmodem.errors import VmodemError, one_line, quoted, suggestion

if TYPE_CHECKING:
    from vmodem.endpoints.endpoint import Spec

USAGE_ERROR: Final = 2


class Parser(argparse.ArgumentParser):
    """A parser that knows the mistakes of its users; every namespace has the one that was asked as ``parser``.

    Args:
        fill: adds the arguments when there is something to parse: what they need is imported then, not before.
        options: what argparse takes.
    """

    def __init__(self, *, fill: Callable[[Parser], None] | None = None, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)
        self.register("action", None, Once)
        self.set_defaults(parser=self)
        self._fill = fill
        self._parsing = False

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Add the arguments, look for what is none of them, then parse: options may stand between the others."""
        if self._parsing:
            return super().parse_known_args(args, namespace)
        self._add_arguments()
        words = list(sys.argv[1:] if args is None else args)
        self._look_at(words)
        self._parsing = True  # what follows comes back here
        parse = self.parse_known_intermixed_args if self._subparsers is None else super().parse_known_args
        return parse(words, namespace)

    def filled(self) -> Parser:
        """Return the parser with all arguments of all its commands, for who writes about them."""
        self._add_arguments()
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                for command in action.choices.values():
                    command.filled()
        return self

    def _add_arguments(self) -> None:
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)

    def error(self, message: str) -> NoReturn:
        """Print ``message`` and end the program with status 2."""
        see = " See" if message.endswith("?") else "; see"
        self.exit(
            USAGE_ERROR, f"{self.prog}: {one_line(message.removeprefix('argument '))}{see} '{self.prog} --help'\n"
        )

    def unexpected(self, words: Sequence[str]) -> NoReturn:
        """Refuse words that nothing takes."""
        options = [name for name in self._option_string_actions if name not in ("-h", "--help")]
        if not options:
            self.error(f"{quoted(words[0])} is one too many; nothing behind {self.prog!r} would be right")
        near = suggestion(words[0].split("=")[0].split(" ")[0], options)
        self.error(f"{quoted(words[0])} belongs to no option; {near}")

    def _look_at(self, words: Sequence[str]) -> None:
        """Refuse what is no option, and a value of one that takes none."""
        for word in words:
            if word == "--" or (self._subparsers is not None and not word.startswith("-")):
                return  # what follows is none, or the command's
            if word.startswith("-") and word != "-" and " " not in word and not word[1:].isdecimal():
                self._look_at_option(word)

    def _look_at_option(self, word: str) -> None:
        known = self._option_string_actions
        name, equals, value = word.partition("=")
        if name not in known and not (word[1] != "-" and word[:2] in known):
            before = "" if self._subparsers is None else " before the command"
            self.error(f"unknown option {quoted(name)}{before}; {suggestion(name, known)}")
        if equals and name in known and known[name].nargs == 0:
            self.error(f"{name} takes no value; {name} without {quoted('=' + value)} would be right")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of an argument's choices."""
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"{quoted(value)} is unknown; {suggestion(value, action.choices)}")

    def _match_argument(self, action: argparse.Action, arg_strings_pattern: str) -> int:
        """Return how many words an argument takes; refuse too few."""
        try:
            return super()._match_argument(action, arg_strings_pattern)
        except argparse.ArgumentError:
            value = action.metavar or "|".join(action.choices or ()) or action.dest.upper()
            right = " ".join((*action.option_strings[:1], str(value)))
            raise argparse.ArgumentError(action, f"its value is missing; {right} would be right") from None


class Once(argparse.Action):
    """Store the value of an argument; refuse another one."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Store the value."""
        given = namespace.__dict__.setdefault("given", {})
        if given.setdefault(self.dest, values) != values:
            raise argparse.ArgumentError(self, "it is given twice; once would be right")
        setattr(namespace, self.dest, values)


class AddEndpoint(argparse.Action):
    """Append an endpoint, so that the order on the command line is kept.

    Args:
        kind: its kind.
        options: what argparse gives.
    """

    def __init__(self, *, kind: type[Spec], **options: Any) -> None:
        super().__init__(**options)
        self._kind = kind

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Append the endpoint that the option names."""
        try:
            spec = self._kind.parse(None if values == [] else values)
        except ValueError as error:
            raise argparse.ArgumentError(self, str(error)) from None
        namespace.endpoints = [*(namespace.endpoints or []), spec]


def read(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return ``function``, which reads the value of an argument, with its errors as those of argparse."""

    def reading(value: Any) -> Any:
        try:
            return function(value)
        except (ValueError, VmodemError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return reading


def path(value: str) -> Path:
    """Read a path."""
    if not value:
        raise argparse.ArgumentTypeError("the path is empty; that of a file or a folder would be right")
    return Path(value)


def failed(arguments: argparse.Namespace, reason: object) -> int:
    """Print why it could not be done; return the status of that."""
    if sys.stderr is not None:
        print(f"{arguments.parser.prog}: {one_line(str(reason))}", file=sys.stderr)
    return 1
