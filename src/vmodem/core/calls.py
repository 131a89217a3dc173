"""The blocking socket calls that firmware is written in, as coroutines over the non-blocking network.

Every timeout is in seconds, 0 means for ever. A call that times out raises `TimeoutError`; every other failure is the
`OSError` or `ResolveError` of the network.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, TypeVar

from vmodem.core.modem import Modem
from vmodem.core.tasks import Delay, Lookup, Ready, Room, Work
from vmodem.credentials.store import Store
from vmodem.net.interface import (
    CLOSURE,
    MSG_PEEK,
    POLLIN,
    POLLOUT,
    Address,
    EchoSocket,
    Family,
    NetSocket,
    SocketType,
    unheard,
)
from vmodem.tls.security import SecureSocket, Security

T = TypeVar("T")

LATE: Final = 32
"""How many late replies are dropped at once; then others have their turn."""

ACK_POLL: Final = 0.002
"""Seconds between two looks at the unacknowledged bytes; the host's kernel does not tell when they are gone."""


def deadline_in(modem: Modem, timeout: float) -> float | None:
    """Return the point in time that is ``timeout`` from now, None for a timeout of 0."""
    return modem.now + timeout if timeout > 0 else None


async def in_store(modem: Modem, action: Callable[[Store], T]) -> T:
    """Do something with the modem's store of credentials; on a disk it may take long, and it holds up nobody else."""
    store = modem.store
    return await Work(partial(action, store)) if store.slow else action(store)


async def resolve(host: str, family: Family) -> str:
    """Return the first address of ``host``."""
    return (await Lookup(host, family))[0]


async def connect(modem: Modem, net: NetSocket, address: Address, timeout: float) -> None:
    """Connect ``net`` to ``address``."""
    try:
        net.connect(address)
        return
    except BlockingIOError:
        pass
    deadline = deadline_in(modem, timeout)
    while await Ready(net, POLLOUT, deadline):
        try:
            net.finish_connect()
            return
        except BlockingIOError:
            continue
    raise TimeoutError("connect timed out")


async def check(modem: Modem, security: Security, type: SocketType) -> None:
    """Refuse a bundle that cannot secure a connection: what a server cannot use shows before anybody connects.

    Raises:
        CredentialError: the bundle cannot be used.
    """
    await prepare(modem, security, type)
    modem.tls.check(security, type)


@contextmanager
def silenced(net: NetSocket) -> Iterator[None]:
    """Tell nobody what becomes true of ``net``, which is about to be secured: it is true of no secure connection."""
    heard, net.ready = net.ready, unheard
    try:
        yield
    finally:
        net.ready = heard


async def secure(modem: Modem, net: NetSocket, security: Security) -> SecureSocket:
    """Put TLS, or DTLS, over the connected ``net``; to read certificates and keys takes time, and holds up nobody else.

    Raises:
        CredentialError: the bundle cannot be used.
        OSError: ``net`` is not connected, or a name in ``security`` cannot be one.
    """
    try:
        with silenced(net):
            await prepare(modem, security, net.type)
    except OSError as error:
        modem.tls.refused(net, error)
        raise
    return modem.tls.secure(net, security)


async def prepare(modem: Modem, security: Security, type: SocketType) -> None:
    """Read certificates and keys, so that `secure` has nothing to wait for.

    Raises:
        CredentialError: the bundle cannot be used.
    """
    job = modem.tls.preparation(security, type)
    if job is not None:
        modem.tls.keep(await Work(job))


async def handshake(modem: Modem, net: SecureSocket, timeout: float) -> None:
    """Do the TLS or DTLS handshake of ``net``; `HandshakeError` tells why it failed, the caller closes ``net``."""
    deadline = deadline_in(modem, timeout)
    while True:
        try:
            net.handshake()
            return
        except BlockingIOError:
            pass
        after = net.retransmit_after()
        moments = [moment for moment in (deadline, None if after is None else modem.now + after) if moment is not None]
        if await Ready(net, POLLIN | POLLOUT, min(moments, default=None)):
            continue
        if deadline is not None and modem.now >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "the handshake timed out")
        net.retransmit()


async def accept(modem: Modem, net: NetSocket, timeout: float) -> tuple[NetSocket, Address]:
    """Wait for a connection and take it."""
    deadline = deadline_in(modem, timeout)
    while True:
        try:
            return net.accept()
        except BlockingIOError:
            if not await Ready(net, POLLIN, deadline):
                raise TimeoutError("nobody connected in time") from None


async def send(modem: Modem, net: NetSocket, data: bytes, timeout: float, sent: int = 0) -> int:
    """Send all of ``data``, of which ``sent`` bytes have gone already.

    The timeout begins anew whenever something could be sent.

    Returns:
        How many bytes were sent: fewer than all where a later part failed or timed out.
    """
    deadline = deadline_in(modem, timeout)
    while sent < len(data):
        try:
            taken = net.send(data[sent:] if sent else data)
        except BlockingIOError:
            if not await Ready(net, POLLOUT, deadline):
                return sent
            continue
        except OSError:
            if not sent:
                raise
            return sent
        sent += taken
        deadline = deadline_in(modem, timeout)
    return sent


async def sendto(modem: Modem, net: NetSocket, data: bytes, address: Address, timeout: float) -> int:
    """Send ``data`` as one datagram to ``address``; return how many bytes were taken."""
    deadline = deadline_in(modem, timeout)
    while True:
        try:
            return net.sendto(data, address)
        except BlockingIOError:
            if not await Ready(net, POLLOUT, deadline):
                raise TimeoutError("send timed out") from None


async def acknowledged(modem: Modem, net: NetSocket, timeout: float) -> None:
    """Wait until the peer has acknowledged everything that was sent; fail where it never will."""
    deadline = deadline_in(modem, timeout)
    while net.unacknowledged():
        if deadline is not None and modem.now >= deadline:
            raise TimeoutError("not acknowledged in time")
        await Delay(modem.now + ACK_POLL)


async def echo(modem: Modem, net: EchoSocket, sequence: int, payload: bytes, timeout: float) -> None:
    """Send one ICMP echo request and wait for the reply to it; late replies to earlier ones are ignored."""
    deadline = deadline_in(modem, timeout)
    net.send_echo(sequence, payload)
    while not _replied(net, sequence):
        if not await Ready(net, POLLIN, deadline):
            raise TimeoutError("no reply in time")


def _replied(net: EchoSocket, sequence: int) -> bool:
    """Take the replies that are there; return whether the one to ``sequence`` is among them."""
    with suppress(BlockingIOError):
        for _ in range(LATE):
            if net.recv_echo() == sequence:
                return True
        net.remind()
    return False


async def receive(modem: Modem, net: NetSocket, size: int, timeout: float, *, peek: bool, wait_all: bool) -> bytes:
    """Receive up to ``size`` bytes, or exactly ``size`` with ``wait_all`` unless the stream or the time ends first."""
    deadline = deadline_in(modem, timeout)
    if wait_all:
        await _gathered(net, size, deadline)
    while True:
        try:
            return net.recv(size, MSG_PEEK if peek else 0)
        except BlockingIOError:
            if not await Ready(net, POLLIN, deadline):
                raise TimeoutError("nothing received in time") from None


async def _gathered(net: NetSocket, size: int, deadline: float | None) -> None:
    """Wait until ``size`` bytes of a stream are there, or no more of them will come; they stay where they are."""
    while not net.poll() & CLOSURE:  # what came before the end is there by then
        with suppress(BlockingIOError):
            if len(net.recv(size, MSG_PEEK)) in (0, size):
                return
        if not await Ready(net, POLLIN, deadline):
            return


async def receive_from(modem: Modem, net: NetSocket, size: int, timeout: float, *, peek: bool) -> tuple[bytes, Address]:
    """Receive one datagram, cut to ``size`` bytes, and its sender."""
    deadline = deadline_in(modem, timeout)
    while True:
        try:
            return net.recvfrom(size, MSG_PEEK if peek else 0)
        except BlockingIOError:
            if not await Ready(net, POLLIN, deadline):
                raise TimeoutError("nothing received in time") from None


async def passed_on(net: NetSocket, take: Callable[[], T]) -> T:
    """Return the next thing that comes of itself: what ``take`` takes from ``net``, as soon as it can be passed on.

    It waits for room first: a host that does not read stops the peers, and nothing piles up here.

    Args:
        net: the socket that data or connections come from.
        take: takes one piece of data, or one connection; raises `BlockingIOError` where none is there.
    """
    while True:
        await Room()
        try:
            return take()
        except BlockingIOError:
            await Ready(net, POLLIN, None)
