"""Conversations with the nRF91 Serial LTE Modem."""

from __future__ import annotations

import contextlib
import socket

from tests.patience import PATIENCE
from tests.peers import accept, free_port, port_of, receive, tcp_server

from demo.secure import CA_TAG, PSK_TAG, SERVER_TAG, dtls_server, tls_client, tls_server
from demo.talk import Talk, every_byte, show, web_server


def tcp_1_9(host: Talk) -> None:
    """TCP: fetch a page from a web server, with the one socket there is."""
    with web_server("It works!") as port:
        host.say("AT#XSOCKET=1,1,0", "#XSOCKET: 1,1,6")
        host.say(f'AT#XCONNECT="localhost",{port}', "#XCONNECT: 1")
        request = "GET / HTTP/1.0\r\n\r\n"
        host.say(f'AT#XSEND="{request}"', f"#XSEND: {len(request)}")
        host.fetch("AT#XRECV=5", "It works!")
        host.say("AT#XSOCKET=0", '#XSOCKET: 0,"closed"')


def udp_1_9(host: Talk) -> None:
    """UDP: datagrams there and back, the payload before its header."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        host.say("AT#XSOCKET=1,2,0", "#XSOCKET: 1,2,17")
        host.say(f'AT#XSENDTO="127.0.0.1",{port_of(peer)},"Test UDP"', "#XSENDTO: 8")
        data, sender = peer.recvfrom(100)
        show("peer", f"UDP server got {data!r}")
        peer.sendto(b"Test OK", sender)
        host.receive("AT#XRECVFROM=5", 'Test OK\r\n#XRECVFROM: 7,"127.0.0.1"\r\n\r\nOK\r\n')
        host.say("AT#XSOCKET=0", '#XSOCKET: 0,"closed"')


def data_mode_1_9(host: Talk) -> None:
    """Data mode: nothing is said when it begins, OK when +++ and silence end it."""
    with tcp_server() as listener:
        host.say("AT#XSOCKET=1,1,0", "#XSOCKET: 1,1,6")
        host.say(f'AT#XCONNECT="127.0.0.1",{port_of(listener)}', "#XCONNECT: 1")
        with accept(listener) as peer:
            _stream(host, peer, "AT#XSEND")
            host.hear("OK")


def tls_1_9(host: Talk) -> None:
    """TLS: a page from a server whose certificate is checked."""
    _tls(host, handle=1)


def dtls_1_9(host: Talk) -> None:
    """DTLS: a datagram there and back, with a pre-shared key."""
    with dtls_server() as port:
        host.say(f"AT#XSSOCKET=1,2,0,{PSK_TAG}", "#XSSOCKET: 1,2,273")
        host.say(f'AT#XCONNECT="127.0.0.1",{port}', "#XCONNECT: 1")
        host.say('AT#XSEND="Secret"', "#XSEND: 6")
        host.receive("AT#XRECV=5", "terceS\r\n#XRECV: 6\r\n\r\nOK\r\n")


def tls_2_0(host: Talk) -> None:
    """TLS: a page from a server whose certificate is checked."""
    _tls(host, handle=0)


def dtls_2_0(host: Talk) -> None:
    """DTLS: a datagram there and back, with a pre-shared key."""
    with dtls_server() as port:
        host.say(f"AT#XSSOCKET=1,2,0,{PSK_TAG}", "#XSSOCKET: 0,2,273")
        host.say(f'AT#XCONNECT="127.0.0.1",{port}', "#XCONNECT: 1")
        host.say('AT#XSEND="Secret"', "#XSEND: 6")
        host.receive("AT#XRECV=5", "\r\n#XRECV: 6\r\nterceS\r\nOK\r\n")


def tls_2_7(host: Talk) -> None:
    """TLS: a client that checks the server's certificate and name."""
    with tls_server("It works, secretly!") as port:
        host.say(f'AT#XTCPCLI=1,"localhost",{port},{CA_TAG}', '#XTCPCLI: 1,"connected"')
        request = "GET / HTTP/1.0\r\n\r\n"
        host.say(f'AT#XTCPSEND="{request}"', f"#XTCPSEND: {len(request)}")
        page = host.read_until(b"secretly!")
        show("modem", page.decode("latin-1"))
        host.hear('#XTCPCLI: -104,"disconnected"')


def tls_server_2_7(host: Talk) -> None:
    """TLS server: a client that checks the modem's certificate."""
    port = free_port()
    host.say(f"AT#XTCPSVR=1,{port},{SERVER_TAG}", '#XTCPSVR: 1,"started"')
    with tls_client(port) as client:
        host.hear('#XTCPSVR: "127.0.0.1","connected"')
        host.say('AT#XTCPSEND="Only for your ears"', "#XTCPSEND: 18")
        show("peer", f"TLS client got {client.recv(100)!r}")
    host.hear('#XTCPSVR: 0,"disconnected"')


def dtls_2_7(host: Talk) -> None:
    """DTLS: a client with a pre-shared key."""
    with dtls_server() as port:
        host.say(f'AT#XUDPCLI=1,"127.0.0.1",{port},{PSK_TAG}', '#XUDPCLI: 1,"connected"')
        host.say('AT#XUDPSEND="Secret"', "#XUDPSEND: 6")
        host.expect(b"\r\n#XUDPDATA: 6\r\nterceS")
        show("modem", "#XUDPDATA: 6\r\nterceS")
        host.say("AT#XUDPCLI=0", '#XUDPCLI: 0,"disconnected"')


def _tls(host: Talk, handle: int) -> None:
    with tls_server("It works, secretly!") as port:
        host.say(f"AT#XSSOCKET=1,1,0,{CA_TAG},2", f"#XSSOCKET: {handle},1,258")
        host.say('AT#XSSOCKETOPT=1,2,"localhost"')
        host.say(f'AT#XCONNECT="localhost",{port}', "#XCONNECT: 1")
        request = "GET / HTTP/1.0\r\n\r\n"
        host.say(f'AT#XSEND="{request}"', f"#XSEND: {len(request)}")
        host.fetch("AT#XRECV=5", "secretly!")
        host.say("AT#XSOCKET=0", '#XSOCKET: 0,"closed"')


def polling_2_0(host: Talk) -> None:
    """Eight sockets to eight servers: data from some of them, which AT#XPOLL finds."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(tcp_server()) for _ in range(8)]
        peers = []
        for handle, listener in enumerate(listeners):
            host.say("AT#XSOCKET=1,1,0", f"#XSOCKET: {handle},1,6")
            host.say(f'AT#XCONNECT="127.0.0.1",{port_of(listener)}', "#XCONNECT: 1")
            peers.append(stack.enter_context(accept(listener)))
        peers[2].sendall(b"two")
        peers[5].sendall(b"five")
        show("peer", "the servers of handles 2 and 5 send something")
        host.say("AT#XPOLL=2000,2", '#XPOLL: 2,"0x00000001"')
        host.say("AT#XPOLL=2000,5", '#XPOLL: 5,"0x00000001"')
        host.say("AT#XPOLL=0", '#XPOLL: 2,"0x00000001"', '#XPOLL: 5,"0x00000001"')
        host.say("AT#XSOCKETSELECT=5", "#XSOCKETSELECT: 5,1,0")
        host.receive("AT#XRECV=5", "\r\n#XRECV: 4\r\nfive\r\nOK\r\n")
        host.say("AT#XSOCKET=0", '#XSOCKET: 0,"closed"')
        host.say("AT#XSOCKET?", "#XSOCKET: 7,1,0")


def udp_2_0(host: Talk) -> None:
    """UDP: a server's socket that answers, over IPv6."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
        peer.bind(("::1", 0))
        port = free_port()
        host.say("AT#XSOCKET=2,2,1", "#XSOCKET: 0,2,17")
        host.say(f"AT#XBIND={port}")
        peer.sendto(b"Anybody there?", ("::1", port))
        show("peer", "UDP client sends b'Anybody there?'")
        host.receive("AT#XRECVFROM=5", '\r\n#XRECVFROM: 14,"::1"\r\nAnybody there?\r\nOK\r\n')
        host.say(f'AT#XSENDTO="::1",{port_of(peer)},"Yes"', "#XSENDTO: 3")
        show("peer", f"UDP client got {peer.recv(100)!r}")


def server_2_7(host: Talk) -> None:
    """TCP server: a client is served from data mode and hung up on."""
    port = free_port()
    host.say(f"AT#XTCPSVR=1,{port}", '#XTCPSVR: 1,"started"')
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(PATIENCE)
        host.hear('#XTCPSVR: "127.0.0.1","connected"')
        client.sendall(b"Hello, TCP#1!")
        host.expect(b"\r\n#XTCPDATA: 13\r\nHello, TCP#1!")
        show("modem", "#XTCPDATA: 13\r\nHello, TCP#1!")
        _stream(host, client, "AT#XTCPSEND", "OK")
        host.hear("#XDATAMODE: 0")
        host.say("AT#XTCPSVR?", "#XTCPSVR: 1,2,1")
        host.say("AT#XTCPHANGUP=2", '#XTCPSVR: 0,"disconnected"')
        show("peer", f"client got {client.recv(1)!r}, the end of the stream")
    host.say("AT#XTCPSVR=0", '#XTCPSVR: 0,"stopped"')


def client_2_7(host: Talk) -> None:
    """TCP client: a connection that its server ends."""
    with tcp_server() as listener:
        host.say(f'AT#XTCPCLI=1,"127.0.0.1",{port_of(listener)}', '#XTCPCLI: 1,"connected"')
        with accept(listener) as peer:
            host.say('AT#XTCPSEND="Test TCP"', "#XTCPSEND: 8")
            show("peer", f"TCP server got {receive(peer, 8)!r}, and closes")
        host.hear('#XTCPCLI: -104,"disconnected"')
        host.say("AT#XTCPCLI?", "#XTCPCLI: -1,1")


def udp_2_7(host: Talk) -> None:
    """UDP: a client, datagrams there and back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        host.say(f'AT#XUDPCLI=1,"localhost",{port_of(peer)}', '#XUDPCLI: 1,"connected"')
        host.say('AT#XUDPSEND="Test UDP by hostname"', "#XUDPSEND: 20")
        data, sender = peer.recvfrom(100)
        show("peer", f"UDP server got {data!r}")
        peer.sendto(b"and back", sender)
        host.expect(b"\r\n#XUDPDATA: 8\r\nand back")
        show("modem", "#XUDPDATA: 8\r\nand back")
        host.say("AT#XUDPCLI=0", '#XUDPCLI: 0,"disconnected"')


def _stream(host: Talk, peer: socket.socket, command: str, *answer: str) -> None:
    """Send a lot from data mode, up to its escape sequence."""
    show("host", command)
    host.send(command.encode() + host.end)
    if answer:
        host.hear(*answer)
    data = every_byte(250_000)
    show("host", f"{len(data)} bytes, +++")
    host.send(data + b"+++")
    same = receive(peer, len(data)) == data
    show("peer", f"peer got {len(data)} bytes, {'all of them right' if same else 'not what was sent'}")
    assert same
