"""OpenSSL contexts: what connections with the same bundle share.

A context holds the parsed certificates and the private key. All modems of a process that use the same bundle in the
same role share one; it ends with the last connection or modem that uses it, and so does what is remembered of it here.
The roots that the operating system trusts are never loaded: a device knows the certificates that were written to it, no
others.

This module must not know about sockets.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from weakref import WeakValueDictionary

from cryptography import x509
from OpenSSL import SSL, crypto

from vmodem import pem
from vmodem.tls.security import Bundle, CredentialError, DtlsCid, MismatchError, PeerVerify, Security

TLS_1_2: Final = 0x0303
DTLS_1_2: Final = 0xFEFD
CERTIFICATE_SUITES: Final = b"ALL:!aNULL:!eNULL:+kDHE:+kDHEPSK:+kRSAPSK:@SECLEVEL=0"
"""Everything that proves an identity, however old: devices have CCM_8, SHA-1 and short RSA keys; the slow ones last."""

PSK_SUITES: Final = b"aPSK:!eNULL:+kDHEPSK:@SECLEVEL=0"
PSK_IDENTITY_LIMIT: Final = 128
OPTIONS: Final = SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION | SSL.OP_LEGACY_SERVER_CONNECT
"""OP_NO_QUERY_MTU: OpenSSL would ask the memory BIO for its MTU and fall back to 256 bytes.
OP_LEGACY_SERVER_CONNECT: devices connect to servers that are older than RFC 5746."""


class Context(SSL.Context):
    """A context, and the callbacks that have to live as long as it does."""

    callbacks: tuple[Any, ...] = ()


class Traits(NamedTuple):
    """What a context depends on."""

    bundle: Bundle
    server: bool
    peer_verify: PeerVerify
    session_cache: bool
    datagrams: bool
    cid: bool


_shared: WeakValueDictionary[Traits, Context] = WeakValueDictionary()


def context_for(security: Security, *, datagrams: bool) -> Context:
    """Return the context for connections with ``security``: DTLS where ``datagrams``, else TLS.

    Raises:
        CredentialError: the bundle cannot be used.
    """
    traits = _traits(security, datagrams=datagrams)
    context = _shared.get(traits)
    if context is None:
        _shared[traits] = context = _make(traits)
    return context


def known(security: Security, *, datagrams: bool) -> bool:
    """Return whether `context_for` has nothing to read and to parse: it was made already."""
    return _traits(security, datagrams=datagrams) in _shared


def _traits(security: Security, *, datagrams: bool) -> Traits:
    unknown = security.server and security.peer_verify is PeerVerify.OPTIONAL  # see `_verify`
    return Traits(
        bundle=security.bundle,
        server=security.server,
        peer_verify=security.peer_verify,
        session_cache=security.session_cache and not unknown,
        datagrams=datagrams,
        cid=offers_cid(security, datagrams=datagrams),
    )


def offers_cid(security: Security, *, datagrams: bool) -> bool:
    """Return whether a connection identifier is offered: only a DTLS client does."""
    return datagrams and not security.server and security.dtls_cid is not DtlsCid.DISABLED


def _make(traits: Traits) -> Context:
    bundle, server, datagrams = traits.bundle, traits.server, traits.datagrams
    context = Context(SSL.DTLS_METHOD if datagrams else SSL.TLS_METHOD)
    version = DTLS_1_2 if datagrams else TLS_1_2
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    context.set_options(OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    psk_only = bool(bundle.psk) and not (bundle.ca or bundle.certificate)
    _choose_suites(context, PSK_SUITES if psk_only else CERTIFICATE_SUITES, cid=traits.cid)
    _cache_sessions(context, server=server, on=traits.session_cache)
    _trust(context, bundle.ca, server=server)
    _verify(context, traits.peer_verify, server=server)
    _identify(context, bundle)
    if bundle.psk:
        _share_key(context, bundle, server=server)
    elif server and not bundle.certificate:
        raise CredentialError("certificate", "a server needs one")
    return context


def _choose_suites(context: Context, suites: bytes, *, cid: bool) -> None:
    if cid:
        from vmodem.tls.cid import CIPHERS, offer  # not at the top: few connections have one

        suites += CIPHERS
        offer(context)
    context.set_cipher_list(suites)


def _cache_sessions(context: Context, *, server: bool, on: bool) -> None:
    """Keep sessions or not; a client's are kept in its modem's `Memory`, not by OpenSSL."""
    context.set_session_id(b"vmodem")
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER if server and on else SSL.SESS_CACHE_OFF)
    if not on:
        context.set_options(SSL.OP_NO_TICKET)


def _trust(context: Context, ca: bytes, *, server: bool) -> None:
    """Trust every certificate in ``ca``, whether or not it is a root."""
    store = context.get_cert_store()
    assert store is not None
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    for certificate in _certificates("ca", ca):
        store.add_cert(crypto.X509.from_cryptography(certificate))
        if server:
            context.add_client_ca(certificate)


def _verify(context: Context, peer_verify: PeerVerify, *, server: bool) -> None:
    """Say whether the peer is checked.

    OpenSSL lets a client check the server's certificate and go on whatever comes out: that is `PeerVerify.OPTIONAL`.
    A server cannot, it needs a callback that says yes to everything and remembers. The callback also makes OpenSSL
    forget what was wrong, so that such a session must not be resumed.
    """
    if peer_verify is PeerVerify.REQUIRED:
        context.set_verify(SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if server else 0))
    elif peer_verify is PeerVerify.OPTIONAL and server:
        context.set_verify(SSL.VERIFY_PEER, _note)
    else:
        context.set_verify(SSL.VERIFY_NONE)


def _note(connection: SSL.Connection, certificate: crypto.X509, code: int, depth: int, ok: int) -> bool:
    """Accept any certificate, and leave what is wrong with it in the connection's list."""
    if code:
        connection.get_app_data().append(code)
    return True


def _identify(context: Context, bundle: Bundle) -> None:
    """Use our own certificate, the chain behind it, and its key."""
    if not bundle.certificate:
        if bundle.key:
            raise CredentialError("certificate", "there is a key but no certificate")
        return
    own, *chain = _certificates("certificate", bundle.certificate)
    if not bundle.key:
        raise CredentialError("key", "there is a certificate but no key")
    try:
        key: Any = pem.private_key(bundle.key)
    except pem.PemError as error:
        raise CredentialError("key", str(error)) from None
    try:
        context.use_certificate(own)
    except SSL.Error:
        raise CredentialError("certificate", "OpenSSL does not take it") from None
    try:
        context.use_privatekey(key)
        context.check_privatekey()
    except (SSL.Error, crypto.Error, TypeError):
        raise MismatchError("key", "it does not belong to the certificate") from None
    for certificate in chain:
        context.add_extra_chain_cert(certificate)


def _certificates(part: str, content: bytes) -> list[x509.Certificate]:
    """Return the certificates in ``content``, which may hold none at all only where it is empty."""
    try:
        return pem.certificates(content) if content else []
    except pem.PemError as error:
        raise CredentialError(part, str(error)) from None


def _share_key(context: Context, bundle: Bundle, *, server: bool) -> None:
    """Use the pre-shared key; pyOpenSSL has no method for it, but binds the functions of OpenSSL on purpose."""
    if not getattr(SSL._lib, "Cryptography_HAS_PSK", 0):  # type: ignore[attr-defined]
        raise OSError(errno.EOPNOTSUPP, "this OpenSSL has no pre-shared keys")
    identity, key = bundle.psk_identity, bundle.psk
    if b"\0" in identity or len(identity) > PSK_IDENTITY_LIMIT:
        raise CredentialError("psk_identity", "too long, or with a NUL")
    callback = _server_key(identity, key) if server else _client_key(identity, key)
    install = "SSL_CTX_set_psk_server_callback" if server else "SSL_CTX_set_psk_client_callback"
    getattr(SSL._lib, install)(context._context, callback)  # type: ignore[attr-defined]
    context.callbacks = (callback,)


def _client_key(identity: bytes, key: bytes) -> Any:
    ffi: Any = SSL._ffi  # type: ignore[attr-defined]

    def give(ssl: Any, hint: Any, name: Any, name_size: int, out: Any, size: int) -> int:
        if len(identity) >= name_size or len(key) > size:
            return 0
        ffi.memmove(name, identity + b"\0", len(identity) + 1)
        ffi.memmove(out, key, len(key))
        return len(key)

    return _callback("unsigned int(SSL*, const char*, char*, unsigned int, unsigned char*, unsigned int)", give)


def _server_key(identity: bytes, key: bytes) -> Any:
    ffi: Any = SSL._ffi  # type: ignore[attr-defined]

    def give(ssl: Any, name: Any, out: Any, size: int) -> int:
        if ffi.string(name) != identity or len(key) > size:
            return 0
        ffi.memmove(out, key, len(key))
        return len(key)

    return _callback("unsigned int(SSL*, const char*, unsigned char*, unsigned int)", give)


def _callback(signature: str, function: Callable[..., int]) -> Any:
    return SSL._ffi.callback(signature, function)  # type: ignore[attr-defined]
