"""The floor: the least that an asyncio program on a pseudo terminal can do to answer the same bytes.

    python -m benchmarks.floor LINK [PORT]

It makes the same system calls: with PORT, each line sends 32 bytes to a TCP server on loopback first.
"""

import asyncio
import os
import signal
import socket
import sys
import tty


async def main(link, port):
    loop = asyncio.get_running_loop()
    master, slave = os.openpty()
    tty.setraw(master)
    os.set_blocking(master, False)
    answer = b"\r\nOK\r\n"
    send = None
    if port:
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        send = sock.send
        answer = b"\r\n#XSEND: 0,32\r\n\r\nOK\r\n"

    def readable():
        data = os.read(master, 4096)
        if data[-1:] in (b"\r", b"\n"):
            if send is not None:
                send(data[-34:-2])
            os.write(master, answer)

    loop.add_reader(master, readable)
    os.symlink(os.ttyname(slave), link)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
