"""Conversations with the Realtek Ameba."""

from __future__ import annotations

import re
import socket

from tests.patience import PATIENCE
from tests.peers import accept, free_port, port_of, receive, tcp_server

from demo.secure import tls_client, tls_server
from demo.talk import Talk, every_byte, show, web_server


def tcp(host: Talk) -> None:
    """TCP: fetch a page from a web server; what it sends comes unasked."""
    with web_server("It works!") as port:
        host.receive(f"AT+SKTCLIENT=0,1,,localhost,{port},,1", "\r\nOK\r\n")
        _fetch(host, b"It works!")


def tls(host: Talk) -> None:
    """TLS: the same from a server whose certificate is checked by the CA of suite 1."""
    with tls_server("It works, secretly!") as port:
        host.receive(f"AT+SKTCLIENT=0,3,1,localhost,{port},,1", "\r\nOK\r\n")
        show("host", "AT+SKTSTATE")
        host.send(b"AT+SKTSTATE\r")
        show("modem", host.read_until(b"\r\nOK\r\n").decode())
        _fetch(host, b"secretly!")


def _fetch(host: Talk, end: bytes) -> None:
    """Ask for the page, and take what comes up to ``end``."""
    request = b"GET / HTTP/1.0\r\n\r\n"
    host.receive(f"AT+SKTSENDRAW=0,{len(request)}", ">>>\r\n")
    show("host", request.decode())
    host.send(request)
    host.hear("OK")
    page = b""
    while end not in page:
        header = host.read_until(b":")
        size = re.fullmatch(rb"\[\$\]\[SKT\]\[DATA\]\[0\]\[(\d+)\]:", header)
        assert size is not None, header
        data = host.read(int(size[1]) + 2)
        show("modem", (header + data).decode("latin-1"))
        page += data
    host.receive("AT+SKTDEL=0", "\r\nOK\r\n")


def udp(host: Talk) -> None:
    """UDP: datagrams there and back, asked for."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(PATIENCE)
        port = free_port()
        host.receive(f"AT+SKTCLIENT=1,0,,127.0.0.1,{port_of(peer)},{port},0", "\r\nOK\r\n")
        host.receive(r"AT+SKTSEND=1,13,,,Hello\, world!", "\r\nOK\r\n")
        data, sender = peer.recvfrom(100)
        show("peer", f"UDP server got {data!r}")
        peer.sendto(b"Hello, Ameba", sender)
        answer = f"+SKTREAD:1,12,127.0.0.1,{port_of(peer)},Hello, Ameba\r\nOK\r\n"
        host.receive("AT+SKTREAD=1,100", answer)


def server(host: Talk) -> None:
    """TCP server: a client is a seed, which gets a lot in transparent transmission."""
    port = free_port()
    host.receive(f"AT+SKTSERVER=0,1,,{port},1", "\r\nOK\r\n")
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(PATIENCE)
        address = f"dst_address:127.0.0.1,dst_port:{port_of(client)}"
        event = f"[$][SKT][EVENT]: A client[link_id:1,seed,tcp,{address}] connected to server[link_id:0]\r\n"
        host.expect(event.encode())
        show("modem", event)
        data = every_byte(250_000)
        host.receive(f"AT+SKTSENDRAW=1,{len(data)}", ">>>\r\n")
        show("host", f"{len(data)} bytes")
        host.send(data)
        same = receive(client, len(data)) == data
        show("peer", f"client got {len(data)} bytes, {'all of them right' if same else 'not what was sent'}")
        assert same
        show("modem", re.sub(r"\[\$\]\[TT\]:\w+ Watermark\r\n", "", host.read_until(b"\r\nOK\r\n").decode()))
    host.receive("AT+SKTDEL=0", "\r\nOK\r\n")


def secure_server(host: Talk) -> None:
    """TLS server: a client checks who it is, and a client that never speaks keeps nobody waiting."""
    port = free_port()
    host.receive(f"AT+SKTSERVER=0,2,1,{port},1", "\r\nOK\r\n")
    with socket.create_connection(("127.0.0.1", port)), tls_client(port) as client:
        address = f"dst_address:127.0.0.1,dst_port:{port_of(client)}"
        event = f"[$][SKT][EVENT]: A client[link_id:2,seed,tls,{address}] connected to server[link_id:0]\r\n"
        host.expect(event.encode())
        show("modem", event)
        client.sendall(b"Hello, Ameba")
        message = "[$][SKT][DATA][2][12]:Hello, Ameba\r\n"
        host.expect(message.encode())
        show("modem", message)
        host.receive(r"AT+SKTSEND=2,13,,,Hello\, client", "\r\nOK\r\n")
        show("peer", f"TLS client got {receive(client, 13)!r}")
        host.receive("AT+SKTDEL=0", "\r\nOK\r\n")
        show("peer", f"TLS client got {client.recv(1)!r}, the end of the stream")


def wifi(host: Talk) -> None:
    """Wi-Fi: off and on again, with its messages."""
    host.receive("AT+WLDISCONN", "[$]wifi disconnected\r\n\r\nOK\r\n")
    with tcp_server() as listener:
        host.receive(f"AT+SKTCLIENT=0,1,,127.0.0.1,{port_of(listener)},,0", "\r\nERROR: 2\r\n")
        line = "AT+WLCONN=ssid,vmodem,pw,12345678"
        host.receive(line, '[$]wifi connected\r\n[$]wifi got ip:"127.0.0.1"\r\n\r\nOK\r\n')
        host.receive(f"AT+SKTCLIENT=0,1,,127.0.0.1,{port_of(listener)},,0", "\r\nOK\r\n")
        accept(listener).close()
