"""The floor: the least that an asyncio program can do to answer the same bytes at a pseudo terminal or over TCP.

    python -m benchmarks.floor --ready-file PATH [--tcp] [--sink PORT]

It makes the same system calls: with a sink, each line sends 32 bytes to a TCP server on loopback first.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import tty
from pathlib import Path


def answering(fd, sink):
    """Return a callback that answers what can be read from ``fd``."""
    answer = b"\r\nOK\r\n"
    send = None
    if sink:
        sock = socket.create_connection(("127.0.0.1", sink))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        send = sock.send
        answer = b"\r\n#XSEND: 0,32\r\n\r\nOK\r\n"

    def readable():
        data = os.read(fd, 4096)
        if data[-1:] in (b"\r", b"\n"):
            if send is not None:
                send(data[-34:-2])
            os.write(fd, answer)

    return readable


def terminal(loop, sink):
    """Serve a pseudo terminal; return what the ready file says of it."""
    master, slave = os.openpty()
    tty.setraw(master)
    os.set_blocking(master, False)
    loop.add_reader(master, answering(master, sink))
    return {"kind": "pty", "path": os.ttyname(slave)}


def tcp(loop, sink):
    """Serve one TCP connection; return what the ready file says of it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        fd = connection.detach()
        loop.remove_reader(listener)
        loop.add_reader(fd, answering(fd, sink))

    loop.add_reader(listener, accept)
    host, port = listener.getsockname()
    return {"kind": "tcp", "host": host, "port": port}


async def main(arguments):
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    endpoint = (tcp if arguments.tcp else terminal)(loop, arguments.sink)
    written = Path(f"{arguments.ready_file}.part")
    written.write_text(json.dumps({"endpoints": [endpoint]}), encoding="utf-8")
    written.rename(arguments.ready_file)
    await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready-file", required=True)
    parser.add_argument("--tcp", action="store_true")
    parser.add_argument("--sink", type=int, default=0)
    asyncio.run(main(parser.parse_args()))
