"""Rules for measurements and forecasts, beyond the one pair of cases per rule."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest

from tests.support.s2_rule_cases.scenes import Utterance, edited, findings_on_last, rm, rules_broken, span
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import NOW, RM, conversation, message

OWN = {"R-27", "R-28", "R-29", "R-30", "R-31", "R-32"}

findings = partial(findings_on_last, of=OWN)
broken = partial(rules_broken, of=OWN)

L2, L3 = "ELECTRIC.POWER.L2", "ELECTRIC.POWER.L3"
SYMMETRIC = "ELECTRIC.POWER.3_PHASE_SYMMETRIC"
HEAT = "HEAT.THERMAL_POWER"

CONSUMER = {"role": "ENERGY_CONSUMER", "commodity": "ELECTRICITY"}
PRODUCER = {"role": "ENERGY_PRODUCER", "commodity": "ELECTRICITY"}
STORAGE = {"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}
HEATS = {"role": "ENERGY_PRODUCER", "commodity": "HEAT"}


def measured(*values: tuple[str, float]) -> Utterance:
    return rm("PowerMeasurement", values=[{"commodity_quantity": each, "value": value} for each, value in values])


def described(*roles: dict[str, str], **changes: Any) -> Utterance:
    return rm("ResourceManagerDetails", roles=roles, provides_power_measurement_types=[L1, L2, L3, HEAT], **changes)


def expected(**bands: float) -> Utterance:
    values = [{"value_expected": 0, "commodity_quantity": L1, **bands}]
    return rm("PowerForecast", elements=[{"duration": 1, "power_values": values}])


def test_every_quantity_that_was_not_announced_is_found() -> None:
    found = findings(measured((L2, 1), (L1, 1), (L3, 1)))

    assert [(finding.rule, finding.path) for finding in found] == [
        ("R-27", "$.values[0].commodity_quantity"),
        ("R-27", "$.values[2].commodity_quantity"),
    ]


def test_what_comes_before_the_details_is_taken_as_it_is() -> None:
    talk = conversation()
    talk.resource.details = None

    assert talk.judge(message("PowerMeasurement"), RM, NOW) == ()
    assert talk.judge(message("PowerForecast"), RM, NOW) == ()


@pytest.mark.parametrize(
    ("message_type", "path"),
    [
        ("PowerForecast", "elements.0.power_values"),
        ("PPBC.PowerProfileDefinition", "power_sequences_containers.0.power_sequences.0.elements.0.power_values"),
        ("OMBC.SystemDescription", "operation_modes.1.power_ranges"),
        ("FRBC.SystemDescription", "actuators.0.operation_modes.1.elements.0.power_ranges"),
        ("DDBC.SystemDescription", "actuators.0.operation_modes.1.power_ranges"),
    ],
)
def test_quantities_are_looked_at_wherever_powers_are_told(message_type: str, path: str) -> None:
    powers: Any = sample(message_type)
    for part in path.split("."):
        powers = powers[int(part)] if part.isdigit() else powers[part]
    where = "$." + ".".join(path.split(".")).replace(".0", "[0]").replace(".1", "[1]")

    twice = findings(edited(message_type, path, powers * 2))
    mixed = findings(edited(message_type, path, [*powers, powers[0] | {"commodity_quantity": SYMMETRIC}]))

    assert [(each.rule, each.path) for each in twice if each.rule in ("R-29", "R-30")] == [
        ("R-29", f"{where}[1].commodity_quantity")
    ]
    assert [(each.rule, each.path) for each in mixed if each.rule in ("R-29", "R-30")] == [("R-30", where)]


def test_details_announce_phases_in_one_way_too() -> None:
    assert broken(rm("ResourceManagerDetails", provides_power_measurement_types=[SYMMETRIC, L1])) >= {"R-30"}
    assert "R-30" not in broken(rm("ResourceManagerDetails", provides_power_measurement_types=[L1, L2, HEAT]))


def test_only_the_bands_that_are_there_are_compared() -> None:
    assert broken(expected()) == set()
    assert broken(expected(value_lower_limit=-1, value_upper_95PPR=1)) == set()
    assert broken(expected(value_lower_limit=1)) == {"R-31"}


def test_bands_that_run_downwards_are_told_with_their_neighbours() -> None:
    found = findings(expected(value_lower_68PPR=20, value_upper_68PPR=-20))

    assert [(finding.path, finding.text) for finding in found] == [
        ("$.elements[0].power_values[0].value_expected", "0 should not be below value_lower_68PPR, 20"),
        ("$.elements[0].power_values[0].value_upper_68PPR", "-20 should not be below value_expected, 0"),
    ]


def test_bands_may_miss_their_order_by_rounding() -> None:
    assert broken(expected(value_lower_68PPR=1e-12)) == set()
    assert broken(expected(value_expected=0.3, value_lower_68PPR=0.1 + 0.2)) == set()


@pytest.mark.parametrize(
    ("message_type", "field"),
    [("FRBC.UsageForecast", "usage_rate_upper_limit"), ("DDBC.AverageDemandRateForecast", "demand_rate_upper_limit")],
)
def test_bands_of_usage_and_demand_are_ordered(message_type: str, field: str) -> None:
    (found,) = findings(edited(message_type, f"elements.0.{field}", -1000))

    assert (found.rule, found.path) == ("R-31", f"$.elements[0].{field}")


def test_bands_of_a_power_sequence_are_ordered() -> None:
    elements = "power_sequences_containers.0.power_sequences.0.elements"
    value = {"value_expected": 700, "value_lower_limit": 800, "commodity_quantity": L1}
    found = findings(edited("PPBC.PowerProfileDefinition", f"{elements}.0.power_values", [value]))

    assert [finding.rule for finding in found] == ["R-31"]


@pytest.mark.parametrize(
    ("roles", "power_w", "found"),
    [
        ([CONSUMER], -51, {"R-32"}),
        ([CONSUMER], -50, set()),
        ([CONSUMER], 51, set()),
        ([PRODUCER], 51, {"R-32"}),
        ([PRODUCER], -51, set()),
        ([STORAGE], -51, set()),
        ([STORAGE], 51, set()),
        ([CONSUMER, HEATS], -51, {"R-32"}),
        ([HEATS], 51, set()),
    ],
)
def test_the_role_for_electricity_settles_the_sign(
    roles: list[dict[str, str]], power_w: float, found: set[str]
) -> None:
    assert broken(described(*roles), measured((L1, power_w))) == found


def test_the_sign_is_that_of_all_phases_together() -> None:
    assert broken(described(PRODUCER), measured((L1, 60), (L2, -30), (L3, -30))) == set()
    assert broken(described(PRODUCER), measured((L1, 20), (L2, 20), (L3, 20))) == {"R-32"}


def test_other_quantities_have_no_sign_to_keep() -> None:
    assert broken(described(CONSUMER), measured((HEAT, -5000))) == set()


def test_what_cannot_be_controlled_may_be_the_meter_of_a_home_with_a_roof() -> None:
    meter = described(CONSUMER, available_control_types=["NOT_CONTROLABLE"])
    roof = described(PRODUCER, available_control_types=["NOT_CONTROLABLE"])

    assert broken(meter, measured((L1, -3000))) == set()
    assert broken(roof, measured((L1, 3000))) == {"R-32"}


def test_absurd_powers_are_judged_without_harm() -> None:
    huge = sys.float_info.max
    extreme = edited("FRBC.SystemDescription", "actuators.0.operation_modes.0.elements.0.fill_rate", span(-huge, huge))

    assert broken(described(PRODUCER), measured((L1, huge), (L2, huge))) == {"R-32"}
    assert broken(described(PRODUCER), measured((L1, huge), (L2, -huge))) == set()
    assert broken(extreme) == set()
