"""Rules for numbers and ranges, beyond the one pair of cases per rule."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.s2_rule_cases.scenes import edited, refused, rules_broken, span

OWN = {"R-17", "R-18", "R-20"}

broken = partial(rules_broken, of=OWN)

_DOWN = span(2, 1)
_DDBC = "DDBC.SystemDescription"
_MODE = "actuators.0.operation_modes.0"


@pytest.mark.parametrize(
    ("message_type", "path"),
    [
        ("OMBC.SystemDescription", "operation_modes.0.running_costs"),
        ("FRBC.SystemDescription", f"{_MODE}.elements.0.running_costs"),
        (_DDBC, f"{_MODE}.running_costs"),
        (_DDBC, f"{_MODE}.supply_range"),
    ],
)
def test_what_goes_with_the_factor_may_run_downwards(message_type: str, path: str) -> None:
    assert refused(edited(message_type, path, _DOWN))() == {"R-19"}


def test_the_power_of_a_discharging_mode_may_run_downwards() -> None:
    discharging = {"start_of_range": -2500, "end_of_range": -5000, "commodity_quantity": "ELECTRIC.POWER.L1"}

    assert refused(edited("OMBC.SystemDescription", "operation_modes.0.power_ranges", [discharging]))() == {"R-19"}


@pytest.mark.parametrize(("factor", "found"), [(-0.001, {"R-20"}), (0, set()), (1, set()), (1.001, {"R-20"})])
def test_a_factor_is_a_share(factor: float, found: set[str]) -> None:
    for message_type in ("OMBC.Status", "FRBC.ActuatorStatus", "DDBC.ActuatorStatus"):
        assert broken(edited(message_type, "operation_mode_factor", factor)) == found


def test_an_overflowing_range_is_judged_like_any_other() -> None:
    assert "R-17" in broken(edited("FRBC.SystemDescription", "storage.fill_level_range", span(1e308, -1e308)))
