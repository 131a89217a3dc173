"""Hosts and peers that give modems as much to do as they can: a program of its own, so that it disturbs no clock.

    python -m benchmarks.floods NAME PORT [CERTIFICATES]

NAME is one of `FLOODS`, PORT where a host reaches the modems, CERTIFICATES a folder that `tls_context` filled.
The program writes a line once the flood runs, and another one, with how much got through so far, for each that it
reads; it ends with its input.
"""

import contextlib
import os
import selectors
import socket
import ssl
import struct
import sys
import threading
from pathlib import Path

from benchmarks.measure import BLOCK
from benchmarks.peers import Connection

LOOPBACK = "127.0.0.1"
RESETS = struct.pack("ii", 1, 0)
"""A lingering that resets what it closes: no port stays behind."""

DATAGRAM = b"x" * 32
PASSED_ON = b"\r\n#XUDPDATA: 32\r\n" + DATAGRAM
RECORD = b"x" * 64
STORM = 3000
"""Hosts that connect at once."""


class Count:
    """How much got through."""

    def __init__(self):
        self.value = 0


def in_thread(work, *arguments):
    """Do ``work`` until the program ends, or the other side does."""

    def run():
        with contextlib.suppress(OSError):
            work(*arguments)

    threading.Thread(target=run, daemon=True).start()


def drain(fd, count, unit=1):
    """Read all that comes, and count it in pieces of ``unit`` bytes."""
    rest = 0
    with socket.socket(fileno=fd) as end:
        while data := end.recv(1 << 18):
            pieces, rest = divmod(rest + len(data), unit)
            count.value += pieces


def pour(send, block):
    """Send ``block`` for ever."""
    while True:
        send(block)


def listener():
    """Return a TCP server, and its port."""
    server = socket.create_server((LOOPBACK, 0))
    return server, server.getsockname()[1]


def pipelining(hosts):
    """Return the flood of so many hosts that send ``AT`` as fast as they are answered."""

    def flood(port, count, folder):
        for _ in range(hosts):
            fd = Connection(port).fd
            in_thread(pour, socket.socket(fileno=fd).sendall, b"AT\r\n" * 4096)
            in_thread(drain, fd, count, len(b"\r\nOK\r\n"))

    return flood


def from_server(opening, block=BLOCK, secure=False):
    """Return the flood of a TCP server, which ``opening`` connects a modem to, to a host that reads it all."""

    def flood(port, count, folder):
        server, its_port = listener()
        host = Connection(port)
        accepted = threading.Event()

        def serve():
            peer, _ = server.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure:
                peer = context(folder).wrap_socket(peer, server_side=True)
            accepted.set()
            pour(peer.sendall, block)

        in_thread(serve)
        os.write(host.fd, opening % its_port)
        accepted.wait()
        in_thread(drain, host.fd, count)

    return flood


def context(folder):
    """Return the context of a TLS server with what `tls_context` left in ``folder``."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(Path(folder, "server.pem"), Path(folder, "server.key"))
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    return made


def upload(port, count, folder):
    """Let a host send in data mode to a server that reads it all."""
    server, its_port = listener()
    host = Connection(port)
    host.ask(b'AT#XTCPCLI=1,"127.0.0.1",%d\r\n' % its_port)
    host.ask(b"AT#XTCPSEND\r\n")
    in_thread(pour, socket.socket(fileno=host.fd).sendall, BLOCK)
    in_thread(drain, server.accept()[0].detach(), count)


def datagrams(port, count, folder):
    """Let a UDP peer send short datagrams to a host that reads them all."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind((LOOPBACK, 0))
    host = Connection(port)
    host.ask(b'AT#XUDPCLI=1,"127.0.0.1",%d\r\n' % peer.getsockname()[1])
    host.ask(b'AT#XUDPSEND="x"\r\n')
    peer.connect(peer.recvfrom(1)[1])
    in_thread(pour, peer.send, DATAGRAM)
    in_thread(drain, host.fd, count, len(PASSED_ON))


def clients(opening):
    """Return the flood of clients that connect to a modem's own server and leave, as fast as they can."""

    def flood(port, count, folder):
        with socket.create_server((LOOPBACK, 0)) as free:
            its_port = free.getsockname()[1]
        host = Connection(port)
        host.ask(opening % its_port)
        in_thread(drain, host.fd, Count())
        for _ in range(8):
            in_thread(come_and_go, its_port, count)

    return flood


def come_and_go(port, count):
    """Connect and leave, for ever."""
    while True:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
            client.settimeout(0.2)
            if client.connect_ex((LOOPBACK, port)) == 0:
                count.value += 1


def storm(port, count, folder):
    """Let thousands of hosts connect at once, and leave at once when all of them were greeted."""
    in_thread(storms, port, count)


def storms(port, count):
    """Make a storm after the other."""
    while True:
        with selectors.DefaultSelector() as selector, contextlib.ExitStack() as hosts:
            for _ in range(STORM):
                host = hosts.enter_context(socket.socket())
                host.setblocking(False)
                host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
                host.connect_ex((LOOPBACK, port))
                selector.register(host, selectors.EVENT_READ)
            left = STORM
            while left:
                for key, _ in selector.select():
                    selector.unregister(key.fileobj)  # it was greeted
                    left -= 1
                    count.value += 1


FLOODS = {
    "pipelining_10": pipelining(10),
    "pipelining_50": pipelining(50),
    "tcp": from_server(b'AT#XTCPCLI=1,"127.0.0.1",%d\r\n'),
    "ameba": from_server(b"AT+SKTCLIENT=0,1,,127.0.0.1,%d,,1\r\n"),
    "upload": upload,
    "udp": datagrams,
    "tls": from_server(b'AT#XTCPCLI=1,"127.0.0.1",%d,1\r\n', secure=True),
    "tls_short": from_server(b'AT#XTCPCLI=1,"127.0.0.1",%d,1\r\n', RECORD, secure=True),
    "server": clients(b"AT#XTCPSVR=1,%d\r\n"),
    "ameba_server": clients(b"AT+SKTSERVER=0,1,,%d,1\r\n"),
    "storm": storm,
}


def main():
    name, port, *folder = sys.argv[1:]
    count = Count()
    FLOODS[name](int(port), count, *(folder or [None]))
    print(flush=True)
    while sys.stdin.readline():
        print(count.value, flush=True)


if __name__ == "__main__":
    main()
