import fcntl
import os
import stat

import pytest

from vmodem.credentials import directory
from vmodem.credentials.directory import DirectoryStore, StoreError, path_of, suite_slot
from vmodem.credentials.store import KINDS, MAX_SIZE, Area, Kind, Slot

CA = Slot(Area.MODEM, 16, Kind.CA)
KEY = Slot(Area.MODEM, 16, Kind.KEY)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def put(path, content=b"a"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)


@pytest.mark.parametrize(
    ("slot", "path"),
    [
        (CA, "modem/16/ca.pem"),
        (Slot(Area.MODEM, 0, Kind.PSK), "modem/0/psk.txt"),
        (Slot(Area.NATIVE, 2147483647, Kind.PSK_IDENTITY), "native/2147483647/psk_identity.txt"),
        (Slot(Area.CLIENT, 1, Kind.CA), "CERT/client_ca_1.crt"),
        (Slot(Area.CLIENT, 10, Kind.CERTIFICATE), "CERT/client_cert_10.crt"),
        (Slot(Area.SERVER, 3, Kind.KEY), "CERT/server_key_3.key"),
    ],
)
def test_the_names_of_files(root, slot, path):
    DirectoryStore(root).write(slot, b"content")
    assert (root / path).read_bytes() == b"content"


@pytest.mark.parametrize("area", [Area.CLIENT, Area.SERVER])
@pytest.mark.parametrize("index", [1, 10])
def test_the_names_of_a_suite_and_back(area, index):
    for kind in KINDS[area]:
        slot = Slot(area, index, kind)
        assert suite_slot(path_of(slot).name) == slot


@pytest.mark.parametrize(
    "name",
    ["client_ca_0.crt", "client_ca_11.crt", "client_ca_01.crt", "client_ca_1.key", "client_key_1.crt", "ca_1.crt", ""],
)
def test_names_of_no_suite(name):
    assert suite_slot(name) is None


def test_all_is_for_its_owner_only(root):
    os.umask(0)
    try:
        store = DirectoryStore(root)
        store.write(KEY, b"a")
        store.write(Slot(Area.CLIENT, 1, Kind.KEY), b"a")
    finally:
        os.umask(0o022)
    for path in (root, *root.rglob("*")):
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_another_store_sees_it(root):
    DirectoryStore(root).write(CA, b"a")
    assert DirectoryStore(root).read(CA).content == b"a"


def test_two_stores_see_each_other(root):
    one, other = DirectoryStore(root), DirectoryStore(root)
    one.write(CA, b"a")
    assert other.delete(CA)
    assert one.read(CA) is None
    other.write(CA, b"b")
    assert one.entries()[0].content == b"b"


def test_files_that_people_put_there_are_seen(root):
    store = DirectoryStore(root)
    put(root / "CERT/client_ca_1.crt", b"one")
    put(root / "modem/7/psk.txt", b"00FF\n")
    assert store.certificates(Area.CLIENT, 1).ca == b"one"
    assert store.bundle(7).psk == b"\x00\xff"
    assert len(store.entries()) == 2


def test_an_empty_file_is_no_credential(root):
    put(root / "CERT/client_ca_1.crt", b"")
    assert DirectoryStore(root).entries() == []


def test_a_link_to_a_file_is_followed(root, tmp_path):
    put(tmp_path / "bundle.pem", b"bundle")
    (root / "modem/16").mkdir(parents=True)
    (root / "modem/16/ca.pem").symlink_to(tmp_path / "bundle.pem")
    store = DirectoryStore(root)
    assert store.read(CA).content == b"bundle"
    store.write(CA, b"new")
    assert (tmp_path / "bundle.pem").read_bytes() == b"bundle"
    assert store.read(CA).content == b"new"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("modem/16/root.pem", "its name is none of ca.pem, "),
        ("native/16/public_key.pem", "its name is none of ca.pem, "),
        ("modem/016", "its name is no security tag"),
        ("modem/2147483648", "its name is no security tag"),
        ("CERT/client_ca_11.crt", "its name is none of a certificate suite"),
        ("modem/file", "its name is no security tag"),
        ("modem/16", "Not a directory"),
    ],
)
def test_what_is_no_credential_is_ignored_with_one_warning(root, caplog, path, reason):
    put(root / path)
    store = DirectoryStore(root)
    for _ in range(2):
        assert store.entries() == []
    assert [record.getMessage().startswith(f"{root / path}: {reason}") for record in caplog.records] == [True]
    assert store.ignored == 1


def test_what_is_no_regular_file_is_ignored(root, caplog):
    (root / "modem/16").mkdir(parents=True)
    os.mkfifo(root / "modem/16/ca.pem")
    (root / "modem/16/key.pem").mkdir()
    store = DirectoryStore(root)
    assert store.entries() == []
    assert store.read(CA) is None
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["no regular file; it is ignored"] * 2


def test_a_file_that_is_too_large_is_ignored(root, caplog):
    put(root / "modem/16/ca.pem", b"x" * (MAX_SIZE + 1))
    assert DirectoryStore(root).read(CA) is None
    assert "more than 262144 bytes" in caplog.text


def test_a_secret_that_others_can_read_is_told(root, caplog):
    put(root / "modem/16/key.pem")
    put(root / "modem/16/ca.pem")
    for name in ("key", "ca"):
        (root / f"modem/16/{name}.pem").chmod(0o644)
    store = DirectoryStore(root)
    assert len(store.entries()) == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"{root}/modem/16/key.pem: others than its owner can read it"
    ]
    assert store.ignored == 0


def test_hidden_files_and_other_directories_are_left_alone(root, caplog):
    put(root / "README")
    put(root / "other/file")
    put(root / "modem/16/.hidden")
    assert DirectoryStore(root).entries() == []
    assert not caplog.records


def test_what_a_killed_writer_left_is_removed(root):
    DirectoryStore(root).write(CA, b"old")
    left = [root / "modem/16/.ca.pem.new", root / "modem/17/.key.pem.new", root / "CERT/.client_key_1.key.new"]
    for path in left:
        put(path, b"half")
    store = DirectoryStore(root)
    assert [entry.content for entry in store.entries()] == [b"old"]
    assert not [path for path in left if path.exists()]


def test_what_is_left_later_is_no_obstacle(root):
    store = DirectoryStore(root)
    put(root / "modem/16/.ca.pem.new", b"half")
    store.write(CA, b"new")
    assert store.read(CA).content == b"new"
    assert os.listdir(root / "modem/16") == ["ca.pem"]


def test_the_directory_of_a_tag_goes_with_its_last_credential(root):
    store = DirectoryStore(root)
    store.write(CA, b"a")
    store.write(KEY, b"a")
    store.write(Slot(Area.CLIENT, 1, Kind.CA), b"a")
    store.delete(CA)
    assert (root / "modem/16").exists()
    store.delete(KEY)
    store.delete(Slot(Area.CLIENT, 1, Kind.CA))
    assert os.listdir(root / "modem") == []
    assert (root / "CERT").exists()


def test_writers_take_turns(root, monkeypatch):
    monkeypatch.setattr(directory, "LOCK_PATIENCE", 0.02)
    store = DirectoryStore(root)
    with open(root / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="somebody else is writing"):
            store.write(CA, b"a")
        with pytest.raises(OSError, match="somebody else is writing"):
            store.delete(CA)
    store.write(CA, b"a")


def test_a_write_that_fails_leaves_the_old(root, monkeypatch):
    store = DirectoryStore(root)
    store.write(CA, b"old")

    def fail(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        store.write(CA, b"new")
    assert store.read(CA).content == b"old"
    assert os.listdir(root / "modem/16") == ["ca.pem"]


def test_a_directory_that_cannot_be_one(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file: (File exists|Not a directory)"):
        DirectoryStore(tmp_path / "file")
    with pytest.raises(StoreError, match="Not a directory"):
        DirectoryStore(tmp_path / "file/store")
    with pytest.raises(StoreError, match="No such file"):
        DirectoryStore(tmp_path / "nothing", create=False)
