"""Every transcript, whole, byte by byte, in random chunks and through a layer, with the same outcome.

A folder is named after a dialect, or after a family whose dialects all have to pass.
"""

from __future__ import annotations

import os
import random
from functools import cache
from pathlib import Path

import pytest

from vmodem import dialects
from vmodem.net.layer import NetworkLayer
from vmodem.transcripts.format import Block, parse
from vmodem.transcripts.play import dialect_of
from vmodem.transcripts.player import bytewise, play, random_chunks, whole


class Deaf:
    """A trace that does nothing with what it is told."""

    def event(self, *told: object) -> None:
        """Do nothing."""


ROOT = Path(__file__).parent / "transcripts"


CUTS = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 1
"""How often each block is cut at random."""


@cache
def blocks_of(path: Path) -> list[Block]:
    """Read a file once, however many dialects it is for."""
    return parse(path)


BLOCKS = [
    pytest.param(name, block, id=f"{name}-{path.relative_to(ROOT)}:{block.number}")
    for name in dialects.MODULES
    for folder in (name, dialects.find(name).family)
    for path in sorted((ROOT / folder).glob("*.at"))
    for block in blocks_of(path)
]


@pytest.mark.parametrize(("name", "block"), BLOCKS)
def test_the_modem_answers_as_the_transcript_says(name: str, block: Block) -> None:
    dialect = dialect_of(block, dialects.find(name))
    for chunking in (whole, bytewise, *(random_chunks(random.Random(seed)) for seed in range(CUTS))):
        difference = play(block, dialect, chunking, explain=False)
        assert difference is None, f"\n{difference}"
    difference = play(block, dialect, layers=(NetworkLayer,), traces=(Deaf(),))
    assert difference is None, f"through a layer that does nothing, with somebody who listens:\n{difference}"
