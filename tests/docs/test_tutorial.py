"""The tutorial, followed from its top to its end."""

from tests.docs.walk import PYTHON_SERVER, Walk, has_closed
from tests.needs import needs
from tests.patience import eventually
from tests.peers import free_port

LOOSE = PYTHON_SERVER | {
    r"#XRECV: 0,0,195": r"#XRECV: 0,0,1\d\d",
}


def open_and_connect(walk, port):
    walk.ask("AT#XSOCKET=1,1,0")
    walk.ask(f'AT#XCONNECT=0,"localhost",{port}')


def type_two_and_end(walk):
    nc = walk.terminal("nc -l")
    nc.type("two")
    walk.sees("\n#XAPOLL: 0,1\n")
    walk.close(nc)


@needs("nc")
def test_it_goes_as_it_says(tmp_path):
    page, server, other = (str(free_port()) for _ in range(3))
    actions = {
        "Receive, for 10 seconds": lambda walk: eventually(lambda: has_closed(int(page))),
        "Now look at the answer in hexadecimal": lambda walk: eventually(lambda: has_closed(int(page))),
        "Open and connect a socket as above": lambda walk: open_and_connect(walk, page),
        "Type `GET /hello.txt HTTP/1.0`, press Enter twice, and type `+++`": lambda walk: walk.type(
            "GET /hello.txt HTTP/1.0\n\n+++"
        ),
        "End nc with Ctrl-C": lambda walk: walk.close(walk.terminal("nc")),
        f"`nc -l 127.0.0.1 {other}` in the third terminal": lambda walk: walk.start(f"nc -l 127.0.0.1 {other}"),
        "Type `one` in nc.": lambda walk: walk.terminal("nc").type("one"),
        "Type `two`, and then end nc": type_two_and_end,
    }
    instead = {"/tmp/modem": str(tmp_path / "modem"), "8000": page, "1234": server, "9000": other}
    with Walk("docs/tutorial.md", tmp_path, instead, LOOSE, actions) as walk:
        walk.follow()
