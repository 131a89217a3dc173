"""Where the Ameba's manual and its firmware disagree, or the manual disagrees with itself or is silent."""

from __future__ import annotations

from typing import Final

from vmodem.core.dialect import Erratum

ERRATA: Final = (
    Erratum(
        page="Unknown commands",
        manual="the device answers: unknown command COMMAND",
        firmware="no answer at all on the port of the host: the text goes to the log",
        answer="unknown command and the line; with --follow firmware nothing",
        policy="unknown_is_silent",
    ),
    Erratum(
        page="All commands",
        manual="silent",
        firmware="what arrives while a command runs is lost",
        answer="it waits its turn; with --follow firmware it is lost",
        policy="loses_input",
    ),
    Erratum(
        page="All commands",
        manual="the command buffer has 2000 bytes; excess characters are ignored",
        firmware="one chip drops them, another takes them for the next line",
        answer="the first 1999 bytes are the line",
    ),
    Erratum(
        page="All commands",
        manual="silent about what is no number",
        firmware="read as C's atoi does: blanks, a sign, digits, the rest is ignored; no digits are 0",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTCFG",
        manual="keep-alive times are in [0,N] and positive; the default is 0",
        firmware="0 is accepted",
        answer="0 is accepted, and leaves the network's own value",
    ),
    Erratum(
        page="AT+SKTCFG",
        manual="silent about an empty value",
        firmware="it becomes 0, it does not stay what it was; trailing values may be left out with their commas",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTCFG",
        manual="so_keepalive enables keep-alive, all its times are 0 by default",
        firmware="with times of 0 an idle connection is aborted after about a second",
        answer="not imitated: times of 0 are the network's own",
    ),
    Erratum(
        page="AT+SKTCFG",
        manual="silent about seeds",
        firmware="a seed takes over SO_KEEPALIVE of its server only",
        answer="a seed has all options of its server: the host's network does so, and a host expects it",
    ),
    Erratum(
        page="AT+SKTCFG",
        manual="global options of TCP, UDP and SSL sockets",
        firmware="TLS sockets have none of them",
        answer="as the manual; with --follow firmware TLS sockets have none",
        policy="tls_has_options",
    ),
    Erratum(
        page="AT+SKTSERVER, AT+SKTCLIENT, AT+SKTSEND",
        manual="brackets around <cert_index>, <src_port>, <dst_ip>,<dst_port>: they may be left out",
        firmware="the commas are mandatory: always 5, 7 and 5 values; the manual's examples have them",
        answer="the commas are mandatory",
    ),
    Erratum(
        page="AT+SKTSERVER, AT+SKTCLIENT",
        manual="6 where a certificate or key cannot be read",
        firmware="1: it is looked for among the parameters, after <conn_type> and before the port",
        answer="6, at the same place; with --follow firmware 1",
        policy="missing_certificate",
    ),
    Erratum(
        page="AT+SKTSERVER, AT+SKTCLIENT",
        manual="10 where mbedtls_ssl_conf_own_cert() fails",
        firmware="never for a key that does not belong to the certificate: then every handshake fails",
        answer="10 for such a key, 9 for everything that cannot be read",
    ),
    Erratum(
        page="AT+SKTSERVER, AT+SKTCLIENT",
        manual="silent about the versions of TLS, and about the dates in certificates",
        firmware="TLS 1.2, as it is built by default; dates count where its clock is set",
        answer="TLS 1.2; dates count, by the clock of the modem's machine",
    ),
    Erratum(
        page="AT+SKTSERVER, AT+SKTCLIENT",
        manual="silent about an id that is in use",
        firmware="1, also where only the id is left of a connection that has ended",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTSERVER",
        manual="silent about Wi-Fi",
        firmware="a server can be made while there is none",
        answer="2, 4 or 11: what the modem binds to is its own address, and it has none then",
    ),
    Erratum(
        page="AT+SKTSERVER",
        manual="silent about two UDP servers on one port",
        firmware="both are made",
        answer="the same; a UDP client on that port is 4",
    ),
    Erratum(
        page="AT+SKTSERVER",
        manual="<auto_rcv> 3: the task that receives the TCP client and data",
        firmware="without auto_rcv too a server accepts, and reports every client",
        answer="the same; data of such a client is read with AT+SKTREAD",
    ),
    Erratum(
        page="AT+SKTSERVER",
        manual="silent about the handshake of a TLS client",
        firmware="the message comes after it. During it the client has its id already, and nothing else; where it fails"
        " the connection is closed, the id is free again, and nobody is told",
        answer="the same; the id can be deleted meanwhile",
    ),
    Erratum(
        page="AT+SKTSERVER",
        manual="silent about a TLS client that connects and says nothing",
        firmware="it keeps the server from accepting others, and from receiving what its other clients send",
        answer="not imitated: handshakes go on side by side, and each is given up after 30 seconds; the earliest before"
        " that, where no id is free for one more client",
    ),
    Erratum(
        page="AT+SKTSERVER",
        manual="tells by its examples only which id a seed gets, and nothing of a full table",
        firmware="the lowest free id of all 20; without one the connection is closed at once, and nobody is told",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTCLIENT",
        manual="no number for a name that cannot be resolved",
        firmware="1",
        answer="1",
    ),
    Erratum(
        page="AT+SKTCLIENT",
        manual="<src_port> is required for UDP only",
        firmware="for TCP and TLS it is checked and not used; AT+SKTSTATE prints that of a TLS client",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTCLIENT",
        manual="the types 3 and 5 verify the certificate of the server with the CA certificate",
        firmware="that alone: not whose certificate it is; the server is not told a name either (no SNI)",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTCLIENT",
        manual="silent about a TLS server that does not answer",
        firmware="the handshake has no end",
        answer="14 after 60 seconds",
    ),
    Erratum(
        page="AT+SKTCLIENT",
        manual="a domain name has at most 255 characters",
        firmware="not checked",
        answer="1 for a longer one: it has no address in either case",
    ),
    Erratum(
        page="AT+SKTCLIENT",
        manual="silent about datagrams that others than the destination send to a UDP client",
        firmware="they are delivered, with their sender",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTSEND, AT+SKTSENDRAW",
        manual="silent about commas in <data>",
        firmware="a backslash before a comma or a backslash; before anything else it is an error 1",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTSEND",
        manual="silent about a <data_size> that is not the length of <data>",
        firmware="1; the length counts after the backslashes are taken out",
        answer="1",
    ),
    Erratum(
        page="AT+SKTSEND, AT+SKTSENDRAW",
        manual="silent about the id of a TCP or TLS server",
        firmware="1: its seeds send",
        answer="1",
    ),
    Erratum(
        page="AT+SKTSEND, AT+SKTSENDRAW",
        manual="<so_sndtimeo>: sending returns in time, whether or not it succeeds",
        firmware="OK where a part could be sent before the time was over, and the rest is lost",
        answer="2 where not all could be sent; with --follow firmware OK if a part was",
        policy="partial_send_is_ok",
    ),
    Erratum(
        page="AT+SKTSEND, AT+SKTSENDRAW",
        manual="silent about how much a TLS link takes at once",
        firmware="as much as one record holds, 4096 bytes by default; the rest is lost, and the answer OK",
        answer="not imitated: everything is sent",
    ),
    Erratum(
        page="AT+SKTSENDRAW",
        manual="the syntax prints >>> twice, the examples once",
        firmware="once",
        answer="once",
    ),
    Erratum(
        page="AT+SKTSENDRAW",
        manual="silent about data that is left when sending has failed",
        firmware="2 at once; what follows is taken for commands",
        answer="2 once all announced bytes have come, so that no data is executed; with --follow firmware at once",
        policy="failed_raw_ends_at_once",
    ),
    Erratum(
        page="AT+SKTSENDRAW",
        manual="any size",
        firmware="pieces of 10240 bytes, of UDP a datagram each; a full buffer drops what the host sends against"
        " the High Watermark",
        answer="the same pieces; nothing is dropped, the modem stops reading",
    ),
    Erratum(
        page="AT+SKTSENDRAW",
        manual="silent",
        firmware="three < that arrive one by one before a pause end the transmission early",
        answer="not imitated: they are data, and the announced number of bytes always counts",
    ),
    Erratum(
        page="AT+SKTREAD",
        manual="silent about what happens where there is nothing to read",
        firmware="OK and a size of 0 after 20 ms; of UDP with the sender 0.0.0.0,0",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTREAD",
        manual="the length of <data> is <actual_recv_size>",
        firmware="data ends at the first NUL, whatever the size says; nothing is printed from 20000 bytes on",
        answer="all bytes; with --follow firmware as it does",
        policy="read_is_text",
    ),
    Erratum(
        page="AT+SKTREAD",
        manual="silent about the rest of a TLS record that did not fit in <data_size>",
        firmware="it cannot be read before more has come",
        answer="not imitated: it can be read at once",
    ),
    Erratum(
        page="AT+SKTREAD",
        manual="<udp_dstip>, <udp_dstport> are the destination",
        firmware="they are the sender of the datagram, for UDP clients too; what does not fit in <data_size> is lost",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTREAD, AT+SKTSTATE",
        manual="silent about a peer that closes",
        firmware="no message; the id stays in use until AT+SKTDEL, with socket_fd -1. With auto_rcv at once, else when"
        " AT+SKTREAD has read everything and answers 4. After that sending and reading is 1",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTSTATE",
        manual="the protocol of a TLS link is tls in the table, ssl in the example",
        firmware="ssl; tls in the message about a client",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTSTATE",
        manual="ports are in [1,65535], and 0 in the example",
        firmware="0.0.0.0 and 0 for what a link does not have",
        answer="the same",
    ),
    Erratum(
        page="AT+SKTDEL",
        manual="deleting a seed deletes the seed alone",
        firmware="deleting one of several seeds can corrupt the list of the others",
        answer="not imitated",
    ),
    Erratum(
        page="AT+CERT",
        manual="silent",
        firmware="prints the private key too",
        answer="the path of the key, and an empty line more where there is one; never the key, on either side",
    ),
    Erratum(
        page="AT+TEST",
        manual="silent about sizes below 1",
        firmware="AT+TEST=1 with 0 or less begins, and waits for a byte; AT+TEST=2 with less than 0 sends 4 GiB",
        answer="1: not imitated",
    ),
    Erratum(
        page="AT+UART",
        manual="silent about a speed that is out of range",
        firmware="an error, and yet it is saved",
        answer="an error, and nothing is saved",
    ),
    Erratum(
        page="AT+WLSTATICIP",
        manual="the parameters are addresses",
        firmware="what is no address counts as 255.255.255.255",
        answer="2: not imitated",
    ),
    Erratum(
        page="AT+PING",
        manual="-t is followed by the pause in seconds",
        firmware="-t stands alone, for a ping without end",
        answer="both: followed by a number it is the pause",
    ),
    Erratum(
        page="AT+PING",
        manual="numbers and sizes are positive, and 2 is a wrong number of parameters",
        firmware="0 requests, or more than 10000 bytes, are OK, and a message on another port; so is a second ping",
        answer="2, so that the host hears of it",
    ),
    Erratum(
        page="AT+SKTSERVER, AT+SKTCLIENT, AT+SKTSENDRAW, AT+SKTREAD",
        manual="numbers of errors for memory, tasks and select",
        firmware="they occur where the device runs out of something",
        answer="they do not occur: there is nothing to run out of",
    ),
    Erratum(
        page="Auto-receive",
        manual="silent about long datagrams, and about messages that come up while a command runs",
        firmware="16384 bytes at the most; messages come in between",
        answer="16384 bytes at the most; messages wait for the command's end, but for SKTSENDRAW",
    ),
    Erratum(
        page="AT+WLDISCONN, AT+WLCONN",
        manual="silent about links that are there",
        firmware="a server listens at all addresses, with or without Wi-Fi",
        answer="every link loses its socket (socket_fd:-1), servers too: they listen at the station's own address",
    ),
)
