import base64
from hashlib import sha256
from secrets import token_bytes

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from vmodem.credentials.keys import DEFAULT_USAGE, PrivateKey

UUID = "50503041-3633-4261-803d-1e2b8f70111a"
UUID_BYTES = bytes.fromhex(UUID.replace("-", ""))


def parts(answer):
    return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in answer.split(".")]


@pytest.mark.parametrize(
    ("tag", "encoded"),
    [
        (0, "4100"),
        (17, "4111"),
        (24, "421818"),
        (255, "4218ff"),
        (256, "43190100"),
        (16842753, "451a01010001"),
        (2**31 - 1, "451a7fffffff"),
    ],
)
def test_the_message(tag, encoded):
    key = PrivateKey(token_bytes)
    body, cose = parts(key.request(UUID, tag, "", DEFAULT_USAGE))
    head = bytes.fromhex("d28443a10126a1044121")
    payload = bytes.fromhex("d9d9f7850950") + UUID_BYTES + bytes.fromhex(encoded + "5820") + sha256(body).digest()
    payload += b"\x50"
    size = len(payload) + 16
    assert cose.startswith(head + bytes([0x58, size]) + payload)
    payload = cose[len(head) + 2 :][:size]
    signature = cose[len(head) + 2 + size :]
    assert signature[:2] == b"\x58\x40"
    r, s = (int.from_bytes(half, "big") for half in (signature[2:34], signature[34:]))
    signed = b"\x84\x6aSignature1\x43\xa1\x01\x26\x40\x58" + bytes([size]) + payload
    public = serialization.load_der_public_key(public_bytes(key))
    public.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def public_bytes(key):
    body, _ = parts(key.public_key(UUID, 1))
    return body


def test_the_request():
    key = PrivateKey(token_bytes)
    body, _ = parts(key.request(UUID, 1, "", DEFAULT_USAGE))
    request = x509.load_der_x509_csr(body)
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == f"CN={UUID}"
    usage = request.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.public_bytes() == bytes.fromhex("030203e8")
    private = serialization.load_pem_private_key(key.pem, None)
    assert request.public_key() == private.public_key()


def test_a_public_key():
    key = PrivateKey(token_bytes)
    body, cose = parts(key.public_key(UUID, 1))
    assert serialization.load_der_public_key(body) == serialization.load_pem_private_key(key.pem, None).public_key()
    assert bytes.fromhex("d9d9f7850850") + UUID_BYTES in cose


def test_the_subject():
    body, _ = parts(PrivateKey(token_bytes).request(UUID, 1, "O=A Company, C=no,CN=me=you", "101"))
    subject = x509.load_der_x509_csr(body).subject
    assert [(attribute.oid, attribute.value) for attribute in subject] == [
        (NameOID.ORGANIZATION_NAME, "A Company"),
        (NameOID.COUNTRY_NAME, "no"),
        (NameOID.COMMON_NAME, "me=you"),
    ]


def test_the_uuid_is_the_common_name_where_there_is_no_other():
    body, _ = parts(PrivateKey(token_bytes).request(UUID, 1, "O=A Company", "101"))
    assert x509.load_der_x509_csr(body).subject.rfc4514_string() == f"CN={UUID},O=A Company"


@pytest.mark.parametrize("attributes", ["X=1", "CN", "CN=", "CN=a,", ",", "C=Norway"])
def test_no_subject(attributes):
    with pytest.raises(ValueError, match=r"."):
        PrivateKey(token_bytes).request(UUID, 1, attributes, DEFAULT_USAGE)


@pytest.mark.parametrize("usage", ["", "2", "1 1", "1111111111", "000000010"])
def test_no_usage(usage):
    with pytest.raises(ValueError, match=r"."):
        PrivateKey(token_bytes).request(UUID, 1, "", usage)


def test_a_key_that_was_made_before():
    key = PrivateKey(token_bytes)
    assert PrivateKey(token_bytes, key.pem).pem == key.pem
    assert public_bytes(PrivateKey(token_bytes, key.pem)) == public_bytes(key)


def test_two_keys_differ():
    assert PrivateKey(token_bytes).pem != PrivateKey(token_bytes).pem


@pytest.mark.parametrize("numbers", [bytes(40), b"\xff" * 40, bytes(39) + b"\x01"])
def test_the_same_random_numbers_give_the_same_key(numbers):
    keys = [PrivateKey(lambda size: numbers[:size]) for _ in range(2)]
    assert keys[0].pem == keys[1].pem
    assert parts(keys[0].public_key(UUID, 1))[1][:-64] == parts(keys[1].public_key(UUID, 1))[1][:-64]


def test_no_key():
    with pytest.raises(ValueError, match=r"."):
        PrivateKey(token_bytes, b"no key")
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="no key on P-256"):
        PrivateKey(token_bytes, other)
