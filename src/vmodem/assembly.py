"""How a modem is put together: as it is, or so that those who listen see its sockets too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vmodem.core.dialect import Dialect
from vmodem.core.modem import Modem
from vmodem.net.interface import Network

if TYPE_CHECKING:
    from vmodem.core.trace import Trace

log = logging.getLogger("vmodem")


def assemble(
    dialect: Dialect,
    network: Network,
    *,
    random: Callable[[int], bytes],
    traces: Sequence[Trace] = (),
    **options: Any,
) -> Modem:
    """Return a modem whose sockets are seen where somebody listens: a trace, or the reader of a log at ``debug``.

    Args:
        dialect: which device it is.
        network: what stands behind it.
        random: returns as many random bytes as it is asked for.
        traces: who listens.
        options: what else `Modem` takes.
    """
    if not traces and not log.isEnabledFor(logging.DEBUG):
        return Modem(dialect, network, random=random, **options)
    from vmodem.observed import ObservedNetwork, ObservedTls  # not at the top: without listeners nobody pays for it

    front = ObservedNetwork(network)
    modem = Modem(dialect, front, random=random, traces=traces, tls=ObservedTls(random), **options)
    front.tell = modem.tell
    return modem
