"""Where the Serial LTE Modem's manuals and its firmware disagree, or a manual disagrees with itself."""

from __future__ import annotations

from typing import Final

from vmodem.core.dialect import Erratum
from vmodem.dialects.nrf import errata as nrf

# Where every manual is silent, and the firmware decides.

_LINES: Final = (
    Erratum(
        page="All commands",
        manual="silent on echo, the terminator, the greeting and the framing of lines",
        firmware="no echo, CR LF, Ready, and CR LF before and after each line",
        answer="as the firmware; --terminator sets another",
    ),
    Erratum(
        page="All commands",
        manual="silent on upper and lower case, but for an example in lower case",
        firmware="names may be in either",
        answer="as the firmware",
    ),
    Erratum(
        page="All commands",
        manual="silent on surplus, empty and trailing parameters",
        firmware="surplus ones are ignored, empty ones are ERROR; none follows a separator at the end",
        answer="as the firmware",
    ),
    Erratum(
        page="All commands",
        manual="silent on what a string may hold",
        firmware="anything but a quote, NUL, backspace and delete; commas and line ends too",
        answer="as the firmware",
    ),
    Erratum(
        page="#XSOCKET, #XSSOCKET",
        manual="silent on closing where nothing is open",
        firmware="OK without a line",
        answer="as the firmware",
    ),
    Erratum(
        page="#XBIND",
        manual="a local port; silent on the address",
        firmware="the address of PDN connection 0",
        answer="the modem's own address: that of --address, else loopback",
    ),
    Erratum(
        page="#XLISTEN",
        manual="silent on how many connections may wait",
        firmware="1",
        answer="1, as the host's network counts",
    ),
)

_STRICT_LINES: Final = (
    Erratum(
        page="All commands",
        manual="silent on empty lines, and on what stands before AT",
        firmware="both are ERROR",
        answer="as the firmware",
    ),
    Erratum(
        page="#XSEND, #XSENDTO",
        manual="silent on how data mode begins and ends",
        firmware="nothing when it begins; OK when +++ and the time limit of silence (32 ms at 115200 bit/s) end it",
        answer="as the firmware",
    ),
)

_LENIENT_LINES: Final = (
    Erratum(
        page="All commands",
        manual="silent on empty lines, and on what stands before AT",
        firmware="both are ignored",
        answer="as the firmware",
    ),
    Erratum(
        page="Data mode",
        manual="silent on how data mode begins and ends",
        firmware="OK when it begins; +++ anywhere ends it at once, with #XDATAMODE",
        answer="as the firmware",
    ),
    Erratum(
        page="#XTCPSVR, #XTCPCLI, #XUDPSVR, #XUDPCLI",
        manual="silent on the numbering of errors",
        firmware="newlib's, which differs from Linux's for many names",
        answer="as the firmware",
    ),
    Erratum(
        page="#XTCPSVR, #XTCPCLI, #XUDPSVR, #XUDPCLI",
        manual="silent on what is read while the service is in its other role",
        firmware="the handle of the socket that there is",
        answer="as the firmware",
    ),
    Erratum(
        page="#XTCPCLI, #XUDPCLI",
        manual="silent on connecting without a link",
        firmware="what the modem's resolver says",
        answer="-3, try again, for addresses too",
    ),
    Erratum(
        page="#XTCPDATA, #XUDPDATA",
        manual="silent on the size of what comes at once",
        firmware="at most 2048 bytes; a longer datagram is cut, an empty one ignored",
        answer="as the firmware",
    ),
    Erratum(
        page="#XTCPCLI, #XUDPCLI",
        manual="the host name has at most 128 bytes",
        firmware="at most 127",
        answer="128; with --follow firmware 127",
        policy="max_host",
    ),
)

# What the manuals of 1.9 and 2.0 have in common, and with them 2.7, whose socket commands are those of 2.0.

_SOCKETS: Final = (
    *nrf.SOCKETS,
    Erratum(
        page="#XSOCKET",
        manual="the examples print handles 3, 1 and 2 for the first socket",
        firmware="the lowest free handle",
        answer="the lowest free handle; the examples are of firmware that had other sockets open",
    ),
    Erratum(
        page="#XSOCKET",
        manual="the line of the test command ends as every line does",
        firmware="the line of the test command lacks its CR LF",
        answer="with CR LF; with --follow firmware without",
        policy="test_is_unended",
    ),
    Erratum(
        page="#XSSOCKET",
        manual="the example of the test command lists no roles, and <hostname_verify>, which the command has not",
        firmware="(0,1,2),(1,2),(0,1)<sec-tag>,<peer_verify>",
        answer="as the example; with --follow firmware as the firmware",
        policy="secure_test",
    ),
    Erratum(
        page="#XSSOCKETOPT",
        manual="the page is titled #XSOCKETOPT a second time",
        firmware="#XSSOCKETOPT",
        answer="#XSSOCKETOPT, as in its syntax",
    ),
    Erratum(
        page="#XSSOCKETOPT",
        manual="for setting, and the test command shows (1) alone; yet <op> may be 0, Get",
        firmware="options can be got",
        answer="options can be got; the test command answers as the example",
    ),
    Erratum(
        page="#XSSOCKETOPT, #XSOCKETOPT",
        manual="<op> 0 gets an option",
        firmware="OK without a line for every TLS option that can be set, and for SO_REUSEADDR",
        answer=(
            "the value, a host name without quotes, as in later firmware; ERROR for TLS_SESSION_CACHE_PURGE, which has "
            "none; with --follow firmware OK without a line"
        ),
        policy="options_unread",
    ),
    Erratum(
        page="#XSSOCKETOPT",
        manual="TLS_PEER_VERIFY is 0 or 1; the example sets 2",
        firmware="0, 1 or 2",
        answer="0, 1 or 2",
    ),
    Erratum(
        page="#XSSOCKETOPT",
        manual="TLS_CIPHERSUITE_USED returns the identifier of the chosen ciphersuite",
        firmware="0, whatever was chosen",
        answer="the identifier, ERROR before a handshake; with --follow firmware 0",
        policy="ciphersuite_reads_zero",
    ),
    Erratum(
        page="#XSOCKETOPT, #XSSOCKETOPT",
        manual="<op> is 0 or 1",
        firmware="any number from 0 to 65535: OK for another one, and nothing happens",
        answer="ERROR for another one; with --follow firmware OK",
        policy="option_op_unchecked",
    ),
    Erratum(
        page="#XSOCKETOPT",
        manual="refers to another specification for <name>, which has no numbers",
        firmware='getting any other option is OK without a line, setting it ERROR; some are answered "not supported"',
        answer="as the firmware",
    ),
    Erratum(
        page="#XSSOCKETOPT",
        manual="<name> is 2, 4, 5, 10, 11 or 12",
        firmware='getting any other option is OK without a line, setting it ERROR; some are answered "not supported"',
        answer="ERROR alone for another one; with --follow firmware as the firmware",
        policy="option_name_unchecked",
    ),
    Erratum(
        page="#XSSOCKETOPT",
        manual="TLS_DTLS_HANDSHAKE_TIMEO is 1, 3, 7, 15, 31, 63 or 123",
        firmware="0 too, for the default",
        answer="ERROR for 0; with --follow firmware OK",
        policy="handshake_timeo_zero",
    ),
    Erratum(
        page="#XSOCKETOPT",
        manual="silent on the unit of SO_TCP_SRV_SESSTIMEO",
        firmware="its documents say minutes and seconds",
        answer="minutes",
    ),
    Erratum(
        page="#XSSOCKET, #XLISTEN",
        manual="TLS and DTLS servers are not supported",
        firmware="opens their sockets; what fails later is the modem's business",
        answer="opening is OK, #XLISTEN is ERROR",
    ),
    Erratum(
        page="#XACCEPT",
        manual="the read command prints #XACCEPT: <handle>; its example prints an address",
        firmware="#XTCPACCEPT: <handle>",
        answer="#XACCEPT: <handle>; with --follow firmware #XTCPACCEPT: <handle>",
        policy="accept_reads_as",
    ),
    Erratum(
        page="#XACCEPT",
        manual="the handle of an accepted connection is positive, 0 tells that there is none",
        firmware="the lowest free handle, 0 too",
        answer="never 0; with --follow firmware the lowest free handle",
        policy="first_accepted",
    ),
    Erratum(
        page="#XACCEPT",
        manual="the read command prints 0 where there is no active incoming connection",
        firmware="the handle, until the server's socket is closed",
        answer=(
            "0 once the connection has ended, whoever ended it, and everything that came has been received; "
            "with --follow firmware the handle"
        ),
        policy="accept_reads_ended",
    ),
    Erratum(
        page="#XACCEPT, #XRECV, #XRECVFROM",
        manual="silent on a timeout",
        firmware="ERROR, without an information line",
        answer="as the firmware",
    ),
    Erratum(
        page="#XACCEPT",
        manual="silent on accepting again",
        firmware="the new connection takes the place of the old one, which nothing reaches or closes any more",
        answer="the old one is closed, since the leak is a bug",
    ),
    Erratum(
        page="#XACCEPT, #XRECV, #XRECVFROM",
        manual="<timeout> 0 means no timeout",
        firmware="so does a negative one; SO_RCVTIMEO bounds both",
        answer="as the firmware",
    ),
    Erratum(
        page="#XSEND, #XSENDTO",
        manual="silent on a send that fails",
        firmware="the information line with 0, or with what was sent, then ERROR",
        answer="as the firmware, but at once where no socket is open, not after 30 seconds",
    ),
    Erratum(
        page="#XRECV, #XRECVFROM",
        manual="silent on the end of a stream and on empty datagrams",
        firmware="OK without an information line",
        answer="as the firmware",
    ),
    Erratum(
        page="Data mode",
        manual="silent on unsolicited lines in data mode",
        firmware="those of the modem core are dropped",
        answer="they wait for its end; with --follow firmware they are dropped",
        policy="drops_urcs",
    ),
    Erratum(
        page="All commands",
        manual="silent on names that begin like a command's",
        firmware="AT#XSENDTO without parameters is taken for AT#XSEND",
        answer="names have to match, since the mix-up is a bug",
    ),
)

_POSITIVE_HANDLES: Final = Erratum(
    page="All handles",
    manual="a handle is positive where the command succeeded",
    firmware="the first handle is 0",
    answer="the first handle is 1; with --follow firmware 0",
    policy="first_handle",
)

_OLD_ENGINE: Final = (
    Erratum(
        page="All commands",
        manual="silent on input that arrives while a command runs",
        firmware="it is lost",
        answer="it waits its turn; with --follow firmware it is lost",
        policy="loses_input",
    ),
    Erratum(
        page="All commands",
        manual="silent on lines that are too long",
        firmware="ERROR at once, and the rest of the line is taken for the next one",
        answer="one ERROR when the line ends; with --follow firmware at once",
        policy="overlong",
    ),
    Erratum(
        page="#XSEND, #XSENDTO",
        manual="data mode that ends because sending failed ends with ERROR (in the description of data mode)",
        firmware="OK",
        answer="ERROR; with --follow firmware OK",
        policy="send_error_is_ok",
    ),
)

_SELECTING: Final = (
    Erratum(
        page="#XSOCKET",
        manual='the syntax of closing is #XSOCKET: <result>, its example #XSOCKET: 0,"closed"',
        firmware='#XSOCKET: 0,"closed"',
        answer="as the example",
    ),
    Erratum(
        page="#XSSOCKET",
        manual="AT#XSSOCKET=0 has no example; the syntax of its response begins with #XSOCKET",
        firmware='#XSOCKET: 0,"closed"',
        answer="as the firmware, which agrees with the syntax",
    ),
    Erratum(
        page="#XSOCKET, #XSSOCKET",
        manual="silent on reading where no socket is active",
        firmware="OK without a line",
        answer="as the firmware",
    ),
    Erratum(
        page="#XSOCKETSELECT",
        manual="silent on how rankings go on",
        firmware="each socket that is opened gets one more; none is used again or changed by selecting",
        answer="as the firmware",
    ),
    Erratum(
        page="#XRECV, #XRECVFROM",
        manual="silent on how much is received at the most",
        firmware="1240 or 1220 bytes of TCP, 1252 or 1232 of UDP, over IPv4 or IPv6; the rest of a datagram is lost",
        answer="as the firmware",
    ),
    Erratum(
        page="#XSOCKETSELECT",
        manual="the example's rankings begin with 2",
        firmware="rankings begin with 1",
        answer="2; with --follow firmware 1",
        policy="first_ranking",
    ),
    Erratum(
        page="#XSOCKETSELECT",
        manual="<type> is described for secure sockets only",
        firmware="1, 2 or 3 for every socket",
        answer="as the firmware, which agrees with the example",
    ),
    Erratum(
        page="#XSOCKETSELECT",
        manual="the test command is not supported",
        firmware="OK without a line",
        answer="ERROR; with --follow firmware OK",
        policy="select_tests",
    ),
    Erratum(
        page="#XSOCKET, #XSSOCKET",
        manual="silent on what is active after a socket could not be opened",
        firmware="no socket is active, though others are open",
        answer="the active socket stays active, since losing it is a bug",
    ),
    Erratum(
        page="#XSOCKETSELECT",
        manual="silent on the accepted connection of a server that is not selected",
        firmware="it is forgotten when another socket is selected",
        answer="it stays with its server, since losing it is a bug",
    ),
    Erratum(
        page="#XSOCKETOPT",
        manual="the example gets SO_RCVTIMEO as 30",
        firmware='"30 sec"',
        answer='30; with --follow firmware "30 sec"',
        policy="timeouts_quoted",
    ),
    Erratum(
        page="#XPOLL",
        manual="<error> is an error code",
        firmware="always -1",
        answer="polling cannot fail here: wrong parameters are ERROR alone, as in the firmware",
    ),
    Erratum(
        page="#XPOLL",
        manual="silent on a timeout",
        firmware="OK without a line",
        answer="as the firmware",
    ),
    Erratum(
        page="#XPOLL",
        manual="all opened sockets are polled where no handle is given; silent on the connection of a server",
        firmware="an accepted connection is not polled, and its handle is ERROR: nothing tells of its data",
        answer="it is polled as a socket of its own, behind its server's; with --follow firmware it is not",
        policy="polls_accepted",
    ),
    Erratum(
        page="#XPOLL",
        manual="-1 polls until there are events; silent on polling without sockets",
        firmware="without sockets it never ends",
        answer="OK at once, since nothing could end it",
    ),
)

ERRATA_1_9: Final = (
    _POSITIVE_HANDLES,
    Erratum(
        page="#XSOCKET, #XSSOCKET",
        manual='closing prints #XSOCKET: 0,"closed" in the examples of both; the syntax does not show it',
        firmware='#XSOCKET: 0,"closed"',
        answer="as the examples",
    ),
    Erratum(
        page="#XSOCKET, #XSSOCKET",
        manual="handle 0 tells that the socket is closed",
        firmware="so it does, alone in its line; an open socket has its family and role behind it",
        answer="as the firmware",
    ),
    Erratum(
        page="#XRECV, #XRECVFROM",
        manual="silent on how much is received at the most",
        firmware="668 or 648 bytes of TCP, 1252 or 1220 of UDP, over IPv4 or IPv6; the rest of a datagram is lost",
        answer="as the firmware",
    ),
    Erratum(
        page="#XSOCKET, #XSSOCKET",
        manual="one socket; silent on opening a second one",
        firmware="ERROR",
        answer="as the firmware",
    ),
    Erratum(
        page="#XSOCKET, #XSSOCKET",
        manual="<op> is 0, 1 or 2",
        firmware="any number from 0 to 65535: OK for another one, and nothing happens",
        answer="ERROR for another one; with --follow firmware OK",
        policy="socket_op_unchecked",
    ),
    Erratum(
        page="#XSOCKETOPT",
        manual="shows no response to getting an option",
        firmware='timeouts as "30 sec", other options as numbers',
        answer="as the firmware",
    ),
    Erratum(
        page="#XGETADDRINFO",
        manual="has no syntax of the set command",
        firmware="AT#XGETADDRINFO=<hostname>",
        answer="as the firmware, and the manual's example",
    ),
    *_SOCKETS,
    *_OLD_ENGINE,
    *_LINES,
    *_STRICT_LINES,
    *nrf.ERRATA,
)

ERRATA_2_0: Final = (*_SOCKETS, *_SELECTING, *_OLD_ENGINE, *_LINES, *_STRICT_LINES, *nrf.ERRATA)

ERRATA_2_7: Final = (
    _POSITIVE_HANDLES,
    Erratum(
        page="All services",
        manual="silent on handles that no socket has",
        firmware="each service holds one more handle, for an event",
        answer="none; with --follow firmware one more",
        policy="event_fd",
    ),
    Erratum(
        page="#XTCPSVR, #XTCPCLI, #XUDPSVR, #XUDPCLI",
        manual="<op> is 0, 1 or 2",
        firmware="any number from 0 to 65535: OK for another one, and nothing happens",
        answer="ERROR for another one; with --follow firmware OK",
        policy="service_op_unchecked",
    ),
    Erratum(
        page="#XTCPSVR",
        manual="the syntax lacks the comma after <op>",
        firmware="#XTCPSVR=<op>[,<port>[,<sec_tag>]]",
        answer="with the comma, as in the example",
    ),
    Erratum(
        page="#XTCPSVR",
        manual="the example prints the unsolicited lines before the OK",
        firmware='OK right after "started"',
        answer="as the firmware: the command does not wait for a client",
    ),
    Erratum(
        page="#XTCPSVR",
        manual="the example starts a TLS server with <sec_tag> 600, a timeout of older firmware",
        firmware="a <sec_tag>; without the TLS library of its own the firmware answers ERROR, and stays in use",
        answer='a <sec_tag>, as the text says; #XTCPSVR: -111,"not started" and ERROR where it has no credentials',
    ),
    Erratum(
        page="#XTCPSVR, #XTCPCLI, #XUDPSVR, #XUDPCLI",
        manual="no line for <op> 0, and none for the end of a client's connection",
        firmware='"stopped" and "disconnected" lines',
        answer="as the firmware",
    ),
    Erratum(
        page="#XTCPCLI",
        manual="the error of a connection that ended normally is 0",
        firmware="0 for the server's client, -104 for the client's own connection",
        answer="as the firmware: the manual says it of the server only",
    ),
    Erratum(
        page="#XTCPCLI, #XUDPCLI",
        manual="<error> is an errno or a dns_resolve_status",
        firmware="the negative of either; a failure of the system is its positive errno",
        answer="as the firmware",
    ),
    Erratum(
        page="#XTCPSVR, #XTCPCLI, #XUDPSVR, #XUDPCLI",
        manual="the examples print handle 2",
        firmware="the lowest free handle",
        answer="the lowest free handle, 1 on a fresh modem",
    ),
    Erratum(
        page="#XUDPSEND",
        manual="silent on more than 4096 bytes without a pause in data mode",
        firmware="+++ to the host, everything is dropped up to its +++, then #XDATAMODE: -139",
        answer="as the firmware",
    ),
    Erratum(
        page="Data mode",
        manual="silent on the services' own lines in data mode",
        firmware="printed at once, amid the data",
        answer="they wait for its end",
    ),
    Erratum(
        page="Data mode",
        manual="silent on data that comes between the modem's +++ and the host's",
        firmware="it has its header",
        answer="as the firmware",
    ),
    Erratum(
        page="Data mode",
        manual="silent on a client that comes and goes in a data mode that is not the TCP service's",
        firmware="both are told of at once",
        answer="both are told of, as soon as lines are sent again; the next client has to wait for that",
    ),
    Erratum(
        page="#XTCPCLI",
        manual="silent on connecting again after the connection was lost",
        firmware="ERROR until AT#XTCPCLI=0 was sent",
        answer="connects, since the refusal is a bug",
    ),
    Erratum(
        page="#XTCPSVR",
        manual="silent on clients of a TLS server that are slow at their handshake, or silent",
        firmware="the handshake belongs to accepting: nobody else is served meanwhile",
        answer=(
            "the first that is done is served, the others are turned away; each has 30 seconds, and 8 may be at it "
            "at once: for one more the earliest is turned away"
        ),
    ),
    Erratum(
        page="#XTCPSVR",
        manual="silent on a second client",
        firmware="it is accepted and closed at once, without a line",
        answer="as the firmware",
    ),
    Erratum(
        page="#XTCPSVR",
        manual='the line of a client that has been "disconnected" is emitted, without exception',
        firmware="not where it left in the TCP service's data mode: #XDATAMODE tells the cause alone",
        answer="it comes after #XDATAMODE, and the next client has to wait for it; with --follow firmware neither",
        policy="disconnected_after_data_mode",
    ),
    Erratum(
        page="#XTCPHANGUP",
        manual="the line comes before the OK; the test command is written #TCPHANGUP",
        firmware="the line mostly comes after the OK; the command is #XTCPHANGUP",
        answer="the line before the OK, with --follow firmware after it; #XTCPHANGUP",
        policy="hangup_after_ok",
    ),
    Erratum(
        page="#XTCPSEND, #XUDPSEND",
        manual="silent on a send that fails",
        firmware="ERROR, without an information line",
        answer="as the firmware, after 30 seconds where the peer takes nothing",
    ),
    Erratum(
        page="#XUDPSVR",
        manual="the test command prints no <sec_tag>",
        firmware="(0,1,2),<port>,<sec_tag>",
        answer="as the manual; with --follow firmware as the firmware",
        policy="server_test",
    ),
    Erratum(
        page="#XUDPCLI",
        manual="the example of the test command prints <tls_hostname_verify>, the syntax <hostname_verify>",
        firmware="<hostname_verify>",
        answer="as the example; with --follow firmware <hostname_verify>",
        policy="client_test",
    ),
    Erratum(
        page="Data mode",
        manual="silent on a connection that ends in data mode",
        firmware="+++ to the host, then everything is discarded up to its +++, and #XDATAMODE tells the cause",
        answer="as the firmware",
    ),
    Erratum(
        page="#XCMNG",
        manual="silent on listing with <sec_tag> and <type>",
        firmware="they are ignored; with fewer than three parameters listing fails at random",
        answer="they are ignored; listing never fails",
    ),
    *_SOCKETS,
    *_SELECTING,
    *_LINES,
    *_LENIENT_LINES,
    *nrf.ERRATA,
)
