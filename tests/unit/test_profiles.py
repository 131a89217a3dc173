"""The modems that a configuration file describes."""

import pytest

from vmodem.core.dialect import Follow
from vmodem.core.framing import Terminator
from vmodem.credentials.directory import DirectoryStore
from vmodem.endpoints.pty import Pty
from vmodem.endpoints.serial import Serial
from vmodem.endpoints.stdio import Stdio
from vmodem.endpoints.tcp import Tcp
from vmodem.errors import ConfigError
from vmodem.profile import Profile
from vmodem.profiles import load_profiles


@pytest.fixture
def load(tmp_path):
    def load(text, base=None):
        path = tmp_path / "modems.toml"
        path.write_text(text, encoding="utf-8")
        return load_profiles(path, base)

    return load


def test_a_file_without_modems(load):
    config, served = load('[identity]\nimei = "111111111111111"\n')
    assert (config.identity.imei, served) == ("111111111111111", [])


def test_each_modem_is_one_of_its_own(load):
    _, served = load(
        """
        [identity]
        imei = "111111111111111"
        model = "shared"

        [[modem]]
        name = "left"
        endpoint = "tcp 5000"
        cmng_while_active = true
        [modem.identity]
        imei = "222222222222222"

        [[modem]]
        dialect = "ameba"
        endpoint = ["tcp [::1]:0", "pty /tmp/link", "stdio", "serial /dev/ttyS0@9600"]
        follow = "firmware"
        offline = true
        address = ["127.0.0.2", "::1"]
        terminator = "lf"
        hangup = "keep"
        rtscts = true
        """
    )
    specs = [one.spec for one in served]
    assert specs == [
        Tcp("127.0.0.1", 5000),
        Tcp("::1", 0),
        Pty("/tmp/link", hangup="keep"),
        Stdio(),
        Serial("/dev/ttyS0", 9600, rtscts=True),
    ]
    left, right = served[0].profile, served[1].profile
    assert (left.name, left.device.name, left.offline) == ("left", "sm-1.0", False)
    assert (left.config.identity.imei, left.config.identity.model) == ("222222222222222", "shared")
    assert (left.config.modem.cmng_while_active, right.config.modem.cmng_while_active) == (True, False)
    assert (right.device.name, right.config.identity.imei) == ("ameba-2.4", "111111111111111")
    assert (right.follow, right.offline, right.terminator) == (Follow.FIRMWARE, True, Terminator.LF)
    assert right.addresses == ("127.0.0.2", "::1")
    assert left.credentials is not right.credentials
    assert all(one.profile is right for one in served[1:])


def test_what_the_command_line_says_is_what_a_modem_is_unless_the_file_says_otherwise(load, tmp_path):
    base = Profile(dialect="slm-2.0", credentials=tmp_path / "store", offline=True)
    text = f'[[modem]]\n[[modem]]\ndialect = "sm"\noffline = false\ncredentials = "{tmp_path}/other"\n'
    _, (first, second) = load(text, base)
    assert (first.profile.device.name, first.profile.offline, first.spec) == ("slm-2.0", True, Pty())
    assert first.profile.credentials is base.credentials
    assert (second.profile.device.name, second.profile.offline) == ("sm-1.0", False)
    assert isinstance(second.profile.credentials, DirectoryStore)


def test_settings_hold_where_the_file_says_nothing_else(tmp_path):
    path = tmp_path / "modems.toml"
    path.write_text("[[modem]]\n[[modem]]\nhangup = 'reset'\n")
    _, (first, second) = load_profiles(path, settings={"hangup": "keep", "rtscts": True})
    assert (first.spec, second.spec) == (Pty(hangup="keep"), Pty(hangup="reset"))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[[modem]]\nnome = 'x'", 2, "modem[0].nome is unknown; did you mean name?"),
        ("[[modem]]\nwhatever = 'x'", 2, "modem[0].whatever is unknown; known are name, dialect, endpoint"),
        ("[[modem]]\nimei = '1'", 2, "modem[0].imei is unknown; it belongs in [modem.identity]"),
        ("[[modem]]\n[modem.cell]\nimei = '1'", 3, "modem[0].cell.imei is unknown; it belongs in [modem.identity]"),
        ("[[modem]]\n[modem.cell]\nname = '1'", 3, "modem[0].cell.name is unknown; it belongs in the [[modem]] itself"),
        ("[[modem]]\n[modem.modem]", 2, "modem[0].modem is unknown; known are name"),
        ("dialect = 'sm'", 1, "dialect is unknown; it belongs in a [[modem]]"),
        ("[modem]\ndialect = 'sm'", 2, "modem.dialect is unknown; it belongs in a [[modem]]"),
        ("[cell]\nendpoint = 'pty'", 2, "cell.endpoint is unknown; it belongs in a [[modem]]"),
        ("[[modem]]\n\n[[modem]]\nname = 5", 4, "modem[1].name is 5, accepted: text"),
        ("[[modem]]\ndialect = 'hayes'", 2, "modem[0]: unknown dialect 'hayes'; known are sm-1.0, slm-1.9"),
        ("[[modem]]\noffline = true\n\nfollow = 'me'", 4, "modem[0]: follow is 'me', accepted: manual, firmware"),
        ("[[modem]]\nterminator = 'nul'", 2, "modem[0]: terminator is 'nul', accepted: cr, lf, crlf"),
        ("[[modem]]\noffline = 'yes'", 2, "modem[0].offline is 'yes', accepted: true or false"),
        ("[[modem]]\naddress = 'localhost'", 2, "modem[0]: address: 'localhost' is no IPv4 or IPv6 address"),
        ("[[modem]]\naddress = ['::1', '::2']", 2, "modem[0]: address: may be given once for each family"),
        ("[[modem]]\nhangup = 'never'", 2, 'modem[0].hangup is \'never\', accepted: "reset" or "keep"'),
        ("[[modem]]\nrtscts = 1", 2, "modem[0].rtscts is 1, accepted: true or false"),
        ("[[modem]]\nendpoint = 'udp 5'", 2, "modem[0].endpoint is 'udp 5', accepted: one of pty, tcp, stdio, serial"),
        ("[[modem]]\nendpoint = 'tpc 5'", 2, "modem[0].endpoint is 'tpc 5', accepted: one of pty, tcp, stdio, serial"),
        ("[[modem]]\nendpoint = {}", 2, "modem[0].endpoint is a table, accepted: text such as"),
        ("[[modem]]\nendpoint = []", 2, "modem[0].endpoint is an array, accepted: text such as"),
        ("[[modem]]\nendpoint = ['pty', 5]", 2, "modem[0].endpoint[1] is 5, accepted: one of pty"),
        ("[[modem]]\nendpoint = 'tcp'", 2, "modem[0].endpoint is 'tcp', accepted: tcp [HOST:]PORT"),
        ("[[modem]]\nendpoint = 'stdio 5'", 2, "modem[0].endpoint is 'stdio 5', accepted: stdio"),
        ("[[modem]]\nendpoint = 'tcp host'", 2, "modem[0].endpoint: 'host' is not [HOST:]PORT with a port from"),
        ("[[modem]]\nendpoint = 'serial /dev/null@7'", 2, "modem[0].endpoint: 7 is no speed of a serial port"),
        ("[[modem]]\n[modem.identity]\nimei = '1'", 3, "modem[0].identity.imei is '1', accepted: 15 digits"),
        ("[[modem]]\n[[modem]]\n[modem.identity]\nimei = '1'", 4, "modem[1].identity.imei is '1', accepted: 15 digits"),
        ("[[modem]]\n[modem.identity]\nimai = '1'", 3, "modem[0].identity.imai is unknown; did you mean imsi or imei?"),
        ("[[modem]]\nidentity = 5", 2, "modem[0].identity is 5, accepted: a table, written [modem.identity]"),
        (
            "[[modem]]\n[[modem.identity]]",
            2,
            "modem[0].identity is an array of tables, accepted: a table, written [modem.",
        ),
        (
            "[[modem]]\n[modem.network]",
            2,
            "modem[0].network is a table, accepted: an array of tables, each written [[modem.",
        ),
        ("modem = [5]", 1, "modem[0] is 5, accepted: a table, written [[modem]]"),
        ("modem = 5", 1, "modem is 5, accepted: a table, written [modem]"),
        ("[[modem]]\ncredentials = '/dev/null/x'", 2, "modem[0]: /dev/null/x: Not a directory"),
        ("[[modem]]\ncmng_while_active = 5", 2, "modem[0].cmng_while_active is 5, accepted: true or false"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(load, tmp_path, text, line, message):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert str(caught.value).startswith(f"{tmp_path}/modems.toml:{line}: {message}")
    assert str(caught.value).isprintable()
