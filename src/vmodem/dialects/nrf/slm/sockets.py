"""Socket #XSOCKET, secure socket #XSSOCKET, and how a socket is opened and closed."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from vmodem.core.commands import CommandTable, Information
from vmodem.core.parameters import one_of, unless
from vmodem.dialects.nrf.device import information
from vmodem.dialects.nrf.opening import CLOSE, FAMILIES, opens
from vmodem.dialects.nrf.slm.device import SecTag, SerialLteModem
from vmodem.dialects.nrf.slm.options import TLS_PEER_VERIFY
from vmodem.dialects.nrf.socket import CLIENT, IPPROTO, IPPROTO_SECURE
from vmodem.dialects.nrf.values import PEER_VERIFY, UINT16, PlainRole, Role, SecureType, Type
from vmodem.net.interface import Family, SocketType

REQUIRED: Final = 2
"""The default <peer_verify> of a client; a server's is 0, none."""

Op: TypeAlias = Annotated[
    int, unless("socket_op_unchecked", one_of({CLOSE: "close", 1: "open for IPv4", 2: "open for IPv6"}), UINT16)
]

commands = CommandTable("Socket AT commands")


def close_active(device: SerialLteModem, op: int) -> str | None:
    """Close the active socket; nothing happens where there is none, nor for an <op> that stands for nothing."""
    if op != CLOSE or device.active is None:
        return None
    device.close(device.active)
    return '#XSOCKET: 0,"closed"'


@commands.set("#XSOCKET", "Open or close a socket")
@opens(otherwise=close_active)
def xsocket(device: SerialLteModem, op: Op, type: Type, role: PlainRole) -> str:
    """Open a socket, or close the active one.

    Args:
        device: the device.
        op: what to do; whatever follows 0 is ignored.
        type: socket type.
        role: which end of a connection it is; a raw socket is always a client.

    Manual:
        Socket #XSOCKET

    Answers:
        #XSOCKET: <handle>,<type>,<protocol> - the protocol is 6 TCP, 17 UDP, 0 raw.
        #XSOCKET: <result>,"closed" - where a socket was closed; the result is 0.

    Errors:
        as many sockets as there may be are open.
        a raw socket needs a permission of the host: root, or CAP_NET_RAW.
    """
    slot = device.need_slot()
    socket_type, family = SocketType(type), FAMILIES[op]
    if socket_type is SocketType.RAW:
        family, role = Family.PACKET, CLIENT
    socket = device.open(family, socket_type, role)
    device.opened_as(socket, slot)
    return f"#XSOCKET: {socket.handle},{type},{IPPROTO[socket_type]}"


@commands.read("#XSOCKET")
def xsocket_read(device: SerialLteModem) -> str | None:
    """Show the active socket: handle, family, role.

    Answers:
        #XSOCKET: <handle>,<family>,<role> - the family is 1 IPv4, 2 IPv6, 3 packet.
        #XSOCKET: 0 - where none is open, in version 1.9.
    """
    return _active(device, "#XSOCKET")


@commands.test("#XSOCKET")
def xsocket_test(device: SerialLteModem) -> Information:
    """Show the accepted values of op, type and role.

    Answers:
        #XSOCKET: (0,1,2),(1,2,3),(0,1)
    """
    line = "#XSOCKET: (0,1,2),(1,2,3),(0,1)"
    return information(line).removesuffix(b"\r\n") if device.policy.test_is_unended else line


@commands.set("#XSSOCKET", "Open or close a secure socket")
@opens(otherwise=close_active)
def xssocket(
    device: SerialLteModem,
    op: Op,
    type: SecureType,
    role: Role,
    sec_tag: SecTag,
    peer_verify: Annotated[int, PEER_VERIFY] | None = None,
) -> str:
    """Open a secure socket (TLS 1.2 or DTLS 1.2), or close the active socket.

    Args:
        device: the device.
        op: what to do; whatever follows 0 is ignored.
        type: socket type.
        role: which end of a connection it is.
        sec_tag: security tag of the credentials.
        peer_verify: whether the peer has to prove who it is; 2 by default for a client, 0 for a server.

    Manual:
        Secure Socket #XSSOCKET

    Answers:
        #XSSOCKET: <handle>,<type>,<protocol> - the protocol is 258 TLS 1.2, 273 DTLS 1.2.
        #XSOCKET: <result>,"closed" - where a socket was closed; the result is 0.

    Errors:
        as many sockets as there may be are open.
    """
    slot = device.need_slot()
    socket = device.open(FAMILIES[op], SocketType(type), role)
    socket.sec_tag = sec_tag
    socket.options[TLS_PEER_VERIFY] = (REQUIRED if role == CLIENT else 0) if peer_verify is None else peer_verify
    device.opened_as(socket, slot)
    return f"#XSSOCKET: {socket.handle},{type},{IPPROTO_SECURE[socket.type]}"


@commands.read("#XSSOCKET")
def xssocket_read(device: SerialLteModem) -> str | None:
    """Show the active socket, secure or not: handle, family, role.

    Answers:
        #XSSOCKET: <handle>,<family>,<role> - the family is 1 IPv4, 2 IPv6, 3 packet.
        #XSSOCKET: 0 - where none is open, in version 1.9.
    """
    return _active(device, "#XSSOCKET")


@commands.test("#XSSOCKET")
def xssocket_test(device: SerialLteModem) -> str:
    """Show the accepted values of the parameters.

    Answers:
        #XSSOCKET: (0,1,2),(1,2),<sec_tag>,<peer_verify>,<hostname_verify> - with --follow firmware others.
    """
    return device.policy.secure_test


def _active(device: SerialLteModem, name: str) -> str | None:
    if device.active is not None:
        return f"{name}: {device.active.handle},{device.active.family},{device.active.role}"
    return f"{name}: 0" if device.version.reads_closed else None
