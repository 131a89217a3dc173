"""What only the host's network does: options that reach the kernel."""

import socket

import pytest

from tests.network.worlds import HostWorld
from vmodem.net.interface import Family, Option, SocketType


@pytest.fixture
def world():
    made = HostWorld()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("option", "level", "number", "value"),
    [
        (Option.REUSEADDR, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
        (Option.NODELAY, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (Option.KEEPALIVE, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (Option.KEEPIDLE, socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 33),
        (Option.KEEPINTVL, socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 7),
        (Option.KEEPCNT, socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    ],
)
def test_an_option_reaches_the_kernel(world, option, level, number, value):
    sock = world.network.open(Family.IPV4, SocketType.STREAM)
    assert sock._sock.getsockopt(level, number) != value
    sock.set_option(option, value)
    assert sock._sock.getsockopt(level, number) == value
