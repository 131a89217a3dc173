"""Send data #XSEND, receive data #XRECV, UDP send data #XSENDTO, UDP receive data #XRECVFROM."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any, Final, TypeAlias

from vmodem.core import calls
from vmodem.core.commands import CommandTable, Information
from vmodem.core.errors import CommandError, in_words
from vmodem.core.parameters import text
from vmodem.dialects.nrf.data_mode import Send
from vmodem.dialects.nrf.device import Host, need_port
from vmodem.dialects.nrf.slm.device import SerialLteModem
from vmodem.dialects.nrf.socket import Socket
from vmodem.dialects.nrf.tls import need_secured
from vmodem.dialects.nrf.transmit import Target, send_now, transmit
from vmodem.dialects.nrf.values import Int, UInt16
from vmodem.net.interface import Family, SocketType

MAX_DATA: Final = 1252

Data: TypeAlias = Annotated[str, text(MAX_DATA)]
Waiting: TypeAlias = Coroutine[Any, Any, Any]

commands = CommandTable("Socket AT commands")


@commands.set("#XSEND", "Send data")
def xsend(device: SerialLteModem, data: Data | None = None) -> str | Waiting | None:
    """Send ``data``, at most 1252 bytes, over the active socket's connection; enter data mode where it is left out.

    Args:
        device: the device.
        data: what to send; data mode where it is left out.

    Manual:
        Send data #XSEND

    Answers:
        #XSEND: <size> - how many bytes went; before ERROR too.

    Errors:
        the socket is not connected, or a server has accepted nobody.
        sending fails, or the peer does not take all in time; the line then tells how much went.

    URCs:
        #XDATAMODE: <status> - in version 2.7, when data mode ends: 0, or the error that made the data go to waste.
    """
    if data is None:
        return _begin_data_mode(device, lambda flush: transmit(device, Target(device.need_connection()), flush))
    if device.active is None:
        if data:
            raise CommandError("no socket is open, or none is selected", lines=["#XSEND: 0"])
        return "#XSEND: 0"
    socket, payload = device.need_connection(), data.encode("latin-1")
    if not payload:
        return "#XSEND: 0"
    try:
        sent = send_now(socket, payload)
    except OSError as error:
        raise CommandError(in_words(error), lines=["#XSEND: 0"]) from error
    if sent < len(payload):
        return _transmit(device, "#XSEND", Target(socket), payload, sent)
    socket.active_at = device.modem.now
    return f"#XSEND: {sent}"


def _begin_data_mode(device: SerialLteModem, send: Send) -> Waiting | None:
    datagrams = device.active is not None and device.active.type is not SocketType.STREAM
    return device.begin_data_mode(send, datagrams=datagrams)


async def _transmit(device: SerialLteModem, name: str, target: Target, payload: bytes, sent: int = 0) -> str:
    """Send what is left of ``payload``; tell how much went, before an ERROR too."""
    try:
        sent = await transmit(device, target, payload, sent)
    except OSError as error:
        raise CommandError(in_words(error), lines=[f"{name}: 0"]) from error
    if sent < len(payload):
        raise CommandError("only a part could be sent", lines=[f"{name}: {sent}"])
    return f"{name}: {sent}"


@commands.set("#XRECV", "Receive data")
async def xrecv(device: SerialLteModem, timeout: Int) -> list[Information]:
    """Receive data from the active socket's connection; just OK where the peer has ended the stream.

    Args:
        device: the device.
        timeout: seconds; 0 or less waits as long as SO_RCVTIMEO allows.

    Manual:
        Receive data #XRECV

    Answers:
        #XRECV: <size> - how many bytes there are. No line at the end of a stream.
        <data> - the bytes; in version 1.9 before the line.

    Errors:
        nothing comes in time.
        no socket is connected, or a server has accepted nobody.
        the connection was reset.
    """
    socket = device.need_connection()
    need_secured(socket)
    limit = _timeout(device, timeout)
    data = await calls.receive(device.modem, socket.net, _size(device, socket), limit, peek=False, wait_all=False)
    return _received(device, f"#XRECV: {len(data)}", data)


@commands.set("#XSENDTO", "Send a datagram to a host")
def xsendto(device: SerialLteModem, url: Host, port: UInt16, data: Data | None = None) -> Waiting | None:
    """Send ``data``, at most 1252 bytes, to ``port`` at ``url``; enter data mode where it is left out.

    Args:
        device: the device.
        url: host name or address.
        port: the peer's port; nothing can be sent to 0.
        data: what to send; data mode where it is left out.

    Manual:
        UDP send data #XSENDTO

    Answers:
        #XSENDTO: <size> - how many bytes went; before ERROR too.

    Errors:
        the name cannot be resolved.
        the socket is not connected, or a server has accepted nobody.
        sending fails, or the peer does not take all in time; the line then tells how much went.

    URCs:
        #XDATAMODE: <status> - in version 2.7, when data mode ends: 0, or the error that made the data go to waste.
    """
    need_port(port)
    if data is None:
        return _begin_data_mode(
            device, lambda flush: transmit(device, Target(device.need_active(), (url, port)), flush)
        )
    if device.active is None:
        raise CommandError("no socket is open, or none is selected", lines=["#XSENDTO: 0"])
    target = Target(device.active, (url, port))
    return _transmit(device, "#XSENDTO", target, data.encode("latin-1")) if data else _resolve_only(target)


async def _resolve_only(target: Target) -> str:
    """Send nothing, not even an empty datagram, once the host is known."""
    assert target.host is not None
    family = target.handle.family
    await calls.resolve(target.host[0], Family.UNSPEC if family is Family.PACKET else family)
    return "#XSENDTO: 0"


@commands.set("#XRECVFROM", "Receive a datagram and its sender")
async def xrecvfrom(device: SerialLteModem, timeout: Int) -> list[Information]:
    """Receive a datagram; ``timeout`` as for #XRECV. Just OK for an empty datagram.

    Args:
        device: the device.
        timeout: seconds; 0 or less waits as long as SO_RCVTIMEO allows.

    Manual:
        UDP receive data #XRECVFROM

    Answers:
        #XRECVFROM: <size>,"<ip_addr>" - how many bytes there are, and who sent them. No line for an empty datagram.
        <data> - the bytes; in version 1.9 before the line.

    Errors:
        nothing comes in time.
        no socket is active.
    """
    socket = device.reaches(device.need_active())
    need_secured(socket)
    limit = _timeout(device, timeout)
    data, sender = await calls.receive_from(device.modem, socket.net, _size(device, socket), limit, peek=False)
    return _received(device, f'#XRECVFROM: {len(data)},"{sender[0]}"', data)


def _size(device: SerialLteModem, socket: Socket) -> int:
    return device.version.receive_limits[socket.type][socket.family]


def _timeout(device: SerialLteModem, timeout: int) -> float:
    return timeout if timeout > 0 else device.need_active().receive_timeout


def _received(device: SerialLteModem, header: str, data: bytes) -> list[Information]:
    if not data:
        return []
    return [data, header] if device.version.payload_first else [header, data]
