"""What the log shows of the AT dialogue: everything but secrets.

A secret is what stands behind the name of a secret command, and in the answer to it. A line that is no command may be
a piece of one: of an unknown command the log shows what stands before its first quote, equals sign or line end, and of
what follows it, or follows a secret or a line that was too long, nothing but the size until a known command comes.
"""

from __future__ import annotations

import re

from vmodem.core.dialect import Dialect
from vmodem.core.errors import CommandError

_CUT = b"..."
_END_OF_NAME = re.compile(b'["=\r\n]')


class Dialogue:
    """The dialogue of one host with one modem; nothing is done here unless it is logged.

    Args:
        dialect: whose commands they are.
    """

    __slots__ = ("_dialect", "_hidden", "_in_secret", "_suspicious")

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._suspicious = False
        self._hidden = b""
        self._in_secret = False

    def line(self, line: bytes) -> bytes:
        """Return what is shown of a line of the host."""
        if not line.strip():
            return line  # neither a command nor the end of a secret
        name = self._secret(line)
        self._in_secret = name is not None
        self._hidden = b""
        if name is None and self._is_known(line):
            self._suspicious = False
            return line
        whole = line.strip(b"\r\n")
        shown = b"" if self._suspicious else _END_OF_NAME.split(whole, maxsplit=1)[0]
        if name is not None:
            shown = b"AT" + name
        self._suspicious = True
        if shown == whole:
            return shown
        self._hidden = whole.replace(b"\n", b"").strip()  # as a device repeats it
        return b"%b%b (%d bytes)" % (shown, _CUT, len(line))

    def overlong(self) -> None:
        """Take note of a line that was too long: what follows may be a piece of it."""
        self._suspicious = True

    def answer(self, answer: str | bytes) -> str | bytes:
        """Return what is shown of a piece of the answer to the last line."""
        if self._in_secret:
            shown = answer.encode("latin-1") if isinstance(answer, str) else answer
            return _END_OF_NAME.split(shown.lstrip(b"\r\n"), maxsplit=1)[0]
        if isinstance(answer, str):
            return answer
        return _repeated(answer, self._hidden)

    def _secret(self, line: bytes) -> bytes | None:
        """Return the name of the secret command in ``line``, wherever it stands; None where there is none."""
        upper = line.upper()
        names = (command.name.encode() for command in self._dialect.commands if command.secret)
        return next((name for name in names if name in upper), None)

    def _is_known(self, line: bytes) -> bool:
        try:
            request = self._dialect.parse(line)
        except CommandError:
            return False
        named = request is not None and request.name in self._dialect.commands
        return named and line[:2].upper() == b"AT"


def _repeated(answer: bytes, hidden: bytes) -> bytes:
    """Return ``answer`` without what it repeats of a line that was not shown whole."""
    return answer.replace(hidden, _CUT) if hidden else answer
