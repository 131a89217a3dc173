import pytest

from vmodem.core.errors import CommandError
from vmodem.core.syntax import EMPTY, Form
from vmodem.dialects.nrf.syntax import parse


@pytest.mark.parametrize(
    ("line", "name", "form", "values"),
    [
        (b"AT", "", Form.SET, []),
        (b"at", "", Form.SET, []),
        (b"aT", "", Form.SET, []),
        (b"\nAT", "", Form.SET, []),
        (b"noise ##AT", "", Form.SET, []),
        (b"ATE0", "E", Form.SET, [0]),
        (b"ate1", "E", Form.SET, [1]),
        (b"AT#XSOCKET=1,1,0", "#XSOCKET", Form.SET, [1, 1, 0]),
        (b"at#xsocket=1,1,0", "#XSOCKET", Form.SET, [1, 1, 0]),
        (b"AT#XSOCKET?", "#XSOCKET", Form.READ, []),
        (b"AT#XSOCKET=?", "#XSOCKET", Form.TEST, []),
        (b"AT#XCLOSE", "#XCLOSE", Form.SET, []),
        (b"AT#XCLOSE=", "#XCLOSE", Form.SET, []),
        (b"AT+CFUN=1", "+CFUN", Form.SET, [1]),
        (b"AT%XSIM?", "%XSIM", Form.READ, []),
        (b"AT#X=-1,+5,0", "#X", Form.SET, [-1, 5, 0]),
        (b"AT#X= 1, 2", "#X", Form.SET, [1, 2]),
        (b"AT#X=1,,2", "#X", Form.SET, [1, EMPTY, 2]),
        (b"AT#X=1,", "#X", Form.SET, [1, EMPTY]),
        (b"AT#X=,", "#X", Form.SET, [EMPTY, EMPTY]),
        (b'AT#X="a,b","",1', "#X", Form.SET, ["a,b", "", 1]),
        (b'AT#X="a\r\n\xff"', "#X", Form.SET, ["a\r\n\xff"]),
        (b"AT#X=example.com", "#X", Form.SET, ["example.com"]),
        (b"AT#X=0,0,0,hello world", "#X", Form.SET, [0, 0, 0, "hello world"]),
        (b"AT#X=48656C6C6F", "#X", Form.SET, ["48656C6C6F"]),
        (b"AT#X=1234", "#X", Form.SET, [1234]),
        (b"AT#X=(1,2),3", "#X", Form.SET, ["(1,2)", 3]),
    ],
)
def test_lines(line, name, form, values):
    assert parse(line) == (name, form, values)


def test_an_empty_line_is_ignored():
    assert parse(b"") is None


@pytest.mark.parametrize(
    "line",
    [
        b"hello", b"A/", b"ATI", b"ATZ", b"AT&F", b"ATV1", b"ATE", b"ATE2", b"ATE01", b"AT #X", b"AT#X =1", b"AT#",
        b"AT#X?1", b"AT#X=?1", b"AT#X;", b"AT#X?;+CFUN?", b"AT#X-Y", b"AT#X=host,80", b"AT#X=1 ,2", b'AT#X="a" ,2',
        b'AT#X="a"b', b"AT#X=  1", b"AT#X=$", b"AT#X=(1", b"AT\x00", b"\xe1\xe2", b"AT#X=caf\xe9",
    ],
)  # fmt: skip
def test_bad_lines(line):
    with pytest.raises(CommandError):
        parse(line)


@pytest.mark.parametrize("value", [b"01", b"00", b"-0", b"1.5", b"0x10", b"1e3"])
def test_what_looks_like_a_number_and_is_none_is_no_integer(value):
    try:
        request = parse(b"AT#X=" + value)
    except CommandError:
        return
    assert all(type(found) is str for found in request.values)
