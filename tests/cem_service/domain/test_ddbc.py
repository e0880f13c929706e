from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cem_service.domain.power_mode import FUEL_EUR_PER_KWH
from s2.messages import Commodity, DDBCSystemDescription
from tests.support.mode_resources import (
    GAS,
    ddbc_actuator,
    ddbc_messages,
    ddbc_mode,
    hybrid,
    power,
    read_ddbc,
)
from tests.support.resources import NOON, number_range

OFF = ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0))


def test_reads_actuators_demand_and_forecast() -> None:
    resource = hybrid(("on", 0.5), ("on", 0.0), forecast_w=[4000.0] * 4)
    pump, boiler = resource.actuators

    assert resource.controllable
    assert resource.demand == (4500.0, 7500.0)
    assert resource.demand_forecast is not None
    assert resource.demand_forecast.values.tolist() == [4000.0] * 4
    assert pump.modes["on"].supply(0.5) == 5000.0
    assert boiler.modes["on"].power_w(1.0) == 0.0
    assert boiler.modes["on"].eur_per_s(1.0) * 3600 == pytest.approx(20 / 0.95 * FUEL_EUR_PER_KWH)
    assert resource.described_power_w(NOON) == pytest.approx(5000 / 3.5)
    assert resource.w_per_supply == pytest.approx(1 / 3.5)


def test_an_older_peer_tells_the_demand_in_its_description() -> None:
    description, *statuses = ddbc_messages(ddbc_actuator("a1", (OFF,)), active={"a1": ("off", 0.0)}, demand=None)
    assert isinstance(description, DDBCSystemDescription)
    description = replace(description, present_demand_rate=number_range(1.0, 2.0))

    assert read_ddbc("old", [description, *statuses]).demand == (1.0, 2.0)


def test_a_forecast_alone_will_do() -> None:
    messages = ddbc_messages(ddbc_actuator("a1", (OFF,)), active={"a1": ("off", 0.0)}, demand=None, forecast=[1.0, 2.0])

    assert read_ddbc("forecast", messages).ready


@pytest.mark.parametrize(
    ("messages", "missing"),
    [
        ([], "no system description yet"),
        (ddbc_messages(ddbc_actuator("a1", (OFF,)), active={}, demand=(0.0, 1.0)), "no actuator status yet"),
        (ddbc_messages(ddbc_actuator("a1", (OFF,)), active={"a1": ("off", 0.0)}, demand=None), "no demand"),
        (
            ddbc_messages(
                ddbc_actuator("a1", (ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0), abnormal=True),)),
                active={"a1": ("off", 0.0)},
                demand=(0.0, 1.0),
            ),
            "abnormal conditions",
        ),
        (
            ddbc_messages(
                ddbc_actuator("a1", (OFF,)),
                active={"a1": ("off", 0.0)},
                demand=(0.0, 1.0),
                now=NOON + timedelta(hours=2),
            ),
            "holds from",
        ),
    ],
)
def test_says_what_is_missing(messages: list[object], missing: str) -> None:
    resource = read_ddbc("new", messages)  # type: ignore[arg-type]  # A list of any messages.

    assert resource.not_ready is not None
    assert missing in resource.not_ready


def test_a_demand_weighs_something_also_without_electricity() -> None:
    gas_only = ddbc_actuator("boiler", (ddbc_mode("on", (0.0, 20.0), power(0.0, 0.5, GAS)),), commodity=Commodity.GAS)
    resource = read_ddbc("boiler", ddbc_messages(gas_only, active={"boiler": ("on", 0.0)}, demand=(5.0, 6.0)))

    assert resource.w_per_supply == pytest.approx(50.0)
