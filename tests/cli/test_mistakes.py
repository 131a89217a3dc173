"""Every mistake on a command line: its status, and one line that names the thing and says what would be right."""

import argparse
import contextlib
import logging
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmodem.cli import main, make_parser

REMEDY = re.compile(
    r"would be (right|one)|did you mean |known are |accepted: |[sS]ee 'vmodem |"
    r"picks a free one|once for each|once only|that ends in"
)
"""How a message says what would be right."""


@pytest.fixture(autouse=True)
def _logging():
    """Leave the log as it was: a program sets it up once and for all."""
    root, log = logging.getLogger(), logging.getLogger("vmodem")
    handlers, level = root.handlers[:], log.level
    yield
    root.handlers[:] = handlers
    log.setLevel(level)


@pytest.fixture
def told(capsys, tmp_path, monkeypatch):
    """Run a command line; return its status, and the one line that it printed on standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text\n")
    (tmp_path / "good.at").write_text("> AT\n< OK\n")

    def told(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as error:
            status = error.code
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert captured.err.rstrip("\n").isprintable()
        assert "Traceback" not in captured.err
        return status, captured.err

    return told


def parsers(parser=None, words=()):
    """Yield every parser of the command line, with the words that lead to it."""
    parser = parser or make_parser()
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(open(os.devnull, "w")):
        parser.parse_known_args(["--help"])  # so that it is filled
    yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from parsers(inner, (*words, name))


OPTIONS = [
    pytest.param(words, action.option_strings[-1], action, id=" ".join((*words, action.option_strings[-1])))
    for words, parser in parsers()
    for action in parser._actions
    if action.option_strings
]
VALUED = [one for one in OPTIONS if one.values[2].nargs != 0]
FLAGS = [one for one in OPTIONS if one.values[2].nargs == 0]
REPEATED = ("--tcp", "--pty", "--serial", "--address")
"""What may be given more than once."""

NEEDED = {
    "credentials list": ["--credentials", "store"],
    "credentials add": ["--credentials", "store", "16", "ca", "file"],
    "credentials remove": ["--credentials", "store", "16", "ca"],
    "play": ["good.at"],
    "commands": ["sm"],
}
"""What a command needs besides the option that is looked at."""


def needed(words, option):
    found = NEEDED.get(" ".join(words), [])
    return found[2:] if option in found else found


class TestEveryOption:
    @pytest.mark.parametrize(("words", "option", "action"), OPTIONS)
    def test_misspelt(self, told, words, option, action):
        wrong = f"{option[:3]}x{option[3:]}" if len(option) > 3 else "--" + option[1:] * 3
        status, line = told(*words, wrong)
        assert status == 2
        assert line.startswith(f"{' '.join(('vmodem', *words))}: unknown option '{wrong}'")
        assert re.search(rf"(did you mean|known are) .*{option}", line)

    @pytest.mark.parametrize(("words", "option", "action"), [one for one in VALUED if one.values[2].nargs is None])
    def test_without_its_value(self, told, words, option, action):
        status, line = told(*words, *needed(words, option), option)
        assert status == 2
        assert f"{option}: its value is missing; {action.option_strings[0]} " in line

    @pytest.mark.parametrize(("words", "option", "action"), VALUED)
    def test_with_an_empty_value(self, told, words, option, action):
        if option == "-k":
            pytest.skip("no words are in every block")
        status, line = told(*words, *needed(words, option), f"{option}=")
        assert status == 2
        assert option.lstrip("-") in line
        assert REMEDY.search(line)

    @pytest.mark.parametrize(("words", "option", "action"), FLAGS)
    def test_with_a_value_where_it_takes_none(self, told, words, option, action):
        status, line = told(*words, *needed(words, option), f"{option}=yes")
        assert status == 2
        assert f"{option} takes no value; {option} without '=yes' would be right" in line

    @pytest.mark.parametrize(
        ("words", "option", "action"),
        [one for one in VALUED if one.values[1] not in REPEATED],
    )
    def test_given_twice(self, told, words, option, action):
        values = list(action.choices)[:2] if action.choices else ["sm", "slm"] if "dialect" in option else ["x", "y"]
        status, line = told(*words, *needed(words, option), option, values[0], option, values[1])
        assert status == 2
        assert f"{option}: it is given twice; once would be right" in line.replace("-k/", "")

    @pytest.mark.parametrize(("words", "option", "action"), [one for one in VALUED if one.values[2].choices])
    def test_with_none_of_its_choices(self, told, words, option, action):
        choice = next(iter(action.choices))
        status, line = told(*words, *needed(words, option), option, choice + "x")
        assert status == 2
        assert f"{option}: '{choice}x' is unknown; " in line
        assert REMEDY.search(line)


PATHS = {"absent": "no/such/path", "below a file": "file/below", "too long": "n" * 300, "in two lines": "no/a\nb"}
FILES = {"folder": "folder", **PATHS}
FOLDERS = {"file": "file", "below a file": "file/below", "too long": "n" * 300}


@pytest.mark.parametrize(
    ("words", "value", "status"),
    [
        *((["serve", "--config", value], value, 2) for value in FILES.values()),
        *((["serve", "--credentials", value], value, 2) for value in FOLDERS.values()),
        *((["serve", "--ready-file", value], value, 1) for value in FILES.values()),
        *((["serve", "--pty", value], value, 1) for value in FILES.values()),
        *((["serve", "--pty", value], value, 1) for value in ("file",)),
        *((["serve", "--serial", value], value, 1) for value in (*FILES.values(), "file", "/dev/null")),
        *((["play", "good.at", "--port", value], value, 1) for value in (*FILES.values(), "file", "/dev/null")),
        *((["play", "--update", value], value, 1) for value in FILES.values()),
        *((["credentials", "list", "--credentials", value], value, 1) for value in (*PATHS.values(), "file")),
        *(
            (["credentials", "add", "16", "psk_identity", "file", "--credentials", value], value, 1)
            for value in FOLDERS.values()
        ),
        *((["credentials", "add", "--credentials", "store", "16", "ca", value], value, 1) for value in FILES.values()),
        *(
            (["credentials", "remove", "16", "ca", "--credentials", value], value, 1)
            for value in (*PATHS.values(), "file")
        ),
    ],
)
def test_a_path_that_is_something_else(told, words, value, status):
    got, line = told(*words)
    assert got == status
    assert line.startswith("vmodem ")
    assert value.replace("\n", "\\n") in line
    assert REMEDY.search(line)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ([], 2, "a command is missing: serve"),
        (["--versoin"], 2, "unknown option '--versoin' before the command; did you mean --version?"),
        (["--dialect", "sm", "serve"], 2, "unknown option '--dialect' before the command; known are"),
        (["dance"], 2, "COMMAND: 'dance' is unknown; known are serve, dialects, commands, play, credentials"),
        (["serv"], 2, "COMMAND: 'serv' is unknown; did you mean serve?"),
        (["credentials", "lst"], 2, "ACTION: 'lst' is unknown; did you mean list?"),
        (["credentials"], 2, "the following arguments are required: ACTION"),
        (["play"], 2, "the following arguments are required: FILE"),
        (["play", ""], 2, "FILE: the path is empty"),
        (["dialects", "foo"], 2, "'foo' is one too many"),
        (["serve", "tcp", "5000"], 2, "'tcp' belongs to no option; did you mean --tcp?"),
        (["serve", "--tcp 5000"], 2, "'--tcp 5000' belongs to no option; did you mean --tcp?"),
        (["serve", "/dev/ttyUSB0"], 2, "'/dev/ttyUSB0' belongs to no option; known are --dialect, --pty"),
        (["serve", "-tcp", "5000"], 2, "unknown option '-tcp'; did you mean --tcp?"),
        (["serve", "--offl"], 2, "unknown option '--offl'; did you mean --offline?"),
        (["serve", "--a\nb"], 2, "unknown option '--a\\nb'"),
        (["serve", "--dialect", "hayes"], 2, "unknown dialect 'hayes'; known are sm-1.0, slm-1.9"),
        (["serve", "--dialect", "SLM2.7"], 2, "unknown dialect 'SLM2.7'; did you mean slm-2.7"),
        (["serve", "--dialect", "a\nb"], 2, "unknown dialect 'a\\nb'"),
        (["serve", "--tcp", "host:port"], 2, "is not [HOST:]PORT"),
        (["serve", "--tcp", "70000"], 2, "is not [HOST:]PORT with a port from 0 to 65535"),
        (["serve", "--tcp", "9" * 5000], 2, "is not [HOST:]PORT"),
        (["serve", "--tcp", "::1:5000"], 2, "square brackets, as in [::1]:5000"),
        (["serve", "--serial", "/dev/null@12345"], 2, "115200 would be one"),
        (["serve", "--serial", "/dev/null@0"], 2, "115200 would be one"),
        (["serve", "--serial", "/dev/null@" + "9" * 5000], 2, "115200 would be one"),
        (["serve", "--serial", "@9600"], 2, "device is '', accepted: the path of a serial port"),
        (["serve", "--address", "localhost"], 2, "no IPv4 or IPv6 address; 127.0.0.1 or ::1 would be one"),
        (["serve", "--address", "127.0.0.1", "--address", "127.0.0.2"], 2, "once for each family"),
        (["serve", "--stdio", "--stdio"], 2, "once only"),
        (
            ["serve", "--tcp", "192.0.2.1:0"],
            1,
            "cannot listen on 192.0.2.1:0: Cannot assign requested address; an address",
        ),
        (["serve", "--tcp", "no.such.host.invalid:0"], 1, "cannot listen on no.such.host.invalid:0"),
        (["serve", "--tcp", "a" * 70 + ":0"], 1, "no such host name"),
        (["serve", "--pty", "/dev/null"], 1, "it exists and is no link; another path would be right"),
        (["serve", "--ready-file", "/"], 1, "cannot write the ready file"),
        (["serve", "--ready-file", "/does/not/exist/file", "--stdio"], 1, "cannot write the ready file"),
        (["serve", "--address", "192.0.2.1"], 1, "cannot use the address 192.0.2.1"),
        (["commands", "hayes"], 2, "unknown dialect"),
        (["play", "good.at", "--update", "--port", "x"], 2, "--update goes with neither --port nor --junit"),
    ],
)
def test_what_is_said(told, words, status, says):
    got, line = told(*words)
    assert (got, says in line) == (status, True), line
    assert line.startswith("vmodem")
    assert REMEDY.search(line) or status == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[identity", "modem.toml:1: Expected ']'"),
        ("[identity]\nimai = '1'\n", "modem.toml:2: identity.imai is unknown; did you mean imsi or imei? See"),
        ("[identity]\nimei = 1\n", "modem.toml:2: identity.imei is 1, accepted: text in quotes: 15 digits; see"),
        ("[cells]\n", "modem.toml:1: cells is unknown; did you mean cell?"),
        ("[[modem]]\nendpoint = 'stdio'\n[[modem]]\nendpoint = 'stdio'\n", "endpoint stdio: may be given once only"),
    ],
)
def test_a_configuration(told, tmp_path, text, says):
    (tmp_path / "modem.toml").write_text(text)
    status, line = told("serve", "--config", "modem.toml")
    assert (status, says in line) == (2, True), line


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["serve", "--offline=yes"], 2),
        (["serve", "--tcp", "192.0.2.1:0"], 1),
        (["credentials", "list", "--credentials", "/no"], 1),
    ],
)
@pytest.mark.parametrize("redirection", ["", "2>&-"])
def test_as_a_process(words, status, redirection):
    command = f"{sys.executable} -m vmodem {' '.join(words)} </dev/null {redirection}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 0 if redirection else 1)


def test_the_same_value_twice_is_none(capsys):
    assert main(["commands", "sm"]) == 0
    with pytest.raises(SystemExit) as caught:
        main(
            ["serve", "--dialect", "sm", "--dialect", "sm", "--log-level", "INFO", "--log-level", "info", "--tcp", "x"]
        )
    assert caught.value.code == 2
    assert "'x' is not [HOST:]PORT" in capsys.readouterr().err


WORDS = [
    *("serve", "play", "commands", "dialects", "credentials", "list", "add", "remove"),
    *("--tcp", "0", "--pty", "--stdio", "--serial", "--dialect", "sm", "--offline", "--hangup", "keep", "--log-level"),
    *("--config", "file", "--credentials", "folder", "--ready-file", "--address", "::1", "--terminator", "--follow"),
    *("-k", "--junit", "--update", "--port", "good.at", "--errata", "16", "ca", "--area", "--force", "client_ca_1.crt"),
    *("-", "--", "-x", "-1", "", "=", "--=", "--tcp=", "-k=", "--offline=1", "a\nb", "\udcff", "\0", "é", "x" * 300),
]


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), max_size=7))
def test_any_words_end_in_a_status_and_at_most_one_line(capsys, tmp_path_factory, words):
    words = [word for word in words if word not in ("-h", "--help", "--version")]
    if "serve" in words:
        words += ["--tcp", "none"]  # so that nothing is served
    folder = tmp_path_factory.mktemp("words")
    (folder / "folder").mkdir()
    (folder / "file").write_text("text\n")
    with contextlib.chdir(folder):
        try:
            status = main([word.replace("\0", "") for word in words])
        except SystemExit as error:
            status = error.code
    captured = capsys.readouterr()
    assert status in (0, 1, 2)
    assert status != 2 or captured.err.count("\n") == 1
    assert captured.err.removesuffix("\n").replace("\n", "").isprintable()
