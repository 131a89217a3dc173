"""UDP server #XUDPSVR, UDP/DTLS client #XUDPCLI, UDP send data #XUDPSEND."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any, Final

from vmodem.core.commands import CommandTable, Information
from vmodem.core.errors import CommandError
from vmodem.core.parameters import integer
from vmodem.dialects.nrf.device import Host
from vmodem.dialects.nrf.opening import CLOSE, FAMILIES, opens
from vmodem.dialects.nrf.slm.services import ServiceModem
from vmodem.dialects.nrf.slm.tcp import Client, ClientOp, Data, HostnameVerify, ServerOp, Verify, send_all, start_client
from vmodem.dialects.nrf.socket import SERVER
from vmodem.dialects.nrf.values import DTLS_CID, UInt16
from vmodem.tls.security import DtlsCid, PeerVerify

commands = CommandTable("TCP and UDP AT commands")


DTLS_TIMEOUT: Final = 10
"""Seconds that the DTLS handshake of a client may take."""


def stop_udp(device: ServiceModem, op: int) -> list[Information]:
    """Stop the UDP service, in whichever role it is; an unknown ``op`` does nothing."""
    return device.udp.stop() if op == CLOSE else []


@commands.set("#XUDPSVR", "Start or stop the UDP server")
@opens(otherwise=stop_udp)
def xudpsvr(device: ServiceModem, op: ServerOp, port: UInt16) -> list[Information]:
    """Start the UDP server, or stop the UDP service.

    Args:
        device: the device.
        op: what to do; whatever follows 0 is ignored.
        port: port to receive at.

    Manual:
        UDP server #XUDPSVR

    Answers:
        #XUDPSVR: <handle>,"started" - the handle of the socket.
        #XUDPSVR: <error>,"stopped" - where a server was stopped; the error is 0.
        #XUDPCLI: <error>,"disconnected" - where a client was stopped; the error is 0.

    Errors:
        the service is in use.
        the port is in use, or there is no address to receive at.

    URCs:
        #XUDPDATA: <size> - so many bytes of data follow.
        #XUDPSVR: <error>,"stopped" - the server has ended without being asked to.
    """
    device.udp.need_free()
    socket = device.udp.open(FAMILIES[op], SERVER)
    try:
        socket.net.bind(port)
    except OSError:
        device.udp.close()
        raise
    device.udp.serve(socket)
    return [f'#XUDPSVR: {socket.handle},"started"']


@commands.read("#XUDPSVR")
def xudpsvr_read(device: ServiceModem) -> str:
    """Show the handle of the service's socket, -1 for none, and the family.

    Answers:
        #XUDPSVR: <handle>,<family> - the family is 1 IPv4, 2 IPv6, 0 before the first.
    """
    return f"#XUDPSVR: {device.udp.handle},{device.udp.family}"


@commands.test("#XUDPSVR")
def xudpsvr_test(device: ServiceModem) -> str:
    """Show the accepted values of the parameters.

    Answers:
        #XUDPSVR: (0,1,2),<port> - with --follow firmware <sec_tag> too.
        #XUDPSVR: (0,1,2),<port>,<sec_tag> - with --follow firmware.
    """
    return device.policy.server_test


@commands.set("#XUDPCLI", "Connect or disconnect the UDP client")
@opens(otherwise=stop_udp)
async def xudpcli(
    device: ServiceModem,
    op: ClientOp,
    url: Host,
    port: UInt16,
    sec_tag: Annotated[int, integer(0)] | None = None,
    use_dtls_cid: Annotated[int, DTLS_CID] = DtlsCid.DISABLED,
    peer_verify: Verify = PeerVerify.REQUIRED,
    hostname_verify: HostnameVerify = 1,
) -> list[Information]:
    """Connect the UDP client, or stop the UDP service.

    Args:
        device: the device.
        op: what to do; whatever follows 0 is ignored.
        url: host name or address.
        port: the peer's port.
        sec_tag: security tag of a DTLS client's credentials.
        use_dtls_cid: DTLS connection identifier.
        peer_verify: whether the server has to prove who it is.
        hostname_verify: whether the name in the server's certificate has to be ``url``.

    Manual:
        UDP/DTLS client #XUDPCLI

    Answers:
        #XUDPCLI: <handle>,"connected" - the handle of the socket.
        #XUDPCLI: <error>,"not connected" - before ERROR; the error is a negative errno, or that of the resolver; -134
            where the peer does not accept the connection identifier.
        #XUDPCLI: <error>,"disconnected" - where a client was disconnected; the error is 0.
        #XUDPSVR: <error>,"stopped" - where a server was stopped; the error is 0.

    Errors:
        the service is in use.
        the name cannot be resolved, or the handshake fails.

    URCs:
        #XUDPDATA: <size> - so many bytes of data follow.
        #XUDPCLI: <error>,"disconnected" - the client has ended without being asked to.
    """
    client = Client(url, port, sec_tag, peer_verify, hostname_verify, use_dtls_cid)
    return await start_client(device.udp, "#XUDPCLI", FAMILIES[op], client, DTLS_TIMEOUT)


@commands.read("#XUDPCLI")
def xudpcli_read(device: ServiceModem) -> str:
    """Show the handle of the service's socket, -1 for none, and the family.

    Answers:
        #XUDPCLI: <handle>,<family> - the family is 1 IPv4, 2 IPv6, 0 before the first.
    """
    return f"#XUDPCLI: {device.udp.handle},{device.udp.family}"


@commands.test("#XUDPCLI")
def xudpcli_test(device: ServiceModem) -> str:
    """Show the accepted values of the parameters.

    Answers:
        #XUDPCLI: (0,1,2),<url>,<port>,<sec_tag>,<use_dtls_cid>,<peer_verify>,<tls_hostname_verify> - with --follow
            firmware <hostname_verify>.
        #XUDPCLI: (0,1,2),<url>,<port>,<sec_tag>,<use_dtls_cid>,<peer_verify>,<hostname_verify> - with --follow
            firmware.
    """
    return device.policy.client_test


@commands.set("#XUDPSEND", "Send a datagram to the UDP peer")
def xudpsend(device: ServiceModem, data: Data | None = None) -> Coroutine[Any, Any, str] | None:
    """Send ``data``, at most 1024 bytes, to the peer; enter data mode where it is left out.

    Args:
        device: the device.
        data: what to send; data mode where it is left out.

    Manual:
        UDP send data #XUDPSEND

    Answers:
        #XUDPSEND: <size> - how many bytes went.

    Errors:
        the service is not in use, or no datagram has come that a server could answer.
        sending fails.

    URCs:
        #XDATAMODE: <status> - when data mode ends: 0, or the error that ended the service.
    """
    if device.udp.socket is None:
        raise CommandError("the UDP service is not in use")
    if data is None:
        device.udp.enter_data_mode(device.udp.send)
        return None
    return send_all("#XUDPSEND", device.udp.send(data.encode("latin-1")), len(data))
