"""Play conversations in every dialect against real servers on loopback, and show them as they happen."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import vmodem
from demo import ameba, slm, sm
from demo.secure import keep_credentials
from demo.talk import Talk, show
from vmodem.transcripts.matching import ENDS

CONVERSATIONS: dict[str, list[Callable[[Talk], None]]] = {
    "sm-1.0": [sm.tcp, sm.udp, sm.tls, sm.dtls, sm.server, sm.polling, sm.cellular],
    "slm-1.9": [slm.tcp_1_9, slm.udp_1_9, slm.tls_1_9, slm.dtls_1_9, slm.data_mode_1_9],
    "slm-2.0": [slm.polling_2_0, slm.udp_2_0, slm.tls_2_0, slm.dtls_2_0],
    "slm-2.7": [slm.server_2_7, slm.client_2_7, slm.udp_2_7, slm.tls_2_7, slm.tls_server_2_7, slm.dtls_2_7],
    "ameba-2.4": [ameba.tcp, ameba.tls, ameba.udp, ameba.server, ameba.secure_server, ameba.wifi],
}


def main() -> int:
    """Play everything; return 0 where all went well."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keep_credentials(folder)
        for dialect, conversations in CONVERSATIONS.items():
            for conversation in conversations:
                print(f"\n{dialect}  {conversation.__doc__}")
                log = play(dialect, conversation, folder)
                if log:
                    print(log, file=sys.stderr)
                    return 1
    count = sum(map(len, CONVERSATIONS.values()))
    seconds = time.monotonic() - begin
    print(f"\nvmodem demo: {count} conversations in {len(CONVERSATIONS)} dialects, all as expected, {seconds:.1f} s")
    return 0


def play(dialect: str, conversation: Callable[[Talk], None], credentials: Path) -> str:
    """Hold one conversation with a fresh modem; return what the modem had to complain about."""
    profile = vmodem.Profile(dialect=dialect, credentials=credentials)
    with complaints() as log, vmodem.start(profile, vmodem.Pty()) as modem:
        host = Talk(modem.path, ENDS[profile.device.terminator])
        host.expect(profile.device.banner)
        show("modem", profile.device.banner.decode().rstrip())
        conversation(host)
        host.close()
    return log.getvalue().rstrip()


@contextlib.contextmanager
def complaints() -> Iterator[io.StringIO]:
    """Collect every warning and error that is logged."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield log
    finally:
        logging.getLogger().removeHandler(handler)


if __name__ == "__main__":
    raise SystemExit(main())
