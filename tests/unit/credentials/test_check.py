"""What is wrong with a credential is told before it is stored: every kind of content in every kind of slot."""

import base64
import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.certificates import issue

from vmodem.credentials.check import stranger, wrong
from vmodem.credentials.store import KINDS, MAX_SIZE, Area, Kind, Slot, Store

OWN, OTHER = issue("own"), issue("other")
FORMS = serialization.Encoding, serialization.PrivateFormat
PASSWORD = serialization.BestAvailableEncryption(b"password")

CONTENTS = {
    "certificate": OWN.certificate,
    "chain": b"about\r\n" + OWN.certificate.replace(b"\n", b"\r\n") + OTHER.certificate,
    "certificate in DER": OWN.x509.public_bytes(serialization.Encoding.DER),
    "certificate cut short": OWN.certificate[: len(OWN.certificate) // 2],
    "damaged certificate": re.sub(rb"\nM\w{8}", b"\nAAAAAAAAA", OWN.certificate, count=1),
    "key": OWN.key,
    "old key": OWN.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ),
    "encrypted key": OWN.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, PASSWORD),
    "old encrypted key": OWN.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, PASSWORD
    ),
    "key in DER": OWN.private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ),
    "key cut short": OWN.key[:100],
    "public key": OWN.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ),
    "random bytes": bytes(range(255, 155, -1)),
    "text": b"hello",
    "digits": b"000102fF",
    "odd digits": b"00010",
    "lines": b"one\ntwo",
    "long text": b"x" * 129,
    "too large": b"0" * (MAX_SIZE + 1),
    "nothing": b"",
}

UNKNOWN = (
    b"-----BEGIN CERTIFICATE-----\n"
    + base64.encodebytes(
        CONTENTS["certificate in DER"].replace(b"\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x2a\x86\x48\xce\x3d\x03\x01\x7f")
    )
    + b"-----END CERTIFICATE-----\n"
)
"""A certificate for a key on a curve that nobody knows."""

USABLE = {
    Kind.CA: {"certificate", "chain"},
    Kind.CERTIFICATE: {"certificate", "chain"},
    Kind.KEY: {"key", "old key"},
    Kind.PSK: {"digits"},
    Kind.PSK_IDENTITY: {"text", "digits", "odd digits"},
}
"""What can be used where; of the other kinds nobody uses any."""

SAID = {
    (Kind.CA, "certificate in DER"): "it is in DER; PEM would be right, which 'openssl x509 -inform der' makes of",
    (Kind.CA, "certificate cut short"): "it is a certificate that is damaged or cut short",
    (Kind.CA, "damaged certificate"): "it is a certificate that is damaged or cut short",
    (Kind.CA, "key"): "it is a private key; a certificate in PEM would be right",
    (Kind.CA, "encrypted key"): "it is ENCRYPTED PRIVATE KEY in PEM; a certificate in PEM would be right",
    (Kind.CERTIFICATE, "public key"): "it is a public key; a certificate in PEM would be right",
    (Kind.CERTIFICATE, "random bytes"): "it is no PEM; a certificate in PEM would be right",
    (Kind.KEY, "certificate"): "it is a certificate; a private key in PEM would be right",
    (Kind.KEY, "encrypted key"): "it is an encrypted private key; one without a password would be right",
    (Kind.KEY, "old encrypted key"): "it is an encrypted private key; one without a password would be right",
    (Kind.KEY, "key in DER"): "it is in DER; PEM would be right, which 'openssl pkey -inform der' makes of",
    (Kind.KEY, "key cut short"): "it is a private key that is damaged, cut short or of a kind that is not known",
    (Kind.KEY, "text"): "it is no PEM; a private key in PEM would be right",
    (Kind.PSK, "text"): "a pre-shared key of AT%CMNG is text of hexadecimal digits only; as in 000102FF would be",
    (Kind.PSK, "odd digits"): "it has 5 hexadecimal digits; an even number would be right",
    (Kind.PSK_IDENTITY, "lines"): "it has a line break or another control character; one line of text would be",
    (Kind.PSK_IDENTITY, "long text"): "it has 129 bytes; at most 128 would be right",
}

SLOTS = [Slot(area, 1, kind) for area in Area for kind in KINDS[area]]


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: f"{slot.area.value}-{slot.kind.name.lower()}")
@pytest.mark.parametrize("name", CONTENTS)
def test_every_content_in_every_slot(slot, name):
    said = wrong(slot, CONTENTS[name])
    anything = slot.kind not in USABLE or (slot.kind is Kind.PSK and slot.area is Area.NATIVE)
    usable = name not in ("nothing", "too large") if anything else name in USABLE[slot.kind]
    assert (said is None) == usable
    assert said is None or said.isprintable()
    assert said is None or "would be right" in said
    if said is not None:
        assert said.startswith(SAID.get((slot.kind, name), ""))


@given(st.binary(min_size=1), st.sampled_from(SLOTS))
def test_anything_has_an_answer_that_does_not_show_it(content, slot):
    said = wrong(slot, content)
    assert said is None or said.isprintable()


@given(st.sampled_from(sorted(CONTENTS)), st.data())
def test_what_is_damaged_has_an_answer(name, data):
    content = bytearray(CONTENTS[name][:5000])
    for _ in range(data.draw(st.integers(1, 4)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for slot in SLOTS:
        wrong(slot, bytes(content))


def test_no_secret_is_shown():
    secret = base64.b64encode(b"hush" * 30)
    for slot in SLOTS:
        for content in (secret, b"-----BEGIN PRIVATE KEY-----\n" + secret):
            assert secret[:4].decode() not in (wrong(slot, content) or "")


class TestStranger:
    @pytest.mark.parametrize(
        ("certificate", "key", "expected"),
        [
            (OWN.certificate, OWN.key, False),
            (CONTENTS["chain"], CONTENTS["old key"], False),
            (OWN.certificate, OTHER.key, True),
            (OWN.certificate, issue("rsa", private=ec.generate_private_key(ec.SECP384R1())).key, True),
            (UNKNOWN, OWN.key, True),
            (OWN.certificate, None, False),
            (None, OWN.key, False),
            (b"hello", OWN.key, False),
            (OWN.certificate, CONTENTS["encrypted key"], False),
        ],
    )
    @pytest.mark.parametrize("last", [Kind.CERTIFICATE, Kind.KEY, Kind.CA])
    def test_the_one_beside_it(self, certificate, key, expected, last):
        store = Store()
        for kind, content in ((Kind.CERTIFICATE, certificate), (Kind.KEY, key)):
            if content is not None:
                store.write(Slot(Area.CLIENT, 1, kind), content)
        assert stranger(store, Slot(Area.CLIENT, 1, last)) == (expected and last is not Kind.CA)
        assert not stranger(store, Slot(Area.CLIENT, 2, last))
