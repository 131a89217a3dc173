"""A host that shows what it says and hears, and the servers that it meets."""

from __future__ import annotations

import contextlib
import http.server
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.hosts import PtyHost

ARROW = {"host": "\033[32m>\033[0m", "modem": "\033[36m<\033[0m", "peer": "\033[33m.\033[0m"}


def show(who: str, text: str) -> None:
    """Print what ``who`` said; line ends and other control characters as escapes."""
    for line in text.split("\r\n") if who == "modem" else [text]:
        if line:
            shown = line.encode("unicode_escape").decode() if not line.isprintable() else line
            print(f"  {ARROW[who] if sys.stdout.isatty() else '> < .'['hmp'.index(who[0]) * 2]} {shown}", flush=True)


class Talk(PtyHost):
    """A host that shows what it says and hears, and stops the demo where an answer is not the expected one."""

    def say(self, line: str, *answer: str) -> None:
        """Send ``line`` and expect the information lines ``answer`` and OK."""
        show("host", line)
        self.send(line.encode("latin-1") + self.end)
        self.hear(*answer, "OK")

    def hear(self, *lines: str) -> None:
        """Expect ``lines``, each framed in CR LF."""
        self.expect("".join(f"\r\n{line}\r\n" for line in lines).encode("latin-1"))
        show("modem", "\r\n".join(lines))

    def receive(self, line: str, answer: str) -> None:
        """Send ``line`` and expect exactly ``answer``, data and all."""
        show("host", line)
        self.send(line.encode("latin-1") + self.end)
        self.expect(answer.encode("latin-1"))
        show("modem", answer)

    def fetch(self, line: str, part: str = "") -> None:
        """Send ``line`` until its answers, each up to OK, hold ``part``; show them."""
        answers = ""
        while not answers or part not in answers:
            show("host", line)
            self.send(line.encode("latin-1") + self.end)
            answers += self.read_until(b"\r\nOK\r\n").decode("latin-1")
        show("modem", answers)


@contextlib.contextmanager
def page_handler(page: str) -> Iterator[type[http.server.SimpleHTTPRequestHandler]]:
    """Yield a handler of web servers that serves ``page`` as /."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.html").write_text(page)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=folder)  # type: ignore[arg-type]

            def log_message(self, *arguments: object) -> None:
                show("peer", f"web server: {arguments[1]}")

        yield Handler


@contextlib.contextmanager
def web_server(page: str) -> Iterator[int]:
    """Serve ``page`` as /; yield the port."""
    with page_handler(page) as handler, http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def every_byte(size: int) -> bytes:
    """Return about ``size`` bytes of any value but that of ``+``."""
    return bytes(range(256)).replace(b"+", b"") * (size // 255)
