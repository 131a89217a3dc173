"""Work that takes its time: a job is done somewhere else, and how it ended is brought back.

Everybody may import this module. It knows nothing of threads: whoever runs a job chooses where.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Job: TypeAlias = Callable[[], Any]
"""What is to be done; it touches nothing that the modem uses meanwhile."""


class Outcome(NamedTuple):
    """How a job has ended.

    Attributes:
        value: what it returned.
        error: what it raised, None where it returned.
    """

    value: Any = None
    error: BaseException | None = None

    @property
    def answer(self) -> Any:
        """What whoever waits for it is given: what it returned, or what it raised."""
        return self.value if self.error is None else self.error


def outcome_of(job: Job) -> Outcome:
    """Do ``job``, whatever comes of it: not even what is no `Exception` leaves anybody without an answer."""
    try:
        return Outcome(job())
    except BaseException as error:
        return Outcome(error=error)


def is_fault(error: BaseException) -> bool:
    """Return whether ``error`` tells that something has failed; else it is an order to end, and nobody's to keep.

    Libraries raise faults that are no `Exception`: a panic of Rust code is one.
    """
    if isinstance(error, Exception):
        return True
    from asyncio import CancelledError  # noqa: TID251 - the name alone, and nobody comes here but after a fault

    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | CancelledError)
