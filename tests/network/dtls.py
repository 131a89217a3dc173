"""A DTLS server on a real socket that knows its clients by their addresses or their connection identifiers."""

import contextlib
import socket
import threading

from tests.patience import PATIENCE

CID_RECORD = 25
CID_AT = 11


class DtlsServer:
    """The server, on a thread of its own.

    Args:
        make: makes what serves one client, a `tests.cid.Server` or a `tests.network.mbedtls.Server`.

    Attributes:
        address: where it is.
        clients: what serves each client, the latest last.
        sources: the address that each of them has, as far as the server knows.
    """

    def __init__(self, make):
        self.make = make
        self.clients, self.sources = [], []
        self.changed = threading.Condition()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.socket.sendto(b"", self.address)
        self.thread.join(PATIENCE)
        self.socket.close()

    def run(self):
        while datagram_from := self.socket.recvfrom(65536):
            datagram, source = datagram_from
            if source == self.address:
                return
            with self.changed:
                self.take(datagram, source)
                self.changed.notify_all()

    def take(self, datagram, source):
        index = self.index_of(datagram, source)
        if index is None:
            return
        self.clients[index].feed(datagram)
        self.sources[index] = source
        self.flush(index)

    def index_of(self, datagram, source):
        """Return who sent ``datagram``; a client that is not known yet begins with a handshake."""
        if datagram[0] == CID_RECORD:
            owners = [i for i, client in enumerate(self.clients) if datagram[CID_AT:].startswith(client.own or b"?")]
            return owners[-1] if owners else None
        if source not in self.sources:
            self.clients.append(self.make())
            self.sources.append(source)
        return len(self.sources) - 1 - self.sources[::-1].index(source)

    def flush(self, index):
        for datagram in self.clients[index].take():
            self.socket.sendto(datagram, self.sources[index])

    def send(self, data):
        """Send to the latest client."""
        with self.changed:
            self.clients[-1].send(data)
            self.flush(-1)

    def close(self):
        """End the latest client's connection."""
        with self.changed:
            self.clients[-1].close()
            self.flush(-1)

    def hear(self, data):
        """Wait until the latest client has sent ``data``."""
        with self.changed:
            done = self.changed.wait_for(lambda: self.clients and data in self.clients[-1].received, PATIENCE)
            assert done, [client.received for client in self.clients]


class Relay:
    """What stands between a client and a server, and may change the address that the client seems to have."""

    def __init__(self, server):
        self.server = server
        self.inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.inside.bind(("127.0.0.1", 0))
        self.address = self.inside.getsockname()
        self.client = None
        self.outside = None
        self.closed = False
        self.threads = []

    def __enter__(self):
        self.change_port()
        self.start(self.from_client)
        return self

    def __exit__(self, *error):
        self.closed = True
        self.inside.sendto(b"", self.address)
        self.outside.sendto(b"", self.outside.getsockname())
        for thread in self.threads:
            thread.join(PATIENCE)

    def start(self, run, *arguments):
        self.threads.append(threading.Thread(target=run, args=arguments))
        self.threads[-1].start()

    def change_port(self):
        """Have the client's datagrams come from another port from now on; the old one is no more."""
        old = self.outside
        self.outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.outside.bind(("127.0.0.1", 0))
        if old is not None:
            old.sendto(b"", old.getsockname())
        self.start(self.from_server, self.outside)

    def from_client(self):
        with self.inside:
            while datagram := self.inside.recvfrom(65536):
                if self.closed:
                    return
                self.client = datagram[1]
                self.outside.sendto(datagram[0], self.server)

    def from_server(self, outside):
        with outside, contextlib.suppress(OSError):
            while datagram := outside.recv(65536):
                self.inside.sendto(datagram, self.client)
