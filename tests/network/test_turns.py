"""Whose turn it is, in a real process: one host among others that are flooded."""

import pytest
from benchmarks.peers import cpu_time, vmodem
from benchmarks.turns import SCENES, ending, flooding

ASKED = 40
MOST = 0.05
"""Seconds that the process may compute before an answer: so that other programs do not count."""

SOON = 5000
"""Milliseconds until it has ended; where nobody else had a turn it took up to 20 seconds."""


@pytest.mark.parametrize("name", ["pipelining_50", "tcp", "ameba", "upload", "udp", "server"])
def test_a_host_is_answered_and_sigterm_obeyed_beside_a_flood(name):
    scene = SCENES[name]
    with vmodem(*scene.options, tcp=True) as modems, modems.host() as host:
        host.ask(scene.line)
        with flooding(name, modems.where) as count:
            costs = []
            for _ in range(ASKED):
                before = cpu_time(modems.pid)
                host.ask(scene.line)
                costs.append(cpu_time(modems.pid) - before)
            assert count() > 0
            assert sorted(costs)[-2] < MOST
            assert ending(modems.pid) < SOON
