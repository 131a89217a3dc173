"""Conversations with a virtual modem: its host and its peers do what the transcript says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

from vmodem.config import LIST, TABLES, Config, configured
from vmodem.core.channel import Channel
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import Terminator
from vmodem.core.modem import Modem
from vmodem.core.power import Start
from vmodem.core.sockets import Handled, SocketTable
from vmodem.core.trace import Event, HostLine, Refused, Trace
from vmodem.credentials.store import Area, Kind, Slot, Store, StoreFullError
from vmodem.errors import ConfigError
from vmodem.net.fake import FakeNetwork, FakePeer, FakeSocket
from vmodem.net.interface import SocketType
from vmodem.transcripts.format import (
    STRING,
    Block,
    Datagram,
    Expect,
    Given,
    Nothing,
    PeerConnects,
    PeerDoes,
    Send,
    Step,
    TranscriptError,
    Wait,
    address,
    unescape,
)
from vmodem.transcripts.matching import ENDS, Difference, commands_of, match, silent
from vmodem.virtual import Layer, Virtual

Chunking: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""How what the host sends is cut into pieces."""


class Dice(Protocol):
    """What `random_chunks` needs of a random.Random."""

    def randint(self, a: int, b: int) -> int:
        """Return a number from ``a`` to ``b``."""


def whole(data: bytes) -> Iterable[bytes]:
    """Send everything in one piece."""
    return (data,)


def bytewise(data: bytes) -> Iterable[bytes]:
    """Send byte by byte."""
    return (data[at : at + 1] for at in range(len(data)))


def random_chunks(dice: Dice) -> Chunking:
    """Return a chunking that cuts wherever ``dice``, a seeded random.Random, says."""

    def chunks(data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            size = dice.randint(1, 8)
            yield data[at : at + size]
            at += size

    return chunks


def configure(config: Config, key: str, value: str) -> Config:
    """Return ``config`` with ``TABLE.KEY`` set; a file of the configuration could say the same.

    Raises:
        ConfigError: there is no such key, or the value does not fit.
    """
    table, _, name = key.partition(".")
    if table == LIST:
        raise ConfigError(f"there may be several tables {table}: a transcript cannot say which")
    said = configured({table: {name: _typed(getattr(TABLES.get(table), name, ""), value)}})
    section = replace(getattr(config, table), **{name: getattr(getattr(said, table), name)})
    changes: dict[str, Any] = {table: section}
    return replace(config, **changes)


def _typed(default: object, value: str) -> object:
    """Return ``value`` with the type of ``default``, as it is where that cannot be."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(value, value)
    try:
        return type(default)(value) if isinstance(default, int | float) else value
    except ValueError:
        return value


def credential(text: str) -> tuple[Slot, bytes]:
    """Parse ``AREA TAG KIND "content"``.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(rf"(\w+) (\d+) (\w+) {STRING}", text)
    if found is None:
        raise ValueError('a credential is AREA TAG KIND "CONTENT"')
    area, kind = found[1], found[3]
    areas = {one.value: one for one in Area}
    kinds = {one.name.lower(): one for one in Kind}
    if area not in areas:
        raise ValueError(f"{area} is no area; known are {', '.join(areas)}")
    if kind not in kinds:
        raise ValueError(f"{kind} is no kind of credential; known are {', '.join(kinds)}")
    slot = Slot(areas[area], int(found[2]), kinds[kind])
    if not slot.exists:
        raise ValueError(f"there is no {area} {found[2]} {kind}")
    return slot, unescape(found[4])


class _Setup:
    """What the ``given`` lines of a block say about a fresh modem."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.follow = Follow.MANUAL
        self.start = Start.ATTACHED
        self.terminator = dialect.terminator
        self.config = Config()
        self.network = FakeNetwork()
        self.store = Store()

    def apply(self, given: Given) -> None:
        """Take note of one line; the commands are `commands_of`'s business."""
        value = given.value
        match given.kind:
            case "follow":
                self.follow = Follow(value)
            case "offline":
                self.start = Start.OFFLINE
            case "start":
                self.start = Start(value)
            case "terminator":
                self.terminator = Terminator(value)
            case "config":
                key, _, value = value.partition(" ")
                self.config = configure(self.config, key, value)
            case "credential":
                self.store.write(*credential(value))
            case _:
                self._apply_to_network(given)

    def _apply_to_network(self, given: Given) -> None:
        value, words = given.value, given.value.split()
        match given.kind:
            case "host":
                self.network.hosts[words[0]] = words[1:]
            case "refused":
                self.network.refused.add(address(value))
            case "silent":
                self.network.silent.add(address(value))
            case "lost":
                self.network.ping_loss.update(map(int, words))
            case "window":
                self.network.window = int(value)

    def modem(self, name: str, layers: Sequence[Layer], traces: Sequence[Trace]) -> Virtual:
        """Power a modem on, which the log calls ``name``."""
        return Virtual(
            self.dialect,
            follow=self.follow,
            config=self.config,
            terminator=self.terminator,
            start=self.start,
            network=self.network,
            layers=layers,
            store=self.store,
            name=name,
            traces=traces,
        )


class Failure(Exception):  # noqa: N818 - what a transcript is for, not a fault
    """A step went differently: what was expected and what came."""


class Player:
    """One conversation with a virtual modem.

    Args:
        block: the conversation.
        dialect: the device.
        chunking: how what the host sends is cut.
        layers: what stands between the modem and its network.
        traces: who is told what happens.
    """

    def __init__(
        self,
        block: Block,
        dialect: Dialect,
        chunking: Chunking = whole,
        layers: Sequence[Layer] = (),
        traces: Sequence[Trace] = (),
    ) -> None:
        self.output = bytearray()
        self._block = block
        self._chunking = chunking
        self._peers: dict[str, FakePeer] = {}
        setup = _Setup(dialect)
        for given in block.given:
            self._guard(given, lambda given=given: setup.apply(given))  # type: ignore[misc]
        self._end = ENDS[setup.terminator]
        self.modem = setup.modem(f"{block.path}:{block.number}", layers, traces)
        self.modem.take()
        for given in block.given:
            self._guard(given, lambda given=given: self._set_up(given, dialect))  # type: ignore[misc]

    def step(self, step: Step) -> None:
        """Do one step.

        Raises:
            Failure: it went differently.
            TranscriptError: it cannot be done.
        """
        self._guard(step, lambda: self._do(step))
        self.output += self.modem.take()
        self._note_peers()

    def end(self) -> None:
        """End the conversation.

        Raises:
            Failure: the modem had more to say.
        """
        if not silent(self.output):
            raise Failure("the end", repr(bytes(self.output)))

    def _guard(self, step: Step, action: Callable[[], None]) -> None:
        """Do something; what makes no sense is told with its place."""
        try:
            action()
        except TranscriptError:
            raise
        except (ValueError, ConfigError, StoreFullError) as error:
            raise TranscriptError(f"{self._block.path}:{step.number}: {error}") from error

    def _set_up(self, given: Given, dialect: Dialect) -> None:
        for line in commands_of(given, dialect):
            self.modem.send(line.encode() + self._end)
            answer = self.modem.take()
            if dialect.ok not in answer:
                raise ValueError(f"{line} is answered {answer!r}")
        self._note_peers()

    @property
    def _sockets(self) -> SocketTable[Handled]:
        """The sockets that the host has open."""
        sockets: SocketTable[Handled] = self.modem.channel.device.sockets
        return sockets

    def _note_peers(self) -> None:
        """Remember whom every handle reaches; a peer is still there when its handle is closed."""
        for socket in self._sockets:
            net = socket.net if socket.peer is None else socket.peer.net
            base = None if net is None else net.base
            if isinstance(base, FakeSocket) and base.partner is not None:
                self._peers[str(socket.handle)] = base.partner

    def _do(self, step: Step) -> None:
        match step:
            case Send():
                for piece in self._chunking(step.data + (self._end if step.line else b"")):
                    self.modem.send(piece)
            case Expect():
                if not match(step, self.output, self._block.path):
                    raise Failure(repr(step.data), repr(bytes(self.output)))
            case Wait():
                self.modem.wait(step.seconds)
            case Nothing():
                if not silent(self.output):
                    raise Failure("nothing", repr(bytes(self.output)))
                self.output.clear()
            case _:
                self._network_does(step)
                self.modem.pump()

    def _network_does(self, step: Step) -> None:
        network = self.modem.network
        match step:
            case PeerConnects():
                try:
                    network.incoming(step.port, step.address)
                except ConnectionRefusedError as error:
                    raise Failure("a listening socket", str(error)) from error
            case Datagram():
                socket = self._sockets.get(step.handle)
                if socket is None or socket.net is None:
                    raise ValueError(f"there is no open socket {step.handle}")
                if socket.net.type is not SocketType.DGRAM:
                    raise ValueError(f"socket {step.handle} takes no datagrams")
                network.datagram(socket.net.base, step.data, step.address)
            case PeerDoes(verb="gets"):
                self._peer_gets(step)
            case PeerDoes(verb="is closed"):
                if not self._peer(step.who).closed:
                    raise Failure("a closed connection", "an open one")
            case PeerDoes():
                self._peer_does(step)

    def _peer(self, who: str) -> FakePeer:
        if ":" not in who:
            if who not in self._peers:
                raise ValueError(f"handle {who} has no peer")
            return self._peers[who]
        peers = [peer for peer in self.modem.network.peers if peer.address == address(who)]
        if not peers:
            raise ValueError(f"there is no peer {who}")
        return peers[-1]

    def _peer_gets(self, step: PeerDoes) -> None:
        """Compare what a peer received: each datagram by itself, a stream as a whole."""
        if ":" not in step.who and step.who not in self._peers:
            raise Failure(repr(step.data), f"handle {step.who} has no peer")
        peers = [self._peer(step.who)]
        if ":" in step.who:
            peers = [p for p in self.modem.network.peers if p.address == address(step.who)]
        received = [piece for peer in peers for piece in peer.take_all()]
        if len(step.data) == 1 and peers[0].socket.type is SocketType.STREAM:
            received = [b"".join(received)]
        if tuple(received) != step.data and (any(step.data) or any(received)):
            raise Failure(repr(step.data), repr(tuple(received)))

    def _peer_does(self, step: PeerDoes) -> None:
        peer = self._peer(step.who)
        for data in step.data:
            peer.send(data)
        actions = {
            "closes": peer.close,
            "resets": peer.reset,
            "accepts": peer.accept,
            "reads": peer.start_reading,
            "stops reading": peer.stop_reading,
        }
        if step.verb in actions:
            actions[step.verb]()


def play(
    block: Block,
    dialect: Dialect,
    chunking: Chunking = whole,
    layers: Sequence[Layer] = (),
    traces: Sequence[Trace] = (),
    *,
    explain: bool = True,
) -> Difference | None:
    """Hold a conversation with a fresh virtual modem; return where it went differently, if it did.

    Args:
        block: the conversation.
        dialect: the device.
        chunking: how what the host sends is cut.
        layers: what stands between the modem and its network.
        traces: who is told what happens.
        explain: whether somebody listens for why the modem refused a line, so that a difference can tell.

    Raises:
        TranscriptError: a step makes no sense.
    """
    reasons = _Reasons()
    player = Player(block, dialect, chunking, layers, [*traces, reasons] if explain else traces)
    step = block.steps[-1]
    try:
        for step in block.steps:
            player.step(step)
        player.end()
    except Failure as failure:
        expected, actual = failure.args
        return Difference(block, step, expected, actual, reasons.last)
    return None


class _Reasons:
    """A trace that keeps why the last line of the host was refused."""

    def __init__(self) -> None:
        self.last = ""

    def event(self, now: float, modem: Modem, channel: Channel | None, event: Event, /) -> None:
        """Take note of a reason; a new line has none yet."""
        if isinstance(event, HostLine):
            self.last = ""
        elif isinstance(event, Refused):
            self.last = event.reason
