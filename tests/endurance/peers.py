"""Peers that behave at random, and one that checks every byte of its connection."""

import asyncio
import contextlib
import itertools
import socket
import threading

from tests.patience import PATIENCE
from tests.peers import free_port, reset

WAYS = ("echoes", "sinks", "resets", "floods", "drips", "never reads", "shuts down", "closes")


def numbered(start, size):
    """Return ``size`` bytes of the stream whose bytes tell where they belong, from ``start`` on; no line end in it."""
    first = start // 8
    text = "".join(f"{number:07x}." for number in range(first, (start + size) // 8 + 1))
    return text[start - first * 8 :][:size].encode()


class Crowd:
    """TCP peers, one for each way to behave, and a UDP echo, in a thread of their own; ``ports`` are theirs."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.ports = []
        self.servers = []
        self.writers = set()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.call(self.open())

    def call(self, made):
        return asyncio.run_coroutine_threadsafe(made, self.loop).result(PATIENCE)

    async def open(self):
        for way in WAYS:
            server = await asyncio.start_server(lambda r, w, way=way: self.serve(way, r, w), "127.0.0.1", 0)
            self.servers.append(server)
            self.ports.append(server.sockets[0].getsockname()[1])
        transport, _ = await self.loop.create_datagram_endpoint(Echo, ("127.0.0.1", 0))
        self.servers.append(transport)
        self.ports += [transport.get_extra_info("sockname")[1], free_port()]

    async def serve(self, way, reader, writer):
        self.writers.add(writer)
        try:
            await self.behave(way, reader, writer)
        except OSError:
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def behave(self, way, reader, writer):
        sock = writer.get_extra_info("socket")
        if way == "resets":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(100), 0.2)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif way == "floods":
            while not reader.at_eof():
                writer.write(numbered(0, 4096))
                await writer.drain()
        elif way == "drips":
            for number in itertools.count():
                writer.write(numbered(number, 1))
                await asyncio.sleep(0.01)
                if writer.transport.is_closing():
                    return
        elif way == "never reads":
            writer.transport.pause_reading()
            await asyncio.sleep(3600)
        elif way != "closes":
            await self.answer(way, reader, writer)

    async def answer(self, way, reader, writer):
        if way == "shuts down":
            writer.write(b"bye")
            writer.write_eof()
        while data := await reader.read(4096):
            if way == "echoes":
                writer.write(data)
                await writer.drain()

    def drop(self):
        """Reset every connection."""

        async def abort():
            for writer in list(self.writers):
                writer.transport.abort()

        self.call(abort())

    def close(self):
        async def end():
            for server in self.servers:
                server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


class Witness:
    """A TCP peer of one connection: it sends numbered bytes, and keeps what it got; ``slow`` is how it reads.

    Attributes:
        got: what has arrived.
        asked: how many numbered bytes it was asked to send.
        sent: how many of them it has sent.
        ended: set once the connection has ended, by whatever.
    """

    def __init__(self, slow):
        self.slow = slow
        self.got = bytearray()
        self.asked = 0
        self.sent = 0
        self.ended = threading.Event()
        self.asking = threading.Condition()
        self.how = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]
        self.pause = threading.Event()
        self.threads = [threading.Thread(target=self.serve, daemon=True)]
        self.threads[0].start()

    def serve(self):
        try:
            self.connection, _ = self.listener.accept()
        except OSError:
            self.ended.set()
            return
        sending = threading.Thread(target=self.send, daemon=True)
        sending.start()
        try:
            while piece := self.connection.recv(700 if self.slow else 65536):
                self.got += piece
                if self.slow:
                    self.pause.wait(0.002)
        except OSError:
            pass
        self.ended.set()
        with self.asking:
            self.how = self.how or "closes"
            self.asking.notify()
        sending.join()
        self.connection.close()

    def send(self):
        with contextlib.suppress(OSError):
            while True:
                with self.asking:
                    self.asking.wait_for(lambda: self.asked > self.sent or self.how)
                    size = self.asked - self.sent
                self.connection.sendall(numbered(self.sent, size))
                self.sent += size
                if self.how and self.sent == self.asked:
                    break
            if self.how == "resets":
                # close() alone would wait for the other thread's recv()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.connection.shutdown(socket.SHUT_RD)
            else:
                self.connection.shutdown(socket.SHUT_WR)

    def ask(self, size):
        """Let it send ``size`` bytes more."""
        with self.asking:
            self.asked += size
            self.asking.notify()

    def end(self, how):
        """Let it end its side once all is sent: ``closes`` or ``resets``."""
        with self.asking:
            self.how = how
            self.asking.notify()

    def close(self):
        """Wait for the end of the connection, which the modem brings about once its host has gone."""
        self.listener.close()
        over = self.ended.wait(2 * PATIENCE)
        self.end("closes")
        self.threads[0].join(PATIENCE)
        assert over, "the connection outlives its host"


class Knocker:
    """Connects to any of ``ports``, where modems may have servers, sends a little and goes, again and again."""

    def __init__(self, ports, dice):
        self.ports = ports
        self.dice = dice
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        held = []
        while not self.over.wait(0.02):
            with contextlib.suppress(OSError):
                kind = self.dice.choice((socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM))
                client = socket.socket(socket.AF_INET, kind)
                held.append(client)
                client.settimeout(1)
                client.connect(("127.0.0.1", self.dice.choice(self.ports)))
                client.send(numbered(0, self.dice.randint(1, 3000)))
            while len(held) > self.dice.randint(0, 6):
                gone = held.pop(self.dice.randrange(len(held)))
                (reset if gone.type == socket.SOCK_STREAM and self.dice.random() < 0.3 else socket.socket.close)(gone)
        for client in held:
            client.close()

    def close(self):
        self.over.set()
        self.thread.join()
