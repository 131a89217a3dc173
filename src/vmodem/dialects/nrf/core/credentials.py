"""The modem core's credentials: %CMNG, %KEYGEN.

Contents never become part of an error's reason, and the engine's log leaves these commands' parameters out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from vmodem.core import calls
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import integer, one_of, text
from vmodem.core.tasks import Work
from vmodem.credentials.store import MAX_SIZE, Area, Entry, Kind, Slot, Store, StoreFullError
from vmodem.dialects.nrf.core.cme import NOT_ALLOWED_WHILE_ACTIVE
from vmodem.dialects.nrf.core.state import FULL
from vmodem.dialects.nrf.device import Nrf91

if TYPE_CHECKING:
    from vmodem.credentials.keys import PrivateKey

WRITE: Final = 0
LIST: Final = 1
READ: Final = 2
DELETE: Final = 3
"""The <opcode> of %CMNG."""

NOT_FOUND: Final = 513
NO_ACCESS: Final = 514
MEMORY_FULL: Final = 515
ALREADY_EXISTS: Final = 519
KEY_GENERATION_FAILED: Final = 523
INVALID_CONTENT: Final = 527
"""Numbers of +CME ERROR, Nordic's own."""

WRITABLE: Final = (Kind.CA, Kind.CERTIFICATE, Kind.KEY, Kind.PSK, Kind.PSK_IDENTITY)
READABLE: Final = (Kind.CA, Kind.PSK_IDENTITY, Kind.PUBLIC_KEY, Kind.NORDIC_CA)
DELETABLE: Final = (*WRITABLE, Kind.PUBLIC_KEY, Kind.ENDORSEMENT_KEY, Kind.OWNERSHIP_KEY)
"""The types that AT%CMNG writes, reads and deletes; the others are the modem's own."""

CSR: Final = 0
PUBLIC_KEY: Final = 1
"""The <response_content> of %KEYGEN."""

KINDS: Final = {
    Kind.CA: "root CA certificate",
    Kind.CERTIFICATE: "client certificate",
    Kind.KEY: "client private key",
    Kind.PSK: "pre-shared key",
    Kind.PSK_IDENTITY: "identity of the pre-shared key",
    Kind.PUBLIC_KEY: "public key",
    Kind.DEVICE_PUBLIC_KEY: "identity public key of the device",
    Kind.ENDORSEMENT_KEY: "endorsement key",
    Kind.OWNERSHIP_KEY: "ownership key",
    Kind.NORDIC_CA: "Nordic's root CA certificate",
    Kind.NORDIC_PUBLIC_KEY: "Nordic's public key",
}
"""The <type> of a credential, in words."""

commands = CommandTable("Modem commands")

SecTag: TypeAlias = Annotated[int, integer(0)]
Type: TypeAlias = Annotated[int, one_of(KINDS)]
Content: TypeAlias = Annotated[str, text(MAX_SIZE)]


@commands.set("%CMNG", "Manage the modem core's credentials", surplus=False, secret=True)
async def cmng(
    device: Nrf91,
    opcode: Annotated[int, one_of({WRITE: "write", LIST: "list", READ: "read", DELETE: "delete"})],
    sec_tag: SecTag | None = None,
    type: Type | None = None,
    content: Content | None = None,
    passwd: Annotated[str, text(32)] = "",
) -> str | None:
    """Write, list, read or delete credentials.

    Args:
        device: the device.
        opcode: what to do.
        sec_tag: the security tag; listing takes any where it is left out.
        type: what kind of credential it is; likewise.
        content: what to write: PEM, hexadecimal digits for a pre-shared key.
        passwd: the password of an encrypted private key.

    Answers:
        %CMNG: <sec_tag>,<type>,"<sha>" - for each credential, where they are listed.
        %CMNG: <sec_tag>,<type>,"<sha>","<content>" - where one is read.

    Errors:
        513: there is no such credential.
        514: the type cannot be read, written or deleted.
        515: there is no room for it.
        518: the modem is active: AT+CFUN=4 first.
        527: the private key is encrypted, and the password is wrong.
    """
    if opcode == LIST:
        return await _list(device, sec_tag, type)
    if sec_tag is None or type is None:
        raise CommandError("<sec_tag> and <type> are needed")
    slot = Slot(Area.MODEM, sec_tag, Kind(type))
    if opcode == READ:
        return await _read(device, slot)
    if opcode == DELETE:
        await _delete(device, slot)
    else:
        await _write(device, slot, content, passwd)
    return None


async def _list(device: Nrf91, sec_tag: int | None, type: int | None) -> str | None:
    def lines(store: Store) -> list[str]:
        return [
            _line(entry)
            for entry in store.entries(Area.MODEM)
            if sec_tag in (None, entry.slot.tag) and type in (None, entry.slot.kind)
        ]

    return "\r\n".join(await calls.in_store(device.modem, lines)) or None


async def _read(device: Nrf91, slot: Slot) -> str:
    if slot.kind not in READABLE:
        raise CommandError(f"type {slot.kind} cannot be read", code=NO_ACCESS)
    entry = await calls.in_store(device.modem, lambda store: store.read(slot))
    if entry is None:
        raise _not_found(slot)
    return f'{_line(entry)},"{entry.content.decode("latin-1")}"'


async def _delete(device: Nrf91, slot: Slot) -> None:
    _need_inactive(device)
    if slot.kind not in DELETABLE:
        raise CommandError(f"type {slot.kind} cannot be deleted", code=NO_ACCESS)
    if not await calls.in_store(device.modem, lambda store: store.delete(slot)):
        raise _not_found(slot)


async def _write(device: Nrf91, slot: Slot, content: str | None, passwd: str) -> None:
    if not content:
        raise CommandError("<content> is needed")
    _need_inactive(device)
    if slot.kind not in WRITABLE:
        raise CommandError(f"type {slot.kind} cannot be written", code=NO_ACCESS)
    data = content.encode("latin-1")
    if slot.kind is Kind.KEY and b"ENCRYPTED" in data:
        data = await Work(partial(_decrypted, data, passwd.encode("latin-1")))
    await keep(device, slot, data)


def _decrypted(content: bytes, password: bytes) -> bytes:
    """Return a private key as it is used: not encrypted."""
    from vmodem import pem  # not at the top: few hosts need it, and it takes time to import

    try:
        return pem.without_password(content, password)
    except pem.PemError as error:
        raise CommandError(str(error), code=INVALID_CONTENT) from None


@commands.set("%KEYGEN", "Make a private key in the modem core", surplus=False)
async def keygen(
    device: Nrf91,
    sec_tag: SecTag,
    key_type: Annotated[int, one_of({kind: KINDS[kind] for kind in (Kind.KEY, Kind.ENDORSEMENT_KEY)})],
    response_content: Annotated[int, one_of({CSR: "certificate request", PUBLIC_KEY: "public key"})] | None = None,
    attributes: Annotated[str, text(256)] = "",
    key_usage: Annotated[str, text(9)] | None = None,
) -> str:
    """Make a key and show its certificate request, or its public key; an endorsement key that exists is shown.

    What signs the answer is the new key itself: there is no identity key of a chip that could attest it.

    Args:
        device: the device.
        sec_tag: the security tag that keeps the key.
        key_type: which key to make.
        response_content: what to show, 0 where it is left out; always 1 for an endorsement key.
        attributes: the subject of the request, as in "O=Company,C=no"; the device's UUID is the common name.
        key_usage: the key usage of the request, a digit for each bit.

    Answers:
        %KEYGEN: "<key>.<message>" - in Base64url: the key or the request, and a COSE message that attests it.

    Errors:
        518: the modem is active: AT+CFUN=4 first.
        519: there is a private key with the tag.
        523: no key can be made of the attributes or the usage.
        515: there is no room for it.
    """
    _need_inactive(device)
    slot = Slot(Area.MODEM, sec_tag, Kind(key_type))
    existing = await calls.in_store(device.modem, lambda store: store.read(slot))
    if existing is not None and slot.kind is Kind.KEY:
        raise CommandError(f"there is a private key with tag {sec_tag}", code=ALREADY_EXISTS)
    uuid = device.modem.config.identity.uuid
    try:
        key = await Work(partial(_key, device, existing))
        if slot.kind is Kind.ENDORSEMENT_KEY or response_content == PUBLIC_KEY:
            answer = key.public_key(uuid, sec_tag)
        else:
            answer = key.request(uuid, sec_tag, attributes, key_usage)
    except ValueError as error:
        raise CommandError(f"no key can be made: {error}", code=KEY_GENERATION_FAILED) from None
    if existing is None:
        await keep(device, slot, key.pem)
    return f'%KEYGEN: "{answer}"'


def _key(device: Nrf91, existing: Entry | None) -> PrivateKey:
    """Return the key in ``existing``, or a new one."""
    from vmodem.credentials.keys import PrivateKey  # not at the top, as above

    return PrivateKey(device.modem.random, existing.content if existing else None)


def _need_inactive(device: Nrf91) -> None:
    """Refuse to change the store in full functional mode, unless the configuration allows it."""
    if device.cellular.fun == FULL and not device.modem.config.modem.cmng_while_active:
        raise CommandError("not while the modem is active: AT+CFUN=4 first", code=NOT_ALLOWED_WHILE_ACTIVE)


def _not_found(slot: Slot) -> CommandError:
    return CommandError(f"there is no type {slot.kind} with tag {slot.tag}", code=NOT_FOUND)


def _line(entry: Entry) -> str:
    return f'%CMNG: {entry.slot.tag},{entry.slot.kind},"{entry.digest}"'


async def keep(device: Nrf91, slot: Slot, content: bytes) -> None:
    """Keep a credential.

    Raises:
        CommandError: there is no room for it.
    """
    try:
        await calls.in_store(device.modem, lambda store: store.write(slot, content))
    except StoreFullError as error:
        raise CommandError(str(error), code=MEMORY_FULL) from None
