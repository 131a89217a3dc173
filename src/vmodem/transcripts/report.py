"""What came of playing: each block, each file, all of them, in words."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from vmodem.transcripts.format import Block
from vmodem.transcripts.matching import Difference


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one block.

    Attributes:
        block: the block.
        difference: where it went differently, None where it did not.
        skipped: why it could not be played, empty where it could.
        mistake: what of it makes no sense, in one line; empty where all of it does.
    """

    block: Block
    difference: Difference | None = None
    skipped: str = ""
    mistake: str = ""

    @property
    def failed(self) -> bool:
        """Whether it did not go as it says."""
        return self.difference is not None or bool(self.mistake)


@dataclass(slots=True)
class PlayedFile:
    """What came of one file.

    Attributes:
        path: the file.
        blocks: its blocks that were asked for.
        mistake: why it could not be played, in one line; empty where it could.
        unread: whether that is because it cannot be read.
    """

    path: Path
    blocks: list[Played] = field(default_factory=list)
    mistake: str = ""
    unread: bool = False

    def count(self, *, failed: bool = False, skipped: bool = False) -> int:
        """Return how many blocks passed; or failed, or were skipped, where that is asked for."""
        return sum(one.failed == failed and bool(one.skipped) == skipped for one in self.blocks)

    @property
    def bad(self) -> bool:
        """Whether something of it is not as it should be."""
        return bool(self.mistake) or self.count(failed=True) > 0


def tell(played: PlayedFile, out: TextIO) -> None:
    """Print what came of a file; of one that cannot be read, on standard error."""
    for one in played.blocks:
        if one.failed:
            print(one.difference or one.mistake, file=out)
        elif one.skipped:
            print(f"{played.path}:{one.block.number}: skipped: {one.skipped}", file=out)
    if played.unread:
        print(f"vmodem play: {played.mistake}", file=sys.stderr)
    elif played.mistake:
        print(played.mistake, file=out)
    if played.blocks:
        print(f"{played.path}: {counts([played])}", file=out)


def counts(files: Sequence[PlayedFile]) -> str:
    """Return how many blocks passed, failed and were skipped, in words."""
    passed = sum(one.count() for one in files)
    failed = sum(one.count(failed=True) for one in files)
    skipped = sum(one.count(skipped=True) for one in files)
    parts = [f"{passed} block{'' if passed == 1 else 's'} passed"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{skipped} skipped"] if skipped else []
    return ", ".join(parts)
