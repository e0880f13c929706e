from __future__ import annotations

from datetime import timedelta

import pytest

from cem_service.domain.ombc import OMBCResource
from cem_service.domain.power_mode import FUEL_EUR_PER_KWH
from s2.messages import CommodityQuantity, OMBCOperationMode
from tests.support.mode_resources import (
    generator,
    ombc_messages,
    ombc_mode,
    power,
    read_ombc,
    timer,
    way,
)
from tests.support.resources import NOON, number_range


def test_reads_modes_transitions_and_timers() -> None:
    ends = NOON + timedelta(minutes=20)
    resource = generator(("on", 0.0), timers_end={"run": ends})
    machine = resource.machine

    assert resource.controllable
    assert machine is not None
    assert machine.modes["on"].power_w(0.0) == -4000.0
    assert machine.modes["on"].eur_per_s(1.0) * 3600 == pytest.approx(1.2)
    assert machine.transitions["off", "on"].duration_s == 120.0
    assert machine.transitions["off", "on"].start_timers == ("run",)
    assert machine.timer_durations_s == {"run": 3600.0, "rest": 600.0}
    assert not machine.may_switch("off", NOON)
    assert machine.may_switch("off", ends)
    assert resource.described_power_w(NOON) == -4000.0


@pytest.mark.parametrize(
    ("messages", "missing"),
    [
        ([], "no system description yet"),
        (ombc_messages([ombc_mode("off", 0.0)], active=None), "no status yet"),
        (ombc_messages([ombc_mode("off", 0.0)], active=("gone", 0.0)), "unknown mode"),
        (ombc_messages([ombc_mode("off", 0.0, abnormal=True)], active=("off", 0.0)), "abnormal conditions"),
        (ombc_messages([ombc_mode("off", 0.0)], active=("off", 0.0), now=NOON + timedelta(hours=2)), "holds from"),
    ],
)
def test_says_what_is_missing(messages: list[object], missing: str) -> None:
    resource = read_ombc("new", messages)  # type: ignore[arg-type]  # A list of any messages.

    assert resource.not_ready is not None
    assert missing in resource.not_ready
    assert not resource.controllable


def test_fuel_counts_where_the_running_costs_are_not_given() -> None:
    burning = OMBCOperationMode(
        id="on",
        power_ranges=(power(-1000.0, -1000.0), power(0.0, 0.1, CommodityQuantity.NATURAL_GAS_FLOW_RATE)),
        abnormal_condition_only=False,
    )
    priced = OMBCOperationMode(
        id="priced",
        power_ranges=burning.power_ranges,
        running_costs=number_range(0.001, 0.003),
        abnormal_condition_only=False,
    )

    resource = read_ombc("CHP", ombc_messages([burning, priced], active=("on", 1.0)))

    assert resource.machine is not None
    on, told = resource.machine.modes["on"], resource.machine.modes["priced"]
    assert on.eur_per_s(0.0) == 0.0
    assert on.eur_per_s(1.0) * 3600 == pytest.approx(0.1 * 3600 * 9.77e-3 * FUEL_EUR_PER_KWH)
    assert told.eur_per_s(0.0) == told.eur_per_s(1.0) == pytest.approx(0.002)


def test_bears_numbers_beyond_any_device() -> None:
    messages = ombc_messages(
        [ombc_mode("off", -1e308, 1e308, cost_per_s=1e308)],
        [way("off", "off", costs=-1e308, takes=timedelta(days=10**5))],
        [timer("eternal", timedelta(days=10**5))],
        active=("off", 1.0),
    )
    resource = read_ombc("absurd", messages)

    assert isinstance(resource, OMBCResource)
    assert resource.ready
    assert resource.power_w(NOON) == 1e12
