"""What the Serial LTE Modems do differently on either side of ``--follow``.

Each field that ``--follow`` switches has its row in the errata of the dialects that switch it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vmodem.core.framing import Overlong
from vmodem.dialects.nrf import policy


@dataclass(frozen=True, kw_only=True)
class Policy(policy.Policy):
    """One side of one dialect.

    Attributes:
        first_handle: the lowest handle.
        first_accepted: the lowest handle of an accepted connection.
        test_is_unended: whether the line of AT#XSOCKET=? lacks its last CR LF.
        secure_test: what AT#XSSOCKET=? prints.
        select_tests: whether AT#XSOCKETSELECT=? is OK.
        first_ranking: the ranking of the first socket.
        timeouts_quoted: whether #XSOCKETOPT prints timeouts as in ``"30 sec"``.
        options_unread: whether getting SO_REUSEADDR, or any TLS option that can be set, is OK without a line.
        polls_accepted: whether #XPOLL polls accepted connections.
        ciphersuite_reads_zero: whether TLS_CIPHERSUITE_USED reads as 0, whatever was chosen.
        accept_reads_as: the name that the line of AT#XACCEPT? begins with.
        accept_reads_ended: whether that line has the handle of a connection that has ended.
        send_error_is_ok: whether data mode that ends because sending failed ends with OK.
        event_fd: whether each service holds one more handle.
        disconnected_after_data_mode: whether a client that left in data mode is told of after #XDATAMODE.
        hangup_after_ok: whether the line of #XTCPHANGUP comes after its OK.
        server_test: what AT#XUDPSVR=? prints.
        client_test: what AT#XUDPCLI=? prints.
        socket_op_unchecked: whether #XSOCKET and #XSSOCKET take any <op>, and do nothing for one that is not listed.
        option_op_unchecked: whether #XSOCKETOPT and #XSSOCKETOPT do so.
        service_op_unchecked: whether the commands of the services do so.
        option_name_unchecked: whether #XSSOCKETOPT takes any <name>: getting one that is not listed prints nothing.
        handshake_timeo_zero: whether TLS_DTLS_HANDSHAKE_TIMEO can be set to 0.
    """

    first_handle: int = 0
    first_accepted: int = 1
    test_is_unended: bool = False
    secure_test: str = "#XSSOCKET: (0,1,2),(1,2),<sec_tag>,<peer_verify>,<hostname_verify>"
    select_tests: bool = False
    first_ranking: int = 2
    timeouts_quoted: bool = False
    options_unread: bool = False
    polls_accepted: bool = True
    ciphersuite_reads_zero: bool = False
    accept_reads_as: str = "#XACCEPT"
    accept_reads_ended: bool = False
    send_error_is_ok: bool = False
    event_fd: bool = False
    disconnected_after_data_mode: bool = True
    hangup_after_ok: bool = False
    server_test: str = "#XUDPSVR: (0,1,2),<port>"
    client_test: str = "#XUDPCLI: (0,1,2),<url>,<port>,<sec_tag>,<use_dtls_cid>,<peer_verify>,<tls_hostname_verify>"
    socket_op_unchecked: bool = False
    option_op_unchecked: bool = False
    service_op_unchecked: bool = False
    option_name_unchecked: bool = False
    handshake_timeo_zero: bool = False


def _firmware(manual: Policy, **changes: object) -> Policy:
    """Return the firmware's side of a dialect: what all versions do differently from their manuals, and ``changes``."""
    return replace(
        manual,
        first_handle=0,
        first_accepted=0,
        max_host=127,
        test_is_unended=True,
        secure_test="#XSSOCKET: (0,1,2),(1,2),(0,1)<sec-tag>,<peer_verify>",
        accept_reads_as="#XTCPACCEPT",
        accept_reads_ended=True,
        options_unread=True,
        ciphersuite_reads_zero=True,
        drops_urcs=True,
        role_unchecked=True,
        option_op_unchecked=True,
        option_name_unchecked=True,
        handshake_timeo_zero=True,
        **changes,  # type: ignore[arg-type]
    )


MANUAL_1_9: Final = Policy(
    first_handle=1,
    timeouts_quoted=True,
)
FIRMWARE_1_9: Final = _firmware(
    MANUAL_1_9,
    send_error_is_ok=True,
    loses_input=True,
    overlong=Overlong.ERROR_AT_ONCE,
    socket_op_unchecked=True,
)

MANUAL_2_0: Final = Policy()
FIRMWARE_2_0: Final = _firmware(
    MANUAL_2_0,
    send_error_is_ok=True,
    loses_input=True,
    overlong=Overlong.ERROR_AT_ONCE,
    select_tests=True,
    polls_accepted=False,
    first_ranking=1,
    timeouts_quoted=True,
)

MANUAL_2_7: Final = Policy(first_handle=1)
FIRMWARE_2_7: Final = _firmware(
    MANUAL_2_7,
    select_tests=True,
    polls_accepted=False,
    first_ranking=1,
    timeouts_quoted=True,
    event_fd=True,
    disconnected_after_data_mode=False,
    hangup_after_ok=True,
    service_op_unchecked=True,
    server_test="#XUDPSVR: (0,1,2),<port>,<sec_tag>",
    client_test="#XUDPCLI: (0,1,2),<url>,<port>,<sec_tag>,<use_dtls_cid>,<peer_verify>,<hostname_verify>",
)
