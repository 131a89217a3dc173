"""What one modem remembers of TLS from one connection to the next: contexts and sessions.

This module must not know about sockets.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from OpenSSL import SSL

from vmodem.net.interface import Address
from vmodem.tls.contexts import Context, context_for, known
from vmodem.tls.security import Security

K = TypeVar("K")
V = TypeVar("V")

MAX_CONTEXTS: Final = 16
"""How many contexts a modem keeps between its connections; one with a CA takes some 20 KB."""

MAX_SESSIONS: Final = 32
"""How many sessions a modem keeps."""

SessionKey: TypeAlias = tuple[Context, Address, str | None, str | None]
"""What a session can be resumed with: the same checks, the same peer, and the same names."""


class Memory:
    """The contexts and sessions of one modem that were used last; they end with it, unless somebody else uses them.

    Attributes:
        inform: tells the modem's user something that explains what happens.
    """

    __slots__ = ("_contexts", "_sessions", "inform")

    def __init__(self, inform: Callable[..., None]) -> None:
        self.inform = inform
        self._contexts: OrderedDict[Context, None] = OrderedDict()
        self._sessions: OrderedDict[SessionKey, SSL.Session] = OrderedDict()

    def context_for(self, security: Security, *, datagrams: bool) -> Context:
        """Return `context_for`, and keep it.

        Raises:
            CredentialError: the bundle cannot be used.
        """
        context = context_for(security, datagrams=datagrams)
        self.keep(context)
        return context

    def knows(self, security: Security, *, datagrams: bool) -> bool:
        """Return whether `context_for` returns at once."""
        return known(security, datagrams=datagrams)

    def keep(self, context: Context) -> None:
        """Keep a context."""
        _keep(self._contexts, context, None, MAX_CONTEXTS)

    def session(self, key: SessionKey) -> SSL.Session | None:
        """Return the session of a client that can be resumed, None where there is none."""
        return self._sessions.get(key)

    def keep_session(self, key: SessionKey, session: SSL.Session | None) -> None:
        """Keep the session of a client, in place of an earlier one."""
        if session is not None:
            _keep(self._sessions, key, session, MAX_SESSIONS)

    def forget_session(self, key: SessionKey) -> None:
        """Forget a session, if there is one."""
        self._sessions.pop(key, None)

    def purge(self) -> None:
        """Forget all sessions."""
        self._sessions.clear()


def _keep(entries: OrderedDict[K, V], key: K, value: V, limit: int) -> None:
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > limit:
        entries.popitem(last=False)
