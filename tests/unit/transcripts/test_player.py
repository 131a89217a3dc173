from __future__ import annotations

import random
from hashlib import sha256

import pytest

from vmodem import dialects
from vmodem.config import Config
from vmodem.transcripts.format import TranscriptError, parse
from vmodem.transcripts.player import bytewise, configure, play, random_chunks

DIALECT = dialects.find("sm-1.0")


@pytest.mark.parametrize(
    "line",
    [
        "given nonsense",
        "given follow nobody",
        "given terminator nul",
        "given config identity.nothing 1",
        "given sockets 1:tcp",
        "given sockets 0:pigeon",
        "given sockets 0:tcp:asleep",
        "given > AT#XNOTHING",
        "given refused 192.0.2.1",
    ],
)
def test_a_given_that_cannot_be_is_named(difference, line: str) -> None:
    with pytest.raises(TranscriptError, match=r"test\.at:1: "):
        difference(f"{line}\n> AT\n< OK\n")


def test_a_peer_that_does_not_exist_is_named(difference) -> None:
    with pytest.raises(TranscriptError, match=r"test\.at:1: handle 0 has no peer"):
        difference('peer 0 sends "x"\n')


def test_a_config_key_takes_the_type_of_its_default() -> None:
    config = configure(Config(), "cell.rsrp", "17")
    assert configure(config, "cell.roaming", "true").cell.rsrp == 17
    assert configure(config, "identity.msisdn", "123").identity.msisdn == "123"


@pytest.mark.parametrize(
    "text",
    [
        "> AT\n< OK\n",
        ">| AT\\r\n<| \\r\\nOK\\r\\n\n",
        "> AT\n<~ O.\n",
        "> AT#XSOCKET=1,1,0\n< #XSOCKET: 0,1,6\n<| \\r\\nOK\\r\\n\n",
        "given terminator lf\n> AT\n< OK\n",
        "given follow firmware\ngiven sockets 0:tcp\n> AT#XSSOCKETOPT=0,1,5,2\n< OK\n",
        "given sockets 0:tcp:connected\n> AT#XCLOSE=0\n<~ #XCLOSE.*\n< OK\npeer 0 is closed\n",
    ],
)
def test_a_conversation_that_goes_well(difference, text: str) -> None:
    assert difference(text) is None


@pytest.mark.parametrize(
    ("text", "number", "expected", "actual"),
    [
        ("> AT\n< ERROR\n", 2, "b'ERROR'", r"b'\r\nOK\r\n'"),
        ("> AT\n<| OK\n", 2, "b'OK'", r"b'\r\nOK\r\n'"),
        ("> AT\n<~ E.*\n", 2, "b'E.*'", r"b'\r\nOK\r\n'"),
        (">| AT\n< OK\n", 2, "b'OK'", "b''"),
        ("> AT\nnothing\n", 2, "nothing", r"b'\r\nOK\r\n'"),
        ("> AT\n< OK\n> AT\n", 3, "the end", r"b'\r\nOK\r\n'"),
        ('given sockets 0:tcp:connected\npeer 0 gets "x"\n', 2, "(b'x',)", "(b'',)"),
        ("given sockets 0:tcp:connected\npeer 0 is closed\n", 2, "a closed connection", "an open one"),
        (
            "peer connects to 1 from 192.0.2.1:2\n",
            1,
            "a listening socket",
            "[Errno 111] nobody listens on port 1",
        ),
        ('peer 3 gets "x"\n', 1, "(b'x',)", "handle 3 has no peer"),
    ],
)
def test_a_difference_shows_both_sides(difference, text, number, expected, actual) -> None:
    found = difference(text)
    assert (found.step.number, found.expected, found.actual) == (number, expected, actual)


def test_a_difference_shows_the_conversation_so_far(difference) -> None:
    found = difference("given sockets 0:tcp\n> AT\n< OK\n> AT\n< ERROR\n> AT\n")
    shown = "    given sockets 0:tcp\n    > AT\n    < OK\n    > AT\n    < ERROR\n"
    assert str(found).endswith(f"test.at:5:\n{shown}expected: b'ERROR'\nactual:   b'\\r\\nOK\\r\\n'")


def test_chunking_loses_nothing() -> None:
    data = bytes(range(200))
    assert b"".join(bytewise(data)) == data
    assert b"".join(random_chunks(random.Random(1))(data)) == data


def test_a_credential_is_given(write) -> None:
    digest = sha256(b"a\r\n").hexdigest().upper()
    (block,) = parse(write(f'given credential modem 16 ca "a\\r\\n"\n> AT%CMNG=1\n< %CMNG: 16,0,"{digest}"\n< OK\n'))
    assert play(block, DIALECT) is None


@pytest.mark.parametrize(
    "value", ["", "modem 16 ca", 'modem 16 root "a"', 'sim 16 ca "a"', 'client 11 ca "a"', 'native 1 public_key "a"']
)
def test_what_is_no_credential_is_a_fault(difference, value: str) -> None:
    with pytest.raises(TranscriptError, match=r"test.at:1: "):
        difference(f"given credential {value}\n> AT\n< OK\n")


def test_the_log_tells_which_block_it_is(difference, caplog) -> None:
    with caplog.at_level("INFO", "vmodem"):
        difference("# a comment\n\n> AT#XBAD\n< ERROR\n")
    (message,) = caplog.messages
    assert message.split("/")[-1] == "test.at:3: AT#XBAD: there is no command AT#XBAD"
