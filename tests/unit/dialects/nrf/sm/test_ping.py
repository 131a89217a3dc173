import pytest

from vmodem import dialects
from vmodem.net.fake import FakeEcho, FakeNetwork
from vmodem.net.interface import Family
from vmodem.virtual import Virtual

DIALECT = dialects.find("sm-1.0")
OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"


class SlowEcho(FakeEcho):
    """An echo socket whose replies a test gives."""

    def send_echo(self, sequence, payload):
        self._check()
        self._network.pings.append((self._target, sequence, payload))

    def reply(self, sequence):
        self._network.later(lambda: self._reply(sequence))


class SlowNetwork(FakeNetwork):
    """A network on which nothing answers a ping by itself."""

    def open_echo(self, family, address):
        socket = SlowEcho(self, family, address)
        self.sockets.append(socket)
        return socket


class ForbiddenNetwork(FakeNetwork):
    """A network without the privilege to ping."""

    def open_echo(self, family, address):
        raise PermissionError(1, "Operation not permitted")


def machine(network=None):
    modem = Virtual(DIALECT, network=network or FakeNetwork(hosts={"example.com": ["192.0.2.1"]}))
    modem.take()
    return modem


def ask(modem, command):
    modem.send(b"AT%b\r" % command)
    return modem.take()


def answer_after(modem, seconds, sequence):
    modem.wait(seconds)
    modem.network.sockets[0].reply(sequence)
    modem.pump()


@pytest.mark.parametrize("host", [b"192.0.2.1", b"example.com"])
def test_a_reply_is_reported_after_the_ok(host):
    modem = machine()
    assert ask(modem, b'#XPING="%b",5,1000' % host) == OK + b"#XPING: 0.000 seconds\r\n"
    assert modem.network.pings == [("192.0.2.1", 1, bytes(5))]
    assert modem.network.sockets == []
    assert modem.modem.deadline is None


def test_it_pings_ipv6():
    modem = machine()
    assert ask(modem, b'#XPING="2001:db8::1",0,1000') == OK + b"#XPING: 0.000 seconds\r\n"
    assert modem.network.pings == [("2001:db8::1", 1, b"")]


def test_times_and_average():
    modem = machine(SlowNetwork())
    assert ask(modem, b'#XPING="192.0.2.1",5,1000,2,500') == OK
    answer_after(modem, 0.386, 1)
    assert modem.take() == b"#XPING: 0.386 seconds\r\n"
    modem.wait(0.499)
    assert len(modem.network.pings) == 1
    modem.wait(0.001)
    assert len(modem.network.pings) == 2
    answer_after(modem, 0.414, 2)
    assert modem.take() == b"#XPING: 0.414 seconds\r\n#XPING: average 0.400 seconds\r\n"
    assert modem.network.sockets == []


def test_the_pause_is_a_second_by_default():
    modem = machine()
    assert ask(modem, b'#XPING="192.0.2.1",5,1000,2') == OK + b"#XPING: 0.000 seconds\r\n"
    modem.wait(0.999)
    assert modem.take() == b""
    modem.wait(0.001)
    assert modem.take() == b"#XPING: 0.000 seconds\r\n#XPING: average 0.000 seconds\r\n"


def test_lost_pings_print_nothing():
    modem = machine()
    modem.network.ping_loss = {1, 3}
    assert ask(modem, b'#XPING="192.0.2.1",5,1000,3,0') == OK
    modem.wait(0.999)
    assert modem.take() == b""
    modem.wait(0.001)
    assert modem.take() == b"#XPING: 0.000 seconds\r\n"
    modem.wait(1)
    assert modem.take() == b""
    assert modem.network.sockets == []


def test_a_late_reply_does_not_count_for_the_next_ping():
    modem = machine(SlowNetwork())
    assert ask(modem, b'#XPING="192.0.2.1",5,1000,2,0') == OK
    modem.wait(1)
    answer_after(modem, 0.1, 1)
    assert modem.take() == b""
    answer_after(modem, 0.1, 2)
    assert modem.take() == b"#XPING: 0.200 seconds\r\n"


def test_commands_run_meanwhile():
    modem = machine(SlowNetwork())
    ask(modem, b'#XPING="192.0.2.1",5,1000')
    assert ask(modem, b"") == OK


def test_a_link_that_goes_down_loses_what_is_left():
    modem = machine(SlowNetwork())
    ask(modem, b'#XPING="192.0.2.1",5,1000,3,100')
    assert ask(modem, b"+CFUN=4") == OK
    modem.wait(1)
    assert modem.take() == b""
    assert modem.network.sockets == []


def test_a_reset_ends_a_ping():
    modem = machine(SlowNetwork())
    ask(modem, b'#XPING="192.0.2.1",5,1000,3')
    ask(modem, b"#XRESET")
    modem.wait(10)
    assert modem.take() == b"Ready\r\n"
    assert modem.network.sockets == []
    assert len(modem.network.pings) == 1


def test_an_unknown_name():
    assert ask(machine(), b'#XPING="nowhere.example",5,1000') == b'\r\n"EAI_NONAME"\r\n' + ERROR


def test_without_a_link():
    modem = machine()
    ask(modem, b"+CFUN=4")
    assert ask(modem, b'#XPING="192.0.2.1",5,1000') == b'\r\n"EAI_AGAIN"\r\n' + ERROR
    assert modem.network.sockets == []


def test_a_link_that_goes_down_while_the_name_is_resolved():
    modem = machine()
    modem.channel.receive(b'AT#XPING="example.com",5,1000\r', 0.0)
    modem.network.set_link(up=False)
    modem.pump()
    assert modem.take() == ERROR


def test_without_permission_the_log_says_what_to_permit(caplog):
    modem = machine(ForbiddenNetwork())
    assert ask(modem, b'#XPING="192.0.2.1",5,1000') == ERROR
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "net.ipv4.ping_group_range" in warnings[0]
    assert "CAP_NET_RAW" in warnings[0]


def test_the_pdn_has_to_be_active():
    modem = machine()
    assert ask(modem, b'#XPING="192.0.2.1",5,1000,1,1000,1') == ERROR
    assert ask(modem, b'+CGDCONT=1,"IP","x"') == OK
    assert ask(modem, b'#XPING="192.0.2.1",5,1000,1,1000,1') == OK + b"#XPING: 0.000 seconds\r\n"


def test_the_longest_payload():
    modem = machine()
    ask(modem, b'#XPING="192.0.2.1",65507,1000')
    assert len(modem.network.pings[0][2]) == 65507


@pytest.mark.parametrize(
    "parameters",
    [
        *(b"", b'"192.0.2.1"', b'"192.0.2.1",5', b"1,5,1000", b'"192.0.2.1","5",1000'),
        *(b'"192.0.2.1",-1,1000', b'"192.0.2.1",65508,1000', b'"192.0.2.1",5,0', b'"192.0.2.1",5,-1'),
        *(b'"192.0.2.1",5,1000,0', b'"192.0.2.1",5,1000,65536', b'"192.0.2.1",5,1000,1,-1'),
        *(b'"192.0.2.1",5,1000,1,0,11', b'"192.0.2.1",5,1000,1,0,-1', b'"%b",5,1000' % (b"x" * 129)),
    ],
)
def test_parameters_out_of_range(parameters):
    modem = machine()
    assert ask(modem, b"#XPING=" + parameters) == ERROR
    assert modem.network.pings == []


@pytest.mark.parametrize("command", [b"#XPING", b"#XPING?", b"#XPING=?"])
def test_other_forms_do_not_exist(command):
    assert ask(machine(), command) == ERROR


def test_the_family_follows_the_address(monkeypatch):
    opened = []
    network = FakeNetwork(hosts={"six.example": ["2001:db8::1"]})
    open_echo = network.open_echo
    monkeypatch.setattr(
        network, "open_echo", lambda family, address: opened.append(family) or open_echo(family, address)
    )
    modem = machine(network)
    ask(modem, b'#XPING="six.example",5,1000')
    ask(modem, b'#XPING="192.0.2.1",5,1000')
    assert opened == [Family.IPV6, Family.IPV4]
