"""How version 1.9 frames what the modem core says."""

from __future__ import annotations

from vmodem.core.commands import Reply


def core_text(reply: Reply) -> Reply:
    """Pass the modem core's text through without a CR LF behind it: the result brings one along."""
    return b"\r\n%b" % reply.encode("latin-1") if isinstance(reply, str) else reply
