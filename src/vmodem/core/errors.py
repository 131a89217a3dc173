"""The one error that a command may end with.

    Exception
    └── CommandError        the final result is an error: ERROR, +CME ERROR: <n>, ERROR: <n> ...
        └── UnknownCommandError  the table has no such command

Anything else that leaves a handler is what the network said, or our own bug: the engine answers the dialect's plain
error, and logs a bug with its traceback.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from vmodem.core.syntax import Form, Request
from vmodem.net.interface import ResolveError

_FORMS = {Form.SET: "set form", Form.READ: "read form", Form.TEST: "test form"}


class CommandError(Exception):
    """The command failed.

    Args:
        reason: why, in words for a user; never sent, and without secrets.
        code: the number that the dialect's error form may print, None where the error is plain.
        lines: information lines that are sent before the error.

    Attributes:
        parameter: the parameter that is to blame, by the manual's name; empty where it is none.
        unknown: whether there is no such command, or not in this form.
    """

    unknown = False

    def __init__(self, reason: str = "", *, code: int | None = None, lines: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.lines = tuple(lines)
        self.parameter = ""

    def blame(self, parameter: str) -> None:
        """Say that ``parameter`` is to blame: the reason goes on from its name, as in ``<op> 9 is none of 1, 2``."""
        self.parameter = parameter
        self.reason = f"<{parameter}> {self.reason}"


class UnknownCommandError(CommandError):
    """There is no command of this name, or it does not have this form.

    Args:
        request: what was asked for.
        known: whether there is a command of this name.
    """

    unknown = True

    def __init__(self, request: Request, *, known: bool) -> None:
        name = f"AT{request.name}"
        super().__init__(f"{name} has no {_FORMS[request.form]}" if known else f"there is no command {name}")
        self.request = request


def in_words(error: CommandError | OSError | ResolveError) -> str:
    """Return why something failed, in words for a user."""
    if isinstance(error, CommandError):
        return error.reason
    if isinstance(error, ResolveError):
        because = f", because of something else: {error.reason}" if error.reason else ""
        return f"the name cannot be resolved ({error.name}){because}"
    return error.strerror or errno.errorcode.get(error.errno or 0, str(error) or "the network failed")
