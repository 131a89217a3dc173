"""What those who listen to a modem are told, and what the log says of it."""

import pytest

from vmodem import dialects
from vmodem.core.power import Start
from vmodem.core.trace import (
    Data,
    DataBegins,
    DataEnds,
    HostLine,
    Note,
    Power,
    Refused,
    Reply,
    Result,
    State,
    Urc,
)
from vmodem.virtual import Virtual

OK = Result(b"\r\nOK\r\n", b"\r\nOK\r\n")
ERROR = Result(b"\r\nERROR\r\n", b"\r\nERROR\r\n")


class Heard:
    """A trace that remembers."""

    def __init__(self):
        self.events = []

    def event(self, now, modem, channel, event):
        self.events.append(event)

    def take(self):
        taken, self.events = self.events, []
        return taken

    def take_dialogue(self):
        return [event for event in self.take() if not hasattr(event, "socket")]


def heard(dialect="sm", **options):
    """Return a modem with a socket that is connected, and who listens to it."""
    modem = Virtual(dialects.find(dialect), **options)
    trace = Heard()
    modem.modem.listen(trace)
    return modem, trace


def said(data):
    return data, data


def test_a_command():
    modem, trace = heard()
    modem.send(b"AT+CFUN?\r")
    assert trace.take() == [HostLine(*said(b"AT+CFUN?")), Reply(*said(b"\r\n+CFUN: 1\r\n")), OK]


def test_a_refusal_comes_before_its_result():
    modem, trace = heard()
    modem.send(b"AT#XSOCKET=9,1,0\r")
    assert trace.take() == [
        HostLine(*said(b"AT#XSOCKET=9,1,0")),
        Refused(b"AT#XSOCKET=9,1,0", "<op> 9 is none of 1, 2", "op"),
        ERROR,
    ]


def test_data_mode_and_an_unsolicited_line():
    modem, trace = heard()
    modem.send(b'AT#XSOCKET=1,1,0\rAT#XCONNECT=0,"192.0.2.1",7\rAT#XAPOLL=1,1\r')
    trace.take()
    modem.send(b"AT#XSEND=0,2,0\r")
    assert trace.take_dialogue() == [HostLine(*said(b"AT#XSEND=0,2,0")), OK, DataBegins()]
    modem.network.peers[0].send(b"x")
    modem.send(b"data+++")
    (data, ends, reply, urc) = trace.take_dialogue()
    assert (data, data.secret, ends) == (Data(b"data", "the escape sequence came"), True, DataEnds())
    assert reply == Reply(*said(b"\r\n#XDATAMODE: 0\r\n"))
    assert urc == Urc(b"\r\n#XAPOLL: 0,1\r\n")


def test_data_within_a_command():
    modem, trace = heard("ameba")
    modem.send(b"AT+TEST=1,3\rabc")
    kinds = [type(event) for event in trace.take()]
    assert kinds == [HostLine, Reply, DataBegins, Data, Data, DataEnds, Reply, Result]


def test_power():
    modem, trace = heard()
    modem.send(b"AT#XSLEEP=2\r")
    modem.wait(1)
    modem.send(b"AT#XRESET\r")
    modem.wait(1)
    modem.send(b"AT#XSHUTDOWN\r")
    modem.wait(1)
    states = [event.state for event in trace.take() if isinstance(event, Power)]
    assert states == [State.ASLEEP, State.AWAKE, State.RESTARTED, State.OFF]


def test_a_secret_is_one():
    modem, trace = heard(start=Start.OFFLINE)
    modem.send(b'AT%CMNG=0,1,0,"hush"\r')
    line, result = trace.take()
    assert line == HostLine(b'AT%CMNG=0,1,0,"hush"', b"AT%CMNG... (20 bytes)")
    assert (line.secret, result.secret) == (True, False)


def test_a_trace_that_fails_is_left_out(caplog):
    class Broken:
        def event(self, now, modem, channel, event):
            raise RuntimeError("no")

    modem, trace = heard()
    modem.modem.listen(Broken())
    modem.modem.listen(last := Heard())
    modem.take()
    modem.send(b"AT\rAT\r")
    assert modem.take() == b"\r\nOK\r\n" * 2
    assert len(trace.take()) == len(last.take()) == 4
    assert [record.getMessage() for record in caplog.records] == ["modem: a trace has failed, and is told nothing more"]


def test_nobody_listens():
    modem = Virtual(dialects.find("sm"))
    assert modem.modem.traces == ()
    assert modem.channel._tracer is None


def test_a_second_channel_is_told_from_the_first(caplog):
    caplog.set_level("INFO")
    modem = Virtual(dialects.find("sm"))
    modem.modem.open_channel().receive(b"AT+NO\r", 0.0)
    assert caplog.messages == ["modem, channel 2: AT+NO: there is no command AT+NO"]


@pytest.mark.parametrize(
    ("dialect", "line", "reason"),
    [
        ("sm", "AT#XSOCKET=9,1,0", "<op> 9 is none of 1, 2"),
        ("sm", "AT#XSOCKET=,1,0", "<op> an empty parameter is none of 1, 2"),
        ("sm", "AT#XSOCKET=1,1", "<role> is missing"),
        ("sm", "AT#XSOCKET=1,1,2", "<role> 2 is none of 0, 1"),
        ("sm", "AT+CFUN=1,2", "2 parameters, at most 1 is accepted"),
        ("sm", "AT#XNO", "there is no command AT#XNO"),
        ("sm", "AT#XBIND?", "AT#XBIND has no read form"),
        ("sm", "AT#XBIND=?", "AT#XBIND has no test form"),
        ("slm-2.7", 'AT#XTCPCLI=1,"192.0.2.1",70000', "<port> 70000 is not an integer from 0 to 65535"),
    ],
)
def test_the_reason_of_a_refusal(caplog, dialect, line, reason):
    caplog.set_level("INFO")
    modem = Virtual(dialects.find(dialect), name="ttyV0")
    modem.send(line.encode() + b"\r\n")
    assert caplog.messages == [f"ttyV0: {line}: {reason}"]


def test_the_whole_dialogue_in_the_log(caplog):
    caplog.set_level("DEBUG")
    modem = Virtual(dialects.find("sm"))
    modem.send(b'AT#XFOO="bar",1\rAT+CGSN=1\r')
    assert caplog.messages == [
        "modem: on",
        "modem: < Ready",
        'modem: > AT#XFOO="bar",1',
        'modem: AT#XFOO="bar",1: there is no command AT#XFOO',
        "modem: < ERROR",
        "modem: > AT+CGSN=1",
        'modem: < +CGSN: "352656100367872"',
        "modem: < OK",
    ]


def test_a_note_is_in_the_log_and_an_event(caplog):
    modem, trace = heard()
    modem.modem.warn("%d bytes are dropped", 7)
    assert caplog.messages == ["modem: 7 bytes are dropped"]
    assert trace.take() == [Note(30, "7 bytes are dropped")]
