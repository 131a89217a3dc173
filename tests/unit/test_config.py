import re
from dataclasses import fields
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmodem.config import (
    MODES,
    SECURITIES,
    TABLES,
    AccessPoint,
    Cell,
    Config,
    Firmware,
    Identity,
    ModemCore,
    Wifi,
    check,
    configured,
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
        *(("identity.msisdn", f"'{value}'") for value in ("", "1", "+15555550100")),
        *(("identity.pin", f"'{value}'") for value in ("", "1234", "12345678")),
        ("identity.uuid", "'50503041-3633-4261-803D-1E2B8F70111A'"),
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
            (f"{table}.{name}", rf'"a{bad}b"', "Latin-1 text without quotes, line breaks and other control characters")
            for table, name in (
                *(("identity", name) for name in ("manufacturer", "model", "revision")),
                *(("identity", name) for name in ("version", "ncs_version", "libmodem_version", "customer_version")),
                *(("cell", name) for name in ("operator", "apn")),
                *(("firmware", option.name) for option in fields(Firmware)),
            )
            for bad in (r"\r", r"\n", r"\"", "\u20ac", r"\u0000", r"\u001a", r"\u007f", r"\u0080")
        ),
        *(
            ("identity.msisdn", value, "empty, or up to 20 digits with or without a + before them")
            for value in ("'+'", "'1 2'", f"'{'1' * 21}'", "'++1'", r'"+1\n"')
        ),
        *(
            ("identity.uuid", value, "a UUID, as in 50503041-3633-4261-803d-1e2b8f70111a")
            for value in (
                "''",
                "'50503041'",
                "'50503041363342618 03d1e2b8f70111a'",
                "'g0503041-3633-4261-803d-1e2b8f70111a'",
            )
        ),
        *(
            ("identity.pin", value, "empty, or 4 to 8 digits")
            for value in ("'123'", "'123456789'", "'12a4'", r'"1234\n"', r'"\u0661234"')
        ),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(write, key, value, accepted):
    path = write(key, value)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:2: {key} is ")
    assert message.endswith(f", accepted: {accepted}")
    assert len(message.splitlines()) == 1


def test_the_message_has_the_value(write):
    with pytest.raises(ConfigError, match=r"cell\.act is 8, accepted: 7 or 9"):
        load_config(write("cell.act", "8"))


def test_networks_are_an_array(tmp_path):
    path = tmp_path / "modem.toml"
    path.write_text("[[network]]\nssid = 'One'\n[[network]]\nrssi = -90\nmode = 'AX'\n")
    assert load_config(path).network == (AccessPoint(ssid="One"), AccessPoint(rssi=-90, mode="AX"))


NEIGHBOURS = {"identity": "cell", "cell": "identity"}
"""For each table another one, where its keys do not belong."""


def keys():
    """Return every key of the configuration with its table and its default."""
    return [
        pytest.param(table, option.name, option.default, id=f"{table}.{option.name}")
        for table, kind in TABLES.items()
        for option in fields(kind)
    ]


def mistake(tmp_path, text):
    """Return what is said of a file, behind its path; it is one line."""
    path = tmp_path / "modem.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert message.isprintable()
    return message.removeprefix(f"{path}:")


def head(table):
    return "[[network]]" if table == "network" else f"[{table}]"


def place(table):
    return "network[0]" if table == "network" else table


class TestEveryKey:
    """What is done wrong with any key is said with its line, its place, and what would be right."""

    WRONG: ClassVar = {"'x'": str, "5": int, "2.5": float, "true": bool, "[]": list, "{}": dict, "1979-05-27": None}

    @pytest.mark.parametrize(("table", "key", "default"), keys())
    def test_of_the_wrong_type(self, tmp_path, table, key, default):
        kind = type(default)
        words = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        for value, found in self.WRONG.items():
            if found is kind or (found, kind) == (int, float):
                continue
            said = mistake(tmp_path, f"# about\n{head(table)}\n{key} = {value}\n")
            assert said.startswith(f"3: {place(table)}.{key} is ")
            assert f", accepted: {words[kind]}" in said

    @pytest.mark.parametrize(("table", "key", "default"), keys())
    def test_misspelt(self, tmp_path, table, key, default):
        said = mistake(tmp_path, f"{head(table)}\n{key}x = 1\n")
        assert re.fullmatch(
            rf"2: {re.escape(place(table))}\.{key}x is unknown; did you mean (\w+ or )?{key}( or \w+)?\?", said
        )

    @pytest.mark.parametrize(("table", "key", "default"), keys())
    def test_in_another_table(self, tmp_path, table, key, default):
        said = mistake(tmp_path, f"[{NEIGHBOURS.get(table, 'cell')}]\n\n{key} = 1\n")
        assert f".{key} is unknown; it belongs in " in said
        assert head(table) in said

    @pytest.mark.parametrize(("table", "key", "default"), keys())
    def test_in_no_table(self, tmp_path, table, key, default):
        said = mistake(tmp_path, f"{key} = 1\n")
        assert said.startswith(f"1: {key} is unknown; it belongs in ")
        assert head(table) in said

    @pytest.mark.parametrize(("table", "key", "default"), keys())
    def test_twice(self, tmp_path, table, key, default):
        said = mistake(tmp_path, f"{head(table)}\n{key} = 1\n{key} = 1\n")
        assert said.startswith("3: ")
        assert said.endswith("it is there twice, once would be right")

    @pytest.mark.parametrize("table", TABLES)
    def test_a_table_misspelt(self, tmp_path, table):
        assert mistake(tmp_path, f"\n[{table}s]\n") == f"2: {table}s is unknown; did you mean {table}?"

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("{} = 5", "5"),
            ("{} = 'x'", "'x'"),
            ("{} = []", "an array"),
            ("[[{}]]", "an array of tables"),
            ("[{}]", "a table"),
        ],
    )
    def test_a_table_written_otherwise(self, tmp_path, table, written, shown):
        if written.format(table) in (head(table), "network = []"):
            pytest.skip("it is right")
        kind = "an array of tables, each" if table == "network" else "a table,"
        said = mistake(tmp_path, f"\n{written.format(table)}\n")
        assert said == f"2: {table} is {shown}, accepted: {kind} written {head(table)}"


class TestFiles:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[[network]]\n[[network]]\nchannel = 0\n", "3: network[1].channel is 0, accepted: 1 to 14, or 36 to 177"),
            ("network = [\n  {},\n  {channel = 0},\n]\n", "1: network[1].channel is 0, accepted: 1 to 14"),
            ("[[network]]\npassword = 'secret'\n", "2: network[0].password is unknown; it belongs in [wifi]"),
            ("network = [1]\n", "1: network[0] is 1, accepted: a table, written [[network]]"),
            ("identity.imei = '1'\n", "1: identity.imei is '1', accepted: 15 digits"),
            ("[cell]\n'a\\nb' = 1\n", "2: cell.a\\\\nb is unknown; known are plmn"),
            ("x = 1\n[nonsense]\n", "1: x is unknown; known are identity"),
            ("[modem]\ndialect = 'sm'\n", "2: modem.dialect is unknown; known are cmng_while_active"),
            # What is no TOML
            ("[identity", "1: Expected ']' at the end of a table declaration"),
            ("[cell]\napn = internet\n", '2: Invalid value; text stands in quotes, as in key = "text"'),
            ("[cell]\napn\n", "2: Expected '=' after a key in a key/value pair; a line is [table] or key ="),
            (
                "[cell]\nact = 7 rsrp = 5\n",
                "2: Expected newline or end of document after a statement; one key to a line",
            ),
            ("[cell]\n[cell]\n", "2: Cannot declare ('cell',) twice; it is there twice, once would be right"),
            ('[cell]\napn = "a\n\n\n', "2: Illegal character '\\n'; a quote is missing"),
            ("[cell]\napn = 'a\n\n\n", '2: Expected "\'"; a quote is missing'),
            ('[cell]\napn = "a\\d"\n', "2: Unescaped '\\' in a string; in quotes"),
            ("[cell]\nx = [1,\n2\n", "3: Unclosed array; a ] is missing"),
            (f"\nx = {'[' * 10_000}\n", "2: it is nested too deep"),
            (f"y = 1\nx = [{'[' * 10_000}\n{']' * 10_000}]\n", "2: it is nested too deep"),
            (f"[identity]\n{'x.' * 3000}x = 1\n", "2: identity.x is unknown; known are manufacturer"),
            (f"[{'x.' * 3000}x]\n", "1: x is unknown; known are identity"),
        ],
    )
    def test_a_mistake_has_its_line(self, tmp_path, text, message):
        assert mistake(tmp_path, text).startswith(message)

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"\xff\xfe[\0c\0", ":1: byte 1, 0xff, is no text in UTF-8; a file of TOML would be right"),
            (b"[cell]\napn = '\xe9'\n", ":2: byte 15, 0xe9, is no text in UTF-8"),
            (b"\x7fELF\x02\x01\0\0", ":1: "),
            (b"\0" * 100, ":1: "),
        ],
    )
    def test_what_is_no_text(self, tmp_path, data, message):
        path = tmp_path / "modem.toml"
        path.write_bytes(data)
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        assert str(caught.value).startswith(f"{path}{message}")
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("name", ["nothing", ".", "file/below", "n" * 300])
    def test_what_cannot_be_read(self, tmp_path, name):
        (tmp_path / "file").touch()
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")
        assert str(caught.value).endswith("; a file of TOML would be right")

    def test_what_has_no_end(self):
        with pytest.raises(ConfigError, match="/dev/zero: it has more than"):
            load_config("/dev/zero")

    @pytest.mark.parametrize("data", [b"\xef\xbb\xbf[cell]\nact = 9\n", b"[cell]\r\nact = 9\r\n", b"\n[cell]\nact = 9"])
    def test_what_editors_do(self, tmp_path, data):
        path = tmp_path / "modem.toml"
        path.write_bytes(data)
        assert load_config(path).cell.act == 9


class TestCheck:
    """A configuration that no file made is looked at too."""

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            (Config(identity=Identity(model='a"b')), "identity.model is 'a\"b', accepted: Latin-1 text"),
            (Config(identity=Identity(uuid="x")), "identity.uuid is 'x', accepted: a UUID"),
            (Config(identity=Identity(imei=5)), "identity.imei is 5, accepted: text in quotes: 15 digits"),
            (Config(identity={"imei": "1"}), "identity is a table, accepted: a Identity"),
            (Config(network=(AccessPoint(), AccessPoint(channel=0))), "network[1].channel is 0, accepted: 1 to 14"),
        ],
    )
    def test_it_is_refused(self, config, message):
        with pytest.raises(ConfigError) as caught:
            check(config)
        assert str(caught.value).startswith(message)

    def test_the_default_is_accepted(self):
        check(Config(network=(AccessPoint(),)))


NAMES = st.sampled_from(
    [*TABLES, "name", "dialect", *(option.name for kind in TABLES.values() for option in fields(kind))]
)
VALUES = st.one_of(
    *(st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.dates(), st.just(10**400), st.just("1" * 15))
)


@given(
    st.dictionaries(
        st.one_of(NAMES, st.text(max_size=4)),
        st.recursive(
            VALUES, lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=3))
        ),
        max_size=3,
    )
)
def test_any_tables_are_a_configuration_or_a_mistake_in_one_line(raw):
    try:
        check(configured(raw))
    except ConfigError as error:
        mistake = error
    else:
        return
    assert str(mistake).isprintable()
    assert mistake.key
    assert re.search("accepted: .|did you mean .|known are .|belongs in .", str(mistake))
