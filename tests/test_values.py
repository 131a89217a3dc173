"""Every value that a manual lists is accepted, and none that it does not list; the firmware may take more."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.manuals import ROWS, TAG, Row
from vmodem import dialects
from vmodem.core.dialect import Follow
from vmodem.core.framing import Terminator
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.net.fake import FakeNetwork, FakeSocket
from vmodem.virtual import Virtual


class Case(NamedTuple):
    """One value, and whether it is accepted."""

    dialect: str
    follow: Follow
    row: Row
    value: object
    accepted: bool


def cases():
    for dialect, rows in ROWS.items():
        for row in rows:
            assert set(row.firmware) <= set(row.outside), row
            for value in row.listed:
                yield Case(dialect, Follow.MANUAL, row, value, accepted=True)
            for value in row.outside:
                yield Case(dialect, Follow.MANUAL, row, value, accepted=False)
                yield Case(dialect, Follow.FIRMWARE, row, value, accepted=value in row.firmware)


def modem_of(case):
    """Return a modem with the sockets that the row needs, and data for each that is connected."""
    network = FakeNetwork()
    network.hosts["both.example"] = ["192.0.2.1", "2001:db8::1"]
    store = Store()
    store.write(Slot(Area.MODEM, TAG, Kind.PSK), b"000102030405060708090A0B0C0D0E0F")
    modem = Virtual(dialects.find(case.dialect), follow=case.follow, network=network, store=store)
    for line in modem.modem.dialect.given(case.row.given) if case.row.given else ():
        assert "ERROR" not in ask(modem, line), line
    for socket in modem.channel.device.sockets:
        if isinstance(socket.net, FakeSocket) and socket.net.partner is not None:
            socket.net.partner.send(b"data")
    modem.pump()
    return modem


def ask(modem, line):
    end = b"\r\n" if modem.modem.dialect.terminator is Terminator.CRLF else b"\r"
    modem.take()
    modem.send(line.encode() + end)
    modem.wait(0.1)
    return modem.take().decode()


def shown(case):
    value = str(case.value)
    return f"{case.dialect}-{case.follow.value}-{case.row.line.partition(chr(10))[0]}-{value[:12]}"


@pytest.mark.parametrize("case", list(cases()), ids=shown)
def test_a_value_is_accepted_exactly_where_it_is_listed(case):
    modem = modem_of(case)
    answer = ""
    for line in case.row.line.split("\n"):
        answer = ask(modem, line.replace("{}", str(case.value)))
    refusal = "ERROR: 1\r" if case.dialect == "ameba-2.4" else "ERROR"
    assert (refusal not in answer) is case.accepted, f"{case.row.says}: {answer!r}"
