"""The coroutines of one modem, and the time: who waits for what, and until when.

Nothing here does I/O or looks at a clock: `now` is what the latest call said. This module must not know about AT
commands, channels or dialects.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from vmodem.core.tasks import AnyReady, HostData, Lookup, Task, Work
from vmodem.jobs import Job, Outcome, is_fault, outcome_of
from vmodem.net.interface import CLOSURE, Answer, NetSocket, Network, ResolveError


class Scheduler:
    """Tasks and timers.

    Args:
        network: what resolves names.

    Attributes:
        now: the modem's clock in seconds, as of the last call.
        work: has a job done, of the trap that waits for it: returns how it ended, or None where `resolved` tells later.
        progress: grows whenever a task goes on, or a channel executes a line.
    """

    __slots__ = ("_network", "_tasks", "_timers", "now", "progress", "work")

    def __init__(self, network: Network) -> None:
        self._network = network
        self._tasks: list[Task] = []
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self.now = 0.0
        self.progress = 0
        self.work: Callable[[Job, object], Outcome | None] = _at_once

    def spawn(
        self,
        owner: object,
        coroutine: Coroutine[Any, Any, Any],
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None],
        *,
        awaited: bool = False,
    ) -> Task:
        """Run ``coroutine`` in the background of ``owner``, up to where it has to wait.

        Args:
            owner: whose it is: a channel, or the modem.
            coroutine: awaits the traps of tasks.py.
            done: called with what it returns.
            failed: called with what it raises.
            awaited: whether the owner's host waits for what it reports.
        """
        task = Task(owner, coroutine, done, failed)
        task.awaited = awaited
        self._tasks.append(task)
        self.step(task, None)
        return task

    def run(self, task: Task) -> None:
        """Run what a host's command line waits for: before everything in the background."""
        self._tasks.insert(0, task)
        self.step(task, None)

    def step(self, task: Task, answer: Any) -> None:
        """Let a task go on until it waits again or ends."""
        self.progress += 1
        while True:
            task.trap = None
            try:
                resume = task.coroutine.throw if isinstance(answer, BaseException) else task.coroutine.send
                trap = resume(answer)
            except StopIteration as stop:
                self._forget(task)
                task.done(stop.value)
                return
            except BaseException as error:
                self._forget(task)
                if not is_fault(error):
                    raise
                task.failed(error)
                return
            task.trap = trap
            if not isinstance(trap, (Lookup, Work)):
                return
            outcome = self._begin(trap)
            if outcome is None:
                return
            answer = outcome.answer

    def cancel(self, task: Task) -> None:
        """End a task, wherever it waits; nothing where it has ended."""
        self._forget(task)
        task.trap = None
        task.coroutine.close()

    def put_last(self, task: Task) -> None:
        """Let all others come before ``task`` from now on."""
        self._tasks.remove(task)
        self._tasks.append(task)

    def tasks_of(self, owner: object) -> list[Task]:
        """Return the tasks of ``owner``, the one that its host waits for first."""
        return [task for task in self._tasks if task.owner is owner]

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Call ``action`` in ``seconds`` from now, between commands or while one waits."""
        self._timers.append((self.now + seconds, action))

    def clear(self) -> None:
        """End every task and forget every timer."""
        for task in [*self._tasks]:
            self.cancel(task)
        self._timers.clear()

    @property
    def idle(self) -> bool:
        """Whether no task runs and no timer is set."""
        return not self._tasks and not self._timers

    # What happens

    def socket_ready(self, socket: NetSocket, events: int) -> None:
        """Let those go on that wait for one of ``events`` on ``socket``."""
        for task in [*self._tasks]:
            trap = task.trap
            if isinstance(trap, AnyReady) and socket in trap.sockets and events & (trap.events | CLOSURE):
                self.step(task, events)

    def resolved(self, token: object, answer: Answer | Outcome) -> None:
        """Hand over the answer to a lookup, or how work ended; what nobody waits for any more is ignored."""
        for task in [*self._tasks]:
            if task.trap is token:
                self.step(task, answer.answer if isinstance(answer, Outcome) else answer)

    def advance(self) -> None:
        """Do what is due now; who waits for data of the host is the channel's business."""
        for task in [*self._tasks]:
            trap = task.trap
            if isinstance(trap, HostData) or trap is None or trap.deadline is None or trap.deadline > self.now:
                continue
            self.step(task, 0 if isinstance(trap, AnyReady) else None)
        for timer in [timer for timer in self._timers if timer[0] <= self.now]:
            if timer in self._timers:  # an earlier one may have reset the device
                self._timers.remove(timer)
                timer[1]()

    @property
    def deadline(self) -> float | None:
        """When something is due next, None for not before something else happens."""
        if not self._tasks and not self._timers:
            return None
        deadlines = [task.trap.deadline for task in self._tasks if task.trap is not None]
        deadlines += [timer[0] for timer in self._timers]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _begin(self, trap: Lookup | Work[Any]) -> Outcome | None:
        """Begin what a task waits for; return how it ended where that is known at once."""
        if isinstance(trap, Work):
            return self.work(trap.job, trap)
        try:
            addresses = self._network.resolve(trap.host, trap.family, trap)
        except ResolveError as error:
            return Outcome(error=error)
        return None if addresses is None else Outcome(addresses)

    def _forget(self, task: Task) -> None:
        if task in self._tasks:
            self._tasks.remove(task)


def _at_once(job: Job, token: object) -> Outcome:
    """Do a job here and now: where nobody else is there to be held up, and the same has to come of it each time."""
    return outcome_of(job)
