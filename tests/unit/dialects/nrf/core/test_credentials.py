import base64
from secrets import token_bytes

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from vmodem import dialects
from vmodem.config import Config, Identity
from vmodem.core.power import Start
from vmodem.credentials.keys import PrivateKey
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.virtual import Virtual

DIALECT = dialects.find("sm-1.0")
OK = b"\r\nOK\r\n"
KEY = Slot(Area.MODEM, 7, Kind.KEY)


def machine(store=None, dialect=DIALECT, **options):
    modem = Virtual(dialect, start=Start.OFFLINE, store=store, **options)
    modem.take()
    return modem


def ask(modem, line):
    modem.send(line.encode("latin-1") + (b"\r" if modem.modem.dialect is DIALECT else b"\r\n"))
    return modem.take()


def test_every_byte_of_a_content_is_kept():
    store = Store()
    content = bytes(byte for byte in range(256) if byte not in b'"\b\x7f')
    assert ask(machine(store), f'AT%CMNG=0,7,0,"{content.decode("latin-1")}"') == OK
    assert store.read(Slot(Area.MODEM, 7, Kind.CA)).content == content


def test_modems_share_a_store():
    store = Store()
    one, other = machine(store), machine(store)
    assert ask(one, 'AT%CMNG=0,7,0,"a"') == OK
    assert ask(other, "AT%CMNG=3,7,0") == OK
    assert store.entries() == []


def test_a_modem_without_a_store_has_its_own():
    one, other = machine(), machine()
    assert ask(one, 'AT%CMNG=0,7,0,"a"') == OK
    assert ask(other, "AT%CMNG=1") == OK


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ('AT%CMNG=0,8,0,"a"', b"\r\n+CME ERROR: 515\r\n"),
        ('AT%CMNG=0,7,0,"b"', OK),
        ("AT%KEYGEN=8,2,0", b"\r\n+CME ERROR: 515\r\n"),
    ],
)
def test_a_full_store(command, answer):
    modem = machine(Store(1))
    ask(modem, "AT+CMEE=1")
    assert ask(modem, 'AT%CMNG=0,7,0,"a"') == OK
    assert ask(modem, command) == answer


def test_a_full_store_of_native_tls():
    modem = machine(Store(1), dialects.find("slm-2.7"))
    assert ask(modem, 'AT#XCMNG=0,7,0,"a"') == OK
    assert ask(modem, 'AT#XCMNG=0,8,0,"a"') == b"\r\nERROR\r\n"


def test_a_store_that_fails():
    class Broken(Store):
        def write(self, slot, content):
            raise PermissionError(13, "Permission denied")

    assert ask(machine(Broken()), 'AT%CMNG=0,7,0,"a"') == b"\r\nERROR\r\n"


def test_an_encrypted_private_key_is_kept_as_it_is_used():
    store = Store()
    key = PrivateKey(token_bytes)
    encrypted = serialization.load_pem_private_key(key.pem, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    assert ask(machine(store), f'AT%CMNG=0,7,2,"{encrypted.decode()}","secret"') == OK
    assert store.bundle(7).key == key.pem


@pytest.mark.parametrize("name", ["sm-1.0", "slm-1.9", "slm-2.0", "slm-2.7"])
def test_a_generated_key_fits_its_request(name):
    store = Store()
    config = Config(identity=Identity(uuid="50503641-3633-4261-803d-1e2b8f70111a"))
    answer = ask(machine(store, dialects.find(name), config=config), 'AT%KEYGEN=7,2,0,"O=A Company"')
    body = answer.split(b'"')[1].split(b".")[0]
    request = x509.load_der_x509_csr(base64.urlsafe_b64decode(body + b"==="))
    assert request.subject.rfc4514_string() == "CN=50503641-3633-4261-803d-1e2b8f70111a,O=A Company"
    private = serialization.load_pem_private_key(store.read(KEY).content, None)
    assert private.public_key() == request.public_key()


def test_an_endorsement_key_is_made_once():
    modem = machine()
    first, second = (ask(modem, "AT%KEYGEN=7,8").split(b".")[0] for _ in range(2))
    assert first == second


def test_a_uuid_that_is_none():
    modem = machine(config=Config(identity=Identity(uuid="a modem")))
    ask(modem, "AT+CMEE=1")
    assert ask(modem, "AT%KEYGEN=7,2") == b"\r\n+CME ERROR: 523\r\n"
    assert ask(modem, "AT%CMNG=1") == OK


@pytest.mark.parametrize(
    "line",
    [
        'AT%CMNG=0,7,2,"hush"',
        'AT%CMNG=0,7,"hush",2',
        'AT%CMNG="hush",7,2,2',
        'AT%CMNG=0,7,2,"hush","hush",1',
        "AT%CMNG=0,7,2,(hush)",
        'AT%CMNG=0,7,2,"hush""hush"',
        'AT%CMNG?"hush"',
        "AT%CMNG=0,7,2,hush,hush",
    ],
)
@pytest.mark.parametrize("name", ["sm-1.0", "slm-2.0", "slm-2.7"])
def test_no_reason_of_an_error_tells_a_secret(caplog, name, line):
    caplog.set_level("INFO")
    modem = Virtual(dialects.find(name))
    modem.take()
    assert b"ERROR" in ask(modem, line)
    assert caplog.records
    assert "hush" not in caplog.text
