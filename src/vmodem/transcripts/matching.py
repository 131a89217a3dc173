"""Whether what a modem says is what a transcript expects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vmodem.core.dialect import Dialect
from vmodem.core.framing import Terminator
from vmodem.transcripts.format import Block, Expect, Given, Step, TranscriptError
from vmodem.transcripts.pattern import LIMIT, SlowPatternError, matches

ENDS: Final = {Terminator.CR: b"\r", Terminator.LF: b"\n", Terminator.CRLF: b"\r\n"}
"""The bytes that each terminator stands for."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a conversation went differently.

    Attributes:
        block: the conversation.
        step: the step that failed.
        expected: what should have come.
        actual: what came.
        reason: why the modem has refused the last line of the host, empty where it has not, or does not tell.
    """

    block: Block
    step: Step
    expected: str
    actual: str
    reason: str = ""

    def __str__(self) -> str:
        """Show the place, the conversation so far, and both sides."""
        so_far = [s.text for s in (*self.block.given, *self.block.steps) if s.number <= self.step.number]
        shown = "".join(f"    {text}\n" for text in so_far)
        place = f"{self.block.path}:{self.step.number}"
        why = f"\nreason:   {self.reason}" if self.reason else ""
        return f"{place}:\n{shown}expected: {self.expected}\nactual:   {self.actual}{why}"


def match(expect: Expect, output: bytearray, path: Path) -> bool:
    """Take what ``expect`` says off the front of ``output``; return False where that differs.

    Raises:
        TranscriptError: its pattern takes too much time; ``path`` is its file.
    """
    if expect.kind == "<|":
        length = len(expect.data) if output.startswith(expect.data) else -1
    else:
        try:
            length = _match_line(expect, output)
        except SlowPatternError as error:
            raise TranscriptError(
                f"{path}:{expect.number}: {expect.text[3:]!r} takes more than {LIMIT:g} s of computing for this line; "
                "one without repetitions in repetitions, such as (a+)+, would be right"
            ) from error
    if length < 0:
        return False
    del output[:length]
    return True


def _match_line(expect: Expect, output: bytearray) -> int:
    start = 2 if output.startswith(b"\r\n") else 0
    if expect.kind == "<":
        line = expect.data + b"\r\n"
        return start + len(line) if output.startswith(line, start) else -1
    end = output.find(b"\r\n", start)
    if end < 0 or not matches(expect.data, output[start:end]):
        return -1
    return end + 2


def silent(output: bytearray) -> bool:
    """Return whether nothing but line ends is left."""
    return not output.strip(b"\r\n")


COMMANDS: Final = (">", "sockets")
"""The kinds of ``given`` that are commands, which a real device understands too."""


def commands_of(given: Given, dialect: Dialect) -> list[str]:
    """Return the commands that ``given`` stands for."""
    if given.kind == ">":
        return [given.value]
    return dialect.given(given.value) if given.kind == "sockets" else []
