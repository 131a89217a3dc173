import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmodem.core.errors import CommandError
from vmodem.core.syntax import EMPTY, Form
from vmodem.dialects.nrf.slm.syntax import parse, parse_skipping

SET, READ, TEST = Form.SET, Form.READ, Form.TEST

LINES = [
    (b"AT", "", SET, []),
    (b"at", "", SET, []),
    (b"AT#XLISTEN", "#XLISTEN", SET, []),
    (b"at#xlisten", "#XLISTEN", SET, []),
    (b"AT#XSOCKET?", "#XSOCKET", READ, []),
    (b"AT#XSOCKET=?", "#XSOCKET", TEST, []),
    (b"AT+CFUN=1", "+CFUN", SET, [1]),
    (b"AT%XSIM?", "%XSIM", READ, []),
    (b"AT#X2=1", "#X2", SET, [1]),
    (b"AT#X=1,2,3", "#X", SET, [1, 2, 3]),
    (b"AT#X=1:2=3", "#X", SET, [1, 2, 3]),
    (b'AT#X="h":80', "#X", SET, ["h", 80]),
    (b"AT#X=-5,0,-0,007", "#X", SET, [-5, 0, 0, 7]),
    (b"AT#X=99999999999999999999", "#X", SET, [99999999999999999999]),
    (b"AT#X= 1,\t2, -3", "#X", SET, [1, 2, -3]),
    (b"AT#X=1 ", "#X", SET, [1]),
    (b"AT#X=1\r", "#X", SET, [1]),
    (b'AT#X= "a"', "#X", SET, ["a"]),
    (b"AT#X=", "#X", SET, []),
    (b"AT#X= ", "#X", SET, []),
    (b"AT#X=1,", "#X", SET, [1]),
    (b'AT#X="a",', "#X", SET, ["a"]),
    (b"AT#X=,", "#X", SET, [EMPTY]),
    (b"AT#X=1,,2", "#X", SET, [1, EMPTY, 2]),
    (b"AT#X=,1", "#X", SET, [EMPTY, 1]),
    (b"AT#X=::=1", "#X", SET, [EMPTY, EMPTY, EMPTY, 1]),
    (b'AT#X=""', "#X", SET, [""]),
    (b'AT#X="a,b:c=d;+%#?"', "#X", SET, ["a,b:c=d;+%#?"]),
    (b'AT#X="a\r\nb\\"', "#X", SET, ["a\r\nb\\"]),
    (b'AT#X="\xe9\xff"', "#X", SET, ["\xe9\xff"]),
    (b"AT\0garbage", "", SET, []),
    (b"AT#X=1\0,2", "#X", SET, [1]),
    (b"AT#X=" + b"7," * 40, "#X", SET, [7] * 40),
]

BAD = [
    b"A", b"A/", b"ATI", b"ATZ", b"ATE0", b"ATE1", b"AT&F", b"ATD123", b"ATAT", b"AT ", b"AT?", b"AT=?", b"AT=1",
    b"AT\r", b"AT+", b"AT%", b"AT#", b"AT#?", b"AT#=1", b"AT##X", b"AT #X", b"AT# X", b"AT#X ?", b"AT#X =1", b"AT#X!",
    b"AT#X,1", b"AT#X:1", b"AT#X_Y", b"AT#X;", b"AT#X?1", b"AT#X?;+CFUN?", b"AT#X=?1", b"AT#X=? ", b"AT#\xe9",
    b"AT\xe9", b"AT#X=+5", b"AT#X=1,+5", b"AT#X=1,%5", b"AT#X=0x10", b"AT#X=1a", b"AT#X=1.5", b"AT#X=1e3",
    b"AT#X=-", b"AT#X=--1", b"AT#X=word", b"AT#X='a'", b'AT#X="a', b'AT#X="a"b', b'AT#X="a\0"', b"AT#X=1;2",
    b"AT#X=  1", b"AT#X=1,  2", b"AT#X=" + b"7," * 41,
]  # fmt: skip


@pytest.mark.parametrize("read", [parse, parse_skipping])
@pytest.mark.parametrize(("line", "name", "form", "values"), LINES)
def test_lines(read, line, name, form, values):
    assert read(line) == (name, form, values)


@pytest.mark.parametrize("read", [parse, parse_skipping])
@pytest.mark.parametrize("line", [line for line in BAD if b"AT" not in line[1:]])
def test_bad_lines(read, line):
    with pytest.raises(CommandError):
        read(line)


@pytest.mark.parametrize("line", [*BAD, b"", b"\0AT", b" AT", b"\nAT", b"xAT", b"hello"])
def test_versions_1_9_and_2_0_skip_nothing(line):
    with pytest.raises(CommandError):
        parse(line)


class TestSkipping:
    def test_an_empty_line_is_ignored(self):
        assert parse_skipping(b"") is None

    @pytest.mark.parametrize("line", [b"\0", b"\0\0", b"noise", b"\0A", b" ", b"A T", b"XSOCKET?"])
    def test_a_line_without_at_is_an_error(self, line):
        with pytest.raises(CommandError):
            parse_skipping(line)

    def test_a_nul_before_at_is_noise_and_one_behind_it_ends_the_line(self):
        assert parse_skipping(b"\0\0AT#X\0=1") == parse(b"AT#X")

    @pytest.mark.parametrize("noise", [b" ", b"\n", b"\r\n", b"noise", b"+++", b"A", b"aT", b'"'])
    @pytest.mark.parametrize("line", [b"AT", b"at#xsocket?", b'AT#XCONNECT="AT",80'])
    def test_what_stands_before_at_is_skipped(self, noise, line):
        assert parse_skipping(noise + line) == parse(line)


integers = st.integers(-(2**40), 2**40)
strings = st.text(st.characters(codec="latin-1", exclude_characters='"\0\x08\x7f'), max_size=30)
parameters = st.lists(st.one_of(integers, strings, st.just(EMPTY)), max_size=40)


def written(value):
    if value is EMPTY:
        return ""
    return f'"{value}"' if isinstance(value, str) else str(value)


@given(name=st.from_regex("[+%#][A-Za-z0-9]{1,12}", fullmatch=True), suffix=st.sampled_from(["", "?", "=?"]))
def test_every_name_is_a_command(name, suffix):
    form = {"": SET, "?": READ, "=?": TEST}[suffix]
    line = f"AT{name}{suffix}".encode()
    assert parse(line) == parse_skipping(line) == (name.upper(), form, [])


@given(values=parameters, separators=st.lists(st.sampled_from(",:="), min_size=40, max_size=40), space=st.booleans())
def test_what_is_written_is_read(values, separators, space):
    words = [(" " if space else "") + written(value) for value in values]
    text = "".join(word + separator for word, separator in zip(words, separators, strict=False))
    request = parse(b"AT#XSEND=" + text.encode("latin-1"))  # each has a separator behind it, the last one too
    assert request == ("#XSEND", SET, values)


@given(values=st.lists(st.one_of(integers, strings), min_size=1, max_size=40))
def test_a_separator_at_the_end_makes_no_difference(values):
    text = ",".join(map(written, values)).encode("latin-1")
    assert parse(b"AT#X=" + text) == parse(b"AT#X=" + text + b",") == ("#X", SET, values)


@given(count=st.integers(41, 300), value=st.sampled_from(["1", '"x"', ""]))
def test_more_than_40_parameters_are_an_error(count, value):
    with pytest.raises(CommandError):
        parse(b"AT#X=" + f"{value},".encode() * count)


@given(line=st.binary(max_size=200))
def test_any_bytes_are_a_request_or_an_error(line):
    for read in (parse, parse_skipping):
        try:
            request = read(line)
        except CommandError:
            continue
        assert request is None or request.name == request.name.upper()


@given(
    line=st.sampled_from([line for line, *_ in LINES]),
    noise=st.binary(max_size=20).filter(lambda noise: b"\0" not in noise and b"A" not in noise and b"a" not in noise),
)
def test_noise_before_a_command_makes_no_difference_to_version_2_7(line, noise):
    assert parse_skipping(noise + line) == parse(line)


def test_the_modem_core_has_another_grammar():
    assert parse(b"AT+CFUN=+1").values == [1]
    assert parse(b"AT+COPS=1,2,word").values == [1, 2, "word"]
    assert parse(b"AT+CGDCONT=0,").values == [0, EMPTY]
