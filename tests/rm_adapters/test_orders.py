from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rm_adapters.orders import from_now_on, lane_of, mode_of, next_step
from s2.messages import (
    MAX_DURATION_MS,
    CommodityQuantity,
    DDBCInstruction,
    FRBCInstruction,
    Instruction,
    OMBCInstruction,
    PEBCInstruction,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeElement,
    PPBCEndInterruptionInstruction,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)
from tests.support.s2_sessions import message

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def envelope(*minutes: float, quantity: str = "ELECTRIC.POWER.L1") -> PEBCPowerEnvelope:
    """Elements of these lengths with limits 1, 2 and so on."""
    return PEBCPowerEnvelope(
        id=quantity.lower().replace(".", "-"),
        commodity_quantity=CommodityQuantity(quantity),
        power_envelope_elements=tuple(
            PEBCPowerEnvelopeElement(duration=round(each * 60_000), upper_limit=float(number), lower_limit=0.0)
            for number, each in enumerate(minutes, 1)
        ),
    )


def limit(*envelopes: PEBCPowerEnvelope) -> PEBCInstruction:
    return PEBCInstruction(
        message_id="m1",
        id="i1",
        execution_time=NOON,
        abnormal_condition=False,
        power_constraints_id="c1",
        power_envelopes=envelopes,
    )


@pytest.mark.parametrize(("now", "step"), [(0, 10), (5, 10), (10, 15), (29.9, 30), (30, None)])
def test_an_envelope_is_looked_at_again_at_each_element(now: float, step: float | None) -> None:
    instruction = limit(envelope(10, 20), envelope(15, 5, quantity="ELECTRIC.POWER.L2"))

    expected = None if step is None else after(step if step != 15 else 15)
    assert next_step(instruction, NOON, after(now)) == expected


def test_of_an_envelope_the_rest_is_left() -> None:
    left = from_now_on(limit(envelope(10, 20)), NOON, after(12))

    assert isinstance(left, PEBCInstruction)
    (element,) = left.power_envelopes[0].power_envelope_elements
    assert (element.duration, element.upper_limit) == (18 * 60_000, 2.0)
    assert left.execution_time == after(12)


def test_an_envelope_of_one_quantity_may_end_before_the_other() -> None:
    left = from_now_on(limit(envelope(10), envelope(20, quantity="ELECTRIC.POWER.L2")), NOON, after(15))

    assert isinstance(left, PEBCInstruction)
    assert [each.commodity_quantity for each in left.power_envelopes] == [CommodityQuantity.ELECTRIC_POWER_L2]


def test_after_its_last_element_an_envelope_is_over() -> None:
    assert from_now_on(limit(envelope(10)), NOON, after(10)) is None


def test_an_envelope_may_last_longer_than_the_calendar() -> None:
    endless = PEBCPowerEnvelopeElement(duration=MAX_DURATION_MS, upper_limit=0.0, lower_limit=0.0)
    one = PEBCPowerEnvelope(
        id="e1", commodity_quantity=CommodityQuantity.ELECTRIC_POWER_L1, power_envelope_elements=(endless,)
    )

    step = next_step(limit(one), NOON, NOON)

    assert step is not None
    assert step.year == 9999


@pytest.mark.parametrize(
    ("message_type", "kind", "lane", "is_about_a_mode"),
    [
        ("PEBC.Instruction", PEBCInstruction, "envelope", False),
        ("OMBC.Instruction", OMBCInstruction, "mode:", True),
        ("FRBC.Instruction", FRBCInstruction, "mode:{actuator_id}", True),
        ("DDBC.Instruction", DDBCInstruction, "mode:{actuator_id}", True),
        ("PPBC.ScheduleInstruction", PPBCScheduleInstruction, "start:{sequence_container_id}", False),
        ("PPBC.StartInterruptionInstruction", PPBCStartInterruptionInstruction, "pause:{sequence_container_id}", False),
        ("PPBC.EndInterruptionInstruction", PPBCEndInterruptionInstruction, "pause:{sequence_container_id}", False),
    ],
)
def test_instructions_about_the_same_are_in_one_lane(
    message_type: str, kind: type[Instruction], lane: str, is_about_a_mode: bool
) -> None:
    instruction = message(message_type)
    assert isinstance(instruction, kind)

    names = {name: getattr(instruction, name, "") for name in ("actuator_id", "sequence_container_id")}
    assert lane_of(instruction) == lane.format(**names)
    assert (mode_of(instruction) is not None) is is_about_a_mode
