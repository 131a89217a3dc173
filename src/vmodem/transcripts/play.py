"""`vmodem play`: transcripts in files and folders, played one after the other, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from vmodem import dialects
from vmodem.core.dialect import Dialect
from vmodem.errors import UnknownDialectError, because, one_line
from vmodem.files import write
from vmodem.transcripts.device import Port, play_device
from vmodem.transcripts.format import Block, TranscriptError, parse, read
from vmodem.transcripts.player import play
from vmodem.transcripts.report import Played, PlayedFile, counts, tell
from vmodem.transcripts.update import update


def find_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files of ``paths``: of a folder, all that end in ``.at``, in it and below, by name.

    A folder that has none is yielded itself.
    """
    for path in paths:
        found = sorted(filter(_is_file, path.rglob("*.at"))) if _is_folder(path) else []
        yield from found or [path]


def _is_file(path: Path) -> bool:
    """Return whether ``path`` is a file, or a link to nothing; what is neither might never end."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long: reading it tells
        return False


def play_file(path: Path, dialect: Dialect | None, port: Port | None, words: str) -> PlayedFile:
    """Play a file: each block against a fresh virtual modem, or all against the device at ``port``.

    Args:
        path: the file.
        dialect: the device, None for what the file says, or the default.
        port: the port of a real device, None for virtual modems.
        words: play only blocks in whose file name or text this stands, in upper or lower case.

    Raises:
        EndpointError: the port has gone.
    """
    played = PlayedFile(path)
    try:
        blocks = _blocks(path)
        device = dialect_of(blocks[0], dialect)
    except TranscriptError as error:
        played.mistake = one_line(str(error))
    except OSError as error:
        played.mistake = one_line(f"{path}: {because(error)}")
        played.unread = True
    else:
        played.blocks += [play_block(block, device, port) for block in blocks if _is_asked_for(block, words)]
    return played


def _blocks(path: Path) -> list[Block]:
    """Read a file that holds at least one block."""
    if _is_folder(path):
        raise TranscriptError(f"{path}: the folder holds no file that ends in .at")
    blocks = parse(path)
    if not blocks:
        raise TranscriptError(f"{path}: it holds no conversation")
    return blocks


def play_block(block: Block, dialect: Dialect, port: Port | None) -> Played:
    """Play one block; what of it makes no sense does not keep others from being played."""
    try:
        result = play(block, dialect) if port is None else play_device(block, dialect, port)
    except TranscriptError as error:
        return Played(block, mistake=one_line(str(error)))
    if isinstance(result, str):
        return Played(block, skipped=result)
    return Played(block, result)


def dialect_of(block: Block, chosen: Dialect | None) -> Dialect:
    """Return the dialect that a file is for: what it says itself, what was chosen, or the default.

    Raises:
        TranscriptError: the file says something else than what was chosen, or there is no such dialect.
    """
    if block.dialect is None:
        return chosen or dialects.find(dialects.DEFAULT)
    place = f"{block.path}:{block.dialect.number}"
    try:
        own = dialects.find(block.dialect.value)
    except UnknownDialectError as error:
        raise TranscriptError(f"{place}: {error}") from error
    if chosen is not None and chosen is not own:
        raise TranscriptError(f"{place}: it is for {own.name}, not for {chosen.name}")
    return own


def _is_asked_for(block: Block, words: str) -> bool:
    text = "\n".join([str(block.path), block.page, *(step.text for step in (*block.given, *block.steps))])
    return words.lower() in text.lower()


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
        EndpointError: the port has gone.
    """
    out = out or sys.stdout
    files: list[PlayedFile] = []
    for path in find_files(paths):
        files.append(play_file(path, dialect, port, words))
        tell(files[-1], out)
    said = [one for one in files if one.blocks or one.mistake]
    if len(said) > 1:
        print(f"{len(said)} files: {counts(said)}", file=out)
    if words and not said:
        print(f"no block has {words!r} in it", file=out)
    good = any(one.count() for one in files) and not any(one.bad for one in files)
    return 0 if _reported(files, report) and good else 1


def _reported(files: Sequence[PlayedFile], report: Path | None) -> bool:
    """Write a report where one is asked for; return whether that went well."""
    if report is None:
        return True
    from vmodem.transcripts.junit import junit  # not at the top: few ask for it

    try:
        write(report, junit(files))
    except OSError as error:
        print(one_line(f"vmodem play: {report}: {because(error)}"), file=sys.stderr)
        return False
    return True


def rewrite(paths: Sequence[Path], dialect: Dialect | None, words: str = "") -> int:
    """Rewrite the expected lines of files and folders with what is answered; go on after one that makes no sense.

    Args:
        paths: files and folders.
        dialect: the device, None for what each file says, or the default.
        words: rewrite only blocks in whose file name or text this stands.

    Returns:
        0 where all is as it is answered now; 1 where a file makes no sense, or cannot be read or written.
    """
    status = 0
    for path in find_files(paths):
        try:
            device = dialect_of(_blocks(path)[0], dialect)
            before, text = read(path), update(path, device, lambda block: _is_asked_for(block, words))
            if text != before:
                write(path, text.encode())
        except TranscriptError as error:
            print(one_line(f"vmodem play: {error}"), file=sys.stderr)
            status = 1
        except OSError as error:
            print(one_line(f"vmodem play: {path}: {because(error)}"), file=sys.stderr)
            status = 1
    return status
