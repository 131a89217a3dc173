"""Threads for what would hold up the loop: every modem has its share, and nobody waits for who has gone."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from vmodem import workers as module
from vmodem.jobs import Outcome, is_fault, outcome_of
from vmodem.workers import AT_ONCE, KEPT, Workers


class PanicError(BaseException):
    """What Rust code raises is no `Exception` either."""


class World:
    """Workers, and jobs that hang until they are let go."""

    def __init__(self):
        self.workers = Workers(asyncio.get_running_loop())
        self.let_go = threading.Event()
        self.begun = []
        self.ended = []

    def run(self, share, name):
        share.run(lambda: self._hang(name), lambda outcome: self.ended.append(name))

    def _hang(self, name):
        self.begun.append(name)
        assert self.let_go.wait(30)

    async def until(self, condition):
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.001)


@contextmanager
def limits(monkeypatch, threads, abandoned=512):
    monkeypatch.setattr(module, "MAX_THREADS", threads)
    monkeypatch.setattr(module, "MAX_ABANDONED", abandoned)
    world = World()
    try:
        yield world
    finally:
        world.let_go.set()
        world.workers.close()


def test_one_modem_has_only_its_share():
    async def go(world=None):
        world = World()
        one, other = world.workers.share(), world.workers.share()
        for number in range(AT_ONCE + 2):
            world.run(one, number)
        world.run(other, "other")
        await world.until(lambda: len(world.begun) == AT_ONCE + 1)
        assert "other" in world.begun
        world.let_go.set()
        await world.until(lambda: len(world.ended) == AT_ONCE + 3)
        assert world.begun[-2:] == [AT_ONCE, AT_ONCE + 1]  # in their order
        world.workers.close()

    asyncio.run(go())


def test_while_threads_are_few_modems_take_turns(monkeypatch):
    async def go():
        with limits(monkeypatch, 1) as world:
            one, other = world.workers.share(), world.workers.share()
            for number in range(3):
                world.run(one, number)
            world.run(other, "other")
            world.let_go.set()
            await world.until(lambda: len(world.ended) == 4)
            assert world.begun == [0, 1, "other", 2]

    asyncio.run(go())


def test_nobody_waits_for_who_has_gone(monkeypatch):
    async def go():
        with limits(monkeypatch, 8) as world:
            gone = [world.workers.share() for _ in range(20)]
            for share in gone:
                world.run(share, "gone")
            await world.until(lambda: len(world.begun) == 8)
            world.run(world.workers.share(), "stays")
            await asyncio.sleep(0)
            assert "stays" not in world.begun  # all threads are taken by those that are still there
            for share in gone:
                share.drop()
            world.run(world.workers.share(), "comes")
            await world.until(lambda: len(world.begun) == 10)
            assert world.begun[8:] == ["stays", "comes"]
            world.let_go.set()
            await world.until(lambda: len(world.ended) == 2)
            assert world.ended == ["stays", "comes"] or world.ended == ["comes", "stays"]

    asyncio.run(go())


def test_even_threads_that_nobody_waits_for_are_bounded(monkeypatch):
    async def go():
        with limits(monkeypatch, 2, abandoned=2) as world:
            for _ in range(6):
                share = world.workers.share()
                world.run(share, "gone")
                share.drop()
            await world.until(lambda: len(world.begun) == 4)
            world.run(world.workers.share(), "waits")
            await asyncio.sleep(0.01)
            assert world.begun == ["gone"] * 4
            world.let_go.set()
            await world.until(lambda: world.ended == ["waits"])

    asyncio.run(go())


def test_a_share_can_be_used_again():
    async def go():
        world = World()
        share = world.workers.share()
        for number in range(AT_ONCE + 1):
            world.run(share, number)
        share.drop()
        world.run(share, "again")
        await world.until(lambda: "again" in world.begun)
        world.let_go.set()
        await world.until(lambda: world.ended == ["again"])
        assert AT_ONCE not in world.begun
        world.workers.close()

    asyncio.run(go())


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, PanicError, asyncio.CancelledError])
def test_whatever_a_job_raises_is_told(error):
    async def go():
        def job():
            raise error

        workers, outcomes = Workers(asyncio.get_running_loop()), asyncio.Queue()
        workers.share().run(job, outcomes.put_nowait)
        assert type((await outcomes.get()).error) is error
        workers.share().run(lambda: 1, outcomes.put_nowait)
        assert await outcomes.get() == Outcome(1)
        workers.close()

    asyncio.run(go())


def test_what_fails_when_it_is_told_stops_nobody():
    async def go():
        loop = asyncio.get_running_loop()
        told = []
        loop.set_exception_handler(lambda loop, context: told.append(context["exception"]))
        workers, outcomes = Workers(loop), asyncio.Queue()
        share = workers.share()
        for _ in range(AT_ONCE + 1):
            share.run(lambda: 1, lambda outcome: 1 / 0)
        share.run(lambda: 2, outcomes.put_nowait)
        assert (await outcomes.get()).value == 2
        assert len(told) == AT_ONCE + 1
        workers.close()

    asyncio.run(go())


def test_no_thread_is_to_be_had(monkeypatch):
    def fail(thread):
        raise RuntimeError("can't start new thread")

    async def go():
        workers, outcomes = Workers(asyncio.get_running_loop()), asyncio.Queue()
        monkeypatch.setattr(threading.Thread, "start", fail)
        share = workers.share()
        for _ in range(AT_ONCE + 1):
            share.run(lambda: 1, outcomes.put_nowait)
        for _ in range(AT_ONCE + 1):
            assert "no thread" in str((await outcomes.get()).error)
        monkeypatch.undo()
        share.run(lambda: 1, outcomes.put_nowait)
        assert (await outcomes.get()).value == 1
        workers.close()

    asyncio.run(go())


def test_few_threads_wait_for_more():
    async def go():
        before = threading.active_count()
        world = World()
        for number in range(100):
            world.run(world.workers.share(), number)
        await world.until(lambda: len(world.begun) == 100)
        world.let_go.set()
        await world.until(lambda: len(world.ended) == 100 and threading.active_count() - before <= KEPT)
        world.workers.close()
        await world.until(lambda: threading.active_count() <= before)  # less where an earlier test's thread has ended

    asyncio.run(go())


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ValueError(), True),
        (PanicError(), True),
        (MemoryError(), True),
        (KeyboardInterrupt(), False),
        (SystemExit(), False),
        (GeneratorExit(), False),
        (asyncio.CancelledError(), False),
    ],
)
def test_what_is_a_fault(error, fault):
    def job():
        raise error

    assert is_fault(error) is fault
    assert outcome_of(job).answer is error
