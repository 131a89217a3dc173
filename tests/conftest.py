"""Profiles of hypothesis: `fast` for every run, `deep` for `make test-deep`; what was left out, at the end."""

import os

from hypothesis import HealthCheck, settings

from tests.needs import left_out

settings.register_profile("fast", max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("deep", max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_terminal_summary(terminalreporter):
    """Say which programs were missing, and how many tests that left out."""
    skipped = terminalreporter.stats.get("skipped", [])
    for line in left_out([report.longrepr[2].removeprefix("Skipped: ") for report in skipped]):
        terminalreporter.write_line(line)
