"""Keys that the device makes itself, and what it tells about them: certificate requests, in the form of AT%KEYGEN.

The answer has two parts, Base64url without padding and a dot between them: a certificate request or a public key (DER),
and a COSE_Sign1 message (RFC 9052) with the SHA-256 of the first. On a device the identity key of the chip signs the
message, and so attests where the key was made. There is no such key here: the new key signs it itself.

The key and the nonce come of random numbers that are handed in. The signatures do not: the library draws their numbers
itself, so that they differ from run to run.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from vmodem.pem import private_key

PUBLIC_KEY_MESSAGE: Final = 8
CSR_MESSAGE: Final = 9
"""What the first part is, as the payload of the second tells it."""

NONCE_SIZE: Final = 16

SCALAR_SIZE: Final = 40
"""Random bytes for a private key: 64 bits more than it has, so that none is more likely than another."""

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256: private keys are below it."""

DEFAULT_USAGE: Final = "111010000"
"""The key usage of a request, a digit for each bit: signatures, non-repudiation, key encipherment, key agreement."""

_ATTRIBUTES: Final = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "dnQualifier": NameOID.DN_QUALIFIER,
    "title": NameOID.TITLE,
    "SN": NameOID.SURNAME,
    "GN": NameOID.GIVEN_NAME,
    "pseudonym": NameOID.PSEUDONYM,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
}
"""The identifiers in <attributes>."""

_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)

_PROTECTED: Final = b"\xa1\x01\x26"
"""The protected header: {1: -7}, ECDSA with SHA-256."""
_UNPROTECTED: Final = b"\xa1\x04\x41\x21"
"""The unprotected header: {4: -2}, signed with the identity key."""
_SIGN1: Final = b"\xd2\x84"
_CBOR: Final = b"\xd9\xd9\xf7"


class PrivateKey:
    """A private key on the curve P-256.

    Args:
        random: returns as many random bytes as it is asked for.
        pem: a key that was made before, None for a new one.

    Raises:
        ValueError: ``pem`` is no such key.
    """

    def __init__(self, random: Callable[[int], bytes], pem: bytes | None = None) -> None:
        self._random = random
        if pem is None:
            self._key = ec.derive_private_key(_scalar(random(SCALAR_SIZE)), ec.SECP256R1())
            return
        key = private_key(pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("no key on P-256")
        self._key = key

    @property
    def pem(self) -> bytes:
        """The key as PEM, not encrypted."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def request(self, uuid: str, tag: int, attributes: str, usage: str | None) -> str:
        """Return a certificate request and its message.

        Args:
            uuid: the device's UUID; it is the common name unless ``attributes`` have one.
            tag: the security tag of the key.
            attributes: the subject, as in ``O=Company,C=no``.
            usage: up to nine digits 0 or 1, a bit each, None for `DEFAULT_USAGE`.

        Raises:
            ValueError: there can be no such subject or usage.
        """
        builder = x509.CertificateSigningRequestBuilder(_subject(uuid, attributes))
        builder = builder.add_extension(_key_usage(DEFAULT_USAGE if usage is None else usage), critical=False)
        return self._answer(builder.sign(self._key, hashes.SHA256()).public_bytes(_DER), CSR_MESSAGE, uuid, tag)

    def public_key(self, uuid: str, tag: int) -> str:
        """Return the public key and its message."""
        body = self._key.public_key().public_bytes(_DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return self._answer(body, PUBLIC_KEY_MESSAGE, uuid, tag)

    def _answer(self, body: bytes, message: int, uuid: str, tag: int) -> str:
        items = (
            _head(0, message),
            _bytes(UUID(uuid).bytes),
            _bytes(_head(0, tag)),
            _bytes(sha256(body).digest()),
            _bytes(self._random(NONCE_SIZE)),
        )
        payload = _CBOR + _head(4, len(items)) + b"".join(items)
        signed = _head(4, 4) + b"\x6aSignature1" + _bytes(_PROTECTED) + _bytes(b"") + _bytes(payload)
        r, s = utils.decode_dss_signature(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        cose = _SIGN1 + _bytes(_PROTECTED) + _UNPROTECTED + _bytes(payload) + _bytes(signature)
        return f"{_base64url(body)}.{_base64url(cose)}"


def _scalar(entropy: bytes) -> int:
    """Return a private key by way of extra random bits (FIPS 186-5, A.2.1)."""
    return int.from_bytes(entropy, "big") % (_ORDER - 1) + 1


_DER: Final = serialization.Encoding.DER


def _subject(uuid: str, attributes: str) -> x509.Name:
    pairs = [pair.partition("=") for pair in attributes.split(",")] if attributes else []
    unknown = [name for name, _, value in pairs if name.strip() not in _ATTRIBUTES or not value]
    if unknown:
        raise ValueError("an attribute that is not known, or has no value")
    found = [x509.NameAttribute(_ATTRIBUTES[name.strip()], value.strip()) for name, _, value in pairs]
    if all(attribute.oid != NameOID.COMMON_NAME for attribute in found):
        found.append(x509.NameAttribute(NameOID.COMMON_NAME, uuid))
    return x509.Name(found)


def _key_usage(usage: str) -> x509.KeyUsage:
    if not usage or len(usage) > len(_USAGES) or usage.strip("01"):
        raise ValueError("a key usage has up to nine digits 0 or 1")
    bits = dict.fromkeys(_USAGES, False)
    bits.update((name, digit == "1") for name, digit in zip(_USAGES, usage, strict=False))
    return x509.KeyUsage(**bits)


# CBOR (RFC 8949), as much of it as is needed


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    size = next(power for power in range(4) if value < 1 << 8 * (1 << power))
    return bytes([major << 5 | 24 + size]) + value.to_bytes(1 << size, "big")


def _bytes(value: bytes) -> bytes:
    return _head(2, len(value)) + value


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
