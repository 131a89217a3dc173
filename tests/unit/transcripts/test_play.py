"""Files and folders that are played one after the other, and every mistake in one of them as one line."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmodem import dialects
from vmodem.transcripts.format import TranscriptError, parse
from vmodem.transcripts.play import rewrite, run
from vmodem.transcripts.player import play

GOOD = "> AT\n< OK\n"
BAD = "> AT\n< ERROR\n"


@pytest.fixture
def files(tmp_path: Path):
    def write(**texts: str) -> Path:
        for name, text in texts.items():
            path = tmp_path / (name.replace("__", "/") + ".at")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def told(*paths: Path, **options) -> tuple[int, str]:
    out = io.StringIO()
    return run(paths, out=out, **options), out.getvalue()


def test_a_folder_and_what_is_below_it_in_order(files) -> None:
    folder = files(b=GOOD, a=GOOD, c__d=f"{GOOD}\n{GOOD}")
    status, text = told(folder)
    assert status == 0
    assert [Path(line.split(":")[0]).name for line in text.splitlines()[:3]] == ["a.at", "b.at", "d.at"]
    assert text.endswith("3 files: 4 blocks passed\n")


def test_it_goes_on_after_a_difference_and_counts(files) -> None:
    folder = files(a=f"{BAD}\n{GOOD}\n{BAD}", b="nonsense\n", c=GOOD)
    status, text = told(folder)
    assert status == 1
    assert text.count("expected: ") == 2
    assert "a.at: 1 block passed, 2 failed\n" in text
    assert text.endswith("3 files: 2 blocks passed, 2 failed\n")


def test_only_blocks_with_certain_words(files) -> None:
    folder = files(a='# page: "Send data"\n' + GOOD + "\n" + BAD, b="> AT+CFUN?\n< +CFUN: 1\n< OK\n")
    assert told(folder, words="SEND data")[0] == 0
    assert told(folder, words="cfun")[1].endswith("b.at: 1 block passed\n")
    status, text = told(folder, words="nowhere")
    assert (status, text.splitlines()[-1]) == (1, "no block has 'nowhere' in it")


def test_a_report_in_the_form_of_junit(files, tmp_path: Path) -> None:
    folder = files(a=f'# page: "The \x01 page"\n{GOOD}\n{BAD}', b="nonsense\n")
    report = tmp_path / "report.xml"
    told(folder, report=report)
    suites = ElementTree.parse(report).getroot()
    assert [(s.get("tests"), s.get("failures"), s.get("errors")) for s in suites] == [("2", "1", "0"), ("1", "0", "1")]
    (failure,) = suites.iter("failure")
    assert "expected: b'ERROR'" in failure.text
    (error,) = suites.iter("error")
    assert "b.at:1: 'nonsense' is no directive" in error.get("message")


def test_the_head_of_a_file_is_for_all_its_blocks(files) -> None:
    text = "# A file for one device.\ndialect ameba-2.4\nfollow firmware\n\n> AT+FOO\nnothing\n\n> AT+TEST\n< OK\n"
    other = "dialect ameba\n\ngiven follow manual\n> AT+FOO\n< unknown command AT+FOO\n"
    folder = files(a=text, b=f"dialect slm-1.9\n{GOOD}", c=other)
    assert told(folder) == (0, told(folder)[1])
    (path,) = folder.glob("a.at")
    assert told(path, dialect=dialects.find("ameba"))[0] == 0
    status, text = told(path, dialect=dialects.find("sm"))
    assert (status, text) == (1, f"{path}: it is for ameba-2.4, not for sm-1.0\n")


def test_a_difference_tells_why_the_modem_refused(files) -> None:
    folder = files(a="> AT#XSOCKET=9,1,0\n< #XSOCKET: 0,1,6\n", b="> AT\n< NO\n")
    _, text = told(folder)
    assert re.findall("reason: .*", text) == ["reason:   <op> 9 is none of 1, 2"]


def test_update_of_several_files(files) -> None:
    folder = files(a=BAD, b=f"dialect slm-2.0\n\n{BAD}")
    rewrite([folder], None)
    assert told(folder)[0] == 0


LONG = "x" * 5000


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("< OK\nfoo\n", 2, "'foo' is no directive; the nearest is: "),
        ('> AT\npeer 0 sent "x"\n', 2, 'the nearest is: peer WHO sends "DATA"'),
        ("> AT\npeer 0 resetted\n", 2, "the nearest is: peer WHO closes|resets"),
        ("> AT\nwaits 5\n", 2, "the nearest is: wait SECONDS"),
        ("> AT\nnothin\n", 2, "the nearest is: nothing"),
        (">AT\n", 1, "the nearest is: > LINE"),
        ("gives sockets 0:tcp\n> AT\n", 1, "the nearest is: given sockets|offline"),
        (f"{LONG}\n", 1, "..."),
        ("> AT\n<~ (\n", 2, "'(' is no regular expression: missing )"),
        ("> AT\n<~ [a\n", 2, "is no regular expression"),
        (">| \\{99999999999 x}\n", 1, "stands for more than 16777216 bytes"),
        (">| \\{16777217 x}\n", 1, "stands for more than 16777216 bytes"),
        (">| \\q\n", 1, "unknown escape \\q; known are"),
        ("> AT\nwait 1e999\n", 2, "the nearest is: wait SECONDS"),
        ("> AT\nwait 10000000\n", 2, "10000000 seconds are more than 1000000"),
        (f"> AT\nwait {'9' * 400}\n", 2, "is no directive"),
        ("peer connects to 99999 from 192.0.2.1:7\n", 1, "'99999' is no port, which is at most 65535"),
        (f"peer connects to {'9' * 5000} from 192.0.2.1:7\n", 1, "is no port"),
        ("peer connects to 80 from 192.0.2.1\n", 1, "is not ADDRESS:PORT, as in 192.0.2.1:7"),
        ("peer connects to 80 from [::1:7\n", 1, "is not ADDRESS:PORT"),
        ("peer connects to 80 from ::1:7\n", 1, "is not ADDRESS:PORT"),
        ("peer connects to 80 from host:7\n", 1, "is not ADDRESS:PORT"),
        ('peer 192.0.2.1:7 sends "x" to 9\n', 1, "there is no open socket 9"),
        ('peer 3 sends "x"\n', 1, "handle 3 has no peer"),
        ("peer 192.0.2.1:7 closes\n", 1, "there is no peer 192.0.2.1:7"),
        ("given sokets 0:tcp\n> AT\n", 1, "unknown: given sokets"),
        ("given sockets 5:tcp\n> AT\n", 1, "'5:tcp' is not a socket: 0:KIND"),
        ("given follow me\n> AT\n", 1, "'me' is not a valid Follow"),
        ("given config\n> AT\n", 1, ""),
        ("given config a.b c\n> AT\n", 1, "unknown key a.b"),
        ("given config cell.act x\n> AT\n", 1, "invalid literal"),
        ("given host\n> AT\n", 1, ""),
        ("given window x\n> AT\n", 1, "invalid literal"),
        ("given refused nowhere\n> AT\n", 1, "is not ADDRESS:PORT"),
        ("dialect\n> AT\n", 1, "dialect what?"),
        ("> AT\ndialect sm\n", 2, "is no directive"),
    ],
)
def test_a_mistake_is_one_line_with_its_number(files, text: str, line: int, says: str) -> None:
    path = files(a=text) / "a.at"
    status, out = told(path)
    assert status == 1
    first, *rest = out.splitlines()
    assert first.startswith(f"{path}:{line}: ")
    assert says in first
    assert len(first) < len(str(path)) + 300
    assert not rest


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfe", ":1: byte 0xff is no text in UTF-8"),
        (b"> AT\n< OK\n\n# \x80\n", ":4: byte 0x80 is no text in UTF-8"),
        (b"", ": it holds no conversation"),
        (b"# only a comment\n", ": it holds no conversation"),
        (b"dialect hayes\n> AT\n", ": unknown dialect 'hayes'; known are sm-1.0"),
    ],
)
def test_a_file_that_makes_no_sense(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "a.at"
    path.write_bytes(data)
    status, out = told(path)
    assert status == 1
    assert out.startswith(f"{path}{says}")
    assert out.count("\n") == 1


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf> AT\n< OK\n", b"> AT\r\n< OK\r\n", b"\n\n> AT\n< OK"])
def test_what_editors_do_to_files(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.at"
    path.write_bytes(data)
    assert told(path)[0] == 0


def test_a_folder_without_transcripts_and_a_file_that_is_not_there(tmp_path: Path, capsys) -> None:
    assert told(tmp_path) == (1, f"{tmp_path}: the folder holds no file that ends in .at\n")
    assert told(tmp_path / "a.at") == (1, "")
    assert capsys.readouterr().err == f"vmodem play: {tmp_path / 'a.at'}: No such file or directory\n"


WORDS = [
    r"",
    r"> AT",
    r"> AT#XSOCKET=1,1,0",
    r"< OK",
    r"<| \r\nOK\r\n",
    r"<~ .*",
    r">| abc+++",
    r"nothing",
    r"wait 1",
    r"wait 0.5",
    r"given sockets 0:tcp:connected",
    r"given offline",
    r"given follow firmware",
    r"given host a 192.0.2.1",
    r'peer 0 sends "x"',
    r"peer 0 closes",
    r"peer 0 resets",
    r'peer 0 gets "x"',
    r"peer connects to 80 from 192.0.2.1:7",
    r"peer 192.0.2.9:9 closes",
    r'peer 192.0.2.1:9 sends "x" to 0',
    r"errata: no",
    r"# page: x",
    r"dialect sm",
    r"follow firmware",
    r"",
]


@given(lines=st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=20)), max_size=12))
def test_any_text_is_blocks_or_a_mistake_with_its_place(tmp_path_factory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "a.at"
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    mistake = f"{path}:1: none"
    try:
        for block in parse(path):
            play(block, dialects.find("sm"))
    except TranscriptError as error:
        mistake = str(error)
    assert re.fullmatch(re.escape(str(path)) + r":\d+: .+", mistake)
