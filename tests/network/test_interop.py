"""Hosts, servers and clients that are not ours: pyserial, chat, nginx, python -m http.server, curl, nc."""

import contextlib
import re
import subprocess
import sys
import time

import pytest
import serial

import vmodem
from tests.certificates import HOST
from tests.needs import needs
from tests.patience import PATIENCE
from tests.peers import free_port
from vmodem import Pty, Tcp

PAGE = "<html>" + "a page that takes more than one receive " * 200 + "</html>\n"


@pytest.fixture
def served(tmp_path):
    with vmodem.start("sm", Pty(str(tmp_path / "modem"))) as made:
        yield made


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "www"
    made.mkdir()
    made.chmod(0o755)
    tmp_path.chmod(0o755)
    (made / "page.html").write_text(PAGE)
    return made


@pytest.fixture
def python_server(folder):
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    yield int(re.search(r"port (\d+)", process.stdout.readline())[1])
    process.kill()
    process.communicate()


@pytest.fixture
def nginx(folder, tmp_path):
    with run_nginx(folder, tmp_path) as port:
        yield port


@contextlib.contextmanager
def run_nginx(folder, tmp_path, listen="", tls=""):
    """Run nginx, which serves ``folder``; return its port."""
    port = free_port()
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; error_log stderr; pid {tmp_path}/pid; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/a; proxy_temp_path {tmp_path}/b;\n"
        f"fastcgi_temp_path {tmp_path}/c; uwsgi_temp_path {tmp_path}/d; scgi_temp_path {tmp_path}/e;\n"
        f"server {{ listen 127.0.0.1:{port}{listen}; root {folder}; {tls} }} }}\n"
    )
    process = subprocess.Popen(["nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def ask(port, line):
    """Ask by pyserial, and return everything up to the final result."""
    port.write(line.encode() + b"\r")
    answer = b""
    while not answer.endswith((b"\r\nOK\r\n", b"\r\nERROR\r\n")):
        more = port.read_until(b"\r\n")
        assert more, f"{line} was answered by {answer!r} only"
        answer += more
    return answer


def fetch(port, server, connect=None):
    """Fetch /page.html as the firmware of a host would; return the whole response."""
    deadline = time.monotonic() + PATIENCE
    while b"ERROR" in (answer := (connect or connect_plain)(port, server)):
        assert time.monotonic() < deadline, answer  # the server is still starting
    assert b"#XSEND: 0," in ask(port, 'AT#XSEND=0,0,0,"GET /page.html HTTP/1.0\r\nHost: localhost\r\n\r\n"')
    response = b""
    while (answer := ask(port, "AT#XRECV=0,0,0,5,1024")) != b"\r\nOK\r\n":
        header, _, rest = answer.lstrip().partition(b"\r\n")
        size = int(header.split(b",")[2])
        while len(rest) < size + len(b"\r\nOK\r\n"):  # the data itself may look like a final result
            rest += port.read(size + len(b"\r\nOK\r\n") - len(rest))
        assert rest[size:] == b"\r\nOK\r\n"
        response += rest[:size]
    return response


def connect_plain(port, server):
    ask(port, "AT#XCLOSE")
    assert ask(port, "AT#XSOCKET=1,1,0") == b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n"
    return ask(port, f'AT#XCONNECT=0,"localhost",{server}')


@pytest.mark.parametrize("server", ["python_server", pytest.param("nginx", marks=needs("nginx"))])
def test_pyserial_fetches_a_page(served, server, request):
    with serial.Serial(served.path, 115200, timeout=PATIENCE) as port:
        response = fetch(port, request.getfixturevalue(server))
    assert response.split(b"\r\n")[0].endswith(b" 200 OK")
    assert response.endswith(PAGE.encode())


@needs("nginx")
def test_pyserial_fetches_a_page_over_tls(served, folder, tmp_path, files):
    """The certificate is that of a throw-away CA, which the host writes to the modem in flight mode."""
    tls = f"ssl_certificate {files}/server.pem; ssl_certificate_key {files}/server.key; ssl_protocols TLSv1.2;"
    with (
        run_nginx(folder, tmp_path, " ssl", tls) as server,
        serial.Serial(served.path, 115200, timeout=PATIENCE) as port,
    ):
        assert ask(port, "AT+CFUN=4") == b"\r\nOK\r\n"
        assert ask(port, f'AT%CMNG=0,16842753,0,"{(files / "ca.pem").read_text()}"') == b"\r\nOK\r\n"
        assert ask(port, "AT+CFUN=1") == b"\r\nOK\r\n"
        response = fetch(port, server, connect_tls)
        assert response.split(b"\r\n")[0].endswith(b" 200 OK")
        assert response.endswith(PAGE.encode())
        assert ask(port, "AT#XSSOCKETOPT=0,0,4") in SUITES
        assert ask(port, "AT#XCLOSE=0") == b"\r\n#XCLOSE: 0,0\r\n\r\nOK\r\n"
        ask(port, "AT#XSSOCKET=1,1,0,16842753")
        ask(port, 'AT#XSSOCKETOPT=0,1,2,"another.name"')
        assert ask(port, f'AT#XCONNECT=0,"localhost",{server}') == b"\r\nERROR\r\n"


SUITES = [b"\r\n#XSSOCKETOPT: 0,0x%04x\r\n\r\nOK\r\n" % suite for suite in (0xC02B, 0xC02C, 0xCCA9)]
"""What nginx may choose for an EC key."""


def connect_tls(port, server):
    ask(port, "AT#XCLOSE")
    assert ask(port, "AT#XSSOCKET=1,1,0,16842753") == b"\r\n#XSSOCKET: 0,1,258\r\n\r\nOK\r\n"
    assert ask(port, f'AT#XSSOCKETOPT=0,1,2,"{HOST}"') == b"\r\nOK\r\n"
    return ask(port, f'AT#XCONNECT=0,"localhost",{server}')


@needs("chat")
def test_chat_walks_through_the_start(served):
    script = ["ABORT", "ERROR", "TIMEOUT", "5", "", "AT", "OK", "AT+CFUN=1", "OK", "AT+CEREG?", "+CEREG: 0,1", ""]
    with open(served.path, "r+b", buffering=0) as terminal:
        done = subprocess.run(
            ["chat", "-v", "-s", *script],
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.PIPE,
            timeout=20,
            check=False,
        )
    assert done.returncode == 0, done.stderr


@needs("curl")
def test_curl_is_served_from_data_mode(served):
    number = free_port()
    with serial.Serial(served.path, 115200, timeout=PATIENCE) as port:
        assert ask(port, "AT#XSOCKET=1,1,1").endswith(b"\r\nOK\r\n")
        assert ask(port, f"AT#XBIND=0,{number}").endswith(b"\r\nOK\r\n")
        assert ask(port, "AT#XLISTEN=0").endswith(b"\r\nOK\r\n")
        curl = subprocess.Popen(["curl", "-sS", "--http1.0", f"http://127.0.0.1:{number}/"], stdout=subprocess.PIPE)
        assert b'#XACCEPT: 1,"127.0.0.1"' in ask(port, "AT#XACCEPT=0,10")
        assert b"GET / HTTP/1.0" in ask(port, "AT#XRECV=0,0,0,5")
        assert ask(port, "AT#XSEND=0,2,0").endswith(b"\r\nOK\r\n")
        port.write(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE.encode() + b"+++")
        assert port.read(len(b"\r\n#XDATAMODE: 0\r\n")) == b"\r\n#XDATAMODE: 0\r\n"
        ask(port, "AT#XCLOSE=0")
        assert curl.communicate(timeout=PATIENCE)[0] == PAGE.encode()


@needs("nc")
def test_nc_talks_to_the_modem_over_tcp():
    with vmodem.start("sm", Tcp()) as served:
        command = ["nc", "-N", "127.0.0.1", str(served.port)]
        done = subprocess.run(command, input=b"AT\rAT#XUUID\r", stdout=subprocess.PIPE, timeout=20, check=True)
    assert done.stdout.startswith(b"Ready\r\n\r\nOK\r\n\r\n#XUUID: ")
    assert done.stdout.endswith(b"\r\n\r\nOK\r\n")
