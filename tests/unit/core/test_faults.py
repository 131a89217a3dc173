"""Whatever is raised, and wherever: a command has its result, the log the reason, and the modem goes on."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from vmodem import dialects
from vmodem.core.commands import CommandTable
from vmodem.core.framing import EscapeReader
from vmodem.core.power import Start
from vmodem.core.tasks import Delay, HostData, Work
from vmodem.credentials.store import Store
from vmodem.jobs import outcome_of
from vmodem.virtual import Virtual

OK = b"\r\nOK\r\n"
ERROR = b"\r\nERROR\r\n"


class PanicError(BaseException):
    """What Rust code raises is no `Exception` either."""


FAULTS = [ValueError, MemoryError, RecursionError, PanicError]
ORDERS = [KeyboardInterrupt, SystemExit, asyncio.CancelledError]


def plain(device, fail):
    fail()


async def coroutine(device, fail):
    fail()


async def after_waiting(device, fail):
    await Delay(device.modem.now + 1)
    fail()


async def in_a_job(device, fail):
    await Work(fail)


def in_the_background(device, fail):
    async def task():
        await Delay(device.modem.now + 1)
        fail()

    device.channel.spawn(task())


def in_data_mode(device, fail):
    async def data():
        await HostData(EscapeReader(b"+++", 8, datagrams=False), 0.1)
        fail()

    device.channel.enter_data_mode(data(), swallow_line_feed=True)


ANSWERED = {
    plain: ERROR,
    coroutine: ERROR,
    after_waiting: ERROR,
    in_a_job: ERROR,
    in_the_background: OK,
    in_data_mode: OK,
}


def made(handler, error):
    def fail():
        raise error

    commands = CommandTable("Test commands")
    commands.set("+FAIL", "Fail")(lambda device: handler(device, fail))
    sm = dialects.find("sm")
    modem = Virtual(replace(sm, commands=CommandTable().include(sm.commands, commands)))
    modem.take()
    return modem


def run(modem):
    modem.send(b"AT+FAIL\r")
    modem.wait(1)
    modem.send(b"x+++")
    modem.wait(1)
    modem.send(b"\r")  # whatever became of the data


@pytest.mark.parametrize("error", FAULTS)
@pytest.mark.parametrize("handler", ANSWERED)
def test_a_fault(handler, error, caplog):
    modem = made(handler, error)
    run(modem)
    assert modem.take().startswith(ANSWERED[handler])
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [error]
    modem.send(b"AT\r")
    assert modem.take() == OK
    assert modem.modem.scheduler.idle


@pytest.mark.parametrize("error", ORDERS)
@pytest.mark.parametrize("handler", ANSWERED)
def test_an_order_to_end_is_no_fault(handler, error):
    with pytest.raises(error):
        run(made(handler, error))


@pytest.mark.parametrize("error", FAULTS)
def test_a_trace_that_fails_is_left_out(error, caplog):
    class Broken:
        def event(self, *arguments):
            raise error

    sm = dialects.find("sm")
    modem = Virtual(sm, traces=[Broken()])
    modem.take()
    modem.send(b"AT\r")
    assert modem.take() == OK
    assert [record.exc_info[0] for record in caplog.records] == [error]


class Elsewhere:
    """Has jobs done when a test wants it, as threads do in their own time."""

    def __init__(self, modem):
        self.modem = modem
        self.jobs = []
        modem.modem.scheduler.work = self.take

    def take(self, job, token):
        self.jobs.append((job, token))

    def finish(self):
        job, token = self.jobs.pop(0)
        self.modem.modem.resolved(token, outcome_of(job), self.modem.now)


async def answer(device, value):
    return f"+FAIL: {await Work(partial(str, value))}"


class TestJobs:
    @pytest.fixture
    def modem(self):
        commands = CommandTable("Test commands")
        commands.set("+FAIL", "Answer")(lambda device: answer(device, 7))
        sm = dialects.find("sm")
        modem = Virtual(replace(sm, commands=CommandTable().include(sm.commands, commands)))
        modem.take()
        return modem

    def test_a_job_is_done_at_once_where_nobody_is_held_up(self, modem):
        modem.send(b"AT+FAIL\r")
        assert modem.take() == b"\r\n+FAIL: 7\r\n" + OK

    def test_the_command_ends_with_its_job(self, modem):
        elsewhere = Elsewhere(modem)
        modem.send(b"AT+FAIL\rAT\r")
        assert modem.take() == b""
        elsewhere.finish()
        assert modem.take() == b"\r\n+FAIL: 7\r\n" + OK + OK

    def test_nobody_waits_any_more(self, modem):
        elsewhere = Elsewhere(modem)
        modem.send(b"AT+FAIL\r")
        modem.modem.restart()
        modem.take()
        elsewhere.finish()
        assert modem.take() == b""
        modem.send(b"AT\r")
        assert modem.take() == OK


ASKING = {
    "sm-1.0": [
        'AT%CMNG=0,1,0,"a"', "AT%CMNG=1", "AT%CMNG=2,1,0", "AT%CMNG=3,1,0", "AT%KEYGEN=2,2",
        "AT+CFUN=1", "AT#XSSOCKET=1,1,0,1", 'AT#XCONNECT=0,"192.0.2.1",443',
    ],
    "slm-1.9": ['AT%CMNG=0,1,0,"a"', "AT%CMNG=1", "AT%CMNG=2,1,0", "AT%CMNG=3,1,0", "AT%KEYGEN=2,2"],
    "slm-2.0": ['AT%CMNG=0,1,0,"a"', "AT%CMNG=1", "AT%CMNG=2,1,0", "AT%CMNG=3,1,0", "AT%KEYGEN=2,2"],
    "slm-2.7": [
        'AT#XCMNG=0,1,0,"a"', "AT#XCMNG=1", "AT#XCMNG=3,1,0", 'AT%CMNG=0,1,0,"a"', "AT%CMNG=1",
        "AT+CFUN=1", "AT#XTCPSVR=1,5000,1", 'AT#XTCPCLI=1,"192.0.2.1",443,1',
    ],
    "ameba-2.4": ["AT+CERT=0,1", "AT+SKTSERVER=1,2,1,5000,0", "AT+SKTCLIENT=2,3,1,192.0.2.1,443,,0"],
}  # fmt: skip
"""Lines that ask the store of credentials, or change it."""


class SlowStore(Store):
    """A store that may be asked in a job only; it counts how often it was."""

    slow = True

    def __init__(self):
        super().__init__()
        self.allowed = False
        self.asked = 0

    def _note(self):
        assert self.allowed, "the store was asked outside a job"
        self.asked += 1

    def read(self, slot):
        self._note()
        return super().read(slot)

    def write(self, slot, content):
        self._note()
        super().write(slot, content)

    def delete(self, slot):
        self._note()
        return super().delete(slot)

    def entries(self, *areas):
        self._note()
        return super().entries(*areas)


@pytest.mark.parametrize("name", dialects.MODULES)
def test_a_slow_store_is_asked_in_jobs_only(name, caplog):
    store = SlowStore()
    dialect = dialects.find(name)
    modem = Virtual(dialect, store=store, start=Start.ATTACHED if name == "ameba-2.4" else Start.OFFLINE)

    def work(job, token):
        store.allowed = True
        try:
            return outcome_of(job)
        finally:
            store.allowed = False

    modem.modem.scheduler.work = work
    for line in ASKING[name]:
        before = store.asked
        modem.send(line.encode() + (b"\r\n" if name.startswith("slm") else b"\r"))
        modem.wait(1)
        assert modem.take(), line
        assert store.asked > before or "SOCKET" in line or "CFUN" in line, line
    assert not [record for record in caplog.records if record.exc_info]
