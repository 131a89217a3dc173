"""Conversations with the nRF91 Serial Modem."""

from __future__ import annotations

import socket

from tests.peers import accept, free_port, port_of, receive, tcp_server

from demo.secure import CA_TAG, PSK_TAG, dtls_server, tls_server
from demo.talk import Talk, every_byte, show, web_server


def tcp(host: Talk) -> None:
    """TCP: fetch a page from a web server."""
    with web_server("It works!") as port:
        host.say("AT#XSOCKET=1,1,0", "#XSOCKET: 0,1,6")
        host.say(f'AT#XCONNECT=0,"localhost",{port}', "#XCONNECT: 0,1")
        request = "GET / HTTP/1.0\r\n\r\n"
        host.say(f'AT#XSEND=0,0,0,"{request}"', f"#XSEND: 0,{len(request)}")
        host.fetch("AT#XRECV=0,0,0,5", "It works!")
        host.say("AT#XCLOSE=0", "#XCLOSE: 0,0")


def tls(host: Talk) -> None:
    """TLS: a page from a server whose certificate and name are checked."""
    with tls_server("It works, secretly!") as port:
        host.say(f"AT#XSSOCKET=1,1,0,{CA_TAG},2", "#XSSOCKET: 0,1,258")
        host.say('AT#XSSOCKETOPT=0,1,2,"localhost"')
        host.say(f'AT#XCONNECT=0,"localhost",{port}', "#XCONNECT: 0,1")
        host.fetch("AT#XSSOCKETOPT=0,0,4")
        request = "GET / HTTP/1.0\r\n\r\n"
        host.say(f'AT#XSEND=0,0,0,"{request}"', f"#XSEND: 0,{len(request)}")
        host.fetch("AT#XRECV=0,0,0,5", "secretly!")
        host.say("AT#XCLOSE=0", "#XCLOSE: 0,0")


def dtls(host: Talk) -> None:
    """DTLS: a datagram there and back, with a pre-shared key."""
    with dtls_server() as port:
        host.say(f"AT#XSSOCKET=1,2,0,{PSK_TAG}", "#XSSOCKET: 0,2,273")
        host.say(f'AT#XCONNECT=0,"127.0.0.1",{port}', "#XCONNECT: 0,1")
        host.say('AT#XSEND=0,0,0,"Secret"', "#XSEND: 0,6")
        host.receive("AT#XRECV=0,0,0,5", "\r\n#XRECV: 0,0,6\r\nterceS\r\nOK\r\n")
        host.say("AT#XCLOSE=0", "#XCLOSE: 0,0")


def udp(host: Talk) -> None:
    """UDP: datagrams there and back, over IPv6."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
        peer.bind(("::1", 0))
        port = port_of(peer)
        host.say("AT#XSOCKET=2,2,0", "#XSOCKET: 0,2,17")
        host.say(f'AT#XSENDTO=0,1,0,"::1",{port},"48656C6C6F"', "#XSENDTO: 0,5")
        data, sender = peer.recvfrom(100)
        show("peer", f"UDP server got {data!r}")
        peer.sendto(data[::-1], sender)
        host.receive("AT#XRECVFROM=0,0,0,5", f'\r\n#XRECVFROM: 0,0,5,"::1",{port}\r\nolleH\r\nOK\r\n')
        host.say("AT#XCLOSE", "#XCLOSE: 0,0")


def server(host: Talk) -> None:
    """TCP server: accept a client, serve it from data mode."""
    port = free_port()
    host.say("AT#XSOCKET=1,1,1", "#XSOCKET: 0,1,6")
    host.say(f"AT#XBIND=0,{port}")
    host.say("AT#XLISTEN=0")
    with socket.create_connection(("127.0.0.1", port)) as client:
        host.say("AT#XACCEPT=0,10", '#XACCEPT: 1,"127.0.0.1"')
        host.say("AT#XSEND=1,2,0")
        data = every_byte(250_000)
        show("host", f"{len(data)} bytes, +++")
        host.send(data + b"+++")
        same = receive(client, len(data)) == data
        show("peer", f"client got {len(data)} bytes, {'all of them right' if same else 'not what was sent'}")
        assert same
        host.hear("#XDATAMODE: 0")
    host.say("AT#XCLOSE", "#XCLOSE: 0,0", "#XCLOSE: 1,0")


def polling(host: Talk) -> None:
    """Polling: events of a connection, until the peer closes it."""
    with tcp_server() as listener:
        host.say("AT#XAPOLL=1,5")
        host.say("AT#XSOCKET=1,1,0", "#XSOCKET: 0,1,6")
        host.say(f'AT#XCONNECT=0,"127.0.0.1",{port_of(listener)}', "#XCONNECT: 0,1")
        host.hear("#XAPOLL: 0,4")
        with accept(listener) as peer:
            peer.sendall(b"news")
            show("peer", "TCP server sends b'news' and closes")
            host.hear("#XAPOLL: 0,1")
        host.hear("#XAPOLL: 0,16")
        host.receive("AT#XRECV=0,1,0,5", "\r\n#XRECV: 0,1,4\r\n6E657773\r\nOK\r\n")


def cellular(host: Talk) -> None:
    """Cellular: off and on again, with its notifications."""
    host.say("AT+CEREG=1")
    host.say("AT+CFUN=4")
    host.hear("+CEREG: 0")
    host.say("AT+CFUN=1")
    host.hear("+CEREG: 2")
    host.hear("+CEREG: 1")
    host.say('AT#XGETADDRINFO="localhost",1', '#XGETADDRINFO: "127.0.0.1"')
