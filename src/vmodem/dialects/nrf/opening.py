"""Commands whose first parameter, <op>, tells what the others are: those that open something, start or connect it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from vmodem.core.commands import Outcome
from vmodem.core.parameters import Signature, anything
from vmodem.core.syntax import Value
from vmodem.net.interface import Family

CLOSE: Final = 0
"""The <op> that closes."""

FAMILIES: Final = {1: Family.IPV4, 2: Family.IPV6}
"""The protocol family that each <op> opens something for."""

Unread: TypeAlias = Annotated[Value, anything]
D = TypeVar("D")


def opens(
    ops: Collection[int] = FAMILIES, *, otherwise: Callable[[D, int], Outcome]
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Let the decorated handler do what ``ops`` ask for, and ``otherwise`` what any other <op> does.

    The parameters behind <op> are checked only where the handler is called: behind another <op> they are surplus.
    """

    def decorate(handler: Callable[..., Outcome]) -> Callable[..., Outcome]:
        signature = Signature(handler, surplus=True)

        def choose(device: Any, op: int, *parameters: Unread) -> Outcome:
            if op not in ops:
                return otherwise(device, op)
            return handler(device, *signature.bind(device, [op, *parameters]))

        op = inspect.signature(handler, eval_str=True).parameters["op"].annotation
        choose.__annotations__ = {"op": op, "parameters": Unread}
        choose.__wrapped__ = handler  # type: ignore[attr-defined]  # whose words the reference takes
        return choose

    return decorate
