"""Rules for abnormal conditions and for safety, beyond the one pair of cases per rule."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest

from tests.support.s2_rule_cases.scenes import (
    INSTRUCTED,
    MENU_FRBC,
    Utterance,
    cem,
    edited,
    findings_on_last,
    rm,
    rules_broken,
    span,
)
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp

OWN = {"R-38", "R-39", "R-40"}

findings = partial(findings_on_last, of=OWN)
broken = partial(rules_broken, of=OWN)

EMERGENCY = cem("FRBC.Instruction", abnormal_condition=True)


def menu(*, rate: dict[str, float], levels: dict[str, float] | None = None) -> Utterance:
    """A storage from 0 to 100 whose running mode fills or empties it by these rates."""
    element = sample("FRBC.SystemDescription")["actuators"][0]["operation_modes"][1]["elements"][0]
    element |= {"fill_rate": rate, "fill_level_range": levels or span(0, 100)}
    return edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.elements", [element])


def filled_to(level: float) -> Utterance:
    return rm("FRBC.StorageStatus", present_fill_level=level)


def running(factor: float = 0.5, **changes: Any) -> Utterance:
    return rm("FRBC.ActuatorStatus", operation_mode_factor=factor, **changes)


FILLING, EMPTYING = menu(rate=span(0, 0.01)), menu(rate=span(0, -0.01))


@pytest.mark.parametrize(
    ("offer", "level", "found"),
    [
        (FILLING, 110, {"R-39"}),
        (FILLING, 50, set()),
        (FILLING, -10, set()),
        (EMPTYING, -10, {"R-39"}),
        (EMPTYING, 110, set()),
        (menu(rate=span(-0.01, 0.01)), 110, set()),
    ],
)
def test_only_the_way_further_out_is_found(offer: Utterance, level: float, found: set[str]) -> None:
    assert broken(offer, filled_to(level), running()) == found


def test_the_factor_decides_which_way_a_mode_goes() -> None:
    both_ways = menu(rate=span(-0.01, 0.01))

    assert broken(both_ways, filled_to(110), running(0.51)) == {"R-39"}
    assert broken(both_ways, filled_to(110), running(0.49)) == set()


def test_standing_still_is_no_danger() -> None:
    assert broken(menu(rate=span(0.01, 0.01)), filled_to(110), running(0)) == set()


def test_what_the_mode_does_at_its_outermost_level_counts() -> None:
    outside = menu(rate=span(0, 0.01), levels=span(-20, 120))

    assert broken(outside, filled_to(110), running()) == {"R-39"}


def test_says_how_far_the_level_is_out() -> None:
    (found,) = findings(EMPTYING, filled_to(-10), running())

    assert found.text == "the level is 10 below its range, and this mode empties it"


def test_without_a_level_or_a_known_mode_nothing_is_judged() -> None:
    assert broken(FILLING, running()) == set()
    assert "R-39" not in broken(FILLING, filled_to(110), running(active_operation_mode_id="mode-x"))
    assert "R-39" not in broken(FILLING, filled_to(110), running(actuator_id="actuator-x"))
    assert broken(filled_to(110), running()) == set()


def test_a_level_of_a_former_description_does_not_count() -> None:
    assert broken(FILLING, filled_to(110), MENU_FRBC, running()) == set()


def test_an_emergency_may_leave_the_range() -> None:
    assert broken(FILLING, filled_to(110), EMERGENCY, running()) == set()
    assert broken(FILLING, filled_to(110), INSTRUCTED, running()) == {"R-39"}


def test_absurd_levels_are_judged_without_harm() -> None:
    huge = sys.float_info.max
    extreme = edited("FRBC.SystemDescription", "storage.fill_level_range", span(-huge, huge))

    assert broken(extreme, filled_to(huge), running()) == set()
    assert broken(menu(rate=span(-huge, huge)), filled_to(huge), running(1)) == {"R-39"}


@pytest.mark.parametrize("family", ["OMBC", "DDBC"])
def test_every_emergency_is_recorded(family: str) -> None:
    offer = rm(f"{family}.SystemDescription")

    assert broken(offer, cem(f"{family}.Instruction", abnormal_condition=True)) == {"R-40"}
    assert broken(offer, cem(f"{family}.Instruction")) == set()


def test_a_mode_for_emergencies_is_open_in_one() -> None:
    offer = edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.abnormal_condition_only", True)
    later = edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.abnormal_condition_only", True)[2]
    announced = rm("FRBC.SystemDescription", **later | {"valid_from": stamp(60)})

    assert broken(offer, EMERGENCY) == {"R-40"}
    assert broken(offer, INSTRUCTED) == {"R-38"}
    assert broken(MENU_FRBC, announced, cem("FRBC.Instruction", execution_time=stamp(60))) == {"R-38"}
