import pytest

from vmodem.credentials.directory import DirectoryStore
from vmodem.credentials.store import (
    KINDS,
    MAX_SIZE,
    MODEM_TLS,
    NATIVE_TLS,
    SECRET,
    Area,
    Entry,
    Kind,
    Slot,
    Store,
    StoreFullError,
)
from vmodem.tls.security import Bundle

CA = Slot(Area.MODEM, 16, Kind.CA)
NATIVE_CA = Slot(Area.NATIVE, 16, Kind.CA)


@pytest.fixture(params=["memory", "disk"])
def make(request, tmp_path):
    """Return what makes a store, in memory or on disk; that on disk is the same one each time."""
    return (
        Store
        if request.param == "memory"
        else lambda *limit: DirectoryStore(tmp_path / "store", max_entries=[*limit, 1000][0])
    )


@pytest.fixture
def store(make):
    return make()


def test_an_empty_store(store):
    assert store.entries() == []
    assert store.read(CA) is None
    assert not store.delete(CA)


@pytest.mark.parametrize("content", [b"a", b"\x00\xff\r\n", b"x" * 5000])
def test_what_is_written_is_read(store, content):
    store.write(CA, content)
    entry = store.read(CA)
    assert (entry.slot, entry.content) == (CA, content)
    assert store.entries() == [entry]


def test_the_digest():
    assert Entry(CA, b"a", 0).digest == "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB"


def test_contents_are_not_in_a_repr():
    assert "secret" not in repr(Entry(CA, b"secret", 0))


def test_writing_again_replaces(store):
    store.write(CA, b"one")
    first = store.read(CA).written
    store.write(CA, b"two")
    assert store.read(CA).content == b"two"
    assert store.read(CA).written > first
    assert len(store.entries()) == 1


def test_deleting(store):
    store.write(CA, b"a")
    assert store.delete(CA)
    assert store.read(CA) is None
    assert not store.delete(CA)


def test_every_slot_is_its_own(store):
    slots = [Slot(area, tag, kind) for area in Area for tag in (1, 10) for kind in KINDS[area]]
    for slot in slots:
        store.write(slot, repr(slot).encode())
    assert [(entry.slot, entry.content) for entry in store.entries()] == [(slot, repr(slot).encode()) for slot in slots]
    assert [entry.slot.area for entry in store.entries(Area.CLIENT)] == [Area.CLIENT] * 6


def test_entries_are_in_order(store):
    for tag in (2147483647, 10, 9, 0):
        for kind in (Kind.PSK, Kind.CA):
            store.write(Slot(Area.MODEM, tag, kind), b"a")
    slots = [(entry.slot.tag, entry.slot.kind) for entry in store.entries()]
    assert slots == [(tag, kind) for tag in (0, 9, 10, 2147483647) for kind in (0, 3)]


def test_it_is_told_what_was_written_last(store):
    kinds = [Kind.PSK, Kind.CA, Kind.KEY, Kind.PSK_IDENTITY, Kind.CERTIFICATE]
    for kind in kinds:
        store.write(Slot(Area.NATIVE, 1, kind), b"a")
    entries = sorted(store.entries(), key=lambda entry: entry.written)
    assert [entry.slot.kind for entry in entries] == kinds


def test_it_is_bounded(make):
    store = make(2)
    store.write(CA, b"a")
    store.write(NATIVE_CA, b"a")
    with pytest.raises(StoreFullError, match="more than 2 credentials"):
        store.write(Slot(Area.MODEM, 17, Kind.CA), b"a")
    store.write(CA, b"another")
    store.delete(NATIVE_CA)
    store.write(Slot(Area.MODEM, 17, Kind.CA), b"a")


def test_a_credential_has_a_largest_size(store):
    store.write(CA, b"x" * MAX_SIZE)
    with pytest.raises(StoreFullError, match="more than 262144 bytes"):
        store.write(CA, b"x" * (MAX_SIZE + 1))
    assert len(store.read(CA).content) == MAX_SIZE


@pytest.mark.parametrize(
    ("slot", "exists"),
    [
        (Slot(Area.MODEM, 0, Kind.CA), True),
        (Slot(Area.MODEM, 2**31 - 1, Kind.NORDIC_PUBLIC_KEY), True),
        (Slot(Area.MODEM, 2**31, Kind.CA), False),
        (Slot(Area.MODEM, -1, Kind.CA), False),
        (Slot(Area.NATIVE, 0, Kind.PSK_IDENTITY), True),
        (Slot(Area.NATIVE, 0, Kind.PUBLIC_KEY), False),
        (Slot(Area.CLIENT, 0, Kind.CA), False),
        (Slot(Area.CLIENT, 1, Kind.CA), True),
        (Slot(Area.SERVER, 10, Kind.KEY), True),
        (Slot(Area.SERVER, 11, Kind.KEY), False),
        (Slot(Area.SERVER, 1, Kind.PSK), False),
    ],
)
def test_which_slots_there_are(slot, exists):
    assert slot.exists == exists


class TestCredentials:
    def test_there_are_none(self, store):
        store.write(Slot(Area.MODEM, 17, Kind.CA), b"a")
        assert store.bundle(16) is None

    def test_all_kinds_of_a_tag(self, store):
        for kind in KINDS[Area.MODEM]:
            store.write(Slot(Area.MODEM, 16, kind), b"C0FFEE" if kind is Kind.PSK else kind.name.encode())
        assert store.bundle(16, MODEM_TLS) == Bundle(
            ca=b"CA", certificate=b"CERTIFICATE", key=b"KEY", psk=b"\xc0\xff\xee", psk_identity=b"PSK_IDENTITY"
        )

    def test_what_is_missing_is_empty(self, store):
        store.write(CA, b"a")
        assert store.bundle(16) == Bundle(ca=b"a")

    @pytest.mark.parametrize(
        ("area", "content", "psk"),
        [
            (Area.MODEM, b"00ff", b"\x00\xff"),
            (Area.MODEM, b"00FF\n", b"\x00\xff"),
            (Area.MODEM, b"00F", b""),
            (Area.MODEM, b"no hex", b""),
            (Area.MODEM, b"\xff", b""),
            (Area.NATIVE, b"00ff", b"00ff"),
            (Area.NATIVE, b"a key\r\n", b"a key"),
        ],
    )
    def test_a_pre_shared_key(self, store, area, content, psk):
        store.write(Slot(area, 1, Kind.PSK), content)
        store.write(Slot(area, 1, Kind.PSK_IDENTITY), b"me\n")
        assert store.bundle(1, (area,)) == Bundle(psk=psk, psk_identity=b"me")

    def test_native_credentials_come_before_the_modems(self, store):
        store.write(CA, b"the modem's")
        assert store.bundle(16, NATIVE_TLS) == Bundle(ca=b"the modem's")
        store.write(Slot(Area.NATIVE, 16, Kind.PSK), b"native")
        assert store.bundle(16, NATIVE_TLS) == Bundle(psk=b"native")
        assert store.bundle(16) == Bundle(ca=b"the modem's")

    def test_certificate_suites(self, store):
        store.write(Slot(Area.CLIENT, 1, Kind.CA), b"a")
        store.write(Slot(Area.SERVER, 1, Kind.CERTIFICATE), b"b")
        store.write(Slot(Area.SERVER, 1, Kind.KEY), b"c")
        assert store.certificates(Area.CLIENT, 1) == Bundle(ca=b"a")
        assert store.certificates(Area.SERVER, 1) == Bundle(certificate=b"b", key=b"c")
        for index in (0, 2, 11, -1):
            assert store.certificates(Area.CLIENT, index) == Bundle()

    def test_secrets(self):
        assert {Kind.KEY, Kind.PSK, Kind.ENDORSEMENT_KEY} == SECRET
