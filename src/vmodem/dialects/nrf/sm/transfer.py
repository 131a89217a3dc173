"""Send data #XSEND, receive data #XRECV, UDP send data #XSENDTO, UDP receive data #XRECVFROM."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Annotated, Any, Final, TypeAlias

from vmodem.core import calls
from vmodem.core.commands import CommandTable, Information
from vmodem.core.errors import CommandError, in_words
from vmodem.core.parameters import anything, integer, one_of
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.data_mode import EscapedDataMode
from vmodem.dialects.nrf.device import Host, need_port
from vmodem.dialects.nrf.sm.device import Handle, SerialModem
from vmodem.dialects.nrf.socket import SERVER, Socket
from vmodem.dialects.nrf.tls import need_secured
from vmodem.dialects.nrf.transmit import AT_MSG_WAITACK, Target, send_now, transmit
from vmodem.dialects.nrf.values import Int, UInt16
from vmodem.net.interface import MSG_PEEK, POLLIN, POLLOUT, Address, SocketType

TEXT: Final = 0
HEX: Final = 1
DATA_MODE: Final = 2

AT_MSG_PEEK: Final = 2
AT_MSG_DONTWAIT: Final = 64
AT_MSG_WAITALL: Final = 256

RECEIVE_FLAGS: Final = AT_MSG_PEEK | AT_MSG_DONTWAIT | AT_MSG_WAITALL
WAITACK_TIMEOUT: Final = 600
"""Longest send timeout in seconds that waiting for an acknowledgement accepts; the shortest is 1."""

Mode: TypeAlias = Annotated[int, one_of({TEXT: "bytes as they are", HEX: "hexadecimal digits"})]
SendMode: TypeAlias = Annotated[int, one_of({TEXT: "text", HEX: "hexadecimal digits", DATA_MODE: "data mode"})]
Timeout: TypeAlias = Annotated[int, integer(0)]
DataLen: TypeAlias = Annotated[int, integer(0, 2048)]
Data: TypeAlias = Annotated[Value | None, anything]
"""A string where the mode needs it; data mode ignores whatever is given."""

Waiting: TypeAlias = Coroutine[Any, Any, list[Information]]

commands = CommandTable("Socket AT commands")


@commands.set("#XSEND", "Send data")
def xsend(
    device: SerialModem, handle: Handle, mode: SendMode, flags: Int, data: Data = None
) -> str | Coroutine[Any, Any, str] | None:
    """Send data over a connection.

    Args:
        device: the device.
        handle: an open socket.
        mode: what the data is, or data mode.
        flags: 0, or 512 to wait until the peer has acknowledged.
        data: what to send, mandatory in modes 0 and 1.

    Manual:
        Send data #XSEND

    Answers:
        #XSEND: <handle>,<size> - how many bytes went; before ERROR too. No line in data mode, whose OK comes first.

    Errors:
        the socket is not connected, or a server has accepted nobody.
        the data is no text, or no hexadecimal digits, or too long.
        sending fails, or the peer does not take all within the send timeout; the line then tells how much went.

    URCs:
        #XDATAMODE: <status> - when data mode ends: 0, or the error that made the data go to waste.
        #XAPOLL: <handle>,<revents> - where #XAPOLL polls the socket for POLLOUT.
    """
    _check_send_flags(device.reaches(handle), flags)
    target = Target(handle, None, flags)
    if mode == DATA_MODE:
        _enter_data_mode(device, target)
        return None
    payload = _payload(device, mode, data)
    socket = _connection(device, handle)
    if not payload:
        return f"#XSEND: {handle.handle},0"
    try:
        sent = send_now(socket, payload)
    except OSError as error:
        device.poller.rearm(handle, POLLOUT)
        raise CommandError(in_words(error), lines=[f"#XSEND: {handle.handle},0"]) from error
    if sent < len(payload) or flags:
        return _transmit(device, "#XSEND", target, payload, sent)
    socket.active_at = device.modem.now
    device.poller.rearm(handle, POLLOUT)
    return f"#XSEND: {handle.handle},{sent}"


@commands.set("#XSENDTO", "Send a datagram to a host")
def xsendto(
    device: SerialModem,
    handle: Handle,
    mode: SendMode,
    flags: Int,
    url: Host,
    port: UInt16,
    data: Data = None,
) -> Coroutine[Any, Any, str] | None:
    """Send data to ``port`` at ``url``; the other parameters as for #XSEND. A stream socket has to be connected.

    Args:
        device: the device.
        handle: an open socket.
        mode: what the data is, or data mode.
        flags: 0, or 512 to wait until the peer has acknowledged.
        url: host name or address.
        port: the peer's port; nothing can be sent to 0.
        data: what to send, mandatory in modes 0 and 1.

    Manual:
        UDP send data #XSENDTO

    Answers:
        #XSENDTO: <handle>,<size> - how many bytes went; before ERROR too. No line in data mode, whose OK comes first.

    Errors:
        the name cannot be resolved.
        the socket is not connected, or a server has accepted nobody.
        the data is no text, or no hexadecimal digits, or too long.
        sending fails, or the peer does not take all within the send timeout; the line then tells how much went.

    URCs:
        #XDATAMODE: <status> - when data mode ends: 0, or the error that made the data go to waste.
        #XAPOLL: <handle>,<revents> - where #XAPOLL polls the socket for POLLOUT.
    """
    _check_send_flags(device.reaches(handle), flags)
    need_port(port)
    target = Target(handle, (url, port), flags)
    if mode == DATA_MODE:
        _enter_data_mode(device, target)
        return None
    return _transmit(device, "#XSENDTO", target, _payload(device, mode, data))


async def _transmit(device: SerialModem, name: str, target: Target, payload: bytes, sent: int = 0) -> str:
    """Send what is left of ``payload``; tell how much went, before an ERROR too."""
    handle = target.handle
    try:
        sent = await transmit(device, target, payload, sent)
    except OSError as error:
        raise CommandError(in_words(error), lines=[f"{name}: {handle.handle},0"]) from error
    finally:
        device.poller.rearm(handle, POLLOUT)
    line = f"{name}: {handle.handle},{sent}"
    if sent < len(payload):
        raise CommandError("only a part could be sent", lines=[line])
    return line


@commands.set("#XRECV", "Receive data")
def xrecv(
    device: SerialModem, handle: Handle, mode: Mode, flags: Int, timeout: Timeout, data_len: DataLen = 2048
) -> list[Information] | Waiting | None:
    """Receive data; just OK where the peer has ended the stream.

    Args:
        device: the device.
        handle: an open socket.
        mode: how the data is printed.
        flags: a sum of 2 (leave the data in place), 64 (do not wait) and 256 (wait until ``data_len`` bytes came, TCP).
        timeout: seconds, 0 for ever; it becomes the socket's receive timeout.
        data_len: the most bytes to receive; 0 receives nothing.

    Manual:
        Receive data #XRECV

    Answers:
        #XRECV: <handle>,<mode>,<size> - how many bytes follow. No line at the end of a stream.
        <data> - the bytes, in mode 1 as hexadecimal digits.

    Errors:
        nothing comes in time, or nothing is there with flag 64.
        the flags are none of these, or 256 for a datagram socket.
        the socket is not connected, or a server has accepted nobody.
        the connection was reset.

    URCs:
        #XAPOLL: <handle>,<revents> - where #XAPOLL polls the socket and more has come.
    """
    _check_receive_flags(handle, flags)
    socket = _connection(device, handle)
    need_secured(socket)
    handle.receive_timeout = timeout
    if not data_len:
        return None
    wait_all = bool(flags & AT_MSG_WAITALL) and not flags & AT_MSG_DONTWAIT
    if not wait_all:
        try:
            return _received(device, handle, mode, socket.net.recv(data_len, flags & MSG_PEEK))
        except BlockingIOError:
            if flags & AT_MSG_DONTWAIT:
                raise
    return _receive(device, handle, socket, mode, data_len, peek=bool(flags & AT_MSG_PEEK), wait_all=wait_all)


async def _receive(
    device: SerialModem,
    handle: Socket,
    socket: Socket,
    mode: int,
    data_len: int,
    *,
    peek: bool,
    wait_all: bool,
) -> list[Information]:
    data = await calls.receive(device.modem, socket.net, data_len, handle.receive_timeout, peek=peek, wait_all=wait_all)
    return _received(device, handle, mode, data)


def _received(device: SerialModem, handle: Socket, mode: int, data: bytes) -> list[Information]:
    if not data:
        return []
    device.poller.rearm(handle, POLLIN)
    return [f"#XRECV: {handle.handle},{mode},{len(data)}", _encode(mode, data)]


@commands.set("#XRECVFROM", "Receive a datagram and its sender")
async def xrecvfrom(
    device: SerialModem, handle: Handle, mode: Mode, flags: Int, timeout: Timeout, data_len: DataLen = 2048
) -> list[Information]:
    """Receive a datagram, cut to ``data_len`` bytes; the parameters as for #XRECV. Just OK for an empty datagram.

    Args:
        device: the device.
        handle: an open socket.
        mode: how the data is printed.
        flags: a sum of 2 (leave the data in place) and 64 (do not wait).
        timeout: seconds, 0 for ever; it becomes the socket's receive timeout.
        data_len: the most bytes to receive; 0 receives nothing.

    Manual:
        UDP receive data #XRECVFROM

    Answers:
        #XRECVFROM: <handle>,<mode>,<size>,"<ip_addr>",<port> - how many bytes follow, and who sent them. No line for an
            empty datagram.
        <data> - the bytes, in mode 1 as hexadecimal digits.

    Errors:
        nothing comes in time, or nothing is there with flag 64.
        the flags are none of these.

    URCs:
        #XAPOLL: <handle>,<revents> - where #XAPOLL polls the socket and more has come.
    """
    _check_receive_flags(handle, flags)
    need_secured(handle)
    handle.receive_timeout = timeout
    if not data_len:
        return []
    data, sender = await _receive_from(device, handle, flags, data_len)
    if not data:
        return []
    device.poller.rearm(handle, POLLIN)
    return [
        f'#XRECVFROM: {handle.handle},{mode},{len(data)},"{sender[0]}",{sender[1]}',
        _encode(mode, data),
    ]


async def _receive_from(device: SerialModem, handle: Socket, flags: int, data_len: int) -> tuple[bytes, Address]:
    if flags & AT_MSG_DONTWAIT:
        return handle.net.recvfrom(data_len, flags & MSG_PEEK)
    return await calls.receive_from(
        device.modem, handle.net, data_len, handle.receive_timeout, peek=bool(flags & AT_MSG_PEEK)
    )


def _connection(device: SerialModem, handle: Socket) -> Socket:
    """Return the socket that data goes through: the accepted peer of a listening server."""
    if handle.role == SERVER and handle.type is SocketType.STREAM and handle.listener is None:
        if handle.peer is None:
            raise CommandError("the server has accepted nobody")
        return handle.peer
    return handle


def _check_send_flags(socket: Socket, flags: int) -> None:
    if flags & ~AT_MSG_WAITACK:
        raise CommandError(f"unknown flags {flags}")
    if flags and not 1 <= socket.send_timeout <= WAITACK_TIMEOUT:
        raise CommandError(f"the send timeout is not 1 to {WAITACK_TIMEOUT} seconds")


def _check_receive_flags(socket: Socket, flags: int) -> None:
    if flags & ~RECEIVE_FLAGS:
        raise CommandError(f"unknown flags {flags}")
    if flags & AT_MSG_WAITALL and socket.type is not SocketType.STREAM:
        raise CommandError("flag 256 is for stream sockets")


def _payload(device: SerialModem, mode: int, data: Value | None) -> bytes:
    """Decode ``data`` as ``mode`` says."""
    if type(data) is not str:
        raise CommandError("<data> is no text" if data is not None else "<data> is missing")
    if mode == TEXT:
        return data.encode("latin-1")
    if len(data) > device.policy.max_hex_digits:
        raise CommandError(f"more than {device.policy.max_hex_digits} hexadecimal digits")
    try:
        if not data.isalnum() and data:  # fromhex would skip white space
            raise ValueError
        return bytes.fromhex(data)
    except ValueError:
        raise CommandError("not an even number of hexadecimal digits") from None


def _encode(mode: int, data: bytes) -> bytes:
    return data.hex().upper().encode() if mode == HEX else data


def _enter_data_mode(device: SerialModem, target: Target) -> None:
    device.channel.enter_data_mode(_data_mode(device, target), swallow_line_feed=device.policy.swallow_line_feed)


async def _data_mode(device: SerialModem, target: Target) -> str:
    datagrams = target.handle.type is not SocketType.STREAM
    line = await EscapedDataMode(device, lambda data: transmit(device, target, data), datagrams=datagrams).run()
    device.poller.rearm(target.handle, POLLOUT)
    return line
