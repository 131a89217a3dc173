"""The store of credentials, in memory. Nothing here does I/O; `directory` keeps the same on disk.

A credential stands in a slot: an area, a tag and a kind. Its content is kept byte for byte as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from hashlib import sha256
from typing import Final, NamedTuple

from vmodem.tls.security import Bundle

MAX_ENTRIES: Final = 1000
"""How many credentials a store holds."""

MAX_SIZE: Final = 256 * 1024
"""The largest credential in bytes: as large as the root certificates of a whole system."""

MAX_TAG: Final = 2**31 - 1
MAX_INDEX: Final = 10
"""The last certificate suite of an Ameba; the first is 1."""


class Area(Enum):
    """Who uses a credential."""

    MODEM = "modem"
    """The modem core: AT%CMNG."""
    NATIVE = "native"
    """The TLS stack beside the modem core: AT#XCMNG."""
    CLIENT = "client"
    """An Ameba that is a TLS client; the tag is the index of a certificate suite."""
    SERVER = "server"
    """An Ameba that is a TLS server; likewise."""


MODEM_TLS: Final = (Area.MODEM,)
NATIVE_TLS: Final = (Area.NATIVE, Area.MODEM)
"""Where credentials are looked for: in the first area that has any with the tag."""


class Kind(IntEnum):
    """What a credential is, numbered as the <type> of AT%CMNG."""

    CA = 0
    CERTIFICATE = 1
    KEY = 2
    PSK = 3
    PSK_IDENTITY = 4
    PUBLIC_KEY = 5
    DEVICE_PUBLIC_KEY = 6
    ENDORSEMENT_KEY = 8
    OWNERSHIP_KEY = 9
    NORDIC_CA = 10
    NORDIC_PUBLIC_KEY = 11


SECRET: Final = frozenset({Kind.KEY, Kind.PSK, Kind.ENDORSEMENT_KEY})
"""The kinds whose content never leaves the store but to secure a connection."""

_TLS: Final = (Kind.CA, Kind.CERTIFICATE, Kind.KEY, Kind.PSK, Kind.PSK_IDENTITY)
_SUITE: Final = (Kind.CA, Kind.CERTIFICATE, Kind.KEY)

KINDS: Final = {
    Area.MODEM: tuple(Kind),
    Area.NATIVE: _TLS,
    Area.CLIENT: _SUITE,
    Area.SERVER: _SUITE,
}
"""The kinds that each area has."""


class StoreFullError(Exception):
    """There is no room for the credential."""


class Slot(NamedTuple):
    """Where a credential stands."""

    area: Area
    tag: int
    kind: Kind

    @property
    def exists(self) -> bool:
        """Whether there is such a slot: whether the tag is in range and the area has credentials of this kind."""
        suites = self.area in (Area.CLIENT, Area.SERVER)
        first, last = (1, MAX_INDEX) if suites else (0, MAX_TAG)
        return first <= self.tag <= last and self.kind in KINDS[self.area]


@dataclass(frozen=True, slots=True)
class Entry:
    """A credential in its slot.

    Attributes:
        slot: where it stands.
        content: the bytes that were written.
        written: when that was; it grows from one write to the next.
    """

    slot: Slot
    content: bytes = field(repr=False)
    written: int

    @property
    def secret(self) -> bool:
        """Whether the content must not leave the store: by its kind, or since a private key has got into it."""
        return self.slot.kind in SECRET or b"PRIVATE KEY-----" in self.content

    @property
    def digest(self) -> str:
        """The SHA-256 of the content, as 64 upper-case hexadecimal digits."""
        return sha256(self.content).hexdigest().upper()


class Store:
    """A store that lives as long as its process.

    Args:
        max_entries: how many credentials it holds.

    Attributes:
        slow: whether it may take its time: modems ask it from a thread then, and several at once.
    """

    slow = False

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: dict[Slot, Entry] = {}
        self._writes = 0

    def write(self, slot: Slot, content: bytes) -> None:
        """Write a credential, in place of the one that is there.

        Raises:
            StoreFullError: it is too large, or there are too many.
            OSError: it cannot be kept.
        """
        need_room(content, len(self._entries) + (slot not in self._entries), self._max_entries)
        self._writes += 1
        self._entries[slot] = Entry(slot, content, self._writes)

    def read(self, slot: Slot) -> Entry | None:
        """Return the credential in ``slot``, None where there is none."""
        return self._entries.get(slot)

    def delete(self, slot: Slot) -> bool:
        """Delete the credential in ``slot``; return whether there was one.

        Raises:
            OSError: it cannot be deleted.
        """
        return self._entries.pop(slot, None) is not None

    def entries(self, *areas: Area) -> list[Entry]:
        """Return the credentials of ``areas``, of all where none is named, by area, tag and kind."""
        return in_order(entry for slot, entry in self._entries.items() if slot.area in (areas or Area))

    def bundle(self, tag: int, areas: Sequence[Area] = MODEM_TLS) -> Bundle | None:
        """Return what secures a connection with ``tag``: that of the first of ``areas`` that has anything.

        A pre-shared key is hexadecimal text in the modem's area, and is itself in the others; one that is no
        hexadecimal text counts as none.
        """
        for area in areas:
            parts = self._parts(area, tag, _TLS)
            if any(parts.values()):
                psk = parts[Kind.PSK].rstrip(b"\r\n")
                return Bundle(
                    ca=parts[Kind.CA],
                    certificate=parts[Kind.CERTIFICATE],
                    key=parts[Kind.KEY],
                    psk=_unhex(psk) if area is Area.MODEM else psk,
                    psk_identity=parts[Kind.PSK_IDENTITY].rstrip(b"\r\n"),
                )
        return None

    def certificates(self, role: Area, index: int) -> Bundle:
        """Return the certificate suite ``index`` of an Ameba; what it does not have is empty.

        Args:
            role: `Area.CLIENT` or `Area.SERVER`.
            index: its number; there is nothing outside 1 to 10.
        """
        parts = self._parts(role, index, _SUITE)
        return Bundle(ca=parts[Kind.CA], certificate=parts[Kind.CERTIFICATE], key=parts[Kind.KEY])

    def _parts(self, area: Area, tag: int, kinds: Sequence[Kind]) -> dict[Kind, bytes]:
        found = {kind: self.read(Slot(area, tag, kind)) for kind in kinds}
        return {kind: b"" if entry is None else entry.content for kind, entry in found.items()}


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return ``entries`` by area, tag and kind."""
    areas = list(Area)
    return sorted(entries, key=lambda entry: (areas.index(entry.slot.area), entry.slot.tag, entry.slot.kind))


def need_room(content: bytes, entries: int, max_entries: int) -> None:
    """Refuse a credential that would be too large, or one too many: ``entries`` counts it.

    Raises:
        StoreFullError: there is no room for it.
    """
    if len(content) > MAX_SIZE:
        raise StoreFullError(f"a credential of more than {MAX_SIZE} bytes")
    if entries > max_entries:
        raise StoreFullError(f"more than {max_entries} credentials")


def _unhex(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        return b""
