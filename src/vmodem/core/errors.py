"""The one error that a command may end with.

    Exception
    └── CommandError        the final result is an error: ERROR, +CME ERROR: <n>, ERROR: <n> ...
        └── UnknownCommandError  the table has no such command

Anything else that leaves a handler is our own bug: the engine logs it and answers the dialect's plain error.
"""

from __future__ import annotations

from collections.abc import Sequence

from vmodem.core.syntax import Request


class CommandError(Exception):
    """The command failed.

    Args:
        reason: why, in words for the log; never sent.
        code: the number that the dialect's error form may print, None where the error is plain.
        lines: information lines that are sent before the error.
    """

    def __init__(self, reason: str = "", *, code: int | None = None, lines: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.lines = tuple(lines)


class UnknownCommandError(CommandError):
    """There is no command of this name, or it does not have this form.

    Args:
        request: what was asked for.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(f"no {request.form.value} command {request.name}")
        self.request = request
