"""What may be shown of the AT dialogue: everything but what may hold a secret.

A secret is what stands behind the name of a secret command, and in the answer to it. A line that is no command of the
dialect is shown whole, unless it may be a secret: its name is that of a command that takes secrets elsewhere, perhaps
misspelled; it looks like a key; or it may be a piece of a secret, since it follows one, or a line that was too long.
Of a piece nothing but the size is shown, until something comes that begins as a command does.
"""

from __future__ import annotations

import re
from typing import Final

from vmodem.core.dialect import Dialect
from vmodem.core.errors import CommandError

_CUT: Final = b"..."
_END_OF_NAME: Final = re.compile(b'["=\r\n]')
_COMMAND: Final = re.compile(b"AT[+%#][A-Z0-9_]{1,16}([=?]|$)", re.IGNORECASE)
"""What begins as a command does is no piece of a secret, even where the dialect does not know it."""

_LETTERS: Final = re.compile(b"[A-Z]+")
_KEY: Final = re.compile(b"-----|PRIVATE KEY|[0-9A-Fa-f]{16}|[0-9A-Za-z+/_-]{32}")
"""What keys look like: PEM, and long runs of hexadecimal digits or Base64."""

SECRET_NAMES: Final = (
    b"CMNG",
    b"CERT",
    b"CPIN",
    b"WLCONN",
    b"KEY",
    b"PSK",
    b"PASS",
    b"PWD",
    b"AUTH",
    b"TOKEN",
    b"SECRET",
)
"""What the names of commands that take secrets consist of, in any dialect."""


class Dialogue:
    """The dialogue of one host with one modem.

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
        """Return what may be shown of a line of the host."""
        if not line.strip():
            return line  # neither a command nor the end of a secret
        name = self._secret(line)
        self._in_secret = name is not None
        self._hidden = b""
        whole = line.strip(b"\r\n")
        if name is not None:
            return self._hide(line, whole, b"AT" + name)
        if self._is_known(line):
            self._suspicious = False
            return line
        if _may_be_secret(whole) or (self._suspicious and not _COMMAND.match(whole)):
            if self._suspicious:
                return self._hide(line, whole, b"")
            return self._hide(line, whole, _END_OF_NAME.split(whole, maxsplit=1)[0])
        self._suspicious = False
        return line

    def overlong(self) -> None:
        """Take note of a line that was too long: what follows may be a piece of it."""
        self._suspicious = True

    def answer(self, answer: bytes) -> bytes:
        """Return what may be shown of a piece of the answer to the last line."""
        if self._in_secret:
            shown = _END_OF_NAME.split(answer.lstrip(b"\r\n"), maxsplit=1)[0]
            return answer if answer.strip(b"\r\n") == shown else shown
        return answer.replace(self._hidden, _CUT) if self._hidden else answer

    def _hide(self, line: bytes, whole: bytes, shown: bytes) -> bytes:
        """Return the beginning of a line that may be shown, and the size of it all."""
        self._suspicious = True
        if shown == whole:
            return shown
        self._hidden = whole.replace(b"\n", b"").strip()  # as a device repeats it
        return b"%b%b (%d bytes)" % (shown, _CUT, len(line))

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


def _may_be_secret(line: bytes) -> bool:
    """Return whether ``line``, which is no command, takes a secret elsewhere, perhaps misspelled, or looks like one."""
    name = _END_OF_NAME.split(line, maxsplit=1)[0].upper()
    words = [sorted(word) for word in _LETTERS.findall(name)]
    return bool(_KEY.search(line)) or any(secret in name or sorted(secret) in words for secret in SECRET_NAMES)
