import subprocess
import sys
from dataclasses import fields

import pytest

from vmodem.config import (
    MODES,
    SECURITIES,
    AccessPoint,
    Cell,
    Config,
    Firmware,
    Identity,
    ModemCore,
    Wifi,
    load_config,
)
from vmodem.errors import ConfigError

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
    assert load_config(path) == Config()


def test_the_defaults_pass_their_own_checks(tmp_path):
    path = tmp_path / "modem.toml"
    tables = {
        "identity": Identity(),
        "cell": Cell(),
        "modem": ModemCore(),
        "wifi": Wifi(),
        "firmware": Firmware(),
    }
    text = [f"[{name}]\n{_table(table)}" for name, table in tables.items()]
    path.write_text("".join(text))
    assert load_config(path) == Config()


def _table(table):
    return "".join(f"{option.name} = {_toml(getattr(table, option.name))}\n" for option in fields(table))


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
        *(("modem.cmng_while_active", value) for value in ("true", "false")),
        *(("wifi.ssid", f"'{value}'") for value in ("a", "a b", "Télé", "x" * 32)),
        *(("wifi.password", f"'{value}'") for value in ("", "12345", "pässword", "x" * 64)),
        *(("wifi.bssid", f"'{value}'") for value in ("00:00:00:00:00:00", "aA:bB:cC:dD:eE:fF")),
        *(("wifi.mac", f"'{value}'") for value in ("00:00:00:00:00:00", "aA:bB:cC:dD:eE:fF")),
        *(("wifi.channel", value) for value in ("1", "14", "36", "177")),
        *(("wifi.rssi", value) for value in ("-100", "0")),
        *(("wifi.security", f"'{value}'") for value in SECURITIES),
        *(("wifi.mode", f"'{value}'") for value in MODES),
        *((f"wifi.{key}", "'255.255.255.255'") for key in ("gateway", "netmask")),
        *(("wifi.connect_time", value) for value in ("0", "2.5")),
    ],
)
def test_values_in_range(write, key, value):
    load_config(write(key, value))


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
            ("wifi.ssid", value, "1 to 32 Latin-1 characters, no comma and no quote")
            for value in ("''", f"'{'x' * 33}'", "'a,b'", r'"a\""', r'"a\t"', r'"a\u007f"', "'ÿ'", "'€'")
        ),
        *(
            ("wifi.password", value, "empty, or 5 to 64 Latin-1 characters, no comma and no quote")
            for value in ("'1234'", f"'{'x' * 65}'", "'1234,678'", r'"1234\n678"', "'1234€678'")
        ),
        *(
            (f"wifi.{key}", f"'{value}'", "six bytes, as in 1a:2b:3c:4d:5e:6f")
            for key in ("bssid", "mac")
            for value in ("", "00:00:00:00:00", "00:00:00:00:00:00:00", "00-00-00-00-00-00", "00:00:00:00:00:0g")
        ),
        *(("wifi.channel", value, "1 to 14, or 36 to 177") for value in ("0", "15", "35", "178")),
        *(("wifi.rssi", value, "-100 to 0") for value in ("-101", "1")),
        *(("wifi.security", f"'{value}'", ", ".join(SECURITIES)) for value in ("", "wpa2", "WPA4")),
        *(("wifi.mode", f"'{value}'", ", ".join(MODES)) for value in ("", "n", "BE")),
        *(
            (f"wifi.{key}", f"'{value}'", "an IPv4 address")
            for key in ("gateway", "netmask")
            for value in ("", "1.2.3", "1.2.3.256", "::1")
        ),
        *(("wifi.connect_time", value, "0 or more seconds") for value in ("-0.1", "inf", "nan")),
        *(
            (f"{table}.{name}", rf'"a{bad}b"', "Latin-1 text without line breaks and quotes")
            for table, name in (
                *(("identity", name) for name in ("manufacturer", "model", "revision", "msisdn", "uuid", "pin")),
                *(("identity", name) for name in ("version", "ncs_version", "libmodem_version", "customer_version")),
                *(("cell", name) for name in ("operator", "apn")),
                *(("firmware", option.name) for option in fields(Firmware)),
            )
            for bad in (r"\r", r"\n", r"\"", "\u20ac")
        ),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(write, key, value, accepted):
    path = write(key, value)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {key} is ")
    assert message.endswith(f", accepted: {accepted}")
    assert len(message.splitlines()) == 1


def test_the_message_has_the_value(write):
    with pytest.raises(ConfigError, match=r"cell\.act is 8, accepted: 7 or 9"):
        load_config(write("cell.act", "8"))


def test_networks_are_an_array(tmp_path):
    path = tmp_path / "modem.toml"
    path.write_text("[[network]]\nssid = 'One'\n[[network]]\nrssi = -90\nmode = 'AX'\n")
    assert load_config(path).network == (AccessPoint(ssid="One"), AccessPoint(rssi=-90, mode="AX"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[network]]\n[[network]]\nchannel = 0\n", "network[1].channel is 0, accepted: 1 to 14, or 36 to 177"),
        ("[[network]]\npassword = 'secret'\n", "unknown key password in [network[0]], known are ssid, bssid, channel"),
        ("[network]\nssid = 'One'\n", "network has to be written [[network]]"),
        ("[[wifi]]\nssid = 'One'\n", "wifi has to be written [wifi]"),
        ("network = [1]\n", "Expected `object`, got `int` - at `$.network[0]`"),
        ("network = 1\n", "unknown table [network], known are identity"),
    ],
)
def test_a_wrong_network_is_refused(tmp_path, text, message):
    path = tmp_path / "modem.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_msgspec_is_not_imported_before_a_file_is_read():
    script = "import sys, vmodem.config; sys.exit('msgspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
