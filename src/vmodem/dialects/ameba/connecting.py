"""New links: AT+SKTSERVER, AT+SKTCLIENT.

Their ids are the host's choice; seeds take the lowest free one of the same pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final, TypeAlias

from vmodem.core import calls
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError, in_words
from vmodem.core.parameters import Values
from vmodem.core.syntax import Value
from vmodem.credentials.store import Area
from vmodem.dialects.ameba import receiving, tls
from vmodem.dialects.ameba.device import Ameba, Link, NewLinkId, Protocol, Role, SocketOptions, need_free
from vmodem.dialects.ameba.syntax import PORT, field, filled, number_of
from vmodem.net.interface import Family, NetSocket, Option, SocketType, family_of

PROTOCOLS: Final = (Protocol.UDP, Protocol.TCP, *[Protocol.TLS] * 4)
"""The protocol of every <conn_type>."""

BACKLOG: Final = 5
CONNECT_TIMEOUT: Final = 20.0
"""Seconds until a peer that does not answer counts as unreachable: the device sends six SYN."""

LONGEST_HOST: Final = 255

HANDSHAKE_TIMEOUT: Final = 60.0
"""Seconds that the handshake of a client may take."""

SERVER_FAILED: Final = {Protocol.TCP: 2, Protocol.UDP: 4, Protocol.TLS: 11}
CLIENT_FAILED: Final = {Protocol.TCP: 2, Protocol.UDP: 4, Protocol.TLS: 13}
HANDSHAKE_FAILED: Final = 14

KEEP_ALIVE: Final = {
    Option.KEEPIDLE: "tcp_keepidle",
    Option.KEEPINTVL: "tcp_keepintvl",
    Option.KEEPCNT: "tcp_keepcnt",
}


def host_name(device: Ameba, value: Value) -> str:
    """Accept an IPv4 address or a domain name."""
    name = filled(device, value)
    if len(name) > LONGEST_HOST:
        raise CommandError(f"{len(name)} characters are more than {LONGEST_HOST}")
    return name


Host: TypeAlias = Annotated[str, Values(host_name, f"a text of at most {LONGEST_HOST} characters")]
ServerType: TypeAlias = Annotated[
    int,
    number_of({0: "UDP", 1: "TCP", 2: "TLS, shows a certificate", 3: "TLS, shows a certificate and checks the client"}),
]
ClientType: TypeAlias = Annotated[
    int,
    number_of(
        {
            0: "UDP",
            1: "TCP",
            2: "TLS, checks and shows nothing",
            3: "TLS, checks the server",
            4: "TLS, shows a certificate",
            5: "TLS, checks the server and shows a certificate",
        }
    ),
]

AUTO_RCV: Final = number_of({0: "no", 1: "yes"})
AutoRcv: TypeAlias = Annotated[str, Values(filled, AUTO_RCV.words, AUTO_RCV.named)]
Port: TypeAlias = Annotated[str, Values(filled, PORT.words)]
SourcePort: TypeAlias = Annotated[str, Values(field, f"{PORT.words}, or empty")]
CertIndex: TypeAlias = Annotated[str, Values(field, f"{tls.CERT_INDEX.words}, or empty")]
"""What depends on another parameter, or has to be looked at after it, is looked at in the handler."""

commands = CommandTable("Socket AT Commands")


@commands.set("+SKTSERVER", "Make a server", surplus=False)
async def sktserver(
    device: Ameba,
    link_id: NewLinkId,
    conn_type: ServerType,
    cert_index: CertIndex,
    src_port: Port,
    auto_rcv: AutoRcv,
) -> None:
    """Listen on a port.

    Args:
        device: the device.
        link_id: an id that is not in use.
        conn_type: what it speaks.
        cert_index: the certificate suite, TLS only.
        src_port: the port.
        auto_rcv: whether what arrives is sent to the host unasked; but for UDP, at the seeds.

    Errors:
        1: a parameter is missing, surplus, or none of these.
        2: a TCP server cannot be made, such as where the port is in use.
        4: a UDP server cannot be made.
        6: the certificate suite lacks a file; with --follow firmware 1.
        9: a file of the suite cannot be read.
        10: the key is not that of the certificate.
        11: a TLS server cannot be made.

    URCs:
        [$][SKT][EVENT]: A client[link_id:<link_id>,seed,<protocol>,dst_address:<ip>,dst_port:<port>] connected to
            server[link_id:<link_id>] - a client has come.
        [$][SKT][DATA][<link_id>][<size>]:<data> - with auto_rcv, what has come; of UDP [<dst_ip>][<dst_port>] before
            the colon.
    """
    security = await tls.wanted(device, Area.SERVER, conn_type, cert_index)
    port = PORT.convert(device, src_port)
    server = _link(device, link_id, Role.SERVER, conn_type, auto_rcv)
    server.source = (device.wifi.address, port)
    server.security = security
    if security is not None:
        await tls.check(device, security)
    need_free(device, link_id)
    with _failing(SERVER_FAILED[server.protocol]):
        listen = _listen_udp if server.protocol is Protocol.UDP else _listen_tcp
        net = listen(device, port, server.options)
    device.open(server, net)
    device.sockets.add(server)
    if server.listens:
        receiving.listen(device, server, net)
    else:
        receiving.receive(device, server, net)


def _link(device: Ameba, link_id: int, role: Role, conn_type: int, auto_rcv: str) -> Link:
    """Return a new link, which is in no table yet; it has the options that AT+SKTCFG asked for."""
    protocol = PROTOCOLS[conn_type]
    has_options = protocol is not Protocol.TLS or device.policy.tls_has_options
    options = device.options if has_options else SocketOptions()
    return Link(link_id, role, protocol, auto_rcv=AUTO_RCV.convert(device, auto_rcv), options=options)


def _listen_udp(device: Ameba, port: int, options: SocketOptions) -> NetSocket:
    net = device.modem.network.open(Family.IPV4, SocketType.DGRAM)
    with _closing_on_failure(net):
        _set_timeouts(net, options)
        net.set_option(Option.REUSEADDR, 1)  # as on the device, several servers may have the same port
        net.bind(port)
    return net


def _listen_tcp(device: Ameba, port: int, options: SocketOptions) -> NetSocket:
    net = device.modem.network.open(Family.IPV4, SocketType.STREAM)
    with _closing_on_failure(net):
        _set_options(net, options)
        net.bind(port)
        net.listen(BACKLOG)
    return net


@commands.set("+SKTCLIENT", "Connect to a server", surplus=False)
async def sktclient(
    device: Ameba,
    link_id: NewLinkId,
    conn_type: ClientType,
    cert_index: CertIndex,
    dst_host: Host,
    dst_port: Port,
    src_port: SourcePort,
    auto_rcv: AutoRcv,
) -> None:
    """Connect, or bind a port to send datagrams from.

    Args:
        device: the device.
        link_id: an id that is not in use.
        conn_type: what it speaks.
        cert_index: the certificate suite, for the types 3 to 5.
        dst_host: an IPv4 address or a name.
        dst_port: the peer's port.
        src_port: the port that datagrams come from, UDP only.
        auto_rcv: whether what arrives is sent to the host unasked.

    Errors:
        1: a parameter is missing, surplus, or none of these.
        1: the name cannot be resolved.
        2: a TCP connection cannot be made.
        4: a UDP client cannot be made.
        6: the certificate suite lacks a file; with --follow firmware 1.
        9: a file of the suite cannot be read.
        10: the key is not that of the certificate.
        13: a TLS connection cannot be made.
        14: the handshake fails.

    URCs:
        [$][SKT][DATA][<link_id>][<size>]:<data> - with auto_rcv, what has come; of UDP [<dst_ip>][<dst_port>] before
            the colon.
    """
    security = await tls.wanted(device, Area.CLIENT, conn_type, cert_index)
    need_free(device, link_id)
    port = PORT.convert(device, dst_port)
    source_port = PORT.convert(device, src_port) if src_port or PROTOCOLS[conn_type] is Protocol.UDP else 0
    client = _link(device, link_id, Role.CLIENT, conn_type, auto_rcv)
    client.source = ("0.0.0.0", source_port)
    device.sockets.add(client)  # before anything waits: a seed that connects meanwhile takes another id
    opened = False
    try:
        client.destination = (await _resolve(dst_host), port)
        if security is not None:
            await tls.check(device, security)
        with _failing(CLIENT_FAILED[client.protocol]):
            if client.protocol is Protocol.UDP:
                net = _bind(device, client)
            else:
                net = await _connect(device, client)
        if security is not None:
            with _failing(HANDSHAKE_FAILED):
                net = await tls.handshake(device, client, net, security, HANDSHAKE_TIMEOUT)
        receiving.receive(device, client, net)
        opened = True
    finally:
        if not opened:
            device.delete(client)


async def _resolve(host: str) -> str:
    """Return the address of ``host``; an address needs no network to be known."""
    return host if family_of(host) is Family.IPV4 else await calls.resolve(host, Family.IPV4)


def _bind(device: Ameba, client: Link) -> NetSocket:
    """Open a UDP client: it takes datagrams from anybody, and sends to its destination."""
    net = device.modem.network.open(Family.IPV4, SocketType.DGRAM)
    device.open(client, net)
    _set_timeouts(net, client.options)
    net.bind(client.source[1])
    return net


async def _connect(device: Ameba, client: Link) -> NetSocket:
    """Connect a TCP or TLS client; of the latter SKTSTATE does not tell the local address."""
    net = device.modem.network.open(Family.IPV4, SocketType.STREAM)
    device.open(client, net)
    _set_options(net, client.options)
    await calls.connect(device.modem, net, client.destination, CONNECT_TIMEOUT)
    if client.protocol is Protocol.TCP:
        client.source = net.local_address()
    return net


def _set_timeouts(net: NetSocket, options: SocketOptions) -> None:
    """Set the timeouts that AT+SKTCFG asked for; 0 is for ever."""
    if options.so_sndtimeo:
        net.set_option(Option.SNDTIMEO, options.so_sndtimeo)
    if options.so_rcvtimeo:
        net.set_option(Option.RCVTIMEO, options.so_rcvtimeo)


def _set_options(net: NetSocket, options: SocketOptions) -> None:
    """Set what AT+SKTCFG asked for on a TCP socket; 0 leaves the network's own value."""
    _set_timeouts(net, options)
    if options.tcp_nodelay:
        net.set_option(Option.NODELAY, 1)
    if options.so_keepalive:
        net.set_option(Option.KEEPALIVE, 1)
        for option, name in KEEP_ALIVE.items():
            if value := getattr(options, name):
                net.set_option(option, value)


@contextmanager
def _failing(code: int) -> Iterator[None]:
    """Turn what the network raises into the error ``code``."""
    try:
        yield
    except OSError as error:
        raise CommandError(in_words(error), code=code) from error


@contextmanager
def _closing_on_failure(net: NetSocket) -> Iterator[None]:
    try:
        yield
    except OSError:
        net.close()
        raise
