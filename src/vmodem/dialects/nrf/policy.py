"""What the handlers of every nRF91 dialect do differently on either side of ``--follow``."""

from __future__ import annotations

from dataclasses import dataclass

from vmodem.core import dialect


@dataclass(frozen=True, kw_only=True)
class Policy(dialect.Policy):
    """One side of one dialect; each adds its own.

    Attributes:
        max_host: longest host name, in bytes.
        role_unchecked: whether #XSOCKET takes any number for <role>.
    """

    max_host: int = 128
    role_unchecked: bool = False
