"""The TLS of one modem: it secures connected sockets, and remembers what the next connection can use.

Everybody may import this module. OpenSSL is imported when the first socket is to be secured: nobody else pays for it.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from vmodem.jobs import Job
from vmodem.net.interface import NetSocket, SocketType
from vmodem.tls.security import SecureSocket, Security

if TYPE_CHECKING:
    from vmodem.tls.contexts import Context
    from vmodem.tls.memory import Memory

log = logging.getLogger("vmodem")


class Tls:
    """TLS and DTLS over the sockets of any network.

    What our own code draws at random comes from ``random``, so a modem that is given the same numbers replays. OpenSSL
    cannot be given any: pyOpenSSL binds neither its generators nor the engines that stand for them. So the bytes of a
    handshake and of encrypted records differ from run to run, and with them the lengths of ECDSA signatures; what the
    host hears does not. OpenSSL also reads the time itself, for the retransmission of DTLS flights that get lost.

    Args:
        random: returns as many random bytes as it is asked for.

    Attributes:
        inform: tells the modem's user something that explains what happens; arguments as of `logging`.
        taken_in: how many records, and pieces that OpenSSL was fed with, were taken in so far: each is work.
    """

    __slots__ = ("_memory", "_random", "_sockets", "inform", "taken_in")

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self.inform: Callable[..., None] = log.info
        self.taken_in = 0
        self._memory: Memory | None = None
        self._sockets: dict[NetSocket, SecureSocket] = {}  # by the plain ones; also those that are closed and linger

    def secure(self, socket: NetSocket, security: Security) -> SecureSocket:
        """Put TLS, or DTLS, over a connected socket; nobody but the secure socket uses ``socket`` from then on.

        Raises:
            CredentialError: the bundle cannot be used.
            OSError: the socket is not connected, or a name in ``security`` cannot be one.
        """
        if isinstance(socket, SecureSocket) or socket in self._sockets:
            raise OSError(errno.EISCONN, "secured already")
        self._sockets[socket] = front = self._front(socket, security)
        return front

    def _front(self, socket: NetSocket, security: Security) -> SecureSocket:
        if socket.type is SocketType.STREAM:
            from vmodem.tls.stream import TlsSocket

            return TlsSocket(socket, security, self._remembered(), self._released, self._took_in)
        from vmodem.tls.datagram import DtlsSocket

        return DtlsSocket(socket, security, self._remembered(), self._released, self._took_in, self._random)

    def check(self, security: Security, type: SocketType) -> None:
        """Refuse a bundle that `secure` would refuse: what a server cannot use shows before anybody connects.

        Raises:
            CredentialError: the bundle cannot be used.
        """
        self._remembered().context_for(security, datagrams=type is not SocketType.STREAM)

    def preparation(self, security: Security, type: SocketType) -> Job | None:
        """Return what `secure` and `check` have to do first and may take long, None for nothing.

        It can be done on any thread; `keep` takes what it returns, and `CredentialError` is what it raises.
        """
        datagrams = type is not SocketType.STREAM
        if self._memory is not None and self._memory.knows(security, datagrams=datagrams):
            return None
        return partial(_context, security, datagrams=datagrams)

    def keep(self, context: Context) -> None:
        """Keep what a `preparation` has made."""
        self._remembered().keep(context)

    def refused(self, socket: NetSocket, error: OSError) -> None:
        """Take note that ``socket`` cannot be secured: nobody needs to know but who listens."""

    def purge(self) -> None:
        """Forget the sessions: no later connection resumes one."""
        if self._memory is not None:
            self._memory.purge()

    def close(self) -> None:
        """Close every secure socket that is still open, let none linger, and forget everything."""
        for socket in list(self._sockets.values()):
            socket.close()
            socket.abort(errno.ECONNABORTED)
        self._memory = None

    @property
    def busy(self) -> bool:
        """Whether a secure socket is open, or still sends what it took before it was closed."""
        return bool(self._sockets)

    def _remembered(self) -> Memory:
        if self._memory is None:
            from vmodem.tls.memory import Memory

            self._memory = Memory(self.inform)
        return self._memory

    def _took_in(self, count: int) -> None:
        self.taken_in += count

    def _released(self, socket: NetSocket) -> None:
        del self._sockets[socket]


def _context(security: Security, *, datagrams: bool) -> Context:
    from vmodem.tls.contexts import context_for  # not at the top: it imports OpenSSL

    return context_for(security, datagrams=datagrams)
