"""TCP server #XTCPSVR, TCP/TLS client #XTCPCLI, TCP send data #XTCPSEND, TCP hang up #XTCPHANGUP."""

from __future__ import annotations

import errno
from collections.abc import Coroutine
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from vmodem.core import calls
from vmodem.core.commands import CommandTable, Information
from vmodem.core.errors import CommandError, in_words
from vmodem.core.parameters import one_of, text, unless
from vmodem.dialects.nrf.device import Host
from vmodem.dialects.nrf.errno import from_host, newlib_errno
from vmodem.dialects.nrf.opening import CLOSE, FAMILIES, opens
from vmodem.dialects.nrf.slm.services import NO_HANDLE, Service, ServiceModem
from vmodem.dialects.nrf.socket import CLIENT
from vmodem.dialects.nrf.tls import HANDSHAKE_TIMEO, bundle, server_name
from vmodem.dialects.nrf.values import PEER_VERIFY, UINT16, Int, UInt16
from vmodem.net.interface import Family, ResolveError, SocketType
from vmodem.tls.security import DtlsCid, PeerVerify, Security

MAX_DATA: Final = 1024
NO_SEC_TAG: Final = -1

DNS_STATUS: Final = {
    "EAI_BADFLAGS": -1,
    "EAI_NONAME": -2,
    "EAI_AGAIN": -3,
    "EAI_FAIL": -4,
    "EAI_NODATA": -5,
    "EAI_FAMILY": -6,
    "EAI_SOCKTYPE": -7,
    "EAI_SERVICE": -8,
    "EAI_ADDRFAMILY": -9,
    "EAI_MEMORY": -10,
    "EAI_SYSTEM": newlib_errno("EIO"),
    "EAI_OVERFLOW": -12,
}
"""The dns_resolve_status of each failure; a failure of the system is its errno, positive."""

Data: TypeAlias = Annotated[str, text(MAX_DATA)]
Verify: TypeAlias = Annotated[int, PEER_VERIFY]
HostnameVerify: TypeAlias = Annotated[int, one_of({0: "not compared", 1: "compared"})]

_FIELD: Final = "service_op_unchecked"
ServerOp: TypeAlias = Annotated[
    int, unless(_FIELD, one_of({CLOSE: "stop", 1: "start for IPv4", 2: "start for IPv6"}), UINT16)
]
ClientOp: TypeAlias = Annotated[
    int, unless(_FIELD, one_of({CLOSE: "disconnect", 1: "connect over IPv4", 2: "connect over IPv6"}), UINT16)
]

commands = CommandTable("TCP and UDP AT commands")


def stop_tcp(device: ServiceModem, op: int) -> list[Information]:
    """Stop the TCP service, in whichever role it is; an unknown ``op`` does nothing."""
    return device.tcp.stop() if op == CLOSE else []


@commands.set("#XTCPSVR", "Start or stop the TCP server", test="#XTCPSVR: (0,1,2),<port>,<sec_tag>")
@opens(otherwise=stop_tcp)
async def xtcpsvr(device: ServiceModem, op: ServerOp, port: UInt16, sec_tag: Int = NO_SEC_TAG) -> list[Information]:
    """Start the TCP server, or stop the TCP service.

    Args:
        device: the device.
        op: what to do; whatever follows 0 is ignored.
        port: port to listen at.
        sec_tag: security tag of a TLS server's credentials, -1 for none.

    Manual:
        TCP server #XTCPSVR

    Answers:
        #XTCPSVR: <handle>,"started" - the handle of the listening socket.
        #XTCPSVR: <error>,"not started" - before ERROR; the error is a negative errno.
        #XTCPSVR: <error>,"disconnected" - where stopping has ended a connection; the error is 0.
        #XTCPSVR: <error>,"stopped" - where a server was stopped; the error is 0.
        #XTCPCLI: <error>,"disconnected" - where a client was stopped; the error is 0.

    Errors:
        the service is in use.
        the server cannot be started: the port is in use, there is no link, or there are no credentials with the
            security tag.

    URCs:
        #XTCPSVR: "<peer_ip>","connected" - a client has come.
        #XTCPSVR: <error>,"disconnected" - it has gone; the error is 0, or a negative errno.
        #XTCPSVR: <error>,"stopped" - the server has ended without being asked to.
        #XTCPDATA: <size> - so many bytes of data follow.
    """
    device.tcp.need_free()
    try:
        security = None
        if sec_tag != NO_SEC_TAG:
            security = await _server_security(device, sec_tag)
        handle = device.tcp.listen(FAMILIES[op], port, security).handle
    except OSError as error:
        device.tcp.close()
        line = f'#XTCPSVR: {-from_host(error.errno or errno.EIO)},"not started"'
        raise CommandError(in_words(error), lines=[line]) from error
    return [f'#XTCPSVR: {handle},"started"']


async def _server_security(device: ServiceModem, sec_tag: int) -> Security:
    """Return how a server secures its connections.

    Raises:
        ConnectionRefusedError: there are no credentials with the security tag, or none that a server can use.
    """
    found = await bundle(device, sec_tag)
    if not (found.certificate or found.psk):
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"nothing with the security tag {sec_tag} is a server's")
    security = Security(bundle=found, server=True, peer_verify=PeerVerify.NONE)
    await calls.check(device.modem, security, SocketType.STREAM)
    return security


@commands.read("#XTCPSVR")
def xtcpsvr_read(device: ServiceModem) -> str:
    """Show the handle of the service's socket, that of the accepted connection, and the family; -1 for none.

    Answers:
        #XTCPSVR: <listen_socket_handle>,<income_socket_handle>,<family> - the family is 1 IPv4, 2 IPv6, 0 before the
            first.
    """
    peer = device.tcp.peer
    return f"#XTCPSVR: {device.tcp.handle},{NO_HANDLE if peer is None else peer.handle},{device.tcp.family}"


@commands.set(
    "#XTCPCLI",
    "Connect or disconnect the TCP client",
    test="#XTCPCLI: (0,1,2),<url>,<port>,<sec_tag>,<peer_verify>,<hostname_verify>",
)
@opens(otherwise=stop_tcp)
async def xtcpcli(
    device: ServiceModem,
    op: ClientOp,
    url: Host,
    port: UInt16,
    sec_tag: Int = NO_SEC_TAG,
    peer_verify: Verify = PeerVerify.REQUIRED,
    hostname_verify: HostnameVerify = 1,
) -> list[Information]:
    """Connect the TCP client, or stop the TCP service.

    Args:
        device: the device.
        op: what to do; whatever follows 0 is ignored.
        url: host name or address.
        port: the peer's port.
        sec_tag: security tag of a TLS client's credentials, -1 for none.
        peer_verify: whether the server has to prove who it is.
        hostname_verify: whether the name in the server's certificate has to be ``url``.

    Manual:
        TCP/TLS client #XTCPCLI

    Answers:
        #XTCPCLI: <handle>,"connected" - the handle of the socket.
        #XTCPCLI: <error>,"not connected" - before ERROR; the error is a negative errno, or that of the resolver.
        #XTCPCLI: <error>,"disconnected" - where a client was disconnected; the error is 0.
        #XTCPSVR: <error>,"disconnected" - where stopping a server has ended a connection; the error is 0.
        #XTCPSVR: <error>,"stopped" - where a server was stopped; the error is 0.

    Errors:
        the service is in use.
        the name cannot be resolved, or the peer refuses, or the handshake fails.

    URCs:
        #XTCPCLI: <error>,"disconnected" - the connection has ended; the error is -104.
        #XTCPDATA: <size> - so many bytes of data follow.
    """
    client = Client(url, port, None if sec_tag == NO_SEC_TAG else sec_tag, peer_verify, hostname_verify)
    return await start_client(device.tcp, "#XTCPCLI", FAMILIES[op], client, HANDSHAKE_TIMEO)


@commands.read("#XTCPCLI")
def xtcpcli_read(device: ServiceModem) -> str:
    """Show the handle of the service's socket, -1 for none, and the family.

    Answers:
        #XTCPCLI: <handle>,<family> - the family is 1 IPv4, 2 IPv6, 0 before the first.
    """
    return f"#XTCPCLI: {device.tcp.handle},{device.tcp.family}"


@commands.set("#XTCPSEND", "Send data over the TCP connection")
def xtcpsend(device: ServiceModem, data: Data | None = None) -> Coroutine[Any, Any, str] | None:
    """Send ``data``, at most 1024 bytes, to the peer; enter data mode where it is left out, connected or not.

    Args:
        device: the device.
        data: what to send; data mode where it is left out.

    Manual:
        TCP send data #XTCPSEND

    Answers:
        #XTCPSEND: <size> - how many bytes went.

    Errors:
        nobody is connected.
        sending fails, or the peer does not take all within 30 seconds.

    URCs:
        #XDATAMODE: <status> - when data mode ends: 0, or the error that ended the connection.
    """
    if data is None:
        device.tcp.enter_data_mode(device.tcp.send)
        return None
    return send_all("#XTCPSEND", device.tcp.send(data.encode("latin-1")), len(data))


@commands.set("#XTCPHANGUP", "Hang up on the server's client", test="#XTCPHANGUP: <handle>")
def xtcphangup(device: ServiceModem, handle: Int) -> str | None:
    """Close the connection ``handle`` that the server has accepted.

    Args:
        device: the device.
        handle: that of the connection, as AT#XTCPSVR? shows it.

    Manual:
        TCP hang up #XTCPHANGUP

    Answers:
        #XTCPSVR: <error>,"disconnected" - the error is 0; with --follow firmware after the OK.

    Errors:
        the server has no such connection.

    URCs:
        #XTCPSVR: <error>,"disconnected" - with --follow firmware.
    """
    peer = device.tcp.peer
    if peer is None or peer.handle != handle:
        raise CommandError(f"<handle> {handle} is the handle of no client")
    line = device.tcp.hang_up()
    if not device.policy.hangup_after_ok:
        return line
    device.tcp.report(line)
    return None


class Client(NamedTuple):
    """Whom a client connects to, and how; ``sec_tag`` is None for a connection that is not secure."""

    url: str
    port: int
    sec_tag: int | None
    peer_verify: int
    hostname_verify: int
    use_dtls_cid: int = DtlsCid.DISABLED


async def start_client(
    service: Service, name: str, family: Family, client: Client, timeout: float
) -> list[Information]:
    """Connect a service's client, and return the line that says so.

    Args:
        service: the service, which has to be free.
        name: the command's name, which the line begins with.
        family: protocol family.
        client: whom to connect to.
        timeout: seconds that the handshake of a secure connection may take.

    Raises:
        CommandError: the service is in use, or could not connect.
    """
    service.need_free()
    socket = service.open(family, CLIENT)
    try:
        security = await _client_security(service.device, client)
        await service.connect(socket, client.url, client.port, security, timeout)
    except (OSError, ResolveError) as error:
        service.close()
        raise not_connected(name, error) from error
    return [f'{name}: {socket.handle},"connected"']


async def _client_security(device: ServiceModem, client: Client) -> Security | None:
    """Return how a client's connection is to be secured.

    Raises:
        ConnectionRefusedError: there are no credentials with the security tag.
    """
    if client.sec_tag is None:
        return None
    return Security(
        bundle=await bundle(device, client.sec_tag),
        peer_verify=PeerVerify(client.peer_verify),
        hostname=client.url if client.hostname_verify else None,
        server_name=server_name(client.url) if client.hostname_verify else None,
        dtls_cid=DtlsCid(client.use_dtls_cid),
    )


def not_connected(name: str, error: OSError | ResolveError) -> CommandError:
    """Return the error of a client that could not connect; its line has the errno, or the resolver's status."""
    if isinstance(error, ResolveError):
        status = DNS_STATUS.get(error.name, DNS_STATUS["EAI_FAIL"])
    else:
        status = -from_host(error.errno or errno.ETIMEDOUT)
    return CommandError(in_words(error), lines=[f'{name}: {status},"not connected"'])


async def send_all(name: str, sending: Coroutine[Any, Any, int], size: int) -> str:
    """Await ``sending``; return the line that tells how much went.

    Raises:
        CommandError: it was less than ``size``.
        OSError: it was nothing.
    """
    sent = await sending
    if sent < size:
        raise CommandError(f"only {sent} of {size} bytes could be sent")
    return f"{name}: {sent}"
