"""What is wrong with a credential, for people who add one. A device stores anything, and finds out when it connects.

Nothing that is said shows any of a credential's content.
"""

from __future__ import annotations

import re
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vmodem import pem
from vmodem.credentials.store import MAX_SIZE, Area, Kind, Slot, Store

MAX_IDENTITY: Final = 128
"""The most bytes of a PSK identity that TLS takes."""

_LABEL: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_NAMES: Final = {
    "CERTIFICATE": "a certificate",
    "CERTIFICATE REQUEST": "a certificate request",
    "PRIVATE KEY": "a private key",
    "EC PRIVATE KEY": "a private key",
    "RSA PRIVATE KEY": "a private key",
    "PUBLIC KEY": "a public key",
}
"""What the labels of PEM stand for."""

_DER: Final = 0x30
"""What DER begins with."""


def wrong(slot: Slot, content: bytes) -> str | None:
    """Return why no connection can use ``content`` in ``slot``, and what would be right; None where one can."""
    if not content:
        return "it is empty; what it is to hold would be right"
    if len(content) > MAX_SIZE:
        return f"it has more than {MAX_SIZE} bytes; fewer would be right"
    if slot.kind in (Kind.CA, Kind.CERTIFICATE):
        return _wrong_certificate(content)
    if slot.kind is Kind.KEY:
        return _wrong_key(content)
    if slot.kind is Kind.PSK and slot.area is Area.MODEM:
        return _wrong_digits(content)
    if slot.kind is Kind.PSK_IDENTITY:
        return _wrong_identity(content)
    return None


def stranger(store: Store, slot: Slot) -> bool:
    """Return whether ``slot`` holds a certificate or a key, and the one beside it belongs to another."""
    if slot.kind not in (Kind.CERTIFICATE, Kind.KEY):
        return False
    certificate, key = store.read(slot._replace(kind=Kind.CERTIFICATE)), store.read(slot._replace(kind=Kind.KEY))
    if certificate is None or key is None:
        return False
    found, private = _certificates(certificate.content), _private_key(key.content)
    if not found or private is None:
        return False
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        public = found[0].public_key().public_bytes(*form)
    except (ValueError, UnsupportedAlgorithm):  # of a kind that is not known: so the key's is another
        return True
    return public != private.public_key().public_bytes(*form)


def _wrong_certificate(content: bytes) -> str | None:
    if _certificates(content):
        return None
    what = _what(content)
    if what == "a certificate":
        return "it is a certificate that is damaged or cut short; the whole one would be right"
    if what == "in DER":
        return "it is in DER; PEM would be right, which 'openssl x509 -inform der' makes of a certificate"
    return f"it is {what}; a certificate in PEM would be right"


def _wrong_key(content: bytes) -> str | None:
    if _private_key(content) is not None:
        return None
    what = _what(content)
    if b"ENCRYPTED" in content:
        return "it is an encrypted private key; one without a password would be right, which 'openssl pkey' makes of it"
    if what == "a private key":
        return "it is a private key that is damaged, cut short or of a kind that is not known; the whole would be right"
    if what == "in DER":
        return "it is in DER; PEM would be right, which 'openssl pkey -inform der' makes of a private key"
    return f"it is {what}; a private key in PEM would be right"


def _wrong_digits(content: bytes) -> str | None:
    if re.fullmatch(rb"[0-9A-Fa-f]*", content) is None:
        return "a pre-shared key of AT%CMNG is text of hexadecimal digits only; as in 000102FF would be right"
    if len(content) % 2:
        return f"it has {len(content)} hexadecimal digits; an even number would be right, two for each byte"
    return None


def _wrong_identity(content: bytes) -> str | None:
    if len(content) > MAX_IDENTITY:
        return f"it has {len(content)} bytes; at most {MAX_IDENTITY} would be right for a PSK identity"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "it is no text in UTF-8; one line of text would be right for a PSK identity"
    if re.search(r"[\x00-\x1f\x7f]", text):
        return "it has a line break or another control character; one line of text would be right for a PSK identity"
    return None


def _what(content: bytes) -> str:
    """Return what ``content`` seems to be."""
    found = _LABEL.search(content)
    if found is not None:
        label = found[1].decode("ascii")
        return _NAMES.get(label, f"{label} in PEM")
    return "in DER" if content[0] == _DER and not content.isascii() else "no PEM"


def _certificates(content: bytes) -> list[x509.Certificate]:
    try:
        return pem.certificates(content)
    except pem.PemError:
        return []


def _private_key(content: bytes) -> PrivateKeyTypes | None:
    try:
        return pem.private_key(content)
    except pem.PemError:
        return None
