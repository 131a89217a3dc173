r"""A modem on a network in memory under a virtual clock: what tests, transcripts and properties drive.

The clock moves only when told to, and then at once::

    modem = Virtual(dialect)
    modem.send(b"AT\r")
    assert modem.take() == b"\r\nOK\r\n"
    modem.wait(30)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from vmodem.assembly import assemble
from vmodem.config import Config
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import Terminator
from vmodem.core.power import Boot, Start
from vmodem.credentials.store import Store
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Answer, NetSocket, Network

if TYPE_CHECKING:
    from vmodem.core.trace import Trace

Layer: TypeAlias = Callable[[Network], Network]
"""Puts something in front of a network: a subclass of `NetworkLayer`, mostly."""


class Virtual:
    """A modem that was just powered on; it drives the modem and owns its clock.

    Args:
        dialect: which device it is.
        follow: which side is answered where manual and firmware disagree.
        config: identity and settings, None for the defaults.
        terminator: what ends a line, None for the dialect's default.
        start: what it is to its network when it is switched on.
        boot: whether it greets its host then.
        network: its network, None for a fresh one.
        layers: what stands between the modem and that network, the first nearest to the network.
        store: where its credentials are kept, None for a store of its own.
        name: what the log calls it.
        traces: who is told what happens, besides the log.
        random: returns as many random bytes as it is asked for, None for the same ones each time.

    Attributes:
        modem: the engine.
        channel: its AT channel.
        network: the network in memory, behind all layers.
        now: the virtual clock in seconds.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        follow: Follow = Follow.MANUAL,
        config: Config | None = None,
        terminator: Terminator | None = None,
        start: Start = Start.ATTACHED,
        boot: Boot = Boot.WITH_HOST,
        network: FakeNetwork | None = None,
        layers: Sequence[Layer] = (),
        store: Store | None = None,
        name: str = "modem",
        traces: Sequence[Trace] = (),
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        self.network = network or FakeNetwork()
        front: Network = self.network
        for layer in layers:
            front = layer(front)
        front.driver = self
        self.now = 0.0
        self.modem = assemble(
            dialect,
            front,
            config=config or Config(),
            random=random or Random(0).randbytes,
            follow=follow,
            terminator=terminator,
            start=start,
            boot=boot,
            store=store,
            name=name,
            traces=traces,
        )
        self.modem.network.driver = self
        self.channel = self.modem.channels[0]
        self.modem.boot(self.now)
        self.pump()

    def send(self, data: bytes) -> None:
        """Send bytes as the host, and let everything happen that needs no time."""
        self.channel.receive(data, self.now)
        self.pump()

    def wait(self, seconds: float) -> None:
        """Move the clock from deadline to deadline until ``seconds`` have passed."""
        end = self.now + seconds
        self.pump()
        while (deadline := self.modem.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.modem.advance(self.now)
            self.network.deliver()
        self.now = end
        self.modem.advance(end)
        self.pump()

    def pump(self) -> None:
        """Deliver what the network has, and do what is due already."""
        self.network.deliver()
        while (deadline := self.modem.deadline) is not None and deadline <= self.now:
            self.modem.advance(self.now)
            self.network.deliver()

    def take(self) -> bytes:
        """Return what the modem sent since last asked."""
        taken = bytearray()
        while self.channel.output:
            taken += self.channel.output
            self.channel.output.clear()
            self.modem.advance(self.now)  # it may have been waiting for room
            self.pump()
        return bytes(taken)

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Pass readiness on to the modem."""
        self.modem.socket_ready(socket, events, self.now)

    def resolved(self, token: object, answer: Answer) -> None:
        """Pass the answer to a lookup on to the modem."""
        self.modem.resolved(token, answer, self.now)

    def reschedule(self) -> None:
        """Do nothing: `wait` and `pump` look at the deadline again after all that happens."""
