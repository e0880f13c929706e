"""One row for each way in which a vendor writes what S2 wants in W, consumption positive."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rm_adapters.sdk import units


@pytest.mark.parametrize(
    ("converted", "expected"),
    [
        (units.kw_to_w(1.5), 1500.0),
        (units.produced_w(1185), -1185),
        (units.produced_kw_to_w(3.45), -3450.0),
        (units.charge_and_discharge_kw_to_w(2.0, 0.0), 2000.0),
        (units.charge_and_discharge_kw_to_w(0.0, 0.5), -500.0),
        (units.current_to_w(16.0, 230.0), 3680.0),
        (units.current_to_w(16.0, 230.0, 3), 11040.0),
        (units.w_to_current(11040.0, 230.0, 3), 16.0),
        (units.to_ms(timedelta(minutes=1.5)), 90_000),
        (units.percent_per_s(4750.0, 10_000.0) * 3600, 47.5),
        (units.kelvin_per_s(3000.0, 200 * 4186 / 3600), 3000.0 / (200 * 4186)),
        (units.gas_w_to_l_per_s(9.77 * 3600), 1.0),
    ],
)
def test_converts(converted: float, expected: float) -> None:
    assert converted == pytest.approx(expected)


def test_no_production_has_no_sign() -> None:
    assert str(units.produced_w(0.0)) == "0.0"


def test_durations_are_whole_milliseconds() -> None:
    assert type(units.to_ms(timedelta(seconds=1 / 3))) is int
