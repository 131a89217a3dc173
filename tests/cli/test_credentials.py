"""`vmodem credentials`, and what `vmodem serve --credentials` keeps: between runs, over a kill, from the log."""

import os
import random
import signal
import stat
import subprocess
import sys
import time

import pytest
from tests.certificates import issue
from tests.process import Process

OWN, OTHER = issue("own"), issue("other")
DIGEST_OF_A = "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def credentials(action, store, *words, content=None):
    command = [sys.executable, "-m", "vmodem", "credentials", action, "--credentials", str(store), *words]
    return subprocess.run(command, input=content, capture_output=True, text=True, timeout=20, check=False)


def listed(store):
    result = credentials("list", store)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


class TestCredentials:
    def test_add_list_and_remove(self, store, tmp_path):
        (tmp_path / "a").write_text("a")
        for words in (["16842753", "ca"], ["16842753", "4"], ["client_ca_1.crt"], ["--area", "native", "0", "PSK"]):
            result = credentials("add", store, "--force", *words, str(tmp_path / "a"))
            assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        assert listed(store) == [
            f"modem 16842753 ca {DIGEST_OF_A} 1",
            f"modem 16842753 psk_identity {DIGEST_OF_A} 1",
            f"native 0 psk {DIGEST_OF_A} 1",
            f"client 1 ca {DIGEST_OF_A} 1",
        ]
        for words in (["16842753", "0"], ["--area", "native", "0", "psk"], ["client_ca_1.crt"]):
            assert credentials("remove", store, *words).returncode == 0
        assert listed(store) == [f"modem 16842753 psk_identity {DIGEST_OF_A} 1"]

    def test_standard_input(self, store):
        assert credentials("add", store, "7", "key", "-", "--force", content="a").returncode == 0
        assert listed(store) == [f"modem 7 key {DIGEST_OF_A} 1"]

    @pytest.mark.parametrize(("kind", "size"), [("psk", 1), ("psk_identity", 1), ("ca", 3)])
    def test_the_end_of_a_line_is_no_part_of_a_key(self, store, kind, size):
        credentials("add", store, "7", kind, "-", "--force", content="a\r\n")
        assert listed(store)[0].split()[2:] == [kind, listed(store)[0].split()[3], str(size)]

    @pytest.mark.parametrize(
        "words",
        [
            ["16", "foo"],
            ["16", "7"],
            ["x", "ca"],
            ["-1", "ca"],
            ["2147483648", "ca"],
            ["16"],
            ["client_ca_11.crt"],
            ["1", "2", "3"],
            ["--area", "native", "16", "public_key"],
            ["--area", "CERT", "1", "ca"],
        ],
    )
    @pytest.mark.parametrize("action", ["add", "remove"])
    def test_what_makes_no_sense(self, store, action, words):
        result = credentials(action, store, *words, *(["-"] if action == "add" else []), content="a")
        assert result.returncode == 2
        assert result.stderr.startswith(f"vmodem credentials {action}: ")
        assert result.stderr.count("\n") == 1
        assert not store.exists()

    @pytest.mark.parametrize("words", [[], ["list"], ["add", "--credentials", "x"], ["foo", "--credentials", "x"]])
    def test_what_is_missing(self, words):
        command = [sys.executable, "-m", "vmodem", "credentials", *words]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)

    def test_what_cannot_be_done(self, store, tmp_path):
        (tmp_path / "empty").write_text("")
        store.mkdir()
        for action, directory, *words in (
            ("list", tmp_path / "nothing"),
            ("remove", tmp_path / "nothing", "16", "ca"),
            ("remove", store, "16", "ca"),
            ("add", store, "16", "ca", str(tmp_path / "nothing")),
            ("add", store, "16", "ca", str(tmp_path / "empty")),
            ("add", tmp_path / "empty", "16", "ca", "-"),
            ("add", store, "16", "ca", str(tmp_path)),
        ):
            result = credentials(action, directory, *words, content="a")
            assert result.returncode == 1, (action, words)
            assert result.stderr.startswith(f"vmodem credentials {action}: ")
            assert result.stderr.count("\n") == 1
        assert not (tmp_path / "nothing").exists()

    @pytest.mark.parametrize(
        ("words", "content", "says"),
        [
            (["16", "ca", "-"], "hello", "-: it is no PEM; a certificate in PEM would be right"),
            (
                ["16", "key", "-"],
                OWN.certificate.decode(),
                "-: it is a certificate; a private key in PEM would be right",
            ),
            (["16", "psk", "-"], "x", "-: a pre-shared key of AT%CMNG is text of hexadecimal digits only"),
            (["client_key_1.key", "-"], OWN.certificate.decode(), "-: it is a certificate; a private key in PEM"),
            (["16", "ca", "-"], "", "-: it is empty; what it is to hold would be right"),
            (["16", "ca", "/dev/zero"], "", "/dev/zero: it has more than 262144 bytes"),
            (["--force", "16", "ca", "/dev/zero"], "", "a credential of more than 262144 bytes"),
        ],
    )
    def test_what_no_connection_could_use_is_not_stored(self, store, words, content, says):
        result = credentials("add", store, *words, content=content)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith(f"vmodem credentials add: {says}")
        assert result.stderr.count("\n") == 1
        assert not list(store.glob("*/*"))

    def test_a_key_of_another_certificate_is_stored_with_a_warning(self, store):
        for kind, content, says in (
            ("certificate", OWN.certificate, ""),
            (
                "key",
                OTHER.key,
                "vmodem credentials add: warning: the key and the certificate that are there now do not",
            ),
            ("key", OWN.key, ""),
        ):
            result = credentials("add", store, "16", kind, "-", content=content.decode())
            assert (result.returncode, result.stderr[: len(says) or None]) == (0, says)
        assert len(listed(store)) == 2

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["16", "ca"], "'16' is no credential; KIND or FILE is missing, 16 ca FILE"),
            (["CA", "file"], "'CA' is no credential; SEC_TAG KIND, as in 16 ca, or a name such as client_ca_1.crt"),
            (["x", "ca", "file"], "'x' is no security tag; a number from 0 to 2147483647 would be right"),
            (["16", "caa", "file"], "'caa' is no kind of credential of the area modem; did you mean ca?"),
            (["16", "ca", "b", "c"], "'b' is one too many; SEC_TAG KIND would be right"),
            (
                ["--area", "native", "16", "public_key", "file"],
                "'public_key' is no kind of credential of the area native",
            ),
        ],
    )
    def test_what_is_no_credential_is_told(self, store, words, says):
        result = credentials("add", store, *words)
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
        assert result.stderr.startswith(f"vmodem credentials add: {says}")

    def test_a_list_that_is_not_complete_says_so(self, store):
        (store / "modem/16").mkdir(parents=True)
        (store / "modem/16/ca.pem").write_text("a")
        (store / "modem/16/root.pem").write_text("a")
        result = credentials("list", store)
        assert (result.returncode, result.stdout) == (1, f"modem 16 ca {DIGEST_OF_A} 1\n")
        assert "root.pem: its name is none of ca.pem" in result.stderr


class TestServe:
    @pytest.mark.parametrize("dialect", ["sm-1.0", "slm-1.9", "slm-2.0", "slm-2.7"])
    def test_credentials_outlive_the_process(self, store, dialect):
        options = ["--tcp", "0", "--dialect", dialect, "--offline", "--credentials", str(store)]
        with Process(*options) as served:
            host = served.host()
            host.ask('AT%CMNG=0,16,0,"a"')
            host.ask('AT%CMNG=0,16,3,"00FF"')
        with Process(*options) as served:
            host = served.host()
            host.send(b"AT%CMNG=1" + host.end)
            answer = host.read_until(b"\r\nOK\r\n")
            assert answer.count(b"%CMNG: 16,") == 2
            assert DIGEST_OF_A.encode() in answer
        assert listed(store)[0] == f"modem 16 ca {DIGEST_OF_A} 1"

    def test_without_a_directory_they_do_not(self):
        for _ in range(2):
            with Process("--tcp", "0", "--offline") as served:
                host = served.host()
                host.ask("AT%CMNG=1")
                host.ask('AT%CMNG=0,16,0,"a"')

    def test_the_modems_of_a_process_share_them(self):
        with Process("--tcp", "0", "--offline") as served:
            served.host().ask('AT%CMNG=0,16,0,"a"')
            served.host().ask("AT%CMNG=3,16,0")

    def test_what_people_add_meanwhile_is_seen(self, store):
        with Process("--tcp", "0", "--credentials", str(store)) as served:
            host = served.host()
            host.ask("AT%CMNG=1")
            credentials("add", store, "--force", "16", "ca", "-", content="a")
            host.ask("AT%CMNG=1", f'\r\n%CMNG: 16,0,"{DIGEST_OF_A}"\r\n\r\nOK\r\n')

    def test_files_are_their_owners(self, store):
        with Process("--tcp", "0", "--offline", "--credentials", str(store), umask=0) as served:
            served.host().ask('AT%CMNG=0,16,2,"a"')
        for path in (store, *store.rglob("*")):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path

    def test_a_directory_that_cannot_be_used(self, tmp_path):
        (tmp_path / "file").write_text("")
        command = [sys.executable, "-m", "vmodem", "serve", "--credentials", str(tmp_path / "file")]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert result.returncode == 2
        assert result.stderr.startswith(f"vmodem serve: {tmp_path}/file: ")
        assert result.stderr.count("\n") == 1

    def test_a_full_disk_is_an_error(self, store):
        with Process("--tcp", "0", "--offline", "--credentials", str(store)) as served:
            host = served.host()
            (store / "modem").write_text("in the way")
            host.ask('AT%CMNG=0,16,0,"a"', b"\r\nERROR\r\n")
            (store / "modem").unlink()
            host.ask('AT%CMNG=0,16,0,"a"')

    @pytest.mark.parametrize("dialect", ["sm-1.0", "slm-1.9", "slm-2.0", "slm-2.7", "ameba-2.4"])
    def test_no_secret_comes_into_the_log(self, tmp_path, dialect):
        secret = "hush" * 16
        pem = f"-----BEGIN PRIVATE KEY-----\r\n{secret}\r\n{secret}\r\n-----END PRIVATE KEY-----\r\n"
        options = ["--pty", str(tmp_path / "modem"), "--dialect", dialect, "--offline", "--log-level", "debug"]
        with Process(*options, "--credentials", str(tmp_path / "store")) as served:
            host = served.host()
            for line in (
                f'AT%CMNG=0,16,2,"{pem}"',
                f'AT%CMNG=0,16,3,"{secret}"',
                f'AT%CMNG=0,16,"{secret}"',
                f'AT#XCMNG=0,16,2,"{pem}"',
                f'AT#XCMNG=0,16,3,"{secret}"',
                f"AT%CMNG=0,16,2,{pem}",
                f'at%cmng=0,16,2,"{pem * 60}"',  # too long
                pem,
                pem.replace("\r", ""),
                f"AT+WLCONN=ssid,vmodem,pw,{secret}",
                f"AT+CERT=0,1,{pem}",
            ):
                host.send(line.encode() + host.end)
            host.send((b"AT+TEST=0,done" if dialect == "ameba-2.4" else b"AT+CGSN") + host.end)
            host.read_until(b" arg = done" if dialect == "ameba-2.4" else b"352656100367872")
            status, log = served.stop()
        assert status == 0
        assert "CMNG" in log
        assert "hush" not in log
        assert "Traceback" not in log


WRITER = """
import itertools, sys
from pathlib import Path
from vmodem.credentials.directory import DirectoryStore
from vmodem.credentials.store import Area, Kind, Slot
store = DirectoryStore(Path(sys.argv[1]))
print(flush=True)
for number in itertools.count():
    store.write(Slot(Area.MODEM, number % 3, Kind.KEY), b"%d " % number * 20000)
    if number % 3 == 2:
        store.delete(Slot(Area.MODEM, 2, Kind.KEY))
"""


def test_a_kill_at_any_moment_leaves_the_old_or_the_new(store):
    dice = random.Random(1)
    for _ in range(12):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(store)], stdout=subprocess.PIPE) for _ in range(2)
        ]
        for writer in writers:
            writer.stdout.readline()
        time.sleep(dice.uniform(0, 0.1))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        for path in store.glob("modem/*/key.pem"):
            words = path.read_text().split()
            assert len(words) == 20000
            assert len(set(words)) == 1
        assert len(listed(store)) >= 1
        assert not [name for _, _, names in os.walk(store) for name in names if name.endswith(".new")]
