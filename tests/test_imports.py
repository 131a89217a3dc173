"""Imports flow one way: the packages stand in layers, no module imports one above it, and there is no circle.

What stands under ``if TYPE_CHECKING`` counts as no import: it names a type, and nothing more.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src"

EVERYBODYS = {"vmodem.errors", "vmodem.jobs"}
"""What everybody may use."""

NETWORK = {"vmodem.net.interface", "vmodem.tls.security"}
"""What everybody may know of networks: their words."""

HANDLERS = {"vmodem.core", "vmodem.config", "vmodem.credentials", "vmodem.pem", *NETWORK}
"""What the handlers of every dialect may use."""

LAYERS = {
    "vmodem.toml": set(),
    "vmodem.config": {"vmodem.toml"},
    "vmodem.net.interface": set(),
    "vmodem.tls.security": {"vmodem.net.interface"},
    "vmodem.jobs": set(),
    "vmodem.pem": set(),
    "vmodem.turns": set(),
    "vmodem.workers": set(),
    "vmodem.reactor": {"vmodem.turns", "vmodem.workers"},
    "vmodem.net": {"vmodem.net", "vmodem.reactor"},
    "vmodem.tls": {"vmodem.pem", "vmodem.tls", *NETWORK},
    "vmodem.credentials": {"vmodem.credentials", "vmodem.core.reasons", "vmodem.files", "vmodem.pem", *NETWORK},
    "vmodem.core": {"vmodem.core", "vmodem.config", "vmodem.credentials.store", "vmodem.tls.stack", *NETWORK},
    "vmodem.dialects": {"vmodem.core", "vmodem.config", "vmodem.credentials", *NETWORK},
    "vmodem.dialects.nrf": {"vmodem.dialects.nrf", "vmodem.dialects.v250", *HANDLERS},
    "vmodem.dialects.nrf.core": {
        *(f"vmodem.dialects.nrf.{name}" for name in ("core", "device", "tls", "values")),
        *HANDLERS,
    },
    "vmodem.dialects.ameba": {"vmodem.dialects.ameba", "vmodem.dialects.v250", *HANDLERS},
    "vmodem.endpoints": {"vmodem.endpoints", "vmodem.core", "vmodem.reactor", "vmodem.turns", *NETWORK},
    "vmodem.stderr": set(),
    "vmodem.files": set(),
    "vmodem.profile": {
        "vmodem.assembly",
        "vmodem.config",
        "vmodem.core",
        "vmodem.credentials",
        "vmodem.dialects",
        *NETWORK,
    },
    "vmodem.hub": {
        "vmodem.endpoints",
        "vmodem.core.line",
        "vmodem.core.modem",
        "vmodem.net.host",
        "vmodem.profile",
        "vmodem.reactor",
    },
    "vmodem.profiles": {
        "vmodem.hub",
        "vmodem.profile",
        "vmodem.config",
        "vmodem.endpoints",
        "vmodem.credentials.store",
        "vmodem.toml",
    },
    "vmodem.library": {"vmodem.hub", "vmodem.profile", "vmodem.endpoints", "vmodem.core.dialect", "vmodem.reactor"},
    "vmodem.program": {"vmodem.files", "vmodem.hub", "vmodem.profile", "vmodem.endpoints", "vmodem.reactor"},
    "vmodem.transcripts": {
        "vmodem.transcripts",
        "vmodem.files",
        "vmodem.virtual",
        "vmodem.dialects",
        "vmodem.core",
        "vmodem.config",
        "vmodem.credentials.store",
        "vmodem.net",
    },
    "vmodem.observed": {"vmodem.core", "vmodem.net", "vmodem.tls", *NETWORK},
    "vmodem.assembly": {"vmodem.observed", "vmodem.core", *NETWORK},
    "vmodem.virtual": {
        "vmodem.assembly",
        "vmodem.observed",
        "vmodem.core",
        "vmodem.config",
        "vmodem.credentials.store",
        "vmodem.net",
        *NETWORK,
    },
}
"""What the modules of each package may import, besides what everybody may; who is not named is above all."""


def modules():
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imported(name, path):
    """Return the modules of the package that ``path`` imports, anywhere but under TYPE_CHECKING."""
    found = set()
    nodes = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            nodes += node.orelse
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= inside if len(inside) == len(node.names) else {node.module, *inside}
    return {module for module in found if module in MODULES} - {name, "vmodem"}


GRAPH = {name: imported(name, path) for name, path in MODULES.items()}


def layer(name):
    """Return the layer of a module: the longest name in `LAYERS` that it is, or is in."""
    fits = [known for known in LAYERS if name == known or name.startswith(f"{known}.")]
    return max(fits, key=len, default=None)


def test_there_is_no_circle():
    left = dict(GRAPH)
    while free := [n for n in left if not left[n] & left.keys() or not any(n in needs for needs in left.values())]:
        for name in free:
            del left[name]
    assert not left, f"in circles, or between two: {sorted(left)}"


@pytest.mark.parametrize("name", sorted(name for name in MODULES if layer(name) is not None))
def test_no_import_runs_against_the_layers(name):
    allowed = LAYERS[layer(name)]
    against = {
        other
        for other in GRAPH[name]
        if not any(other == one or other.startswith(f"{one}.") for one in (*allowed, *EVERYBODYS))
    }
    assert not against, f"{name} must not import {', '.join(sorted(against))}"


def test_every_layer_is_there():
    assert {layer(name) for name in MODULES} >= {name for name in LAYERS if name in MODULES}


@pytest.mark.parametrize(("room", "others"), [("nrf.sm", ["nrf.slm"]), ("nrf.slm", ["nrf.sm"])])
def test_the_twins_do_not_know_each_other(room, others):
    for name, needs in GRAPH.items():
        if name.startswith(f"vmodem.dialects.{room}."):
            assert not any(need.startswith(f"vmodem.dialects.{other}") for need in needs for other in others), name


def test_what_they_share_knows_neither():
    for name, needs in GRAPH.items():
        if name.startswith("vmodem.dialects.nrf.") and name.split(".")[3] not in ("sm", "slm"):
            assert not any(need.split(".")[3:4] in (["sm"], ["slm"]) for need in needs), name
