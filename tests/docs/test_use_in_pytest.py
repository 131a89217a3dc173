"""The how-to about pytest: its tests are run, each way in a folder of its own."""

from pathlib import Path

import pytest
from tests.docs.pages import run_pytest, write

PAGE = "use-in-pytest.md"
TRANSCRIPT = "> AT\n< OK\n\n> AT#XCLOSE=0\n< ERROR\n"


@pytest.mark.parametrize(("way", "passed"), [("serial", 1), ("virtual", 1), ("transcripts", 2)])
def test_its_tests_pass(tmp_path, way, passed):
    assert {Path(name).parts[0] for name in write(tmp_path, PAGE)} == {"serial", "virtual", "transcripts"}
    (tmp_path / "transcripts" / "hello.at").write_text(TRANSCRIPT)
    assert f"{passed} passed" in run_pytest(tmp_path / way)
