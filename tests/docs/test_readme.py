"""The README, followed from its top to its end; its fixture and its program are run too."""

import socket
import threading

from tests.certificates import Certificates
from tests.docs.pages import ROOT, blocks, run, run_pytest
from tests.docs.walk import PYTHON_SERVER, Walk, has_closed, listens
from tests.patience import PATIENCE, eventually
from tests.peers import accept, free_port

LOOSE = PYTHON_SERVER | {
    r"127\.0\.0\.1:\d+": r"127\.0\.0\.1:\d+",
    r"/dev/pts/5": r"/dev/pts/\d+",
    r"modem 16842753 ca .*": r"modem 16842753 ca [0-9A-F]{64} \d+",
    r".* blocks? passed": r".*blocks? passed",
}
NOT_RUN = (
    "sudo apt install picocom pipx",
    "pipx install .",
    "vmodem play tests/transcripts/sm-1.0/xsocket.at --port /dev/ttyUSB0@115200",
)
"""What changes the machine, and what needs a board."""


class Peer:
    """The other end of the conversations in two dialects."""

    def __init__(self, port):
        self.port = port
        self.made = []

    def connects(self, walk):
        """Connect to the modem's server as soon as it listens, and send a line."""
        threading.Thread(target=self._connect, daemon=True).start()

    def _connect(self):
        eventually(lambda: listens(self.port))
        self.made.append(socket.create_connection(("127.0.0.1", self.port), PATIENCE))
        self.made[-1].sendall(b"hello\n")

    def listens(self, walk):
        """Serve one client, which gets a line when it has sent something."""
        walk.start(f"vmodem serve --dialect ameba --pty {walk.folder}/modem", [f"{walk.folder}/modem"])
        self.made.append(socket.create_server(("127.0.0.1", self.port)))
        threading.Thread(target=self._serve, args=self.made[-1:], daemon=True).start()

    def _serve(self, listener):
        self.made.append(accept(listener))
        assert self.made[-1].recv(5) == b"hello"
        self.made[-1].sendall(b"world\n")

    def close(self):
        for one in self.made:
            one.close()


def test_it_goes_as_it_says(tmp_path):
    page, port = free_port(), free_port()
    peer = Peer(port)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "ca.pem").write_bytes(Certificates().ca.certificate)
    instead = {"/tmp/modem": str(tmp_path / "modem"), "8000": str(page), "9000": str(port)}
    actions = {
        "AT#XRECV=0,0,0,10": lambda walk: eventually(lambda: has_closed(page)),
        "`vmodem serve --dialect slm-2.7` is one of them": lambda walk: walk.start(
            f"vmodem serve --dialect slm-2.7 --pty {tmp_path}/modem", [f"{tmp_path}/modem"]
        ),
        f"AT#XTCPSVR=1,{port}": peer.connects,
        "The Ameba has no `AT` alone": peer.listens,
    }
    with Walk("README.md", tmp_path, instead, LOOSE, actions, NOT_RUN) as walk:
        walk.follow()
    peer.close()


def test_its_fixture_and_its_program_work(tmp_path):
    fixture, program = blocks("../README.md", "python")
    (tmp_path / "conftest.py").write_text(fixture)
    (tmp_path / "test_it.py").write_text("def test_it(modem):\n    modem.write(b'AT#XSMVER\\r')\n")
    assert "1 passed" in run_pytest(tmp_path)
    (tmp_path / "program.py").write_text(program.replace("/tmp/modem", str(tmp_path / "modem")))
    port, path = run(tmp_path, "program", path=ROOT / "src").split()
    assert int(port) > 0
    assert path == str(tmp_path / "modem")
