"""PEM, as OpenSSL reads it: keys and certificates of whoever wrote the file, within bounds of what they cost.

What a file can make expensive is bounded here: how long a password takes to become a key, how large a key is. What a
password costs is paid by way of pyOpenSSL, which lets other threads run meanwhile; cryptography does not. Nor is it
asked to see whether the factors of an RSA key are prime, which takes it seconds. Whatever a library raises leaves this
module as a `PemError`, a panic of Rust code too, which is no `Exception`.

Everybody may import this module. It must not know about sockets, stores or AT commands.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from OpenSSL import crypto

from vmodem.jobs import is_fault

MAX_ROUNDS: Final = 4_000_000
"""How often a password may be hashed before it is a key: some seconds at the most, and several times what is usual."""

MAX_KEY_BITS: Final = 8192
"""The largest key: it signs in a twentieth of a second."""

_ENCRYPTED: Final = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02


class PemError(ValueError):
    """Not what it should be, or beyond bounds; the message is for a user, and has no secret in it."""


def private_key(pem: bytes, password: bytes | None = None) -> PrivateKeyTypes:
    """Return the private key in ``pem``; it has to be encrypted where there is a password, and must not be elsewhere.

    Raises:
        PemError: there is none, or the password is wrong, or it would take too much time.
    """
    with _reading("not a private key in PEM without a password" if password is None else "no key for this password"):
        if password is None:
            key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        else:
            key = _decrypted(pem, password)
        _check(key)
    return key


def without_password(pem: bytes, password: bytes) -> bytes:
    """Return an encrypted private key as one that is not.

    Raises:
        PemError: it is none, or the password is wrong, or it would take too much time.
    """
    return private_key(pem, password).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in ``pem``, of which there has to be one.

    Raises:
        PemError: there is none, or something that is no proper one.
    """
    with _reading("not a certificate in PEM"):
        found = x509.load_pem_x509_certificates(pem)
        for certificate in found:
            crypto.X509.from_cryptography(certificate)  # OpenSSL refuses some that are no proper ones
    return found


def _decrypted(pem: bytes, password: bytes) -> PrivateKeyTypes:
    """Return an encrypted key; the other threads run while OpenSSL makes the key of it from the password."""
    if (rounds := _rounds(pem)) > MAX_ROUNDS:
        raise PemError(f"an encrypted private key that asks for {rounds} rounds, at most {MAX_ROUNDS} are done")
    if b"ENCRYPTED" not in pem:
        raise PemError("the private key is not encrypted")
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, pem, password)
    bio = crypto._new_mem_buf()
    if crypto._lib.i2d_PrivateKey_bio(bio, key._pkey) != 1:  # type: ignore[attr-defined]
        raise ValueError("no private key")
    der: bytes = crypto._bio_to_string(bio)
    return serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)


def _check(key: PrivateKeyTypes) -> None:
    """Refuse a key that would make every signature slow: a large one, or an RSA key whose numbers are too large for it.

    Raises:
        ValueError: it is one.
    """
    bits = getattr(key, "key_size", 0)
    if bits > MAX_KEY_BITS:
        raise PemError(f"a key of {bits} bits, at most {MAX_KEY_BITS} are taken")
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        p, q, n = numbers.p, numbers.q, numbers.public_numbers.n
        if p * q != n or not (numbers.d < n and numbers.dmp1 < p and numbers.dmq1 < q and numbers.iqmp < p):
            raise ValueError("no RSA key")


@contextmanager
def _reading(otherwise: str) -> Iterator[None]:
    """Turn whatever a library raises into a `PemError` that says ``otherwise``."""
    try:
        yield
    except PemError:
        raise
    except BaseException as error:
        if not is_fault(error):
            raise
        raise PemError(otherwise) from error


# What a password costs (RFC 8018, RFC 7914)


def _rounds(pem: bytes) -> int:
    """Return how many rounds the encrypted keys in ``pem`` ask for; an older form than PKCS#8 has one and says nothing.

    EncryptedPrivateKeyInfo is a sequence of algorithm and data, an algorithm one of its name and parameters. Those of
    PBES2 begin with the algorithm that makes the key. Its parameters are a salt and how much is to be done: rounds, and
    maybe the size of the key; or the three numbers of scrypt, whose product it is.

    Raises:
        PemError: that cannot be told.
    """
    most = 0
    for body in _ENCRYPTED.findall(pem):
        try:
            algorithm = _parts(_parts(_parts(b64decode(body))[0][1])[0][1])
            parameters = _parts(algorithm[1][1])
            if parameters[0][0] == _SEQUENCE:
                parameters = _parts(_parts(parameters[0][1])[1][1])
            numbers = [int.from_bytes(content, "big") for tag, content in parameters if tag == _INTEGER]
            most = max(most, numbers[0] * numbers[1] * numbers[2] if len(numbers) > 2 else numbers[0])
        except (ValueError, IndexError):
            raise PemError("no private key that can be decrypted") from None
    return most


def _parts(der: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of each element that ``der`` consists of.

    Raises:
        IndexError: it ends too early.
    """
    parts = []
    at = 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            at, size = at + (size & 0x7F), int.from_bytes(der[at : at + (size & 0x7F)], "big")
        parts.append((tag, der[at : at + size]))
        at += size
    return parts
