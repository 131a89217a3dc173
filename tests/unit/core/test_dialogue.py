import pytest

from vmodem import dialects
from vmodem.core.dialogue import Dialogue
from vmodem.core.power import Start
from vmodem.virtual import Virtual

SM = dialects.find("sm")
AMEBA = dialects.find("ameba")


@pytest.fixture
def dialogue():
    return Dialogue(SM)


@pytest.mark.parametrize("line", [b"AT", b"", b"at+cfun=1", b'AT#XSEND=0,0,0,"data"', b"AT+CFUN?", b"AT#XCLAC"])
def test_known_commands_are_shown_whole(dialogue, line):
    assert dialogue.line(line) == line


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b'AT%CMNG=0,7,2,"hush"', b"AT%CMNG... (20 bytes)"),
        (b"at%cmng=1", b"AT%CMNG... (9 bytes)"),
        (b"AT%CMNG=0,7,3,hush", b"AT%CMNG... (18 bytes)"),
        (b'?AT%CMNG=0,7,2,"hush', b"AT%CMNG... (20 bytes)"),
        (b'AT %CMNG=0,7,2,"hush', b"AT%CMNG... (20 bytes)"),
        (b'AT%CMGN=0,7,2,"hush"', b"AT%CMGN... (20 bytes)"),
        (b"AT%CMGN=0,7,3,hush", b"AT%CMGN... (18 bytes)"),
        (b"CMNG=0,7,3,hush", b"CMNG... (15 bytes)"),
        (b'AT#XCMNG=0,7,2,"hush"', b"AT#XCMNG... (21 bytes)"),
        (b'AT+XAUTH="hush"', b"AT+XAUTH... (15 bytes)"),
        (b"AT+FOO=0123456789abcdef", b"AT+FOO... (23 bytes)"),
        (b"-----BEGIN PRIVATE KEY-----\nhush", b"-----BEGIN PRIVATE KEY-----... (32 bytes)"),
    ],
)
def test_what_may_hold_a_secret_is_not(dialogue, line, shown):
    assert dialogue.line(line) == shown


@pytest.mark.parametrize(
    "line",
    [b"ATI", b"hello", b"\nhello", b'AT+FOO="bar",1', b"AT+CMGF=1", b'AT#XHTTPCCON=1,"a.com",80', b"AT%XFOO?"],
)
def test_other_unknown_commands_are_shown_whole(dialogue, line):
    for _ in range(2):
        assert dialogue.line(line) == line


@pytest.mark.parametrize("first", [b"AT%CMNG=0,7,2,hush", b'AT%CMGN=0,7,2,"hush', b"-----BEGIN PRIVATE KEY-----"])
def test_what_follows_one_may_be_a_piece_of_it(dialogue, first):
    dialogue.line(first)
    for piece in (b"hush", b"MIIhushAT", b'"hush"'):
        dialogue.line(b"")
        assert dialogue.line(piece) == b"... (%d bytes)" % len(piece)
    assert dialogue.line(b"AT") == b"AT"
    assert dialogue.line(b"hello") == b"hello"


def test_what_follows_a_line_that_was_too_long(dialogue):
    dialogue.overlong()
    assert dialogue.line(b"hush") == b"... (4 bytes)"


def test_answers(dialogue):
    dialogue.line(b"AT%CMNG=2,7,0")
    assert dialogue.answer(b'\r\n%CMNG: 7,0,"digest","hush"') == b"%CMNG: 7,0,"
    assert dialogue.answer(b"\r\n+CME ERROR: 513\r\n") == b"\r\n+CME ERROR: 513\r\n"
    dialogue.line(b"AT+CGSN=1")
    assert dialogue.answer(b'\r\n+CGSN: "352656100367872"') == b'\r\n+CGSN: "352656100367872"'


def test_a_hidden_line_is_hidden_in_its_answer_too():
    dialogue = Dialogue(AMEBA)
    assert dialogue.line(b'AT%CMNG=0,7,2,"hush"') == b"AT%CMNG... (20 bytes)"
    assert dialogue.answer(b'\r\nunknown command AT%CMNG=0,7,2,"hush"\r\n') == b"\r\nunknown command ...\r\n"


PEM = b"-----BEGIN PRIVATE KEY-----\r\nhush\r\nhush\r\n-----END PRIVATE KEY-----\r\n"


@pytest.mark.parametrize("name", ["sm-1.0", "slm-1.9", "slm-2.0", "slm-2.7", "ameba-2.4"])
@pytest.mark.parametrize(
    "sent",
    [
        b'AT%%CMNG=0,7,2,"%b"' % PEM,
        b"AT%%CMNG=0,7,2,%b" % PEM,
        b'AT%%CMNG=0,7,2,"%b' % PEM,
        b'AT%%CMNG=0,7,2,"%b","hush"' % PEM,
        b'AT%%CMNG=0,7,2,"%b"' % (PEM * 100),
        b"AT%%CMNG=0,7,2,%b" % (PEM * 100),
        b'AT#XCMNG=0,7,2,"%b"' % PEM,
        b'AT#XCMNG=0,7,3,"hush"',
        b'AT%%CMNG=0,7,2,"%b"' % PEM.replace(b"\r\n", b"\r\r\n"),
        b"AT%%CMNG=0,7,2,%b" % PEM.replace(b"\r\n", b"\r\n\r\n"),
        b"AT%CMGN=0,7,3,hush",
        PEM,
        PEM.replace(b"\r\n", b"\r\r\n"),
        PEM.replace(b"\r", b""),
        PEM.replace(b"\n", b""),
        PEM.replace(b"hush", b"AThush"),
        PEM.replace(b"hush", b"AT+FMI%b+/==" % (b"hush" * 16)),
        b"  " + PEM.replace(b"\r\n", b"\n    "),
    ],
)
def test_the_log_of_a_modem_shows_no_secret(caplog, name, sent):
    shows_no_secret(caplog, name, sent)


@pytest.mark.parametrize(
    "sent",
    [
        b"AT+CERT=0,1,%b" % PEM,
        b"AT+WLCONN=ssid,x,pw,hushhush",
        b"AT+WLCONN=ssid,x,hushhush",
        b"AT+WLCONN=x,hushhush",
        b"AT+WLCONN=ssid,x,key_id,hushhush",
    ],
)
def test_neither_does_that_of_an_ameba(caplog, sent):
    shows_no_secret(caplog, "ameba-2.4", sent)


def shows_no_secret(caplog, name, sent):
    caplog.set_level("DEBUG")
    for start in Start:
        modem = Virtual(dialects.find(name), start=start)
        modem.send(sent + b'\r\nAT%CMNG=1\r\n"\r\nAT\r\n')
    assert caplog.records
    assert "hush" not in caplog.text
