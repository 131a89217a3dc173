"""The engine: host bytes, network readiness and the time go in, host bytes and the next deadline come out.

A `Modem` runs one command at a time, in the foreground, and any number of background tasks. Input that arrives
meanwhile waits its turn, unless the dialect's policy says that it is lost. Unsolicited lines (URCs) wait until no
command runs and nothing is left to read.

Nothing here does I/O or looks at a clock; whoever drives a modem does:

    modem.boot(now)
    modem.receive(data, now)                      bytes of the host
    modem.socket_ready(socket, events, now)       readiness
    modem.resolved(token, answer, now)            a name
    modem.advance(now)                            at modem.deadline, or when output was drained
    modem.eof(now), modem.close()                 the host has gone
"""

from __future__ import annotations

import errno
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any, Final

from vmodem.config import Config
from vmodem.core.commands import Line, Outcome, Reply
from vmodem.core.dialect import Dialect, Follow, Policy
from vmodem.core.dialogue import Dialogue
from vmodem.core.errors import CommandError
from vmodem.core.framing import Flush, LineReader, LineTooLong, Terminator
from vmodem.core.tasks import AnyReady, HostData, Lookup, Room, Task
from vmodem.credentials.store import Store
from vmodem.net.interface import CLOSURE, Answer, NetSocket, Network, ResolveError

log = logging.getLogger("vmodem")

INPUT_LIMIT: Final = 8192
"""Bytes of the host that may wait before `Modem.accepting` turns False, unless a command says otherwise."""

SLEEP_RETRY: Final = 0.05
"""Seconds until sleeping is tried again while a command runs."""

OUTPUT_LIMIT: Final = 65536
"""Bytes for the host that may wait before the modem stops producing more."""

UNASKED_LIMIT: Final = OUTPUT_LIMIT // 2
"""The same for what nobody asked for: peers that never stop must not keep a slow host from being heard."""


class Modem:
    """One modem.

    Args:
        dialect: which device it is.
        network: what stands behind it; its listener is the modem's driver.
        config: identity and settings of this device.
        follow: which side is answered where manual and firmware disagree.
        terminator: what ends a line, None for the dialect's default.
        baud: speed of the line in bit/s, from which some timing follows.
        rtscts: whether the line has RTS/CTS flow control.
        attached: whether the device is attached to its network from the start.
        credentials: where its credentials are kept, None for a store of its own.

    Attributes:
        output: bytes for the host; the driver takes them out at the front.
        now: the engine's clock in seconds, as of the last call.
        echo: whether host input is echoed.
        device: the state of the device.
        line_changed: called with the new speed in bit/s and whether RTS/CTS is on, when the host has changed them.
        stalled: whether it waits for `output` to be taken; `advance` lets it go on.
        rtscts: whether the line has RTS/CTS flow control, as the host set it last.
        progress: grows whenever a line is executed or a task goes on.
    """

    __slots__ = (
        "_asleep",
        "_attached",
        "_data_mode",
        "_dialogue",
        "_eof",
        "_foreground",
        "_input",
        "_input_limit",
        "_last_rx",
        "_lines",
        "_off",
        "_pressed",
        "_saved_line",
        "_takes_data",
        "_tasks",
        "_timers",
        "_urc_size",
        "_urcs",
        "_urcs_flow",
        "_watch",
        "baud",
        "config",
        "credentials",
        "device",
        "dialect",
        "echo",
        "line_changed",
        "network",
        "now",
        "output",
        "policy",
        "progress",
        "rtscts",
        "stalled",
    )

    def __init__(
        self,
        dialect: Dialect,
        network: Network,
        *,
        config: Config,
        follow: Follow = Follow.MANUAL,
        terminator: Terminator | None = None,
        baud: int = 115200,
        rtscts: bool = True,
        attached: bool = True,
        credentials: Store | None = None,
    ) -> None:
        self.dialect = dialect
        self.network = network
        self.config = config
        self.credentials = Store() if credentials is None else credentials
        self.policy: Any = dialect.policies[follow]
        self.baud = baud
        self.rtscts = rtscts
        self.line_changed: Callable[[int, bool], None] = _ignore_line
        self.echo = False
        self.stalled = False
        self.progress = 0
        self.now = 0.0
        self.output = bytearray()
        self._attached = attached
        self._dialogue = Dialogue(dialect)
        self._input = bytearray()
        self._input_limit = INPUT_LIMIT
        self._watch: Callable[[int], None] | None = None
        self._takes_data = False
        policy: Policy = self.policy
        self._lines = LineReader(terminator or dialect.terminator, dialect.lines, policy.overlong)
        self._foreground: Task | None = None
        self._data_mode: Coroutine[Any, Any, Reply] | None = None
        self._tasks: list[Task] = []
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._urcs: deque[bytes] = deque()
        self._urc_size = 0
        self._urcs_flow = False
        self._last_rx = 0.0
        self._pressed = False  # the host is held back
        self._eof = False
        self._off = False
        self._saved_line = (baud, rtscts)
        self._asleep: Callable[[], None] | None = None
        network.set_up(attached)
        self.device = dialect.device(self)

    # What the driver calls

    def boot(self, now: float) -> None:
        """Power on: send the banner."""
        self.now = now
        self.output += self.dialect.banner

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes of the host; any number, cut anywhere."""
        self.now = self._last_rx = now
        if self._off or (self.policy.loses_input and self._foreground is not None and not self._takes_data):
            return
        self._input += data
        if self._watch is not None:
            self._watch(len(self._input))
        if self._asleep is not None:
            self._wake()
        self._process()

    def socket_ready(self, socket: NetSocket, events: int, now: float) -> None:
        """Take note that ``events`` may be true on ``socket``."""
        self.now = now
        for task in self._all_tasks():
            trap = task.trap
            if isinstance(trap, AnyReady) and socket in trap.sockets and events & (trap.events | CLOSURE):
                self._step(task, events)
        self.device.socket_ready(socket, events)
        self._process()

    def resolved(self, token: object, answer: Answer, now: float) -> None:
        """Take the answer to a lookup; an answer that nobody waits for any more is ignored."""
        self.now = now
        for task in self._all_tasks():
            if task.trap is token:
                self._step(task, answer)
        self._process()

    def advance(self, now: float) -> None:
        """Do what is due at ``now``."""
        self.now = now
        for task in self._all_tasks():
            trap = task.trap
            if isinstance(trap, HostData) or trap is None or trap.deadline is None or trap.deadline > now:
                continue
            self._step(task, 0 if isinstance(trap, AnyReady) else None)
        for timer in [timer for timer in self._timers if timer[0] <= now]:
            if timer in self._timers:  # an earlier one may have reset the device
                self._timers.remove(timer)
                timer[1]()
        self._process()

    def eof(self, now: float) -> None:
        """Take note that the host sends no more; what it sent is still carried out."""
        self.now = now
        self._eof = True
        self._process()

    def close(self) -> None:
        """Leave nothing behind: no task, no socket, no pending lookup, no input."""
        self._cancel_all()
        self.network.close()
        self._input.clear()
        self._off = True

    @property
    def deadline(self) -> float | None:
        """When `advance` has to be called next, None for not before something else happens."""
        if self._foreground is None and not self._tasks and not self._timers and not self._urcs:
            return None
        deadlines = [task.trap.deadline for task in self._all_tasks() if task.trap is not None]
        deadlines += [timer[0] for timer in self._timers]
        if self._urcs and self._held_back():
            deadlines.append(self._last_rx + self.dialect.urc_hold)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    @property
    def accepting(self) -> bool:
        """False while the host should be kept from sending: enough of its bytes wait already."""
        return len(self._input) < self._input_limit and len(self.output) < OUTPUT_LIMIT

    @property
    def streaming(self) -> bool:
        """True in data mode, when the driver does well to read all it can at once."""
        return self._foreground is not None and isinstance(self._foreground.trap, HostData)

    @property
    def finished(self) -> bool:
        """True once the host has sent its last byte and everything that it asked for is done."""
        return self._eof and self._foreground is None and not any(task.awaited for task in self._tasks)

    @property
    def unread(self) -> int:
        """How many bytes of the host nobody has consumed yet."""
        return len(self._input)

    # What handlers call

    @property
    def takes_data(self) -> bool:
        """Whether the host's bytes are data: in data mode, or for a command that takes them itself."""
        return self._takes_data

    @property
    def urcs_flow(self) -> bool:
        """Whether unsolicited messages are sent although the host's bytes are data."""
        return self._takes_data and (self._urcs_flow or self.policy.urcs_in_data_mode)

    def let_urcs_flow(self) -> None:
        """Send unsolicited messages, those that wait first, although the host's bytes are data; until data ends."""
        self._urcs_flow = True
        self._send_urcs()

    def write(self, line: Line) -> None:
        """Send a line, or bytes as they are, at once: in the middle of a command, or of data mode."""
        self._write(line)

    def urc(self, line: str) -> None:
        """Queue an unsolicited line; it is dropped where the queue is full."""
        log.debug("unsolicited: %s", line)
        if self._takes_data and self.policy.drops_urcs:
            return
        self.urc_bytes(self.dialect.urc(line))

    def urc_bytes(self, data: bytes) -> None:
        """Queue unsolicited bytes, which are sent whole."""
        if self._urc_size + len(data) > self.dialect.urc_limit:
            log.warning("the queue of unsolicited lines is full, one of %d bytes is dropped", len(data))
            return
        self._urcs.append(data)
        self._urc_size += len(data)

    def spawn(self, coroutine: Coroutine[Any, Any, None], *, awaited: bool = False) -> Task:
        """Run ``coroutine`` in the background; ``awaited`` tells that the host waits for what it reports."""
        task = Task(coroutine, _background_done, _background_failed)
        task.awaited = awaited
        self._tasks.append(task)
        self._step(task, None)
        return task

    def cancel(self, task: Task) -> None:
        """End a background task, wherever it waits."""
        if task in self._tasks:
            self._cancel(task)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Call ``action`` in ``seconds`` from now, between commands or while one waits."""
        self._timers.append((self.now + seconds, action))

    def enter_data_mode(self, coroutine: Coroutine[Any, Any, Reply], *, swallow_line_feed: bool) -> None:
        """Hand the host's bytes to ``coroutine`` once the running command has ended.

        Args:
            coroutine: awaits `HostData`; its reply is sent when it ends, without a final result.
            swallow_line_feed: whether a LF right after the command's CR still belongs to the command.
        """
        self._data_mode = coroutine
        self._lines.enter_data(swallow=swallow_line_feed)

    def take_data(
        self,
        *,
        swallow_line_feed: bool,
        limit: int = INPUT_LIMIT,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        """Let the running command, a coroutine, await `HostData`: until it ends the host's bytes are data.

        Args:
            swallow_line_feed: whether a LF right after the command's CR still belongs to the command.
            limit: how many bytes may wait before the host is kept from sending more.
            watch: called with the number of bytes that wait, whenever it has changed.
        """
        self._lines.enter_data(swallow=swallow_line_feed)
        self._takes_data = True
        self._input_limit = limit
        self._watch = watch

    def set_line(self, baud: int, *, rtscts: bool, save: bool = True) -> None:
        """Change the speed of the line, in bit/s, and its flow control; what was saved survives a restart."""
        self.baud, self.rtscts = baud, rtscts
        if save:
            self._saved_line = (baud, rtscts)
        self.line_changed(baud, rtscts)

    def discard_input(self) -> None:
        """Forget what the host has sent and nobody has consumed."""
        self._input.clear()
        self._lines.reset()

    def restart(self) -> None:
        """Restart the device: all its state is lost, the banner is sent again."""
        self._shut_down()
        self.echo = False
        if self._saved_line != (self.baud, self.rtscts):
            self.set_line(self._saved_line[0], rtscts=self._saved_line[1])
        self.network.set_up(self._attached)
        self.device = self.dialect.device(self)
        self.output += self.dialect.banner

    def power_off(self) -> None:
        """Switch the device off: it answers nothing any more."""
        self._shut_down()
        self._off = True

    def sleep(self, wake: Callable[[], None]) -> None:
        """Sleep once no command runs: do and send nothing until the host sends something, then call ``wake``."""
        if self._foreground is None:
            self._asleep = wake
        else:
            self.after(SLEEP_RETRY, lambda: self.sleep(wake))

    # The loop

    def _process(self) -> None:
        """Do all that can be done now."""
        if self._asleep is not None:
            return
        self._note_pressure()
        while len(self.output) < OUTPUT_LIMIT:
            task = self._foreground
            if task is None:
                if not self._input or not self._next_line():
                    break
            elif isinstance(task.trap, Room):
                self._step(task, None)
            elif not self._feed(task):
                break
        self._send_urcs()
        if self._tasks:
            self._give_room()
        self.stalled = len(self.output) >= UNASKED_LIMIT

    def _next_line(self) -> bool:
        """Execute the next line; return False where there is none."""
        try:
            line = self._lines.read(self._input, self.output if self.echo else None)
        except LineTooLong:
            self._dialogue.overlong()
            self._fail(CommandError(f"a line of more than {self.dialect.lines.limit} bytes"))
            return True
        if line is None:
            return False
        if self.policy.loses_input and line:
            self._lines.skip_line_feed(self._input)  # it is no part of what is lost
            self._input.clear()
        if log.isEnabledFor(logging.DEBUG):
            log.debug("> %s", self._dialogue.line(line))
        self.progress += 1
        try:
            request = self.dialect.parse(line)
            if request is not None:
                self._finish(self.dialect.commands.call(self.device, request))
        except Exception as error:
            self._fail(error)
        return True

    def _finish(self, outcome: Outcome) -> None:
        """End a command with OK, or go on with it in the foreground where it has to wait."""
        if type(outcome) is CoroutineType:
            self._foreground = task = Task(outcome, self._finish, self._fail)
            self._step(task, None)
            return
        if outcome is not None:
            self._write(outcome)  # type: ignore[arg-type]
        if self._data_mode is not None:
            self._send_urcs()  # what a peer sent before must not come after what it sends in data mode
        log.debug("< OK")
        self.output += self.dialect.ok
        if self._data_mode is not None:
            self._begin_data_mode()

    def _fail(self, error: Exception) -> None:
        """End a command with an error."""
        if self._data_mode is not None:
            self._data_mode.close()
            self._data_mode = None
        error = command_error(error)
        self._write(list(error.lines))
        result = self.dialect.error(self.device, error)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("< %s", self._dialogue.answer(result))
        self.output += result

    def _write(self, reply: Line | list[Line]) -> None:
        for line in reply if isinstance(reply, list) else (reply,):
            if log.isEnabledFor(logging.DEBUG):
                log.debug("< %s", self._dialogue.answer(line))
            self.output += self.dialect.information(line) if isinstance(line, str) else line

    # Data mode

    def _begin_data_mode(self) -> None:
        assert self._data_mode is not None
        task = Task(self._data_mode, self._end_data_mode, _background_failed)
        self._data_mode = None
        self._foreground = task
        self._takes_data = True
        self._step(task, None)

    def _end_data_mode(self, reply: Reply) -> None:
        if reply is not None:
            self._write(reply)

    def _feed(self, task: Task) -> bool:
        """Give the host's bytes to a task that waits for them; return False where it has to wait on."""
        trap = task.trap
        if not isinstance(trap, HostData):
            return False
        if not self._lines.skip_line_feed(self._input) and not self._eof:
            return False
        self._note_pressure()
        idle = self._eof or (not self._pressed and self.now >= self._last_rx + trap.time_limit)
        piece = trap.reader.read(self._input, idle=idle)
        if piece is None and self._eof:
            piece = (trap.reader.rest(self._input), Flush.IDLE) if self._input else None
            if piece is None:
                self._cancel(task)
                return True
        if piece is None:
            trap.deadline = self._last_rx + trap.time_limit if trap.reader.waiting(self._input) else None
            return False
        if self._watch is not None:
            self._watch(len(self._input))
        self._step(task, piece)
        return True

    def _note_pressure(self) -> None:
        """Keep in mind that the host is held back: then it is not silent, and has its time again afterwards."""
        if not self.accepting:
            self._pressed = True
        elif self._pressed:
            self._pressed = False
            self._last_rx = self.now

    # Tasks

    def _all_tasks(self) -> list[Task]:
        """The foreground task, if any, and the background tasks."""
        return [*self._tasks] if self._foreground is None else [self._foreground, *self._tasks]

    def _step(self, task: Task, answer: Any) -> None:
        """Let a task go on until it waits again or ends."""
        self.progress += 1
        while True:
            task.trap = None
            try:
                resume = task.coroutine.throw if isinstance(answer, ResolveError) else task.coroutine.send
                trap = resume(answer)
            except StopIteration as stop:
                self._drop(task)
                task.done(stop.value)
                return
            except Exception as error:
                self._drop(task)
                task.failed(error)
                return
            task.trap = trap
            if not isinstance(trap, Lookup):
                return
            answer = self._look_up(trap)
            if answer is None:
                return

    def _look_up(self, trap: Lookup) -> Answer | None:
        try:
            return self.network.resolve(trap.host, trap.family, trap)
        except ResolveError as error:
            return error

    def _drop(self, task: Task) -> None:
        if task is self._foreground:
            self._foreground = None
            self._takes_data = self._urcs_flow = False
            self._input_limit = INPUT_LIMIT
            self._watch = None
        elif task in self._tasks:
            self._tasks.remove(task)

    def _cancel(self, task: Task) -> None:
        self._drop(task)
        task.trap = None
        task.coroutine.close()

    def _cancel_all(self) -> None:
        for task in self._all_tasks():
            self._cancel(task)
        if self._data_mode is not None:
            self._data_mode.close()
            self._data_mode = None
        self._timers.clear()
        self._urcs.clear()
        self._urc_size = 0

    # Power

    def _shut_down(self) -> None:
        self._cancel_all()
        self.network.close()
        self._input.clear()
        self._lines.reset()
        self._asleep = None

    def _wake(self) -> None:
        wake, self._asleep = self._asleep, None
        assert wake is not None
        wake()

    # Unsolicited lines

    def _held_back(self) -> bool:
        return self.echo and self._lines.partial and self.now < self._last_rx + self.dialect.urc_hold

    def _send_urcs(self) -> None:
        """Send what is queued, unless a command or data mode keeps it waiting."""
        if not self._urcs or self._held_back():
            return
        if self._foreground is not None and not self.urcs_flow:
            return
        while self._urcs and len(self.output) < UNASKED_LIMIT:
            data = self._urcs.popleft()
            self._urc_size -= len(data)
            self.output += data

    def _give_room(self) -> None:
        """Let those go on that wait for room, one at a time, while there is some."""
        waiting = True
        while waiting:
            waiting = False
            for task in [task for task in self._tasks if isinstance(task.trap, Room)]:
                if isinstance(task.trap, Room) and self._has_room():
                    waiting = True
                    self._step(task, None)
                    self._send_urcs()

    def _has_room(self) -> bool:
        written_at_once = self._takes_data and not self.urcs_flow
        return len(self.output) < UNASKED_LIMIT and (written_at_once or not self._urcs)


def command_error(error: Exception) -> CommandError:
    """Translate what a handler raised: what the network does is a plain error, anything else is our own bug."""
    if isinstance(error, CommandError):
        log.info("error: %.200s", error.reason)
        return error
    if isinstance(error, OSError):
        log.info("error: %.200s", error.strerror or errno.errorcode.get(error.errno or 0, str(error)))
    elif isinstance(error, ResolveError):
        log.info("error: %s", error.name)
    else:
        log.error("unexpected error in a command", exc_info=error)
    return CommandError(str(error))


def _ignore_line(baud: int, rtscts: bool) -> None:
    """Do nothing about a change of the line: most endpoints have no speed."""


def _background_done(reply: object) -> None:
    """Nobody waits for the end of a background task."""


def _background_failed(error: Exception) -> None:
    log.debug("a background task ended")
    command_error(error)
