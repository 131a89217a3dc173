"""What goes wrong in Python is a `VmodemError` that says what would be right; and how messages are worded."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmodem
from vmodem import dialects
from vmodem.errors import because, one_line, quoted, suggestion

MISTAKES = [
    # Endpoints
    (lambda: vmodem.Tcp(port=99999), vmodem.SpecError, "port is 99999, accepted: 0 to 65535, where 0 picks a free one"),
    (lambda: vmodem.Tcp(port=-1), vmodem.SpecError, "port is -1, accepted: 0 to 65535"),
    (lambda: vmodem.Tcp(port="5000"), vmodem.SpecError, "port is '5000', accepted: 0 to 65535"),
    (lambda: vmodem.Tcp(port=True), vmodem.SpecError, "port is True, accepted: 0 to 65535"),
    (lambda: vmodem.Tcp(port=None), vmodem.SpecError, "port is None, accepted: 0 to 65535"),
    (lambda: vmodem.Tcp(""), vmodem.SpecError, "host is '', accepted: a name or an address of this machine"),
    (lambda: vmodem.Tcp(5000), vmodem.SpecError, "host is 5000, accepted: a name or an address"),
    (lambda: vmodem.Tcp("a\0b"), vmodem.SpecError, r"host is 'a\x00b', accepted: a name or an address"),
    (lambda: vmodem.Serial(""), vmodem.SpecError, "device is '', accepted: the path of a serial port"),
    (lambda: vmodem.Serial(5), vmodem.SpecError, "device is 5, accepted: the path of a serial port"),
    (lambda: vmodem.Serial("x", baud=12345), vmodem.SpecError, "12345 is no speed of a serial port; 115200 would be"),
    (lambda: vmodem.Serial("x", baud=0), vmodem.SpecError, "0 is no speed of a serial port; 115200 would be one"),
    (lambda: vmodem.Serial("x", baud="9600"), vmodem.SpecError, "'9600' is no speed of a serial port"),
    (lambda: vmodem.Serial("x", rtscts="yes"), vmodem.SpecError, "rtscts is 'yes', accepted: True, False"),
    (lambda: vmodem.Pty(""), vmodem.SpecError, "link is '', accepted: the path of a link, or none"),
    (lambda: vmodem.Pty("a\0b"), vmodem.SpecError, r"link is 'a\x00b', accepted: the path of a link"),
    (lambda: vmodem.Pty(hangup="never"), vmodem.SpecError, "hangup is 'never', accepted: reset, keep"),
    (lambda: vmodem.start("sm", "tcp"), vmodem.SpecError, "'tcp' is no endpoint; an instance would be one"),
    (lambda: vmodem.start("sm", vmodem.Tcp), vmodem.SpecError, "<class 'vmodem.endpoints.tcp.Tcp'> is no endpoint"),
    (
        lambda: vmodem.start("sm", vmodem.Tcp("192.0.2.1", 1)),
        vmodem.EndpointError,
        "cannot listen on 192.0.2.1:1: Cannot",
    ),
    # Profiles
    (lambda: dialects.find("nrf91"), vmodem.UnknownDialectError, "unknown dialect 'nrf91'; known are sm-1.0, slm-1.9"),
    (lambda: dialects.find("slm2.7"), vmodem.UnknownDialectError, "unknown dialect 'slm2.7'; did you mean slm-2.7"),
    (lambda: vmodem.start("nrf91"), vmodem.UnknownDialectError, "unknown dialect 'nrf91'; known are"),
    (lambda: vmodem.Profile(dialect=5), vmodem.ProfileError, "dialect is 5, accepted: a dialect, or the name of one"),
    (lambda: vmodem.start(vmodem.Tcp()), vmodem.ProfileError, "dialect is Tcp(host='127.0.0.1', port=0), accepted: a"),
    (lambda: vmodem.Profile(name=5), vmodem.ProfileError, "name is 5, accepted: text on one line"),
    (lambda: vmodem.Profile(name="a\nb"), vmodem.ProfileError, r"name is 'a\nb', accepted: text on one line"),
    (lambda: vmodem.Profile(follow="me"), vmodem.ProfileError, "follow is 'me', accepted: manual, firmware"),
    (lambda: vmodem.Profile(follow=[]), vmodem.ProfileError, "follow is [], accepted: manual, firmware"),
    (lambda: vmodem.Profile(terminator="nul"), vmodem.ProfileError, "terminator is 'nul', accepted: cr, lf, crlf"),
    (lambda: vmodem.Profile(config={}), vmodem.ProfileError, "config is {}, accepted: a Config"),
    (lambda: vmodem.Profile(credentials=5), vmodem.ProfileError, "credentials is 5, accepted: a Store, or the path of"),
    (lambda: vmodem.Profile(credentials=""), vmodem.ProfileError, "credentials is '', accepted: a Store, or the path"),
    (lambda: vmodem.Profile(credentials="a\0"), vmodem.ProfileError, r"credentials is 'a\x00', accepted: a Store"),
    (
        lambda: vmodem.Profile(credentials="/dev/null"),
        vmodem.StoreError,
        "/dev/null: File exists; a path where nothing is",
    ),
    (lambda: vmodem.Profile(offline="yes"), vmodem.ProfileError, "offline is 'yes', accepted: True, False"),
    (lambda: vmodem.Profile(addresses="127.0.0.1"), vmodem.ProfileError, "addresses is '127.0.0.1', accepted: a tuple"),
    (lambda: vmodem.Profile(addresses=("localhost",)), vmodem.ProfileError, "address: 'localhost' is no IPv4 or IPv6"),
    (lambda: vmodem.Profile(layers=5), vmodem.ProfileError, "layers is 5, accepted: a tuple of subclasses of Network"),
    (lambda: vmodem.Profile(traces=(5,)), vmodem.ProfileError, "traces is (5,), accepted: a tuple of objects with a"),
    (lambda: vmodem.Profile(random=5), vmodem.ProfileError, "random is 5, accepted: a function that returns as many"),
    (
        lambda: vmodem.Profile(config=vmodem.Config(vmodem.Identity(imei="1"))),
        vmodem.ConfigError,
        "identity.imei is '1', accepted: 15 digits",
    ),
    # Files
    (lambda: vmodem.load_config("/no/file"), vmodem.ConfigError, "/no/file: No such file or directory; a file of TOML"),
    (lambda: vmodem.load_profiles("/"), vmodem.ConfigError, "/: Is a directory; a file of TOML would be right"),
]


@pytest.mark.parametrize(("attempt", "kind", "message"), MISTAKES)
def test_a_mistake_is_an_error_in_one_line(attempt, kind, message):
    with pytest.raises(vmodem.VmodemError) as caught:
        attempt()
    assert type(caught.value) is kind
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


def test_in_a_running_loop_too():
    async def attempt(profile, *endpoints):
        async with vmodem.serve(profile, *endpoints):
            raise AssertionError("it is served")

    for profile, endpoint, kind in (
        ("nrf91", vmodem.Tcp(), vmodem.UnknownDialectError),
        ("sm", "tcp", vmodem.SpecError),
        (5, vmodem.Tcp(), vmodem.ProfileError),
    ):
        with pytest.raises(kind):
            asyncio.run(attempt(profile, endpoint))


@pytest.mark.parametrize("attribute", ["port", "path", "url"])
def test_an_endpoint_without_a_place(attribute):
    served = vmodem.Served(Empty())
    with pytest.raises(vmodem.NoPlaceError, match=r"no endpoint has a (port|path|path or a port), there is only stdio"):
        getattr(served, attribute)
    with pytest.raises(LookupError):
        getattr(served, attribute)


class Empty:
    """A hub with standard input and output."""

    class StdioEndpoint:
        def describe(self):
            return {"kind": "stdio"}

    endpoints = (StdioEndpoint(),)


def test_a_path_is_as_good_as_text():
    assert vmodem.Pty(Path("link")).link == Path("link")


class TestWords:
    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("versoin", "did you mean --version?"),
            ("TCP", "did you mean --tcp?"),
            ("tcpp", "did you mean --tcp?"),
            ("nonsense", "known are --tcp, --version, --offline"),
            ("", "known are --tcp, --version, --offline"),
        ],
    )
    def test_suggestion(self, word, said):
        assert suggestion(word, ["--tcp", "--version", "--offline"]) == said

    @given(st.text())
    def test_one_line(self, text):
        assert one_line(text).isprintable()
        assert not text.isprintable() or one_line(text) == text

    @given(st.one_of(st.text(), st.integers(), st.lists(st.text())))
    def test_quoted(self, value):
        assert quoted(value).isprintable()
        assert len(quoted(value)) < 900

    def test_because(self):
        assert because(FileNotFoundError(2, "No such file")) == "No such file; a path that is there would be right"
        assert because(OSError(5, "Input/output error")) == "Input/output error"
        assert because(OSError("odd")) == "odd"
