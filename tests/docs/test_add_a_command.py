"""The how-to about commands: they are added to a copy of our sources, and its transcripts are played."""

import pytest
from tests.docs.pages import blocks, conversations, run, sources, strict

PAGE = "add-a-command.md"


@pytest.fixture
def src(tmp_path):
    """Our sources with the commands of the page."""
    src = sources(tmp_path)
    with (src / "vmodem/dialects/nrf/sm/connections.py").open("a") as file:
        file.write("\n\n" + "\n\n".join(blocks(PAGE, "python")))
    return src


def test_the_transcripts_pass(tmp_path, src):
    xport = next(iter(conversations(PAGE, "# A bound socket")))
    xwait = next(iter(conversations(PAGE, "# What has come already")))
    (tmp_path / "xport.at").write_text(xport)
    (tmp_path / "xwait.at").write_text(xwait)
    assert run(tmp_path, "vmodem", "play", "xport.at", "xwait.at", path=src).splitlines() == [
        "xport.at: 3 blocks passed",
        "xwait.at: 2 blocks passed",
        "2 files: 5 blocks passed",
    ]


def test_the_types_are_right(src):
    strict(src, "-p", "vmodem.dialects.nrf.sm")
