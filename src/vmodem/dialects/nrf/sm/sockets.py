"""Socket #XSOCKET, secure socket #XSSOCKET, close socket #XCLOSE."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable, Information
from vmodem.core.errors import CommandError
from vmodem.core.parameters import one_of
from vmodem.dialects.nrf.sm.device import HANDLE, SerialModem
from vmodem.dialects.nrf.socket import CLIENT, IPPROTO, IPPROTO_SECURE, Socket
from vmodem.dialects.nrf.values import PEER_VERIFY, Cid, Int, PlainRole, Role, SecureType, Type
from vmodem.net.interface import Family, SocketType

SNDTIMEO: Final = 30
"""Send timeout of a new socket in seconds."""

TLS_PEER_VERIFY: Final = 5
"""The option of #XSSOCKETOPT that <peer_verify> sets."""

Op: TypeAlias = Annotated[int, one_of({1: "IPv4", 2: "IPv6"})]

commands = CommandTable("Socket AT commands")


@commands.set("#XSOCKET", "Open a socket", test="#XSOCKET: <handle>,(1,2),(1,2,3),(0,1),<cid>")
def xsocket(device: SerialModem, op: Op, type: Type, role: PlainRole, cid: Cid = 0) -> str:
    """Open a socket.

    Args:
        device: the device.
        op: protocol family; ignored for raw sockets.
        type: socket type.
        role: which end of a connection it is.
        cid: PDN connection; it has to be active unless it is 0.

    Manual:
        Socket #XSOCKET

    Answers:
        #XSOCKET: <handle>,<type>,<protocol> - the protocol is 6 TCP, 17 UDP, 0 raw.

    Errors:
        every handle is taken.
        the PDN connection is not active.
        a raw socket needs a permission of the host: root, or CAP_NET_RAW.

    URCs:
        #XAPOLL: <handle>,<revents> - where #XAPOLL polls all sockets.
    """
    socket_type = SocketType(type)
    family = Family(op)
    if socket_type is SocketType.RAW:
        family, role = Family.PACKET, CLIENT
    socket = _open(device, family, socket_type, role, cid)
    return f"#XSOCKET: {socket.handle},{type},{IPPROTO[socket_type]}"


@commands.read("#XSOCKET")
def xsocket_read(device: SerialModem) -> list[Information]:
    """List the open sockets that are not secure: handle, family, role, type, cid.

    Answers:
        #XSOCKET: <handle>,<family>,<role>,<type>,<cid> - for each of them; the family is 1 IPv4, 2 IPv6, 3 packet.
    """
    return [f"#XSOCKET: {s.handle},{s.family},{s.role},{s.type},{s.cid}" for s in device.listed() if s.sec_tag is None]


@commands.set(
    "#XSSOCKET",
    "Open a secure socket",
    test="#XSSOCKET: <handle>,(1,2),(1,2),(0,1),<sec_tag>,<peer_verify>,<cid>",
)
def xssocket(
    device: SerialModem,
    op: Op,
    type: SecureType,
    role: Role,
    sec_tag: Int | None = None,
    peer_verify: Annotated[int, PEER_VERIFY] | None = None,
    cid: Cid = 0,
) -> str:
    """Open a secure socket; TLS 1.2 or DTLS 1.2.

    Args:
        device: the device.
        op: protocol family.
        type: socket type.
        role: which end of a connection it is.
        sec_tag: security tag of the credentials; only a server may leave it out.
        peer_verify: whether the peer has to prove who it is; 2 by default for a client, 0 for a server.
        cid: PDN connection; likewise.

    Manual:
        Secure socket #XSSOCKET

    Answers:
        #XSSOCKET: <handle>,<type>,<protocol> - the protocol is 258 TLS 1.2, 273 DTLS 1.2.

    Errors:
        every handle is taken.
        the PDN connection is not active.

    URCs:
        #XAPOLL: <handle>,<revents> - where #XAPOLL polls all sockets.
    """
    if sec_tag is None:
        if role == CLIENT or device.policy.server_needs_sec_tag:
            raise CommandError("<sec_tag> is missing")
        sec_tag = -1
    socket = _open(device, Family(op), SocketType(type), role, cid)
    socket.sec_tag = sec_tag
    socket.options[TLS_PEER_VERIFY] = (2 if role == CLIENT else 0) if peer_verify is None else peer_verify
    return f"#XSSOCKET: {socket.handle},{type},{IPPROTO_SECURE[socket.type]}"


@commands.read("#XSSOCKET")
def xssocket_read(device: SerialModem) -> list[Information]:
    """List the open secure sockets: handle, family, role, type, sec_tag, cid.

    Answers:
        #XSSOCKET: <handle>,<family>,<role>,<type>,<sec_tag>,<cid> - for each of them; the family is 1 IPv4, 2 IPv6.
    """
    return [
        f"#XSSOCKET: {s.handle},{s.family},{s.role},{s.type},{s.sec_tag},{s.cid}"
        for s in device.listed()
        if s.sec_tag is not None
    ]


@commands.set("#XCLOSE", "Close one socket or all")
def xclose(device: SerialModem, handle: Annotated[Socket, HANDLE] | None = None) -> list[Information]:
    """Close the socket ``handle``, all sockets where it is left out; one line for each.

    Args:
        device: the device.
        handle: an open socket; all where it is left out.

    Manual:
        Close socket #XCLOSE

    Answers:
        #XCLOSE: <handle>,<result> - for each socket; the result is 0.

    URCs:
        #XAPOLL: <handle>,32 - where #XAPOLL polls it and no closure event was reported.
    """
    if handle is not None:
        device.close(handle)
        return [f"#XCLOSE: {handle.handle},0"]
    listed = device.listed()
    device.close_all()
    return [f"#XCLOSE: {socket.handle},0" for socket in listed]


def _open(device: SerialModem, family: Family, type: SocketType, role: int, cid: int) -> Socket:
    if not device.cellular.is_active(cid):
        raise CommandError(f"<cid> {cid} is no active PDN connection")
    socket = device.open(family, type, role, cid)
    socket.send_timeout = SNDTIMEO
    device.add(socket)
    return socket
