"""Data: AT+SKTSEND, AT+SKTREAD, AT+SKTSENDRAW."""

from __future__ import annotations

import math
from typing import Annotated, Final, TypeAlias

from vmodem.core import calls
from vmodem.core.channel import Channel
from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError, in_words
from vmodem.core.framing import CountReader
from vmodem.core.parameters import INT32_MAX
from vmodem.core.tasks import HostData
from vmodem.dialects.ameba.device import Ameba, Link, OpenLink, Protocol, Role
from vmodem.dialects.ameba.syntax import PORT, Field, Filled, number
from vmodem.net.interface import Address, Family, NetSocket, family_of

SEND_FAILED: Final = 2
NO_MEMORY: Final = 2
READ_FAILED: Final = 4

READ_WAIT: Final = 0.02
"""Seconds that SKTREAD waits for data."""

LARGEST_READ: Final = 1 << 20
"""The most bytes that SKTREAD finds memory for."""

LARGEST_TEXT: Final = 19999
"""The most bytes of data that the firmware prints as text."""

PROMPT: Final = b">>>\r\n"
RAW_BUFFER: Final = 80 * 1024
"""How many bytes of SKTSENDRAW may wait; the watermarks are for those that announce as many, or more."""

RAW_PIECE: Final = 10240
"""The most bytes of SKTSENDRAW that are sent at once; of UDP, as one datagram."""

HIGH_WATERMARK: Final = RAW_BUFFER * 7 // 10
HIGH: Final = b"[$][TT]:High Watermark\r\n"
LOW_WATERMARK: Final = RAW_BUFFER * 2 // 10
LOW: Final = b"[$][TT]:Low Watermark\r\n"

LineSize: TypeAlias = Annotated[int, number(1, 1999)]
Size: TypeAlias = Annotated[int, number(1, INT32_MAX)]

commands = CommandTable("Socket AT Commands")


@commands.set("+SKTSENDRAW", "Send data in transparent transmission mode", surplus=False)
async def sktsendraw(
    device: Ameba, link_id: OpenLink, data_size: Size, dst_ip: Field | None = None, dst_port: Field | None = None
) -> None:
    """Send the next ``data_size`` bytes of the host, whatever they are.

    Args:
        device: the device.
        link_id: a link.
        data_size: how many bytes; as many are taken, whatever becomes of them.
        dst_ip: IPv4 address of the receiver, UDP server only.
        dst_port: port of the receiver, UDP server only.

    Answers:
        >>> - the data may come.

    Errors:
        1: a parameter is missing, surplus, or none of these.
        2: sending fails, or takes too long.

    URCs:
        [$][TT]:High Watermark - too much data waits, of 80 KiB or more that were announced.
        [$][TT]:Low Watermark - the host may go on.
    """
    if dst_ip is not None and dst_port is None:
        raise CommandError("<dst_port> is missing")
    await _send_raw(device, link_id, data_size, _destination(device, link_id, dst_ip or "", dst_port or ""))


@commands.set("+SKTSEND", "Send data", surplus=False)
async def sktsend(
    device: Ameba, link_id: OpenLink, data_size: LineSize, dst_ip: Field, dst_port: Field, data: Filled
) -> None:
    """Send ``data``, which has ``data_size`` bytes; the other parameters as for AT+SKTSENDRAW.

    Args:
        device: the device.
        link_id: a link.
        data_size: how many bytes the data has.
        dst_ip: IPv4 address of the receiver, UDP server only.
        dst_port: port of the receiver, UDP server only.
        data: what to send; a backslash stands before a comma and a backslash.

    Errors:
        1: a parameter is missing, surplus, or none of these.
        2: sending fails, or takes too long.
        1: the data has another size.
    """
    payload = data.encode("latin-1")
    if len(payload) != data_size:
        raise CommandError(f"{len(payload)} bytes of data, {data_size} were announced")
    await _send(device, link_id, payload, _destination(device, link_id, dst_ip, dst_port))


async def _send_raw(device: Ameba, link: Link, data_size: int, destination: Address) -> None:
    """Take ``data_size`` bytes of the host and send them; as many are taken, whatever becomes of them."""
    channel = device.channel
    watermarks = Watermarks(channel) if data_size >= RAW_BUFFER else None
    channel.write(PROMPT)
    channel.take_data(
        swallow_line_feed=True, limit=RAW_BUFFER, watch=watermarks.watch if watermarks is not None else None
    )
    failure: CommandError | None = None
    left = data_size
    while left and (failure is None or not device.policy.failed_raw_ends_at_once):
        data, _ = await HostData(CountReader(min(left, RAW_PIECE)), math.inf)
        left -= len(data)
        if failure is not None:
            continue  # never taken for commands
        try:
            await _send(device, link, data, destination, watermarks)
        except CommandError as error:
            failure = error
    if device.policy.loses_input:
        channel.discard_input()
    if failure is not None:
        raise failure


class Watermarks:
    """The flow control of SKTSENDRAW: tells the host when too much of its data waits, and when it may go on.

    Args:
        channel: the channel whose host is told.

    Attributes:
        sending: whether the network keeps data waiting; as long as it does not, nothing builds up.
    """

    __slots__ = ("_channel", "_high", "sending")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._high = False
        self.sending = False

    def watch(self, waiting: int) -> None:
        """Take note that ``waiting`` bytes wait."""
        if self._high:
            if waiting < LOW_WATERMARK:
                self._high = False
                self._channel.write(LOW)
        elif self.sending and waiting > HIGH_WATERMARK:
            self._high = True
            self._channel.write(HIGH)


def _destination(device: Ameba, link: Link, dst_ip: str, dst_port: str) -> Address:
    """Return whom data of ``link`` goes to; a UDP server is told each time."""
    if link.listens:
        raise CommandError(f"link {link.handle} sends through its seeds")
    if link.role is not Role.SERVER:
        return link.destination
    if family_of(dst_ip) is not Family.IPV4:
        raise CommandError(f"<dst_ip> {dst_ip} is no IPv4 address")
    return dst_ip, PORT.convert(device, dst_port)


async def _send(
    device: Ameba, link: Link, data: bytes, destination: Address, watermarks: Watermarks | None = None
) -> None:
    """Send all of ``data``.

    Raises:
        CommandError: that failed.
    """
    net = link.net
    if net is None:
        raise CommandError("the connection has ended", code=SEND_FAILED)
    link.sending = True
    timeout = link.options.so_sndtimeo / 1000
    try:
        if link.protocol is Protocol.UDP:
            await calls.sendto(device.modem, net, data, destination, timeout)
        else:
            await _send_stream(device, net, data, timeout, watermarks)
    except OSError as error:
        raise CommandError(in_words(error), code=SEND_FAILED) from error
    finally:
        link.sending = False
        if link.net is None:  # the peer has closed meanwhile
            net.close()


async def _send_stream(
    device: Ameba, net: NetSocket, data: bytes, timeout: float, watermarks: Watermarks | None
) -> None:
    """Send ``data``, of which the network often takes all at once."""
    try:
        sent = net.send(data)
    except BlockingIOError:
        sent = 0
    if sent == len(data):
        return
    if watermarks is not None:
        watermarks.sending = True
        watermarks.watch(device.channel.unread)
    sent = await calls.send(device.modem, net, data, timeout, sent)
    if watermarks is not None:
        watermarks.sending = False
    if not sent or (sent < len(data) and not device.policy.partial_send_is_ok):
        raise CommandError(f"{sent} of {len(data)} bytes could be sent", code=SEND_FAILED)


@commands.set("+SKTREAD", "Read data", surplus=False)
async def sktread(device: Ameba, link_id: OpenLink, data_size: Size) -> bytes | None:
    """Read what has arrived, at most ``data_size`` bytes; of UDP, one datagram, and what does not fit is lost.

    Args:
        device: the device.
        link_id: a link.
        data_size: the most bytes to read.

    Answers:
        +SKTREAD:<link_id>,<actual_recv_size>[,<udp_dstip>,<udp_dstport>],<data> - of UDP with the sender; 0 bytes where
            nothing has come.

    Errors:
        1: a parameter is missing, surplus, or none of these.
        2: there is no memory for so many bytes.
        4: the peer has closed, or the connection is broken; the link has no socket then.
    """
    return await _read(device, link_id, data_size)


async def _read(device: Ameba, link: Link, data_size: int) -> bytes | None:
    net = link.net
    if link.listens or net is None:
        raise CommandError(f"link {link.handle} receives through its seeds")
    if data_size > LARGEST_READ:
        raise CommandError(f"no memory for {data_size} bytes", code=NO_MEMORY)
    try:
        if link.protocol is Protocol.UDP:
            data, sender = await _read_datagram(device, link, net, data_size)
            header = b"%d,%b,%d" % (len(data), sender[0].encode(), sender[1])
        else:
            data = await _read_stream(device, link, net, data_size)
            header = b"%d" % len(data)
    except OSError as error:
        device.close(link)
        raise CommandError(in_words(error), code=READ_FAILED) from error
    if device.policy.read_is_text:
        if len(data) > LARGEST_TEXT:
            return None
        data = data.partition(b"\0")[0]
    return b"+SKTREAD:%d,%b,%b" % (link.handle, header, data)


async def _read_stream(device: Ameba, link: Link, net: NetSocket, size: int) -> bytes:
    """Return part of the stream, nothing where nothing has come; its end is an error."""
    try:
        data = await calls.receive(device.modem, net, size, _patience(link), peek=False, wait_all=False)
    except TimeoutError:
        return b""
    if not data:
        raise ConnectionAbortedError("the peer has closed")
    return data


async def _read_datagram(device: Ameba, link: Link, net: NetSocket, size: int) -> tuple[bytes, Address]:
    try:
        return await calls.receive_from(device.modem, net, size, _patience(link), peek=False)
    except TimeoutError:
        return b"", ("0.0.0.0", 0)


def _patience(link: Link) -> float:
    """Return how many seconds to wait for data."""
    return min(link.options.so_rcvtimeo / 1000 or READ_WAIT, READ_WAIT)
