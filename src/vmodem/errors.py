"""What goes wrong before a modem answers: mistakes of whoever asks for one, and of the world.

    Exception
    └── VmodemError              the message is one line in a user's words
        ├── UnknownDialectError  there is no dialect of that name
        ├── ProfileError         a modem cannot be made as it was asked for
        ├── ConfigError          a configuration cannot be used
        ├── StoreError           a directory of credentials cannot be used
        ├── SpecError            an endpoint cannot be as it was asked for; a ValueError too
        ├── EndpointError        an endpoint cannot be opened
        └── NoPlaceError         no endpoint has what was asked for; a LookupError too

What goes wrong at a modem is no exception: its host is answered, and the log tells why.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Final, TypeAlias

Key: TypeAlias = tuple[str | int, ...]
"""Where something stands in a configuration: the names of the tables and the key, and indices into arrays."""

_REMEDIES: Final = {
    errno.ENOENT: "a path that is there would be right",
    errno.ENOTDIR: "a path that leads through folders would be right",
    errno.EISDIR: "a file would be right",
    errno.EEXIST: "a path where nothing is, or a folder, would be right",
    errno.EACCES: "one that you may use would be right",
    errno.EPERM: "one that you may use would be right",
    errno.ENAMETOOLONG: "a shorter one would be right",
    errno.ENOTTY: "a serial port would be right, as in /dev/ttyUSB0",
    errno.EADDRINUSE: "another port would be right, or 0 for a free one",
    errno.EADDRNOTAVAIL: "an address of this machine would be right",
    -2: "a name that is known, or an address, would be right",  # EAI_NONAME
}
"""What would be right where the system has refused something."""


class VmodemError(Exception):
    """The base of every error of the public API; the message is one line in a user's words."""


class UnknownDialectError(VmodemError):
    """There is no dialect of that name."""


class ProfileError(VmodemError):
    """A modem cannot be made as it was asked for."""


class ConfigError(VmodemError):
    """A configuration cannot be used.

    Args:
        message: what is wrong, and what would be right.
        key: where it stands.
    """

    def __init__(self, message: str, key: Key = ()) -> None:
        super().__init__(message)
        self.key = key


class StoreError(VmodemError):
    """A directory of credentials cannot be used."""


class SpecError(VmodemError, ValueError):
    """An endpoint cannot be as it was asked for."""


class EndpointError(VmodemError):
    """An endpoint cannot be opened."""


class NoPlaceError(VmodemError, LookupError):
    """No endpoint has what was asked for: a port, a path."""


def suggestion(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return what may have been meant by ``word``: the nearest of ``known``.

    Where none is near it is ``otherwise``, all of them where that is empty.
    """
    from difflib import get_close_matches  # not at the top: nobody without a mistake pays for it

    bare = {one.strip("-").lower(): one for one in known}
    near = [bare[one] for one in get_close_matches(word.strip("-").lower(), bare, 2, 0.7)]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return otherwise or f"known are {', '.join(bare.values())}"


def because(error: OSError) -> str:
    """Return why the system has refused something, and what would be right."""
    code = error.errno or 0
    reason = error.strerror or str(error)
    return f"{reason}; {_REMEDIES[code]}" if code in _REMEDIES else reason


def quoted(value: object) -> str:
    """Return a value as a message shows it: on one line, and not for ever."""
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= 80 else f"{text[:77]}..."
    return repr(text) if isinstance(value, str) else one_line(text)


def one_line(text: str) -> str:
    """Return ``text`` with every line break and other control character as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
