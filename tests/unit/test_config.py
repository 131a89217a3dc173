import subprocess
import sys

import pytest

from vmodem.config import Cell, Config, ConfigError, Identity, load

DIGITS_15 = "123456789012345"


@pytest.fixture
def write(tmp_path):
    def write(key, value):
        table, _, name = key.partition(".")
        path = tmp_path / "modem.toml"
        path.write_text(f"[{table}]\n{name} = {value}\n", encoding="utf-8")
        return path

    return write


def test_an_empty_file_is_the_default(tmp_path):
    path = tmp_path / "modem.toml"
    path.write_text("")
    assert load(path) == Config()


def test_the_defaults_pass_their_own_checks(tmp_path):
    path = tmp_path / "modem.toml"
    tables = {"identity": Identity(), "cell": Cell()}
    text = [
        f"[{name}]\n" + "".join(f"{key} = {_toml(getattr(table, key))}\n" for key in table.__slots__)
        for name, table in tables.items()
    ]
    path.write_text("".join(text))
    assert load(path) == Config()


def _toml(value):
    return str(value).lower() if isinstance(value, bool) else repr(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("identity.imei", f"'{DIGITS_15}'"),
        ("identity.svn", "'99'"),
        ("identity.imsi", "'1'"),
        ("identity.imsi", f"'{DIGITS_15}'"),
        ("identity.iccid", f"'{DIGITS_15}6789'"),
        ("identity.iccid", f"'{DIGITS_15}67890'"),
        ("identity.msisdn", "''"),
        ("cell.operator", "'Télé ÿ'"),
        ("cell.plmn", "'123456'"),
        ("cell.tac", "'abCD'"),
        ("cell.ci", "'0123abCD'"),
        ("cell.act", "9"),
        *(("cell.rsrp", value) for value in ("0", "97", "255")),
        *(("cell.rsrq", value) for value in ("0", "34", "255")),
        *(("cell.registration_time", value) for value in ("0", "0.0", "2.5", "3")),
    ],
)
def test_values_in_range(write, key, value):
    load(write(key, value))


@pytest.mark.parametrize(
    ("key", "value", "accepted"),
    [
        *(("identity.imei", f"'{value}'", "15 digits") for value in ("", DIGITS_15[1:], DIGITS_15 + "6", "x" * 15)),
        ("identity.imei", f"'{DIGITS_15[1:]}\u0661'", "15 digits"),
        ("identity.imei", f'"{DIGITS_15}\\n"', "15 digits"),
        *(("identity.svn", f"'{value}'", "2 digits") for value in ("", "1", "123", "1a")),
        *(("identity.imsi", f"'{value}'", "1 to 15 digits") for value in ("", DIGITS_15 + "6", "1a")),
        *(("identity.iccid", f"'{'1' * count}'", "19 or 20 digits") for count in (18, 21)),
        *(("cell.plmn", f"'{value}'", "5 or 6 digits") for value in ("1234", "1234567", "1234a")),
        *(("cell.tac", f"'{value}'", "4 hexadecimal digits") for value in ("123", "12345", "123g")),
        *(("cell.ci", f"'{value}'", "8 hexadecimal digits") for value in ("1234567", "123456789", "1234567g")),
        *(("cell.act", value, "7 or 9") for value in ("0", "8", "10")),
        *(("cell.rsrp", value, "0 to 97, or 255") for value in ("-1", "98", "254", "256")),
        *(("cell.rsrq", value, "0 to 34, or 255") for value in ("-1", "35", "254", "256")),
        *(("cell.registration_time", value, "0 or more seconds") for value in ("-0.1", "-1", "inf", "nan")),
        *(
            (f"{table}.{name}", rf'"a{bad}b"', "Latin-1 text without line breaks and quotes")
            for table, name in (
                *(("identity", name) for name in ("manufacturer", "model", "revision", "msisdn", "uuid", "pin")),
                *(("identity", name) for name in ("version", "ncs_version", "libmodem_version", "customer_version")),
                *(("cell", name) for name in ("operator", "apn")),
            )
            for bad in (r"\r", r"\n", r"\"", "\u20ac")
        ),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(write, key, value, accepted):
    path = write(key, value)
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {key} is ")
    assert message.endswith(f", accepted: {accepted}")
    assert len(message.splitlines()) == 1


def test_the_message_has_the_value(write):
    with pytest.raises(ConfigError, match=r"cell\.act is 8, accepted: 7 or 9"):
        load(write("cell.act", "8"))


def test_msgspec_is_not_imported_before_a_file_is_read():
    script = "import sys, vmodem.config; sys.exit('msgspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
