"""Drafts keep the rules that can be broken by the way a message is put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rm_adapters.sdk import Device, drafts, stable_id
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    Message,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PPBCPowerSequenceStatus,
    RoleType,
    is_id,
)
from tests.support.s2_sessions import RM, conversation

L1 = CommodityQuantity.ELECTRIC_POWER_L1
NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rules_broken_by(draft: Message, family: str | None = None) -> list[str]:
    return [finding.rule for finding in conversation(family).judge(draft, RM, NOON)]


def test_the_same_names_make_the_same_id() -> None:
    assert stable_id("acme", "7", "charge") == stable_id("acme", "7", "charge")
    assert stable_id("acme", "7", "charge") != stable_id("acme", "7charge")
    assert is_id(stable_id("acme", "not an id; any length" * 10))


def test_details_without_a_control_type_cannot_be_controlled() -> None:
    device = Device(key="7", name="Roof", kind="pv")

    details = drafts.resource_details(
        "acme",
        device,
        roles={Commodity.ELECTRICITY: RoleType.ENERGY_PRODUCER},
        measures=[L1],
        processing_delay=timedelta(seconds=3.5),
    )

    assert details.available_control_types == (ControlType.NOT_CONTROLABLE,)
    assert details.instruction_processing_delay == 3500
    assert rules_broken_by(details) == ["R-46"]  # It is not the resource that the conversation is about.


@given(st.lists(st.floats(-5000, 5000), min_size=1, max_size=5), st.floats(0, 1))
def test_bands_are_in_order_whatever_the_sign(values: list[float], spread: float) -> None:
    forecast = drafts.power_forecast(NOON, HOUR, values, quantity=L1, spread=spread)

    assert [each.duration for each in forecast.elements] == [3_600_000] * len(values)
    assert rules_broken_by(forecast) in ([], ["R-28"])


@given(st.lists(st.floats(0.1, 20), min_size=1, max_size=6))
def test_bands_of_a_mode_meet(widths: list[float]) -> None:
    level, bands = 10.0, []
    for width in widths:
        level += width
        bands.append(drafts.FillBand(level, (0.0, 0.01), (drafts.power_range(L1, 0.0, 1000.0),)))
    mode = drafts.frbc_mode("charge", "charge", 10.0, bands)
    battery = drafts.frbc_actuator("battery", "battery", modes=[mode])

    description = drafts.frbc_description(battery, levels=(10.0, level), level_label="%")

    assert rules_broken_by(description, "FRBC") == []


def test_a_mode_without_effect_of_the_factor_has_one_power() -> None:
    described = drafts.power_range(L1, 500.0)

    assert (described.start_of_range, described.end_of_range) == (500.0, 500.0)


def test_transitions_have_ids_of_their_own() -> None:
    there, back = drafts.transition("on", "off", takes=timedelta(seconds=10)), drafts.transition("off", "on")

    assert there.id != back.id
    assert there.transition_duration == 10_000
    assert back.transition_duration is None


def test_constraints_keep_alternatives_apart_and_in_order() -> None:
    constraints = drafts.power_constraints(
        "limits",
        L1,
        lower=[(0.0, 0.0)],
        upper=[(0.0, 0.0), (3680.0, 1380.0)],
        abnormal_upper=[(500.0, 1380.0)],
        consequence=PEBCPowerEnvelopeConsequenceType.DEFER,
    )

    uppers = [
        (each.range_boundary.start_of_range, each.range_boundary.end_of_range, each.abnormal_condition_only)
        for each in constraints.allowed_limit_ranges
        if each.limit_type is PEBCPowerEnvelopeLimitType.UPPER_LIMIT
    ]
    assert uppers == [(0.0, 0.0, False), (1380.0, 3680.0, False), (500.0, 1380.0, True)]
    assert rules_broken_by(constraints, "PEBC") == []


def test_an_energy_constraint_has_its_averages_in_order() -> None:
    constraint = drafts.energy_constraint("need", L1, start=NOON, end=NOON + HOUR, average_w=(2000.0, -500.0))

    assert rules_broken_by(constraint, "PEBC") == []


def test_a_profile_and_its_status() -> None:
    sequence = drafts.sequence("eco", [(HOUR, 2000.0), (HOUR / 2, 100.0)], quantity=L1, max_pause_before=HOUR)
    profile = drafts.power_profile("wash", NOON, NOON + 3 * HOUR, drafts.container("main", sequence))
    status = drafts.container_status(
        "wash", "main", PPBCPowerSequenceStatus.EXECUTING, selected="eco", progress=timedelta(minutes=5)
    )

    assert [element.duration for element in sequence.elements] == [3_600_000, 1_800_000]
    assert rules_broken_by(profile, "PPBC") == []
    assert rules_broken_by(drafts.profile_status(status), "PPBC") == []


def test_a_demand_forecast_is_in_steps() -> None:
    forecast = drafts.demand_forecast(NOON, HOUR, [1000.0, 2000.0])

    assert [each.demand_rate_expected for each in forecast.elements] == [1000.0, 2000.0]


@pytest.mark.parametrize("leakage", [True, False])
def test_the_storage_says_what_else_is_told_of_it(leakage: bool) -> None:
    mode = drafts.frbc_mode("on", "on", 0.0, [drafts.FillBand(1.0, (0.0, 0.1), (drafts.power_range(L1, 0.0),))])
    actuator = drafts.frbc_actuator("a1", "heater", modes=[mode])

    storage = drafts.frbc_description(actuator, levels=(0.0, 1.0), level_label="share", leakage=leakage).storage

    assert storage.provides_leakage_behaviour is leakage
    assert not storage.provides_usage_forecast
