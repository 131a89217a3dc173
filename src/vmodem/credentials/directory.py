"""The store of credentials on disk: one file each, under names that people can read.

    DIR/modem/<sec_tag>/ca.pem             AT%CMNG
    DIR/native/<sec_tag>/psk.txt           AT#XCMNG
    DIR/CERT/client_ca_1.crt               an Ameba; the names are the device's

Nothing is kept in memory: files that people put there, or take away, are seen at once. A file is written whole beside
its place and then renamed into it, so that a kill at any moment leaves the old or the new. Writers, in any number of
processes, take turns.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vmodem.credentials.store import (
    KINDS,
    MAX_ENTRIES,
    MAX_SIZE,
    SECRET,
    Area,
    Entry,
    Kind,
    Slot,
    Store,
    in_order,
    need_room,
)
from vmodem.errors import StoreError, because
from vmodem.files import NEW, appearing

log = logging.getLogger("vmodem")

CERT: Final = "CERT"
"""The directory of an Ameba's certificates."""

FILE_NAMES: Final = {
    kind: f"{kind.name.lower()}.{'txt' if kind in (Kind.PSK, Kind.PSK_IDENTITY) else 'pem'}" for kind in Kind
}
"""The name of a credential's file in the directory of its tag."""

_SUITE_NAMES: Final = {Kind.CA: ("ca", "crt"), Kind.CERTIFICATE: ("cert", "crt"), Kind.KEY: ("key", "key")}
_SUITE_NAME: Final = re.compile(r"(client|server)_(ca|cert|key)_([1-9][0-9]?)\.(?:crt|key)", re.ASCII)
_TAG: Final = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)

LOCK_PATIENCE: Final = 2.0
"""Seconds that a writer waits for its turn."""

_SHORTAGES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)
"""Failures that are no property of a file."""

_POLL: Final = 0.005
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def path_of(slot: Slot) -> Path:
    """Return where the credential in ``slot`` is, within the directory of the store."""
    if slot.area in (Area.CLIENT, Area.SERVER):
        name, suffix = _SUITE_NAMES[slot.kind]
        return Path(CERT, f"{slot.area.value}_{name}_{slot.tag}.{suffix}")
    return Path(slot.area.value, str(slot.tag), FILE_NAMES[slot.kind])


def suite_slot(name: str) -> Slot | None:
    """Return the slot of an Ameba's file, such as ``client_ca_1.crt``; None where ``name`` is no such file."""
    found = _SUITE_NAME.fullmatch(name)
    if found is None:
        return None
    kind = next(kind for kind, names in _SUITE_NAMES.items() if names[0] == found[2])
    slot = Slot(Area(found[1]), int(found[3]), kind)
    return slot if slot.exists and path_of(slot).name == name else None


class DirectoryStore(Store):
    """A store in a directory.

    Args:
        root: the directory.
        create: whether it is made where it does not exist.
        max_entries: how many credentials it holds.

    Attributes:
        ignored: how many files were no credential, or could not be read; the log tells which.

    Raises:
        StoreError: the directory cannot be used.
    """

    slow = True

    def __init__(self, root: Path, *, create: bool = True, max_entries: int = MAX_ENTRIES) -> None:
        super().__init__(max_entries)
        self._root = root
        self._told: set[str] = set()
        self.ignored = 0
        try:
            if create:
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.listdir(root)
        except OSError as error:
            raise StoreError(f"{root}: {because(error)}") from error
        self._sweep()

    def write(self, slot: Slot, content: bytes) -> None:
        """Write a credential, in place of the one that is there."""
        with self._turn():
            taken = set(self._slots())
            need_room(content, len(taken | {slot}), self._max_entries)
            _replace(self._directory(slot) / path_of(slot).name, content)

    def read(self, slot: Slot) -> Entry | None:
        """Return the credential in ``slot``, None where there is none; an empty file is none."""
        if not slot.exists:
            return None
        path = self._root / path_of(slot)
        try:
            with _opened(path, os.O_RDONLY | os.O_NONBLOCK) as file:
                return self._load(slot, path, file)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._unreadable(path, error)
            return None

    def delete(self, slot: Slot) -> bool:
        """Delete the credential in ``slot``; return whether there was one."""
        path = self._root / path_of(slot)
        with self._turn():
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            _sync(path.parent)
            with contextlib.suppress(OSError):  # the others of its tag are still there
                if path.parent.name != CERT:
                    path.parent.rmdir()
        return True

    def entries(self, *areas: Area) -> list[Entry]:
        """Return the credentials of ``areas``, of all where none is named, by area, tag and kind."""
        found = (self.read(slot) for slot in self._slots() if slot.area in (areas or Area))
        return in_order(entry for entry in found if entry is not None)

    # Reading

    def _load(self, slot: Slot, path: Path, file: int) -> Entry | None:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            self._ignore(path, "no regular file")
            return None
        content = b""
        while piece := os.read(file, MAX_SIZE + 1 - len(content)):
            content += piece
        if len(content) > MAX_SIZE:
            self._ignore(path, f"more than {MAX_SIZE} bytes")
            return None
        if slot.kind in SECRET and status.st_mode & _OTHERS:
            self._tell(f"{path}: others than its owner can read it")
        return Entry(slot, content, status.st_mtime_ns) if content else None

    def _slots(self) -> Iterator[Slot]:
        """Yield the slot of every file that is a credential by its name."""
        for area in (Area.MODEM, Area.NATIVE):
            for directory in self._list(self._root / area.value):
                tag = int(directory.name) if _TAG.fullmatch(directory.name) else -1
                if Slot(area, tag, Kind.CA).exists:
                    yield from self._tagged(area, tag, directory)
                else:
                    self._ignore(directory, "its name is no security tag")
        for file in self._list(self._root / CERT):
            slot = suite_slot(file.name)
            if slot is not None:
                yield slot
            else:
                self._ignore(file, "its name is none of a certificate suite, such as client_ca_1.crt")

    def _tagged(self, area: Area, tag: int, directory: Path) -> Iterator[Slot]:
        kinds = {FILE_NAMES[kind]: kind for kind in KINDS[area]}
        for file in self._list(directory):
            if file.name in kinds:
                yield Slot(area, tag, kinds[file.name])
            else:
                self._ignore(file, f"its name is none of {', '.join(kinds)}")

    def _list(self, directory: Path) -> list[Path]:
        """Return what is in ``directory`` and does not begin with a dot."""
        try:
            return [directory / name for name in sorted(os.listdir(directory)) if not name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            self._unreadable(directory, error)
            return []

    def _unreadable(self, path: Path, error: OSError) -> None:
        """Ignore what cannot be read, unless the machine is to blame: then nobody knows what is there."""
        if error.errno in _SHORTAGES:
            raise error
        self._ignore(path, os.strerror(error.errno or 0))

    def _ignore(self, path: Path, reason: str) -> None:
        self.ignored += self._tell(f"{path}: {reason}; it is ignored")

    def _tell(self, message: str) -> bool:
        """Log a warning, once; return whether it is a new one."""
        if message in self._told:
            return False
        self._told.add(message)
        log.warning("%s", message)
        return True

    # Writing

    def _directory(self, slot: Slot) -> Path:
        """Make the directory of ``slot`` where there is none, for its owner only; return it."""
        directory = self._root
        for name in path_of(slot).parent.parts:
            directory /= name
            try:
                directory.mkdir(mode=0o700)
            except FileExistsError:
                continue
            _sync(directory.parent)
        return directory

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Keep every other writer out; a writer that is killed gives its turn away.

        Raises:
            OSError: the directory cannot be written to, or another writer does not end.
        """
        with _opened(self._root / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW) as file:
            deadline = time.monotonic() + LOCK_PATIENCE
            while not _lock(file):
                if time.monotonic() > deadline:
                    raise OSError(errno.EBUSY, f"somebody else is writing to {self._root}")
                time.sleep(_POLL)
            yield

    def _sweep(self) -> None:
        """Remove what writers that were killed have left; a directory that cannot be written to has none."""
        with contextlib.suppress(OSError), self._turn():
            for place in (f"{Area.MODEM.value}/*", f"{Area.NATIVE.value}/*", CERT):
                for left in self._root.glob(f"{place}/.*{NEW}"):
                    left.unlink()


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole, for its owner only, and then let it take its place; what killed writers left goes."""
    for left in path.parent.glob(f".{path.name}*{NEW}"):
        left.unlink()
    with appearing(path, content, 0o600) as file:
        now = time.time_ns()  # the kernel's own time stamps are too coarse to tell what was written last
        os.utime(file, ns=(now, now))
        os.fsync(file)
    _sync(path.parent)


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    """Open a file; one that is made is for its owner only."""
    file = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)


def _sync(directory: Path) -> None:
    """Let the names in ``directory`` outlive a power failure."""
    with _opened(directory, os.O_RDONLY | os.O_DIRECTORY) as file:
        os.fsync(file)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
