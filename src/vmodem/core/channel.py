"""One AT host at one modem: its lines, its answers, its data mode, its unsolicited lines.

A channel runs one command at a time, in the foreground, and any number of background tasks. Input that arrives
meanwhile waits its turn, unless the dialect's policy says that it is lost. Unsolicited lines (URCs) wait until no
command runs and nothing is left to read.

Nothing here does I/O or looks at a clock. A channel is the plainest line: its driver, or a line that stands on it,
hands it the bytes of its host and takes its output; everything else happens to the modem.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from vmodem.core.commands import Information, Outcome, Reply
from vmodem.core.errors import CommandError
from vmodem.core.framing import Flush, LineReader, LineTooLong
from vmodem.core.line import Signals
from vmodem.core.tasks import HostData, Room, Task
from vmodem.jobs import is_fault

if TYPE_CHECKING:
    from vmodem.core.modem import Modem
    from vmodem.core.trace import Tracer

INPUT_LIMIT: Final = 8192
"""Bytes of the host that may wait before `Channel.accepting` turns False, unless a command says otherwise."""

OUTPUT_LIMIT: Final = 65536
"""Bytes for the host that may wait before the channel stops producing more."""

UNASKED_LIMIT: Final = OUTPUT_LIMIT // 2
"""The same for what nobody asked for: peers that never stop must not keep a slow host from being heard."""

SHARE: Final = 32
"""How much a channel does at once, then it waits: lines, pieces of data, steps of tasks that waited for room.

What these take in of secure connections counts too: a step may take in many short records.
"""


class DataMode:
    """The host's bytes are data: from a command on, or while one runs.

    Attributes:
        waiting: the coroutine that takes the data once the running command has ended; None since then, or where the
            running command takes it itself.
        limit: how many bytes may wait before the host is kept from sending more.
        watch: called with the number of bytes that wait, whenever it has changed.
        urcs_flow: whether unsolicited messages are sent all the same.
    """

    __slots__ = ("limit", "urcs_flow", "waiting", "watch")

    def __init__(
        self,
        waiting: Coroutine[Any, Any, Reply] | None,
        limit: int = INPUT_LIMIT,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        self.waiting = waiting
        self.limit = limit
        self.watch = watch
        self.urcs_flow = False


class Channel:
    """One AT host at a modem.

    Args:
        modem: the modem, which has made what a `Dialect.device` needs.

    Attributes:
        modem: the modem.
        device: what the dialect keeps for this host.
        output: bytes for the host; the driver takes them out at the front.
        echo: whether host input is echoed.
        stalled: whether it waits for `output` to be taken; `Modem.advance` lets it go on.
        hungry: whether it has had its share, and there may be more to do; `Modem.advance` lets it go on.
        closed: whether the modem has it no more: what its host sends is thrown away.
    """

    __slots__ = (
        "_data_mode",
        "_eof",
        "_foreground",
        "_input",
        "_last_rx",
        "_lines",
        "_pressed",
        "_scheduler",
        "_tracer",
        "_urc_size",
        "_urcs",
        "closed",
        "device",
        "echo",
        "hungry",
        "modem",
        "output",
        "stalled",
    )

    def __init__(self, modem: Modem) -> None:
        dialect = modem.dialect
        self.modem = modem
        self.output = bytearray()
        self.echo = False
        self.stalled = self.hungry = False
        self.closed = False
        self._scheduler = modem.scheduler
        self._input = bytearray()
        self._lines = LineReader(modem.terminator, dialect.lines, modem.policy.overlong)
        self._foreground: Task | None = None
        self._data_mode: DataMode | None = None
        self._urcs: deque[bytes] | None = None  # most hosts that wait have none
        self._urc_size = 0
        self._last_rx = 0.0
        self._pressed = False  # the host is held back
        self._eof = False
        self._tracer: Tracer | None = None
        self.device: Any = dialect.device(self)

    # What the driver calls

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes of the host; any number, cut anywhere."""
        modem = self.modem
        self._scheduler.now = self._last_rx = now
        if modem.off or self.closed:
            return
        if modem.policy.loses_input and self._foreground is not None and not self.takes_data:
            modem.inform("%d bytes of the host are lost: a command runs", len(data))
            return
        self._input += data
        self._tell_waiting()
        modem.wake()
        modem.process()

    def eof(self, now: float) -> None:
        """Take note that the host sends no more; what it sent is still carried out."""
        self._scheduler.now = now
        self._eof = True
        self.modem.process()

    @property
    def accepting(self) -> bool:
        """False while the host should be kept from sending: enough of its bytes wait already."""
        data_mode = self._data_mode
        limit = INPUT_LIMIT if data_mode is None else data_mode.limit
        return len(self._input) < limit and len(self.output) < OUTPUT_LIMIT

    @property
    def streaming(self) -> bool:
        """True in data mode, when the driver does well to read all it can at once."""
        return self._foreground is not None and isinstance(self._foreground.trap, HostData)

    @property
    def finished(self) -> bool:
        """True once the host has sent its last byte and everything that it asked for is done, or it was closed."""
        if self.closed:
            return True
        if not self._eof or self._foreground is not None or self.hungry:
            return False
        return not any(task.awaited for task in self._scheduler.tasks_of(self))

    @property
    def unread(self) -> int:
        """How many bytes of the host nobody has consumed yet."""
        return len(self._input)

    @property
    def signals(self) -> Signals:
        """The wires of the modem's serial line."""
        return self.modem.signals

    @property
    def deadline(self) -> float | None:
        """When something is due at the modem."""
        return self.modem.deadline

    def advance(self, now: float) -> None:
        """Do what is due at the modem, or what waited for `output` to be taken."""
        self.modem.advance(now)

    # What the modem calls

    @property
    def busy(self) -> bool:
        """Whether a command runs, or data mode."""
        return self._foreground is not None

    @property
    def due(self) -> float | None:
        """When there is something to do although nothing happens: input is left, or unsolicited lines are held back."""
        if self.hungry:
            return self._scheduler.now
        return self._last_rx + self.modem.dialect.urc_hold if self._urcs and self._held_back() else None

    def process(self) -> None:
        """Do what can be done now, but no more than a channel's share; who has had it waits for its turn."""
        if self.hungry:
            return
        self._note_pressure()
        left = self._carry_out(SHARE)
        if left:  # else there may be more lines of the host, which come before what it did not ask for
            self._send_urcs()
            if not self._scheduler.idle:
                left = self._give_room(left)
        self.hungry = not left
        self.stalled = len(self.output) >= UNASKED_LIMIT

    def rest(self) -> None:
        """Do nothing: the modem sleeps."""
        self.stalled = self.hungry = False

    def trace(self) -> None:
        """Tell from now on what happens: somebody listens to the modem."""
        from vmodem.core.trace import Tracer  # not at the top: where nobody listens nobody pays for it

        if self._tracer is None:
            self._tracer = Tracer(self)

    def reset(self) -> None:
        """Forget all that the host has begun: input, commands, data mode, unsolicited lines; what it is told stays."""
        if self._foreground is not None:
            self._cancel_foreground()
        for task in self._scheduler.tasks_of(self):
            self._scheduler.cancel(task)
        self._drop_data_mode()
        self._urcs = None
        self._urc_size = 0
        self._input.clear()
        self.hungry = False
        self._lines.reset()

    def close(self) -> None:
        """End it, with everything that its host has open."""
        self.reset()
        self.device.close_all()
        self.closed = True

    def restart(self) -> None:
        """Begin anew as the host of a device that has just been switched on."""
        self.echo = False
        self.device = self.modem.dialect.device(self)

    # What handlers call

    @property
    def takes_data(self) -> bool:
        """Whether the host's bytes are data: in data mode, or for a command that takes them itself."""
        return self._data_mode is not None and self._data_mode.waiting is None

    @property
    def urcs_flow(self) -> bool:
        """Whether unsolicited messages are sent although the host's bytes are data."""
        data_mode = self._data_mode
        if data_mode is None or data_mode.waiting is not None:
            return False
        return data_mode.urcs_flow or self.modem.dialect.urcs_in_data_mode

    def let_urcs_flow(self) -> None:
        """Send unsolicited messages, those that wait first, although the host's bytes are data; until data ends."""
        if self._data_mode is not None:
            self._data_mode.urcs_flow = True
            self._send_urcs()

    def write(self, line: Information) -> None:
        """Send a line, or bytes as they are, at once: in the middle of a command, or of data mode."""
        self._write(line)

    def urc(self, line: str) -> None:
        """Queue an unsolicited line; it is dropped where the queue is full."""
        if self.takes_data and self.modem.policy.drops_urcs:
            return
        self.urc_bytes(self.modem.dialect.urc(line))

    def urc_bytes(self, data: bytes) -> None:
        """Queue unsolicited bytes, which are sent whole."""
        if self._urc_size + len(data) > self.modem.dialect.urc_limit:
            self.modem.warn("the queue of unsolicited lines is full, one of %d bytes is dropped", len(data))
            return
        if self._urcs is None:
            self._urcs = deque()
        self._urcs.append(data)
        self._urc_size += len(data)

    def spawn(self, coroutine: Coroutine[Any, Any, None], *, awaited: bool = False) -> Task:
        """Run ``coroutine`` in the background; ``awaited`` tells that the host waits for what it reports."""
        return self._scheduler.spawn(self, coroutine, background_done, self.modem.background_failed, awaited=awaited)

    def enter_data_mode(self, coroutine: Coroutine[Any, Any, Reply], *, swallow_line_feed: bool) -> None:
        """Hand the host's bytes to ``coroutine`` once the running command has ended.

        Args:
            coroutine: awaits `HostData`; its reply is sent when it ends, without a final result.
            swallow_line_feed: whether a LF right after the command's CR still belongs to the command.
        """
        self._data_mode = DataMode(coroutine)
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
        self._data_mode = DataMode(None, limit, watch)
        if self._tracer is not None:
            self._tracer.data_begins()

    def discard_input(self) -> None:
        """Forget what the host has sent and nobody has consumed."""
        self._input.clear()
        self._lines.reset()

    # Command lines

    def _carry_out(self, left: int) -> int:
        """Do what the host has asked for, at most ``left`` lines or pieces of data; return what is left of that."""
        tls = self.modem.tls
        while left > 0 and len(self.output) < OUTPUT_LIMIT:
            before = tls.taken_in
            task = self._foreground
            if task is None:
                if not self._input or not self._next_line():
                    break
            elif isinstance(task.trap, Room):
                self._scheduler.step(task, None)
            elif not self._feed(task):
                break
            left -= 1 + tls.taken_in - before
        return max(left, 0)

    def _next_line(self) -> bool:
        """Execute the next line; return False where there is none."""
        dialect = self.modem.dialect
        try:
            line = self._lines.read(self._input, self.output if self.echo else None)
        except LineTooLong:
            if self._tracer is not None:
                self._tracer.overlong()
            self._fail(CommandError(f"a line of more than {dialect.lines.limit} bytes"))
            return True
        if line is None:
            return False
        if self.modem.policy.loses_input and line:
            self._lines.skip_line_feed(self._input)  # it is no part of what is lost
            self._input.clear()
        if self._tracer is not None:
            self._tracer.line(line)
        self._scheduler.progress += 1
        try:
            request = dialect.parse(line)
            if request is not None:
                self._finish(dialect.commands.call(self.device, request))
        except BaseException as error:
            if not is_fault(error):
                raise
            self._fail(error)
        return True

    def _finish(self, outcome: Outcome) -> None:
        """End a command with OK, or go on with it in the foreground where it has to wait."""
        if type(outcome) is CoroutineType:
            self._foreground = task = Task(self, outcome, self._finished, self._failed)
            self._scheduler.run(task)
            return
        if outcome is not None:
            self._write(outcome)  # type: ignore[arg-type]
        data_mode = self._data_mode
        if data_mode is not None:
            self._send_urcs()  # what a peer sent before must not come after what it sends in data mode
        ok = self.modem.dialect.ok
        if self._tracer is not None:
            self._tracer.result(ok)
        self.output += ok
        if data_mode is not None:
            self._begin_data_mode(data_mode)

    def _fail(self, error: BaseException) -> None:
        """End a command with an error."""
        self._drop_data_mode()
        refusal = self.modem.command_error(error)
        self._write(list(refusal.lines))
        result = self.modem.dialect.error(self.device, refusal)
        if self._tracer is not None:
            self._tracer.refused(refusal)
            self._tracer.result(result)
        self.output += result

    def _write(self, reply: Information | list[Information]) -> None:
        for line in reply if isinstance(reply, list) else (reply,):
            data = self.modem.dialect.information(line) if isinstance(line, str) else line
            if self._tracer is not None:
                self._tracer.reply(data)
            self.output += data

    # The foreground

    def _finished(self, outcome: Outcome) -> None:
        self._leave_foreground()
        self._finish(outcome)

    def _failed(self, error: BaseException) -> None:
        self._leave_foreground()
        self._fail(error)

    def _leave_foreground(self) -> None:
        """Take the host's bytes for lines again, unless data mode is about to begin."""
        self._foreground = None
        if self.takes_data:
            self._data_mode = None
            if self._tracer is not None:
                self._tracer.data_ends()

    def _cancel_foreground(self) -> None:
        task = self._foreground
        assert task is not None
        self._leave_foreground()
        self._scheduler.cancel(task)

    # Data mode

    def _begin_data_mode(self, data_mode: DataMode) -> None:
        coroutine, data_mode.waiting = data_mode.waiting, None
        assert coroutine is not None
        if self._tracer is not None:
            self._tracer.data_begins()
        self._foreground = task = Task(self, coroutine, self._end_data_mode, self._fail_data_mode)
        self._scheduler.run(task)

    def _end_data_mode(self, reply: Reply) -> None:
        self._leave_foreground()
        if reply is not None:
            self._write(reply)

    def _fail_data_mode(self, error: BaseException) -> None:
        self._leave_foreground()
        self.modem.background_failed(error)

    def _drop_data_mode(self) -> None:
        """Forget a data mode that has not begun."""
        data_mode, self._data_mode = self._data_mode, None
        if data_mode is not None and data_mode.waiting is not None:
            data_mode.waiting.close()

    def _feed(self, task: Task) -> bool:
        """Give the host's bytes to a task that waits for them; return False where it has to wait on."""
        trap = task.trap
        if not isinstance(trap, HostData):
            return False
        if not self._lines.skip_line_feed(self._input) and not self._eof:
            return False
        self._note_pressure()
        idle = self._eof or (not self._pressed and self._scheduler.now >= self._last_rx + trap.time_limit)
        piece = trap.reader.read(self._input, idle=idle)
        if piece is None and self._eof:
            piece = (trap.reader.rest(self._input), Flush.IDLE) if self._input else None
            if piece is None:
                self._cancel_foreground()
                return True
        if piece is None:
            trap.deadline = self._last_rx + trap.time_limit if trap.reader.waiting(self._input) else None
            return False
        self._tell_waiting()
        if self._tracer is not None:
            self._tracer.data(*piece)
        self._scheduler.step(task, piece)
        return True

    def _tell_waiting(self) -> None:
        """Tell whoever watches how much of the host's data waits."""
        data_mode = self._data_mode
        if data_mode is not None and data_mode.watch is not None:
            data_mode.watch(len(self._input))

    def _note_pressure(self) -> None:
        """Keep in mind that the host is held back: then it is not silent, and has its time again afterwards."""
        if not self.accepting:
            self._pressed = True
        elif self._pressed:
            self._pressed = False
            self._last_rx = self._scheduler.now

    # Unsolicited lines

    def _held_back(self) -> bool:
        deadline = self._last_rx + self.modem.dialect.urc_hold
        return self.echo and self._lines.partial and self._scheduler.now < deadline

    def _send_urcs(self) -> None:
        """Send what is queued, unless a command or data mode keeps it waiting."""
        urcs = self._urcs
        if urcs is None or self._held_back():
            return
        if self._foreground is not None and not self.urcs_flow:
            return
        while urcs and len(self.output) < UNASKED_LIMIT:
            data = urcs.popleft()
            self._urc_size -= len(data)
            if self._tracer is not None:
                self._tracer.urc(data)
            self.output += data
        if not urcs:
            self._urcs = None

    def _give_room(self, left: int) -> int:
        """Let those go on that wait for room, in turns, while there is some; return what is left of ``left`` steps."""
        tls = self.modem.tls
        while left > 0 and self._has_room() and (waiting := self._waiting_for_room()):
            before = tls.taken_in
            task = waiting[0]
            if len(waiting) > 1:
                self._scheduler.put_last(task)
            self._scheduler.step(task, None)
            self._send_urcs()
            left -= 1 + tls.taken_in - before
        return max(left, 0)

    def _waiting_for_room(self) -> list[Task]:
        tasks = self._scheduler.tasks_of(self)
        return [task for task in tasks if type(task.trap) is Room and task is not self._foreground]

    def _has_room(self) -> bool:
        written_at_once = self.takes_data and not self.urcs_flow
        return len(self.output) < UNASKED_LIMIT and (written_at_once or not self._urcs)


def background_done(reply: object) -> None:
    """Do nothing: nobody waits for the end of a background task."""
