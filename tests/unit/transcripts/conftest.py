"""Transcripts in files of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmodem import dialects
from vmodem.transcripts.format import parse
from vmodem.transcripts.matching import Difference
from vmodem.transcripts.player import play


@pytest.fixture
def write(tmp_path: Path):
    """Write a text to a file."""

    def write(text: str) -> Path:
        path = tmp_path / "test.at"
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return write


@pytest.fixture
def difference(write):
    """The difference that playing the only block of a text gives."""

    def difference(text: str) -> Difference | None:
        (block,) = parse(write(text))
        return play(block, dialects.find("sm-1.0"))

    return difference
