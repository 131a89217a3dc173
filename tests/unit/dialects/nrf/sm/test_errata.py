from dataclasses import asdict

from vmodem.dialects.nrf.sm.errata import ERRATA
from vmodem.dialects.nrf.sm.policy import FIRMWARE, MANUAL


def test_each_field_that_follow_switches_has_one_row():
    switched = sorted(name for name, value in asdict(MANUAL).items() if asdict(FIRMWARE)[name] != value)
    assert sorted(erratum.policy for erratum in ERRATA if erratum.policy) == switched
    assert sorted(asdict(MANUAL)) == switched
