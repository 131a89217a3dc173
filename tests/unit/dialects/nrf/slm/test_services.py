"""The TCP and UDP services where a transcript does not reach: peers that are stopped, losses, leftovers, any order."""

import errno
import itertools
import logging
import random
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vmodem import dialects
from vmodem.core.channel import OUTPUT_LIMIT
from vmodem.core.dialect import Follow
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Family, NetSocket
from vmodem.virtual import Virtual

CLIENT = ("192.0.2.9", 5000)
PORT = 3442
OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"
CONNECTED = b'\r\n#XTCPSVR: "192.0.2.9","connected"\r\n'


@pytest.fixture(autouse=True)
def no_bug_of_ours(caplog):
    """Any error in the log is an exception that nobody expected."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def fresh(follow=Follow.MANUAL, **network):
    modem = Virtual(dialects.find("slm-2.7"), follow=follow, network=FakeNetwork(**network))
    modem.take()
    return modem


def ask(modem, line):
    modem.send(line.encode() + b"\r\n")
    return modem.take()


def serving(modem):
    """Start the TCP server and connect a client to it; return the client."""
    assert b'"started"' in ask(modem, f"AT#XTCPSVR=1,{PORT}")
    return connect(modem)


def connect(modem):
    peer = modem.network.incoming(PORT, CLIENT)
    modem.pump()
    assert modem.take() == CONNECTED
    return peer


def connected(modem):
    """Connect the TCP client; return its peer."""
    assert b'"connected"' in ask(modem, 'AT#XTCPCLI=1,"192.0.2.1",7')
    return modem.network.peers[-1]


def roles():
    return pytest.mark.parametrize("begin", [serving, connected])


def waiting_at(peer):
    """Return how many bytes of ``peer`` the modem has not read."""
    return len(peer.socket._data)


def nothing_left(modem):
    assert not list(modem.channel.device.sockets)
    assert not modem.network.sockets
    assert not modem.modem.scheduler.tasks_of(modem.channel)
    assert modem.modem.deadline is None


class TestHostThatDoesNotRead:
    @roles()
    def test_the_peer_waits_and_nothing_is_lost(self, begin):
        modem = fresh()
        peer = begin(modem)
        sent = random.Random(1).randbytes(1_000_000)
        for at in range(0, len(sent), 10_000):
            peer.send(sent[at : at + 10_000])
            modem.pump()
        assert len(modem.channel.output) < OUTPUT_LIMIT + 4096
        assert waiting_at(peer) > len(sent) - OUTPUT_LIMIT - 4096
        got = b""
        while output := modem.take():
            while output:
                header = re.match(rb"\r\n#XTCPDATA: (\d+)\r\n", output)
                end = header.end() + int(header[1])
                assert int(header[1]) <= 2048
                got += output[header.end() : end]
                output = output[end:]
        assert got == sent

    @roles()
    def test_in_data_mode_too(self, begin):
        modem = fresh()
        peer = begin(modem)
        assert ask(modem, "AT#XTCPSEND") == OK
        sent = random.Random(2).randbytes(1_000_000)
        peer.send(sent)
        modem.pump()
        assert len(modem.channel.output) < OUTPUT_LIMIT + 4096
        got = b""
        while output := modem.take():
            got += output
        assert got == sent

    def test_both_services_share_what_room_there_is(self):
        modem = fresh()
        tcp = connected(modem)
        assert b'"connected"' in ask(modem, 'AT#XUDPCLI=1,"192.0.2.1",7')
        udp = modem.network.peers[-1]
        tcp.send(b"t" * 500_000)
        for _ in range(500):
            udp.send(b"u" * 1000)
        modem.pump()
        assert len(modem.channel.output) < OUTPUT_LIMIT + 2 * 4096
        output = b""
        while piece := modem.take():
            output += piece
        assert output.count(b"t") == 500_000
        assert output.count(b"\r\n#XUDPDATA: 1000\r\n" + b"u" * 1000) == 500

    def test_a_command_that_waits_holds_back_all_but_one_message(self):
        modem = fresh(window=10)
        peer = connected(modem)
        peer.stop_reading()
        modem.send(b'AT#XTCPSEND="0123456789abc"\r\n')
        for _ in range(100):
            peer.send(b"x" * 2048)
            modem.pump()
        assert not modem.take()
        assert waiting_at(peer) == 99 * 2048
        peer.start_reading()
        modem.pump()
        output = b""
        while piece := modem.take():
            output += piece
        assert output.startswith(b"\r\n#XTCPSEND: 13\r\n\r\nOK\r\n\r\n#XTCPDATA: 2048\r\n")
        assert output.count(b"x") == 100 * 2048

    @roles()
    def test_what_it_has_not_read_is_still_told_after_the_end(self, begin):
        modem = fresh()
        peer = begin(modem)
        peer.send(b"x" * 300_000)
        peer.close()
        modem.pump()
        output = b""
        while piece := modem.take():
            output += piece
        assert output.count(b"x") == 300_000
        assert output.endswith(b'"disconnected"\r\n')


class TestLoss:
    @roles()
    def test_while_a_command_sends(self, begin):
        modem = fresh(window=10)
        peer = begin(modem)
        peer.stop_reading()
        assert not ask(modem, 'AT#XTCPSEND="0123456789abc"')
        peer.reset()
        modem.pump()
        assert re.fullmatch(rb'\r\nERROR\r\n\r\n#XTCP(CLI|SVR): -104,"disconnected"\r\n', modem.take())
        assert ask(modem, "AT") == OK

    @roles()
    @pytest.mark.parametrize("end", ["close", "reset"])
    def test_while_a_flush_of_data_mode_waits(self, begin, end):
        modem = fresh(window=10)
        peer = begin(modem)
        peer.stop_reading()
        assert ask(modem, "AT#XTCPSEND") == OK
        modem.send(b"x" * 5000)
        assert not modem.take()
        getattr(peer, end)()
        modem.pump()
        assert modem.take() == b"+++"
        modem.send(b"lost" * 5000)
        assert not modem.take()
        modem.send(b"+++AT\r\n")
        told = rb'\r\n#XTCPSVR: \1,"disconnected"\r\n' if begin is serving else b""
        assert re.fullmatch(rb"\r\n#XDATAMODE: (0|-104)\r\n\r\nOK\r\n" + told, modem.take())

    @roles()
    def test_while_the_end_of_data_mode_waits_for_the_peer(self, begin):
        modem = fresh(window=10)
        peer = begin(modem)
        peer.stop_reading()
        ask(modem, "AT#XTCPSEND")
        modem.send(b"x" * 50 + b"+++AT\r\n")
        assert not modem.take()
        peer.reset()
        modem.pump()
        left = rb"\r\n#XDATAMODE: 0\r\n\r\nOK\r\n"
        assert re.fullmatch(left + rb'\r\n#XTCP(CLI|SVR): -104,"disconnected"\r\n', modem.take())

    @roles()
    @pytest.mark.parametrize("follow", Follow)
    def test_of_the_link_in_data_mode(self, begin, follow):
        modem = fresh(follow)
        begin(modem)
        ask(modem, "AT#XTCPSEND")
        modem.network.set_link(up=False)
        modem.pump()
        ended = b"\r\n#XDATAMODE: -104\r\n"
        disconnected, stopped = (b'\r\n#XTCPSVR: -104,"%b"\r\n' % what for what in (b"disconnected", b"stopped"))
        if begin is connected:
            told = b"+++", ended
        elif follow is Follow.MANUAL:
            told = b"+++", ended + disconnected + stopped
        else:
            told = b"+++" + stopped, ended
        assert modem.take() == told[0]
        modem.send(b"lost+++")
        assert modem.take() == told[1]
        nothing_left(modem)

    @pytest.mark.parametrize("left", [False, True])
    def test_of_the_link_is_told_after_the_end_of_a_client(self, left):
        """Lines that wait for the end of data mode keep their order, whatever comes to them."""
        modem = fresh()
        first = serving(modem)
        ask(modem, "AT#XTCPSEND")
        if left:
            first.close()
            modem.pump()
        modem.network.set_link(up=False)
        modem.pump()
        modem.send(b"+++")
        status = b"0" if left else b"-104"
        told = [b"#XDATAMODE: " + status, b"#XTCPSVR: " + status + b',"disconnected"', b'#XTCPSVR: -104,"stopped"']
        assert modem.take() == b"+++" + b"".join(b"\r\n%b\r\n" % line for line in told)

    @pytest.mark.parametrize("command", ["AT#XTCPSEND", "AT#XUDPSEND", "AT#XSEND"])
    @pytest.mark.parametrize("came", ["before", "in data mode"])
    @pytest.mark.parametrize("end", ["close", "reset"])
    def test_of_a_client_in_any_data_mode_is_told(self, command, came, end):
        """The manual's side: each client that was told to have come is told to have gone, in that order."""
        modem = fresh()
        ask(modem, f"AT#XTCPSVR=1,{PORT}")
        ask(modem, 'AT#XUDPCLI=1,"192.0.2.1",7')
        ask(modem, "AT#XSOCKET=1,2,0")
        peer = modem.network.incoming(PORT, CLIENT) if came == "before" else None
        modem.pump()
        ask(modem, command)
        peer = peer or modem.network.incoming(PORT, CLIENT)
        modem.pump()
        getattr(peer, end)()
        modem.pump()
        modem.network.incoming(PORT, ("192.0.2.10", 5000))
        modem.pump()
        modem.send(b"+++")
        told = re.findall(rb'#XTCPSVR: ([^,]*),"(?:dis)?connected"', modem.take())
        assert told[-2:] == [b"0" if end == "close" else b"-104", b'"192.0.2.10"']
        assert len(told) == (2 if came == "before" else 3)

    @pytest.mark.parametrize("back", [False, True])
    @pytest.mark.parametrize("left", [False, True])
    @pytest.mark.parametrize("in_data_mode", [False, True])
    @pytest.mark.parametrize("waits", [False, True])
    def test_of_the_link_is_that_of_a_server(self, back, left, in_data_mode, waits):
        modem = fresh()
        first = serving(modem)
        if in_data_mode:
            ask(modem, "AT#XTCPSEND")
        if left:
            first.close()
            modem.pump()
        if waits:
            modem.network.incoming(PORT, CLIENT)
            modem.pump()
        modem.network.set_link(up=False)
        if back:
            modem.network.set_link(up=True)
        modem.pump()
        if in_data_mode:
            modem.send(b"+++")
        told = modem.take()
        assert told.count(b'"stopped"') + told.count(b"#XDATAMODE: -104") >= 1
        assert ask(modem, "AT#XTCPSVR?").startswith(b"\r\n#XTCPSVR: -1,-1,1\r\n")
        nothing_left(modem)

    @pytest.mark.parametrize("order", [1, -1])
    def test_of_the_link_tells_the_same_in_whatever_order_sockets_hear_of_it(self, order):
        modem = fresh()
        serving(modem)
        modem.network.up = False
        for socket in list(modem.network.sockets)[::order]:
            socket.abort(errno.ENETDOWN)
        modem.pump()
        assert modem.take() == b'\r\n#XTCPSVR: -104,"disconnected"\r\n\r\n#XTCPSVR: -104,"stopped"\r\n'
        nothing_left(modem)

    def test_of_a_server_that_nobody_is_connected_to_ends_its_data_mode(self):
        modem = fresh()
        ask(modem, f"AT#XTCPSVR=1,{PORT}")
        ask(modem, "AT#XTCPSEND")
        modem.network.set_link(up=False)
        modem.pump()
        assert modem.take() == b"+++"
        modem.send(b"+++")
        assert modem.take() == b"\r\n#XDATAMODE: -104\r\n"
        nothing_left(modem)

    @pytest.mark.parametrize("line", [f"AT#XUDPSVR=1,{PORT}", 'AT#XUDPCLI=1,"192.0.2.1",7'])
    def test_of_the_link_in_the_data_mode_of_udp(self, line):
        modem = fresh()
        ask(modem, line)
        ask(modem, "AT#XUDPSEND")
        modem.network.set_link(up=False)
        modem.pump()
        assert modem.take() == b"+++"
        modem.send(b"+++")
        assert modem.take() == b"\r\n#XDATAMODE: -104\r\n"
        nothing_left(modem)

    def test_of_the_link_while_connecting(self):
        modem = fresh()
        modem.network.silent.add(("192.0.2.1", 80))
        assert not ask(modem, 'AT#XTCPCLI=1,"192.0.2.1",80')
        modem.network.set_link(up=False)
        modem.pump()
        assert modem.take() == b'\r\n#XTCPCLI: -115,"not connected"\r\n\r\nERROR\r\n'
        nothing_left(modem)

    def test_by_a_timeout_of_the_network(self):
        modem = fresh()
        modem.network.silent.add(("192.0.2.1", 80))
        assert not ask(modem, 'AT#XTCPCLI=1,"192.0.2.1",80')
        modem.network.sockets[0].abort(errno.ETIMEDOUT)
        modem.pump()
        assert modem.take() == b'\r\n#XTCPCLI: -116,"not connected"\r\n\r\nERROR\r\n'

    @pytest.mark.parametrize(
        ("code", "number"), [(errno.ETIMEDOUT, -116), (errno.EHOSTUNREACH, -118), (errno.ECONNRESET, -104)]
    )
    def test_of_a_client_of_the_server_tells_the_errno(self, code, number):
        modem = fresh()
        serving(modem).socket.abort(code)
        modem.pump()
        assert modem.take() == b'\r\n#XTCPSVR: %d,"disconnected"\r\n' % number

    @pytest.mark.parametrize("code", [errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH])
    def test_of_a_datagram_does_not_end_udp(self, code):
        modem = fresh()
        ask(modem, 'AT#XUDPCLI=1,"192.0.2.1",7')
        peer = modem.network.peers[-1]
        peer.socket.ended(code)
        modem.pump()
        assert not modem.take()
        peer.send(b"here")
        modem.pump()
        assert modem.take() == b"\r\n#XUDPDATA: 4\r\nhere"


class TestHangingUp:
    def test_on_nobody(self):
        modem = fresh()
        assert ask(modem, "AT#XTCPHANGUP=2") == ERROR
        ask(modem, f"AT#XTCPSVR=1,{PORT}")
        assert ask(modem, "AT#XTCPHANGUP=1") == ERROR
        assert ask(modem, "AT#XTCPHANGUP=2") == ERROR

    def test_on_a_peer_that_sends(self):
        modem = fresh()
        peer = serving(modem)
        peer.send(b"x" * 1_000_000)
        modem.pump()
        modem.send(b"AT#XTCPHANGUP=2\r\n")
        output = b""
        while piece := modem.take():
            output += piece
        assert output.endswith(b'\r\n#XTCPSVR: 0,"disconnected"\r\n\r\nOK\r\n')
        assert peer.closed

    def test_on_a_peer_that_has_closed_at_the_same_time(self):
        modem = fresh()
        peer = serving(modem)
        peer.close()
        modem.send(b"AT#XTCPHANGUP=2\r\n")
        modem.pump()
        output = modem.take()
        assert output.count(b'"disconnected"') == 1
        assert len(re.findall(rb"\r\n(?:OK|ERROR)\r\n", output)) == 1

    @pytest.mark.parametrize("follow", Follow)
    def test_again_and_again(self, follow):
        modem = fresh(follow)
        ask(modem, f"AT#XTCPSVR=1,{PORT}")
        for _ in range(50):
            connect(modem)
            handle = modem.channel.device.tcp.peer.handle
            assert b'#XTCPSVR: 0,"disconnected"' in ask(modem, f"AT#XTCPHANGUP={handle}")
        ask(modem, "AT#XTCPSVR=0")
        nothing_left(modem)


class TestNothingIsLeft:
    @pytest.mark.parametrize("follow", Follow)
    @pytest.mark.parametrize("stop", ["AT#XTCPSVR=0", "AT#XTCPCLI=0"])
    @roles()
    def test_after_stopping_tcp(self, begin, stop, follow):
        modem = fresh(follow)
        peer = begin(modem)
        assert ask(modem, stop).endswith(OK)
        assert peer.closed
        nothing_left(modem)
        assert modem.channel.device.sockets.free_handle() == (1 if follow is Follow.MANUAL else 0)

    @pytest.mark.parametrize("follow", Follow)
    @pytest.mark.parametrize("start", [f"AT#XUDPSVR=1,{PORT}", 'AT#XUDPCLI=1,"192.0.2.1",7'])
    @pytest.mark.parametrize("stop", ["AT#XUDPSVR=0", "AT#XUDPCLI=0"])
    def test_after_stopping_udp(self, start, stop, follow):
        modem = fresh(follow)
        ask(modem, start)
        assert ask(modem, stop).endswith(OK)
        nothing_left(modem)
        assert modem.channel.device.sockets.free_handle() == (1 if follow is Follow.MANUAL else 0)

    @pytest.mark.parametrize(
        "line",
        [
            'AT#XTCPCLI=1,"nobody.test",7',
            'AT#XTCPCLI=1,"192.0.2.1",80',
            f"AT#XTCPSVR=1,{PORT},600",
            'AT#XTCPCLI=1,"192.0.2.1",7,600',
            'AT#XUDPCLI=1,"192.0.2.1",7,600',
            'AT#XUDPCLI=1,"nobody.test",7',
            'AT#XTCPCLI=2,"2001:db8::1",7',
            f"AT#XTCPSVR=2,{PORT}",
            f"AT#XUDPSVR=2,{PORT}",
            'AT#XUDPCLI=2,"2001:db8::1",7',
        ],
    )
    def test_after_a_failure(self, line):
        modem = fresh(ipv6=None)
        modem.network.refused.add(("192.0.2.1", 80))
        assert ask(modem, line).endswith(ERROR)
        nothing_left(modem)

    def test_a_server_needs_an_address_of_its_family(self):
        modem = fresh(ipv6=None)
        assert ask(modem, f"AT#XTCPSVR=2,{PORT}") == b'\r\n#XTCPSVR: -114,"not started"\r\n\r\nERROR\r\n'

    @pytest.mark.parametrize("state", ["", "AT#XTCPSEND", "AT#XUDPSEND"])
    @roles()
    def test_after_the_host_has_gone(self, begin, state):
        modem = fresh()
        peer = begin(modem)
        ask(modem, f"AT#XUDPSVR=1,{PORT}")
        modem.network.datagram(PORT, b"here", CLIENT)
        if state:
            ask(modem, state)
        modem.send(b"half a")
        modem.modem.close()
        assert peer.closed
        assert not modem.network.sockets
        assert not modem.modem.scheduler.tasks_of(modem.channel)
        modem.pump()
        assert modem.modem.deadline is None

    @pytest.mark.parametrize("how", ["AT#XRESET", "AT#XSHUTDOWN"])
    @roles()
    def test_after_a_restart(self, begin, how):
        modem = fresh()
        peer = begin(modem)
        ask(modem, 'AT#XUDPCLI=1,"192.0.2.1",7')
        peer.send(b"x")
        ask(modem, how)
        modem.wait(1)
        assert modem.take() == (b"Ready\r\n" if how == "AT#XRESET" else b"")
        assert peer.closed
        assert not modem.network.sockets
        assert not modem.modem.scheduler.tasks_of(modem.channel)
        if how == "AT#XRESET":
            nothing_left(modem)

    @roles()
    def test_after_the_modem_core_was_reset(self, begin):
        modem = fresh()
        begin(modem)
        ask(modem, f"AT#XUDPSVR=1,{PORT}")
        assert ask(modem, "AT#XMODEMRESET").endswith(b'\r\n#XUDPSVR: -115,"stopped"\r\n')
        nothing_left(modem)


class TestDatagrams:
    @pytest.mark.parametrize("size", [0, 1, 2048, 2049, 3000, 65507])
    @pytest.mark.parametrize("raw", [False, True])
    def test_of_any_size(self, size, raw):
        modem = fresh()
        ask(modem, f"AT#XUDPSVR=1,{PORT}")
        if raw:
            assert ask(modem, "AT#XUDPSEND") == OK
        modem.network.datagram(PORT, b"x" * size, CLIENT)
        modem.network.datagram(PORT, b"y", CLIENT)
        modem.pump()
        kept = b"x" * min(size, 2048)
        header = b"\r\n#XUDPDATA: %d\r\n" % len(kept) if kept and not raw else b""
        last = b"y" if raw else b"\r\n#XUDPDATA: 1\r\ny"
        assert modem.take() == header + kept + last

    def test_without_contents_are_answered_too(self):
        modem = fresh()
        ask(modem, f"AT#XUDPSVR=1,{PORT}")
        modem.network.datagram(PORT, b"", CLIENT)
        modem.pump()
        assert ask(modem, 'AT#XUDPSEND="hello"') == b"\r\n#XUDPSEND: 5\r\n\r\nOK\r\n"
        assert modem.network.peers[-1].take_all() == [b"hello"]


@roles()
def test_noise_goes_through_data_mode(begin):
    modem = fresh()
    peer = begin(modem)
    ask(modem, "AT#XTCPSEND")
    noise = random.Random(3).randbytes(1 << 16).replace(b"+++", b"")
    dice = random.Random(4)
    at = 0
    while at < len(noise):
        size = dice.randint(1, 5000)
        modem.send(noise[at : at + size])
        at += size
        if dice.random() < 0.2:
            modem.wait(0.04)
    modem.send(b"+++")
    assert peer.take() == noise
    assert modem.take() == b"\r\n#XDATAMODE: 0\r\n"


def test_a_network_without_such_a_socket_is_an_error(monkeypatch):
    modem = fresh()

    def refuse(family: Family, type: object) -> NetSocket:
        raise OSError(errno.EAFNOSUPPORT, "no such family")

    monkeypatch.setattr(modem.network, "open", refuse)
    assert ask(modem, f"AT#XTCPSVR=1,{PORT}") == b'\r\n#XTCPSVR: -106,"not started"\r\n\r\nERROR\r\n'
    assert ask(modem, 'AT#XTCPCLI=1,"192.0.2.1",7') == ERROR
    assert ask(modem, f"AT#XUDPSVR=1,{PORT}") == ERROR
    assert ask(modem, 'AT#XUDPCLI=1,"192.0.2.1",7') == ERROR
    nothing_left(modem)


EVENTS = [
    "connects", "sends", "closes", "resets", "stops reading", "reads", "datagram", "send", "data mode", "stop", "start",
    "dial", "hang up", "wait", "down",
]  # fmt: skip
TOKEN = re.compile(rb"<(\d+):(\d+)>")
HEADER = re.compile(rb"\r\n#X(?:TCP|UDP)DATA: (\d+)\r\n")
RESULT = re.compile(rb"\r\n(?:OK|ERROR)\r\n")


def token(peer, number):
    """Return data that names its sender; a power of two bytes, so that no message begins in the middle of it."""
    return b"<%04d:%09d>" % (peer, number)


class Story:
    """A host, a modem and peers to whom things happen; what every peer sent, and which of it may get lost."""

    def __init__(self, follow):
        self.modem = fresh(follow, window=10)
        self.output = b""
        self.asked = 0
        self.in_data_mode = False
        self.entered = 0
        self.peers = []
        self.sent = {}
        self.cut = set()  # peers whose connection our side ended
        self._numbers = itertools.count()
        self._ports = itertools.count(5000)
        self.ask(f"AT#XUDPSVR=1,{PORT}")

    def ask(self, line):
        if not self.in_data_mode:
            self.modem.send(line.encode() + b"\r\n")
            self.asked += 1

    def happen(self, event, number):
        getattr(self, event.replace(" ", "_"))(number)
        self.modem.pump()
        self.output += self.modem.take()

    def connects(self, number):
        try:
            self.peers.append(self.modem.network.incoming(PORT, ("192.0.2.9", next(self._ports))))
        except ConnectionRefusedError:
            return
        if self.modem.channel.takes_data:
            self.cut.add(len(self.peers) - 1)  # it may have to wait, and be turned away when it has gone itself

    def dial(self, number):
        before = len(self.modem.network.peers)
        self.ask(f'AT#XTCPCLI=1,"192.0.2.1",{number + 1}')
        self.peers += self.modem.network.peers[before:]

    def sends(self, number):
        for index, peer in self.chosen(number):
            data = b"".join(token(index, next(self._numbers)) for _ in range((1, 3, 400)[number % 3]))
            peer.send(data)
            self.sent[index] = self.sent.get(index, b"") + data

    def closes(self, number):
        for _, peer in self.chosen(number):
            peer.close()

    def resets(self, number):
        for _, peer in self.chosen(number):
            peer.reset()

    def stops_reading(self, number):
        for _, peer in self.chosen(number):
            peer.stop_reading()

    def reads(self, number):
        for _, peer in self.chosen(number):
            peer.start_reading()

    def chosen(self, number):
        """Return one of the latest peers, if it is still there, and its index."""
        open_peers = [(i, p) for i, p in enumerate(self.peers) if not p.closed and not p.gone]
        return open_peers[-1 - number % len(open_peers) :][:1] if open_peers else []

    def datagram(self, number):
        if self.modem.channel.device.udp.socket is not None:
            data = token(9999, next(self._numbers))
            self.modem.network.datagram(PORT, data, CLIENT)
            self.sent[9999] = self.sent.get(9999, b"") + data

    def send(self, number):
        if self.in_data_mode:
            self.modem.send(b"x" * (1, 30, 5000)[number % 3])
        else:
            self.ask('AT#XTCPSEND="hello, peer"')

    def data_mode(self, number):
        if self.in_data_mode:
            self.modem.send(b"+++")
            self.in_data_mode = False
        else:
            self.ask("AT#XTCPSEND")
            self.in_data_mode = True
            self.entered += 1

    def stop(self, number):
        self.end_by_us()
        self.ask("AT#XTCPSVR=0" if number % 2 else "AT#XTCPCLI=0")

    def start(self, number):
        self.ask(f"AT#XTCPSVR=1,{PORT}")

    def hang_up(self, number):
        self.end_by_us()
        peer = self.modem.channel.device.tcp.peer
        self.ask(f"AT#XTCPHANGUP={number if peer is None else peer.handle}")

    def wait(self, number):
        self.modem.wait((0.02, 0.04, 5, 40)[number % 4])

    def down(self, number):
        self.end_by_us()
        self.cut.add(9999)
        self.modem.network.set_link(up=False)
        self.modem.pump()
        self.modem.network.set_link(up=True)

    def end_by_us(self):
        """Note that what any peer has sent so far need not be read any more."""
        self.cut.update(range(len(self.peers)))

    def finish(self):
        for peer in self.peers:
            peer.start_reading()
        self.modem.pump()
        if self.in_data_mode:
            self.data_mode(0)
        self.modem.wait(1000)
        self.output += self.modem.take()


def test_a_server_that_cannot_accept_tries_again_once_a_second_until_it_is_stopped(monkeypatch):
    modem = fresh()
    ask(modem, f"AT#XTCPSVR=1,{PORT}")
    refused = []

    def fail(self):
        refused.append(modem.now)
        raise OSError(errno.EMFILE, "too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("vmodem.net.fake.FakeSocket.accept", fail)
        for _ in range(3):
            modem.network.incoming(PORT, CLIENT)
            modem.pump()
        modem.wait(3.5)
    assert refused == [0, 0, 0, 1, 2, 3]
    modem.wait(1)
    assert b'"connected"' in modem.take()

    with monkeypatch.context() as patch:
        patch.setattr("vmodem.net.fake.FakeSocket.accept", fail)
        modem.network.incoming(PORT, CLIENT)
        modem.pump()
        assert b'"stopped"' in ask(modem, "AT#XTCPSVR=0")
        nothing_left(modem)


@example(
    events=[("closes", 0), ("data mode", 0), ("connects", 0), ("closes", 0), ("down", 0)],
    side=Follow.MANUAL,
)
@given(
    events=st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 3)), max_size=40),
    side=st.sampled_from(Follow),
)
def test_any_order_of_events(events, side):
    story = Story(side)
    for event, number in [("start", 0), ("connects", 0), *events]:
        story.happen(event, number)
    story.finish()
    assert len(RESULT.findall(story.output)) == story.asked
    assert story.output.count(b"\r\n#XDATAMODE: ") == story.entered
    for header in HEADER.finditer(story.output):
        data = story.output[header.end() : header.end() + int(header[1])]
        assert re.fullmatch(rb"[<>:\d]+", data)
    got = {}
    for found in TOKEN.finditer(story.output):
        got[int(found[1])] = got.get(int(found[1]), b"") + found[0]
    turned_away = {index for index, peer in enumerate(story.peers) if peer.closed and not peer.gone}
    for index, sent in story.sent.items():
        if index in story.cut or index in turned_away:
            assert sent.startswith(got.get(index, b""))
        else:
            assert got.get(index) == sent
    story.ask("AT#XTCPSVR=0")
    story.ask("AT#XUDPSVR=0")
    nothing_left(story.modem)
    if side is Follow.MANUAL:
        told = re.findall(rb'#XTCPSVR: \S+,"((?:dis)?connected)"', story.output + story.modem.take())
        assert told == [b"connected", b"disconnected"] * (len(told) // 2)
