"""A DTLS client and a server in memory, whose records carry connection identifiers."""

from __future__ import annotations

import functools
import hashlib
import hmac
import struct
import time
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from OpenSSL import SSL, crypto
from OpenSSL._util import ffi, lib

from vmodem.tls.cid import CIPHERS, ConnectionId, offer

DTLS_1_2 = 0xFEFD
PSK = bytes(range(16))
IDENTITY = b"device"
#: What `SSL_CTX_set_cipher_list` is given before the suite or suites of a test.
WEAK = b"@SECLEVEL=0:"

NO_ENCRYPT_THEN_MAC = 1 << 19

#: OpenSSL's name of a suite, and its number.
SUITES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B,
    "ECDHE-ECDSA-AES256-GCM-SHA384": 0xC02C,
    "ECDHE-ECDSA-AES128-CCM": 0xC0AC,
    "ECDHE-ECDSA-AES128-CCM8": 0xC0AE,
    "ECDHE-ECDSA-AES256-CCM8": 0xC0AF,
    "ECDHE-ECDSA-CHACHA20-POLY1305": 0xCCA9,
    "ECDHE-ECDSA-AES128-SHA": 0xC009,
    "ECDHE-ECDSA-AES256-SHA": 0xC00A,
    "ECDHE-ECDSA-AES128-SHA256": 0xC023,
    "ECDHE-ECDSA-AES256-SHA384": 0xC024,
    "ECDHE-RSA-AES128-GCM-SHA256": 0xC02F,
    "ECDHE-RSA-AES128-SHA256": 0xC027,
    "PSK-AES128-GCM-SHA256": 0x00A8,
    "PSK-AES256-GCM-SHA384": 0x00A9,
    "PSK-AES128-CCM8": 0xC0A8,
    "PSK-AES256-CCM": 0xC0A5,
    "PSK-CHACHA20-POLY1305": 0xCCAB,
    "PSK-AES128-CBC-SHA": 0x008C,
    "PSK-AES128-CBC-SHA256": 0x00AE,
    "PSK-AES256-CBC-SHA384": 0x00AF,
    "ECDHE-PSK-AES128-CBC-SHA256": 0xC037,
}


def is_cbc(suite):
    return not any(mode in suite for mode in ("GCM", "CCM", "CHACHA20"))


#: Every suite, and whether encrypt-then-MAC is negotiated with it.
WAYS = [(suite, etm) for suite in SUITES for etm in ((True, False) if is_cbc(suite) else (False,))]


@functools.cache
def certificate(kind):
    """Return a certificate and its key, PEM; ``kind`` is ``EC`` or ``RSA``."""
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer.test")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    return (
        made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
    )


@ffi.callback("unsigned int(SSL *, const char *, char *, unsigned int, unsigned char *, unsigned int)")
def _psk_client(ssl, hint, identity, identity_size, psk, psk_size):
    ffi.memmove(identity, IDENTITY + b"\0", len(IDENTITY) + 1)
    ffi.memmove(psk, PSK, len(PSK))
    return len(PSK)


def client_context(suites=b"ALL", offering=True):
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(DTLS_1_2)
    context.set_max_proto_version(DTLS_1_2)
    context.set_options(SSL.OP_NO_QUERY_MTU)
    context.set_cipher_list(WEAK + suites + (CIPHERS if offering else b""))
    context.set_session_cache_mode(SSL.SESS_CACHE_CLIENT)
    lib.SSL_CTX_set_psk_client_callback(context._context, _psk_client)
    if offering:
        offer(context)
    return context


def records(data, cid_size=0):
    """Split what a BIO gave, or a datagram, into records."""
    found = []
    while data:
        header = 13 + (cid_size if data[0] == 25 else 0)
        end = header + int.from_bytes(data[header - 2 : header], "big")
        found.append(data[:end])
        data = data[end:]
    return found


def split(text, *sizes):
    """Cut `text` in pieces."""
    pieces, start = [], 0
    for size in sizes:
        pieces.append(text[start : start + size])
        start += size
    return pieces


class Protection:
    """What seals and opens the records of one direction, written after the RFCs and nothing else.

    The form of a record is what `scope` makes of the length that goes into its MAC or additional data.
    """

    def __init__(self, suite, etm, secrets, side):
        self.suite, self.etm = suite, etm
        master, client_random, server_random = secrets
        mac = 0
        if is_cbc(suite):
            self.hash = {"SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}[suite.rsplit("-", 1)[1]]
            mac = hashlib.new(self.hash).digest_size
        key = 32 if "AES256" in suite or "CHACHA20" in suite else 16
        iv = 0 if mac else 12 if "CHACHA20" in suite else 4
        prf = hashlib.sha384 if suite.endswith("SHA384") else hashlib.sha256
        chain, block = b"key expansion" + server_random + client_random, b""
        seed = chain
        for _ in range(10):
            chain = hmac.new(master, chain, prf).digest()
            block += hmac.new(master, chain + seed, prf).digest()
        macs, keys, ivs = split(block, 2 * mac, 2 * key, 2 * iv)
        self.mac_key, self.key, self.iv = (
            part[: len(part) // 2] if side == "client" else part[len(part) // 2 :] for part in (macs, keys, ivs)
        )

    def _aead(self):
        if "GCM" in self.suite:
            return AESGCM(self.key)
        if "CHACHA20" in self.suite:
            return ChaCha20Poly1305(self.key)
        return AESCCM(self.key, 8 if "CCM8" in self.suite else 16)

    def _nonce(self, number, explicit):
        return (
            bytes(a ^ b for a, b in zip(self.iv, bytes(4) + number, strict=True))
            if not explicit
            else self.iv + explicit
        )

    def _mac(self, scope, text):
        return hmac.new(self.mac_key, scope(len(text)) + text, self.hash).digest()

    def seal(self, number, scope, nonce, text):
        if not is_cbc(self.suite):
            nonce = b"" if "CHACHA20" in self.suite else nonce[:8]
            return nonce + self._aead().encrypt(self._nonce(number, nonce), text, scope(len(text)))
        if not self.etm:
            text += self._mac(scope, text)
        count = 16 - len(text) % 16
        cipher = Cipher(algorithms.AES(self.key), modes.CBC(nonce)).encryptor()
        sealed = nonce + cipher.update(text + bytes([count - 1] * count))
        return sealed + (self._mac(scope, sealed) if self.etm else b"")

    def open(self, number, scope, sealed):
        if not is_cbc(self.suite):
            nonce, sealed = split(sealed, 0 if "CHACHA20" in self.suite else 8, len(sealed))
            size = len(sealed) - (8 if "CCM8" in self.suite else 16)
            return self._aead().decrypt(self._nonce(number, nonce), sealed, scope(size))
        size = len(self.mac_key)
        if self.etm:
            sealed, mac = sealed[:-size], sealed[-size:]
            assert mac == self._mac(scope, sealed)
        text = Cipher(algorithms.AES(self.key), modes.CBC(sealed[:16])).decryptor().update(sealed[16:])
        text = text[: -text[-1] - 1]
        if not self.etm:
            text, mac = text[:-size], text[-size:]
            assert mac == self._mac(scope, text)
        return text


def plain_scope(record):
    return lambda size: record[3:11] + record[:3] + struct.pack(">H", size)


def cid_scope(record, cid):
    fixed = struct.pack(">QBBB", 2**64 - 1, 25, len(cid), 25)
    return lambda size: fixed + record[1:11] + cid + struct.pack(">H", size)


class Client:
    """A client with everything in memory: `sent` has the datagrams that wait to be taken.

    Attributes:
        received: the application data that arrived.
        plain: the records that OpenSSL wrote, before they got a CID.
        closed: whether the server said close_notify.
    """

    def __init__(self, context, own, session=None):
        self.connection = SSL.Connection(context, None)
        self.connection.set_connect_state()
        self.connection.set_ciphertext_mtu(1400)
        self.cid = None if own is None else ConnectionId(self.connection, own)
        if session is not None:
            self.connection.set_session(session)
        self.sent = []
        self.received = []
        self.plain = []
        self.done = False
        self.closed = False

    def pump(self):
        try:
            if not self.done:
                self.connection.do_handshake()
                self.done = True
            while True:
                self.received.append(self.connection.recv(65536))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.closed = True
        finally:
            self.flush()

    def flush(self):
        while True:
            try:
                flight = self.connection.bio_read(65536)
            except SSL.WantReadError:
                return
            for record in records(flight):
                self.plain.append(record)
                self.sent.append(self.cid.outgoing(record) if self.cid else record)

    def take(self):
        taken, self.sent = self.sent, []
        return taken

    def feed(self, datagram):
        pieces = self.cid.incoming(datagram) if self.cid else [datagram]
        for piece in pieces:
            self.connection.bio_write(piece)
            self.pump()

    def expired(self):
        """Wait for the time of the next retransmission, by OpenSSL's own clock; tell whether there was one."""
        time.sleep(self.connection.DTLSv1_get_timeout() or 0)
        done = self.connection.DTLSv1_handle_timeout()
        self.flush()
        return done

    def send(self, data):
        self.connection.send(data)
        self.flush()

    def close(self):
        try:
            self.connection.shutdown()
        except SSL.ZeroReturnError:
            pass
        self.flush()


@ffi.callback("unsigned int(SSL *, const char *, unsigned char *, unsigned int)")
def _psk_server(ssl, identity, psk, size):
    ffi.memmove(psk, PSK, len(PSK))
    return len(PSK)


class Server:
    """One connection of a server: OpenSSL behind a transcoding of its own. It cannot use CIDs when it resumes.

    Attributes:
        received: the application data that arrived.
        alert: the error that ended it, 0 while none did.
        client: the CID that the client asked for, None where it offered none.
        padding: how many zeros are put behind the content.
        answer: the body of the extension in the ServerHello.
    """

    def __init__(self, own, suite, etm=True, context=None):
        self.own, self.suite, self.etm = own, suite, etm
        self.client = None
        self.padding = 0
        self.answer = b"" if own is None else bytes([len(own)]) + own
        self.sent, self.received = [], []
        self.done, self.alert = False, 0
        context = context or server_context(suite, etm)
        if own is not None:
            self._add_extension(context)
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self.connection.set_ciphertext_mtu(1400)

    def _add_extension(self, context):
        def parse(ssl, extension, body, size, alert, argument):
            self.client = bytes(ffi.buffer(body, size))[1:]
            return 1

        def add(ssl, extension, out, size, alert, argument):
            self.extension = ffi.new("unsigned char[]", self.answer)
            out[0], size[0] = self.extension, len(self.answer)
            return 1

        self.keep = (
            ffi.callback("int(SSL *, unsigned int, const unsigned char **, size_t *, int *, void *)", add),
            ffi.callback("void(SSL *, unsigned int, const unsigned char *, void *)", lambda *_: None),
            ffi.callback("int(SSL *, unsigned int, const unsigned char *, size_t, int *, void *)", parse),
        )
        add_callback, free_callback, parse_callback = self.keep
        assert lib.SSL_CTX_add_server_custom_ext(
            context._context, 54, add_callback, free_callback, ffi.NULL, parse_callback, ffi.NULL
        )

    def _protection(self, side):
        connection = self.connection
        secrets = connection.master_key(), connection.client_random(), connection.server_random()
        return Protection(self.suite, self.etm and is_cbc(self.suite), secrets, side)

    def feed(self, datagram):
        for record in records(datagram, len(self.own or b"")):
            try:
                self.connection.bio_write(self._without_cid(record) if record[0] == 25 else record)
            except InvalidTag:
                continue
            self.pump()

    def _without_cid(self, record):
        head, cid, _, sealed = split(record, 11, len(self.own), 2, len(record))
        if cid != self.own:
            raise InvalidTag
        protection = self._protection("client")
        inner = protection.open(head[3:], cid_scope(record, cid), sealed).rstrip(b"\0")
        head = inner[-1:] + head[1:]
        nonce = sealed[: 16 if is_cbc(self.suite) else 8]
        sealed = protection.seal(head[3:], plain_scope(head), nonce, inner[:-1])
        return head + struct.pack(">H", len(sealed)) + sealed

    def pump(self):
        try:
            if not self.done:
                self.connection.do_handshake()
                self.done = True
            while True:
                self.received.append(self.connection.recv(65536))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.alert = "closed"
        except SSL.Error as error:
            self.alert = str(error)
        finally:
            self.flush()

    def flush(self):
        try:
            for record in records(self.connection.bio_read(65536)):
                self.sent.append(self.with_cid(record) if self.client and record[3:5] != b"\0\0" else record)
        except SSL.WantReadError:
            pass

    def with_cid(self, record):
        """Return a record of OpenSSL's with the client's CID."""
        protection = self._protection("server")
        text = protection.open(record[3:11], plain_scope(record), record[13:])
        nonce = record[13 : 13 + (16 if is_cbc(self.suite) else 8)]
        return self.seal(record, nonce, text + record[:1] + bytes(self.padding))

    def seal(self, record, nonce, inner):
        """Return a record with the client's CID around ``inner``, whatever that is; ``record`` gives the number."""
        sealed = self._protection("server").seal(record[3:11], cid_scope(record, self.client), nonce, inner)
        return b"\x19" + record[1:11] + self.client + struct.pack(">H", len(sealed)) + sealed

    def take(self):
        taken, self.sent = self.sent, []
        return taken

    def send(self, data):
        self.connection.send(data)
        self.flush()

    def close(self):
        self.connection.shutdown()
        self.flush()

    def renegotiate(self):
        self.connection.renegotiate()
        self.connection.do_handshake()
        self.flush()

    def peer_cid(self):
        return self.client


def server_context(suite, etm=True):
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(DTLS_1_2)
    context.set_max_proto_version(DTLS_1_2)
    context.set_options(SSL.OP_NO_QUERY_MTU | (0 if etm else NO_ENCRYPT_THEN_MAC))
    context.set_cipher_list(WEAK + suite.encode())
    context.set_session_id(b"test")
    pem, key = certificate("RSA" if "RSA" in suite else "EC")
    try:
        context.use_certificate(x509.load_pem_x509_certificate(pem))
        context.use_privatekey(serialization.load_pem_private_key(key, None))
    except TypeError:
        # The oldest pyOpenSSL takes its own objects only, and a newer one warns of them.
        context.use_certificate(crypto.load_certificate(crypto.FILETYPE_PEM, pem))
        context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, key))
    lib.SSL_CTX_set_psk_server_callback(context._context, _psk_server)
    return context


def talk(client, server):
    """Carry datagrams both ways until neither has any left."""
    client.pump()
    while True:
        up = client.take()
        for datagram in up:
            server.feed(datagram)
        down = server.take()
        for datagram in down:
            client.feed(datagram)
        if not up and not down:
            return
