"""What went wrong in a TLS or DTLS connection: OpenSSL's words, an errno and plain words.

This module must not know about sockets.
"""

from __future__ import annotations

import errno
from typing import Any, Final

from OpenSSL import SSL

from vmodem.tls.security import HandshakeError

REFUSALS: Final = {
    "bad psk identity": "the identity of the pre-shared key cannot be used",
    "bad signature": "the signature of the peer is wrong",
    "decryption failed or bad record mac": "what the peer sent cannot be decrypted: perhaps another pre-shared key",
    "digest check failed": "what the peer sent cannot be decrypted: perhaps another pre-shared key",
    "no certificates returned": "the peer has no certificate",
    "no ciphers available": "no cipher suite goes with the credentials",
    "no shared cipher": "no cipher suite in common",
    "no shared groups": "no elliptic curve in common",
    "no shared signature algorithms": "no signature algorithm in common",
    "peer did not return a certificate": "the peer has no certificate",
    "psk identity not found": "unknown identity of the pre-shared key",
    "unsafe legacy renegotiation disabled": "the peer cannot renegotiate safely",
    "unsupported protocol": "no protocol version in common",
    "wrong ssl version": "no protocol version in common",
}
"""What OpenSSL says where the peer speaks TLS, and yet there is no agreement."""


ALERTS: Final = ("ssl/tls alert ", "sslv3 alert ", "tlsv1 ", "tls alert ")
"""What OpenSSL's reason begins with where the peer sent an alert."""


def explain(connection: SSL.Connection, error: SSL.Error) -> HandshakeError:
    """Return what ``error`` means."""
    if isinstance(error, SSL.SysCallError | SSL.ZeroReturnError):
        return HandshakeError(errno.ECONNRESET, "the peer closed the connection")
    said = _said(error)
    if said == "certificate verify failed":
        return HandshakeError(errno.ECONNREFUSED, f"{said}: {verify_text(verify_code(connection))}")
    if said.startswith(ALERTS):
        return HandshakeError(errno.ECONNREFUSED, f"the peer sent an alert: {_alert(said)}")
    if said in REFUSALS:
        return HandshakeError(errno.ECONNREFUSED, REFUSALS[said])
    return HandshakeError(errno.EPROTO, f"what the peer sent is no proper TLS: {said}")


def _said(error: SSL.Error) -> str:
    """Return the reason in OpenSSL's words; the innermost comes first, and is the one that counts."""
    entries: list[Any] = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [str(entry[2]) for entry in entries if entry[2]]
    known = (reason for reason in reasons if reason in REFUSALS or reason.startswith(ALERTS))
    return next(known, reasons[0] if reasons else "?")


def _alert(said: str) -> str:
    """Return the name of an alert: OpenSSL puts "ssl/tls alert ", "tlsv1 alert " or "tlsv1 " before it."""
    return said.split(" ", 1)[1].removeprefix("alert ")


def verify_code(connection: SSL.Connection) -> int:
    """Return what came out of checking the peer's certificate, 0 for all is well."""
    return int(SSL._lib.SSL_get_verify_result(connection._ssl))  # type: ignore[attr-defined]


def verify_text(code: int) -> str:
    """Return what a code of `verify_code` means, such as "certificate has expired"."""
    text: bytes = SSL._ffi.string(SSL._lib.X509_verify_cert_error_string(code))  # type: ignore[attr-defined]
    return text.decode()
