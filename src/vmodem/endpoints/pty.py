"""A pseudo terminal. The host that closes it has gone: the modem is reset, as if its power had been cut."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import termios
import tty
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vmodem.core.modem import Modem
from vmodem.endpoints.endpoint import Endpoint, Opening, Setting, Spec, need_text
from vmodem.endpoints.presence import Presence
from vmodem.endpoints.session import Session
from vmodem.errors import EndpointError, because
from vmodem.reactor import Reactor

log = logging.getLogger("vmodem")

LINGER: Final = 0.02
"""Seconds after a host has gone in which its last bytes may still come: the kernel delivers them in its own time."""


@dataclass(frozen=True)
class Pty(Spec):
    """A pseudo terminal.

    Attributes:
        link: path of a symbolic link to it, None for none.
        hangup: what a host that closes the terminal does to the modem: ``reset``, or ``keep`` its state.
    """

    kind = "pty"
    help = "a pseudo terminal, and a link to it"
    metavar = "LINK"
    optional = True
    settings = (Setting("hangup", "what a host that closes the pseudo terminal does to the modem", ("reset", "keep")),)

    link: str | None = None
    hangup: str = "reset"

    def __post_init__(self) -> None:
        """Refuse what is no link."""
        super().__post_init__()
        if self.link is not None:
            need_text("link", self.link, "the path of a link, or none")

    @classmethod
    def parse(cls, value: str | None) -> Pty:
        """Read the path of the link, if any."""
        return cls(value)

    def open(self, opening: Opening) -> PtyEndpoint:
        """Open a terminal and make the link."""
        return PtyEndpoint(opening, None if self.link is None else Path(self.link), keep=self.hangup == "keep")


class PtySession(Session):
    """A session on the master side, which looks who is there before it reads or writes.

    Args:
        look: takes note of who came and went.
        leaving: tells whether the host has gone, and its last bytes may still come.
    """

    __slots__ = ("_leaving", "_look", "_presence")

    def __init__(
        self,
        reactor: Reactor,
        modem: Modem,
        master: int,
        presence: Presence,
        look: Callable[[], None],
        leaving: Callable[[], bool],
        ended: Callable[[Session], None],
    ) -> None:
        super().__init__(reactor, modem, master, master, ended)
        self._presence = presence
        self._look = look
        self._leaving = leaving

    def _readable(self) -> None:
        if self._presence.changed:
            self._look()  # what is there to read may be for the next session already
        else:
            super()._readable()

    def _write(self) -> None:
        if self._presence.changed:
            self._look()
        if self._leaving() and not self._muted:
            self._writing = True  # for nobody: the next host must not get it, and this one is about to be muted
        else:
            super()._write()


class PtyEndpoint(Endpoint):
    """A pseudo terminal, with a symbolic link to it where one is asked for.

    The slave side stays open here, so that the kernel never reports a hang-up; whether a host has it open is told by
    `Presence`.

    Args:
        opening: what it is opened with.
        link: path of the symbolic link, None for none.
        keep: whether the modem keeps its state when the host closes the terminal.
    """

    def __init__(self, opening: Opening, link: Path | None, *, keep: bool) -> None:
        self._reactor = opening.reactor
        self._make_modem = opening.make_modem
        self._link = link
        self._session: Session | None = None
        self._sessions: set[Session] = set()  # the current one, and earlier ones that still finish what they do
        self._presence: Presence | None = None
        self._lingering: asyncio.TimerHandle | None = None
        try:
            self._master, self._slave = os.openpty()
        except OSError as error:
            raise EndpointError(f"cannot open a pseudo terminal: {error.strerror}") from error
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        if not keep:
            self._watch()
        if link is not None:
            self._make_link(link)

    def start(self) -> None:
        """Accept bytes."""
        if self._presence is not None:
            self._reactor.loop.add_reader(self._presence.fd, self._look)
        self._begin()

    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint."""
        return {"kind": "pty", "path": self.where()}

    def where(self) -> str:
        """Return the path of the link, or of the terminal."""
        return self.path if self._link is None else str(self._link)

    def close(self) -> None:
        """Close the terminal and remove the link."""
        if self._lingering is not None:
            self._lingering.cancel()
        for session in self._sessions:
            session.close()
        if self._presence is not None:
            self._reactor.loop.remove_reader(self._presence.fd)
            self._presence.close()
        os.close(self._slave)
        os.close(self._master)
        if self._link is not None and self._link.is_symlink() and os.readlink(self._link) == self.path:
            self._link.unlink()

    def _begin(self) -> None:
        modem = self._make_modem(self.where())
        if self._presence is None:
            session = Session(self._reactor, modem, self._master, self._master, self._sessions.discard)
        else:
            session = PtySession(
                self._reactor,
                modem,
                self._master,
                self._presence,
                self._look,
                lambda: self._lingering is not None,
                self._sessions.discard,
            )
        self._session = session
        self._sessions.add(session)
        session.start()

    def _look(self) -> None:
        """Take note of who came and went: begin anew where the host has gone."""
        assert self._presence is not None
        left, anybody = self._presence.left(), self._presence.anybody
        if anybody and (left or self._lingering is not None):
            self._change()
        elif left and self._lingering is None:
            self._lingering = self._reactor.loop.call_later(LINGER, self._change)

    def _change(self) -> None:
        """Leave the terminal to the next host."""
        assert self._presence is not None
        assert self._session is not None
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        self._session.mute()
        # The next host does not get what was meant for this one, neither what is under way nor what has arrived.
        termios.tcflush(self._master, termios.TCOFLUSH)
        termios.tcflush(self._slave, termios.TCIFLUSH)
        if not self._presence.anybody:  # else what waits may be the next host's already
            self._session.read_rest()
        self._session.detach()
        self._begin()

    def _watch(self) -> None:
        try:
            self._presence = Presence(self.path)
        except OSError as error:
            log.warning("a host that closes %s will not be noticed: %s", self.path, os.strerror(error.errno or 0))

    def _make_link(self, link: Path) -> None:
        try:
            if link.is_symlink():
                link.unlink()  # left over by a program that was killed
            os.symlink(self.path, link)
        except OSError as error:
            self._link = None
            self.close()
            reason = (
                "it exists and is no link; another path would be right"
                if error.errno == errno.EEXIST
                else because(error)
            )
            raise EndpointError(f"cannot make the link {link}: {reason}") from error
