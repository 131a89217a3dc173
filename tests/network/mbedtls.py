"""A DTLS server that is not ours and knows connection identifiers: mbedTLS 3.6, by ctypes.

The libraries are Debian 13's packages libmbedtls21, libmbedx509-7 and libmbedcrypto16; they run on Debian 12 too.
They are looked for where the loader looks, and in the directory that VMODEM_MBEDTLS names.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_size_t, c_ubyte, c_uint32, c_void_p
from pathlib import Path

import pytest

from tests.cid import IDENTITY, PSK
from tests.needs import MISSING

WANT_READ = -0x6900
HELLO_VERIFY_REQUIRED = -0x6A80
CLOSE_NOTIFY = -0x7880
#: More than any of mbedTLS's structures takes; their sizes depend on how it was built.
ROOM = 32768

COOKIE = b"a cookie of a server"

_Random = CFUNCTYPE(c_int, c_void_p, POINTER(c_ubyte), c_size_t)
_Send = CFUNCTYPE(c_int, c_void_p, POINTER(c_ubyte), c_size_t)
_Receive = CFUNCTYPE(c_int, c_void_p, POINTER(c_ubyte), c_size_t)
_SetTimer = CFUNCTYPE(None, c_void_p, c_uint32, c_uint32)
_GetTimer = CFUNCTYPE(c_int, c_void_p)
_WriteCookie = CFUNCTYPE(c_int, c_void_p, POINTER(c_void_p), c_void_p, c_void_p, c_size_t)
_CheckCookie = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)


def load():
    """Return mbedTLS's three libraries, None where they are not here or cannot do RFC 9146."""
    folder = os.environ.get("VMODEM_MBEDTLS")
    names = ("libmbedcrypto.so.16", "libmbedx509.so.7", "libmbedtls.so.21")
    try:
        found = [ctypes.CDLL(str(Path(folder) / name) if folder else name, ctypes.RTLD_GLOBAL) for name in names]
    except OSError:
        return None
    if not hasattr(found[2], "mbedtls_ssl_set_cid"):
        return None
    found[0].psa_crypto_init()
    return found


LIBRARIES = load()
needed = pytest.mark.skipif(LIBRARIES is None, reason=f"mbedTLS 3.6 (Debian 13: libmbedtls21){MISSING}")


def _check(code):
    assert code == 0, f"mbedTLS: -0x{-code:04x}"


@_Random
def _random(context, out, size):
    ctypes.memmove(out, os.urandom(size), size)
    return 0


@_WriteCookie
def _write_cookie(context, place, end, info, size):
    ctypes.memmove(place[0], COOKIE, len(COOKIE))
    place[0] = place[0] + len(COOKIE)
    return 0


@_CheckCookie
def _check_cookie(context, cookie, size, info, info_size):
    return 0 if ctypes.string_at(cookie, size) == COOKIE else -1


class Cache:
    """Sessions that servers share."""

    def __init__(self):
        self.memory = ctypes.create_string_buffer(ROOM)
        LIBRARIES[2].mbedtls_ssl_cache_init(self.memory)


class Server:
    """One connection of a server; it has no address, so whoever calls `feed` may have any.

    Attributes:
        received: the application data that arrived.
        alert: the error that ended it, 0 while none did.
    """

    def __init__(self, own, suite, certificate=None, etm=True, cache=None, cookies=False, renegotiation=False):
        self.crypto, self.x509, self.tls = LIBRARIES
        self.own = own
        self.cookies = cookies
        self.keep = []
        self.inbox = []
        self.sent = []
        self.received = []
        self.alert = 0
        self.done = False
        self.timer = -1
        self.config = self._room()
        self.ssl = self._room()
        self.tls.mbedtls_ssl_config_init(self.config)
        self.tls.mbedtls_ssl_init(self.ssl)
        _check(self.tls.mbedtls_ssl_config_defaults(self.config, 1, 1, 0))
        self.tls.mbedtls_ssl_conf_rng(self.config, _random, None)
        self.suites = (c_int * 2)(suite, 0)
        self.tls.mbedtls_ssl_conf_ciphersuites(self.config, self.suites)
        self.tls.mbedtls_ssl_conf_encrypt_then_mac(self.config, int(etm))
        self.tls.mbedtls_ssl_conf_renegotiation(self.config, int(renegotiation))
        self._configure_cookies()
        if cache is not None:
            get, put = (
                ctypes.cast(f, c_void_p) for f in (self.tls.mbedtls_ssl_cache_get, self.tls.mbedtls_ssl_cache_set)
            )
            self.tls.mbedtls_ssl_conf_session_cache(self.config, cache.memory, get, put)
        self._configure_credentials(certificate)
        if own is not None:
            _check(self.tls.mbedtls_ssl_conf_cid(self.config, c_size_t(len(own)), 0))
        _check(self.tls.mbedtls_ssl_setup(self.ssl, self.config))
        if own is not None:
            _check(self.tls.mbedtls_ssl_set_cid(self.ssl, 1, own, c_size_t(len(own))))
        self._set_callbacks()
        self._name_client()

    def _room(self):
        self.keep.append(ctypes.create_string_buffer(ROOM))
        return self.keep[-1]

    def _configure_cookies(self):
        if self.cookies:
            self.tls.mbedtls_ssl_conf_dtls_cookies(self.config, _write_cookie, _check_cookie, None)
        else:
            self.tls.mbedtls_ssl_conf_dtls_cookies(self.config, None, None, None)

    def _configure_credentials(self, certificate):
        _check(self.tls.mbedtls_ssl_conf_psk(self.config, PSK, c_size_t(len(PSK)), IDENTITY, c_size_t(len(IDENTITY))))
        if certificate is None:
            return
        chain, key = self._room(), self._room()
        self.x509.mbedtls_x509_crt_init(chain)
        self.crypto.mbedtls_pk_init(key)
        pem, key_pem = (text + b"\0" for text in certificate)
        _check(self.x509.mbedtls_x509_crt_parse(chain, c_char_p(pem), c_size_t(len(pem))))
        _check(
            self.crypto.mbedtls_pk_parse_key(
                key, c_char_p(key_pem), c_size_t(len(key_pem)), None, c_size_t(0), _random, None
            )
        )
        _check(self.tls.mbedtls_ssl_conf_own_cert(self.config, chain, key))

    def _set_callbacks(self):
        @_Send
        def send(context, data, size):
            self.sent.append(ctypes.string_at(data, size))
            return size

        @_Receive
        def receive(context, out, size):
            if not self.inbox:
                return WANT_READ
            datagram = self.inbox.pop(0)[:size]
            ctypes.memmove(out, datagram, len(datagram))
            return len(datagram)

        @_SetTimer
        def set_timer(context, intermediate, final):
            self.timer = 0 if final else -1

        @_GetTimer
        def get_timer(context):
            return self.timer

        self.keep += [send, receive, set_timer, get_timer]
        self.tls.mbedtls_ssl_set_bio(self.ssl, None, send, receive, None)
        self.tls.mbedtls_ssl_set_timer_cb(self.ssl, None, set_timer, get_timer)

    def _name_client(self):
        if self.cookies:
            _check(self.tls.mbedtls_ssl_set_client_transport_id(self.ssl, b"client", c_size_t(6)))

    def feed(self, datagram):
        self.inbox.append(datagram)
        self.pump()

    def pump(self):
        if not self.done:
            code = self.tls.mbedtls_ssl_handshake(self.ssl)
            if code == HELLO_VERIFY_REQUIRED:
                _check(self.tls.mbedtls_ssl_session_reset(self.ssl))
                self._name_client()
            self.done = code == 0
            self._end(code if code != HELLO_VERIFY_REQUIRED else 0)
        if self.done:
            self._read()

    def _read(self):
        room = ctypes.create_string_buffer(16384)
        while True:
            size = self.tls.mbedtls_ssl_read(self.ssl, room, c_size_t(16384))
            if size <= 0:
                return self._end(size)
            self.received.append(room.raw[:size])

    def _end(self, code):
        if code not in (0, WANT_READ):
            self.alert = code

    def take(self):
        taken, self.sent = self.sent, []
        return taken

    def retransmit(self):
        """Let the timer expire."""
        self.timer = 2
        self.pump()

    def send(self, data):
        assert self.tls.mbedtls_ssl_write(self.ssl, data, c_size_t(len(data))) == len(data)

    def close(self):
        _check(self.tls.mbedtls_ssl_close_notify(self.ssl))

    def renegotiate(self):
        self.tls.mbedtls_ssl_renegotiate(self.ssl)

    def peer_cid(self):
        """Return the client's CID, None where CIDs are not in use."""
        used, cid, size = c_int(0), ctypes.create_string_buffer(256), c_size_t(0)
        _check(self.tls.mbedtls_ssl_get_peer_cid(self.ssl, ctypes.byref(used), cid, ctypes.byref(size)))
        return cid.raw[: size.value] if used.value else None
