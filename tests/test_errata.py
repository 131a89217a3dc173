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


def test_follow_switches_each_field_of_a_policy_in_some_dialect() -> None:
    switched: dict[type, set[str]] = {}
    declared: dict[type, set[str]] = {}
    for name in dialects.MODULES:
        policies = dialects.find(name).policies
        manual, firmware = policies[Follow.MANUAL], policies[Follow.FIRMWARE]
        for kind in type(manual).__mro__:
            own = set(vars(kind).get("__annotations__", ()))
            declared.setdefault(kind, set()).update(own)
            switched.setdefault(kind, set()).update(
                field for field in own if getattr(manual, field) != getattr(firmware, field)
            )
    assert {kind: fields for kind, fields in declared.items() if fields} == {
        kind: fields for kind, fields in switched.items() if fields
    }


def test_nothing_of_a_version_is_switched() -> None:
    for name in dialects.MODULES:
        dialect = dialects.find(name)
        version = {field.name for field in fields(dialect.version)} if dialect.version is not None else set()
        assert not version & {field.name for field in fields(dialect.policies[Follow.MANUAL])}
