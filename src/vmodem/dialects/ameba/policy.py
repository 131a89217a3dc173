"""What the Ameba does differently on either side of ``--follow``; each field has its row in errata.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmodem.core import dialect
from vmodem.core.framing import Overlong


@dataclass(frozen=True, kw_only=True)
class Policy(dialect.Policy):
    """One side.

    Attributes:
        unknown_is_silent: whether a line that is no known command gets no answer at all.
        missing_certificate: the number of the error when a certificate suite does not exist.
        read_is_text: whether SKTREAD prints the data as text: up to the first NUL, and nothing where it is too long.
        partial_send_is_ok: whether a send that a timeout cut short counts as sent.
        tls_has_options: whether the options of SKTCFG are for TLS links too.
        failed_raw_ends_at_once: whether SKTSENDRAW ends when sending fails, and takes what follows for commands.
    """

    unknown_is_silent: bool
    missing_certificate: int
    read_is_text: bool
    partial_send_is_ok: bool
    tls_has_options: bool
    failed_raw_ends_at_once: bool


MANUAL: Final = Policy(
    overlong=Overlong.TRUNCATE,
    unknown_is_silent=False,
    missing_certificate=6,
    read_is_text=False,
    partial_send_is_ok=False,
    tls_has_options=True,
    failed_raw_ends_at_once=False,
)

FIRMWARE: Final = Policy(
    loses_input=True,
    overlong=Overlong.TRUNCATE,
    unknown_is_silent=True,
    missing_certificate=1,
    read_is_text=True,
    partial_send_is_ok=True,
    tls_has_options=False,
    failed_raw_ends_at_once=True,
)
