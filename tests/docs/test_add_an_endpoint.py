"""The how-to about endpoints: its kind serves a host as the page says, from outside and from within."""

import os
import socket

from tests.docs.pages import blocks, consoles, files, run_pytest, sources, strict, write
from tests.patience import PATIENCE
from tests.process import Process

PAGE = "add-an-endpoint.md"


def test_the_example_works(tmp_path):
    assert write(tmp_path, PAGE) == ["unix.py", "test_unix.py"]
    assert "2 passed" in run_pytest(tmp_path)


def test_its_types_are_right(tmp_path):
    write(tmp_path, PAGE)
    strict(tmp_path, "unix.py")


def entered(folder):
    """Enter the kind into a copy of our sources; return the environment in which they are ours."""
    endpoints = sources(folder) / "vmodem/endpoints"
    (endpoints / "unix.py").write_text(files(PAGE)["unix.py"])
    (line,) = (block for block in blocks(PAGE, "python") if block.startswith('    "unix"'))
    kinds = (endpoints / "__init__.py").read_text()
    assert kinds.count('Serial",\n') == 1
    (endpoints / "__init__.py").write_text(kinds.replace('Serial",\n', f'Serial",\n{line}'))
    return os.environ | {"PYTHONPATH": str(folder / "src")}


def greeted_at(path):
    """Return what a host hears first."""
    with socket.socket(socket.AF_UNIX) as host, host.makefile("rb") as lines:
        host.settimeout(PATIENCE)
        host.connect(str(path))
        return lines.readline()


def test_it_is_an_option_and_a_word_of_the_configuration_once_it_is_entered(tmp_path):
    environment = entered(tmp_path)
    (tmp_path / "modems.toml").write_text('[[modem]]\nendpoint = "unix other"\n')
    ((command, printed),) = consoles(PAGE)
    options = command.removeprefix("vmodem serve ").split()
    with Process(*options, "--config", "modems.toml", endpoints=2, cwd=tmp_path, env=environment) as served:
        assert [f"{served.where[0]}\n", served.where[1]] == [printed, "other"]
        assert greeted_at(tmp_path / "modem") == greeted_at(tmp_path / "other") == b"Ready\r\n"
        assert served.stop() == (0, "")
    assert not (tmp_path / "modem").exists()
