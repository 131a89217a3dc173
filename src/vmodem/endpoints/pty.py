"""A pseudo terminal. The host that closes it has gone: the modem is reset, as if its power had been cut."""

from __future__ import annotations

import errno
import os
import select
import termios
import tty
from pathlib import Path
from typing import Any

from vmodem.core.modem import Modem
from vmodem.endpoints.endpoint import Endpoint, EndpointError, MakeModem
from vmodem.endpoints.session import Session
from vmodem.reactor import Reactor


class PtySession(Session):
    """A session on the master side, which knows whether a host has the slave side open.

    While no host has, the kernel reports a hang-up without end; so the descriptor is watched edge-triggered until
    something arrives, and nobody waits for room to write.
    """

    __slots__ = ("_keep", "_present", "_reactor")

    def __init__(self, reactor: Reactor, modem: Modem, master: int, ended: Any, *, keep: bool) -> None:
        super().__init__(reactor.loop, modem, master, master, ended)
        self._reactor = reactor
        self._present = False
        self._keep = keep

    def start(self, *, reading: bool = False) -> None:
        """Boot the modem and wait for a host."""
        super().start(reading=False)
        self._reactor.watch(self.read_fd, self._arrived)

    def close(self) -> None:
        """Release everything but the descriptor."""
        if not self._present:
            self._reactor.forget(self.read_fd)
        super().close()

    def end(self) -> None:
        """Take note that the host has gone."""
        if self._keep and self._present:
            self.pause()
            self._present = False
            self._reactor.watch(self.read_fd, self._arrived)
        else:
            super().end()

    @property
    def reads_when_accepted(self) -> bool:
        """Only while a host is there."""
        return self._present

    def wait_until_writable(self) -> None:
        """Write again once the host has read; without a host, when one comes."""
        if self._present:
            super().wait_until_writable()

    def _arrived(self, events: int) -> None:
        if events & select.EPOLLIN:
            self._reactor.forget(self.read_fd)
            self._present = True
            self.read_on()


class PtyEndpoint(Endpoint):
    """A pseudo terminal, with a symbolic link to it where one is asked for.

    Args:
        reactor: the process's reactor.
        make_modem: makes the modem.
        link: path of the symbolic link, None for none.
        keep: whether the modem keeps its state when the host closes the terminal.
    """

    def __init__(self, reactor: Reactor, make_modem: MakeModem, link: Path | None, *, keep: bool) -> None:
        self._reactor = reactor
        self._make_modem = make_modem
        self._link = link
        self._keep = keep
        self._session: PtySession | None = None
        try:
            self._master, slave = os.openpty()
        except OSError as error:
            raise EndpointError(f"cannot open a pseudo terminal: {error.strerror}") from error
        self.path = os.ttyname(slave)
        os.close(slave)
        tty.setraw(self._master)
        os.set_blocking(self._master, False)
        if link is not None:
            self._make_link(link)

    def start(self) -> None:
        """Accept bytes."""
        self._begin()

    def describe(self) -> dict[str, Any]:
        """Return what the ready file says of this endpoint."""
        return {"kind": "pty", "path": self.path if self._link is None else str(self._link)}

    def close(self) -> None:
        """Close the terminal and remove the link."""
        if self._session is not None:
            self._session.close()
        os.close(self._master)
        if self._link is not None and self._link.is_symlink() and os.readlink(self._link) == self.path:
            self._link.unlink()

    def _begin(self) -> None:
        self._session = PtySession(
            self._reactor, self._make_modem(), self._master, self._hung_up, keep=self._keep
        )
        self._session.start()

    def _hung_up(self, session: Session) -> None:
        termios.tcflush(
            self._master, termios.TCIOFLUSH
        )  # the next host does not get what was meant for this one
        self._begin()

    def _make_link(self, link: Path) -> None:
        try:
            if link.is_symlink():
                link.unlink()  # left over by a program that was killed
            os.symlink(self.path, link)
        except OSError as error:
            os.close(self._master)
            reason = "it exists and is no link" if error.errno == errno.EEXIST else error.strerror
            raise EndpointError(f"cannot make the link {link}: {reason}") from error
