"""The page about options and configuration: its files are read, its mistakes are told so, and no key is missing."""

import re
from dataclasses import fields

import pytest
from tests.docs.pages import DOCS, blocks

from vmodem.config import TABLES
from vmodem.dialects.ameba.device import SocketOptions
from vmodem.endpoints.pty import Pty
from vmodem.endpoints.tcp import Tcp
from vmodem.errors import ConfigError
from vmodem.profiles import load_profiles

PAGE = "configuration.md"
TEXT = (DOCS / PAGE).read_text()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Nothing that a file names is made anywhere else."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text):
    """Read a configuration file."""
    with open("modem.toml", "w", encoding="utf-8") as file:
        file.write(text)
    return load_profiles("modem.toml")


def test_its_files_are_read():
    one, many = blocks(PAGE, "toml")
    config, served = load(one)
    assert (config.cell.plmn, config.network[0].ssid, served) == ("24201", "Next door", [])
    _, served = load(many)
    assert [one.spec for one in served] == [
        Tcp("127.0.0.1", 5000),
        Pty("right.tty", hangup="keep"),
        Tcp("::1", 0),
    ]
    assert [one.profile.name for one in served] == ["left", "right", "right"]
    assert {one.profile.config.identity.model for one in served} == {"nRF9151-LACA"}


@pytest.mark.parametrize(
    "text",
    ["[cell]\nact = '7'\n", "[cell]\nimei = '1234'\n", "[identity]\nimai = '1'\n", "[[modem]]\nhangup = 'never'\n"],
)
def test_mistakes_are_told_as_it_says(text):
    with pytest.raises(ConfigError) as caught:
        load(text)
    see = " See" if str(caught.value).endswith("?") else "; see"
    assert f"\n    vmodem serve: {caught.value}{see} 'vmodem serve --help'\n" in TEXT


def keys(start):
    """Return the keys in the first table after the line that begins with ``start``."""
    _, _, rest = TEXT.partition(f"\n{start}")
    table = re.search(r"(?:^\|.*\n)+", rest, re.MULTILINE)
    return re.findall(r"^\| `(\w+)` ", table[0], re.MULTILINE)


@pytest.mark.parametrize("name", TABLES)
def test_it_has_every_key_of_a_table(name):
    written = f"`[[{name}]]`:" if name == "network" else f"`[{name}]`:"
    assert sorted(keys(written)) == sorted(option.name for option in fields(TABLES[name]))


def test_it_has_every_key_of_a_modem():
    with pytest.raises(ConfigError) as caught:
        load("[[modem]]\nnone = 1\n")
    _, _, known = str(caught.value).partition("known are ")
    assert [key for key in known.split(", ") if key not in TABLES] == keys("## More than one modem")


def test_it_has_every_socket_option_of_the_ameba():
    """Those of the nRF91 are held to the page by tests/unit/dialects/nrf/test_options.py."""
    _, _, table = TEXT.partition("\n| `AT+SKTCFG` |")
    rows, _, _ = table.partition("\n\n")
    assert tuple(re.findall(r"^\| `(\w+)` ", rows, re.MULTILINE)) == SocketOptions._fields
