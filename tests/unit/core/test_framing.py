import random

import pytest

from vmodem.core.framing import EscapeReader, Flush, LineReader, LineRules, LineTooLong, Terminator

CR, LF, CRLF = Terminator.CR, Terminator.LF, Terminator.CRLF


def lines(data, terminator=CR, limit=4096, chunks=None):
    """Return the lines of ``data``, fed in ``chunks`` of the given sizes; "too long" stands for LineTooLong."""
    reader, buffer, found = LineReader(terminator, LineRules(limit)), bytearray(), []
    for size in chunks or [len(data)]:
        buffer += data[:size]
        data = data[size:]
        while True:
            try:
                line = reader.read(buffer)
            except LineTooLong:
                found.append("too long")
                continue
            if line is None:
                break
            found.append(line)
    assert not data
    return found


CASES = [
    (CR, b"AT\r", [b"AT"]),
    (CR, b"AT\r\nATE0\r\n", [b"AT", b"ATE0"]),
    (CR, b"\r\n\r\n", [b"", b""]),
    (CR, b"\nAT\r", [b"\nAT"]),
    (CR, b'AT="a\rb"\r', [b'AT="a\rb"']),
    (CR, b"AX\x08T\x7fT\r", [b"AT"]),
    (CR, b"\x08\x08AT\r", [b"AT"]),
    (CR, b"ATE\x081\r", [b"AT1"]),
    (LF, b"AT\nAT\r\n", [b"AT", b"AT"]),
    (CRLF, b"AT\r\n", [b"AT"]),
    (CRLF, b"A\rT\n\r\n", [b"A\rT\n"]),
    (CR, b"x" * 10 + b"\r", [b"x" * 10]),
    (CR, b"x" * 11 + b"\r", ["too long"]),
    (CR, b"x" * 100 + b"\rAT\r", ["too long", b"AT"]),
    (CR, b'"' + b"x" * 100 + b"\rAT\r", ["too long", b"AT"]),
    (CR, b'"' + b"x" * 100 + b'"\rAT\r', ["too long", b"AT"]),
    (CR, b"x" * 11 + b'"\rAT\r', ["too long", b"AT"]),
    (CRLF, b"x" * 10 + b"\r\n", [b"x" * 10]),
    (CRLF, b"x" * 11 + b"\r\nAT\r\n", ["too long", b"AT"]),
    (CRLF, b"x" * 11 + b"\n\rx\nx\r\nAT\r\n", ["too long", b"AT"]),
    (LF, b"x" * 11 + b"\r\nAT\n", ["too long", b"AT"]),
    (CR, b"\x00\xff\x80\r", [b"\x00\xff\x80"]),
    (CR, b'"AT\r', []),
]


@pytest.mark.parametrize(("terminator", "data", "expected"), CASES)
def test_lines_are_the_same_however_the_bytes_are_cut(terminator, data, expected):
    assert lines(data, terminator, 10) == expected
    assert lines(data, terminator, 10, [1] * len(data)) == expected
    for seed in range(20):
        sizes, left, dice = [], len(data), random.Random(seed)
        while left:
            sizes.append(dice.randint(1, left))
            left -= sizes[-1]
        assert lines(data, terminator, 10, sizes) == expected


def test_echo_copies_every_byte_once_up_to_the_terminator():
    reader, buffer, echo = LineReader(CR, LineRules(100)), bytearray(), bytearray()
    for byte in b"ATX\x08E0\r\n":
        buffer.append(byte)
        reader.read(buffer, echo)
    assert echo == b"ATX\x08E0\r"


def test_echo_of_an_overlong_line():
    reader, buffer, echo = LineReader(CR, LineRules(3)), bytearray(b"abcdefgh\r"), bytearray()
    with pytest.raises(LineTooLong):
        reader.read(buffer, echo)
    assert echo == b"abcdefgh\r"


def test_memory_for_an_endless_line_is_bounded():
    reader, buffer = LineReader(CR, LineRules(4096)), bytearray()
    for _ in range(100):
        buffer += b'"' * 1000
        assert reader.read(buffer) is None
        assert len(buffer) <= 4098


class TestLineFeedBeforeData:
    def read_line(self, data):
        reader, buffer = LineReader(CR, LineRules(100)), bytearray(data)
        while reader.read(buffer) is not None:
            pass
        return reader, buffer

    def test_belongs_to_the_line_of_a_host_that_sends_cr_lf(self):
        reader, buffer = self.read_line(b"AT\r\nAT\r")
        reader.enter_data(swallow=True)
        assert not reader.skip_line_feed(buffer)  # not known before another byte came
        buffer += b"\ndata"
        assert reader.skip_line_feed(buffer)
        assert buffer == b"data"

    def test_is_data_of_a_host_that_sends_cr_only(self):
        reader, buffer = self.read_line(b"AT\rAT\r")
        reader.enter_data(swallow=True)
        buffer += b"\ndata"
        assert reader.skip_line_feed(buffer)
        assert buffer == b"\ndata"

    def test_is_data_where_the_firmware_takes_it_so(self):
        reader, buffer = self.read_line(b"AT\r\nAT\r")
        reader.enter_data(swallow=False)
        buffer += b"\n"
        assert reader.skip_line_feed(buffer)
        assert buffer == b"\n"


class TestEscapeReader:
    def read(self, data, *, idle=False, datagrams=False, capacity=8):
        buffer = bytearray(data)
        return EscapeReader(b"+++", capacity, datagrams=datagrams).read(buffer, idle=idle), bytes(buffer)

    @pytest.mark.parametrize(
        ("data", "idle", "piece", "left"),
        [
            (b"", False, None, b""),
            (b"", True, None, b""),
            (b"abc", False, None, b"abc"),
            (b"abc", True, (b"abc", Flush.IDLE), b""),
            (b"abc+++AT\r", False, (b"abc", Flush.ESCAPE), b"AT\r"),
            (b"+++", False, (b"", Flush.ESCAPE), b""),
            (b"++++", False, (b"", Flush.ESCAPE), b"+"),
            (b"a++b", True, (b"a++b", Flush.IDLE), b""),
            (b"++", True, None, b"++"),
            (b"a++", False, None, b"a++"),
            (b"a++", True, (b"a++", Flush.IDLE), b""),
            (b"12345678", False, (b"12345678", Flush.FULL), b""),
            (b"1234567890++", False, (b"1234567890", Flush.FULL), b"++"),
        ],
    )
    def test_stream(self, data, idle, piece, left):
        assert self.read(data, idle=idle) == (piece, left)

    @pytest.mark.parametrize(
        ("data", "idle", "piece", "left"),
        [
            (b"12345678", False, None, b"12345678"),
            (b"12345678", True, (b"12345678", Flush.IDLE), b""),
            (b"12345678+++", False, (b"12345678", Flush.ESCAPE), b""),
            (b"123456789", False, (b"123456789", Flush.OVERFLOW), b""),
            (b"123456789+++", False, (b"123456789", Flush.OVERFLOW), b"+++"),
        ],
    )
    def test_datagrams(self, data, idle, piece, left):
        assert self.read(data, idle=idle, datagrams=True) == (piece, left)

    def test_silence_flushes_only_what_is_data(self):
        reader = EscapeReader(b"+++", 8, datagrams=False)
        assert not reader.waiting(bytearray(b"++"))
        assert reader.waiting(bytearray(b"a++"))

    def test_all_that_is_left_is_data_when_no_more_can_come(self):
        buffer = bytearray(b"a++")
        assert EscapeReader(b"+++", 8, datagrams=False).rest(buffer) == b"a++"
        assert not buffer
