"""Every option that a manual of the family gives values for: with each of them it acts, or is listed as kept only.

The list is the one of docs/configuration.md. An option that acts has a check in `ACTS`; whatever else a dialect lets be
set has to be listed as kept only, under the same number.
"""

import re
from importlib import import_module
from itertools import product
from pathlib import Path

import pytest
from tests import cid

from vmodem import dialects
from vmodem.credentials.store import Area, Kind, Slot
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Option
from vmodem.tls.security import DtlsCid, PeerVerify
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
EVER = 1_000_000
CLIENT, SERVER = 0, 1
STREAM, DGRAM = 1, 2
TAG = 2
PAGE = (Path(__file__).parents[4] / "docs" / "configuration.md").read_text()
ROWS = re.findall(r"^\| `((?:SO|TLS)_\w+)` \| ([^|]*) \| ([^|]*) \| (.*) \|$", PAGE, re.MULTILINE)
"""What the page has: name, number in the Serial Modem, number in the Serial LTE Modem, what it does."""

KEPT_ONLY = {name for name, _, _, what in ROWS if what.startswith("kept only")}
SECONDS = (0, 1, 30, 2_147_483_647)
HANDSHAKE = (1, 3, 7, 15, 31, 63, 123)


def numbers_of(module, kind):
    """Return the number of each option of a kind, SO or TLS, that can be set or got, by its name."""
    unsupported = set()
    if module is SLM:
        unsupported = module.TLS_NOT_SETTABLE if kind == "TLS" else module.NOT_SETTABLE | module.NOT_READABLE
    found = {}
    for constant, value in vars(module).items():
        name = constant.removeprefix("AT_")
        if kind == "SO" and name == "SO_RAI" and not isinstance(value, int):
            found[name] = f"{min(value)} to {max(value)}"
        elif name.startswith(kind + "_") and isinstance(value, int) and value not in unsupported:
            found[name] = str(value)
    return found


SM, SLM = (import_module(f"vmodem.dialects.nrf.{family}.options") for family in ("sm", "slm"))
NRF = [name for name in dialects.MODULES if dialects.find(name).family == "nrf"]


@pytest.mark.parametrize("kind", ["SO", "TLS"])
def test_the_page_has_each_option_under_its_numbers(kind):
    written = {name: (sm.strip(), slm.strip()) for name, sm, slm, _ in ROWS if name.startswith(kind + "_")}
    sm, slm = numbers_of(SM, kind), numbers_of(SLM, kind)
    assert written == {name: (sm.get(name, ""), slm.get(name, "")) for name in sm.keys() | slm.keys()}


def test_each_option_acts_or_is_listed_as_kept_only():
    assert {name for name, *_ in ROWS} - KEPT_ONLY == ACTS.keys()


class Device:
    """A host of one dialect, and what its options are called there."""

    def __init__(self, name, monkeypatch):
        self.patch = monkeypatch
        self.modem = Virtual(dialects.find(name), network=FakeNetwork())
        self.modem.modem.store.write(Slot(Area.MODEM, TAG, Kind.PSK), cid.PSK.hex().encode())
        self.modem.modem.store.write(Slot(Area.MODEM, TAG, Kind.PSK_IDENTITY), cid.IDENTITY)
        self.modem.take()
        self.sm = name.startswith("sm")
        self.options = SM if self.sm else SLM

    def ask(self, line):
        """Send a line, in which ``@`` stands where a socket has to be named."""
        self.modem.send(line.replace("@", "0," if self.sm else "").rstrip(",").encode() + b"\r\n")
        return self.modem.take()

    def number(self, name):
        return getattr(self.options, f"AT_{name}" if self.sm else name)

    def set(self, name, value):
        command = "XSSOCKETOPT" if name.startswith("TLS_") else "XSOCKETOPT"
        shown = f'"{value}"' if isinstance(value, str) else value
        assert self.ask(f"AT#{command}=@1,{self.number(name)},{shown}") == OK

    def get(self, name):
        command = "XSSOCKETOPT" if name.startswith("TLS_") else "XSOCKETOPT"
        answer = self.ask(f"AT#{command}=@0,{self.number(name)}")
        return re.fullmatch(rb"\r\n#XS?SOCKETOPT: (?:0,)?(.*)\r\n\r\nOK\r\n", answer)[1].decode().strip('" sec')

    def open(self, kind=STREAM, role=CLIENT):
        assert self.ask(f"AT#XSOCKET=1,{kind},{role}").endswith(OK)

    def open_secure(self, kind=STREAM):
        assert self.ask(f"AT#XSSOCKET=1,{kind},{CLIENT},{TAG}").endswith(OK)

    def listen(self):
        self.open(STREAM, SERVER)
        assert self.ask("AT#XBIND=@1234") == OK
        assert self.ask("AT#XLISTEN" + ("=@" if self.sm else "")) == OK

    @property
    def socket(self):
        return next(iter(self.modem.channel.device.sockets))

    def ends_after(self, seconds, answer=ERROR):
        """Check that what runs ends after so many seconds, 0 for never, and no earlier."""
        if not seconds:
            self.modem.wait(EVER)
            assert self.modem.take() == b""
            return
        self.modem.wait(seconds - 0.1)
        assert self.modem.take() == b""
        self.modem.wait(0.1)
        assert self.modem.take() == answer

    def security(self):
        """Connect the secure socket; return how it is to be secured."""
        asked = []

        def secure(tls, socket, security):
            asked.append(security)
            raise ConnectionRefusedError

        self.patch.setattr("vmodem.tls.stack.Tls.secure", secure)
        assert self.ask('AT#XCONNECT=@"192.0.2.1",7') == ERROR
        return asked[0]


def reuses_addresses(device, value):
    device.open()
    device.set("SO_REUSEADDR", value)
    assert device.socket.net.options[Option.REUSEADDR] == value


def bounds_accepting(device, value):
    device.listen()
    device.set("SO_RCVTIMEO", value)
    assert device.get("SO_RCVTIMEO") == str(value)
    assert device.ask("AT#XACCEPT=@0") == b""
    device.ends_after(value)


def bounds_connecting(device, value):
    device.modem.network.silent.add(("192.0.2.1", 7))
    device.open()
    device.set("SO_SNDTIMEO", value)
    assert device.get("SO_SNDTIMEO") == str(value)
    assert device.ask('AT#XCONNECT=@"192.0.2.1",7') == b""
    device.ends_after(value)


def ends_idle_connections(device, value):
    device.listen()
    device.set("SO_TCP_SRV_SESSTIMEO", value)
    assert device.get("SO_TCP_SRV_SESSTIMEO") == str(value)
    device.modem.network.incoming(1234, ("192.0.2.9", 5000))
    assert device.ask("AT#XACCEPT=@1").endswith(OK)
    peer = device.socket.peer
    device.modem.wait(value * 60 - 1 if value else EVER)
    assert not peer.ended
    device.modem.wait(1)
    assert peer.ended == bool(value)


def tells_errors(device, value):
    device.open(DGRAM)
    assert device.ask('AT#XCONNECT=@"192.0.2.1",7').endswith(OK)
    device.modem.network.peers[-1].socket.ended(value)
    assert [device.get("SO_ERROR") for _ in range(2)] == [str(value), "0"]


def names_the_peer(device, value):
    device.open_secure()
    device.set("TLS_HOSTNAME", "earlier.test")
    device.set("TLS_HOSTNAME", value)
    off = value in ("", "NULL")
    expected = None if off else value
    assert device.get("TLS_HOSTNAME") == ("" if off else value)
    security = device.security()
    assert (security.hostname, security.server_name) == (expected, expected)


def verifies_the_peer(device, value):
    device.open_secure()
    device.set("TLS_PEER_VERIFY", value)
    assert device.get("TLS_PEER_VERIFY") == str(value)
    assert device.security().peer_verify is PeerVerify(value)


def keeps_sessions(device, value):
    device.open_secure()
    device.set("TLS_SESSION_CACHE", value)
    assert device.get("TLS_SESSION_CACHE") == str(value)
    assert device.security().session_cache is bool(value)


def forgets_sessions(device, value):
    purged = []
    device.open_secure()
    device.patch.setattr("vmodem.tls.stack.Tls.purge", lambda tls: purged.append(value))
    device.set("TLS_SESSION_CACHE_PURGE", value)
    assert purged == [value]


def bounds_the_handshake(device, value):
    device.open_secure(DGRAM)
    device.set("TLS_DTLS_HANDSHAKE_TIMEO", value)
    assert device.get("TLS_DTLS_HANDSHAKE_TIMEO") == str(value)
    assert device.ask('AT#XCONNECT=@"192.0.2.1",7') == b""
    device.ends_after(value)


def offers_an_identifier(device, value):
    device.open_secure(DGRAM)
    device.set("TLS_DTLS_CID", value)
    assert device.security().dtls_cid is DtlsCid(value)


def shake_hands(device):
    """Do the handshake of the DTLS socket with a server that uses connection identifiers."""
    device.ask('AT#XCONNECT=@"192.0.2.1",7')
    server, peer = cid.Server(b"server", "PSK-AES128-GCM-SHA256"), device.modem.network.peers[-1]
    while up := peer.take_all():
        for datagram in up:
            server.feed(datagram)
        for datagram in server.take():
            peer.send(datagram)
        device.modem.pump()
    assert device.modem.take().endswith(OK)


def tells_who_uses_an_identifier(device, value):
    device.open_secure(DGRAM)
    device.set("TLS_DTLS_CID", value)
    shake_hands(device)
    assert device.get("TLS_DTLS_CID_STATUS") == str({0: 0, 1: 2, 2: 3}[value])


def tells_the_suite(device, value):
    device.open_secure(DGRAM)
    shake_hands(device)
    assert int(device.get("TLS_CIPHERSUITE_USED"), 0) == value


ACTS = {
    "SO_REUSEADDR": (reuses_addresses, (0, 1)),
    "SO_RCVTIMEO": (bounds_accepting, SECONDS),
    "SO_SNDTIMEO": (bounds_connecting, SECONDS),
    "SO_TCP_SRV_SESSTIMEO": (ends_idle_connections, (0, 1, 135)),
    "SO_ERROR": (tells_errors, (0, 104, 111)),
    "TLS_HOSTNAME": (names_the_peer, ("test.server.com", "OFF")),
    "TLS_PEER_VERIFY": (verifies_the_peer, (0, 1, 2)),
    "TLS_SESSION_CACHE": (keeps_sessions, (0, 1)),
    "TLS_SESSION_CACHE_PURGE": (forgets_sessions, (0, 1, -1)),
    "TLS_DTLS_HANDSHAKE_TIMEO": (bounds_the_handshake, HANDSHAKE),
    "TLS_DTLS_CID": (offers_an_identifier, (0, 1, 2)),
    "TLS_DTLS_CID_STATUS": (tells_who_uses_an_identifier, (0, 1, 2)),
    "TLS_CIPHERSUITE_USED": (tells_the_suite, (0x00A8,)),
}
"""What shows that an option acts, and the values to show it with: each that a manual lists, or the ends of a range."""

KEPT = {
    "SO_SILENCE_ALL": (0, 1),
    "SO_IP_ECHO_REPLY": (0, 1),
    "SO_IPV6_ECHO_REPLY": (0, 1),
    "SO_IPV6_DELAYED_ADDR_REFRESH": (0, 1),
    "SO_BINDTODEVICE": ("pdn0",),
    "SO_BINDTOPDN": (0,),
    "SO_RAI": (1, 2, 3, 4, 5),
}


def has(name, option):
    module = SM if name.startswith("sm") else SLM
    return hasattr(module, f"AT_{option}") or hasattr(module, option)


def grid(values):
    return [
        pytest.param(name, option, value, id=f"{name}-{option}-{value}")
        for name, option in product(NRF, values)
        for value in (values[option][1] if isinstance(values[option][1], tuple) else values[option])
        if has(name, option)
    ]


@pytest.mark.parametrize(("name", "option", "value"), grid(ACTS))
def test_an_option_acts_with_each_of_its_values(name, option, value, monkeypatch):
    if value == "OFF":
        value = "" if name == "slm-1.9" else "NULL"
    ACTS[option][0](Device(name, monkeypatch), value)


def test_those_that_are_kept_only_are_the_ones_that_the_page_lists():
    assert KEPT.keys() == KEPT_ONLY


@pytest.mark.parametrize(("name", "option", "value"), grid({option: (None, values) for option, values in KEPT.items()}))
def test_an_option_that_is_kept_only_is_read_back_where_it_can_be_got(name, option, value, monkeypatch):
    device = Device(name, monkeypatch)
    device.open(DGRAM)
    if option == "SO_RAI":
        device.ask('AT#XCONNECT=@"192.0.2.1",7')
    number = device.number(option)
    if not isinstance(number, int):  # one option for each value
        number, value = sorted(number)[value - 1], 0
    before = dict(device.socket.net.options)
    shown = f'"{value}"' if isinstance(value, str) else value
    assert device.ask(f"AT#XSOCKETOPT=@1,{number},{shown}") == OK
    assert device.socket.net.options == before
    answer = device.ask(f"AT#XSOCKETOPT=@0,{number}")
    if b"#XSOCKETOPT" in answer:
        assert answer.endswith(f"{value}\r\n".encode() + OK)
    else:
        assert answer == (ERROR if device.sm else OK)
