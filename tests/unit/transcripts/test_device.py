from __future__ import annotations

import io

import pytest

from vmodem import dialects
from vmodem.transcripts.device import play_device
from vmodem.transcripts.format import parse
from vmodem.transcripts.matching import Difference
from vmodem.transcripts.play import run

DIALECT = dialects.find("sm-1.0")


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
