"""Certificates: AT+CERT shows them. No command writes them; they are files in the store of credentials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, TypeAlias

from vmodem.core import calls
from vmodem.core.commands import CommandTable
from vmodem.core.parameters import Values
from vmodem.core.syntax import Value
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.dialects.ameba.device import Ameba
from vmodem.dialects.ameba.syntax import number

VOLUME: Final = "vfs"
"""The name of the file system that they are in."""

SHOWN: Final = 4096
"""How many bytes of a file are shown."""

ORDER: Final = ((Kind.CA, "ca", "crt"), (Kind.KEY, "key", "key"), (Kind.CERTIFICATE, "cert", "crt"))
"""What is shown, one after the other, and the names of the files."""

_number: Final = number()


def role(device: Ameba, value: Value) -> Area:
    """Accept the role of a certificate suite: 0 client, any other number server."""
    return Area.SERVER if _number.convert(device, value) else Area.CLIENT


Role: TypeAlias = Annotated[Area, Values(role, "a number", {0: "client", 1: "server, and so is any other number"})]
Index: TypeAlias = Annotated[int, _number]

commands = CommandTable("File System AT Command")


@commands.set("+CERT", "Show a certificate suite", surplus=False, secret=True)
async def cert(device: Ameba, role: Role, index: Index) -> bytes:
    """Show the files of a suite; of a private key that there is one, and no more.

    Args:
        device: the device.
        role: 0 client, else server.
        index: the suite; there is nothing outside 1 to 10.

    Answers:
        <path> - of each file, and its content below it.

    Errors:
        1: a parameter is missing, surplus, or none of these.
    """
    return await calls.in_store(device.modem, lambda store: b"".join(_blocks(store, role, index)))


def _blocks(store: Store, role: Area, index: int) -> Iterator[bytes]:
    for kind, name, suffix in ORDER:
        slot = Slot(role, index, kind)
        entry = store.read(slot) if slot.exists else None
        text = b""
        if entry is not None:
            text = b"" if entry.secret else entry.content[:SHOWN]
            text += b"" if kind is Kind.CA else b"\r\n"
        yield b"%s:CERT/%s_%s_%d.%s\r\n%s\r\n" % (
            VOLUME.encode(), role.value.encode(), name.encode(), index, suffix.encode(), text,
        )  # fmt: skip
