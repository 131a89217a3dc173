"""Modems in a thread of their own: how they begin and end, whoever asks, and from wherever."""

import socket
import threading

import pytest

from vmodem import library
from vmodem.endpoints.tcp import Tcp
from vmodem.library import start


@pytest.fixture
def started():
    """Return how many threads of modems there are, besides those of other tests."""
    before = threading.enumerate()
    return lambda: sum(thread.name == "vmodem" and thread not in before for thread in threading.enumerate())


def connected(modem):
    with socket.create_connection(("127.0.0.1", modem.port), timeout=5) as host:
        return host.recv(100)


def test_the_thread_ends_with_the_block(started):
    with start("sm", Tcp()) as modem:
        assert connected(modem) == b"Ready\r\n"
        assert started() == 1
    assert started() == 0
    with pytest.raises(ConnectionRefusedError):
        connected(modem)


def test_a_start_that_fails_leaves_no_thread(monkeypatch, started):
    def factory():
        raise OSError("no event loop is to be had")

    monkeypatch.setattr(library, "loop_factory", lambda: factory)
    with pytest.raises(OSError, match="no event loop is to be had"):
        start("sm", Tcp())
    assert started() == 0


def test_everybody_may_close_it(started):
    modem = start("sm", Tcp())
    threads = [threading.Thread(target=modem.close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert started() == 0


def test_what_is_called_runs_on_the_thread_of_the_modems():
    with start("sm", Tcp()) as modem:
        assert modem.call(threading.current_thread).name == "vmodem"
        assert modem.call(lambda: modem.call(threading.current_thread)).name == "vmodem"
        with pytest.raises(ZeroDivisionError):
            modem.call(lambda: 1 / 0)
    with pytest.raises(RuntimeError, match="the modems have ended"):
        modem.call(threading.current_thread)


def test_the_modems_may_end_themselves(started):
    modem = start("sm", Tcp())
    modem.call(modem.close)
    modem.close()
    assert started() == 0


def test_no_call_is_left_without_an_answer():
    modem = start("sm", Tcp())
    answers = []

    def ask():
        try:
            while True:
                answers.append(modem.call(lambda: 1))
        except RuntimeError:
            answers.append("ended")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    modem.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert answers.count("ended") == 4
