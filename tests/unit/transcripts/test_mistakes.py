"""Every mistake in a file is one line with its number, and what would be right; nothing else ever comes of a text."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmodem import dialects
from vmodem.transcripts.format import MAX_SIZE, TranscriptError, parse
from vmodem.transcripts.play import run
from vmodem.transcripts.player import play

LONG = "x" * 5000

MISTAKES = [
    ("< OK\nfoo\n", 2, "'foo' is no directive; the nearest is: "),
    ("AT\n", 1, "'AT' is no directive; the nearest is: > LINE"),
    (">AT\n", 1, "the nearest is: > LINE"),
    ("<OK\n", 1, "the nearest is: < LINE"),
    ('> AT\npeer 0 sent "x"\n', 2, 'the nearest is: peer WHO sends "DATA"'),
    ("> AT\npeer 0 sends x\n", 2, 'the nearest is: peer WHO sends "DATA"'),
    ("> AT\npeer 0 resetted\n", 2, "the nearest is: peer WHO closes|resets"),
    ("> AT\nwaits 5\n", 2, "the nearest is: wait SECONDS"),
    ("> AT\nnothin\n", 2, "the nearest is: nothing"),
    ("> AT\nerratum: x\n", 2, "the nearest is: errata: TEXT"),
    ("gives sockets 0:tcp\n> AT\n", 1, "the nearest is: given sockets SOCKET ..."),
    (f"{LONG}\n", 1, "..."),
    ("> AT\n  indented\n", 2, "is no directive"),
    ("> AT\0\0\nnothing\0\n", 2, r"'nothing\x00' is no directive; the nearest is: nothing"),
    ("> AT\rOK\n\rnothing\n", 2, r"'\rnothing' is no directive"),
    # Regular expressions
    ("> AT\n<~ (\n", 2, "'(' is no regular expression: missing )"),
    ("> AT\n<~ [a\n", 2, "is no regular expression"),
    ("> AT\n<~ a{99999999999999}\n", 2, "is no regular expression: the repetition number is too large"),
    (f"> AT\n<~ {'(' * 5000}\n", 2, "...' is no regular expression"),
    ("> AT\n<~ [[a]b]\n", 2, "'[[a]b]' is no regular expression: Possible nested set"),
    # Escapes
    (">| \\{99999999999 x}\n", 1, "makes more than 16777216 bytes of this line"),
    (f">| \\{{{'9' * 6000} x}}\n", 1, "makes more than 16777216 bytes of this line"),
    (">| \\{16777217 x}\n", 1, "makes more than 16777216 bytes of this line"),
    (">| \\{9000000 x}\\{9000000 x}\n", 1, "makes more than 16777216 bytes of this line"),
    ('peer 0 sends "\\{99999999 é}"\n', 1, "makes more than 16777216 bytes of this line"),
    (">| \\q\n", 1, "unknown escape \\q; known are"),
    ("<| \\\n", 1, "unknown escape \\; known are"),
    # Time
    ("> AT\nwait 1e999\n", 2, "the nearest is: wait SECONDS"),
    ("> AT\nwait \u0663\n", 2, "the nearest is: wait SECONDS"),
    ("> AT\nwait -1\n", 2, "the nearest is: wait SECONDS"),
    ("> AT\nwait 10000000\n", 2, "10000000 seconds are more than 1000000"),
    (f"> AT\nwait {'9' * 400}\n", 2, "is no directive; the nearest is: wait SECONDS"),
    # Addresses and handles
    ("peer connects to 99999 from 192.0.2.1:7\n", 1, "'99999' is no port, which is at most 65535"),
    ("peer connects to 80 from 192.0.2.1:99999\n", 1, "'99999' is no port"),
    (f"peer connects to {'9' * 5000} from 192.0.2.1:7\n", 1, "is no port"),
    ("peer connects to 80 from 192.0.2.1\n", 1, "is not ADDRESS:PORT, as in 192.0.2.1:7"),
    ("peer connects to 80 from [::1:7\n", 1, "is not ADDRESS:PORT"),
    ("peer connects to 80 from ::1:7\n", 1, "is not ADDRESS:PORT, as in 192.0.2.1:7 or [2001:db8::1]:7"),
    ("peer connects to 80 from [::g]:7\n", 1, "is not ADDRESS:PORT"),
    ("peer connects to 80 from host:7\n", 1, "is not ADDRESS:PORT"),
    (f"peer connects to 80 from {LONG}:7\n", 1, "is not ADDRESS:PORT"),
    ("peer one closes\n", 1, "'one' is no peer, who is a HANDLE or an ADDRESS:PORT"),
    ("peer 192.0.2.1:70000 closes\n", 1, "'70000' is no port"),
    ('peer 192.0.2.1:7 sends "x" to 9\n', 1, "there is no open socket 9"),
    ('given sockets 0:tcp\npeer 192.0.2.1:7 sends "x" to 0\n', 2, "socket 0 takes no datagrams"),
    ('peer 3 sends "x"\n', 1, "handle 3 has no peer"),
    ("peer 192.0.2.1:7 closes\n", 1, "there is no peer 192.0.2.1:7"),
    # What is given
    ("given\n> AT\n", 1, "'given' is no directive; the nearest is: given "),
    ("given sokets 0:tcp\n> AT\n", 1, "the nearest is: given sockets SOCKET ..."),
    ("given sockets 5:tcp\n> AT\n", 1, "'5:tcp' is not a socket: 0:KIND, with KIND one of tcp, udp"),
    ("given sockets 0:tcp:asleep\n> AT\n", 1, "the state is one of connected, bound:PORT"),
    ("given sockets 0:tcp:bound:70000\n> AT\n", 1, "AT#XBIND=0,70000 is answered"),
    ("given > AT#XNOTHING\n> AT\n", 1, "AT#XNOTHING is answered"),
    ("given follow me\n> AT\n", 1, "the nearest is: given follow manual|firmware"),
    ("given terminator nul\n> AT\n", 1, "the nearest is: given terminator cr|lf|crlf"),
    ("given offline please\n> AT\n", 1, "the nearest is: given offline"),
    ("given config\n> AT\n", 1, "the nearest is: given config TABLE.KEY VALUE"),
    ("given config a.b c\n> AT\n", 1, "a is unknown; known are identity, cell"),
    ("given config __doc__.b c\n> AT\n", 1, "__doc__ is unknown"),
    ("given config cell.rssi 1\n> AT\n", 1, "cell.rssi is unknown; it belongs in [wifi] or [[network]]"),
    ("given config cell.__doc__ 1\n> AT\n", 1, "cell.__doc__ is unknown; known are plmn"),
    ("given config cell.act x\n> AT\n", 1, "cell.act is 'x', accepted: a whole number: 7 or 9"),
    ("given config cell.act 8\n> AT\n", 1, "cell.act is 8, accepted: 7 or 9"),
    ("given config cell.roaming maybe\n> AT\n", 1, "cell.roaming is 'maybe', accepted: true or false"),
    ("given config cell.registration_time nan\n> AT\n", 1, "accepted: 0 or more seconds"),
    ("given config identity.model \u0100\n> AT\n", 1, "Latin-1 text"),
    ("given config network.ssid a\n> AT\n", 1, "there may be several tables network"),
    ("given credential modem 16 ca\n> AT\n", 1, 'the nearest is: given credential AREA TAG KIND "CONTENT"'),
    ('given credential sim 16 ca "a"\n> AT\n', 1, "sim is no area; known are modem, native, client, server"),
    ('given credential modem 16 root "a"\n> AT\n', 1, "root is no kind of credential; known are ca, certificate"),
    ('given credential client 11 ca "a"\n> AT\n', 1, "there is no client 11 ca"),
    ('given credential modem 16 ca "\\q"\n> AT\n', 1, "unknown escape"),
    ("given host\n> AT\n", 1, "the nearest is: given host NAME ADDRESS ..."),
    ("given host a 1.2.3\n> AT\n", 1, "'1.2.3' is no IPv4 or IPv6 address"),
    ("given window x\n> AT\n", 1, "the nearest is: given window BYTES"),
    ("given lost x\n> AT\n", 1, "the nearest is: given lost NUMBER ..."),
    ("given refused nowhere\n> AT\n", 1, "is not ADDRESS:PORT"),
    ("given silent ::1:7\n> AT\n", 1, "is not ADDRESS:PORT"),
    # The head
    ("dialect\n> AT\n", 1, "'dialect' makes no sense; dialect NAME would be right"),
    ("dialect sm 1.0\n> AT\n", 1, "dialect NAME would be right"),
    ("follow me\n> AT\n", 1, "'follow me' makes no sense; follow manual|firmware would be right"),
    ("dialect sm\n\ndialect sm\n> AT\n", 3, "'dialect sm' is one too many: line 1 has one already"),
    ("# About\ndialect hayes\n> AT\n", 2, "unknown dialect 'hayes'; known are sm-1.0"),
    ("> AT\ndialect sm\n", 2, "'dialect sm' stands too late: before the first directive of the file it would be right"),
    ("> AT\n\nfollow firmware\n> AT\n", 3, "stands too late"),
    ("dialects sm\n> AT\n", 1, "the nearest is: dialect NAME"),
]


def told(*paths: Path) -> tuple[int, str]:
    out = io.StringIO()
    return run(paths, out=out), out.getvalue()


@pytest.mark.parametrize(("text", "line", "says"), MISTAKES)
def test_a_mistake_is_one_line_with_its_number(write, text: str, line: int, says: str) -> None:
    path = write(text)
    status, out = told(path)
    first, *rest = out.splitlines()
    assert status == 1
    assert first.startswith(f"{path}:{line}: ")
    assert says in first
    assert len(first) < len(str(path)) + 330
    assert rest in ([], [f"{path}: 0 blocks passed, 1 failed"])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfe", ":1: byte 1, 0xff, is no text in UTF-8"),
        (b"> AT\n< OK\n\n# \x80\n", ":4: byte 3, 0x80, is no text in UTF-8"),
        (b"# \xed\xa0\x80\n", ":1: byte 3, 0xed, is no text in UTF-8"),
        (b"", ": it holds no conversation"),
        (b"\n\n \n", ": it holds no conversation"),
        (b"# only a comment\n", ": it holds no conversation"),
        (b"given offline\n", ": it holds no conversation"),
        (b"dialect sm\nfollow firmware\n", ": it holds no conversation"),
    ],
)
def test_a_file_that_makes_no_sense(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "a.at"
    path.write_bytes(data)
    assert told(path) == (1, f"{path}{says}\n")


def test_a_file_without_an_end() -> None:
    path = Path("/dev/zero")
    assert told(path) == (1, f"/dev/zero:1: the file has more than {MAX_SIZE} bytes\n")


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbf> AT\n< OK\n", b"> AT\r\n< OK\r\n", b"\n\n> AT\n< OK", b"> AT\r\n< OK\r"]
)
def test_what_editors_do_to_files(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.at"
    path.write_bytes(data)
    assert told(path) == (0, f"{path}: 1 block passed\n")


def test_a_nul_is_sent_as_it_is(write) -> None:
    (block,) = parse(write("> AT\0\n<~ .*\n"))
    assert block.steps[0].data == b"AT\0"
    assert play(block, dialects.find("sm")) is None


def test_a_folder_without_transcripts_keeps_no_other_from_being_played(tmp_path: Path, write) -> None:
    (tmp_path / "empty" / "named.at").mkdir(parents=True)
    empty, good = tmp_path / "empty", write("> AT\n< OK\n")
    said = f"{empty}: the folder holds no file that ends in .at\n"
    assert told(empty) == (1, said)
    assert told(empty, good) == (1, f"{said}{good}: 1 block passed\n2 files: 1 block passed\n")


def test_what_is_no_file_is_not_looked_into(tmp_path: Path, write) -> None:
    good = write("> AT\n< OK\n")
    os.mkfifo(tmp_path / "never-ends.at")
    assert told(tmp_path) == (0, f"{good}: 1 block passed\n")


@pytest.mark.parametrize("name", ["gone.at", "link.at", "a.at/b.at", "n" * 300, "closed.at"])
def test_a_file_that_cannot_be_read_is_told_on_standard_error(tmp_path: Path, capsys, name: str) -> None:
    (tmp_path / "link.at").symlink_to("link.at")
    (tmp_path / "a.at").write_text("> AT\n< OK\n")
    (tmp_path / "closed.at").write_text("> AT\n< OK\n")
    (tmp_path / "closed.at").chmod(0)
    if name == "closed.at" and os.geteuid() == 0:
        pytest.skip("root can read everything")
    assert told(tmp_path / name) == (1, "")
    assert re.fullmatch(rf"vmodem play: {tmp_path}/{name}: [^\n]+\n", capsys.readouterr().err)


WORDS = [
    r"",
    r"> AT",
    r"> AT#XSOCKET=1,1,0",
    r"> AT#XSOCKET=1,2,0",
    r"> AT#XCLOSE",
    r"> AT+CFUN=4",
    r"> AT#XRECV=0,0,0,10",
    r"> AT#XSEND=0,2,0",
    r"< OK",
    r"<| \r\nOK\r\n",
    r"<~ .*",
    r">| abc+++",
    r"nothing",
    r"wait 1",
    r"wait 1000000",
    r"given sockets 0:tcp:connected",
    r"given sockets 0:udp:bound:1234",
    r"given sockets 0:tcp:listening:80",
    r"given sockets 0:raw",
    r"given sockets tcp:connected",
    r"given offline",
    r"given follow firmware",
    r"given silent 192.0.2.1:7",
    r"given window 1",
    r"given host a 192.0.2.1",
    r"given config cell.registration_time 5",
    r'given credential modem 1 psk "00"',
    r'peer 0 sends "x" "y"',
    r'peer 0 sends "x" and closes',
    r"peer 0 closes",
    r"peer 0 resets",
    r"peer 0 accepts",
    r"peer 0 reads",
    r"peer 0 stops reading",
    r"peer 0 is closed",
    r'peer 0 gets "x"',
    r"peer connects to 80 from 192.0.2.1:7",
    r"peer connects to 80 from [2001:db8::9]:7",
    r"peer 192.0.2.9:9 closes",
    r"peer 192.0.2.1:7 resets",
    r'peer 192.0.2.1:9 sends "x" to 0',
    r"errata: no",
    r"  more",
    r"# page: x",
    r"dialect sm",
    r"dialect slm",
    r"follow firmware",
    r"",
]


@given(
    lines=st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), st.text(max_size=20)), max_size=14),
    name=st.sampled_from(sorted(dialects.MODULES)),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_text_is_blocks_or_a_mistake_with_its_place(tmp_path_factory, lines, name: str, end: str) -> None:
    path = tmp_path_factory.mktemp("any") / "a.at"
    path.write_bytes(end.join(lines).encode("utf-8", "surrogatepass"))
    mistake = f"{path}:1: none"
    try:
        for block in parse(path):
            play(block, dialects.find(name))
    except TranscriptError as error:
        mistake = str(error)
    assert re.fullmatch(re.escape(str(path)) + r":\d+: .+", mistake)
