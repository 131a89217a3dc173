"""One modem: what exists once for each power-on, and the AT channels at it.

Host bytes, network readiness and the time go in, host bytes and the next deadline come out. Nothing here does I/O or
looks at a clock; whoever drives a modem does:

    modem.boot(now)
    modem.channels[0].receive(data, now)          bytes of a host
    modem.socket_ready(socket, events, now)       readiness
    modem.resolved(token, answer, now)            a name, or work
    modem.advance(now)                            at modem.deadline, or when output was drained
    modem.channels[0].eof(now), modem.close()     the host has gone
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

from vmodem.config import Config
from vmodem.core.channel import Channel, background_done
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.errors import CommandError, in_words
from vmodem.core.framing import Terminator
from vmodem.core.line import Signals
from vmodem.core.power import Boot, Start
from vmodem.core.scheduler import Scheduler
from vmodem.core.tasks import Task
from vmodem.credentials.store import Store
from vmodem.jobs import Outcome, is_fault
from vmodem.net.interface import Answer, NetSocket, Network, ResolveError, earlier
from vmodem.tls.stack import Tls

if TYPE_CHECKING:
    from vmodem.core.trace import Event, Trace

log = logging.getLogger("vmodem")

SLEEP_RETRY: Final = 0.05
"""Seconds until sleeping is tried again while a command runs."""


class Modem:
    """One modem.

    Args:
        dialect: which device it is.
        network: what stands behind it; its driver is the modem's.
        config: identity and settings of this device.
        follow: which side is answered where manual and firmware disagree.
        terminator: what ends a line, None for the dialect's default.
        signals: the wires of its serial line, None for a line of 115200 bit/s; some timing follows from its speed.
        start: what the device is to its network when it is switched on, and again after each restart.
        boot: whether it is switched on with its host, and greets it, or was on before; a restart greets in any case.
        store: where its credentials are kept, None for a store of its own.
        name: what it is called in the log: where its host is, or a name that was given to it.
        traces: who is told what happens, besides the log.
        random: returns as many random bytes as it is asked for.
        tls: what secures its connections, None for a `Tls` of its own.

    Attributes:
        tls: what secures its connections.
        scheduler: its tasks, its timers and its clock.
        core: what the dialect keeps once for each power-on: the modem core, the Wi-Fi station.
        channels: its AT channels; the first is there as long as the modem, and hears what no host asked for.
        signals: the wires of its serial line.
        start: what it is to its network when it is switched on.
        off: whether it is switched off, and takes no notice of anything.
        traces: who is told what happens.
    """

    __slots__ = (
        "_asleep",
        "_boot",
        "_saved_speed",
        "channels",
        "config",
        "core",
        "dialect",
        "name",
        "network",
        "off",
        "policy",
        "random",
        "scheduler",
        "signals",
        "start",
        "store",
        "terminator",
        "tls",
        "traces",
    )

    def __init__(
        self,
        dialect: Dialect,
        network: Network,
        *,
        config: Config,
        random: Callable[[int], bytes],
        follow: Follow = Follow.MANUAL,
        terminator: Terminator | None = None,
        signals: Signals | None = None,
        start: Start = Start.ATTACHED,
        boot: Boot = Boot.WITH_HOST,
        store: Store | None = None,
        name: str = "modem",
        traces: Sequence[Trace] = (),
        tls: Tls | None = None,
    ) -> None:
        self.dialect = dialect
        self.network = network
        self.config = config
        self.store = Store() if store is None else store
        self.policy: Any = dialect.policies[follow]
        self.terminator = terminator or dialect.terminator
        self.signals = signals or Signals()
        self.off = False
        self.random = random
        self.scheduler = Scheduler(network)
        self.tls = tls or Tls(random)
        self.tls.inform = self.inform
        self._boot = boot
        self.start = start
        self._saved_speed = (self.signals.baud, self.signals.rtscts)
        self._asleep: Callable[[], None] | None = None
        network.set_link(up=start is Start.ATTACHED)
        self.core: Any = dialect.core(self)
        self.name = name
        self.traces: tuple[Trace, ...] = ()
        self.channels: tuple[Channel, ...] = (Channel(self),)
        for trace in traces:
            self.listen(trace)
        if log.isEnabledFor(logging.INFO):
            from vmodem.core.log import LOG  # not at the top: where nobody listens nobody pays for it

            self.listen(LOG)

    # What the driver calls

    def boot(self, now: float) -> None:
        """Power on: send the banner, unless nobody is there to hear it."""
        self.scheduler.now = now
        self._tell_power("on")
        if self._boot is Boot.WITH_HOST:
            self._greet()

    def socket_ready(self, socket: NetSocket, events: int, now: float) -> None:
        """Take note that ``events`` may be true on ``socket``."""
        self.scheduler.now = now
        self.scheduler.socket_ready(socket, events)
        for channel in self.channels:
            channel.device.socket_ready(socket, events)
        self.process()

    def resolved(self, token: object, answer: Answer | Outcome, now: float) -> None:
        """Take the answer to a lookup, or how work ended; what nobody waits for any more is ignored."""
        self.scheduler.now = now
        self.scheduler.resolved(token, answer)
        self.process()

    def advance(self, now: float) -> None:
        """Do what is due at ``now``."""
        self.scheduler.now = now
        self.network.advance(now)
        self.scheduler.advance()
        for channel in self.channels:
            channel.hungry = False
        self.process()

    def close(self) -> None:
        """Leave nothing behind: no task, no socket, no pending lookup, no input."""
        self._cut_power()
        self.off = True

    @property
    def deadline(self) -> float | None:
        """When `advance` has to be called next, None for not before something else happens."""
        deadline = earlier(self.scheduler.deadline, self.network.deadline)
        if self._asleep is None:
            for channel in self.channels:
                deadline = earlier(deadline, channel.due)
        return deadline

    # Channels

    def open_channel(self) -> Channel:
        """Give one more host a channel of its own; nothing is sent on it."""
        channel = Channel(self)
        if self.traces:
            channel.trace()
        self.channels = (*self.channels, channel)
        return channel

    def close_channel(self, channel: Channel) -> None:
        """End a channel whose host has gone, not the first one, with everything that it had open."""
        channel.close()
        self.channels = tuple(other for other in self.channels if other is not channel)

    def process(self) -> None:
        """Let every channel do all that it can do now; asleep, none waits for anything but its host."""
        for channel in self.channels:
            if self._asleep is None:
                channel.process()
            else:
                channel.rest()

    # Who listens

    def listen(self, trace: Trace) -> None:
        """Tell ``trace`` from now on what happens."""
        self.traces = (*self.traces, trace)
        for channel in self.channels:
            channel.trace()

    def tell(self, event: Event, channel: Channel | None = None) -> None:
        """Tell everybody who listens of ``event``; a trace that fails is left out from then on."""
        for trace in self.traces:
            try:
                trace.event(self.scheduler.now, self, channel, event)
            except BaseException as error:
                if not is_fault(error):
                    raise
                self.traces = tuple(other for other in self.traces if other is not trace)
                log.exception("%s: a trace has failed, and is told nothing more", self.name)

    def name_of(self, channel: Channel | None) -> str:
        """Return what the log calls a channel: the modem's name, and which of several it is."""
        if channel is None or channel not in self.channels[1:]:
            return self.name
        return f"{self.name}, channel {self.channels.index(channel) + 1}"

    def warn(self, message: str, *arguments: object) -> None:
        """Tell the user something that no result tells; the message is one of `logging`."""
        self._note(logging.WARNING, message, arguments)

    def inform(self, message: str, *arguments: object) -> None:
        """Tell the user something that explains what happens; the message is one of `logging`."""
        self._note(logging.INFO, message, arguments)

    def _note(self, level: int, message: str, arguments: tuple[object, ...]) -> None:
        log.log(level, f"%s: {message}", self.name, *arguments)
        if self.traces:
            from vmodem.core.trace import Note

            self.tell(Note(level, message % arguments))

    # Failures

    def command_error(self, error: BaseException) -> CommandError:
        """Translate what a handler raised: what the network does is a plain error, anything else is our own bug."""
        if isinstance(error, CommandError):
            return error
        if isinstance(error, OSError | ResolveError):
            return CommandError(in_words(error))
        log.error("%s: unexpected error in a command", self.name, exc_info=error)
        return CommandError("a bug of vmodem; the log has more")

    def background_failed(self, error: BaseException) -> None:
        """Take note of a background task that has failed; no host waits for its result."""
        self.inform("a background task has ended: %.200s", self.command_error(error).reason)

    # What handlers call

    @property
    def now(self) -> float:
        """The modem's clock in seconds, as of the last call."""
        return self.scheduler.now

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        """Run ``coroutine`` in the background of the modem itself, whatever becomes of its hosts."""
        return self.scheduler.spawn(self, coroutine, background_done, self.background_failed)

    def cancel(self, task: Task) -> None:
        """End a background task, wherever it waits."""
        self.scheduler.cancel(task)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Call ``action`` in ``seconds`` from now, between commands or while one waits."""
        self.scheduler.after(seconds, action)

    def urc(self, line: str) -> None:
        """Queue an unsolicited line that no host asked for."""
        self.channels[0].urc(line)

    def set_speed(self, baud: int, *, rtscts: bool, save: bool = True) -> None:
        """Change the speed of the line, in bit/s, and its flow control; what was saved survives a restart."""
        if save:
            self._saved_speed = (baud, rtscts)
        self.signals.modem_sets_speed(baud, rtscts=rtscts)

    # Power

    def restart(self) -> None:
        """Restart the device: all its state is lost, the banner is sent again."""
        for channel in self.channels[1:]:
            self.close_channel(channel)
        self._cut_power()
        baud, rtscts = self._saved_speed
        if (baud, rtscts) != (self.signals.baud, self.signals.rtscts):
            self.signals.modem_sets_speed(baud, rtscts=rtscts)
        self.network.set_link(up=self.start is Start.ATTACHED)
        self.core = self.dialect.core(self)
        self.channels[0].restart()
        self._tell_power("restarted")
        self._greet()

    def power_off(self) -> None:
        """Switch the device off: it answers nothing any more."""
        self.close()
        self._tell_power("off")

    def sleep(self, wake: Callable[[], None]) -> None:
        """Sleep once no command runs: do and send nothing until a host sends something, then call ``wake``."""
        if any(channel.busy for channel in self.channels):
            self.after(SLEEP_RETRY, lambda: self.sleep(wake))
        else:
            self._asleep = wake
            self._tell_power("asleep")

    def wake(self) -> None:
        """End the sleep, if it sleeps: a host has sent something."""
        wake, self._asleep = self._asleep, None
        if wake is not None:
            self._tell_power("awake")
            wake()

    def _tell_power(self, state: str) -> None:
        if self.traces:
            from vmodem.core.trace import Power, State

            self.tell(Power(State(state)))

    def _greet(self) -> None:
        self.channels[0].write(self.dialect.banner)

    def _cut_power(self) -> None:
        for channel in self.channels:
            channel.reset()
        self.scheduler.clear()
        self.tls.close()
        self.network.close()
        self._asleep = None
