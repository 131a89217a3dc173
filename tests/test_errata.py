"""Every dialect's errata table and its policy tell the same story."""

from __future__ import annotations

from dataclasses import fields

import pytest

from vmodem import dialects
from vmodem.core.dialect import Follow


@pytest.mark.parametrize("name", dialects.MODULES)
def test_each_field_that_follow_switches_has_a_row(name: str) -> None:
    dialect = dialects.find(name)
    manual, firmware = dialect.policies[Follow.MANUAL], dialect.policies[Follow.FIRMWARE]
    switched = {f.name for f in fields(manual) if getattr(manual, f.name) != getattr(firmware, f.name)}
    assert {erratum.policy for erratum in dialect.errata if erratum.policy} == switched
