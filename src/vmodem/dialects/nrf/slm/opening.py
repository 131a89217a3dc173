"""Commands that open something with <op> 1 or 2: any other <op> does not look at what follows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from vmodem.core.commands import Outcome
from vmodem.core.parameters import Signature, anything
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.device import UInt16
from vmodem.net.interface import Family

CLOSE: Final = 0
"""The <op> that closes."""

FAMILIES: Final = {1: Family.IPV4, 2: Family.IPV6}
"""The protocol family that each <op> opens something for."""

Unread: TypeAlias = Annotated[Value, anything]
D = TypeVar("D")


def opens(otherwise: Callable[[D, int], Outcome]) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Let the decorated handler open something, and ``otherwise`` do what any other <op> asks for.

    The parameters that the handler declares are checked only where it is called: behind another <op> they are surplus.
    """

    def decorate(handler: Callable[..., Outcome]) -> Callable[..., Outcome]:
        signature = Signature(handler, surplus=True)

        def choose(device: Any, op: UInt16, *parameters: Unread) -> Outcome:
            if op not in FAMILIES:
                return otherwise(device, op)
            return handler(device, *signature.bind(device, [op, *parameters]))

        return choose

    return decorate
