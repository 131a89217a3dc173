"""Files and folders that are played one after the other."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from vmodem import dialects
from vmodem.transcripts.play import run

GOOD = "> AT\n< OK\n"
BAD = "> AT\n< ERROR\n"


@pytest.fixture
def files(tmp_path: Path):
    def write(**texts: str) -> Path:
        for name, text in texts.items():
            path = tmp_path / (name.replace("__", "/") + ".at")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def told(*paths: Path, **options) -> tuple[int, str]:
    out = io.StringIO()
    return run(paths, out=out, **options), out.getvalue()


def test_a_folder_and_what_is_below_it_in_order(files) -> None:
    folder = files(b=GOOD, a=GOOD, c__d=f"{GOOD}\n{GOOD}")
    status, text = told(folder)
    assert status == 0
    assert [Path(line.split(":")[0]).name for line in text.splitlines()[:3]] == ["a.at", "b.at", "d.at"]
    assert text.endswith("3 files: 4 blocks passed\n")


def test_it_goes_on_after_a_difference_and_counts(files) -> None:
    folder = files(a=f"{BAD}\n{GOOD}\n{BAD}", b="nonsense\n", c=GOOD)
    status, text = told(folder)
    assert status == 1
    assert text.count("expected: ") == 2
    assert "a.at: 1 block passed, 2 failed\n" in text
    assert text.endswith("3 files: 2 blocks passed, 2 failed\n")


def test_a_block_that_makes_no_sense_keeps_no_other_from_being_played(files) -> None:
    path = files(a=f"peer 0 closes\n\n{GOOD}\ngiven sockets 7:tcp\n{GOOD}") / "a.at"
    status, text = told(path)
    assert status == 1
    assert text.splitlines() == [
        f"{path}:1: handle 0 has no peer",
        f"{path}:6: '7:tcp' is not a socket: 0:KIND, with KIND one of tcp, udp, tcp6, udp6, raw, tls, dtls",
        f"{path}: 1 block passed, 2 failed",
    ]


def test_only_blocks_with_certain_words(files) -> None:
    folder = files(a='# page: "Send data"\n' + GOOD + "\n" + BAD, b="> AT+CFUN?\n< +CFUN: 1\n< OK\n")
    assert told(folder, words="SEND data")[0] == 0
    assert told(folder, words="cfun")[1].endswith("b.at: 1 block passed\n")
    status, text = told(folder, words="nowhere")
    assert (status, text.splitlines()[-1]) == (1, "no block has 'nowhere' in it")


def test_the_head_of_a_file_is_for_all_its_blocks(files) -> None:
    text = "# A file for one device.\ndialect ameba-2.4\nfollow firmware\n\n> AT+FOO\nnothing\n\n> AT+TEST\n< OK\n"
    other = "dialect ameba\n\ngiven follow manual\n> AT+FOO\n< unknown command AT+FOO\n"
    folder = files(a=text, b=f"dialect slm-1.9\n{GOOD}", c=other)
    assert told(folder) == (0, told(folder)[1])
    (path,) = folder.glob("a.at")
    assert told(path, dialect=dialects.find("ameba"))[0] == 0
    status, text = told(path, dialect=dialects.find("sm"))
    assert (status, text) == (1, f"{path}:2: it is for ameba-2.4, not for sm-1.0\n")


def test_a_difference_tells_why_the_modem_refused(files) -> None:
    folder = files(a="> AT#XSOCKET=9,1,0\n< #XSOCKET: 0,1,6\n", b="> AT\n< NO\n")
    _, text = told(folder)
    assert re.findall("reason: .*", text) == ["reason:   <op> 9 is none of 1, 2"]


@pytest.mark.parametrize("text", ["> AT\n< ERROR\n", "nonsense\n"])
def test_what_is_wrong_is_told_with_its_place(write, text: str) -> None:
    path = write(text)
    status, said = told(path)
    assert (status, said.startswith(f"{path}:")) == (1, True)


def test_the_counts_of_one_file(write) -> None:
    path = write(f"{GOOD}\n{GOOD}")
    assert told(path) == (0, f"{path}: 2 blocks passed\n")
