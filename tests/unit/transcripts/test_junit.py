from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from vmodem.transcripts.play import run


def report(tmp_path: Path, *texts: str) -> ElementTree.Element:
    """Play texts, and read the report."""
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.at").write_text(text, encoding="utf-8")
    run([tmp_path], report=tmp_path / "report.xml")
    return ElementTree.parse(tmp_path / "report.xml").getroot()


def test_a_suite_for_each_file_and_a_case_for_each_block(tmp_path: Path) -> None:
    mistaken = "peer 0 closes\n"
    root = report(tmp_path, '# page: "The page"\n> AT\n< OK\n\n> AT\n< ERROR\n', "nonsense\n", mistaken)
    assert root.tag == "testsuites"
    assert [[suite.get(name) for name in ("tests", "failures", "errors", "skipped")] for suite in root] == [
        ["2", "1", "0", "0"],
        ["1", "0", "1", "0"],
        ["1", "0", "1", "0"],
    ]
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == ['1: "The page"', "5: > AT", "the file", "1: peer 0 closes"]
    (failure,) = root.iter("failure")
    assert failure.get("message") == f"{tmp_path}/0.at:6:"
    assert failure.text.endswith("expected: b'ERROR'\nactual:   b'\\r\\nOK\\r\\n'")
    first, second = root.iter("error")
    assert first.get("message").startswith(f"{tmp_path}/1.at:1: 'nonsense' is no directive")
    assert second.get("message") == f"{tmp_path}/2.at:1: handle 0 has no peer"


def test_what_xml_cannot_hold(tmp_path: Path) -> None:
    root = report(tmp_path, "# page: \x01\ufffe\uffff é \U0001f600\n> AT\0\n< NO\r \x1b\n")
    (case,) = root.iter("testcase")
    assert case.get("name") == "1: ??? é \U0001f600"
    assert "> AT?" in case.find("failure").text


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "\udcff.at").write_text("> AT\n< OK\n")
    root = report(tmp_path)
    assert [suite.get("name") for suite in root] == [f"{tmp_path}/?.at"]
