"""DTLS, over datagrams."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from OpenSSL import SSL

from vmodem.net.interface import NetSocket
from vmodem.tls.contexts import offers_cid
from vmodem.tls.memory import Memory
from vmodem.tls.security import DtlsCid, Security
from vmodem.tls.socket import RECORD, OpenSslSocket

if TYPE_CHECKING:
    from vmodem.tls.cid import ConnectionId

MTU: Final = 1232
"""Bytes in a datagram of a handshake: what every IPv6 path carries whole."""

RECORD_HEADER: Final = 13
MAX_DATAGRAM: Final = 65535
OWN_CID_SIZE: Final = 8
"""Bytes in the connection identifier that a server is asked to use."""


class DtlsSocket(OpenSslSocket):
    """A DTLS connection: each datagram of data is one record in one datagram of its own.

    Args:
        inner: the plain socket, connected.
        security: how the connection is to be secured.
        memory: what the modem remembers of earlier connections.
        released: told when nothing is left of the connection.
        took_in: told how many records, and pieces that OpenSSL was fed with, were just taken in.
        random: returns as many random bytes as it is asked for.

    Attributes:
        outgoing: what a record goes through before it is packed into a datagram and sent.
        incoming: what a datagram goes through before OpenSSL gets it, piece by piece: OpenSSL takes in each before
            the next is asked for, which may need the keys that the handshake has come to meanwhile.
    """

    __slots__ = ("_answered", "_cid", "_datagrams", "_out", "_size", "incoming", "outgoing")

    def __init__(
        self,
        inner: NetSocket,
        security: Security,
        memory: Memory,
        released: Callable[[NetSocket], None],
        took_in: Callable[[int], None],
        random: Callable[[int], bytes],
    ) -> None:
        self.outgoing: Callable[[bytes], bytes] = bytes
        self.incoming: Callable[[bytes], Iterable[bytes]] = _whole
        self._cid: ConnectionId | None = None
        self._out: deque[bytes] = deque()
        self._datagrams: deque[bytes] = deque()
        self._size = 0
        self._answered = False  # whether the peer has ever sent anything
        super().__init__(inner, security, memory, released, took_in)
        self._tls.set_ciphertext_mtu(MTU)
        if offers_cid(security, datagrams=True):
            self._offer_cid(random)

    def _offer_cid(self, random: Callable[[int], bytes]) -> None:
        """Offer a connection identifier: one of our own, or none, which still lets the server have its own."""
        from vmodem.tls.cid import ConnectionId

        own = random(OWN_CID_SIZE) if self._security.dtls_cid is DtlsCid.ENABLED else b""
        self._cid = ConnectionId(self._tls, own)
        self.outgoing, self.incoming = self._cid.outgoing, self._cid.incoming

    def cid_status(self) -> int:
        """Return who uses a connection identifier."""
        return int(self._cid.status) if self._cid is not None and self._established else 0

    def _forget(self) -> None:
        super()._forget()
        self._cid, self.outgoing, self.incoming = None, bytes, _whole

    def retransmit_after(self) -> float | None:
        """Return in how many seconds the last flight has to be repeated."""
        return None if self._established or self._closed else self._tls.DTLSv1_get_timeout()

    def retransmit(self) -> None:
        """Repeat the last flight where it is due."""
        if self._closed or self.lost or self._refusal is not None:
            return
        with suppress(SSL.Error, OSError):
            self._tls.DTLSv1_handle_timeout()
            self._flush()

    def _feed(self) -> bool:
        try:
            datagram = self._inner.recv(MAX_DATAGRAM, 0)
        except ConnectionRefusedError:
            if self._established or not self._answered:
                raise
            return True  # a server may open its socket anew for each client; what came too early is sent again
        self._answered = True
        for piece in self.incoming(datagram):
            self._tls.bio_write(piece)
            self._take_in()
        return True

    def _take_in(self) -> None:
        """Let OpenSSL take in what it was given."""
        if self._established:
            self._decrypt()
            return
        with suppress(SSL.WantReadError):
            self._tls.do_handshake()

    def _flush(self) -> bool:
        flight = b""
        with suppress(SSL.WantReadError):
            while True:
                flight += self._tls.bio_read(MAX_DATAGRAM)
        if flight:
            self._out += _pack([self.outgoing(record) for record in _records(flight)])
        while self._out:
            try:
                self._send_datagram(self._out[0])
            except BlockingIOError:
                return False
            except OSError:
                self._out.popleft()
                raise
            self._out.popleft()
        return True

    def _send_datagram(self, datagram: bytes) -> None:
        try:
            self._inner.send(datagram)
        except ConnectionRefusedError:
            if self._established or not self._answered:
                raise
            self._inner.send(datagram)  # the error was that of an earlier one

    def _unsent(self) -> int:
        return sum(map(len, self._out))

    def _encrypt(self, data: bytes) -> int:
        """Encrypt one record."""
        if len(data) > RECORD:
            raise OSError(errno.EMSGSIZE, "more than a record carries")
        if not data:
            return 0  # OpenSSL makes no record of nothing
        try:
            self._tls.send(data)
        except SSL.Error:
            raise BrokenPipeError(errno.EPIPE, "the connection is no more") from None
        self._flush()
        return len(data)

    def _store(self, data: bytes) -> None:
        self._datagrams.append(data)
        self._size += len(data)

    def _waiting(self) -> int:
        return self._size

    def _take(self, size: int, *, peek: bool) -> bytes:
        data = self._datagrams[0]
        if not peek:
            self._datagrams.popleft()
            self._size -= len(data)
        return data[:size]


def _whole(datagram: bytes) -> tuple[bytes, ...]:
    """Return a datagram in one piece, an empty one in none."""
    return (datagram,) if datagram else ()


def _records(flight: bytes) -> list[bytes]:
    """Cut what OpenSSL sends into records: its memory buffer keeps no borders of datagrams."""
    records = []
    at = 0
    while at < len(flight):
        end = at + RECORD_HEADER + int.from_bytes(flight[at + 11 : at + 13], "big")
        records.append(flight[at:end])
        at = end
    return records


def _pack(records: list[bytes]) -> list[bytes]:
    """Put records into as few datagrams of the handshake's size as they fit in."""
    datagrams: list[bytes] = []
    for record in records:
        if datagrams and len(datagrams[-1]) + len(record) <= MTU:
            datagrams[-1] += record
        else:
            datagrams.append(record)
    return datagrams
