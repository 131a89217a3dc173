"""`vmodem play`: transcripts in files and folders, played one after the other, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vmodem import dialects
from vmodem.core.dialect import Dialect
from vmodem.errors import UnknownDialectError
from vmodem.transcripts.device import Port, play_device
from vmodem.transcripts.format import Block, TranscriptError, parse
from vmodem.transcripts.matching import Difference
from vmodem.transcripts.player import play
from vmodem.transcripts.update import update

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one block.

    Attributes:
        block: the block.
        difference: where it went differently, None where it did not.
        skipped: why it could not be played, empty where it could.
    """

    block: Block
    difference: Difference | None = None
    skipped: str = ""


@dataclass(slots=True)
class PlayedFile:
    """What came of one file.

    Attributes:
        path: the file.
        blocks: its blocks that were asked for.
        mistake: why not all of it could be played, in one line; empty where it could.
        unread: whether that is because it cannot be read.
    """

    path: Path
    blocks: list[Played] = field(default_factory=list)
    mistake: str = ""
    unread: bool = False

    def count(self, *, failed: bool = False, skipped: bool = False) -> int:
        """Return how many blocks passed; or failed, or were skipped, where that is asked for."""
        return sum((one.difference is not None) == failed and bool(one.skipped) == skipped for one in self.blocks)

    @property
    def failed(self) -> bool:
        """Whether something of it is not as it should be."""
        return bool(self.mistake) or self.count(failed=True) > 0


def find_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files of ``paths``: of a folder, all that end in ``.at``, in it and below, by name.

    Raises:
        TranscriptError: a folder has none.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(path.rglob("*.at"))
        if not found:
            raise TranscriptError(f"{path}: the folder holds no file that ends in .at")
        yield from found


def play_file(path: Path, dialect: Dialect | None, port: Port | None, words: str) -> PlayedFile:
    """Play a file: each block against a fresh virtual modem, or all against the device at ``port``.

    Args:
        path: the file.
        dialect: the device, None for what the file says, or the default.
        port: the port of a real device, None for virtual modems.
        words: play only blocks in whose file name or text this stands, in upper or lower case.
    """
    played = PlayedFile(path)
    try:
        blocks = parse(path)
        if not blocks:
            raise TranscriptError(f"{path}: it holds no conversation")
        device = dialect_of(blocks[0], dialect)
        for block in blocks:
            if _is_asked_for(block, words):
                result = play(block, device) if port is None else play_device(block, device, port)
                skipped = result if isinstance(result, str) else ""
                difference = result if isinstance(result, Difference) else None
                played.blocks.append(Played(block, difference, skipped))
    except TranscriptError as error:
        played.mistake = str(error)
    except OSError as error:
        played.mistake = f"{error.filename or path}: {error.strerror}"
        played.unread = True
    return played


def dialect_of(block: Block, chosen: Dialect | None) -> Dialect:
    """Return the dialect that a file is for: what it says itself, what was chosen, or the default.

    Raises:
        TranscriptError: the file says something else than what was chosen, or there is no such dialect.
    """
    if not block.dialect:
        return chosen or dialects.find(dialects.DEFAULT)
    try:
        own = dialects.find(block.dialect)
    except UnknownDialectError as error:
        raise TranscriptError(f"{block.path}: {error}") from error
    if chosen is not None and chosen is not own:
        raise TranscriptError(f"{block.path}: it is for {own.name}, not for {chosen.name}")
    return own


def _is_asked_for(block: Block, words: str) -> bool:
    text = "\n".join([str(block.path), block.page, *(step.text for step in (*block.given, *block.steps))])
    return words.lower() in text.lower()


# What is told


def tell(played: PlayedFile, out: TextIO) -> None:
    """Print what came of a file; of one that cannot be read, on standard error."""
    for one in played.blocks:
        if one.difference is not None:
            print(one.difference, file=out)
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


def junit(files: Sequence[PlayedFile]) -> bytes:
    """Return what came of ``files`` as JUnit reports it: a suite for each file, a case for each block."""
    from xml.etree.ElementTree import Element, SubElement, tostring  # not at the top: few ask for it

    suites = Element("testsuites", name="vmodem play")
    for one in files:
        suite = SubElement(suites, "testsuite", name=str(one.path))
        for played in one.blocks:
            _case(SubElement(suite, "testcase", classname=str(one.path), name=_name(played.block)), played)
        if one.mistake:
            case = SubElement(suite, "testcase", classname=str(one.path), name="the file")
            SubElement(case, "error", message=_printable(one.mistake))
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(one.count(failed=True)))
        suite.set("skipped", str(one.count(skipped=True)))
        suite.set("errors", str(int(bool(one.mistake))))
    document: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return document


def _case(case: Element, played: Played) -> None:
    from xml.etree.ElementTree import SubElement

    if played.difference is not None:
        first, _, _ = str(played.difference).partition("\n")
        SubElement(case, "failure", message=_printable(first)).text = _printable(str(played.difference))
    elif played.skipped:
        SubElement(case, "skipped", message=_printable(played.skipped))


def _name(block: Block) -> str:
    return _printable(f"{block.number}: {block.page or block.steps[0].text}")


def _printable(text: str) -> str:
    """Return ``text`` without what XML cannot hold."""
    return "".join(char if char in "\n\t" or " " <= char < "\ud800" or char > "\udfff" else "?" for char in text)


# The command


def run(
    paths: Sequence[Path],
    dialect: Dialect | None = None,
    port: Port | None = None,
    *,
    words: str = "",
    report: Path | None = None,
    out: TextIO | None = None,
) -> int:
    """Play files and folders, go on after a difference, and tell what came of it.

    Args:
        paths: files and folders.
        dialect: the device, None for what each file says, or the default.
        port: the port of a real device, None for virtual modems.
        words: play only blocks in whose file name or text this stands.
        report: where to write a report in the form of JUnit, None for none.
        out: where to print, None for standard output.

    Returns:
        0 where every expected line came; 1 where one did not, nothing was played, or a file makes no sense.

    Raises:
        OSError: the report cannot be written.
    """
    out = out or sys.stdout
    files: list[PlayedFile] = []
    try:
        for path in find_files(paths):
            files.append(play_file(path, dialect, port, words))
            tell(files[-1], out)
    except TranscriptError as error:
        print(error, file=out)
        files.append(PlayedFile(Path(), mistake=str(error)))
    said = [one for one in files if one.blocks or one.mistake]
    if len(said) > 1:
        print(f"{len(said)} files: {counts(said)}", file=out)
    if report is not None:
        report.write_bytes(junit(files))
    passed = sum(one.count() for one in files)
    if words and not passed and not any(one.failed for one in files):
        print(f"no block has {words!r} in it", file=out)
    return 0 if passed and not any(one.failed for one in files) else 1


def rewrite(paths: Sequence[Path], dialect: Dialect | None) -> None:
    """Rewrite the expected lines of files and folders with what is answered.

    Raises:
        TranscriptError: one makes no sense; those before it are rewritten.
        OSError: one cannot be read or written.
    """
    for path in find_files(paths):
        blocks = parse(path)
        if blocks:
            path.write_text(update(path, dialect_of(blocks[0], dialect)), encoding="utf-8")
