"""A regular expression that would never come to an end is a mistake with its line, wherever a file is played."""

from __future__ import annotations

import io
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vmodem import dialects
from vmodem.transcripts import pattern
from vmodem.transcripts.device import play_device
from vmodem.transcripts.format import TranscriptError, parse
from vmodem.transcripts.pattern import SlowPatternError, matches
from vmodem.transcripts.play import run
from vmodem.transcripts.update import update

DIALECT = dialects.find("sm-1.0")
LINE = "a" * 60
TEXT = f"given config identity.model {LINE}\n> AT+CGMM\n<~ (a+)+b\n< OK\n"
SAID = ":3: '(a+)+b' takes more than 5 s of computing for this line; one without repetitions in repetitions"


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(pattern, "LIMIT", 0.05)


def test_one_that_is_played(write) -> None:
    path = write(TEXT + "\n> AT\n< OK\n")
    out = io.StringIO()
    assert run([path], out=out) == 1
    first, *rest = out.getvalue().splitlines()
    assert first.startswith(f"{path}{SAID}")
    assert rest == [f"{path}: 1 block passed, 1 failed"]


def test_one_that_is_updated(write) -> None:
    path = write(TEXT)
    with pytest.raises(TranscriptError) as caught:
        update(path, DIALECT, lambda block: True)
    assert str(caught.value).startswith(f"{path}{SAID}")


def test_one_that_a_device_answers(write) -> None:
    path = write(TEXT.partition("\n")[2])

    class Device:
        def __init__(self) -> None:
            self.waiting = b""

        def write(self, data: bytes) -> None:
            self.waiting = f"\r\n{LINE}\r\n\r\nOK\r\n".encode() if data.startswith(b"AT+CGMM") else b"\r\nOK\r\n"

        def read(self, timeout: float) -> bytes:
            data, self.waiting = self.waiting, b""
            return data

    (block,) = parse(path)
    with pytest.raises(TranscriptError) as caught:
        play_device(block, DIALECT, Device())
    assert str(caught.value).startswith(f"{path}{SAID.replace(':3:', ':2:')}")


def test_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    for _ in range(2):
        with pytest.raises(SlowPatternError):
            matches(b"(a+)+b", LINE.encode())
        assert matches(b"(a+)+", LINE.encode())
        assert not matches(b"b", LINE.encode())
        assert signal.getsignal(signal.SIGVTALRM) == before
        assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_another_thread_has_no_bound() -> None:
    assert threading.current_thread() is threading.main_thread()
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(matches, b"(a+)+", LINE.encode()).result()
