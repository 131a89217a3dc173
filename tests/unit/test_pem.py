"""Keys and certificates in PEM: what they may cost, and that nothing but a `PemError` comes of a bad one."""

import base64
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from OpenSSL import crypto

from vmodem import pem
from vmodem.pem import MAX_KEY_BITS, MAX_ROUNDS, PemError, certificates, private_key, without_password

PASSWORD = b"secret"

KEYS = {
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
    "dsa": dsa.generate_private_key(1024),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def in_pem(key, form=serialization.PrivateFormat.PKCS8, password=None):
    hidden = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, form, hidden)


def element(tag, *contents):
    """Encode one element of DER."""
    content = b"".join(contents)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def integer(value):
    return element(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def name(text):
    """Encode an object identifier."""
    first, second, *rest = map(int, text.split("."))
    encoded = bytes([40 * first + second])
    for number in rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        encoded += bytes(reversed(digits))
    return element(6, encoded)


SALT = element(4, b"saltsalt")
SHA256 = element(0x30, name("1.2.840.113549.2.9"), element(5))
AES = element(0x30, name("2.16.840.1.101.3.4.1.42"), element(4, bytes(16)))
PBKDF2 = "1.2.840.113549.1.5.12"
SCRYPT = "1.3.6.1.4.1.11591.4.11"
PKCS12 = "1.2.840.113549.1.12.1.3"


def armoured(der, label="ENCRYPTED PRIVATE KEY"):
    text = base64.b64encode(der)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label.encode(), b"\n".join(lines), label.encode())


def locked(algorithm):
    return armoured(element(0x30, algorithm, element(4, bytes(160))))


def pbes2(kdf, *parameters):
    derivation = element(0x30, name(kdf), element(0x30, SALT, *parameters))
    return locked(element(0x30, name("1.2.840.113549.1.5.13"), element(0x30, derivation, AES)))


def pbkdf2(rounds, *more):
    return pbes2(PBKDF2, integer(rounds), *more, SHA256)


def scrypt(n, r, p):
    return pbes2(SCRYPT, integer(n), integer(r), integer(p))


def pkcs12(rounds):
    return locked(element(0x30, name(PKCS12), element(0x30, SALT, integer(rounds))))


TOO_MUCH = {
    "one round more": pbkdf2(MAX_ROUNDS + 1),
    "twenty million rounds": pbkdf2(20_000_000),
    "twenty million rounds, and a size": pbkdf2(20_000_000, integer(32)),
    "2^32 rounds, a panic": pbkdf2(2**32),
    "2^70 rounds": pbkdf2(2**70),
    "twenty million rounds of PKCS#12": pkcs12(20_000_000),
    "scrypt, large": scrypt(2**20, 8, 1),
    "scrypt, often": scrypt(2**14, 8, 1024),
    "scrypt, a terabyte": scrypt(2**33, 8, 1),
    "behind another one": pbkdf2(1) + pbkdf2(20_000_000),
    "in the middle of a line": b"x" + pbkdf2(1).replace(b"\n", b"", 1) + pbkdf2(20_000_000),
}


@pytest.mark.parametrize("content", TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_would_take_too_long_is_not_begun(content, monkeypatch):
    monkeypatch.setattr(crypto, "load_privatekey", None)  # whoever began it would fail in another way
    with pytest.raises(PemError) as error:
        without_password(content, PASSWORD)
    assert PASSWORD.decode() not in str(error.value)


def test_the_rounds_are_told():
    with pytest.raises(PemError, match=f"asks for 20000000 rounds, at most {MAX_ROUNDS}"):
        without_password(pbkdf2(20_000_000), PASSWORD)


UNREADABLE = {
    "nothing": b"",
    "no PEM": b"no key",
    "empty": armoured(b""),
    "cut": armoured(base64.b64decode(b"".join(pbkdf2(1).splitlines()[1:-1]))[:40]),
    "no algorithm": armoured(element(0x30, element(4, b"x"))),
    "an indefinite length": armoured(b"\x30\x80" + element(0x30, name(PKCS12)) + b"\0\0"),
    "a length beyond the end": armoured(b"\x30\x84\xff\xff\xff\xff"),
    "no rounds": pbes2(PBKDF2),
    "no round": pbkdf2(0),
    "an unknown way": locked(element(0x30, name("1.2.3"), element(0x30, SALT, integer(1)))),
    "deep": armoured(b"\x30\x80" * 20_000),
    "another kind of PEM": armoured(b"x", "CERTIFICATE"),
    "OpenSSH, whose encryption nobody reads": in_pem(KEYS["ec"], serialization.PrivateFormat.OpenSSH) + b"ENCRYPTED",
    "the wrong password": in_pem(KEYS["ec"], password=b"another"),
    "not encrypted": in_pem(KEYS["ec"]),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_decrypted(content):
    with pytest.raises(PemError):
        without_password(content, PASSWORD)


@pytest.mark.parametrize("password", [b"", b"wrong"])
def test_a_wrong_password(password):
    with pytest.raises(PemError):
        without_password(in_pem(KEYS["ec"], password=PASSWORD), password)


@pytest.mark.parametrize("kind", KEYS)
def test_decrypting(kind):
    content = without_password(in_pem(KEYS[kind], password=PASSWORD), PASSWORD)
    assert content.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert content == in_pem(KEYS[kind])


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_key_that_is_not_encrypted(kind, form):
    assert in_pem(private_key(in_pem(KEYS[kind], form))) == in_pem(KEYS[kind])


def test_an_encrypted_key_without_a_password():
    with pytest.raises(PemError, match="without a password"):
        private_key(in_pem(KEYS["ec"], password=PASSWORD))


def traditional(*numbers):
    """Encode a private key of RSA from version to coefficient."""
    return armoured(element(0x30, *map(integer, numbers)), "RSA PRIVATE KEY")


def numbers_of(key):
    numbers = key.private_numbers()
    public = numbers.public_numbers
    return [0, public.n, public.e, numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp]


def test_a_key_that_is_too_large():
    p = (1 << MAX_KEY_BITS // 2) + 1
    with pytest.raises(PemError, match=f"at most {MAX_KEY_BITS} are taken"):
        private_key(traditional(0, p * p, 65537, 1, p, p, 1, 1, 1))


@pytest.mark.parametrize("at", range(3, 9), ids=["d", "p", "q", "dmp1", "dmq1", "iqmp"])
def test_a_number_that_would_make_every_signature_slow(at):
    numbers = numbers_of(KEYS["rsa"])
    numbers[at] += numbers[at] << 100_000
    with pytest.raises(PemError):
        private_key(traditional(*numbers))


def test_a_large_key_is_read_at_once():
    numbers = numbers_of(rsa.generate_private_key(65537, 4096))
    began = time.thread_time()
    private_key(traditional(*numbers))
    assert time.thread_time() - began < 0.1  # to see that the factors are prime takes half a second


@pytest.mark.parametrize("content", [b"", b"no certificate", armoured(b"x", "CERTIFICATE"), in_pem(KEYS["ec"])])
def test_what_is_no_certificate(content):
    with pytest.raises(PemError, match="not a certificate in PEM"):
        certificates(content)


class PanicError(BaseException):
    """What Rust code raises is no `Exception` either."""


@pytest.mark.parametrize("error", [ValueError, TypeError, MemoryError, OverflowError, RecursionError, PanicError])
def test_whatever_a_library_raises(error, monkeypatch):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(crypto, "load_privatekey", fail)
    monkeypatch.setattr(serialization, "load_pem_private_key", fail)
    monkeypatch.setattr(pem.x509, "load_pem_x509_certificates", fail)
    with pytest.raises(PemError):
        private_key(in_pem(KEYS["ec"]))
    with pytest.raises(PemError):
        private_key(in_pem(KEYS["ec"], password=PASSWORD), PASSWORD)
    with pytest.raises(PemError):
        certificates(b"")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_order_to_end_is_passed_on(error, monkeypatch):
    def end(*arguments):
        raise error

    monkeypatch.setattr(crypto, "load_privatekey", end)
    with pytest.raises(error):
        private_key(in_pem(KEYS["ec"], password=PASSWORD), PASSWORD)
