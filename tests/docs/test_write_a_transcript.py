"""The how-to about transcripts: its files are played, and what it says of them and of mistakes is told."""

import re
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, consoles, conversations

from vmodem.transcripts.play import run

PAGE = "write-a-transcript.md"
MISTAKES = re.findall(r"^\| `(.*?)` \| `(bad\.at:.*?)` \|$", (DOCS / PAGE).read_text(), re.MULTILINE)


def play(folder, *words):
    """Return what ``vmodem play`` prints."""
    command = [sys.executable, "-m", "vmodem", "play", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def folder(tmp_path):
    """The files of the page."""
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "slm.at").write_text(*conversations(PAGE, "# The answers of the firmware"))
    (tmp_path / "hello.at").write_text(*conversations(PAGE, "# An answer of five bytes"))
    return tmp_path


@pytest.mark.parametrize(("command", "printed"), consoles(PAGE))
def test_its_files_are_played_as_it_says(folder, command, printed):
    assert play(folder, *shlex.split(command)[2:]) == printed


def test_its_first_example_passes(tmp_path):
    (tmp_path / "first.at").write_text(*conversations(PAGE, '# page: "Send data #XSEND"'))
    assert play(tmp_path, "first.at") == "first.at: 1 block passed\n"


def test_an_update_makes_a_file_pass(folder):
    assert play(folder, "--update", "hello.at") == ""
    assert play(folder, "hello.at") == "hello.at: 2 blocks passed\n"


def test_there_are_examples_of_mistakes():
    assert len(MISTAKES) == 7


@pytest.mark.parametrize(("line", "told"), MISTAKES)
def test_a_mistake_is_told_as_it_says(tmp_path, monkeypatch, line, told):
    monkeypatch.chdir(tmp_path)
    Path("bad.at").write_text(f"{line}\n" if line.startswith("#") else f"{line}\n> AT\n< OK\n")
    out = StringIO()
    assert run([Path("bad.at")], out=out) == 1
    assert out.getvalue().splitlines()[0] == told
