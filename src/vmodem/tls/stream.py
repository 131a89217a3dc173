"""TLS, over a stream."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from OpenSSL import SSL

from vmodem.net.interface import NetSocket
from vmodem.tls.memory import Memory
from vmodem.tls.security import Security
from vmodem.tls.socket import RECORD, OpenSslSocket

CHUNK: Final = RECORD + 2048
"""Bytes that are read from the plain socket at once: one record at its longest."""

SHORT_CHUNK: Final = 2048
"""The same while records are short: each is work, however little it holds."""

MANY: Final = 16
"""How many records in what was read at once make them short ones."""


class TlsSocket(OpenSslSocket):
    """A TLS connection."""

    __slots__ = ("_chunk", "_out", "_plain")

    def __init__(
        self,
        inner: NetSocket,
        security: Security,
        memory: Memory,
        released: Callable[[NetSocket], None],
        took_in: Callable[[int], None],
    ) -> None:
        self._chunk = CHUNK
        self._out = b""  # encrypted, taken out of OpenSSL, not sent yet: a record or so
        self._plain = bytearray()
        super().__init__(inner, security, memory, released, took_in)

    def _feed(self) -> bool:
        data = self._inner.recv(self._chunk, 0)
        if data:
            self._tls.bio_write(data)
            if self._established:
                before = self._taken_in
                self._decrypt()
                self._chunk = SHORT_CHUNK if self._taken_in - before > MANY else CHUNK
        return bool(data)

    def _flush(self) -> bool:
        last = False  # asking OpenSSL for what it does not have costs an exception
        while True:
            if not self._out:
                if last:
                    return True
                try:
                    self._out = self._tls.bio_read(CHUNK)
                except SSL.WantReadError:
                    return True
                last = len(self._out) < CHUNK
            try:
                self._out = self._out[self._inner.send(self._out) :]
            except BlockingIOError:
                return False
            except OSError:
                self._out = b""
                raise

    def _unsent(self) -> int:
        return len(self._out)

    def _encrypt(self, data: bytes) -> int:
        """Encrypt record by record, until one does not go out."""
        taken = 0
        while taken < len(data):
            try:
                taken += self._tls.send(data[taken : taken + RECORD] if len(data) > RECORD else data)
            except SSL.Error:
                raise BrokenPipeError(errno.EPIPE, "the connection is no more") from None
            try:
                if not self._flush():
                    break
            except OSError as error:
                self._cannot_send(error)
                self._raise_failure()
        return taken

    def _store(self, data: bytes) -> None:
        self._plain += data

    def _waiting(self) -> int:
        return len(self._plain)

    def _take(self, size: int, *, peek: bool) -> bytes:
        data = bytes(self._plain[:size])
        if not peek:
            del self._plain[:size]
        return data
