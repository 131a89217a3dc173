"""Dialects by name, those from outside too."""

import subprocess
import sys

import pytest

from vmodem import dialects
from vmodem.errors import UnknownDialectError

OUTSIDE = """
from dataclasses import replace

from vmodem import dialects

DIALECT = replace(dialects.find("sm-1.0"), name="other-1")
OTHER = replace(DIALECT, name="other-2")
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A distribution with dialects, as pip would install it."""
    (tmp_path / "other_dialects.py").write_text(OUTSIDE)
    (tmp_path / "broken_dialects.py").write_text("import no_such_module\n")
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[vmodem.dialects]\n"
        "other-1 = other_dialects\n"
        "other-2 = other_dialects:OTHER\n"
        "broken-1 = broken_dialects\n"
        "wrong-1 = json\n"
        "sm-1.0 = other_dialects\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_ours_are_found_by_name_and_by_short_name():
    assert [dialects.find(name).name for name in dialects.MODULES] == list(dialects.MODULES)
    assert dialects.find("slm") is dialects.find("slm-2.7")
    assert [dialects.find(name).family for name in dialects.MODULES] == ["nrf"] * 4 + ["ameba"]


def test_those_from_outside_are_found_and_listed(outside):
    assert dialects.find("other-1").name == "other-1"
    assert dialects.find("other-1").family == "nrf"
    assert dialects.find("other-2").name == "other-2"
    assert dialects.find("sm-1.0").name == "sm-1.0"
    assert dialects.names() == [*dialects.MODULES, "broken-1", "other-1", "other-2", "wrong-1"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hayes", "unknown dialect 'hayes'; known are sm-1.0, slm-1.9"),
        (
            "broken-1",
            "the dialect 'broken-1' cannot be imported from broken_dialects: No module named 'no_such_module'",
        ),
        ("wrong-1", "the dialect 'wrong-1' is no Dialect: json is module"),
    ],
)
def test_what_cannot_be_found_is_said_in_one_line(outside, name, says):
    with pytest.raises(UnknownDialectError) as caught:
        dialects.find(name)
    assert str(caught.value).startswith(says)


def test_who_names_one_of_ours_does_not_look_for_others():
    code = "import sys; from vmodem import dialects; dialects.find('sm'); print('importlib.metadata' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
