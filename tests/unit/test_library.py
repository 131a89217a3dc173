"""The public API: its names, what importing it costs, modems in an event loop and in threads, its errors."""

import asyncio
import contextlib
import importlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.hosts import connect, place
from tests.patience import eventually

import vmodem
from vmodem import Profile, Pty, Serial, Tcp

LIMIT = 20
"""Seconds that another process may take."""


class TestNames:
    @pytest.mark.parametrize("name", vmodem.__all__)
    def test_each_is_there_and_documented(self, name):
        assert getattr(vmodem, name).__doc__

    def test_each_is_where_it_is_said_to_be(self):
        homes = {name: home for home, names in vmodem._HOMES.items() for name in names}
        assert sorted([*homes, "__version__"]) == sorted(vmodem.__all__) == sorted(dir(vmodem))
        for name, home in homes.items():
            assert getattr(importlib.import_module(home), name) is getattr(vmodem, name)
            assert getattr(vmodem, name).__module__ == home

    def test_no_other_is(self):
        with pytest.raises(AttributeError, match="module 'vmodem' has no attribute 'dance'"):
            _ = vmodem.dance

    def test_every_error_is_a_vmodem_error(self):
        errors = [getattr(vmodem, name) for name in vmodem.__all__ if name.endswith("Error")]
        assert len(errors) > 1
        assert all(issubclass(error, vmodem.VmodemError) for error in errors)

    def test_importing_it_imports_nothing_that_takes_time(self):
        heavy = {"asyncio", "OpenSSL", "cryptography", "tomllib", "ssl", "socket"}
        program = f"import sys, vmodem; print(*sorted({heavy} & sys.modules.keys()))"
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT, check=True
        )
        assert done.stdout == "\n"


def host_of(served, dialect="sm", endpoint=0):
    return connect(place(served.endpoints[endpoint]), Profile(dialect=dialect).device)


def alive():
    """Return the threads that serve modems."""
    return [thread for thread in threading.enumerate() if thread.name == "vmodem"]


class TestServe:
    def test_in_a_loop_that_runs(self):
        async def talk():
            async with vmodem.serve("slm-2.7", Tcp()) as served:
                reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
                writer.write(b"AT\r\n")
                answer = await reader.readuntil(b"OK\r\n")
                assert served.endpoints == ({"kind": "tcp", "host": "127.0.0.1", "port": served.port},)
            assert await reader.read() == b""
            writer.close()
            return answer

        assert asyncio.run(talk()) == b"Ready\r\n\r\nOK\r\n"

    def test_what_goes_wrong_in_the_block_comes_out_and_the_endpoints_are_closed(self):
        ports = []

        async def fail():
            async with vmodem.serve(None, Tcp()) as served:
                ports.append(served.port)
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            asyncio.run(fail())
        with vmodem.start("sm", Tcp(port=ports[0])) as again:
            assert again.port == ports[0]


class TestStart:
    def test_a_pseudo_terminal_is_the_default(self):
        with vmodem.start() as modem:
            assert modem.url == modem.path == modem.endpoints[0]["path"]
            host = host_of(modem)
            host.ask("AT")
            host.close()
            with pytest.raises(LookupError, match="no endpoint has a port, there is only pty"):
                _ = modem.port

    def test_several_endpoints(self, tmp_path):
        link = str(tmp_path / "modem")
        with vmodem.start("slm-2.7", Tcp("::1"), Pty(link)) as modem:
            assert modem.path == link
            assert modem.url == f"socket://[::1]:{modem.port}"
            for endpoint in range(2):
                host = host_of(modem, "slm-2.7", endpoint)
                host.ask("AT")
                host.close()

    def test_from_several_threads_at_once(self):
        """Each has modems of its own, of any dialect, and any thread may end them."""
        dialects = ["sm-1.0", "slm-1.9", "slm-2.0", "slm-2.7", "ameba-2.4"] * 3
        with ThreadPoolExecutor(len(dialects)) as pool:
            started = list(pool.map(lambda dialect: vmodem.start(dialect, Tcp()), dialects))
            hosts = list(pool.map(host_of, started, dialects))
            assert len(alive()) == len(dialects)
            for dialect, host in zip(dialects, hosts, strict=True):
                host.ask("AT+TEST" if dialect == "ameba-2.4" else "AT")
            for host in hosts:
                host.close()
            list(pool.map(vmodem.Started.close, started))
        assert alive() == []

    def test_it_is_closed_once_by_any_number_of_threads(self):
        for _ in range(20):
            modem = vmodem.start("sm", Tcp())
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda _, modem=modem: modem.close(), range(4)))
            modem.close()
        assert alive() == []

    def test_a_call_gives_back_what_comes_of_it(self):
        with vmodem.start("sm", Tcp()) as modem:
            assert modem.call(lambda: threading.current_thread().name) == "vmodem"
            with pytest.raises(ZeroDivisionError):
                modem.call(lambda: 1 / 0)
        with pytest.raises(RuntimeError):
            modem.call(lambda: None)

    def test_a_call_gives_back_something_even_while_the_modems_end(self):
        def call_until_the_end(modem):
            with contextlib.suppress(RuntimeError):
                while True:
                    modem.call(lambda: None)

        for _ in range(20):
            modem = vmodem.start("sm", Tcp())
            with ThreadPoolExecutor(3) as pool:
                for _ in range(3):
                    pool.submit(call_until_the_end, modem)
                modem.close()


class TestHub:
    def test_endpoints_come_and_go_while_it_runs(self):
        with vmodem.start("sm", Tcp()) as modem:
            stays = host_of(modem)
            added = modem.call(lambda: modem.hub.add(Profile(dialect="ameba"), Tcp()))
            assert modem.call(lambda: len(modem.hub.endpoints)) == 2
            goes = connect(place(added.describe()), Profile(dialect="ameba").device)
            goes.ask("AT+TEST", b"\r\nOK\r\n")
            modem.call(lambda: modem.hub.remove(added))
            modem.call(lambda: modem.hub.remove(added))
            with pytest.raises(AssertionError, match="the modem hung up"):
                goes.read_until(b"anything")
            goes.close()
            stays.ask("AT")
            stays.close()

    def test_of_no_endpoint_is_told_that_was_removed(self):
        told = []
        loop = asyncio.new_event_loop()
        hub = vmodem.Hub(loop, lambda endpoint, reason: told.append((endpoint, reason)))
        hub.start()
        hub.remove(hub.add(Profile(), Pty()))
        hub.add(Profile(), Tcp())
        hub.close()
        loop.close()
        assert (told, hub.endpoints) == ([], [])


def said_by_the_command_line(*options):
    command = [sys.executable, "-m", "vmodem", "serve", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.stderr


class TestErrors:
    """They say what the command line says."""

    @pytest.mark.parametrize(
        ("profile", "endpoint", "error", "options"),
        [
            ({"dialect": "hayes"}, Tcp(), vmodem.UnknownDialectError, ["--dialect", "hayes"]),
            ({"addresses": ["localhost"]}, Tcp(), vmodem.ProfileError, ["--address", "localhost"]),
            (
                {"addresses": ["127.0.0.1", "127.0.0.2"]},
                Tcp(),
                vmodem.ProfileError,
                ["--address", "127.0.0.1", "--address", "127.0.0.2"],
            ),
            ({"addresses": ["192.0.2.1"]}, Pty(), vmodem.EndpointError, ["--address", "192.0.2.1"]),
            ({"credentials": "/dev/null"}, Pty(), vmodem.StoreError, ["--credentials", "/dev/null"]),
            ({}, Tcp("192.0.2.1"), vmodem.EndpointError, ["--tcp", "192.0.2.1:0"]),
            ({}, Tcp("no.such.host.invalid"), vmodem.EndpointError, ["--tcp", "no.such.host.invalid:0"]),
            ({}, Pty("/dev/null"), vmodem.EndpointError, ["--pty", "/dev/null"]),
            ({}, Serial("/does/not/exist"), vmodem.EndpointError, ["--serial", "/does/not/exist"]),
        ],
    )
    def test_in_the_same_words(self, profile, endpoint, error, options):
        with pytest.raises(error) as caught:
            vmodem.start(Profile(**profile), endpoint)
        said = said_by_the_command_line(*options)
        assert str(caught.value) in said
        assert said.startswith("vmodem serve: ")
        eventually(lambda: alive() == [])

    def test_an_endpoint_that_cannot_be_opened_closes_those_before_it(self, tmp_path):
        link = tmp_path / "modem"
        with pytest.raises(vmodem.EndpointError):
            vmodem.start("sm", Pty(str(link)), Tcp("192.0.2.1"))
        eventually(lambda: not link.is_symlink())

    def test_a_choice_that_is_none(self):
        with pytest.raises(vmodem.ProfileError, match="follow is 'me', accepted: manual, firmware"):
            Profile(follow="me")
        with pytest.raises(vmodem.ProfileError, match="terminator is 'nul', accepted: "):
            Profile(terminator="nul")

    def test_an_endpoint_that_cannot_be_added_disturbs_no_other(self):
        with vmodem.start("sm", Tcp()) as modem:
            with pytest.raises(vmodem.EndpointError, match=r"cannot listen on 192\.0\.2\.1:0"):
                modem.call(lambda: modem.hub.add(Profile(), Tcp("192.0.2.1")))
            host = host_of(modem)
            host.ask("AT")
            host.close()
