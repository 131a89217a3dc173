"""The how-to about TLS, followed from its top to its end."""

from tests.docs.walk import Walk
from tests.needs import needs
from tests.peers import free_port

PAGE = "use-tls.md"
LOOSE = {
    r'%CMNG: 16842753,0,".*"': r'%CMNG: 16842753,0,"[0-9A-F]{64}"',
    r"#XTCPDATA: 78": r"#XTCPDATA: \d\d",
    r"Host: localhost:.*": r"Host: localhost:.*",
    r"User-Agent: .*": r"User-Agent: curl/.*",
    r"#XTCPHANGUP: .*": r"#XTCPHANGUP: .*",
}


def certificate(folder):
    """Return the lines of the CA's certificate, between the first and the last."""
    return (folder / "ca.pem").read_text().strip().splitlines()[1:-1]


@needs("openssl")
@needs("curl")
def test_it_goes_as_it_says(tmp_path):
    first, second, third = (str(free_port()) for _ in range(3))
    instead = {"/tmp/modem": str(tmp_path / "modem"), "4433": first, "4434": second, "4443": third}
    curl_says = []
    actions = {
        "in flight mode": lambda walk: walk.substitute(
            "MIIBdTCCARugAwIBAgIUITDH9QYQqBqHV72s8nlhfFlFzBYwCgYIKoZIzj0EAwIw\n...", "\n".join(certificate(tmp_path))
        ),
        "Type `hello modem` in the terminal of the server": lambda walk: walk.terminal("openssl").type("hello modem"),
        "curl prints `Hello from the modem`": lambda walk: curl_says.append(walk.terminal("curl").line()),
        "Let it send `hello modem`": lambda walk: walk.terminal(f"openssl s_server -accept {first}").send(
            "hello modem"
        ),
    }
    with Walk(f"docs/{PAGE}", tmp_path, instead, LOOSE, actions) as walk:
        walk.follow()
    assert curl_says == ["Hello from the modem"]
