from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cem_service.domain.decision import LastInstruction
from cem_service.domain.fixed import NotControllable
from cem_service.instructions import frbc_instruction
from cem_service.planners.balance import SETTLES_WITHIN, Balance, balance_site
from tests.support.resources import NOON, battery, link_id, new_id
from tests.support.sites import site_with

SECOND = timedelta(seconds=1)
UNSURE = frozenset({link_id("Home battery")})


def told(at: datetime) -> LastInstruction:
    """The battery was at rest and was told to take 2 kW."""
    message = frbc_instruction(actuator_id="actuator", mode_id="charge", factor=0.4, execution_time=at, new_id=new_id)
    return LastInstruction(message, at, expected_power_w=2000.0, power_before_w=0.0, until=at + 900 * SECOND)


@pytest.mark.parametrize(
    ("issued", "reported", "read", "expected"),
    [
        (-10, -1, -20, Balance(-2000.0, 0.0)),  # The meter was read before the instruction.
        (-10, -1, -40, Balance(-2000.0, 0.0, UNSURE)),  # The same, but late: what was told before may not be in it.
        (-20, -15, -10, Balance(-4000.0, -2000.0)),  # Read after the device reported its new power.
        (-20, -5, -10, Balance(-4000.0, -2000.0, UNSURE)),  # Read in between: the effect may be in it or not.
        (-120, -119, -1, Balance(-4000.0, -2000.0)),
    ],
)
def test_takes_off_the_power_that_the_device_had_when_the_meter_was_read(
    issued: int, reported: int, read: int, expected: Balance
) -> None:
    charging = battery(active=("charge", 0.4), power_w=2000.0, now=NOON + reported * SECOND)
    site = replace(site_with(charging, meter_w=-2000.0), main_meter_at=NOON + read * SECOND)

    assert balance_site(site, {charging.link_id: told(NOON + issued * SECOND)}) == expected


def test_a_report_from_just_before_the_device_obeyed_is_not_its_effect() -> None:
    charging = battery(active=("charge", 0.0), power_w=2000.0, now=NOON - 8 * SECOND)
    site = replace(site_with(charging, meter_w=300.0), main_meter_at=NOON - 5 * SECOND)
    stop = replace(told(NOON - 9 * SECOND), expected_power_w=0.0, power_before_w=2000.0)

    balance = balance_site(site, {charging.link_id: stop})

    assert balance.unsure


def test_a_device_that_stays_silent_is_believed_after_a_while() -> None:
    silent = battery(power_w=0.0, now=NOON - 100 * SECOND)
    site = site_with(silent, meter_w=500.0)

    assert not balance_site(site, {silent.link_id: told(NOON - SETTLES_WITHIN - SECOND)}).unsure


def test_without_a_meter_the_measured_resources_count() -> None:
    oven = NotControllable(link_id=link_id("Oven"), name="Oven", measured_w=1200.0, measured_at=NOON)

    balance = balance_site(site_with(battery(active=("charge", 0.1), power_w=500.0), oven, meter_w=None), {})

    assert balance == Balance(1200.0, 1700.0)
