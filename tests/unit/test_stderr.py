"""The log on standard error: a reader that does not read stops nobody."""

import fcntl
import logging
import os

import pytest

from vmodem.stderr import Stderr


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def record(text):
    return logging.LogRecord("vmodem", logging.INFO, "", 0, text, (), None)


def test_lines_are_written_in_order(pipe):
    reader, writer = pipe
    handler = Stderr(writer)
    for number in range(3):
        handler.emit(record(f"line {number}"))
    handler.flush()
    assert os.read(reader, 4096) == b"line 0\nline 1\nline 2\n"


def test_what_nobody_reads_is_lost_and_counted(pipe):
    reader, writer = pipe
    handler = Stderr(writer, limit=10)
    for _ in range(100):
        handler.emit(record("x" * 999))
    got = b""
    while got.count(b"\n") < 10:
        got += os.read(reader, 4096)
    handler.emit(record("the last one"))
    while b"the last one\n" not in got:
        got += os.read(reader, 4096)
    lines = got.splitlines()
    told = sum(int(line.split()[0]) for line in lines if b"lost" in line)
    assert lines[-1] == b"the last one"
    assert lines.count(b"x" * 999) + told == 100


def test_a_full_disk_is_told_once_there_is_room(tmp_path):
    full, place = os.open("/dev/full", os.O_WRONLY), os.open(tmp_path / "log", os.O_CREAT | os.O_RDWR)
    handler = Stderr(full)
    for _ in range(7):
        handler.emit(record("nowhere"))
    handler.flush()
    os.dup2(place, full)
    handler.emit(record("there is room"))
    handler.flush()
    assert (tmp_path / "log").read_text().splitlines() == [
        "7 lines of the log are lost: they could not be written in time",
        "there is room",
    ]
    os.close(place)
    os.close(full)


def test_a_reader_that_has_gone_is_no_failure():
    reader, writer = os.pipe()
    os.close(reader)
    handler = Stderr(writer)
    handler.emit(record("nobody"))
    handler.flush()
    os.close(writer)
