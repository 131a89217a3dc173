from __future__ import annotations

import io
import random
from hashlib import sha256
from pathlib import Path

import pytest

from vmodem import dialects
from vmodem.config import Config
from vmodem.transcripts.device import play_device
from vmodem.transcripts.format import TranscriptError, escape, parse, unescape
from vmodem.transcripts.matching import Difference
from vmodem.transcripts.play import run
from vmodem.transcripts.player import bytewise, configure, play, random_chunks
from vmodem.transcripts.update import update

DIALECT = dialects.find("sm-1.0")


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "test.at"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def difference(write):
    """The difference that playing the only block of a text gives."""

    def difference(text: str) -> Difference | None:
        (block,) = parse(write(text))
        return play(block, DIALECT)

    return difference


class Device:
    """A port with a device that answers whatever ``answers`` says for a line."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self.answers = answers
        self.written: list[bytes] = []
        self.waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)
        answer = self.answers.get(data, b"\r\nOK\r\n")
        self.waiting += [piece for piece in (answer[:3], answer[3:]) if piece]

    def read(self, timeout: float) -> bytes:
        return self.waiting.pop(0) if self.waiting else b""


# Parsing


def test_blank_lines_separate_blocks_and_comments_alone_are_none(write) -> None:
    blocks = parse(write("# about\n\n# page: The page\n> AT\n< OK\n\n\n> AT\n< OK\n"))
    assert [(b.number, b.end, b.page) for b in blocks] == [(3, 5, "The page"), (8, 9, "")]


def test_errata_continue_on_indented_lines(write) -> None:
    (block,) = parse(write("> AT\n< OK\nerrata: one\n    two\nerrata: three\n"))
    assert block.errata == ("one two", "three")


def test_a_block_tells_the_lines_that_it_sends(write) -> None:
    (block,) = parse(write("> AT\n< OK\n>| AT\\r\n< OK\n> AT#XCLOSE\n< OK\n"))
    assert block.lines == ["AT", "AT#XCLOSE"]


@pytest.mark.parametrize(
    "line",
    [
        "AT",
        "peer 0 dances",
        "peer 0 sends hello",
        "peer connects to 1 from 192.0.2.1",
        "wait long",
        ">| \\q",
        "given",
        "  indented",
    ],
)
def test_a_line_that_makes_no_sense_is_named(write, line: str) -> None:
    path = write(f"> AT\n{line}\n")
    with pytest.raises(TranscriptError, match=r"test\.at:2: "):
        parse(path)


@pytest.mark.parametrize(
    "line",
    [
        "given nonsense",
        "given follow nobody",
        "given terminator nul",
        "given config identity.nothing 1",
        "given sockets 1:tcp",
        "given sockets 0:pigeon",
        "given sockets 0:tcp:asleep",
        "given > AT#XNOTHING",
        "given refused 192.0.2.1",
    ],
)
def test_a_given_that_cannot_be_is_named(difference, line: str) -> None:
    with pytest.raises(TranscriptError, match=r"test\.at:1: "):
        difference(f"{line}\n> AT\n< OK\n")


def test_a_peer_that_does_not_exist_is_named(difference) -> None:
    with pytest.raises(TranscriptError, match=r"test\.at:1: handle 0 has no peer"):
        difference('peer 0 sends "x"\n')


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.at"
    path.write_bytes(b"> AT\xff\n")
    with pytest.raises(TranscriptError, match=r"bad\.at:1: byte 0xff is no text in UTF-8"):
        parse(path)


def test_escapes_go_both_ways() -> None:
    every = bytes(range(256))
    assert unescape(escape(every)) == every
    assert unescape(r"\"\{3 ab}é") == b'"ababab\xc3\xa9'


def test_a_config_key_takes_the_type_of_its_default() -> None:
    config = configure(Config(), "cell.rsrp", "17")
    assert configure(config, "cell.roaming", "true").cell.rsrp == 17
    assert configure(config, "identity.imei", "123").identity.imei == "123"


# Playing


@pytest.mark.parametrize(
    "text",
    [
        "> AT\n< OK\n",
        ">| AT\\r\n<| \\r\\nOK\\r\\n\n",
        "> AT\n<~ O.\n",
        "> AT#XSOCKET=1,1,0\n< #XSOCKET: 0,1,6\n<| \\r\\nOK\\r\\n\n",
        "given terminator lf\n> AT\n< OK\n",
        "given follow firmware\ngiven sockets 0:tcp\n> AT#XSSOCKETOPT=0,1,5,2\n< OK\n",
        "given sockets 0:tcp:connected\n> AT#XCLOSE=0\n<~ #XCLOSE.*\n< OK\npeer 0 is closed\n",
    ],
)
def test_a_conversation_that_goes_well(difference, text: str) -> None:
    assert difference(text) is None


@pytest.mark.parametrize(
    ("text", "number", "expected", "actual"),
    [
        ("> AT\n< ERROR\n", 2, "b'ERROR'", r"b'\r\nOK\r\n'"),
        ("> AT\n<| OK\n", 2, "b'OK'", r"b'\r\nOK\r\n'"),
        ("> AT\n<~ E.*\n", 2, "b'E.*'", r"b'\r\nOK\r\n'"),
        (">| AT\n< OK\n", 2, "b'OK'", "b''"),
        ("> AT\nnothing\n", 2, "nothing", r"b'\r\nOK\r\n'"),
        ("> AT\n< OK\n> AT\n", 3, "the end", r"b'\r\nOK\r\n'"),
        ('given sockets 0:tcp:connected\npeer 0 gets "x"\n', 2, "(b'x',)", "(b'',)"),
        ("given sockets 0:tcp:connected\npeer 0 is closed\n", 2, "a closed connection", "an open one"),
        (
            "peer connects to 1 from 192.0.2.1:2\n",
            1,
            "a listening socket",
            "[Errno 111] nobody listens on port 1",
        ),
        ('peer 3 gets "x"\n', 1, "(b'x',)", "handle 3 has no peer"),
    ],
)
def test_a_difference_shows_both_sides(difference, text, number, expected, actual) -> None:
    found = difference(text)
    assert (found.step.number, found.expected, found.actual) == (number, expected, actual)


def test_a_difference_shows_the_conversation_so_far(difference) -> None:
    found = difference("given sockets 0:tcp\n> AT\n< OK\n> AT\n< ERROR\n> AT\n")
    shown = "    given sockets 0:tcp\n    > AT\n    < OK\n    > AT\n    < ERROR\n"
    assert str(found).endswith(f"test.at:5:\n{shown}expected: b'ERROR'\nactual:   b'\\r\\nOK\\r\\n'")


def test_chunking_loses_nothing() -> None:
    data = bytes(range(200))
    assert b"".join(bytewise(data)) == data
    assert b"".join(random_chunks(random.Random(1))(data)) == data


# Updating


def test_update_keeps_what_is_right(write) -> None:
    text = "# page: x\ngiven sockets 0:tcp\n> AT\n<~ O.\n\n# more\n> AT\n<| \\r\\nOK\\r\\n\nerrata: y\n"
    assert update(write(text), DIALECT) == text


def test_update_replaces_adds_and_removes_lines(write) -> None:
    text = "> AT#XSOCKET=1,1,0\n< a\n< b\n< c\n> AT\n# end\n\n> AT\n<| wrong\n> at\n"
    first = "> AT#XSOCKET=1,1,0\n< #XSOCKET: 0,1,6\n< OK\n> AT\n< OK\n# end\n"
    updated = f"{first}\n> AT\n<| \\r\\nOK\\r\\n\n> at\n< OK\n"
    path = write(text)
    assert update(path, DIALECT) == updated
    path.write_text(updated)
    assert update(path, DIALECT) == updated


# Whole files


def test_run_tells_what_passed(write) -> None:
    out = io.StringIO()
    assert run([write("> AT\n< OK\n\n> AT\n< OK\n")], DIALECT, None, out=out) == 0
    assert out.getvalue().endswith("test.at: 2 blocks passed\n")


@pytest.mark.parametrize("text", ["> AT\n< ERROR\n", "nonsense\n"])
def test_run_tells_the_first_fault(write, text: str) -> None:
    out = io.StringIO()
    assert run([write(text)], DIALECT, None, out=out) == 1
    assert "test.at:" in out.getvalue()


def test_a_device_is_brought_into_a_known_state(write) -> None:
    (block,) = parse(write("given sockets 0:tcp\n> AT#XX\n< yes\n< OK\nwait 1\nnothing\n"))
    device = Device({b"AT#XX\r": b"\r\nyes\r\n\r\nOK\r\n"})
    assert play_device(block, DIALECT, device) is None
    assert device.written == [b"AT\r", b"ATE0\r", b"AT#XAPOLL=0\r", b"AT#XCLOSE\r", b"AT#XSOCKET=1,1,0\r", b"AT#XX\r"]


def test_a_device_that_was_left_in_data_mode_is_rescued(write) -> None:
    (block,) = parse(write("> AT#XX\n< OK\n"))
    device = Device({b"AT\r": b"", b"+++": b"\r\n#XDATAMODE: 0\r\n"})
    assert play_device(block, DIALECT, device) is None
    assert device.written[:4] == [b"AT\r", b"+++", b'"\r', b"\r"]


@pytest.mark.parametrize(
    ("text", "number"), [("> AT\n< ERROR\n", 2), ("> AT\nnothing\n", 2), ("> AT\n< OK\n> AT\n", 3)]
)
def test_a_device_that_differs(write, text: str, number: int) -> None:
    (block,) = parse(write(text))
    found = play_device(block, DIALECT, Device({}))
    assert isinstance(found, Difference)
    assert found.step.number == number


@pytest.mark.parametrize(
    "line",
    ["given follow firmware", "given terminator lf", "given host a 192.0.2.1", 'peer 0 sends "x"', "given > AT#XBAD"],
)
def test_what_a_device_cannot_do_is_skipped(write, line: str) -> None:
    out = io.StringIO()
    device = Device({b"AT#XBAD\r": b"\r\nERROR\r\n"})
    assert run([write(f"{line}\n> AT#XX\n< OK\n")], DIALECT, device, out=out) == 1
    assert "skipped" in out.getvalue()
    assert out.getvalue().endswith("0 blocks passed, 1 skipped\n")
    assert b"AT#XX\r" not in device.written


def test_a_credential_is_given(write) -> None:
    digest = sha256(b"a\r\n").hexdigest().upper()
    (block,) = parse(write(f'given credential modem 16 ca "a\\r\\n"\n> AT%CMNG=1\n< %CMNG: 16,0,"{digest}"\n< OK\n'))
    assert play(block, DIALECT) is None


@pytest.mark.parametrize(
    "value", ["", "modem 16 ca", 'modem 16 root "a"', 'sim 16 ca "a"', 'client 11 ca "a"', 'native 1 public_key "a"']
)
def test_what_is_no_credential_is_a_fault(write, value: str) -> None:
    (block,) = parse(write(f"given credential {value}\n> AT\n< OK\n"))
    with pytest.raises(TranscriptError, match=r"test.at:1: "):
        play(block, DIALECT)
