"""A pseudo terminal. The host that closes it has gone: the modem is reset, as if its power had been cut."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import select
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

READ_SIZE: Final = 65536
"""More than a pseudo terminal holds: whoever has sent more than this is there still."""

LOOKS_AT_ONCE: Final = 16
"""How often it is looked, in one turn, whether somebody has come or gone meanwhile."""


@dataclass(frozen=True)
class Pty(Spec):
    """A pseudo terminal.

    Attributes:
        link: path of a symbolic link to it, None for none.
        hangup: what a host that closes the terminal does to the modem: ``reset``, or ``keep`` its state.
    """

    kind = "pty"
    help = "a pseudo terminal, and a link to it; it has no DTR, RTS and CTS: where they count, use --tcp or --serial"
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
    """A session on the master side, which asks who was there: after each read and before each write.

    While nobody has the terminal open, its hang-up is always ready to be read. So the first bytes of a host are waited
    for by an edge-triggered watch, and only then is the terminal read like any other descriptor.

    Args:
        reactor: the process's reactor.
        modem: the modem.
        master: the master side.
        presence: whether the host has gone.
        left: called where it has, with bytes that were read since: nobody knows yet whose they are.
        ended: called once, when the host has gone and everything is released.
    """

    __slots__ = ("_left", "_presence", "_stirred")

    def __init__(
        self,
        reactor: Reactor,
        modem: Modem,
        master: int,
        presence: Presence,
        left: Callable[[bytes], None],
        ended: Callable[[Session], None],
    ) -> None:
        super().__init__(reactor, modem, master, master, ended)
        self._presence = presence
        self._left = left
        self._stirred = False

    def take_rest(self, data: bytes) -> None:
        """Hand over the last that the host has sent."""
        if data and not self._closed:
            self._line.receive(data, self._loop.time())
            self._after()

    def _read(self) -> int:
        try:
            data = os.read(self.read_fd, READ_SIZE)
        except BlockingIOError:
            return 0
        except OSError:  # nobody has it open
            data = b""
        if self._presence.left() or not data:
            self._left(data)
            return 0
        self._line.receive(data, self._loop.time())
        return len(data)

    def _write(self) -> None:
        # Not before its host's first byte: hosts that come and go without end would make one modem within the other.
        if self._stirred and not self._muted and self._presence.left():
            self._left(b"")  # for nobody: the next host must not get it
        super()._write()

    def mute(self) -> None:
        """Write and read no more: the terminal is being left to the next host."""
        super().mute()
        self._pause()

    def _read_on(self) -> None:
        if self._muted:
            return
        if self._stirred:
            super()._read_on()
        else:
            self._reading = True
            self._reactor.watch(self.read_fd, self._stir)

    def _stir(self, events: int) -> None:
        if events & select.EPOLLIN:
            self._stirred = True
            self._read_on()

    def _pause(self) -> None:
        super()._pause()
        self._reactor.forget(self.read_fd)

    def _hold_back(self) -> None:
        self._pause()  # whether the host goes away meanwhile is told by its presence


class PtyEndpoint(Endpoint):
    """A pseudo terminal, with a symbolic link to it where one is asked for.

    The slave side is open here only where the modem keeps its state: else nobody could tell whether a host has it open.

    Args:
        opening: what it is opened with.
        link: path of the symbolic link, None for none.
        keep: whether the modem keeps its state when the host closes the terminal.
    """

    def __init__(self, opening: Opening, link: Path | None, *, keep: bool) -> None:
        self._reactor = opening.reactor
        self._make_modem = opening.make_modem
        self._link: Path | None = None
        self._session: PtySession | None = None
        self._sessions: set[Session] = set()  # the current one, and earlier ones that still finish what they do
        self._presence: Presence | None = None
        self._settling: asyncio.Handle | None = None
        self._slave: int | None = None
        try:
            self._master, slave = os.openpty()
        except OSError as error:
            raise EndpointError(f"cannot open a pseudo terminal: {error.strerror}") from error
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(slave)
        if keep:
            self._slave = slave
        else:
            self._watch(slave)
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
        if self._settling is not None:
            self._settling.cancel()
        for session in self._sessions:
            session.close()
        if self._presence is not None:
            self._reactor.loop.remove_reader(self._presence.fd)
            self._presence.close()
        if self._slave is not None:
            os.close(self._slave)
        os.close(self._master)
        if self._link is not None and self._link.is_symlink() and os.readlink(self._link) == self.path:
            self._link.unlink()

    def _begin(self, arrived: bytes = b"") -> None:
        """Give the terminal a new modem, and that what its host has sent already."""
        modem = self._make_modem(self.where())
        ended = self._sessions.discard
        if self._presence is None:
            session = Session(self._reactor, modem, self._master, self._master, ended)
            self._sessions.add(session)
            session.start()
            return
        self._session = PtySession(self._reactor, modem, self._master, self._presence, self._change, ended)
        self._sessions.add(self._session)
        self._session.start(arrived)

    def _look(self) -> None:
        """Begin anew where the host has gone."""
        assert self._presence is not None
        if self._settling is None and self._presence.left():
            self._change(b"")

    def _change(self, arrived: bytes) -> None:
        """Leave the terminal to the next host, which may be there, and may have sent what has arrived."""
        assert self._session is not None
        self._session.mute()
        self._discard()
        self._settle(arrived)

    def _settle(self, arrived: bytes) -> None:
        """Read until it is known whose the bytes are, and begin anew.

        What was read before a moment at which nobody was there is of those who have gone. So is what was read before
        the kernel says "nobody", which it does only behind the last byte. The rest may be of somebody who is there, and
        has to be answered: what another one sent in the microseconds before he came cannot be told apart.
        """
        assert self._presence is not None
        assert self._session is not None
        self._settling = None
        for _ in range(LOOKS_AT_ONCE):
            fresh, nobody = self._drain()
            if nobody:
                self._session.take_rest(arrived + fresh)
                arrived = fresh = b""
            if not self._presence.left():
                self._session.detach()
                self._begin(arrived + fresh)
                return
            self._session.take_rest(arrived)
            arrived = fresh
        # Hosts come and go faster than they can be looked at: everybody else has a turn.
        self._settling = self._reactor.loop.call_soon(self._settle, arrived)

    def _drain(self) -> tuple[bytes, bool]:
        """Read what is there; return it, and whether the kernel says that nobody is there any more."""
        pieces: list[bytes] = []
        left = READ_SIZE
        while left > 0:
            try:
                pieces.append(os.read(self._master, left))
            except BlockingIOError:
                break
            except OSError:
                return b"".join(pieces), True
            left -= len(pieces[-1])
        return b"".join(pieces), False

    def _discard(self) -> None:
        """Discard what waits for a host, in the terminal and on its way there, and what the last one has shut."""
        termios.tcflush(self._master, termios.TCOFLUSH)
        try:
            slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:  # no descriptor is left, or a host has shut out all others; what it sets just now is undone
            termios.tcsetattr(self._master, termios.TCSAFLUSH, termios.tcgetattr(self._master))
            return
        termios.tcflush(slave, termios.TCIFLUSH)
        termios.tcflow(slave, termios.TCOON)
        fcntl.ioctl(slave, termios.TIOCNXCL)
        os.close(slave)

    def _watch(self, slave: int) -> None:
        try:
            self._presence = Presence(self._master, slave)
        except OSError as error:
            self._slave = slave
            log.warning("a host that closes %s will not be noticed: %s", self.path, error.strerror)

    def _make_link(self, link: Path) -> None:
        try:
            self._remove_left_over(link)
            os.symlink(self.path, link)
        except OSError as error:
            self.close()
            reason = _taken(link) if error.errno == errno.EEXIST else because(error)
            raise EndpointError(f"cannot make the link {link}: {reason}") from error
        self._link = link

    def _remove_left_over(self, link: Path) -> None:
        """Remove a link that was left over by a program that was killed."""
        if not link.is_symlink():
            return
        _refuse_living(link, self.path)
        aside = link.with_name(f".{link.name}.{os.path.basename(self.path)}")
        os.rename(link, aside)
        try:
            _refuse_living(aside, self.path)  # another program may have found the same one, and put its own there
        except FileExistsError:
            os.rename(aside, link)
            raise
        os.unlink(aside)


def _refuse_living(link: Path, own: str) -> None:
    """Refuse a link to what is there, such as the terminal of a program that runs; not to the number that is ours now.

    Raises:
        FileExistsError: it leads to such.
    """
    if link.exists() and os.readlink(link) != own:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _taken(link: Path) -> str:
    """Return why a link cannot be made where something is already."""
    if not link.is_symlink():
        return "it exists and is no link; another path would be right"
    return f"it leads to {os.readlink(link)}, which is in use; end what serves it, remove the link or choose another"
