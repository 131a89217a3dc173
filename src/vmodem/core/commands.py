"""Command tables: (name, form) -> handler, as data.

A dialect's module owns a `CommandTable` for each page of the manual and registers handlers beside their definition;
the dialect's table is their union.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from types import CoroutineType
from typing import Any, TypeAlias, TypeVar

from vmodem.core.errors import UnknownCommandError
from vmodem.core.parameters import Signature
from vmodem.core.syntax import Form, Request

Information: TypeAlias = str | bytes
"""An information line (str, framed by the dialect) or raw bytes that are sent as they are."""

Reply: TypeAlias = "Information | list[Information] | None"
"""What a handler returns: what is sent before the final result."""

Outcome: TypeAlias = "Reply | Coroutine[Any, Any, Reply]"
"""A reply, or a coroutine that ends in one, where the handler has to wait."""

Handler: TypeAlias = Callable[..., Outcome]
F = TypeVar("F", bound=Callable[..., Any])


class Says:
    """A handler of a test form that answers with a text, and nothing else.

    Args:
        text: the information line.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, device: Any) -> str:
        """Answer with the text."""
        return self.text


@dataclass(slots=True)
class Command:
    """One command: its name, what it does in a few words, and a handler for each form that it has.

    ``secret`` tells that the log shows neither its parameters nor its answers.
    """

    name: str
    summary: str
    page: str = ""
    secret: bool = False
    handlers: dict[Form, Handler] = field(default_factory=dict)
    signatures: dict[Form, Signature] = field(default_factory=dict)

    @property
    def forms(self) -> list[Form]:
        """The forms that are supported, in the order set, read, test."""
        return [form for form in Form if form in self.handlers]


class CommandTable:
    """The commands of a dialect, or of one page of its manual.

    Args:
        page: title of the page of the manual, for the reference.
    """

    def __init__(self, page: str = "") -> None:
        self._page = page
        self._commands: dict[str, Command] = {}

    def set(
        self, name: str, summary: str, *, test: str | None = None, surplus: bool = True, secret: bool = False
    ) -> Callable[[F], F]:
        """Register the decorated function as the set form of ``name``.

        Args:
            name: command name with its prefix, upper-case.
            summary: what the command does, in a few words.
            test: the information line of the test form, None where the test form is not supported.
            surplus: whether surplus parameters are ignored instead of being an error.
            secret: whether the log shows neither its parameters nor its answers.
        """

        def register(function: F) -> F:
            command = self._command(name, summary)
            command.secret = secret
            command.handlers[Form.SET] = function
            command.signatures[Form.SET] = Signature(function, surplus=surplus)
            if test is not None:
                command.handlers[Form.TEST] = Says(test)
            return function

        return register

    def read(self, name: str, summary: str = "") -> Callable[[F], F]:
        """Register the decorated function as the read form of ``name``; it takes the device only."""
        return self._bare(name, summary, Form.READ)

    def test(self, name: str, summary: str = "") -> Callable[[F], F]:
        """Register the decorated function as the test form of ``name``; it takes the device only."""
        return self._bare(name, summary, Form.TEST)

    def include(self, *tables: CommandTable) -> CommandTable:
        """Take over every command of ``tables``; a form of a later one wins over the same form of an earlier one."""
        for table in tables:
            for name, command in table._commands.items():
                before = self._commands.get(name, command)
                self._commands[name] = replace(
                    command,
                    handlers=before.handlers | command.handlers,
                    signatures=before.signatures | command.signatures,
                )
        return self

    def replying(self, frame: Callable[[Reply], Reply]) -> CommandTable:
        """Return the same commands with every reply passed through ``frame``."""
        table = CommandTable(self._page)
        for command in self:
            handlers = {form: _framed(handler, frame) for form, handler in command.handlers.items()}
            table._commands[command.name] = replace(command, handlers=handlers)
        return table

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def __len__(self) -> int:
        return len(self._commands)

    def __getitem__(self, name: str) -> Command:
        return self._commands[name]

    def __contains__(self, name: str) -> bool:
        return name in self._commands

    def call(self, device: Any, request: Request) -> Outcome:
        """Call the handler that ``request`` asks for.

        Raises:
            CommandError: there is none, or its parameters are wrong, or it failed.
        """
        name, form, values = request
        try:
            command = self._commands[name]
            handler = command.handlers[form]
        except KeyError:
            raise UnknownCommandError(request, known=name in self._commands) from None
        if form is Form.SET:
            return handler(device, *command.signatures[form].bind(device, values))
        return handler(device)

    def _bare(self, name: str, summary: str, form: Form) -> Callable[[F], F]:
        def register(function: F) -> F:
            self._command(name, summary).handlers[form] = function
            return function

        return register

    def _command(self, name: str, summary: str) -> Command:
        command = self._commands.setdefault(name, Command(name, summary, self._page))
        command.summary = command.summary or summary
        return command


def _framed(handler: Handler, frame: Callable[[Reply], Reply]) -> Handler:
    def framed(*arguments: Any) -> Outcome:
        outcome = handler(*arguments)
        return _awaited(outcome, frame) if isinstance(outcome, CoroutineType) else frame(outcome)  # type: ignore[arg-type]

    framed.__wrapped__ = handler  # type: ignore[attr-defined]  # whose words the reference takes
    return framed


async def _awaited(coroutine: Coroutine[Any, Any, Reply], frame: Callable[[Reply], Reply]) -> Reply:
    return frame(await coroutine)
