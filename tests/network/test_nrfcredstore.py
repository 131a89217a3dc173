"""Nordic's own nrfcredstore at a pseudo terminal, unmodified but for how it finds ports."""

import hashlib
from types import SimpleNamespace

import pytest
from cryptography import x509

import vmodem
from vmodem import Profile

comms = pytest.importorskip("nrfcredstore.comms")
cli = pytest.importorskip("nrfcredstore.cli")

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIDSjCCAQ==\n-----END CERTIFICATE-----\n"
TAG = "16842753"


@pytest.fixture(params=["sm-1.0", "slm-2.0"])
def tool(request, tmp_path, monkeypatch, capsys):
    """Return a function that runs nrfcredstore with arguments, and returns what it prints."""
    store = tmp_path / "store"
    with vmodem.start(Profile(dialect=request.param, credentials=store)) as served:
        port = SimpleNamespace(device=served.path, hwid="USB VID:PID=1366:1059 SER=001051216197")
        monkeypatch.setattr(comms, "get_comports_fixed_ordering", lambda: [port])

        def run(*arguments):
            cli.run(["nrfcredstore", "--cmd-type", "at", port.device, *arguments])
            return capsys.readouterr().out

        yield run


def rows(listing):
    return [line.split() for line in listing.splitlines()[1:]]


def test_write_list_and_delete(tool, tmp_path):
    path = tmp_path / "root.pem"
    path.write_text(CERTIFICATE)
    digest = hashlib.sha256(CERTIFICATE.rstrip().encode()).hexdigest().upper()
    tool("write", TAG, "ROOT_CA_CERT", str(path))
    tool("write", TAG, "CLIENT_KEY", str(path))
    assert rows(tool("list")) == [[TAG, "ROOT_CA_CERT", digest], [TAG, "CLIENT_KEY", digest]]
    assert rows(tool("list", "--tag", TAG, "--type", "CLIENT_KEY")) == [[TAG, "CLIENT_KEY", digest]]
    tool("delete", TAG, "ROOT_CA_CERT")
    with pytest.raises(RuntimeError, match="Failed to delete"):
        tool("delete", TAG, "ROOT_CA_CERT")
    tool("deleteall")
    assert rows(tool("list")) == []


def test_generate(tool, tmp_path):
    path = tmp_path / "request.der"
    tool("generate", TAG, str(path), "--attributes", "O=A Company,CN=a modem")
    request = x509.load_der_x509_csr(path.read_bytes())
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "CN=a modem,O=A Company"
    (row,) = rows(tool("list"))
    assert row[:2] == [TAG, "CLIENT_KEY"]
    with pytest.raises(RuntimeError, match="Failed to generate"):
        tool("generate", TAG, str(tmp_path / "another.der"))


def test_it_finds_out_by_itself_how_commands_are_sent(tool):
    assert tool("--cmd-type", "auto", "imei") == "IMEI: 352656100367872\n"
