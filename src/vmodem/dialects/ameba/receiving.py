"""What happens without a command: servers accept, links with auto_rcv pass on what arrives."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

from vmodem.core import calls
from vmodem.core.errors import CommandError, in_words
from vmodem.core.tasks import Delay
from vmodem.dialects.ameba import tls
from vmodem.dialects.ameba.device import Ameba, Link, Protocol, Role
from vmodem.net.interface import CLOSURE, Address, NetSocket
from vmodem.tls.security import Security

PIECE: Final = 16384
"""The most bytes of one DATA message."""

ACCEPT_RETRY: Final = 0.5
"""Seconds until accepting is tried again when the host's network cannot."""

HANDSHAKE_TIMEOUT: Final = 30.0
"""Seconds that a client of a TLS server has for its handshake."""

EVENT_PROTOCOL: Final = {Protocol.TCP: "tcp", Protocol.TLS: "tls"}


def listen(device: Ameba, server: Link, net: NetSocket) -> None:
    """Accept whoever connects to ``server``."""
    server.task = device.channel.spawn(_until_closed(device, server, _accept(device, server, net)))


def receive(device: Ameba, link: Link, net: NetSocket) -> None:
    """Pass on what arrives at ``link``, where it has auto_rcv."""
    if link.auto_rcv:
        passing = _datagrams if link.protocol is Protocol.UDP else _stream
        link.task = device.channel.spawn(_until_closed(device, link, passing(device, link, net)))


async def _until_closed(device: Ameba, link: Link, work: Coroutine[Any, Any, None]) -> None:
    """Do ``work`` until the connection of ``link`` ends; its id stays in use, and the host is not told."""
    try:
        await work
    except OSError as error:
        device.modem.inform("link %d: %s", link.handle, in_words(error))
    link.task = None  # it is this one, which ends by itself
    device.close(link)


async def _stream(device: Ameba, link: Link, net: NetSocket) -> None:
    while data := await calls.passed_on(net, lambda: net.recv(PIECE, 0)):
        device.channel.urc_bytes(b"[$][SKT][DATA][%d][%d]:%b\r\n" % (link.handle, len(data), data))


async def _datagrams(device: Ameba, link: Link, net: NetSocket) -> None:
    while True:
        data, (ip, port) = await calls.passed_on(net, lambda: net.recvfrom(PIECE, 0))
        sender = b"[%b][%d]" % (ip.encode(), port)
        device.channel.urc_bytes(b"[$][SKT][DATA][%d][%d]%b:%b\r\n" % (link.handle, len(data), sender, data))


async def _accept(device: Ameba, server: Link, net: NetSocket) -> None:
    while True:
        try:
            accepted, address = await calls.passed_on(net, lambda: net.accept())
        except OSError as error:
            if net.poll() & CLOSURE:
                raise
            device.modem.warn("server %d cannot accept: %s", server.handle, in_words(error))
            await Delay(device.modem.now + ACCEPT_RETRY)
        else:
            _admit(device, server, accepted, address)


def _admit(device: Ameba, server: Link, net: NetSocket, address: Address) -> None:
    """Make a connection a seed of ``server``, with the lowest free id; close it where no id is free."""
    try:
        link_id = _free_id(device, server)
    except CommandError as error:
        device.modem.warn("server %d turns %s:%d away: %s", server.handle, *address, error.reason)
        net.close()
        return
    seed = Link(link_id, Role.SEED, server.protocol, auto_rcv=server.auto_rcv, options=server.options)
    seed.destination = address
    seed.server = server
    server.seeds.append(seed)
    device.open(seed, net)
    device.sockets.add(seed)
    if server.security is None:
        _announce(device, server, seed)
        receive(device, seed, net)
    else:
        seed.ready = False
        seed.task = device.channel.spawn(_secure(device, server, seed, net, server.security))


def _free_id(device: Ameba, server: Link) -> int:
    """Return the lowest free id; where there is none the client that is longest at its handshake gives its own up.

    Raises:
        CommandError: none is free, and nobody is at a handshake.
    """
    try:
        return device.sockets.free_handle()
    except CommandError:
        slowest = next((seed for seed in server.seeds if not seed.ready), None)
        if slowest is None:
            raise
        device.modem.inform("server %d turns %s:%d away for another client", server.handle, *slowest.destination)
        device.delete(slowest)
        return slowest.handle


async def _secure(device: Ameba, server: Link, seed: Link, plain: NetSocket, security: Security) -> None:
    """Secure a connection, and serve it from then on; where that fails it was never there."""
    try:
        net = await tls.handshake(device, seed, plain, security, HANDSHAKE_TIMEOUT)
    except OSError as error:
        device.modem.inform("server %d turns %s:%d away: %s", server.handle, *seed.destination, in_words(error))
        seed.task = None  # it is this one, which ends by itself
        device.delete(seed)
        return
    seed.ready = True
    _announce(device, server, seed)
    if seed.auto_rcv:
        await _until_closed(device, seed, _stream(device, seed, net))


def _announce(device: Ameba, server: Link, seed: Link) -> None:
    """Tell the host of a client."""
    ip, port = seed.destination
    device.channel.urc(
        f"[SKT][EVENT]: A client[link_id:{seed.handle},seed,{EVENT_PROTOCOL[seed.protocol]},dst_address:{ip},"
        f"dst_port:{port}] connected to server[link_id:{server.handle}]"
    )
