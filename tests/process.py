"""A real `vmodem serve`, for what only a process has: options, signals, memory, descriptors."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.hosts import connect
from tests.patience import PATIENCE
from vmodem import dialects


class Process:
    """A running `vmodem serve`; ``where`` holds what it printed: a path or HOST:PORT for each endpoint."""

    def __init__(self, *options, endpoints=1, **popen):
        self.dialect = dialects.find(options[options.index("--dialect") + 1] if "--dialect" in options else "sm")
        self.running = subprocess.Popen(
            [sys.executable, "-m", "vmodem", "serve", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **popen,
        )
        self.where = [self.running.stdout.readline().rstrip("\n") for _ in range(endpoints)]
        assert self.where[-1], self.running.stderr.read()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def stop(self, number=signal.SIGTERM):
        """Stop it; return its exit status and what it logged."""
        if self.running.poll() is None:
            self.running.send_signal(number)
        _, log = self.running.communicate(timeout=PATIENCE)
        return self.running.returncode, log

    def host(self, endpoint=0):
        """Connect a host and swallow the banner."""
        return connect(self.where[endpoint], self.dialect)

    def descriptors(self):
        """Return how many descriptors it has open."""
        return len(os.listdir(f"/proc/{self.running.pid}/fd"))

    def resident(self):
        """Return its resident memory in KiB."""
        status = Path(f"/proc/{self.running.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])
