from __future__ import annotations

from pathlib import Path

import pytest

from vmodem.transcripts.format import TranscriptError, escape, parse, unescape


def test_blank_lines_separate_blocks_and_comments_alone_are_none(write) -> None:
    blocks = parse(write("# about\n\n# page: The page\n> AT\n< OK\n\n\n> AT\n< OK\n"))
    assert [(b.number, b.end, b.page) for b in blocks] == [(3, 5, "The page"), (8, 9, "")]


def test_errata_continue_on_indented_lines(write) -> None:
    (block,) = parse(write("> AT\n< OK\nerrata: one\n    two\nerrata: three\n"))
    assert block.errata == ("one two", "three")


def test_a_block_tells_the_lines_that_it_sends(write) -> None:
    (block,) = parse(write("> AT\n< OK\n>| AT\\r\n< OK\n> AT#XCLOSE\n< OK\n"))
    assert block.lines == ["AT", "AT#XCLOSE"]


@pytest.mark.parametrize(
    "line",
    [
        "AT",
        "peer 0 dances",
        "peer 0 sends hello",
        "peer connects to 1 from 192.0.2.1",
        "wait long",
        ">| \\q",
        "given",
        "  indented",
    ],
)
def test_a_line_that_makes_no_sense_is_named(write, line: str) -> None:
    path = write(f"> AT\n{line}\n")
    with pytest.raises(TranscriptError, match=r"test\.at:2: "):
        parse(path)


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.at"
    path.write_bytes(b"> AT\xff\n")
    with pytest.raises(TranscriptError, match=r"bad\.at:1: byte 5, 0xff, is no text in UTF-8"):
        parse(path)


def test_escapes_go_both_ways() -> None:
    every = bytes(range(256))
    assert unescape(escape(every)) == every
    assert unescape(r"\"\{3 ab}é") == b'"ababab\xc3\xa9'


def test_a_head_is_for_all_blocks_and_a_block_says_it_better(write) -> None:
    text = "# About\n\ndialect sm\nfollow firmware\n> AT\n< OK\n\n> AT\n\ngiven follow manual\n> AT\n"
    blocks = parse(write(text))
    assert [block.number for block in blocks] == [3, 8, 10]
    assert {block.dialect.value for block in blocks} == {"sm"}
    assert [[given.value for given in block.given] for block in blocks] == [
        ["firmware"],
        ["firmware"],
        ["firmware", "manual"],
    ]
