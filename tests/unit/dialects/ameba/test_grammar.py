import pytest

from vmodem.core.errors import CommandError
from vmodem.core.syntax import Form
from vmodem.dialects.ameba.syntax import atoi, parse


@pytest.mark.parametrize(
    ("line", "name", "fields"),
    [
        (b"AT+X", "+X", []),
        (b"AT+X=", "+X", [""]),
        (b"AT+X=,", "+X", ["", ""]),
        (b'AT+X=a, "b,c" ,d=e\\,f', "+X", ["a", ' "b', 'c" ', "d=e\\", "f"]),
        (b"  AT+X=\xe9", "+X", ["\xe9"]),
        (b"A\nT\xff+X=a\tb", "+X", ["a b"]),
        (b"AT+SKTSEND=0,1,,,\\,", "+SKTSEND", ["0", "1", "", "", ","]),
        (b"AT+SKTSENDRAW=\\\\,\\\\\\,", "+SKTSENDRAW", ["\\", "\\,"]),
    ],
)
def test_a_line_is_a_name_and_fields(line, name, fields):
    assert parse(line) == (name, Form.SET, fields)


@pytest.mark.parametrize("line", [b"", b"   ", b"\n", b"\xff\n\xff"])
def test_an_empty_line_is_ignored(line):
    assert parse(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b"AT",
        b"ATE0",
        b"AT+X?",
        b"AT+x",
        b"AT+ABCDEFGHIJKLMNOPQ",
        b"at+x",
        b"+SKTSTATE",
        b"AAT+X",
        b"AT+SKTSEND=\\",
        b"AT+SKTSEND=\\n",
        b"AT+SKTSEND=\\\\\\",
    ],
)
def test_what_is_no_command_and_what_cannot_be_escaped_are_errors(line):
    with pytest.raises(CommandError):
        parse(line)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("7", 7),
        (" \t+7", 7),
        ("-7x9", -7),
        ("0x10", 0),
        ("007", 7),
        ("x7", 0),
        ("+-7", 0),
        ("- 7", 0),
        ("9" * 1900, 2**31 - 1),
        ("-" + "9" * 1900, -(2**31)),
        ("\xb2", 0),
    ],
)
def test_numbers_are_read_as_c_reads_them(text, number):
    assert atoi(text) == number
