"""Programs that tests talk to: a test whose program is missing is left out, and the end of the run says so."""

import shutil

import pytest

PACKAGES = {
    "chat": "ppp",
    "curl": "curl",
    "gnutls-cli": "gnutls-bin",
    "gnutls-serv": "gnutls-bin",
    "nc": "netcat-openbsd",
    "nginx": "nginx",
    "openssl": "openssl",
    "socat": "socat",
}
"""Each program, and Debian's package that it is in."""

MISSING = " is not installed"
"""How the reason ends for which such a test is skipped."""


def needs(program):
    """Return the mark of a test that talks to ``program``."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} ({PACKAGES[program]}){MISSING}")


def left_out(reasons):
    """Yield the lines that say which programs are missing, from the reasons for which tests were skipped."""
    missing = [reason.removesuffix(MISSING) for reason in reasons if reason.endswith(MISSING)]
    if not missing:
        return
    yield f"{len(missing)} tests were left out, since these are not installed:"
    for name in sorted(set(missing)):
        yield f"  {name}: {missing.count(name)}"
