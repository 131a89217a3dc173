"""Give every reader bytes that were good once, and see that nothing comes of it but what it promises.

    python -m tests.endurance.fuzz [--seconds N] [--seed N]

The corpus is what the repository has: transcripts, configuration, recorded records. Each round changes one of them at
random. What is found is printed as the bytes that show it, and becomes a transcript or a test.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

from tests.cid import Client, Server, client_context, talk
from vmodem import ConfigError, dialects, load_config
from vmodem.core.dialect import Follow
from vmodem.credentials.directory import DirectoryStore, path_of
from vmodem.credentials.store import Area, Kind, Slot
from vmodem.transcripts.format import Send, TranscriptError, parse
from vmodem.virtual import Virtual

TESTS = Path(__file__).parents[1]
LINES = [
    step.data
    for path in sorted((TESTS / "transcripts").rglob("*.at"))
    for block in parse(path)
    for step in block.steps
    if isinstance(step, Send)
]
RECORDS = [bytes.fromhex(one["record"]) for one in json.loads((TESTS / "unit/tls/cid_records.json").read_text())]
TOML = b"""[identity]
imei = "352656100367872"
[cell]
act = 7
[wifi]
ssid = "home"
[[wifi.network]]
ssid = "other"
channel = 6
"""


def mutated(data, dice):
    """Return ``data`` with a few bytes changed, left out, doubled or made up."""
    made = bytearray(data)
    for _ in range(dice.randint(0, 4)):
        at = dice.randint(0, len(made))
        size = dice.choice((0, 1, 2, 8, 40))
        made[at : at + dice.choice((0, size))] = dice.choice(
            (dice.randbytes(size), data[:size], b"\r\n", b'"', b",,", b"-1")
        )
    return bytes(made)


def host_bytes(dice, folder):
    """Lines of all transcripts, changed, to any dialect, while peers come, send and reset."""
    modem = Virtual(dialects.find(dice.choice(list(dialects.MODULES))), follow=dice.choice(list(Follow)))
    said = []
    try:
        for _ in range(dice.randint(1, 30)):
            said.append(mutated(dice.choice(LINES), dice))
            modem.send(said[-1] + dice.choice((b"\r", b"\r\n", b"")))
            for peer in modem.network.peers[-1:]:
                dice.choice((peer.reset, peer.close, peer.stop_reading, lambda peer=peer: peer.send(b"data")))()
            modem.wait(dice.choice((0, 0.1, 60)))
            modem.take()
    except Exception as error:
        error.add_note(f"{modem.modem.dialect.name}: {said}")
        raise


def told_in_one_line(read, path, kind):
    """Read ``path``, where a mistake may be, and may be told in one line only."""
    try:
        read(path)
    except kind as error:
        if "\n" in str(error):
            raise AssertionError(f"{error} is more than one line") from error


def transcripts(dice, folder):
    path = Path(folder, "fuzz.at")
    path.write_bytes(mutated(dice.choice(PATHS).read_bytes(), dice))
    told_in_one_line(parse, path, TranscriptError)


def configuration(dice, folder):
    path = Path(folder, "fuzz.toml")
    path.write_bytes(mutated(TOML, dice))
    told_in_one_line(load_config, path, ConfigError)


def credential_folder(dice, folder):
    """A folder in which somebody has left anything, under the right names or nearly so."""
    with tempfile.TemporaryDirectory(dir=folder) as root:
        for _ in range(dice.randint(1, 6)):
            slot = dice.choice(SLOTS)
            name = str(path_of(slot)).replace(*dice.choice((("x", "x"), ("1", "-1"), ("1", "9" * 12), ("ca", "c"))))
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(dice.randbytes(dice.randint(0, 300)))
        store = DirectoryStore(Path(root))
        store.entries()
        for slot in SLOTS:
            store.read(slot)
            store.bundle(slot.tag)


def cid_records(dice, folder):
    """Nothing that somebody else has sealed comes through."""
    record = mutated(dice.choice(RECORDS), dice)
    pieces = list(CLIENT.cid.incoming(record))
    assert all(piece[3:5] == b"\0\0" and piece in record for piece in pieces), (record, pieces)


def established():
    """Return a client whose connection, with identifiers, is established."""
    client = Client(client_context(SUITE.encode()), b"client")
    server = Server(b"server", SUITE, False)
    talk(client, server)
    return client


SUITE = "PSK-AES128-GCM-SHA256"
CLIENT = established()
SLOTS = [slot for area in Area for tag in (1, 12) for kind in Kind if (slot := Slot(area, tag, kind)).exists]
PATHS = sorted((TESTS / "transcripts").rglob("*.at"))
TARGETS = (host_bytes, transcripts, configuration, credential_folder, cid_records)


class Errors(logging.Handler):
    """Makes an error of whatever the modem takes for a bug of its own."""

    def emit(self, record):
        raise AssertionError(f"an error in the log: {record.getMessage()}") from (record.exc_info or (0, None))[1]


def main():
    """Fuzz, and return 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.fuzz")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", default=str(int.from_bytes(os.urandom(4))))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    logging.getLogger().addHandler(Errors(logging.ERROR))
    end = time.monotonic() + arguments.seconds
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            target = TARGETS[number % len(TARGETS)]
            try:
                target(Random(f"{arguments.seed} {number}"), folder)
            except Exception:
                print(f"{target.__name__} {number}: {traceback.format_exc()}", file=sys.stderr)
                return 1
            number += 1
    print(f"{number} inputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
