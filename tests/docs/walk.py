"""A page of docs/ that a reader follows from its top to its end, at a few terminals: what it shows has to happen.

Every ``$ command`` is run, with what it prints; every line that begins with ``AT`` is typed at the modem, and what
stands below it has to appear. What the page asks for in words, such as to type something at the server, is an action
of the test.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT
from tests.hosts import PtyHost, connect
from tests.patience import PATIENCE, eventually

from vmodem import dialects

STAY = ("vmodem serve", "nc ", "openssl s_server", "curl ")
"""What does not end by itself, and has a terminal of its own."""

PYTHON_SERVER = {
    r"Server: .*": r"Server: SimpleHTTP/.*",
    r"Date: .*": r"Date: .* GMT",
    r"Last-Modified: .*": r"Last-Modified: .* GMT",
    r"#XRECV: 0,0,212": r"#XRECV: 0,0,2\d\d",
}
"""Lines of ``python3 -m http.server`` that differ from machine to machine, and what has to come for each."""

LISTEN, UNCONNECTED, CLOSE_WAIT = "0A", "07", "08"
"""States of sockets, as the kernel writes them."""

PART = re.compile(r"^```(\w*)\n(.*?)^```$|((?:^    [^\n]*\n|^\n(?=    ))+)", re.DOTALL | re.MULTILINE)


class Terminal:
    """A program that runs in a terminal of its own."""

    def __init__(self, command: str, folder: Path, env: Mapping[str, str]) -> None:
        self.command = command
        self._log = folder / f"{abs(hash(command))}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=folder,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )

    def type(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")

    def send(self, line: str) -> None:
        """Type a line, and wait until the program has written something for it."""
        before = self._written()
        self.type(line)
        eventually(lambda: self._written() > before)

    def _written(self) -> int:
        """Return how many bytes it has written so far, to whatever."""
        return int(re.findall(r"wchar: (\d+)", Path(f"/proc/{self._process.pid}/io").read_text())[0])

    def line(self) -> str:
        """Return the next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def log(self) -> str:
        """Return what it has said on standard error."""
        return self._log.read_text()

    def end(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=PATIENCE)


class Walk:
    """A walk through a page.

    Args:
        page: its path below the project.
        folder: the folder in which the reader is.
        instead: what stands in the page, and what is taken in its place: ports and paths.
        loose: patterns of lines that differ from machine to machine, and what has to come for each.
        actions: what is to be done where a paragraph has these words, or before this line is typed.
        without: how commands begin that are not run here.
    """

    def __init__(
        self,
        page: str,
        folder: Path,
        instead: Mapping[str, str],
        loose: Mapping[str, str],
        actions: Mapping[str, Callable[[Walk], Any]],
        without: Collection[str] = (),
    ) -> None:
        text = (ROOT / page).read_text()
        for said, taken in instead.items():
            assert said in text, f"{page} does not have {said}"
            text = text.replace(said, taken)
        self._text = text
        self.folder = folder
        self._loose = [(re.compile(line), pattern) for line, pattern in loose.items()]
        self._actions = dict(actions)
        self._without = tuple(without)
        self._typed_instead: dict[str, str] = {}
        self._screen = ""
        self._host: PtyHost | None = None
        self._env = os.environ | {"PATH": f"{_programs(folder)}:{os.environ['PATH']}"}
        self.terminals: list[Terminal] = []

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *error: object) -> None:
        if self._host is not None:
            self._host.close()
        for terminal in self.terminals:
            terminal.end()

    def follow(self) -> None:
        """Follow the page to its end."""
        at = 0
        for part in PART.finditer(self._text):
            self._read(self._text[at : part.start()])
            at = part.end()
            language, block, indented = part.groups()
            if language == "console":
                self._console(block)
            elif language == "":
                self._talk(block)
            elif indented:
                self._indented("".join(line[4:] or "\n" for line in indented.splitlines(keepends=True)))
        self._read(self._text[at:])
        assert not self._actions, f"the page does not say {list(self._actions)}"

    def terminal(self, begin: str) -> Terminal:
        """Return the newest terminal whose command begins so."""
        return next(one for one in reversed(self.terminals) if one.command.startswith(begin))

    def close(self, terminal: Terminal) -> None:
        """End the program of a terminal."""
        self.terminals.remove(terminal)
        terminal.end()

    def type(self, text: str) -> None:
        """Type at the modem; it is on the screen at once, as with ``picocom --echo``."""
        self.host.send(text.replace("\n", "\r\n").encode())
        self._screen += text

    def substitute(self, said: str, taken: str) -> None:
        """From now on type ``taken`` where the page has ``said``."""
        self._typed_instead[said] = taken

    def ask(self, line: str) -> None:
        """Type a line at the modem, and see OK."""
        self._type_line(line)
        self._expect(r"(?:.*\n)*?OK\n")

    def sees(self, text: str) -> None:
        """Wait until the screen begins with ``text``, which stays there."""
        eventually(lambda: self._look().startswith(text))

    @property
    def host(self) -> PtyHost:
        """The host; it opens the terminal when it is first needed."""
        if self._host is None:
            words = shlex.split(self.terminal("vmodem serve").command)
            named = dict(itertools.pairwise(words))
            self._host = connect(named["--pty"], dialects.find(named.get("--dialect", "sm")))
            self._screen = ""
        return self._host

    # The parts of a page

    def _read(self, paragraphs: str) -> None:
        """Do what the words ask for."""
        words = " ".join(paragraphs.split())
        for phrase in sorted((one for one in self._actions if one in words), key=words.index):
            self._actions.pop(phrase)(self)

    def _console(self, block: str) -> None:
        """Run every command, and look at what it prints."""
        for one in re.split(r"^\$ ", block.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
            command, _, printed = one.partition("\n")
            if self._without and command.startswith(self._without):
                continue
            if command.startswith("picocom"):
                self._talk(printed)
            elif command.startswith(STAY) or command.endswith("&"):
                self.start(command.removesuffix("&"), printed.splitlines())
            else:
                done = subprocess.run(
                    ["bash", "-c", command],
                    cwd=self.folder,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, f"{command}: {done.stderr}"
                expected = "".join(map(self._pattern, printed.splitlines(keepends=True)))
                assert re.fullmatch(expected, done.stdout), f"{command} printed {done.stdout}"

    def start(self, command: str, lines: Sequence[str] = ()) -> None:
        """Start what stays, which prints ``lines``, or gets them typed; a program that we connect to is waited for."""
        if command.startswith("vmodem serve"):
            self._leave_modem()
        terminal = Terminal(command, self.folder, self._env)
        self.terminals.append(terminal)
        if command.startswith("vmodem serve"):
            for line in lines:
                printed = terminal.line()
                assert re.fullmatch(self._pattern(f"{line}\n"), f"{printed}\n"), f"{command} printed {printed}"
            return
        port = re.search(r"(?:-accept|-l 127\.0\.0\.1|http\.server) (\d+)", command)
        if port is not None:
            eventually(lambda: listens(int(port[1])))
        for line in lines:
            terminal.type(line)

    def _leave_modem(self) -> None:
        """Leave the modem that runs, if any: a new one is started."""
        if self._host is not None:
            self._host.close()
            self._host = None
        for terminal in [one for one in self.terminals if one.command.startswith("vmodem serve")]:
            self.close(terminal)

    def _indented(self, block: str) -> None:
        """Look for lines of a log; a host is there when it is needed, so ``picocom`` is none of our business."""
        for line in block.splitlines():
            logged = re.fullmatch(r"\d{4}-[\d: ,-]+ INFO (.*)", line)
            if logged is not None:
                eventually(partial(self._has_logged, logged[1]))

    def _has_logged(self, text: str) -> bool:
        return text in self.terminal("vmodem serve").log()

    def _talk(self, block: str) -> None:
        """Type what begins with AT, and expect what does not."""
        expected = ""
        typed = ""
        for line in block.splitlines(keepends=True):
            if typed or line.startswith("AT"):
                typed += line
            else:
                expected += self._pattern(line)
            if typed and typed.count('"') % 2 == 0:
                self._expect(f"{expected}\nOK\n" if expected.endswith("*?") else expected)
                self._actions.pop(typed.rstrip("\n"), _nothing)(self)
                self._type_line(typed.rstrip("\n"))
                expected = typed = ""
        self._expect(expected)

    def _pattern(self, line: str) -> str:
        if line == "...\n":
            return r"(?:.*\n)*?"
        for known, pattern in self._loose:
            if known.fullmatch(line.rstrip("\n")):
                return f"{pattern}\n"
        return re.escape(line)

    def _type_line(self, line: str) -> None:
        for said, taken in self._typed_instead.items():
            line = line.replace(said, taken)
        self.host.send(line.replace("\n", "\r\n").encode() + self.host.end)

    def _expect(self, pattern: str) -> None:
        """Wait until the screen shows what is expected, and go on below it."""
        if not pattern:
            return
        expected = re.compile(pattern)
        try:
            eventually(lambda: expected.match(self._look()))
        except AssertionError:
            raise AssertionError(f"the screen shows {self._screen!r}, not {pattern!r}") from None
        found = expected.match(self._screen)
        assert found is not None
        self._screen = self._screen[found.end() :]

    def _look(self) -> str:
        """Return what is on the screen now."""
        host = self.host
        try:
            self._screen += os.read(host.fd, 65536).decode().replace("\r\n", "\n")
        except BlockingIOError:
            pass
        return self._screen


def listens(port: int) -> bool:
    """Whether somebody listens at a TCP port of this machine, or has a UDP port, over IPv4 or IPv6."""
    return any(local == port and state in (LISTEN, UNCONNECTED) for local, _, state in _sockets())


def has_closed(port: int) -> bool:
    """Whether the server at a port has sent all that it had to, and its end of the connection has not been heard."""
    return any(remote == port and state == CLOSE_WAIT for _, remote, state in _sockets())


def _sockets() -> list[tuple[int, int, str]]:
    """Return the local port, the remote port and the state of every socket of this machine."""
    lines = [
        line.split()
        for table in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return [(_port(one[1]), _port(one[2]), one[3]) for one in lines]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _nothing(walk: Walk) -> None:
    """Type at once."""


def _programs(folder: Path) -> Path:
    """Return a folder in which ``vmodem`` is ours, and ``python3`` the one that runs this test."""
    made = folder / "programs"
    made.mkdir()
    for name, words in (("vmodem", "-m vmodem "), ("python3", "")):
        (made / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}"$@"\n')
        (made / name).chmod(0o755)
    return made
