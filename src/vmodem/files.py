"""Files that appear whole, and nobody else's: a new one beside its place, which then takes it.

The new one has a name that nobody can guess and is made, never opened. A link that somebody has put in a folder that
others may write to, under its name or under the place's, is replaced, and what it points to stays as it is.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

NEW: Final = ".new"
"""What the name of a file ends in that has not yet taken its place."""

_DESCRIPTORS: Final = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Where a link stands for something that is open already, such as /dev/stdout."""


@contextlib.contextmanager
def appearing(path: Path, content: bytes, mode: int = 0o666) -> Iterator[int]:
    """Let a file take its place, with all its contents, when the block has ended without an error.

    Args:
        path: its place.
        content: what it holds.
        mode: its permissions, less those that the process's umask takes away.

    Yields:
        Its descriptor.

    Raises:
        OSError: it cannot be written, before the block where that is known by then.
    """
    if _stands(path):
        raise FileExistsError(errno.EEXIST, "it exists and is no file", str(path))
    new = path.with_name(f".{path.name}.{os.urandom(8).hex()}{NEW}")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        _write_all(file, content)
        yield file
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
    finally:
        os.close(file)


def write(path: Path, content: bytes) -> None:
    """Write a file, in place of the one that is there, whose permissions it gets; a device or a pipe just gets it all.

    Raises:
        OSError: it cannot be written.
    """
    if _stands(path):
        with _opened(path) as file:
            _write_all(file, content)
        return
    with appearing(path, content) as file, contextlib.suppress(FileNotFoundError):
        before = path.lstat().st_mode
        if stat.S_ISREG(before):
            os.fchmod(file, stat.S_IMODE(before))


def remove(path: Path) -> None:
    """Remove a file, or a link, where there is one; what is neither stays.

    Raises:
        OSError: it cannot be removed.
    """
    if not _stands(path):
        path.unlink(missing_ok=True)


def _stands(path: Path) -> bool:
    """Return whether ``path`` is no place for a file: it is a folder, a device, a pipe, or an open descriptor."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not stat.S_ISREG(mode) and (not stat.S_ISLNK(mode) or path.parent in _DESCRIPTORS)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        yield file
    finally:
        os.close(file)


def _write_all(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
