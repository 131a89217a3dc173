"""Credentials, and the TLS and DTLS servers that know the other half of them."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from OpenSSL import SSL
from tests.certificates import CERTIFICATES, HOST, PSK, PSK_IDENTITY

from demo.talk import page_handler, show
from vmodem.credentials.directory import DirectoryStore
from vmodem.credentials.store import Area, Kind, Slot

CA_TAG = 16842753
PSK_TAG = 16842755
SERVER_TAG = 600
"""The security tags: a CA, a pre-shared key, a server's certificate."""

__all__ = ["CA_TAG", "HOST", "PSK_TAG", "SERVER_TAG", "dtls_server", "keep_credentials", "tls_client", "tls_server"]


def keep_credentials(folder: Path) -> None:
    """Fill the directory of ``vmodem serve --credentials``."""
    store = DirectoryStore(folder)
    ca, server = CERTIFICATES.ca, CERTIFICATES.server
    for slot, content in (
        (Slot(Area.MODEM, CA_TAG, Kind.CA), ca.certificate),
        (Slot(Area.MODEM, PSK_TAG, Kind.PSK), PSK.hex().encode()),
        (Slot(Area.MODEM, PSK_TAG, Kind.PSK_IDENTITY), PSK_IDENTITY),
        (Slot(Area.NATIVE, SERVER_TAG, Kind.CERTIFICATE), server.certificate),
        (Slot(Area.NATIVE, SERVER_TAG, Kind.KEY), server.key),
        (Slot(Area.CLIENT, 1, Kind.CA), ca.certificate),
        (Slot(Area.SERVER, 1, Kind.CERTIFICATE), server.certificate),
        (Slot(Area.SERVER, 1, Kind.KEY), server.key),
    ):
        store.write(slot, content)


@contextlib.contextmanager
def tls_server(page: str) -> Iterator[int]:
    """Serve ``page`` over TLS; yield the port."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder, "server.pem")
        certificate.write_bytes(CERTIFICATES.server.certificate + CERTIFICATES.server.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with (
            page_handler(page) as handler,
            http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        ):
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.server_port
            server.shutdown()


@contextlib.contextmanager
def dtls_server() -> Iterator[int]:
    """Answer the first datagram of a DTLS client with the same backwards; yield the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        thread = threading.Thread(target=_answer_one, args=(sock,), daemon=True)
        thread.start()
        yield sock.getsockname()[1]
        thread.join(10)


def _answer_one(sock: socket.socket) -> None:
    # The engine of vmodem itself at the other end; the tests have others: OpenSSL's programs, GnuTLS's, mbedTLS.
    from vmodem.tls.contexts import context_for
    from vmodem.tls.security import Bundle, PeerVerify, Security

    own = Bundle(psk=PSK, psk_identity=PSK_IDENTITY)
    security = Security(bundle=own, server=True, peer_verify=PeerVerify.NONE)
    connection = SSL.Connection(context_for(security, datagrams=True), None)
    connection.set_accept_state()
    connection.set_ciphertext_mtu(1400)
    client = None
    while True:
        data, client = sock.recvfrom(2048)
        connection.bio_write(data)
        with contextlib.suppress(SSL.WantReadError):
            said = connection.recv(2048)
            show("peer", f"DTLS server got {said!r} over {connection.get_cipher_name()}")
            connection.send(said[::-1])
            sock.sendto(connection.bio_read(65536), client)
            return
        with contextlib.suppress(SSL.WantReadError):
            sock.sendto(connection.bio_read(65536), client)


@contextlib.contextmanager
def tls_client(port: int) -> Iterator[ssl.SSLSocket]:
    """Connect to a TLS server of the modem, and check who it is; yield the connection."""
    context = ssl.create_default_context(cadata=CERTIFICATES.ca.certificate.decode())
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secure,
    ):
        show("peer", f"TLS client connected: {secure.version()}, {secure.cipher()[0]}")  # type: ignore[index]
        yield secure
