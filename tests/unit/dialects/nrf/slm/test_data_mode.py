"""Data mode up to version 2.0: what silence is."""

import pytest

from vmodem import dialects
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"


@pytest.fixture(params=["slm-1.9", "slm-2.0"])
def modem(request):
    """Return a modem in data mode with a peer, of which 10 bytes wait at the most when it does not read."""
    made = Virtual(dialects.find(request.param))
    made.network.window = 10
    for line in (b"AT#XSOCKET=1,1,0", b'AT#XCONNECT="192.0.2.1",7', b"AT#XSEND"):
        made.send(line + b"\r\n")
    made.take()
    return made


def test_a_host_that_is_held_back_is_not_silent(modem):
    peer = modem.network.peers[-1]
    peer.stop_reading()
    sent = 0
    while modem.channel.accepting:
        modem.send(b"+" * 100)
        modem.wait(0.01)
        sent += 100
    modem.wait(1)
    peer.start_reading()
    modem.pump()
    assert modem.take() == b""  # the escape sequence in the buffer is not the last that the host had to send
    modem.send(b"and more")
    modem.wait(0.1)
    assert peer.take() == b"+" * sent + b"and more"
    modem.send(b"+++")
    modem.wait(0.1)
    assert modem.take() == OK


def test_a_host_that_falls_silent_while_it_is_held_back(modem):
    peer = modem.network.peers[-1]
    peer.stop_reading()
    sent = 0
    while modem.channel.accepting:
        modem.send(b"+" * 100)
        modem.wait(0.01)
        sent += 100
    modem.wait(1)
    peer.start_reading()
    modem.wait(0.1)
    assert peer.take() == b"+" * (sent - 3)
    assert modem.take() == OK
