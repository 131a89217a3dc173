"""Credentials of a TLS stack beside the modem core: #XCMNG.

Contents never become part of an error's reason, and the engine's log leaves this command's parameters out.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any, Final, TypeAlias

from vmodem.core import calls
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import one_of
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.dialects.nrf.core.credentials import DELETE, KINDS, LIST, WRITABLE, WRITE, Content, SecTag, keep
from vmodem.dialects.nrf.device import Nrf91

LIMIT: Final = 4096
"""How many bytes the credentials of one tag take together, with one more for each PEM."""

Type: TypeAlias = Annotated[int, one_of({kind: KINDS[kind] for kind in WRITABLE})]

commands = CommandTable("Native TLS")


async def _xcmng_write(device: Nrf91, sec_tag: int | None, type: int | None, content: str | None) -> None:
    if sec_tag is None or type is None or not content:
        raise CommandError("<sec_tag>, <type> and <content> are needed")
    data = content.encode("latin-1")
    taken = await calls.in_store(device.modem, partial(_taken, sec_tag))
    if taken + _native_size(Kind(type), data) > LIMIT:
        raise CommandError(f"tag {sec_tag} would take more than {LIMIT} bytes, with what it replaces")
    await keep(device, Slot(Area.NATIVE, sec_tag, Kind(type)), data)


def _taken(sec_tag: int, store: Store) -> int:
    """Return how many bytes the credentials of ``sec_tag`` take together."""
    entries = [entry for entry in store.entries(Area.NATIVE) if entry.slot.tag == sec_tag]
    return sum(_native_size(entry.slot.kind, entry.content) for entry in entries)


async def _xcmng_list(device: Nrf91, *ignored: object) -> bytes:
    entries = await calls.in_store(device.modem, lambda store: store.entries(Area.NATIVE))
    newest_first = sorted(entries, key=lambda entry: -entry.written)
    return b"".join(b"#XCMNG: %d,%d\r\n" % (entry.slot.tag, entry.slot.kind) for entry in newest_first)


async def _xcmng_delete(device: Nrf91, sec_tag: int | None, type: int | None, content: str | None) -> None:
    if sec_tag is None or type is None:
        raise CommandError("<sec_tag> and <type> are needed")
    slot = Slot(Area.NATIVE, sec_tag, Kind(type))
    await calls.in_store(device.modem, lambda store: store.delete(slot))


_XCMNG: Final[dict[int, Callable[..., Coroutine[Any, Any, bytes | None]]]] = {
    WRITE: _xcmng_write,
    LIST: _xcmng_list,
    DELETE: _xcmng_delete,
}


@commands.set("#XCMNG", "Manage the credentials of native TLS", secret=True)
async def xcmng(
    device: Nrf91,
    opcode: Annotated[int, one_of({WRITE: "write", LIST: "list all, the newest first", DELETE: "delete"})],
    sec_tag: SecTag | None = None,
    type: Type | None = None,
    content: Content | None = None,
) -> bytes | None:
    """Write, list or delete credentials, also while the modem is active.

    Args:
        device: the device.
        opcode: what to do.
        sec_tag: the security tag.
        type: what kind of credential it is.
        content: what to write: PEM, the pre-shared key itself.

    Answers:
        #XCMNG: <sec_tag>,<type> - for each credential, where they are listed.

    Errors:
        a parameter that the opcode needs is missing.
        the credentials of one tag would take more than 4096 bytes.
    """
    return await _XCMNG[opcode](device, sec_tag, type, content)


def _native_size(kind: Kind, content: bytes) -> int:
    return len(content) + (kind in (Kind.CA, Kind.CERTIFICATE, Kind.KEY))
