"""TLS and DTLS over the sockets of any network, by OpenSSL.

A secure socket stands in front of a connected plain one. It reads and writes the plain socket itself, through two
buffers in memory that OpenSSL works between, so that neither a socket nor a clock gets into OpenSSL's hands.

`Network.secure` imports this module when the first socket is to be secured.
"""

from __future__ import annotations

import errno
import logging
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from OpenSSL import SSL

from vmodem.net.contexts import Context, context_for, offers_cid
from vmodem.net.failures import explain, verify_code, verify_text
from vmodem.net.interface import (
    CLOSURE,
    MSG_PEEK,
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    Address,
    DtlsCid,
    HandshakeError,
    NetSocket,
    Network,
    Option,
    PeerVerify,
    SecureSocket,
    Security,
    SocketType,
    family_of,
)

if TYPE_CHECKING:
    from vmodem.net.cid import ConnectionId

log = logging.getLogger("vmodem")

RECORD: Final = 16384
"""The most that one record carries."""

CHUNK: Final = RECORD + 2048
"""Bytes that are read from the plain socket at once: one record at its longest."""

READ_AHEAD: Final = 65536
"""Decrypted bytes that may wait before the rest is left where it is."""

MTU: Final = 1232
"""Bytes in a datagram of a handshake: what every IPv6 path carries whole."""

RECORD_HEADER: Final = 13
MAX_DATAGRAM: Final = 65535
OWN_CID_SIZE: Final = 8
"""Bytes in the connection identifier that a server is asked to use."""

LINGER: Final = 30_000
"""Milliseconds that the peer of a closed connection may take nothing of what is still to be sent."""

MAX_SESSIONS: Final = 32
SUITES: Final = (*range(0xC001, 0xC100), *range(0x0001, 0x0100), *range(0xCCA8, 0xCCAF))
"""Where IANA has the cipher suites of TLS 1.2."""

SessionKey: TypeAlias = tuple[Context, Address, str | None, str | None]


def secure(network: Network, socket: NetSocket, security: Security) -> SecureSocket:
    """Put TLS or DTLS over a connected socket of ``network``; this is `Network.secure`."""
    if isinstance(socket, SecureSocket) or network.front(socket) is not socket:
        raise OSError(errno.EISCONN, "secured already")
    kind = TlsSocket if socket.type is SocketType.STREAM else DtlsSocket
    front = kind(network, socket, security)
    if network.secured is None:
        network.secured = {}
    network.secured[socket] = front
    return front


class _Secured(SecureSocket):
    """What TLS and DTLS have in common: all but how bytes are cut."""

    __slots__ = (
        "_closed",
        "_dead",
        "_ended",
        "_established",
        "_failure",
        "_inner",
        "_network",
        "_notes",
        "_refusal",
        "_security",
        "_session_key",
        "_tls",
        "type",
    )

    def __init__(self, network: Network, inner: NetSocket, security: Security) -> None:
        self.type = inner.type
        self._network = network
        self._inner = inner
        self._security = security
        self._established = self._ended = self._closed = False
        self._failure = 0  # errno that the next call tells
        self._dead = 0  # errno of `abort`
        self._refusal: HandshakeError | None = None
        self._notes: list[int] = []  # what a server found wrong with the client's certificate
        address = inner.peer_address()
        context = context_for(security, datagrams=inner.type is not SocketType.STREAM)
        self._session_key: SessionKey = (context, address, security.hostname, security.server_name)
        self._tls = SSL.Connection(context, None)
        self._tls.set_app_data(self._notes)
        if security.server:
            self._tls.set_accept_state()
        else:
            self._prepare_client()

    def _prepare_client(self) -> None:
        self._tls.set_connect_state()
        name, host = self._security.server_name, self._security.hostname
        if name is not None:
            self._tls.set_tlsext_host_name(_host_name(name))
        if host is not None and self._security.peer_verify is not PeerVerify.NONE:
            _check_host(self._tls, _host_name(host))
        session = self._network.sessions.get(self._session_key) if self._security.session_cache else None
        if session is not None:
            self._tls.set_session(session)

    # The handshake

    def handshake(self) -> None:
        """Go on with the handshake."""
        self._check()
        if self._refusal is not None:
            raise self._refusal
        try:
            self._shake()
        except BlockingIOError:
            raise
        except SSL.Error as error:
            with suppress(OSError):
                self._flush()  # our alert
            self._refuse(explain(self._tls, error))
        except OSError as error:
            self._refuse(HandshakeError(error.errno or errno.EIO, error.strerror or str(error)))

    def _shake(self) -> None:
        while not self._established:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                self._flush()
                if not self._feed():
                    raise ConnectionResetError(errno.ECONNRESET, "the peer closed the connection") from None
                continue
            if not self._flush():
                raise BlockingIOError(errno.EAGAIN, "the last flight waits to be sent")
            self._established = True
            self._done()

    def _done(self) -> None:
        log.debug("handshake: %s, resumed: %s", self._tls.get_cipher_name(), self.resumed)
        if self._security.session_cache and not self._security.server:
            sessions = self._network.sessions
            sessions[self._session_key] = self._tls.get_session()
            sessions.move_to_end(self._session_key)
            if len(sessions) > MAX_SESSIONS:
                sessions.popitem(last=False)
        try:
            self._decrypt()  # data may have come with the peer's last flight
        except OSError as error:
            self._broke(error)

    def _refuse(self, refusal: HandshakeError) -> None:
        log.info("handshake failed: %.200s", refusal.reason)
        self._network.sessions.pop(self._session_key, None)
        self._refusal = refusal
        raise refusal from None

    def retransmit_after(self) -> float | None:
        """Return None: a stream repeats nothing itself."""
        return None

    def retransmit(self) -> None:
        """Do nothing."""

    def ciphersuite(self) -> int:
        """Return the number of the cipher suite."""
        self._check_established()
        lib: Any = SSL._lib  # type: ignore[attr-defined]
        ssl = self._tls._ssl
        current = lib.SSL_get_current_cipher(ssl)
        return next((suite for suite in SUITES if lib.SSL_CIPHER_find(ssl, suite.to_bytes(2, "big")) == current), 0)

    @property
    def resumed(self) -> bool:
        """Whether an earlier session was resumed."""
        return bool(SSL._lib.SSL_session_reused(self._tls._ssl))  # type: ignore[attr-defined]

    @property
    def verified(self) -> bool:
        """Whether the peer has proved who it is."""
        return not self.verify_error

    @property
    def verify_error(self) -> str:
        """Why the peer is not verified."""
        if self._refusal is not None:
            return self._refusal.reason
        if not self._established:
            return "the handshake is not done"
        if "PSK" in (self._tls.get_cipher_name() or ""):
            return ""
        if self._security.peer_verify is PeerVerify.NONE:
            return "the certificate is not checked"
        if self._tls.get_peer_certificate(as_cryptography=True) is None:
            return "the peer has no certificate"
        code = self._notes[0] if self._notes else verify_code(self._tls)
        return verify_text(code) if code else ""

    def cid_status(self) -> int:
        """Return 0: nobody uses a connection identifier."""
        return 0

    # What a connected socket cannot do any more

    def bind(self, port: int) -> None:
        """Fail: it is connected."""
        raise OSError(errno.EISCONN, "connected already")

    def listen(self, backlog: int) -> None:
        """Fail: it is connected."""
        raise OSError(errno.EISCONN, "connected already")

    def accept(self) -> tuple[NetSocket, Address]:
        """Fail: it does not listen."""
        raise OSError(errno.EOPNOTSUPP, "connected, not listening")

    def connect(self, address: Address) -> None:
        """Fail: it is connected."""
        raise OSError(errno.EISCONN, "connected already")

    def finish_connect(self) -> None:
        """Return: it is connected."""
        self._check()

    # Data

    def send(self, data: bytes) -> int:
        """Encrypt and send; nothing is taken as long as something that was taken is not sent."""
        self._check_established()
        self._raise_failure()
        if self._unsent() and not self._flush():
            raise BlockingIOError(errno.EAGAIN, "what was taken is not sent yet")
        return self._encrypt(data)

    def sendto(self, data: bytes, address: Address) -> int:
        """Send to the peer; there is no one else."""
        if self.type is SocketType.DGRAM and address != self.peer_address():
            raise OSError(errno.EISCONN, "connected to somebody else")
        return self.send(data)

    def recv(self, size: int, flags: int) -> bytes:
        """Receive part of the stream, as much as has come, or one datagram."""
        self._check_established()
        if self._waiting() < (size if self.type is SocketType.STREAM else 1):
            self._pull(max(size, READ_AHEAD))
        if self._waiting():
            return self._take(size, peek=bool(flags & MSG_PEEK))
        self._raise_failure()
        if self._ended:
            return b""
        raise BlockingIOError(errno.EAGAIN, "nothing has come")

    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        """Receive, and tell from whom: the peer."""
        return self.recv(size, flags), self.peer_address()

    # State

    def poll(self) -> int:
        """Return what is true now."""
        if self._dead or self._closed:
            return POLLHUP
        if self._refusal is not None:
            return POLLERR | POLLHUP
        if not self._established:
            return 0
        self._pull(READ_AHEAD)
        try:
            writable = self._inner.poll() & POLLOUT if self._flush() else 0
        except OSError as error:
            self._broke(error)
            writable = 0
        return self._readable() | writable

    def translate(self, events: int) -> int:
        """Take the events of the plain socket."""
        if self._closed:
            self._linger()
            return 0
        if not self._established:
            return events  # whoever drives the handshake goes on
        if events & (POLLIN | CLOSURE):
            # A peer that has gone sends no more: all of it is taken, so that its end is seen.
            self._pull(None if events & CLOSURE else READ_AHEAD)
        told = self._readable()
        if events & POLLOUT:
            try:
                told |= POLLOUT if self._flush() else 0
            except OSError as error:
                self._broke(error)
                told |= self._readable()
        return told

    def _readable(self) -> int:
        """Return the events that tell of something to be received."""
        events = POLLIN if self._waiting() or self._ended or self._failure else 0
        if self._failure:
            events |= POLLERR
        if self._ended or (self._failure and self.type is SocketType.STREAM):
            events |= POLLHUP
        return events

    def unacknowledged(self) -> int:
        """Return how many bytes are on the way, encrypted."""
        return self._inner.unacknowledged() + self._unsent()

    def take_error(self) -> int:
        """Return what went wrong; a connection that broke has ended from then on."""
        code = self._dead or self._failure
        self._forget_failure()
        inner = self._inner.take_error()  # the same, mostly, and to be forgotten there too
        return code or inner

    def set_option(self, option: Option, value: int) -> None:
        """Set an option of the plain socket."""
        self._inner.set_option(option, value)

    def local_address(self) -> Address:
        """Return the local address and port."""
        return self._inner.local_address()

    def peer_address(self) -> Address:
        """Return the peer's address and port."""
        return self._inner.peer_address()

    # The end

    def abort(self, code: int) -> None:
        """Lose the connection."""
        if self._closed:
            self._release()
        elif not self._dead:
            self._dead = code
            self._inner.abort(code)

    def close(self) -> None:
        """Say goodbye and close; what was taken and not sent yet is sent first, and takes its time."""
        if self._closed:
            return
        self._closed = True
        if not self._established or self._dead or self._failure:
            # Without this OpenSSL would think that the session was stolen, and not resume it.
            self._tls.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
            self._release()
            return
        with suppress(SSL.Error):
            self._tls.shutdown()
        if self.type is SocketType.STREAM:
            with suppress(OSError):
                self._inner.set_option(Option.USER_TIMEOUT, LINGER)
        self._linger()

    def _linger(self) -> None:
        """Send the rest after `close`, and let go of the plain socket once it is gone."""
        try:
            sent = self._flush()
        except OSError:
            sent = True  # nobody is there who would take it
        if sent:
            self._release()

    def _release(self) -> None:
        if self._network.secured is not None:
            self._network.secured.pop(self._inner, None)
        self._inner.close()

    # Between the plain socket and OpenSSL

    @abstractmethod
    def _feed(self) -> bool:
        """Give OpenSSL what has come, and decrypt it; `BlockingIOError` where nothing has; return False at the end."""

    @abstractmethod
    def _flush(self) -> bool:
        """Send what OpenSSL has to send; return whether all of it is gone."""

    @abstractmethod
    def _unsent(self) -> int:
        """Return how many encrypted bytes wait to be sent."""

    @abstractmethod
    def _encrypt(self, data: bytes) -> int:
        """Encrypt ``data`` and send it; return how much was taken."""

    @abstractmethod
    def _store(self, data: bytes) -> None:
        """Keep what one record held, for whoever asks."""

    @abstractmethod
    def _waiting(self) -> int:
        """Return how much decrypted data waits to be received."""

    @abstractmethod
    def _take(self, size: int, *, peek: bool) -> bytes:
        """Return decrypted data that waits."""

    def _pull(self, limit: int | None) -> None:
        """Decrypt what has come, as long as fewer than ``limit`` bytes wait."""
        try:
            while not self._ended and not self._failure and (limit is None or self._waiting() < limit):
                if not self._feed():
                    log.info("the peer ended the stream without a close_notify")
                    self._ended = True
        except BlockingIOError:
            pass
        except OSError as error:
            self._broke(error)

    def _decrypt(self) -> None:
        """Take all data out of OpenSSL, and send what it answers to the rest."""
        try:
            while True:
                self._store(self._tls.recv(RECORD))
        except SSL.WantReadError:
            self._flush()
        except SSL.ZeroReturnError:
            self._ended = True
        except SSL.Error as error:
            refusal = explain(self._tls, error)
            log.info("the connection broke: %.200s", refusal.reason)
            self._network.sessions.pop(self._session_key, None)
            with suppress(OSError):
                self._flush()  # our alert
            code = errno.EPROTO if refusal.errno == errno.EPROTO else errno.ECONNRESET
            raise OSError(code, refusal.reason) from None

    # Errors

    def _check(self) -> None:
        if self._closed or self._dead:
            raise _error(self._dead or errno.EBADF)

    def _check_established(self) -> None:
        if self._closed or self._dead:
            self._check()
        if not self._established:
            raise OSError(errno.ENOTCONN, "the handshake is not done")

    def _broke(self, error: OSError) -> None:
        self._failure = error.errno or errno.EIO

    def _raise_failure(self) -> None:
        """Tell once what went wrong."""
        if self._failure:
            code = self._failure
            self._forget_failure()
            raise _error(code)

    def _forget_failure(self) -> None:
        if self._failure and self.type is SocketType.STREAM:
            self._ended = True
        self._failure = 0


class TlsSocket(_Secured):
    """A TLS connection."""

    __slots__ = ("_out", "_plain")

    def __init__(self, network: Network, inner: NetSocket, security: Security) -> None:
        self._out = b""  # encrypted, taken out of OpenSSL, not sent yet: a record or so
        self._plain = bytearray()
        super().__init__(network, inner, security)

    def _feed(self) -> bool:
        data = self._inner.recv(CHUNK, 0)
        if data:
            self._tls.bio_write(data)
            if self._established:
                self._decrypt()
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
                self._broke(error)
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


class DtlsSocket(_Secured):
    """A DTLS connection: each datagram of data is one record in one datagram of its own.

    Attributes:
        outgoing: what a record goes through before it is packed into a datagram and sent.
        incoming: what a datagram goes through before OpenSSL gets it, piece by piece: OpenSSL takes in each before
            the next is asked for, which may need the keys that the handshake has come to meanwhile.
    """

    __slots__ = ("_answered", "_cid", "_datagrams", "_out", "_size", "incoming", "outgoing")

    def __init__(self, network: Network, inner: NetSocket, security: Security) -> None:
        self.outgoing: Callable[[bytes], bytes] = bytes
        self.incoming: Callable[[bytes], Iterable[bytes]] = _whole
        self._cid: ConnectionId | None = None
        self._out: deque[bytes] = deque()
        self._datagrams: deque[bytes] = deque()
        self._size = 0
        self._answered = False  # whether the peer has ever sent anything
        super().__init__(network, inner, security)
        self._tls.set_ciphertext_mtu(MTU)
        if offers_cid(security, datagrams=True):
            self._offer_cid()

    def _offer_cid(self) -> None:
        """Offer a connection identifier: one of our own, or none, which still lets the server have its own."""
        from vmodem.net.cid import ConnectionId

        own = token_bytes(OWN_CID_SIZE) if self._security.dtls_cid is DtlsCid.ENABLED else b""
        self._cid = ConnectionId(self._tls, own)
        self.outgoing, self.incoming = self._cid.outgoing, self._cid.incoming

    def cid_status(self) -> int:
        """Return who uses a connection identifier."""
        return int(self._cid.status) if self._cid is not None and self._established else 0

    def retransmit_after(self) -> float | None:
        """Return in how many seconds the last flight has to be repeated."""
        return None if self._established else self._tls.DTLSv1_get_timeout()

    def retransmit(self) -> None:
        """Repeat the last flight where it is due."""
        if self._closed or self._dead or self._refusal is not None:
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


def _error(code: int) -> OSError:
    """Return the error ``code``, as the subclass of `OSError` that belongs to it."""
    return OSError(code, errno.errorcode.get(code, ""))


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


def _host_name(name: str) -> bytes:
    """Return ``name`` in bytes; to OpenSSL an empty one is none, and one with a dot in front all that end with it."""
    if not name or name[0] == "." or "\0" in name or not name.isascii() or len(name) > 255:
        raise OSError(errno.EINVAL, "not a host name")
    return name.encode()


def _check_host(tls: SSL.Connection, host: bytes) -> None:
    """Have the certificate checked for ``host``, an address literal or a name."""
    lib: Any = SSL._lib  # type: ignore[attr-defined]
    parameters = lib.SSL_get0_param(tls._ssl)
    if family_of(host.decode()) is None:
        done = lib.X509_VERIFY_PARAM_set1_host(parameters, host, len(host))
    else:
        packed = ip_address(host.decode()).packed
        done = lib.X509_VERIFY_PARAM_set1_ip(parameters, packed, len(packed))
    if done != 1:
        lib.ERR_clear_error()
        raise OSError(errno.EINVAL, "not a host name")
