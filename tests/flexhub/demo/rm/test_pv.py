"""The solar roof's Resource Manager, back to back with an energy manager."""

from datetime import timedelta

import pytest

from s2.messages import (
    InstructionStatus,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeElement,
    PEBCPowerEnvelopeLimitType,
    PowerForecast,
    RevokableObjects,
    RevokeObject,
)
from tests.support.demo_home import Pair, pair

ACCEPTED, STARTED, SUCCEEDED = InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED


def selected() -> Pair:
    made = pair("PV")
    made.select()
    return made


def limit(
    home: Pair,
    *elements: tuple[float, float],
    id: str = "i1",  # noqa: A002 - S2's own word.
    after_s: float = 0.0,
) -> None:
    """Elements are (seconds, lower limit in W)."""
    constraints = home.heard_of(PEBCPowerConstraints)[-1]
    envelope = PEBCPowerEnvelope(
        id=home.new_id(),
        commodity_quantity=constraints.allowed_limit_ranges[0].commodity_quantity,
        power_envelope_elements=tuple(
            PEBCPowerEnvelopeElement(duration=round(1000 * seconds), upper_limit=0.0, lower_limit=lower)
            for seconds, lower in elements
        ),
    )
    home.say(
        PEBCInstruction(
            message_id=home.new_id(),
            id=id,
            execution_time=home.now + timedelta(seconds=after_s),
            abnormal_condition=False,
            power_constraints_id=constraints.id,
            power_envelopes=(envelope,),
        )
    )


def power_w(home: Pair) -> float:
    return home.world.on.powers_w["PV"]


def test_offers_to_be_limited_from_its_peak_to_nothing() -> None:
    home = selected()

    ranges = {
        each.limit_type: (each.range_boundary.start_of_range, each.range_boundary.end_of_range)
        for each in home.heard_of(PEBCPowerConstraints)[-1].allowed_limit_ranges
    }
    assert ranges == {
        PEBCPowerEnvelopeLimitType.LOWER_LIMIT: (-5000, 0),
        PEBCPowerEnvelopeLimitType.UPPER_LIMIT: (0, 0),
    }


def test_forecasts_a_day_ahead_and_again_each_hour() -> None:
    home = selected()

    home.wait(3700, tick_s=30)

    first, second = home.heard_of(PowerForecast)
    assert len(first.elements) == 96
    assert second.start_time - first.start_time >= timedelta(hours=1)
    assert min(each.power_values[0].value_expected for each in first.elements) < -3000


def test_follows_the_envelope_element_by_element_and_is_free_after_it() -> None:
    home = selected()
    free_w = power_w(home)
    assert free_w < -1500

    limit(home, (60, -1000), (60, -500))
    assert power_w(home) == -1000
    home.wait(65)
    assert power_w(home) == -500
    assert home.statuses_of("i1") == [ACCEPTED, STARTED]
    home.wait(60)

    assert power_w(home) < -1500
    assert home.statuses_of("i1") == [ACCEPTED, STARTED, SUCCEEDED]


def test_an_envelope_that_is_replaced_after_it_was_followed_has_succeeded() -> None:
    home = selected()
    limit(home, (3600, -1000), id="old")
    home.wait(30)

    limit(home, (3600, -800), id="new")

    assert home.statuses_of("old") == [ACCEPTED, STARTED, SUCCEEDED]
    assert home.statuses_of("new") == [ACCEPTED, STARTED]
    assert power_w(home) == -800


def test_a_future_envelope_waits_and_the_present_one_goes_on() -> None:
    home = selected()
    limit(home, (3600, -1000), id="present")

    limit(home, (3600, 0), id="future", after_s=120)
    assert power_w(home) == -1000
    home.wait(120)

    assert power_w(home) == pytest.approx(0)
    assert home.statuses_of("present") == [ACCEPTED, STARTED, SUCCEEDED]
    assert home.statuses_of("future") == [ACCEPTED, STARTED]


def test_a_late_envelope_is_joined_midway() -> None:
    home = selected()

    limit(home, (30, 0), (60, -700), after_s=-40)

    assert power_w(home) == -700
    assert home.rm.next_due_s() == home.now.timestamp() + 50


def test_an_envelope_that_is_over_already_is_refused() -> None:
    home = selected()

    limit(home, (30, 0), after_s=-40)

    assert home.statuses_of("i1") == [InstructionStatus.REJECTED]
    assert power_w(home) < -1500


def test_a_revoked_envelope_lets_go() -> None:
    home = selected()
    limit(home, (3600, -1000))

    home.say(RevokeObject(message_id=home.new_id(), object_type=RevokableObjects.PEBC_INSTRUCTION, object_id="i1"))

    assert home.statuses_of("i1") == [ACCEPTED, STARTED, InstructionStatus.REVOKED]
    assert power_w(home) < -1500


def test_selected_anew_it_starts_free_and_aborts_what_it_followed() -> None:
    home = selected()
    limit(home, (3600, -1000))

    home.select()

    assert home.statuses_of("i1") == [ACCEPTED, STARTED, InstructionStatus.ABORTED]
    assert power_w(home) < -1500


def test_released_it_is_free() -> None:
    home = selected()
    limit(home, (3600, 0))

    home.resource.release(home.now.timestamp())
    home.world.look()

    assert power_w(home) < -1500
