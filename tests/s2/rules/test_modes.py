"""What the cases leave open of how modes are described, and of the size that a description may have."""

from time import process_time
from typing import Any

import pytest

from tests.support.s2_judging import found
from tests.support.s2_rule_cases.scenes import MENU_FRBC, Utterance, cem, edited, rm, span
from tests.support.s2_samples import L1, sample

#: Where the first mode of a family has its ranges.
PLACES = {
    "OMBC": "operation_modes.0",
    "FRBC": "actuators.0.operation_modes.0.elements.0",
    "DDBC": "actuators.0.operation_modes.0",
}
FAMILIES = sorted(PLACES)


def power(start: float, end: float, quantity: str = L1) -> list[dict[str, Any]]:
    return [span(start, end) | {"commodity_quantity": quantity}]


def described(family: str, field: str, value: object) -> Utterance:
    return edited(f"{family}.SystemDescription", f"{PLACES[family]}.{field}", value)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_range_that_no_number_spans_is_refused(family: str) -> None:
    assert "R-57" in found(family, described(family, "power_ranges", power(1e308, -1e308)))
    assert "R-57" not in found(family, described(family, "power_ranges", power(1e308, 1)))


def test_a_supply_that_no_number_spans_is_refused() -> None:
    assert "R-57" in found("DDBC", described("DDBC", "supply_range", span(-1e308, 1e308)))


@pytest.mark.parametrize("family", FAMILIES)
def test_running_costs_have_their_lower_end_first(family: str) -> None:
    assert "R-58" in found(family, described(family, "running_costs", span(0, -0.1)))
    assert "R-58" not in found(family, described(family, "running_costs", span(-0.1, 0)))


@pytest.mark.parametrize(
    ("commodity", "quantity", "is_covered"),
    [
        ("ELECTRICITY", "ELECTRIC.POWER.L3", True),
        ("ELECTRICITY", "ELECTRIC.POWER.3_PHASE_SYMMETRIC", True),
        ("GAS", "NATURAL_GAS.FLOW_RATE", True),
        ("GAS", "HYDROGEN.FLOW_RATE", True),
        ("HEAT", "HEAT.THERMAL_POWER", True),
        ("HEAT", "HEAT.FLOW_RATE", True),
        ("OIL", "OIL.FLOW_RATE", True),
        ("HEAT", "HEAT.TEMPERATURE", False),
        ("GAS", "OIL.FLOW_RATE", False),
    ],
)
def test_knows_which_quantities_are_powers_of_a_commodity(commodity: str, quantity: str, is_covered: bool) -> None:
    actuator = sample("FRBC.SystemDescription")["actuators"][0]
    (first, second) = actuator["operation_modes"]
    element = first["elements"][0] | {"power_ranges": power(0, 1, quantity)}
    modes = [first | {"elements": [element]}, second | {"elements": [element]}]
    menu = rm(
        "FRBC.SystemDescription",
        actuators=[actuator | {"supported_commodities": [commodity], "operation_modes": modes}],
    )

    assert ("R-62" not in found("FRBC", menu)) is is_covered


def test_each_commodity_is_listed_once() -> None:
    twice = edited("FRBC.SystemDescription", "actuators.0.supported_commodities", ["ELECTRICITY", "ELECTRICITY"])

    assert found("FRBC", twice) == {"R-62"}


def test_commodities_of_ddbc_have_the_name_of_the_wire() -> None:
    once = edited("DDBC.SystemDescription", "actuators.0.supported_commodites", ["ELECTRICITY"])

    assert "R-62" not in found("DDBC", once)
    assert "R-62" in found("DDBC", rm("DDBC.SystemDescription"))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("factor", "is_told"), [(0, False), (0.5, True), (1, False)])
def test_a_factor_without_effect_is_told_where_nobody_means_on_by_it(family: str, factor: float, is_told: bool) -> None:
    description = sample(f"{family}.SystemDescription")
    machine = description if family == "OMBC" else description["actuators"][0]
    for mode in machine["operation_modes"]:
        for point in mode.get("elements", [mode]):
            point |= {"power_ranges": power(700, 700)}
            point |= {field: span(2, 2) for field in ("fill_rate", "supply_range") if field in point}
    del description["message_id"], description["message_type"]
    menu = rm(f"{family}.SystemDescription", **description)

    assert ("R-135" in found(family, menu, cem(f"{family}.Instruction", operation_mode_factor=factor))) is is_told


def test_a_factor_that_moves_only_the_level_has_an_effect() -> None:
    elements = sample("FRBC.SystemDescription")["actuators"][0]["operation_modes"][0]["elements"]
    fixed_power = elements[0] | {"power_ranges": power(700, 700)}
    menu = edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.elements", [fixed_power])

    assert "R-135" not in found("FRBC", menu, cem("FRBC.Instruction", operation_mode_factor=0.5))


def test_a_description_of_a_megabyte_is_judged_in_no_time() -> None:
    actuator = sample("FRBC.SystemDescription")["actuators"][0]
    element = actuator["operation_modes"][0]["elements"][0]
    elements = [element | {"fill_level_range": span(number, number + 1)} for number in range(100)]
    modes = [{"id": f"mode-{number}", "elements": elements, "abnormal_condition_only": False} for number in range(40)]
    way = actuator["transitions"][0] | {"from": "mode-0", "to": "mode-1"}
    timers = [{"id": f"t-{number}", "duration": 1} for number in range(1000)]
    names = [timer["id"] for timer in timers][:20]
    ways = [way | {"id": f"way-{number}", "start_timers": names, "blocking_timers": names} for number in range(1000)]
    menu = rm(
        "FRBC.SystemDescription",
        actuators=[actuator | {"operation_modes": modes, "transitions": ways, "timers": timers}],
    )

    begin = process_time()
    findings = found("FRBC", menu)
    elapsed_s = process_time() - begin

    assert findings == set()
    # Reading the description is part of it, and the machine may be busy.
    assert elapsed_s < 1.0
    assert found("FRBC", MENU_FRBC) == set()
