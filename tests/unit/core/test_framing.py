import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmodem.core.framing import (
    CountReader,
    EscapeReader,
    Flush,
    LineReader,
    LineRules,
    LineTooLong,
    Overlong,
    SilenceReader,
    Terminator,
)

CR, LF, CRLF = Terminator.CR, Terminator.LF, Terminator.CRLF


def lines(data, terminator=CR, limit=4096, chunks=None, rules=None, overlong=Overlong.ERROR):
    """Return the lines of ``data``, fed in ``chunks`` of the given sizes; "too long" stands for LineTooLong."""
    reader, buffer, found = LineReader(terminator, rules or LineRules(limit), overlong), bytearray(), []
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


def cut_at_random(data, seed):
    sizes, left, dice = [], len(data), random.Random(seed)
    while left:
        sizes.append(dice.randint(1, left))
        left -= sizes[-1]
    return sizes


def ways_to_cut(data):
    """Return several lists of chunk sizes: whole, byte by byte, at random."""
    return [[len(data)], [1] * len(data), *(cut_at_random(data, seed) for seed in range(20))]


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
    (CR, b'"' + b"x" * 100 + b"\rAT\r", []),
    (CR, b'"' + b"x" * 100 + b'"\rAT\r', ["too long", b"AT"]),
    (CR, b"x" * 11 + b'"\rAT\r', []),
    (CRLF, b"x" * 10 + b"\r\n", [b"x" * 10]),
    (CRLF, b"x" * 11 + b"\r\nAT\r\n", ["too long", b"AT"]),
    (CRLF, b"x" * 11 + b"\n\rx\nx\r\nAT\r\n", ["too long", b"AT"]),
    (LF, b"x" * 11 + b"\r\nAT\n", ["too long", b"AT"]),
    (CR, b"\x00\xff\x80\r", [b"\x00\xff\x80"]),
    (CR, b'"AT\r', []),
]


@pytest.mark.parametrize(("terminator", "data", "expected"), CASES)
def test_lines_are_the_same_however_the_bytes_are_cut(terminator, data, expected):
    for chunks in ways_to_cut(data):
        assert lines(data, terminator, 10, chunks) == expected


AT_ONCE, TRUNCATE = Overlong.ERROR_AT_ONCE, Overlong.TRUNCATE

OTHER_RULES = [
    # An error at once: the line has no room for one byte more, its terminator not counted; the rest is a new line.
    (CRLF, LineRules(10), AT_ONCE, b"x" * 10 + b"\r\n", [b"x" * 10]),
    (CRLF, LineRules(10), AT_ONCE, b"x" * 11, []),
    (CRLF, LineRules(10), AT_ONCE, b"x" * 12, ["too long"]),
    (CRLF, LineRules(10), AT_ONCE, b"x" * 12 + b"AT\r\n", ["too long", b"AT"]),
    (CRLF, LineRules(10), AT_ONCE, b"x" * 15 + b"\r\nAT\r\n", ["too long", b"xxx", b"AT"]),
    (CRLF, LineRules(10), AT_ONCE, b"x" * 11 + b"\r\nAT\r\n", ["too long", b"\nAT"]),
    (CRLF, LineRules(10), AT_ONCE, b"x" * 30, ["too long", "too long"]),
    (CRLF, LineRules(10), AT_ONCE, b'"' + b"x" * 11 + b"AT\r\n", ["too long", b"AT"]),
    (CRLF, LineRules(10), AT_ONCE, b'"' + b"x" * 9 + b"\r\nAT\r\n", ["too long", b"AT"]),
    (CRLF, LineRules(10), AT_ONCE, b"x" * 11 + b"\x08\x08" + b"\r\nAT\r\n", [b"x" * 9, b"AT"]),
    # Truncated: the beginning is the line.
    (CR, LineRules(10), TRUNCATE, b"1234567890\r", [b"1234567890"]),
    (CR, LineRules(10), TRUNCATE, b"12345678901\r", [b"1234567890"]),
    (CR, LineRules(10), TRUNCATE, b"1234567890" + b"x" * 100 + b"\rAT\r", [b"1234567890", b"AT"]),
    (CR, LineRules(10), TRUNCATE, b"1234567890" + b"x" * 100 + b"\r\nAT\r", [b"1234567890", b"AT"]),
    (CRLF, LineRules(10), TRUNCATE, b"12345678901\r\nAT\r\n", [b"1234567890", b"AT"]),
    (CRLF, LineRules(10), TRUNCATE, b"1234567890x\n\rx\r\nAT\r\n", [b"1234567890", b"AT"]),
    (LF, LineRules(10), TRUNCATE, b"12345678901\nAT\n", [b"1234567890", b"AT"]),
    (CR, LineRules(10), TRUNCATE, b"x" * 100, []),
    # A NUL ends a line too.
    (CR, LineRules(10, nul=True), Overlong.ERROR, b"AT\0AT\r", [b"AT", b"AT"]),
    (CRLF, LineRules(10, nul=True), Overlong.ERROR, b"AT\0A\nT\r\n", [b"AT", b"A\nT"]),
    (LF, LineRules(10, nul=True), Overlong.ERROR, b"\0\0AT\0", [b"", b"", b"AT"]),
    (CR, LineRules(10, nul=True), Overlong.ERROR, b"AT\r\0AT\r", [b"AT", b"", b"AT"]),
    (CR, LineRules(10, nul=True), Overlong.ERROR, b'"\0"\r', [b'"\0"']),
    (CR, LineRules(10, nul=True), Overlong.ERROR, b"x" * 20 + b"\0AT\r", ["too long", b"AT"]),
    (CR, LineRules(10, nul=True), TRUNCATE, b"x" * 20 + b"\0AT\r", [b"x" * 10, b"AT"]),
    # Quotes mean nothing.
    (CR, LineRules(10, quotes=False), Overlong.ERROR, b'"AT\r"\r', [b'"AT', b'"']),
    (CRLF, LineRules(10, quotes=False), Overlong.ERROR, b'A"\r\nAT\r\n', [b'A"', b"AT"]),
    (CR, LineRules(10, quotes=False), Overlong.ERROR, b'"\x08AT\r', [b"AT"]),
    (CR, LineRules(10, quotes=False, nul=True), TRUNCATE, b'"' * 20 + b'\0"\r', [b'"' * 10, b'"']),
]


@pytest.mark.parametrize(("terminator", "rules", "overlong", "data", "expected"), OTHER_RULES)
def test_so_are_those_of_other_rules(terminator, rules, overlong, data, expected):
    for chunks in ways_to_cut(data):
        assert lines(data, terminator, chunks=chunks, rules=rules, overlong=overlong) == expected


@given(
    data=st.lists(st.sampled_from([b"A", b"xxxxx", b"\r", b"\n", b"\r\n", b'"', b"\0", b"\x08"]), max_size=40).map(
        b"".join
    ),
    terminator=st.sampled_from(Terminator),
    overlong=st.sampled_from(Overlong),
    quotes=st.booleans(),
    nul=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_no_rules_depend_on_the_cut(data, terminator, overlong, quotes, nul, seed):
    rules = LineRules(10, quotes=quotes, nul=nul)
    whole = lines(data, terminator, rules=rules, overlong=overlong)
    assert lines(data, terminator, chunks=[1] * len(data), rules=rules, overlong=overlong) == whole
    assert lines(data, terminator, chunks=cut_at_random(data, seed), rules=rules, overlong=overlong) == whole
    assert all(line == "too long" or len(line) <= 10 for line in whole)


@pytest.mark.parametrize("overlong", Overlong)
def test_memory_for_an_endless_line_is_bounded_by_any_rule(overlong):
    reader, buffer = LineReader(CRLF, LineRules(4096), overlong), bytearray()
    for _ in range(100):
        buffer += b'"' * 1000
        with contextlib.suppress(LineTooLong):
            assert reader.read(buffer) is None
        assert len(buffer) <= 4098


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


class TestSilenceReader:
    @pytest.mark.parametrize(
        ("data", "idle", "piece", "left"),
        [
            (b"", False, None, b""),
            (b"", True, None, b""),
            (b"abc", False, None, b"abc"),
            (b"abc", True, (b"abc", Flush.IDLE), b""),
            (b"abc+++", False, None, b"abc+++"),
            (b"abc+++", True, (b"abc", Flush.ESCAPE), b""),
            (b"+++", True, (b"", Flush.ESCAPE), b""),
            (b"++++", True, (b"+", Flush.ESCAPE), b""),
            (b"++", True, (b"++", Flush.IDLE), b""),
            (b"a+++b", True, (b"a+++b", Flush.IDLE), b""),
            (b"+++\r\n", True, (b"+++\r\n", Flush.IDLE), b""),
            (b"1234567890", False, None, b"1234567890"),
            (b"12345678901", False, (b"12345678", Flush.FULL), b"901"),
            (b"12345678+++", False, (b"12345678", Flush.FULL), b"+++"),
            (b"12345678+++", True, (b"12345678", Flush.ESCAPE), b""),
            (b"1234567890", True, (b"1234567890", Flush.IDLE), b""),
        ],
    )
    def test_pieces(self, data, idle, piece, left):
        buffer = bytearray(data)
        assert SilenceReader(b"+++", 8).read(buffer, idle=idle) == piece
        assert buffer == left

    def test_silence_flushes_whatever_there_is(self):
        reader = SilenceReader(b"+++", 8)
        assert not reader.waiting(bytearray())
        assert reader.waiting(bytearray(b"+"))

    def test_all_that_is_left_is_data_when_no_more_can_come(self):
        buffer = bytearray(b"a++")
        assert SilenceReader(b"+++", 8).rest(buffer) == b"a++"
        assert not buffer

    @given(
        bursts=st.lists(st.text("+ab", min_size=1, max_size=40).map(str.encode), max_size=6),
        seed=st.integers(0, 2**32),
    )
    def test_pieces_are_the_same_however_each_burst_is_cut(self, bursts, seed):
        whole = self.pieces(bursts, lambda burst: [len(burst)])
        assert self.pieces(bursts, lambda burst: [1] * len(burst)) == whole
        assert self.pieces(bursts, lambda burst: cut_at_random(burst, seed)) == whole
        ended = [burst.endswith(b"+++") for burst in bursts]
        sent = bursts[: ended.index(True) + 1] if True in ended else bursts
        expected = b"".join(sent)
        assert b"".join(data for data, _ in whole) == (expected[:-3] if True in ended else expected)
        assert (Flush.ESCAPE in [why for _, why in whole]) == (True in ended)

    @staticmethod
    def pieces(bursts, cut):
        """Return the pieces of bursts with silence after each, up to the escape sequence."""
        reader, buffer, found = SilenceReader(b"+++", 8), bytearray(), []
        for burst in bursts:
            at = 0
            for size in [*cut(burst), 0]:
                buffer += burst[at : at + size]
                at += size
                while (piece := reader.read(buffer, idle=not size)) is not None:
                    found.append(piece)
                    if piece[1] is Flush.ESCAPE:
                        return found
        return found


class TestCountReader:
    def test_takes_as_many_as_it_counts_whatever_they_are(self):
        buffer = bytearray(b"+++\r\nAT")
        assert CountReader(5).read(buffer, idle=False) == (b"+++\r\n", Flush.FULL)
        assert buffer == b"AT"

    def test_silence_means_nothing(self):
        reader, buffer = CountReader(5), bytearray(b"1234")
        assert reader.read(buffer, idle=True) is None
        assert not reader.waiting(buffer)
        assert buffer == b"1234"

    def test_takes_what_there_is_when_no_more_can_come(self):
        buffer = bytearray(b"1234")
        assert CountReader(5).rest(buffer) == b"1234"
        assert not buffer

    @given(data=st.binary(max_size=50), count=st.integers(1, 50), seed=st.integers(0, 2**32))
    def test_takes_the_same_however_the_bytes_are_cut(self, data, count, seed):
        reader, buffer, found, at = CountReader(count), bytearray(), [], 0
        for size in cut_at_random(data, seed):
            buffer += data[at : at + size]
            at += size
            while (piece := reader.read(buffer, idle=False)) is not None:
                found.append(piece)
        assert found == [(data[i : i + count], Flush.FULL) for i in range(0, len(data) - count + 1, count)]
        assert buffer == data[len(found) * count :]
