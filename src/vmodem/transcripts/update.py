"""Transcripts that write down what is really answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vmodem.core.dialect import Dialect
from vmodem.transcripts.format import Block, Expect, Nothing, Step, escape, parse, read
from vmodem.transcripts.matching import match, silent
from vmodem.transcripts.player import Failure, Player


def update(path: Path, dialect: Dialect, asked: Callable[[Block], bool] = lambda block: True) -> str:
    """Return the text of the file with the expected lines that differ replaced by what is answered.

    Args:
        path: the file.
        dialect: the device.
        asked: tells whether a block is to be looked at.

    Raises:
        TranscriptError: it makes no sense.
        OSError: it cannot be read.
    """
    lines: list[str | None] = list(read(path).split("\n"))
    end = "\r" if str(lines[0]).endswith("\r") else ""  # as the file has it
    for block in filter(asked, parse(path)):
        for first, last, answered in _changes(block, dialect):
            lines[first - 1 : last] = ["\n".join(line + end for line in answered) if answered else None]
            lines[first:first] = [None] * (last - first)  # the numbers of what follows stay
    return "\n".join(line for line in lines if line is not None)


def _changes(block: Block, dialect: Dialect) -> Iterator[tuple[int, int, list[str]]]:
    """Yield what to replace in a block: first line, last line, and the new ones."""
    player = Player(block, dialect)
    steps = list(block.steps)
    while steps:
        expects = _leading_expects(steps)
        if not expects:
            step = steps.pop(0)
            try:
                player.step(step)
            except Failure:
                if isinstance(step, Nothing):
                    continue  # what it said is written down with the next expected lines, or at the end
            continue
        del steps[: len(expects)]
        before = bytes(player.output)
        if not all(match(expect, player.output, block.path) for expect in expects):
            exact = any(expect.kind == "<|" for expect in expects)
            player.output.clear()
            yield expects[0].number, expects[-1].number, rendered(before, exact=exact)
    if not silent(player.output):
        last = block.steps[-1]
        rest = rendered(bytes(player.output), exact=False)
        yield last.number, last.number, [last.text, *rest]


def _leading_expects(steps: Sequence[Step]) -> list[Expect]:
    """Return the expected lines at the front that stand right below one another."""
    found: list[Expect] = []
    for step in steps:
        if not isinstance(step, Expect) or (found and step.number != found[-1].number + 1):
            break
        found.append(step)
    return found


def rendered(output: bytes, *, exact: bool) -> list[str]:
    """Return ``output`` as expected lines; as exact bytes where asked for, or where it is not plain lines."""
    lines = output.split(b"\r\n")
    plain = lines[-1] == b"" and all(32 <= byte < 127 for line in lines for byte in line)
    if exact or not plain:
        return [f"<| {escape(output)}"] if output else []
    return [f"< {line.decode()}" for line in lines if line]
