import pytest

from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.dialects.ameba import DIALECT
from vmodem.virtual import Virtual


def ask(line, *entries):
    store = Store()
    for area, kind, content in entries:
        store.write(Slot(area, 1, kind), content)
    modem = Virtual(DIALECT, store=store)
    modem.take()
    modem.send(line.encode() + b"\r\n")
    return modem.take()


def test_a_suite():
    answer = ask(
        "AT+CERT=0,1",
        (Area.CLIENT, Kind.CA, b"a\n"),
        (Area.CLIENT, Kind.CERTIFICATE, b"b\n"),
        (Area.CLIENT, Kind.KEY, b"a key\n"),
        (Area.SERVER, Kind.CA, b"c\n"),
    )
    assert answer == (
        b"vfs:CERT/client_ca_1.crt\r\na\n\r\n"
        b"vfs:CERT/client_key_1.key\r\n\r\n\r\n"
        b"vfs:CERT/client_cert_1.crt\r\nb\n\r\n\r\n"
        b"\r\nOK\r\n"
    )


@pytest.mark.parametrize(("role", "index"), [("1", 1), ("2", 1), ("-1", 0), ("1", 11), ("1", -1)])
def test_nothing(role, index):
    answer = ask(f"AT+CERT={role},{index}", (Area.CLIENT, Kind.CA, b"a"))
    assert answer == (
        b"vfs:CERT/server_ca_%d.crt\r\n\r\nvfs:CERT/server_key_%d.key\r\n\r\nvfs:CERT/server_cert_%d.crt\r\n\r\n\r\nOK\r\n"
        % (index, index, index)
    )


def test_a_file_is_cut():
    assert ask("AT+CERT=0,1", (Area.CLIENT, Kind.CA, b"x" * 5000)).count(b"x") == 4096


@pytest.mark.parametrize("line", ["AT+CERT", "AT+CERT=", "AT+CERT=0", "AT+CERT=0,", "AT+CERT=,1", "AT+CERT=0,1,2"])
def test_wrong_parameters(line):
    assert ask(line) == b"\r\nERROR: 1\r\n"
