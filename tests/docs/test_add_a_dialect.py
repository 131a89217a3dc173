"""The how-to about dialects: its toy is installed as pip would do it, and is what the page says of it."""

import tomllib

import pytest
from tests.docs.pages import consoles, conversations, run, strict, write

PAGE = "add-a-dialect.md"
CONSOLES = dict(consoles(PAGE))


@pytest.fixture
def toy(tmp_path):
    """A folder with the toy installed in it."""
    assert write(tmp_path, PAGE) == ["toy_modem.py", "pyproject.toml"]
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    info = tmp_path / "toy_modem-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "".join(f"{name} = {value}\n" for name, value in project["entry-points"]["vmodem.dialects"].items())
    (info / "entry_points.txt").write_text(f"[vmodem.dialects]\n{points}")
    return tmp_path


def test_it_is_listed(toy):
    first, *_, last = run(toy, "vmodem", "dialects").splitlines()
    assert CONSOLES["vmodem dialects"].splitlines() == [first, "...", last]
    assert run(toy, "vmodem", "commands", "toy-1") == CONSOLES["vmodem commands toy-1"]


def test_it_is_served(toy):
    told = CONSOLES[r"printf 'AT+HELLO\r\n' | vmodem serve --dialect toy-1 --stdio"]
    assert run(toy, "vmodem", "serve", "--dialect", "toy-1", "--stdio", text="AT+HELLO\r\n") == told


def test_its_transcripts_pass(toy):
    (transcript,) = conversations(PAGE, "dialect toy-1")
    (toy / "hello.at").write_text(transcript)
    assert run(toy, "vmodem", "play", "hello.at") == CONSOLES["vmodem play hello.at"]


def test_its_types_are_right(toy):
    strict(toy, "toy_modem.py")
