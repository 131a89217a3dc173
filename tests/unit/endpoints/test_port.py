"""The other side of a serial line."""

from __future__ import annotations

import os

import pytest

from vmodem.endpoints import port
from vmodem.endpoints.port import SerialPort
from vmodem.errors import EndpointError


def test_a_device_that_takes_nothing_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr(port, "PATIENCE", 0.01)
    modem, host = os.openpty()
    try:
        with SerialPort(os.ttyname(host), 115200) as device, pytest.raises(EndpointError, match="takes nothing"):
            device.write(bytes(1 << 20))
    finally:
        os.close(modem)
        os.close(host)
