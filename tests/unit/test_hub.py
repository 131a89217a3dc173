"""Endpoints that come and go at a hub, and what it leaves behind."""

import asyncio
import os
import threading

import pytest

from vmodem.core.trace import Note
from vmodem.endpoints.pty import Pty
from vmodem.endpoints.serial import Serial
from vmodem.endpoints.tcp import Tcp
from vmodem.errors import EndpointError
from vmodem.hub import Hub
from vmodem.profile import Profile
from vmodem.reactor import Reactor

OK = b"\r\nOK\r\n"


def at_a_hub(test):
    """Let a test run with a hub, and what it has told of endpoints that ended by themselves."""

    def run():
        async def go():
            gone = []
            hub = Hub(asyncio.get_running_loop(), lambda *what: gone.append(what))
            try:
                await asyncio.wait_for(test(hub, gone), 10)
            finally:
                hub.close()

        asyncio.run(go())

    run.__name__ = test.__name__
    return run


async def ask(endpoint, line=b"AT\r", answer=OK):
    reader, writer = await asyncio.open_connection(*endpoint.where().split(":"))
    writer.write(line)
    got = await asyncio.wait_for(reader.readuntil(answer), 5)
    writer.close()
    await writer.wait_closed()
    return got


@at_a_hub
async def test_one_hub_serves_different_modems(hub, gone):
    sm = hub.add(Profile(dialect="sm"), Tcp())
    ameba = hub.add(Profile(dialect="ameba"), Tcp())
    hub.start()
    assert await ask(sm) == b"Ready\r\n" + OK
    assert b"vmodem" in await ask(ameba, b"AT+WLSCAN\r")
    assert hub.endpoints == [sm, ameba]


@at_a_hub
async def test_endpoints_are_added_and_removed_while_it_runs(hub, gone):
    hub.start()
    first = hub.add(Profile(), Tcp())
    second = hub.add(Profile(), Tcp())
    await ask(first)
    hub.remove(first)
    hub.remove(first)
    await ask(second)
    assert hub.endpoints == [second]
    assert gone == []


@at_a_hub
async def test_an_endpoint_that_cannot_be_opened_leaves_the_others_alone(hub, gone):
    hub.start()
    first = hub.add(Profile(), Tcp())
    port = first.describe()["port"]
    with pytest.raises(EndpointError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
        hub.add(Profile(), Tcp(port=port))
    with pytest.raises(EndpointError, match=r"cannot use the address 192\.0\.2\.1: "):
        hub.add(Profile(addresses=("192.0.2.1",)), Tcp())
    assert hub.endpoints == [first]
    await ask(first)


@at_a_hub
async def test_an_endpoint_that_ends_by_itself_is_told_of_once(hub, gone):
    master, slave = os.openpty()
    hub.start()
    port = hub.add(Profile(), Serial(os.ttyname(slave)))
    os.close(slave)
    os.close(master)
    while not gone:
        await asyncio.sleep(0.01)
    assert gone == [(port, f"the serial port {port.where()} has gone")]
    assert hub.endpoints == []


@at_a_hub
async def test_every_modem_of_a_profile_is_traced_by_its_name(hub, gone):
    class Names:
        def __init__(self):
            self.names = []

        def event(self, now, modem, channel, event):
            if not isinstance(event, Note):
                self.names.append(modem.name)

    trace = Names()
    hub.start()
    endpoint = hub.add(Profile(name="left", traces=(trace,)), Tcp())
    await ask(endpoint)
    assert trace.names
    assert {name.rpartition(":")[0] for name in trace.names} == {"left 127.0.0.1"}


def test_nothing_is_left_behind(tmp_path):
    async def go():
        before = len(os.listdir("/proc/self/fd"))
        hub = Hub(asyncio.get_running_loop())
        hub.start()
        for spec in (Tcp(), Pty(), Pty(str(tmp_path / "link"))):
            hub.add(Profile(), spec)
        await ask(hub.endpoints[0])
        assert (tmp_path / "link").is_symlink()
        hub.close()
        hub.close()
        assert not (tmp_path / "link").is_symlink()
        assert len(os.listdir("/proc/self/fd")) == before

    asyncio.run(go())


def test_the_threads_of_a_reactor_end_with_it():
    async def go():
        reactor = Reactor(asyncio.get_running_loop())
        before, done, share = set(threading.enumerate()), [], reactor.workers.share()
        for number in range(5):
            share.run(lambda number=number: number, lambda outcome: done.append(outcome.value))
        own = set(threading.enumerate()) - before
        while len(done) < 5:
            await asyncio.sleep(0.001)
        reactor.close()
        for thread in own:
            thread.join(5)
            assert not thread.is_alive()
        assert sorted(done) == list(range(5))

    asyncio.run(go())


class PanicError(BaseException):
    """What Rust code raises is no `Exception` either."""


@pytest.mark.parametrize("error", [ValueError, PanicError])
def test_one_who_fails_keeps_no_edge_from_the_others(error):
    """An edge is told once: whoever comes after the one that fails, in the same turn, must hear of it."""

    async def go():
        loop, told, heard = asyncio.get_running_loop(), [], []
        loop.set_exception_handler(lambda loop, context: told.append(context["exception"]))
        reactor = Reactor(loop)
        pipes = [os.pipe() for _ in range(3)]
        for number, (reader, writer) in enumerate(pipes):

            def ready(events, number=number):
                heard.append(number)
                raise error

            os.write(writer, b"x")
            reactor.watch(reader, ready)
        async with asyncio.timeout(10):
            while len(heard) < 3:
                await asyncio.sleep(0)
        assert [type(one) for one in told] == [error] * 3
        reactor.close()
        for descriptor in (end for pipe in pipes for end in pipe):
            os.close(descriptor)

    asyncio.run(go())
