"""How long a test waits for what has to happen."""

import time

PATIENCE = 10
"""Seconds."""


def eventually(true, patience=PATIENCE):
    """Wait until ``true()``, which somebody else makes so."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)
