"""Play conversations in every dialect against real servers on loopback, and show them as they happen."""

from __future__ import annotations

import http.server
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.serving import PtyHost, Served, accept, port_of, receive, tcp_server

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
        self.send(line.encode("latin-1") + b"\r")
        self.hear(*answer, "OK")

    def hear(self, *lines: str) -> None:
        """Expect ``lines``, each framed in CR LF."""
        self.expect("".join(f"\r\n{line}\r\n" for line in lines).encode("latin-1"))
        show("modem", "\r\n".join(lines))

    def receive(self, line: str, answer: str) -> None:
        """Send ``line`` and expect exactly ``answer``, data and all."""
        show("host", line)
        self.send(line.encode() + b"\r")
        self.expect(answer.encode("latin-1"))
        show("modem", answer)


def sm_tcp(host: Talk) -> None:
    """TCP: fetch a page from a web server."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.html").write_text("It works!")

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=folder)  # type: ignore[arg-type]

            def log_message(self, *arguments: object) -> None:
                show("peer", f"web server: {arguments[1]}")

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            host.say("AT#XSOCKET=1,1,0", "#XSOCKET: 0,1,6")
            host.say(f'AT#XCONNECT=0,"localhost",{server.server_port}', "#XCONNECT: 0,1")
            request = "GET / HTTP/1.0\r\n\r\n"
            host.say(f'AT#XSEND=0,0,0,"{request}"', f"#XSEND: 0,{len(request)}")
            page = b""
            while b"It works!" not in page:
                show("host", "AT#XRECV=0,0,0,5")
                host.send(b"AT#XRECV=0,0,0,5\r")
                page += host.read_until(b"\r\nOK\r\n")
            show("modem", page.decode("latin-1"))
            server.shutdown()
        host.say("AT#XCLOSE=0", "#XCLOSE: 0,0")


def sm_udp(host: Talk) -> None:
    """UDP: datagrams there and back, over IPv6."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
        peer.bind(("::1", 0))
        port = port_of(peer)
        host.say("AT#XSOCKET=2,2,0", "#XSOCKET: 0,2,17")
        host.say(f'AT#XSENDTO=0,1,0,"::1",{port},"48656C6C6F"', "#XSENDTO: 0,5")
        data, sender = peer.recvfrom(100)
        show("peer", f"UDP server got {data!r}")
        peer.sendto(data[::-1], sender)
        host.receive("AT#XRECVFROM=0,0,0,5", f'\r\n#XRECVFROM: 0,0,5,"::1",{port}\r\nolleH\r\nOK\r\n')
        host.say("AT#XCLOSE", "#XCLOSE: 0,0")


def sm_server(host: Talk) -> None:
    """TCP server: accept a client, serve it from data mode."""
    with tcp_server() as free:
        port = port_of(free)
    host.say("AT#XSOCKET=1,1,1", "#XSOCKET: 0,1,6")
    host.say(f"AT#XBIND=0,{port}")
    host.say("AT#XLISTEN=0")
    with socket.create_connection(("127.0.0.1", port)) as client:
        host.say("AT#XACCEPT=0,10", '#XACCEPT: 1,"127.0.0.1"')
        host.say("AT#XSEND=1,2,0")
        data = bytes(range(256)).replace(b"+", b"") * 1000
        show("host", f"{len(data)} bytes, +++")
        host.send(data + b"+++")
        same = receive(client, len(data)) == data
        show("peer", f"client got {len(data)} bytes, {'all of them right' if same else 'not what was sent'}")
        assert same
        host.hear("#XDATAMODE: 0")
    host.say("AT#XCLOSE", "#XCLOSE: 0,0", "#XCLOSE: 1,0")


def sm_polling(host: Talk) -> None:
    """Polling: events of a connection, until the peer closes it."""
    with tcp_server() as listener:
        host.say("AT#XAPOLL=1,5")
        host.say("AT#XSOCKET=1,1,0", "#XSOCKET: 0,1,6")
        host.say(f'AT#XCONNECT=0,"127.0.0.1",{port_of(listener)}', "#XCONNECT: 0,1")
        host.hear("#XAPOLL: 0,4")
        with accept(listener) as peer:
            peer.sendall(b"news")
            show("peer", "TCP server sends b'news' and closes")
            host.hear("#XAPOLL: 0,1")
        host.hear("#XAPOLL: 0,16")
        host.receive("AT#XRECV=0,1,0,5", "\r\n#XRECV: 0,1,4\r\n6E657773\r\nOK\r\n")


def sm_cellular(host: Talk) -> None:
    """Cellular: off and on again, with its notifications."""
    host.say("AT+CEREG=1")
    host.say("AT+CFUN=4")
    host.hear("+CEREG: 0")
    host.say("AT+CFUN=1")
    host.hear("+CEREG: 2")
    host.hear("+CEREG: 1")
    host.say('AT#XGETADDRINFO="localhost",1', '#XGETADDRINFO: "127.0.0.1"')


CONVERSATIONS: dict[str, list[Callable[[Talk], None]]] = {
    "sm-1.0": [sm_tcp, sm_udp, sm_server, sm_polling, sm_cellular],
}


def main() -> int:
    """Play everything; return 0 where all went well."""
    begin = time.monotonic()
    count = 0
    for dialect, conversations in CONVERSATIONS.items():
        for conversation in conversations:
            print(f"\n{dialect}  {conversation.__doc__}")
            with Served("--dialect", dialect) as served:
                host = Talk(served.where[0])
                host.expect(b"Ready\r\n")
                show("modem", "Ready")
                conversation(host)
                host.close()
                status, log = served.stop()
                if status or log:
                    print(log, file=sys.stderr)
                    return 1
            count += 1
    seconds = time.monotonic() - begin
    print(f"\nvmodem demo: {count} conversations in {len(CONVERSATIONS)} dialect, all as expected, {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
