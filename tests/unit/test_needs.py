"""What the end of a test run says of programs that are missing, and where a contributor reads of them."""

import re
from pathlib import Path

from tests.needs import PACKAGES, left_out, needs

ROOT = Path(__file__).parents[2]


def test_missing_programs_are_counted():
    reason = needs("openssl").kwargs["reason"]
    assert list(left_out([reason, "root can read everything", reason, "mbedTLS is not installed"])) == [
        "3 tests were left out, since these are not installed:",
        "  mbedTLS: 1",
        "  openssl (openssl): 2",
    ]


def test_nothing_is_said_where_all_are_there():
    assert list(left_out(["root can read everything"])) == []


def test_contributing_and_ci_name_every_package():
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    (line,) = (line for line in contributing.splitlines() if line.startswith("    sudo apt install "))
    assert sorted(set(PACKAGES.values())) == line.split()[3:]
    run = (ROOT / ".ci/run").read_text()
    installed = set(re.findall(r"[\w-]+:([\w-]+)", run))
    assert set(PACKAGES.values()) <= installed
