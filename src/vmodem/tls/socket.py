"""What TLS and DTLS have in common: a secure socket, by OpenSSL, in front of a connected plain one.

It reads and writes the plain socket itself, through two buffers in memory that OpenSSL works between, so that neither
a socket nor a clock gets into OpenSSL's hands. OpenSSL draws its own random numbers: see `Tls`.
"""

from __future__ import annotations

import errno
import logging
import math
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

from OpenSSL import SSL

from vmodem.net.interface import (
    CLOSURE,
    MSG_PEEK,
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    Address,
    NetSocket,
    Option,
    SocketType,
    family_of,
    leave,
)
from vmodem.tls.failures import explain, verify_code, verify_text
from vmodem.tls.memory import Memory, SessionKey
from vmodem.tls.security import HandshakeError, PeerVerify, SecureSocket, Security

log = logging.getLogger("vmodem")

RECORD: Final = 16384
"""The most that one record carries."""

READ_AHEAD: Final = 65536
"""Decrypted bytes that may wait before the rest is left where it is."""

SHARE: Final = 64
"""How many records are taken in at once, and pieces that OpenSSL is fed with; then others have their turn."""

LINGER: Final = 30_000
"""Milliseconds that the peer of a closed connection may take nothing of what is still to be sent."""

SUITES: Final = (*range(0xC001, 0xC100), *range(0x0001, 0x0100), *range(0xCCA8, 0xCCAF))
"""Where IANA has the cipher suites of TLS 1.2."""


class OpenSslSocket(SecureSocket):
    """A secure socket: all but how bytes are cut.

    Args:
        inner: the plain socket, connected.
        security: how the connection is to be secured.
        memory: what the modem remembers of earlier connections.
        released: told when nothing is left of the connection, not even bytes to be sent.
        took_in: told how many records, and pieces that OpenSSL was fed with, were just taken in.
    """

    __slots__ = (
        "_closed",
        "_ended",
        "_established",
        "_failure",
        "_inner",
        "_memory",
        "_notes",
        "_refusal",
        "_released",
        "_resumed",
        "_security",
        "_session_key",
        "_taken_in",
        "_tls",
        "_took_in",
        "_verdict",
        "type",
    )

    def __init__(
        self,
        inner: NetSocket,
        security: Security,
        memory: Memory,
        released: Callable[[NetSocket], None],
        took_in: Callable[[int], None],
    ) -> None:
        self.type = inner.type
        self._inner = inner
        self._security = security
        self._memory = memory
        self._released: Callable[[NetSocket], None] | None = released  # None once it was told
        self._took_in = took_in
        self._established = self._ended = self._closed = self._resumed = False
        self._taken_in = 0  # records, and pieces that OpenSSL was fed with, ever
        self._failure = 0  # errno that the next call tells
        self._refusal: HandshakeError | None = None
        self._verdict = "the handshake is not done"
        self._notes: list[int] = []  # what a server found wrong with the client's certificate
        address = inner.peer_address()
        context = memory.context_for(security, datagrams=inner.type is not SocketType.STREAM)
        self._session_key: SessionKey = (context, address, security.hostname, security.server_name)
        self._tls = SSL.Connection(context, None)
        self._tls.set_app_data(self._notes)
        if security.server:
            self._tls.set_accept_state()
        else:
            self._prepare_client()
        self.ready = inner.ready
        inner.ready = self._inner_ready

    def _prepare_client(self) -> None:
        self._tls.set_connect_state()
        name, host = self._security.server_name, self._security.hostname
        if name is not None:
            self._tls.set_tlsext_host_name(_host_name(name))
        if host is not None and self._security.peer_verify is not PeerVerify.NONE:
            _check_host(self._tls, _host_name(host))
        session = self._memory.session(self._session_key) if self._security.session_cache else None
        if session is not None:
            self._tls.set_session(session)

    @property
    def base(self) -> NetSocket:
        """The socket of the bottom network."""
        return self._inner.base

    @property
    def lost(self) -> int:
        """The errno that the connection was lost with."""
        return self._inner.lost

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
        enough = self._taken_in + SHARE
        while not self._established:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                self._flush()
                if not self._feed_until(enough):
                    raise ConnectionResetError(errno.ECONNRESET, "the peer closed the connection") from None
                continue
            if not self._flush():
                raise BlockingIOError(errno.EAGAIN, "the last flight waits to be sent")
            self._established = True
            self._done()

    def _done(self) -> None:
        self._resumed = bool(SSL._lib.SSL_session_reused(self._tls._ssl))  # type: ignore[attr-defined]
        self._verdict = self._judge()
        if self._security.session_cache and not self._security.server:
            self._memory.keep_session(self._session_key, self._tls.get_session())
        try:
            self._decrypt()  # data may have come with the peer's last flight
        except OSError as error:
            self._broke(error)

    def _judge(self) -> str:
        """Return why the peer is not verified, "" where it is."""
        if "PSK" in (self._tls.get_cipher_name() or ""):
            return ""
        if self._security.peer_verify is PeerVerify.NONE:
            return "the certificate is not checked"
        if self._tls.get_peer_certificate() is None:  # as OpenSSL has it: nobody else has to be able to read it
            return "the peer has no certificate"
        code = self._notes[0] if self._notes else verify_code(self._tls)
        return verify_text(code) if code else ""

    def _refuse(self, refusal: HandshakeError) -> None:
        self._memory.inform("handshake failed: %.200s", refusal.reason)
        self._memory.forget_session(self._session_key)
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
        return self._resumed

    @property
    def verified(self) -> bool:
        """Whether the peer has proved who it is."""
        return not self.verify_error

    @property
    def verify_error(self) -> str:
        """Why the peer is not verified."""
        if self._refusal is not None:
            return self._refusal.reason
        return self._verdict

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
        if self._ended:
            return b""
        self._raise_failure()
        raise BlockingIOError(errno.EAGAIN, "nothing has come")

    def recvfrom(self, size: int, flags: int) -> tuple[bytes, Address]:
        """Receive, and tell from whom: the peer."""
        return self.recv(size, flags), self.peer_address()

    # State

    def poll(self) -> int:
        """Return what is true now."""
        if self._closed or self.lost:
            return POLLHUP
        if self._refusal is not None:
            return POLLERR | POLLHUP
        if not self._established:
            return 0
        flushed = self._flushed()
        events = self._inner.poll()
        self._receive_ahead(events)
        return self._readable() | (events & POLLOUT if flushed else 0)

    def _inner_ready(self, socket: NetSocket, events: int) -> None:
        """Take the ``events`` of the plain socket, do what they permit, and tell what became true of this one."""
        if self._closed and self._released is not None:
            self._linger()
        elif self.lost:
            self.ready(self, POLLHUP)
        elif events := self._translate(events):
            self.ready(self, events)

    def _translate(self, events: int) -> int:
        if not self._established:
            return events  # whoever drives the handshake goes on
        if events & (POLLIN | CLOSURE):
            self._receive_ahead(events)
        writable = POLLOUT if events & POLLOUT and self._flushed() else 0
        return self._readable() | writable

    def _receive_ahead(self, events: int) -> None:
        """Decrypt what has come; of a peer that has gone all of it, so that its end is seen."""
        self._pull(None if events & CLOSURE else READ_AHEAD)

    def _flushed(self) -> bool:
        """Send what waits to be sent; return whether all of it is gone."""
        try:
            return self._flush()
        except OSError as error:
            self._cannot_send(error)
            return False

    def _readable(self) -> int:
        """Return the events that tell of something to be received."""
        events = POLLIN if self._waiting() or self._ended or self._failure else 0
        if self._failure:
            events |= POLLERR
        if self._ended or (self._failure and self.type is SocketType.STREAM):
            events |= POLLHUP
        return events

    def remind(self) -> None:
        """Have it told once more what is true."""
        self._inner.remind()

    def unacknowledged(self) -> int:
        """Return how many bytes are on the way, encrypted."""
        return self._inner.unacknowledged() + self._unsent()

    def take_error(self) -> int:
        """Return what went wrong; a connection that broke has ended from then on."""
        code = self.lost or self._failure
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
        """Lose the connection; a closed one that lingers lets go at once."""
        if self._closed:
            self._release()
        else:
            self._inner.abort(code)

    def close(self) -> None:
        """Say goodbye and close; what was taken and not sent yet is sent first, and takes its time."""
        if self._closed:
            return
        self._closed = True
        if not self._established or self.lost or self._failure:
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
        if self._released is not None:
            leave(self._inner)
            self._released(self._inner)
            self._released = None
            self._forget()

    def _forget(self) -> None:
        """Let go of OpenSSL: whoever still has this socket, closed as it is, must not keep a private key in memory."""
        del self._tls, self._memory, self._session_key

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

    def _pull(self, limit: int | None, share: float = SHARE) -> None:
        """Decrypt what has come, as long as fewer than ``limit`` bytes wait; at most a ``share`` of it."""
        enough = self._taken_in + share
        try:
            while not self._ended and not self._failure and (limit is None or self._waiting() < limit):
                if not self._feed_until(enough):
                    self._memory.inform("the peer ended the stream without a close_notify")
                    self._ended = True
        except BlockingIOError:
            pass
        except OSError as error:
            self._broke(error)

    def _feed_until(self, enough: float) -> bool:
        """Feed OpenSSL; where ``enough`` was taken in already, stop, and be reminded of the rest."""
        if self._taken_in >= enough:
            self._inner.remind()
            raise BlockingIOError(errno.EAGAIN, "others have their turn")
        before = self._taken_in
        self._taken_in += 1  # what decrypts to nothing is work too
        try:
            return self._feed()
        finally:
            self._took_in(self._taken_in - before)

    def _decrypt(self) -> None:
        """Take all data out of OpenSSL, and send what it answers to the rest."""
        try:
            while True:
                self._store(self._tls.recv(RECORD))
                self._taken_in += 1
        except SSL.WantReadError:
            self._flush()
        except SSL.ZeroReturnError:
            self._ended = True
        except SSL.Error as error:
            refusal = explain(self._tls, error)
            self._memory.inform("the connection broke: %.200s", refusal.reason)
            self._memory.forget_session(self._session_key)
            with suppress(OSError):
                self._flush()  # our alert
            code = errno.EPROTO if refusal.errno == errno.EPROTO else errno.ECONNRESET
            raise OSError(code, refusal.reason) from None

    # Errors

    def _check(self) -> None:
        if self._closed or self.lost:
            raise _error(self.lost or errno.EBADF)

    def _check_established(self) -> None:
        if self._closed or self._inner.lost:
            self._check()
        if not self._established:
            raise OSError(errno.ENOTCONN, "the handshake is not done")

    def _broke(self, error: OSError) -> None:
        self._failure = error.errno or errno.EIO

    def _cannot_send(self, error: OSError) -> None:
        """Take all that the peer has sent before it went, and keep why nothing can be sent to it."""
        self._pull(None, math.inf)
        if not self._failure:
            self._broke(error)

    def _raise_failure(self) -> None:
        """Tell what went wrong: of datagrams once, of a stream as often as somebody asks."""
        if self._failure:
            code = self._failure
            if self.type is not SocketType.STREAM:
                self._failure = 0
            raise _error(code)

    def _forget_failure(self) -> None:
        if self._failure and self.type is SocketType.STREAM:
            self._ended = True
        self._failure = 0


def _error(code: int) -> OSError:
    """Return the error ``code``, as the subclass of `OSError` that belongs to it."""
    return OSError(code, errno.errorcode.get(code, ""))


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
