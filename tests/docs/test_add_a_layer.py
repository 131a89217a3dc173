"""The how-to about layers: its code is run as it stands there."""

from tests.docs.pages import run_pytest, write

PAGE = "add-a-layer.md"


def test_the_example_works(tmp_path):
    assert write(tmp_path, PAGE) == ["slow.py", "test_slow.py"]
    assert "1 passed" in run_pytest(tmp_path)
