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
    """Show the handle of the service's socket, -1 for none, and the family."""
    return f"#XUDPSVR: {device.udp.handle},{device.udp.family}"


@commands.test("#XUDPSVR")
def xudpsvr_test(device: ServiceModem) -> str:
    """Show the accepted values of the parameters."""
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
    """
    client = Client(url, port, sec_tag, peer_verify, hostname_verify, use_dtls_cid)
    return await start_client(device.udp, "#XUDPCLI", FAMILIES[op], client, DTLS_TIMEOUT)


@commands.read("#XUDPCLI")
def xudpcli_read(device: ServiceModem) -> str:
    """Show the handle of the service's socket, -1 for none, and the family."""
    return f"#XUDPCLI: {device.udp.handle},{device.udp.family}"


@commands.test("#XUDPCLI")
def xudpcli_test(device: ServiceModem) -> str:
    """Show the accepted values of the parameters."""
    return device.policy.client_test


@commands.set("#XUDPSEND", "Send a datagram to the UDP peer")
def xudpsend(device: ServiceModem, data: Data | None = None) -> Coroutine[Any, Any, str] | None:
    """Send ``data``, at most 1024 bytes, to the peer; enter data mode where it is left out."""
    if device.udp.socket is None:
        raise CommandError("the UDP service is not in use")
    if data is None:
        device.udp.enter_data_mode(device.udp.send)
        return None
    return send_all("#XUDPSEND", device.udp.send(data.encode("latin-1")), len(data))
