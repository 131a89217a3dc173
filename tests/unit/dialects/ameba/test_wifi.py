import pytest

from vmodem import dialects
from vmodem.config import AccessPoint, Config, Wifi
from vmodem.core.power import Start
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Family, SocketType
from vmodem.virtual import Virtual

DIALECT = dialects.find("ameba-2.4")
CONNECT = b"AT+WLCONN=ssid,vmodem,pw,12345678\r"


def machine(config=None, *, start=Start.ATTACHED, network=None):
    modem = Virtual(DIALECT, config=config, start=start, network=network)
    assert modem.take() == b"ATCMD READY\r\n"
    return modem


def ask(modem, line):
    modem.send(line)
    return modem.take().decode("latin-1")


def test_a_scan_lists_the_configured_networks_in_their_order():
    config = Config(
        wifi=Wifi(ssid="Home", channel=1, mode="AX", security="WPA2/WPA3-SAE AES"),
        network=(
            AccessPoint(ssid="Caf\xe9", security="Open", channel=1, rssi=-90),
            *(AccessPoint(ssid="More", bssid=f"AA:00:00:00:00:{number:02}", channel=13) for number in range(8)),
        ),
    )
    modem = machine(config, start=Start.OFFLINE)
    rows = ask(modem, b"AT+WLSCAN\r").split("\r\n")
    assert rows[:3] == [
        ' 1, 02:00:00:00:00:01, -50, 1, AX, "WPA2/WPA3-SAE AES", "Home" ',
        ' 2, 02:00:00:00:00:02, -90, 1, N, "Open", "Caf\xe9" ',
        ' 3, aa:00:00:00:00:00, -70, 13, N, "WPA2 AES", "More" ',
    ]
    assert rows[9:] == ['10, aa:00:00:00:00:07, -70, 13, N, "WPA2 AES", "More" ', "", "OK", ""]
    assert ask(modem, b"AT+WLSCAN=ch,1:11\r").count("\r\n") == 4
    assert ask(modem, b"AT+WLSCAN=ssid,More\r").startswith(" 1, aa:00:00:00:00:00, ")
    assert ask(modem, b"AT+WLSCAN=ssid,Caf\xe9,ch,1\r").startswith(" 1, 02:00:00:00:00:02, ")


def test_another_network_of_a_scan_cannot_be_joined():
    modem = machine(Config(network=(AccessPoint(ssid="Next door", security="Open"),)), start=Start.OFFLINE)
    assert ask(modem, b"AT+WLCONN=ssid,Next door\r") == "[$]wifi connect failed\r\n\r\nERROR: 17\r\n"
    assert not modem.network.up


def test_the_address_is_that_of_the_network_while_connected():
    modem = machine(network=FakeNetwork(ipv4="198.51.100.7"))
    wifi = modem.channel.device.wifi
    assert wifi.address == "198.51.100.7"
    ask(modem, b"AT+WLDISCONN\r")
    assert wifi.address == "0.0.0.0"
    assert "IP  => 0.0.0.0\r\n" in ask(modem, b"AT+WLSTATE\r")
    ask(modem, CONNECT)
    assert wifi.address == "198.51.100.7"


def test_without_an_ipv4_address_dhcp_gives_none():
    modem = machine(network=FakeNetwork(ipv4=None), start=Start.OFFLINE)
    assert ask(modem, CONNECT) == "[$]wifi connected\r\n[$]wifi got ip timeout\r\n\r\nOK\r\n"
    assert modem.channel.device.wifi.address == "0.0.0.0"
    assert "GW  => 0.0.0.0\r\nMSK  => 255.255.255.0\r\n" in ask(modem, b"AT+WLSTATE\r")


def test_a_static_address_alone_has_no_gateway():
    modem = machine(start=Start.OFFLINE)
    assert ask(modem, b"AT+WLSTATICIP=10.1.2.3\r") == "\r\nOK\r\n"
    assert "IP  => 0.0.0.0\r\n" in ask(modem, b"AT+WLSTATE\r")
    assert ask(modem, CONNECT) == "[$]wifi connected\r\n\r\nOK\r\n"
    assert "IP  => 10.1.2.3\r\nGW  => 0.0.0.0\r\nMSK  => 255.255.255.0\r\n" in ask(modem, b"AT+WLSTATE\r")


def test_a_restart_during_the_connection_leaves_it_detached():
    modem = machine(Config(wifi=Wifi(connect_time=3)), start=Start.OFFLINE)
    assert ask(modem, CONNECT) == ""
    modem.modem.restart()
    modem.wait(10)
    assert modem.take() == b"ATCMD READY\r\n"
    assert not modem.network.up


@pytest.mark.parametrize("first", [b"AT+WLDISCONN\r", CONNECT])
def test_losing_the_network_aborts_every_socket(first):
    modem = machine()
    net = modem.network.open(Family.IPV4, SocketType.STREAM)
    net.bind(1234)
    ask(modem, first)
    with pytest.raises(OSError, match="ENETDOWN"):
        net.listen(1)
