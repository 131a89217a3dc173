"""Lines over lines, and the wires beside the data."""

import pytest

from vmodem import dialects
from vmodem.core.channel import OUTPUT_LIMIT
from vmodem.core.line import LineLayer, Signals
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"
INVERTED = bytes(255 - byte for byte in range(256))


class Inverting(LineLayer):
    """A line whose wires are the wrong way round: every bit of the data is inverted, both ways."""

    __slots__ = ("_output",)

    def __init__(self, inner):
        super().__init__(inner)
        self._output = bytearray()

    @property
    def output(self):
        room = OUTPUT_LIMIT - len(self._output)
        self._output += self.inner.output[:room].translate(INVERTED)
        del self.inner.output[:room]
        return self._output

    def receive(self, data, now):
        self.inner.receive(data.translate(INVERTED), now)


@pytest.fixture
def modem():
    modem = Virtual(dialects.find("sm"))
    modem.take()
    return modem


def test_a_line_that_passes_everything_through(modem):
    line = LineLayer(LineLayer(modem.channel))
    line.receive(b"AT\r", 0.0)
    assert (bytes(line.output), line.accepting, line.streaming, line.stalled) == (OK, True, False, False)
    line.output.clear()
    line.receive(b'AT#XSOCKET=1,1,0\rAT#XCONNECT=0,"192.0.2.1",7\rAT#XRECV=0,0,0,5\r', 0.0)
    modem.pump()
    assert line.deadline == 5.0
    line.eof(1.0)
    assert not line.finished
    line.advance(5.0)
    assert line.finished
    assert line.output.endswith(b"\r\nERROR\r\n")
    assert line.unread == 0
    assert line.signals is modem.modem.signals


def test_a_line_that_changes_the_data_both_ways(modem):
    line = Inverting(Inverting(Inverting(modem.channel)))
    line.receive(b"AT\r".translate(INVERTED), 0.0)
    assert line.output.translate(INVERTED) == OK
    del line.output[:]
    assert not line.output


def test_a_host_that_does_not_read_stops_the_modem_through_a_line(modem):
    line = Inverting(modem.channel)
    for _ in range(40):
        if line.accepting:
            line.receive((b"AT#XSOCKET=?\r" * 250).translate(INVERTED), 0.0)
        modem.pump()
        assert len(line.output) <= OUTPUT_LIMIT
    assert not line.accepting
    heard = b""
    while line.output or line.stalled:
        heard += line.output
        del line.output[:]
        line.advance(0.0)
        modem.pump()
    assert heard.translate(INVERTED).count(OK) * len(b"AT#XSOCKET=?\r") > 3 * OUTPUT_LIMIT // 10
    assert line.accepting


class TestSignals:
    def test_each_side_hears_what_the_other_changes_and_nothing_else(self):
        signals, told = Signals(9600, rtscts=False), []
        signals.to_modem = lambda broken: told.append(("modem", broken))
        signals.to_host = lambda: told.append("host")
        assert (signals.baud, signals.rtscts, signals.dtr, signals.rts, signals.cts) == (9600, False, True, True, True)
        assert (signals.dcd, signals.ri) == (False, False)
        signals.host_sets(dtr=False)
        signals.host_sets(dtr=False, rts=True)
        signals.host_breaks()
        signals.modem_sets(dcd=True, ri=True)
        signals.modem_sets(ri=True)
        signals.modem_sets(cts=False)
        signals.modem_sets_speed(115200, rtscts=True)
        assert told == [("modem", False), ("modem", True), "host", "host", "host"]
        assert (signals.dtr, signals.rts, signals.cts, signals.dcd, signals.ri) == (False, True, False, True, True)
        assert (signals.baud, signals.rtscts) == (115200, True)

    def test_nobody_has_to_listen(self):
        signals = Signals()
        signals.host_sets(dtr=False)
        signals.host_breaks()
        signals.modem_sets(ri=True)
        signals.modem_sets_speed(9600, rtscts=False)
        assert (signals.dtr, signals.ri, signals.baud) == (False, True, 9600)
