"""Power envelopes: the union of ranges, energy, and what is judged while an envelope lasts."""

from time import process_time
from typing import Any

import pytest

from s2.messages import ResourceManagerDetails
from tests.support.s2_judging import JudgedTalk, found
from tests.support.s2_rule_cases.pebc import MENU_PEBC, measured
from tests.support.s2_rule_cases.scenes import Utterance, cem, rm, span
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import CEM, NOW, message, stamp

L2 = "ELECTRIC.POWER.L2"
FOREVER_MS = 2**53 - 1

Range = tuple[str, float, float, bool]
Element = tuple[float, float, float]  # (seconds, lower limit, upper limit)


def limits(*ranges: Range, **changes: Any) -> Utterance:
    keys = ("limit_type", "range_boundary", "abnormal_condition_only")
    allowed = [
        {"commodity_quantity": L1, **dict(zip(keys, (kind, span(low, high), abnormal), strict=True))}
        for kind, low, high, abnormal in ranges
    ]
    return rm("PEBC.PowerConstraints", allowed_limit_ranges=allowed, **changes)


def envelope(*elements: Element, quantity: str = L1, **changes: Any) -> Utterance:
    steps = [
        {"duration": round(seconds * 1000), "lower_limit": lower, "upper_limit": upper}
        for seconds, lower, upper in elements
    ]
    one = {"id": "envelope-1", "commodity_quantity": quantity, "power_envelope_elements": steps}
    return cem("PEBC.Instruction", power_envelopes=[one], **changes)


def updated(status: str, instruction_id: str = "instruction-1") -> Utterance:
    return rm("InstructionStatusUpdate", instruction_id=instruction_id, status_type=status)


def under(*instructions: Utterance, menu: Utterance = MENU_PEBC) -> JudgedTalk:
    talk = JudgedTalk("PEBC")
    talk.findings(menu)
    for each in instructions:
        talk.findings(each)
    return talk


HELD = envelope((900, -1000, 0))


def test_an_abnormal_range_counts_with_the_condition_only() -> None:
    menu = limits(("UPPER_LIMIT", 0, 0, True), ("UPPER_LIMIT", -10, -5, False), ("LOWER_LIMIT", -5000, 0, False))

    assert found("PEBC", menu, cem("PEBC.Instruction")) == {"R-38"}
    assert not {"R-38", "R-76"} & found("PEBC", menu, cem("PEBC.Instruction", abnormal_condition=True))


def test_a_limit_on_the_edge_is_allowed_in_spite_of_rounding() -> None:
    menu = limits(("UPPER_LIMIT", 0, 0.3, False), ("LOWER_LIMIT", 0, 0, False))

    assert found("PEBC", menu, envelope((1, 0, 0.1 + 0.2))) == set()


@pytest.mark.parametrize("limit", [-10, -7, -5, 3, 3.5, 4, 20])
def test_a_limit_lies_in_the_union_of_overlapping_and_separate_ranges(limit: float) -> None:
    upper = [(3, 4), (-10, -6), (-7, -5), (20, 20)]
    menu = limits(*(("UPPER_LIMIT", *each, False) for each in upper), ("LOWER_LIMIT", -20, 20, False))

    assert found("PEBC", menu, envelope((1, -20, limit))) == set()
    assert found("PEBC", menu, envelope((1, -20, limit + 0.9))) == ({"R-76"} if limit in (-5, 4, 20, 3.5) else set())


def test_constraints_that_have_ended_by_the_execution_time_are_not_in_force() -> None:
    menu = rm("PEBC.PowerConstraints", valid_until=stamp(60))

    assert found("PEBC", menu, cem("PEBC.Instruction")) == set()
    assert found("PEBC", menu, cem("PEBC.Instruction", execution_time=stamp(60))) == {"R-75"}


def test_the_largest_instruction_is_judged_in_time() -> None:
    kinds = ("UPPER_LIMIT", "LOWER_LIMIT")
    quantities = ["ELECTRIC.POWER.L1", "ELECTRIC.POWER.L2", "ELECTRIC.POWER.L3", "HEAT.FLOW_RATE", "OIL.FLOW_RATE"]
    allowed = [
        {
            "commodity_quantity": quantities[index % 5],
            "limit_type": kinds[index % 2],
            "range_boundary": span(3 * index, 3 * index + 1),
            "abnormal_condition_only": index % 3 == 0,
        }
        for index in range(100)
    ]
    elements = [{"duration": 1000, "lower_limit": 296, "upper_limit": 299}] * 288
    envelopes = [
        {"id": f"envelope-{index}", "commodity_quantity": quantity, "power_envelope_elements": elements}
        for index, quantity in enumerate(quantities)
    ]
    talk = under(menu=rm("PEBC.PowerConstraints", allowed_limit_ranges=allowed))
    for index in range(100):
        talk.findings(rm("PEBC.EnergyConstraint", id=f"energy-{index}", valid_until=stamp(200)))

    begun = process_time()
    talk.findings(cem("PEBC.Instruction", power_envelopes=envelopes))

    assert process_time() - begun < 1


# -- R-78 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("power_w", "after_s", "breaks"),
    [
        (-1051, 60, True),  # The margin is 50 W, or 5 % of the limit.
        (-1050, 60, False),
        (51, 60, True),
        (50, 60, False),
        (-1051, 10, False),  # The device may take its processing delay and 10 s to get there.
        (-1051, 10.5, True),
        (-1051, 899, True),
        (-1051, 900, False),  # After the last element it is free.
        (-1e308, 60, True),
    ],
)
def test_power_keeps_to_the_envelope_once_the_device_has_settled(power_w: float, after_s: float, breaks: bool) -> None:
    assert under(HELD).says(measured(power_w, after_s), after_s) == ({"R-78"} if breaks else set())


def test_an_element_counts_once_the_device_has_settled_in_it() -> None:
    talk = under(envelope((60, -5000, 0), (0, -1, 0), (60, -1000, 0), (60, -3000, 0)))

    assert talk.says(measured(-4000, 59), 59) == set()
    assert talk.says(measured(-4000, 70), 70) == set()
    assert talk.says(measured(-4000, 71), 71) == {"R-78"}
    assert talk.says(measured(-2000, 119), 119) == {"R-78"}
    assert talk.says(measured(-2000, 121), 121) == set()


def test_a_measurement_of_another_element_is_not_judged_by_this_one() -> None:
    talk = under(envelope((60, -5000, 0), (60, -1000, 0)))

    # Measured before the element began, or on a clock that runs ahead.
    assert talk.says(measured(-4000, 50), 100) == set()
    assert "R-78" not in talk.says(measured(-4000, 150), 100)
    assert talk.says(measured(-4000, 100), 100) == {"R-78"}


def test_only_a_quantity_of_the_envelope_is_judged() -> None:
    values = [{"commodity_quantity": L2, "value": -9000}, {"commodity_quantity": L1, "value": -500}]
    said = rm("PowerMeasurement", values=values, measurement_timestamp=stamp(60))

    assert "R-78" not in under(HELD).says(said, 60)


@pytest.mark.parametrize("status", ["ACCEPTED", "STARTED", "SUCCEEDED"])
def test_an_envelope_holds_whatever_of_it_the_device_has_reported(status: str) -> None:
    assert under(HELD, updated(status)).says(measured(-2000, 60), 60) == {"R-78"}


@pytest.mark.parametrize("status", ["REJECTED", "REVOKED", "ABORTED"])
def test_an_envelope_that_the_device_does_not_follow_is_no_measure(status: str) -> None:
    assert under(HELD, updated(status)).says(measured(-2000, 60), 60) == set()


def test_an_instruction_that_the_cem_has_revoked_is_no_measure() -> None:
    revoked = cem("RevokeObject", object_type="PEBC.Instruction", object_id="instruction-1")

    assert under(HELD, revoked).says(measured(-2000, 60), 60) == set()


def test_the_newest_instruction_counts_unless_it_was_refused() -> None:
    talk = under(HELD, envelope((900, -3000, 0), id="instruction-2"))
    assert talk.says(measured(-2000, 60), 60) == set()

    talk = under(HELD, envelope((900, -3000, 0), id="instruction-2"), updated("REJECTED", "instruction-2"))
    assert talk.says(measured(-2000, 60), 60) == {"R-78"}

    talk = under(HELD, envelope((900, -3000, 0), id="instruction-2", execution_time=stamp(300)))
    assert talk.says(measured(-2000, 60), 60) == {"R-78"}


def test_nothing_is_said_where_it_is_open_which_instruction_holds() -> None:
    talk = JudgedTalk("PEBC")
    talk.findings(MENU_PEBC)
    talk.findings(envelope((900, -1000, 0), id="ordered-first", execution_time=stamp(100)))
    talk.findings(envelope((900, -3000, 0), id="ordered-last", execution_time=stamp(20)), 10)

    assert talk.says(measured(-4000, 90), 90) == {"R-78"}
    assert talk.says(measured(-4000, 200), 200) == set()


def test_nothing_is_said_once_other_constraints_have_come_into_force() -> None:
    talk = under(HELD)
    talk.findings(rm("PEBC.PowerConstraints", id="constraints-2", valid_from=stamp(60)), 30)

    assert talk.says(measured(-2000, 50), 50) == {"R-78"}
    assert talk.says(measured(-2000, 60), 60) == set()


def test_nothing_is_said_once_the_constraints_are_revoked() -> None:
    revoked = rm("RevokeObject", object_type="PEBC.PowerConstraints", object_id="constraints-1")

    assert under(HELD, revoked).says(measured(-2000, 60), 60) == set()


def test_absurd_durations_delays_and_times_are_counted_with() -> None:
    forever = [{"duration": FOREVER_MS, "lower_limit": -1000, "upper_limit": 0}] * 288
    envelopes = [{"id": "envelope-1", "commodity_quantity": L1, "power_envelope_elements": forever}]
    _, message_type, changes = cem("PEBC.Instruction", power_envelopes=envelopes, execution_time="0001-01-01T00:00:00Z")
    talk = under()
    talk.conversation.apply(message(message_type, **changes), CEM, NOW)

    assert talk.says(measured(-2000, 60), 60) == {"R-78"}

    details = message("ResourceManagerDetails", instruction_processing_delay=FOREVER_MS)
    assert isinstance(details, ResourceManagerDetails)
    talk.conversation.resource.details = details
    assert talk.says(measured(-2000, 60), 60) == set()


# -- R-80 --------------------------------------------------------------------------------------------------------------

WIDE = limits(("UPPER_LIMIT", -6000, 6000, False), ("LOWER_LIMIT", -6000, 6000, False))


def energy(lower: float, upper: float, from_s: float = 0, until_s: float = 3600) -> Utterance:
    window = {"valid_from": stamp(from_s), "valid_until": stamp(until_s)}
    return rm("PEBC.EnergyConstraint", lower_average_power=lower, upper_average_power=upper, **window)


@pytest.mark.parametrize(
    ("constraint", "elements", "breaks"),
    [
        (energy(0, 3000), [(1800, 0, 6000), (1800, 0, 0)], False),  # The average counts.
        (energy(0, 3000), [(1800, 0, 5990), (1800, 0, 0)], True),
        (energy(-3000, 0), [(1800, 0, 0), (1800, -6000, 0)], False),
        (energy(-3000, 0), [(1800, 0, 0), (1800, -5990, 0)], True),
        (energy(-3000, -1000), [(3600, -3000, -1000)], False),  # A negative upper average asks for nothing.
        (energy(1000, 3000), [(3600, 1000, 3000)], False),
        (energy(0, 3000), [(3000, 0, 0)], False),  # What follows may make up for it.
        (energy(0, 3000, until_s=900), [(3600, 0, 0)], True),
        (energy(0, 3000, from_s=1800), [(1800, 0, 0), (1800, 0, 3000)], False),
        (energy(0, 3000, from_s=-3600, until_s=3600), [(3600, 0, 0)], False),  # It may have taken 6000 W before.
        (energy(0, 3001, from_s=-3600, until_s=3600), [(3600, 0, 0)], True),
        (energy(0, 9000), [(3600, 0, 6000)], False),  # No more is asked than is on offer.
        (energy(0, 9000), [(3600, 0, 5999)], True),
        (energy(0, 3000, from_s=-7200, until_s=-3600), [(3600, 0, 0)], False),
    ],
)
def test_an_envelope_leaves_room_on_average(constraint: Utterance, elements: list[Element], breaks: bool) -> None:
    assert found("PEBC", WIDE, constraint, envelope(*elements)) == ({"R-80"} if breaks else set())


def test_energy_of_another_quantity_is_not_looked_at() -> None:
    constraint = rm("PEBC.EnergyConstraint", commodity_quantity=L2, valid_until=stamp(900))

    assert found("PEBC", WIDE, constraint, envelope((900, 0, 0))) == set()


def test_absurd_limits_are_averaged_without_harm() -> None:
    menu = limits(("UPPER_LIMIT", -1e308, 1e308, False), ("LOWER_LIMIT", -1e308, 1e308, False))
    constraint = energy(-1e308, 1e308, until_s=900)

    assert found("PEBC", menu, constraint, envelope((900, -1e308, 1e308))) == set()
    assert found("PEBC", menu, constraint, envelope((450, -1e308, 1e308), (450, 0, 0))) == {"R-80"}


def test_says_what_an_energy_constraint_needs() -> None:
    talk = JudgedTalk("PEBC")
    talk.findings(WIDE)
    talk.findings(energy(0, 3000, until_s=900))

    (finding,) = talk.findings(envelope((900, 0, 1500)))

    assert finding.path == "$.power_envelopes[0]"
    assert finding.text == (
        "upper limits of 1500 should leave room for 3000 on average until 2026-01-15T12:15:00+0000, "
        "says energy constraint energy-1"
    )


# -- The others --------------------------------------------------------------------------------------------------------


def test_an_energy_constraint_lasts_and_its_averages_are_in_order() -> None:
    assert found("PEBC", rm("PEBC.EnergyConstraint", valid_until=stamp(0))) == {"R-79"}
    assert found("PEBC", rm("PEBC.EnergyConstraint", upper_average_power=-2, lower_average_power=-2)) == set()


@pytest.mark.parametrize(
    ("changes", "breaks"),
    [
        ({}, True),
        ({"id": "constraints-1"}, False),  # It replaces the other.
        ({"valid_from": stamp(6 * 3600), "valid_until": stamp(7 * 3600)}, False),
        ({"valid_from": stamp(6 * 3600 - 1), "valid_until": stamp(7 * 3600)}, True),
        ({"consequence_type": "VANISH"}, False),
        (
            {
                "allowed_limit_ranges": [
                    each | {"commodity_quantity": L2} for each in sample(MENU_PEBC[1])["allowed_limit_ranges"]
                ]
            },
            False,
        ),
    ],
)
def test_constraints_that_hold_together_agree_on_the_consequence(changes: dict[str, Any], breaks: bool) -> None:
    other = rm("PEBC.PowerConstraints", **{"id": "constraints-2", "consequence_type": "DEFER", **changes})

    assert found("PEBC", MENU_PEBC, other) == ({"R-81"} if breaks else set())


@pytest.mark.parametrize(("status", "breaks"), [("STARTED", True), ("SUCCEEDED", True), ("ACCEPTED", False)])
def test_what_is_outside_the_offer_is_not_carried_out(status: str, breaks: bool) -> None:
    outside = envelope((900, -5001, 0))

    assert ("R-83" in under(outside).says(updated(status))) is breaks
    assert "R-83" not in under(HELD).says(updated(status))
