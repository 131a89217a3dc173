"""How a modem is switched on: whom it greets, and what it is to its network then."""

import pytest

from vmodem import dialects
from vmodem.core.power import Boot, Start
from vmodem.core.trace import Power
from vmodem.profile import Profile
from vmodem.virtual import Virtual

each_dialect = pytest.mark.parametrize("name", dialects.names())
RESET = {"ameba-2.4": b"AT+RST\r\n"}


class Powers:
    def __init__(self):
        self.states = []

    def event(self, now, modem, channel, event):
        if isinstance(event, Power):
            self.states.append(event.state.value)


@each_dialect
@pytest.mark.parametrize("boot", Boot)
@pytest.mark.parametrize("start", Start)
def test_who_is_greeted(name, boot, start):
    powers = Powers()
    modem = Virtual(dialects.find(name), boot=boot, start=start, traces=[powers])
    banner = modem.modem.dialect.banner
    assert modem.take() == (banner if boot is Boot.WITH_HOST else b"")
    modem.wait(3600)
    assert modem.take() == b""
    modem.send(RESET.get(name, b"AT#XRESET\r\n"))
    modem.wait(10)
    assert modem.take().endswith(banner)  # it restarts before its host's eyes
    assert powers.states == ["on", "restarted"]


@each_dialect
@pytest.mark.parametrize("start", Start)
def test_what_it_is_to_its_network_after_it_was_switched_on_and_after_a_restart(name, start):
    modem = Virtual(dialects.find(name), start=start)
    assert modem.network.up == (start is Start.ATTACHED)
    attach = b"AT+WLCONN=ssid,vmodem,pw,12345678\r\n" if name == "ameba-2.4" else b"AT+CFUN=1\r\n"
    modem.send(attach)
    if start is Start.DEVICE and name != "ameba-2.4":
        assert not modem.network.up
        modem.wait(2.95)
    assert modem.network.up
    modem.send(RESET.get(name, b"AT#XRESET\r\n"))
    modem.wait(10)
    assert modem.network.up == (start is Start.ATTACHED)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (Start.ATTACHED, Boot.WITH_HOST)),
        ({"offline": True}, (Start.OFFLINE, Boot.WITH_HOST)),
        ({"start": "device"}, (Start.DEVICE, Boot.WITH_HOST)),
        ({"start": Start.ATTACHED, "offline": True}, (Start.ATTACHED, Boot.WITH_HOST)),
        ({"boot": "at-start"}, (Start.ATTACHED, Boot.AT_START)),
    ],
)
def test_a_profile_chooses(options, expected):
    virtual = Virtual(dialects.find("sm"))
    modem = Profile(**options).modem(virtual.network)
    modem.boot(0.0)
    assert (modem.start, bool(modem.channels[0].output)) == (expected[0], expected[1] is Boot.WITH_HOST)
