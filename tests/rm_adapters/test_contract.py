from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rm_adapters.contract import breach, observed, timer_key
from rm_adapters.sdk import Active, Device, Flex, Offer, Reason, drafts
from rm_adapters.state import Activity
from s2.messages import Commodity, CommodityQuantity, ControlType, OMBCInstruction, RoleType

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POWER = drafts.power_range(CommodityQuantity.ELECTRIC_POWER_L1, 0.0, 1000.0)
OFFER = Offer(
    control_type=ControlType.OPERATION_MODE_BASED_CONTROL,
    description=drafts.ombc_description(
        [drafts.ombc_mode(name, name, POWER) for name in ("off", "on", "boost", "island")],
        [
            drafts.transition("off", "on", starts=["run"], blocked_by=["rest"]),
            drafts.transition("on", "off", starts=["rest"], blocked_by=["run"]),
            drafts.transition("on", "boost", abnormal_only=True),
        ],
        [drafts.blocking_timer("run", 3 * MINUTE), drafts.blocking_timer("rest", 2 * MINUTE)],
    ),
)
FLEX = Flex(
    details=drafts.resource_details(
        "acme",
        Device(key="1", name="Heater", kind="heater"),
        roles={Commodity.ELECTRICITY: RoleType.ENERGY_CONSUMER},
        measures=[CommodityQuantity.ELECTRIC_POWER_L1],
        processing_delay=timedelta(),
    ),
    offers=(OFFER,),
)


def instruct(mode_id: str, *, abnormal: bool = False) -> OMBCInstruction:
    return OMBCInstruction(
        message_id="m1",
        id="i1",
        execution_time=NOON,
        operation_mode_id=mode_id,
        operation_mode_factor=0.5,
        abnormal_condition=abnormal,
    )


def active(mode_id: str) -> dict[str, Activity]:
    return {"": Activity(mode_id=mode_id, factor=0.0)}


@pytest.mark.parametrize(
    ("start", "end", "abnormal", "expected"),
    [
        ("off", "on", False, None),
        ("on", "on", False, None),
        ("island", "island", False, None),
        ("off", "boost", False, Reason.CONTRACT),
        ("on", "boost", False, Reason.CONTRACT),
        ("on", "boost", True, None),
        ("off", "turbo", False, Reason.CONTRACT),
    ],
)
def test_only_transitions_lead_to_other_modes(start: str, end: str, abnormal: bool, expected: Reason | None) -> None:
    refusal = breach(instruct(end, abnormal=abnormal), OFFER, active(start), {}, NOON)

    assert (None if refusal is None else refusal.reason) is expected


def test_a_timer_blocks_until_it_is_over() -> None:
    timers = {timer_key("", "run"): NOON + MINUTE}

    refusal = breach(instruct("off"), OFFER, active("on"), timers, NOON)

    assert refusal is not None
    assert (refusal.reason, refusal.until) == (Reason.DURABILITY, NOON + MINUTE)
    assert breach(instruct("off"), OFFER, active("on"), timers, NOON + MINUTE) is None


def test_a_device_that_has_not_been_seen_yet_may_go_anywhere() -> None:
    assert breach(instruct("boost"), OFFER, {}, {}, NOON) is None


def test_a_change_of_mode_starts_its_timers() -> None:
    flex = replace(FLEX, offers=(replace(OFFER, active=(Active(mode_id="on", since=NOON - MINUTE),)),))

    activities, timers = observed(flex, active("off"), {}, NOON)

    assert activities == {
        "": Activity(mode_id="on", factor=0.0, previous_mode_id="off", since=NOON - MINUTE),
    }
    assert timers == {timer_key("", "run"): NOON + 2 * MINUTE}


def test_another_factor_is_no_change_of_mode() -> None:
    before = {"": Activity(mode_id="on", factor=0.2, previous_mode_id="off", since=NOON - MINUTE)}
    flex = replace(FLEX, offers=(replace(OFFER, active=(Active(mode_id="on", factor=0.8, since=NOON),)),))

    activities, timers = observed(flex, before, {}, NOON)

    assert activities[""] == replace(before[""], factor=0.8)
    assert timers == {}


def test_a_change_that_nobody_dates_began_when_it_was_observed() -> None:
    flex = replace(FLEX, offers=(replace(OFFER, active=(Active(mode_id="on"),)),))

    activities, _ = observed(flex, active("off"), {}, NOON)

    assert activities[""].since == NOON
