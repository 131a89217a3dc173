"""Every file that the program writes appears whole, is new, and is no one else's."""

import ast
import os
import stat
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, NamedTuple

import pytest

from vmodem import files
from vmodem.credentials.directory import DirectoryStore, path_of
from vmodem.credentials.store import Area, Kind, Slot
from vmodem.errors import EndpointError
from vmodem.program import ReadyFile
from vmodem.transcripts import play

ROOT = Path(__file__).parents[2]
SLOT = Slot(Area.MODEM, 16, Kind.CA)
GOOD = "> AT\n< OK\n"
BAD = "> AT\n< NO\n"
WRITING_FLAGS = os.O_WRONLY | os.O_RDWR


class Writer(NamedTuple):
    """One kind of file that the program writes: what has to be there before, its name, and what writes it."""

    name: str
    place: str
    write: Callable[[Path], object]
    before: str = ""


def write_ready_file(folder):
    with ReadyFile(folder / "ready.json").appearing("{}"):
        pass


def write_report(folder):
    with open(os.devnull, "w") as out:
        play.run([folder / "good.at"], None, None, report=folder / "report.xml", out=out)


WRITERS = [
    Writer("ready file", "ready.json", write_ready_file),
    Writer("credential", str(path_of(SLOT)), lambda folder: DirectoryStore(folder).write(SLOT, b"CA")),
    Writer("report", "report.xml", write_report, "good.at"),
    Writer("transcript", "bad.at", lambda folder: play.rewrite([folder / "bad.at"], None), "bad.at"),
    Writer("reference", "reference.md", lambda folder: files.write(folder / "reference.md", b"# Reference")),
]
"""The last one as tools/reference.py does it."""

each_writer = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)


@pytest.fixture
def folder(tmp_path, writer):
    made = tmp_path / "folder"
    made.mkdir()
    if writer.before:
        (made / writer.before).write_text(GOOD if writer.before == "good.at" else BAD)
    return made


class Opened:
    """Hears of every file that this process opens, while it is `listening`; such a hook stays for good."""

    listening = False
    heard: ClassVar = []

    @classmethod
    def hook(cls, event, arguments):
        if cls.listening and event == "open" and isinstance(arguments[0], str):
            cls.heard.append((arguments[0], arguments[2]))


sys.addaudithook(Opened.hook)


@contextmanager
def listening():
    Opened.heard.clear()
    Opened.listening = True
    try:
        yield Opened.heard
    finally:
        Opened.listening = False


@each_writer
def test_what_is_opened_for_writing_is_new_and_no_link(writer, folder):
    with listening() as heard:
        writer.write(folder)
    written = [(name, flags) for name, flags in heard if name.startswith(str(folder)) and flags & WRITING_FLAGS]
    assert [name for name, _ in written if not name.endswith("/.lock")]
    for name, flags in written:
        assert flags & os.O_NOFOLLOW, name
        assert name.endswith("/.lock") or flags & os.O_EXCL, name


@each_writer
def test_the_name_is_another_one_each_time(writer, folder):
    with listening() as heard:
        for _ in range(3):
            if writer.before == writer.place:
                (folder / writer.before).write_text(BAD)
            writer.write(folder)
    new = [name for name, _ in heard if name.endswith(files.NEW)]
    assert len(set(new)) == 3


@each_writer
def test_a_link_in_its_place_is_replaced_and_not_followed(writer, folder, tmp_path):
    victim, place = tmp_path / "victim", folder / writer.place
    victim.write_text(BAD)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(victim)
    writer.write(folder)
    assert not place.is_symlink()
    assert place.stat().st_size > 0
    assert victim.read_text() == BAD


@each_writer
def test_nothing_but_the_file_is_left(writer, folder):
    writer.write(folder)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left - {writer.before, ".lock"} == {writer.place} - {writer.before}


@each_writer
def test_what_cannot_take_its_place_leaves_nothing(writer, folder, monkeypatch):
    monkeypatch.setattr(os, "replace", refuse)
    with suppress(OSError, EndpointError):  # each tells of it in its own way
        writer.write(folder)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left <= {writer.before, ".lock"}


def refuse(*paths):
    raise OSError(28, "No space left on device")


def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(0o640)
    files.write(path, b"after")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("after", 0o640)


def test_a_pipe_gets_what_is_written(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write(pipe, b"report")
    assert os.read(reader, 100) == b"report"
    os.close(reader)


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_what_is_no_place_for_a_file_is_left_alone(path):
    before = os.lstat(path)
    files.remove(Path(path))
    with pytest.raises(FileExistsError, match="it exists and is no file"), files.appearing(Path(path), b""):
        pytest.fail("it must not come so far")
    assert os.lstat(path).st_mode == before.st_mode


def test_a_ready_file_goes_with_the_program_that_made_it_and_no_other(tmp_path):
    path = tmp_path / "ready.json"
    one, other = ReadyFile(path), ReadyFile(path)
    with one.appearing("one"):
        assert not path.exists()
    assert path.read_text() == "one"
    with other.appearing("other"):
        pass
    one.remove()
    assert path.read_text() == "other"
    other.remove()
    assert not path.exists()


WRITING = {"write_text", "write_bytes", "touch", "mkstemp", "NamedTemporaryFile"}
ALLOWED = {
    ("src/vmodem/files.py", "O_CREAT"): "the one place",
    ("src/vmodem/credentials/directory.py", "O_CREAT"): "the lock, which holds nothing",
}


def writes(path):
    """Yield what in a source file makes or writes files by name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and (node.attr in WRITING or node.attr == "O_CREAT"):
            yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "open":
            modes = [
                arg.value for arg in ast.walk(node) if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            ]
            yield from (f"open {mode}" for mode in modes if len(mode) <= 3 and set(mode) & set("wax+"))


def test_nothing_else_writes_files():
    found = {
        (str(path.relative_to(ROOT)), what)
        for folder in ("src", "tools")
        for path in (ROOT / folder).rglob("*.py")
        for what in writes(path)
    }
    assert found == ALLOWED.keys()
