"""What the Serial Modem does differently on either side of ``--follow``; each field has its row in errata.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmodem.dialects.nrf import policy


@dataclass(frozen=True, kw_only=True)
class Policy(policy.Policy):
    """One side.

    Attributes:
        max_sockets: how many sockets may be open.
        max_hex_digits: longest data of hex string mode, in digits.
        accepted_is_socket: whether the handle that #XACCEPT prints is a socket of its own.
        swallow_line_feed: whether a LF after the CR of a command that enters data mode still belongs to it.
        closing_reports_nval: whether closing a polled socket gives #XAPOLL: <handle>,32.
        polls_closure_alone: whether #XAPOLL with events 0 reports closure and error events.
        restart_resets: whether starting #XAPOLL for all sockets while it runs forgets the earlier events.
        options_need_secure: whether #XSSOCKETOPT on a socket that is not secure is an error.
        cid_readable: whether AT_TLS_DTLS_CID can be read back.
        server_needs_sec_tag: whether #XSSOCKET needs <sec_tag> for a server too.
    """

    max_sockets: int
    max_hex_digits: int
    accepted_is_socket: bool
    swallow_line_feed: bool
    closing_reports_nval: bool
    polls_closure_alone: bool
    restart_resets: bool
    options_need_secure: bool
    cid_readable: bool
    server_needs_sec_tag: bool


MANUAL: Final = Policy(
    max_sockets=8,
    max_hex_digits=2800,
    accepted_is_socket=True,
    swallow_line_feed=True,
    closing_reports_nval=True,
    polls_closure_alone=True,
    restart_resets=True,
    options_need_secure=True,
    cid_readable=False,
    server_needs_sec_tag=False,
)

FIRMWARE: Final = Policy(
    max_sockets=7,
    max_host=127,
    role_unchecked=True,
    max_hex_digits=2802,
    accepted_is_socket=False,
    swallow_line_feed=False,
    closing_reports_nval=False,
    polls_closure_alone=False,
    restart_resets=False,
    options_need_secure=False,
    cid_readable=True,
    server_needs_sec_tag=True,
)
