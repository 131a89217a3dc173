"""Conversations with a device at a port: what the network would have to do there is left out."""

from __future__ import annotations

from typing import Final, Protocol

from vmodem.core.dialect import Dialect
from vmodem.transcripts.format import Block, Datagram, Expect, PeerConnects, PeerDoes, Send, Wait
from vmodem.transcripts.matching import COMMANDS, ENDS, Difference, commands_of, match, silent

PATIENCE: Final = 5.0
"""Seconds of silence after which a device is taken to have nothing more to say."""

DRAIN: Final = 0.2
"""Seconds of silence that end what a device still had to say before a block."""


class Port(Protocol):
    """A device that a transcript is played against."""

    def write(self, data: bytes) -> None:
        """Write all of ``data``."""

    def read(self, timeout: float) -> bytes:
        """Return what comes within ``timeout`` seconds, as soon as it does; ``b""`` where nothing does."""


def obstacle(block: Block) -> str | None:
    """Return why a conversation cannot be held with a real device, None where it can."""
    for given in block.given:
        if given.kind not in COMMANDS:
            return given.text
    for step in block.steps:
        if isinstance(step, PeerConnects | PeerDoes | Datagram):
            return step.text
    return None


def play_device(block: Block, dialect: Dialect, port: Port) -> Difference | str | None:
    """Hold a conversation with a device.

    Returns:
        Where it went differently, or a string that says why it could not be held; None where all went well.
    """
    why = obstacle(block)
    if why is not None:
        return why
    end = ENDS[dialect.terminator]
    _drain(port)
    _rescue(port, end)
    reset = dialect.given("")
    for line in [*reset, *(line for given in block.given for line in commands_of(given, dialect))]:
        port.write(line.encode() + end)
        answer = _answer(port, dialect)
        if dialect.ok not in answer and not (answer and line in reset):  # there may be nothing to close
            return f"the set-up {line} is answered {answer!r}"
    return _converse(block, port, end)


def _rescue(port: Port, end: bytes) -> None:
    """Bring a device that an earlier block left in data mode, or within quotes, back to its command lines."""
    port.write(b"AT" + end)
    if not _drain(port):
        for rescue in (b"+++", b'"' + end, end):
            port.write(rescue)
        _drain(port)


def _drain(port: Port) -> bytes:
    """Return what a device still has to say."""
    said = b""
    while data := port.read(DRAIN):
        said += data
    return said


def _answer(port: Port, dialect: Dialect) -> bytes:
    """Return the answer to a command of the set-up."""
    answer = b""
    while dialect.ok not in answer and b"ERROR" not in answer and (data := port.read(PATIENCE)):
        answer += data
    return answer


def _converse(block: Block, port: Port, end: bytes) -> Difference | None:
    output = bytearray()
    for step in block.steps:
        match step:
            case Send():
                port.write(step.data + (end if step.line else b""))
            case Wait():
                while data := port.read(step.seconds):
                    output += data
            case Expect():
                while not match(step, output, block.path):
                    data = port.read(PATIENCE)
                    if not data:
                        return Difference(block, step, repr(step.data), repr(bytes(output)))
                    output += data
            case _:
                output += port.read(DRAIN)
                if not silent(output):
                    return Difference(block, step, "nothing", repr(bytes(output)))
    output += port.read(DRAIN)
    if not silent(output):
        return Difference(block, block.steps[-1], "the end", repr(bytes(output)))
    return None
