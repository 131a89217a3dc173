"""What came of playing, as a report that continuous integration reads: JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from vmodem.transcripts.format import Block
from vmodem.transcripts.report import Played, PlayedFile

_IMPOSSIBLE: Final = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML cannot hold; a carriage return it would not keep."""


def junit(files: Sequence[PlayedFile]) -> bytes:
    """Return what came of ``files`` as JUnit reports it: a suite for each file, a case for each block."""
    suites = Element("testsuites", name="vmodem play")
    for one in files:
        if one.blocks or one.mistake:
            suites.append(_suite(one))
    document: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return document


def _suite(one: PlayedFile) -> Element:
    name = _printable(str(one.path))
    suite = Element("testsuite", name=name)
    for played in one.blocks:
        _tell(SubElement(suite, "testcase", classname=name, name=_name(played.block)), played)
    if one.mistake:
        case = SubElement(suite, "testcase", classname=name, name="the file")
        SubElement(case, "error", message=_printable(one.mistake))
    suite.set("tests", str(len(suite)))
    for kind, tag in (("failures", "failure"), ("skipped", "skipped"), ("errors", "error")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _tell(case: Element, played: Played) -> None:
    """Tell what came of a block that did not pass."""
    if played.difference is not None:
        first, _, _ = str(played.difference).partition("\n")
        SubElement(case, "failure", message=_printable(first)).text = _printable(str(played.difference))
    elif played.mistake:
        SubElement(case, "error", message=_printable(played.mistake))
    elif played.skipped:
        SubElement(case, "skipped", message=_printable(played.skipped))


def _name(block: Block) -> str:
    return _printable(f"{block.number}: {block.page or block.steps[0].text}")


def _printable(text: str) -> str:
    """Return ``text`` with a question mark for what XML cannot hold."""
    return _IMPOSSIBLE.sub("?", text)
