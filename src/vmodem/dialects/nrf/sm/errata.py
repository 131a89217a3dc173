"""Where the Serial Modem's manual and its firmware disagree, or the manual disagrees with itself."""

from __future__ import annotations

from typing import Final

from vmodem.core.dialect import Erratum
from vmodem.dialects.nrf import errata as nrf

ERRATA: Final = (
    Erratum(
        page="Socket AT commands",
        manual="up to 8 sockets",
        firmware="7 sockets with the shipped configuration",
        answer="8; with --follow firmware 7",
        policy="max_sockets",
    ),
    Erratum(
        page="#XSOCKET",
        manual="<family> is present only in the response to a request to open the socket",
        firmware="<family> stands in the response of the read command only",
        answer="as the manual's own syntax and example show it: in the read command",
    ),
    Erratum(
        page="#XSSOCKET",
        manual="<sec_tag> is not supported when <role> is 1, yet the syntax makes it mandatory",
        firmware="mandatory for both roles",
        answer="it may be left out for a server and reads back as -1; with --follow firmware it is mandatory",
        policy="server_needs_sec_tag",
    ),
    Erratum(
        page="#XSSOCKET, #XLISTEN",
        manual="silent on what a secure socket with <role> 1 is good for",
        firmware="opens it; the stack has no TLS and DTLS servers",
        answer="opening is OK, #XLISTEN is ERROR",
    ),
    Erratum(
        page="#XSOCKETOPT",
        manual="the text of RAI value 4 is a copy of another value's",
        firmware="4 is RAI_ONGOING",
        answer="4 is accepted and means ongoing",
    ),
    Erratum(
        page="#XSSOCKETOPT",
        manual="for secure sockets",
        firmware="OK on a socket that is not secure, and nothing happens",
        answer="ERROR, since nothing was set; with --follow firmware OK",
        policy="options_need_secure",
    ),
    Erratum(
        page="#XSSOCKETOPT",
        manual="AT_TLS_DTLS_CID is set-only",
        firmware="it can be read",
        answer="reading is ERROR; with --follow firmware it answers the value",
        policy="cid_readable",
    ),
    Erratum(
        page="#XACCEPT",
        manual='the example prints #XACCEPT: 0,"192.168.0.2", the handle of the listening socket',
        firmware="the next free handle",
        answer="the next free handle: the text says that it is the handle of the accepted connection",
    ),
    Erratum(
        page="#XACCEPT",
        manual="<handle> represents the socket handle of the accepted connection",
        firmware="no command finds a socket by that handle; data goes through the listening handle",
        answer="both handles reach the peer; with --follow firmware only the listening one",
        policy="accepted_is_socket",
    ),
    Erratum(
        page="#XSEND, #XSENDTO",
        manual="hexadecimal strings have at most 2800 characters",
        firmware="at most 2802",
        answer="2800; with --follow firmware 2802",
        policy="max_hex_digits",
    ),
    Erratum(
        page="#XSEND, #XSENDTO",
        manual="silent on a send that fails",
        firmware="the information line with 0, or with what was sent, then ERROR",
        answer="as the firmware",
    ),
    Erratum(
        page="#XRECV, #XRECVFROM",
        manual="silent on the end of a stream and on empty datagrams",
        firmware="OK without an information line, each time it is asked",
        answer="as the firmware",
    ),
    Erratum(
        page="#XSEND",
        manual="the data mode example ends with +++, and shows no response to it",
        firmware="#XDATAMODE: 0",
        answer="#XDATAMODE: 0",
    ),
    Erratum(
        page="#XSEND, #XSENDTO",
        manual="silent on the LF of a host that ends its lines with CR LF",
        firmware="the LF after the CR of the command that enters data mode is the first byte of data",
        answer=(
            "it belongs to the command, unless the host's earlier lines ended in a bare CR; "
            "with --follow firmware it is data"
        ),
        policy="swallow_line_feed",
    ),
    Erratum(
        page="#XAPOLL",
        manual='the example sends AT#XSEND=1,"echo", without <mode> and <flags>',
        firmware="ERROR",
        answer="ERROR: the syntax makes both mandatory",
    ),
    Erratum(
        page="#XAPOLL",
        manual="the example sends AT#XRECV=1,1, without <flags> and <timeout>, and its response lacks <mode>",
        firmware="ERROR",
        answer="ERROR: the syntax makes both mandatory; the response has its mode",
    ),
    Erratum(
        page="#XAPOLL",
        manual="the first example opens handle 1 first, the second one handle 0",
        firmware="the first handle is 0",
        answer="the first handle is 0",
    ),
    Erratum(
        page="#XAPOLL",
        manual="the syntax of the read command has a comma after <events> even without handles",
        firmware="no comma",
        answer="no comma",
    ),
    Erratum(
        page="#XAPOLL",
        manual="with <events> 0 the default events are polled",
        firmware="with <events> 0 nothing is reported",
        answer="error and closure events are reported; with --follow firmware nothing is",
        policy="polls_closure_alone",
    ),
    Erratum(
        page="#XAPOLL",
        manual="starting while running stops the current polling and starts a new one",
        firmware="starting for all sockets while running adds the new events to those that wait",
        answer="a new polling; with --follow firmware as the firmware does",
        policy="restart_resets",
    ),
    Erratum(
        page="#XAPOLL",
        manual="the example's comment: POLLNVAL is reported after #XCLOSE unless a closure event was",
        firmware="closing with #XCLOSE reports nothing",
        answer="#XAPOLL: <handle>,32 after the response; with --follow firmware nothing",
        policy="closing_reports_nval",
    ),
    Erratum(
        page="#XGETADDRINFO",
        manual="the syntax shows <hostname> bare, the examples quote it",
        firmware="accepts both",
        answer="both are accepted",
    ),
    Erratum(
        page="#XRECV, #XRECVFROM",
        manual="<flags> is one of 0, 2, 64, 256, based on the BSD socket definition, by which flags are summed",
        firmware="sums too",
        answer="sums too",
    ),
    Erratum(
        page="#XPING",
        manual="silent on the length of a host name",
        firmware="at most 127 bytes",
        answer="128, as for the other commands; with --follow firmware 127",
        policy="max_host",
    ),
    *nrf.SOCKETS,
    *nrf.ERRATA,
)
