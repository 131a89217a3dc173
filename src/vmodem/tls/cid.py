"""DTLS connection identifiers (RFC 9146) for DTLS 1.2 clients, over OpenSSL, which knows nothing of them.

OpenSSL writes and reads ordinary DTLS records. Between it and the network each encrypted record is opened and sealed
again, with the same key, epoch, sequence number and nonce, in the form of RFC 9146::

    ordinary   type | version | epoch, sequence | length | explicit nonce | sealed (content)
    with CID   25   | version | epoch, sequence | CID | length | explicit nonce | sealed (content, type, zeros)

So OpenSSL keeps the handshake, the alerts and the protection against replay. A nonce serves two forms of a record, but
only one of the two is ever seen outside.

How a client uses it, in this order::

    offer(context)                               # once for each context, before its first connection
    connection = SSL.Connection(context, None)
    cid = ConnectionId(connection, b"some CID")  # before the handshake; keep it as long as the connection

    cid.outgoing(record)                         # each record that `bio_read` gave; the answer goes to the network
    for piece in cid.incoming(datagram):         # each datagram from the network
        connection.bio_write(piece)
        ...                                      # do_handshake() or recv() until WantReadError, before the next piece

A context that CIDs are offered with must be pinned to DTLS 1.2, and have a cipher list that ends in `CIPHERS`.
A connection of the same context without a `ConnectionId` does not offer one.

This module must not know about sockets, options or AT commands.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol
from weakref import WeakValueDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from OpenSSL import SSL
from OpenSSL._util import ffi, lib

#: Whether this OpenSSL lets itself be told of an extension, and tells what it read.
AVAILABLE = all(hasattr(lib, name) for name in ("SSL_CTX_add_client_custom_ext", "SSL_CTX_set_msg_callback"))

#: The end of a cipher list, in OpenSSL's words: it takes away the suites that could not carry a CID here.
CIPHERS = b":!CAMELLIA:!ARIA:!3DES:!SEED:!IDEA:!RC4:!SRP:!GOST:!eNULL"

_CONNECTION_ID = 54
_ENCRYPT_THEN_MAC = 22
_HANDSHAKE = 22
_SERVER_HELLO = 2
_TLS12_CID = 25
_CONTENT_TYPES = range(20, 24)
_HANDSHAKE_FAILURE = 40
_DECODE_ERROR = 50
_HEADER = 13
_BLOCK = 16


class CidStatus(IntEnum):
    """Whose records carry a connection identifier, numbered as in the nRF91 modem library."""

    DISABLED = 0
    DOWNLINK = 1
    UPLINK = 2
    BIDIRECTIONAL = 3


def offer(context: SSL.Context) -> None:
    """Let the connections of ``context`` offer a CID: those that a `ConnectionId` was made for.

    It takes the context's message callback, and turns renegotiation off, which would change the keys.

    Raises:
        RuntimeError: OpenSSL cannot do it, or ``context`` was given before.
    """
    if not AVAILABLE:
        raise RuntimeError("this OpenSSL takes no extensions")
    pointer = context._context
    added = lib.SSL_CTX_add_client_custom_ext(
        pointer, _CONNECTION_ID, _ADD_CALLBACK, _FREE_CALLBACK, ffi.NULL, _PARSE_CALLBACK, ffi.NULL
    )
    if added != 1:
        raise RuntimeError("this context offers a connection identifier already")
    lib.SSL_CTX_set_msg_callback(pointer, _MESSAGE_CALLBACK)
    context.set_options(SSL.OP_NO_RENEGOTIATION)


class ConnectionId:
    """The connection identifiers of one client's connection."""

    def __init__(self, connection: SSL.Connection, own: bytes) -> None:
        """Offer a connection identifier in the handshake of ``connection``, which has not begun.

        Args:
            connection: a connection of a context that was given to `offer`.
            own: what the server is to put in its records, at most 255 bytes;
                ``b""`` asks it for nothing, but lets it ask for its own CID in our records.

        Raises:
            ValueError: ``own`` is too long.
        """
        self._own = own
        self._connection = connection
        self._peer: bytes | None = None
        self._suite: _Suite | None = None
        self._encrypt_then_mac = False
        self._ciphers: tuple[_Cipher, _Cipher] | None = None
        # OpenSSL reads the extension from here after the callback that handed it over has returned.
        self._extension = ffi.new("unsigned char[]", bytes([len(own)]) + own)
        _connection_ids[_key(connection._ssl)] = self

    @property
    def status(self) -> CidStatus:
        """Whose records carry a CID: what the server's hello said, `DISABLED` before it."""
        if self._peer is None:
            return CidStatus.DISABLED
        return CidStatus((CidStatus.DOWNLINK if self._own else 0) | (CidStatus.UPLINK if self._peer else 0))

    @property
    def overhead(self) -> int:
        """By how many bytes `outgoing` makes a record longer, at most."""
        if not self._peer:
            return 0
        # The content type is one more byte to encrypt, and CBC encrypts whole blocks.
        return len(self._peer) + (_BLOCK if self._suite is not None and self._suite.mode == "CBC" else 1)

    def outgoing(self, record: bytes) -> bytes:
        """Return what the network is to see of one record that OpenSSL wrote.

        Raises:
            ValueError: OpenSSL did not write it with the keys of this connection.
        """
        sequence = record[3:11]
        if not self._peer or sequence[:2] == b"\0\0":
            return record
        ciphers = self._find_ciphers()
        content = ciphers and ciphers[0].open(sequence, _plain_scope(record), record[_HEADER:])
        if not ciphers or content is None:
            raise ValueError("not a record of this connection")
        nonce, plaintext = content
        sealed = ciphers[0].seal(sequence, _cid_scope(record, self._peer), nonce, plaintext + record[:1])
        return bytes([_TLS12_CID]) + record[1:11] + self._peer + len(sealed).to_bytes(2, "big") + sealed

    def incoming(self, datagram: bytes) -> Iterator[bytes]:
        """Yield what OpenSSL is to see of ``datagram``, record by record; nothing of what has to be dropped.

        Write a piece, and let OpenSSL read it, before the next one is taken:
        whether and how the next record is encrypted may depend on it.
        """
        start = 0
        while len(datagram) - start >= _HEADER:
            # A record does not say how long its CID is: it has the length of ours, or is not for us.
            header = _HEADER + (len(self._own) if datagram[start] == _TLS12_CID else 0)
            end = start + header + int.from_bytes(datagram[start + header - 2 : start + header], "big")
            if end < start + header or end > len(datagram):
                return
            piece = self._received(datagram[start:end])
            if piece:
                yield piece
            start = end

    def _received(self, record: bytes) -> bytes:
        """Return what OpenSSL is to see of a record, nothing where it is to be dropped."""
        if record[3:5] == b"\0\0" or not self.status & CidStatus.DOWNLINK:
            return b"" if record[0] == _TLS12_CID else record
        start = _HEADER + len(self._own)
        ciphers = self._find_ciphers()
        if record[0] != _TLS12_CID or record[11 : start - 2] != self._own or not ciphers:
            return b""
        sequence = record[3:11]
        content = ciphers[1].open(sequence, _cid_scope(record, self._own), record[start:])
        if content is None:
            return b""
        nonce, inner = content
        inner = inner.rstrip(b"\0")
        if not inner or inner[-1] not in _CONTENT_TYPES:
            return b""
        header = inner[-1:] + record[1:11]
        sealed = ciphers[1].seal(sequence, _plain_scope(header), nonce, inner[:-1])
        return header + len(sealed).to_bytes(2, "big") + sealed

    def _find_ciphers(self) -> tuple[_Cipher, _Cipher] | None:
        """Return what protects the client's and the server's records, None while that is not agreed upon."""
        if self._ciphers is not None or self._suite is None:
            return self._ciphers
        try:
            master = self._connection.master_key()
        except SSL.Error:  # there is a session, but its secret is not known yet
            return None
        server, client = self._connection.server_random(), self._connection.client_random()
        if master and server and client:
            self._ciphers = self._suite.ciphers(master, server + client, self._encrypt_then_mac)
        return self._ciphers

    def _read_hello(self, ssl: Any, message: bytes) -> None:
        """Take what was agreed upon from ``message``, where that is a ServerHello.

        OpenSSL hands over the extension itself as well, but not where a session is resumed.
        """
        hello = _ServerHello.parse(message)
        if hello is None:
            return
        self._suite = _suite(_cipher_name(ssl, hello.suite))
        self._encrypt_then_mac = _ENCRYPT_THEN_MAC in hello.extensions
        body = hello.extensions.get(_CONNECTION_ID)
        self._peer = body[1:] if body is not None and _well_formed(body) else None


@dataclass(frozen=True, slots=True)
class _ServerHello:
    """The parts of a ServerHello that say how records are protected."""

    suite: bytes
    extensions: dict[int, bytes]

    @classmethod
    def parse(cls, message: bytes) -> _ServerHello | None:
        """Parse a message with its header of 12 bytes; None where it is no ServerHello, or cut."""
        if len(message) < 12 + 35 or message[0] != _SERVER_HELLO:
            return None
        after_session = 12 + 35 + message[12 + 34]
        suite = message[after_session : after_session + 2]
        if len(suite) < 2:
            return None
        rest = message[after_session + 5 :]
        extensions = {}
        while len(rest) >= 4:
            end = 4 + int.from_bytes(rest[2:4], "big")
            extensions[int.from_bytes(rest[:2], "big")] = rest[4:end]
            rest = rest[end:]
        return cls(suite, extensions)


def _well_formed(body: bytes) -> bool:
    """Tell whether ``body`` is a CID behind its length."""
    return len(body) > 0 and body[0] == len(body) - 1


# What a record's protection covers besides the content, up to the length that follows it.


def _plain_scope(record: bytes) -> bytes:
    """Return it for an ordinary record (RFC 5246, 6.2.3.3), of which ``record`` is at least the first 11 bytes."""
    return record[3:11] + record[:3]


def _cid_scope(record: bytes, cid: bytes) -> bytes:
    """Return it for a record with a CID (RFC 9146, 5), of which ``record`` is at least the first 11 bytes."""
    return b"\xff" * 8 + bytes([_TLS12_CID, len(cid), _TLS12_CID]) + record[1:11] + cid


class _Cipher(Protocol):
    """The protection of one direction; ``sequence`` is a record's epoch and sequence number, 8 bytes."""

    def open(self, sequence: bytes, scope: bytes, fragment: bytes) -> tuple[bytes, bytes] | None:
        """Return the explicit nonce and the plaintext, None where ``fragment`` was not sealed with this key."""

    def seal(self, sequence: bytes, scope: bytes, nonce: bytes, plaintext: bytes) -> bytes:
        """Return the fragment of a record: ``nonce`` and the sealed ``plaintext``."""


class _Aead:
    """AES-GCM (RFC 5288), AES-CCM (RFC 6655) or ChaCha20-Poly1305 (RFC 7905)."""

    def __init__(self, suite: _Suite, key: bytes, iv: bytes) -> None:
        self._iv = iv
        self._explicit = 12 - len(iv)
        self._tag = 8 if suite.mode == "CCM8" else 16
        self._aead: AESGCM | AESCCM | ChaCha20Poly1305
        if suite.mode == "GCM":
            self._aead = AESGCM(key)
        elif suite.mode == "CHACHA20":
            self._aead = ChaCha20Poly1305(key)
        else:
            self._aead = AESCCM(key, tag_length=self._tag)

    def open(self, sequence: bytes, scope: bytes, fragment: bytes) -> tuple[bytes, bytes] | None:
        size = len(fragment) - self._explicit - self._tag
        if size < 0:
            return None
        nonce, sealed = fragment[: self._explicit], fragment[self._explicit :]
        try:
            plaintext = self._aead.decrypt(self._nonce(sequence, nonce), sealed, scope + size.to_bytes(2, "big"))
        except InvalidTag:
            return None
        return nonce, plaintext

    def seal(self, sequence: bytes, scope: bytes, nonce: bytes, plaintext: bytes) -> bytes:
        scope += len(plaintext).to_bytes(2, "big")
        return nonce + self._aead.encrypt(self._nonce(sequence, nonce), plaintext, scope)

    def _nonce(self, sequence: bytes, explicit: bytes) -> bytes:
        if explicit:
            return self._iv + explicit
        return (int.from_bytes(self._iv, "big") ^ int.from_bytes(sequence, "big")).to_bytes(12, "big")


class _Cbc:
    """AES-CBC with HMAC: MAC-then-encrypt (RFC 5246), or encrypt-then-MAC (RFC 7366).

    MAC-then-encrypt is not constant in time: it tells an attacker who can measure that finely about the padding.
    """

    def __init__(self, suite: _Suite, mac_key: bytes, key: bytes, encrypt_then_mac: bool) -> None:
        self._hash = suite.mac
        self._mac_key = mac_key
        self._aes = algorithms.AES(key)
        self._encrypt_then_mac = encrypt_then_mac

    def open(self, sequence: bytes, scope: bytes, fragment: bytes) -> tuple[bytes, bytes] | None:
        if self._encrypt_then_mac:
            end = max(0, len(fragment) - len(self._mac_key))
            fragment, mac = fragment[:end], fragment[end:]
            if not hmac.compare_digest(mac, self._mac(scope, fragment)):
                return None
        plaintext = self._decrypt(fragment)
        if plaintext is None:
            return None
        if not self._encrypt_then_mac:
            end = max(0, len(plaintext) - len(self._mac_key))
            plaintext, mac = plaintext[:end], plaintext[end:]
            if not hmac.compare_digest(mac, self._mac(scope, plaintext)):
                return None
        return fragment[:_BLOCK], plaintext

    def seal(self, sequence: bytes, scope: bytes, nonce: bytes, plaintext: bytes) -> bytes:
        if self._encrypt_then_mac:
            fragment = self._encrypt(nonce, plaintext)
            return fragment + self._mac(scope, fragment)
        return self._encrypt(nonce, plaintext + self._mac(scope, plaintext))

    def _mac(self, scope: bytes, data: bytes) -> bytes:
        return hmac.digest(self._mac_key, scope + len(data).to_bytes(2, "big") + data, self._hash)

    def _encrypt(self, nonce: bytes, plaintext: bytes) -> bytes:
        pad = _BLOCK - 1 - len(plaintext) % _BLOCK
        return nonce + Cipher(self._aes, modes.CBC(nonce)).encryptor().update(plaintext + bytes([pad]) * (pad + 1))

    def _decrypt(self, fragment: bytes) -> bytes | None:
        """Return what was encrypted, without its padding; None where that is broken."""
        if len(fragment) < 2 * _BLOCK or len(fragment) % _BLOCK:
            return None
        decryptor = Cipher(self._aes, modes.CBC(fragment[:_BLOCK])).decryptor()
        plaintext = decryptor.update(fragment[_BLOCK:])
        size = plaintext[-1] + 1
        if plaintext[-size:] != plaintext[-1:] * size:
            return None
        return plaintext[:-size]


@dataclass(frozen=True, slots=True)
class _Suite:
    """How a cipher suite protects records.

    Attributes:
        mode: ``GCM``, ``CCM``, ``CCM8``, ``CHACHA20`` or ``CBC``.
        key_size: of the cipher, in bytes.
        mac: the hash of the MAC, ``""`` where the cipher needs none.
        prf: the hash that the keys are derived with.
    """

    mode: str
    key_size: int
    mac: str
    prf: str

    def ciphers(self, master: bytes, seed: bytes, encrypt_then_mac: bool) -> tuple[_Cipher, _Cipher]:
        """Return the client's and the server's protection; ``seed`` is the server's random and the client's."""
        mac_size = hashlib.new(self.mac).digest_size if self.mac else 0
        iv_size = {"CBC": 0, "CHACHA20": 12}.get(self.mode, 4)
        sizes = [mac_size, mac_size, self.key_size, self.key_size, iv_size, iv_size]
        block = _expand(self.prf, master, b"key expansion" + seed, sum(sizes))
        parts = []
        for size in sizes:
            parts.append(block[:size])
            block = block[size:]
        if self.mode == "CBC":
            return _Cbc(self, parts[0], parts[2], encrypt_then_mac), _Cbc(self, parts[1], parts[3], encrypt_then_mac)
        return _Aead(self, parts[2], parts[4]), _Aead(self, parts[3], parts[5])


_AES_SUITE = re.compile(r"(?:.+-)?AES(128|256)-(?:(GCM|CCM8?)(?:-(SHA256|SHA384))?|(?:CBC-)?(SHA256|SHA384|SHA))")


def _suite(name: str) -> _Suite | None:
    """Return the suite that OpenSSL calls ``name``, None where its records cannot be sealed here."""
    if name.endswith("CHACHA20-POLY1305"):
        return _Suite("CHACHA20", 32, "", "sha256")
    match = _AES_SUITE.fullmatch(name)
    if match is None:
        return None
    bits, aead, _, mac = match.groups()
    mac_hash = {None: "", "SHA": "sha1"}.get(mac, mac and mac.lower())
    return _Suite(aead or "CBC", int(bits) // 8, mac_hash, "sha384" if name.endswith("SHA384") else "sha256")


def _expand(name: str, secret: bytes, seed: bytes, size: int) -> bytes:
    """Derive ``size`` bytes from ``secret``: P_hash of RFC 5246, section 5."""
    block, state = b"", seed
    while len(block) < size:
        state = hmac.digest(secret, state, name)
        block += hmac.digest(secret, state + seed, name)
    return block[:size]


# OpenSSL's side. It knows a connection by its address; who forgets a ConnectionId forgets its entry here too.
_connection_ids: WeakValueDictionary[int, ConnectionId] = WeakValueDictionary()


def _key(ssl: Any) -> int:
    return int(ffi.cast("uintptr_t", ssl))


def _cipher_name(ssl: Any, suite: bytes) -> str:
    cipher = lib.SSL_CIPHER_find(ssl, ffi.from_buffer("unsigned char[]", suite))
    return ffi.string(lib.SSL_CIPHER_get_name(cipher)).decode() if cipher else ""


def _add(ssl: Any, extension: int, out: Any, size: Any, alert: Any, argument: Any) -> int:
    """Put our CID in the ClientHello, where the connection has one."""
    connection_id = _connection_ids.get(_key(ssl))
    if connection_id is None:
        return 0
    out[0] = connection_id._extension
    # The array is one longer: cffi ends it with a zero.
    size[0] = len(connection_id._own) + 1
    return 1


def _free(ssl: Any, extension: int, out: Any, argument: Any) -> None:
    """Do nothing: the extension belongs to its ConnectionId."""


def _parse(ssl: Any, extension: int, body: Any, size: int, alert: Any, argument: Any) -> int:
    """Refuse a server's CID that is malformed, or that the suite cannot carry."""
    connection_id = _connection_ids.get(_key(ssl))
    if not _well_formed(bytes(ffi.buffer(body, size))):
        alert[0] = _DECODE_ERROR
        return 0
    if connection_id is None or connection_id._suite is None:
        alert[0] = _HANDSHAKE_FAILURE
        return 0
    return 1


def _message(sent: int, version: int, content: int, data: Any, size: int, ssl: Any, argument: Any) -> None:
    """Read the ServerHello: whole and in order, as OpenSSL is about to read it."""
    if sent or content != _HANDSHAKE:
        return
    connection_id = _connection_ids.get(_key(ssl))
    if connection_id is not None:
        connection_id._read_hello(ssl, bytes(ffi.buffer(data, size)))


# They have to outlive every context.
_ADD_CALLBACK = ffi.callback(
    "int(SSL *, unsigned int, const unsigned char **, size_t *, int *, void *)", _add, error=-1
)
_FREE_CALLBACK = ffi.callback("void(SSL *, unsigned int, const unsigned char *, void *)", _free)
_PARSE_CALLBACK = ffi.callback("int(SSL *, unsigned int, const unsigned char *, size_t, int *, void *)", _parse)
_MESSAGE_CALLBACK = ffi.callback("void(int, int, int, const void *, size_t, SSL *, void *)", _message)
