"""Units of all control types beside each other: all obey a limit, and no order outlives its sender where it can end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cem_service.domain.decision import Decision, LastInstruction, Objective
from cem_service.domain.objectives import GridLimit, Objectives
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.choices import Prices
from cem_service.planners.envelope_unit import ENVELOPE_LASTS
from cem_service.planners.plan import STEP
from cem_service.planners.reactive import react
from cem_service.planners.units import Surroundings, units_of
from s2.messages import PEBCInstruction
from tests.support.mode_resources import generator, hybrid, ombc_messages, ombc_mode, read_ombc, resistor, way
from tests.support.resources import NOON, battery, dishwasher, ev_charger, new_id, solar
from tests.support.sites import site_with

DEAR, CHEAP, PAID = Tariff.flat(0.80, 0.75), Tariff.flat(0.20, 0.05), Tariff.flat(-0.10, -0.10)
USABLE = 0.9  # of a limit of the grid


def limited(
    resource: Resource,
    tariff: Tariff,
    *,
    import_w: float | None = None,
    export_w: float | None = None,
    meter_w: float = 0.0,
) -> SiteState:
    limit = GridLimit(source="Grid", import_w=import_w, export_w=export_w)
    site = site_with(resource, tariff=tariff, meter_w=meter_w)
    return replace(site, objectives=Objectives(grid_limits=(limit,)))


def decided(site: SiteState) -> Decision | None:
    decisions = react(site, None, {}, new_id=new_id)
    assert len(decisions) <= 1
    return decisions[0] if decisions else None


def freezer() -> OMBCResource:
    """Cools at 2 kW, or saves at 600 W."""
    modes = ombc_mode("save", 600.0, cost_per_s=1e-5), ombc_mode("cool", 2000.0)
    messages = ombc_messages(modes, (way("save", "cool"), way("cool", "save")), active=("cool", 0.0))
    return read_ombc("Freezer", messages)


@pytest.mark.parametrize(
    ("resource", "meter_w"), [(resistor(("on", 1.0)), 3000.0), (freezer(), 2000.0)], ids=["factor", "mode"]
)
def test_a_device_under_ombc_obeys_a_limit_at_once(resource: OMBCResource, meter_w: float) -> None:
    decision = decided(limited(resource, PAID, import_w=1500.0, meter_w=meter_w))

    assert decision is not None
    assert decision.expected_power_w <= USABLE * 1500.0 + 1.0
    assert decision.objective is Objective.GRID_LIMIT


def test_a_rod_takes_all_that_a_limit_leaves() -> None:
    decision = decided(limited(resistor(), PAID, import_w=2000.0, meter_w=800.0))

    assert decision is not None
    assert decision.expected_power_w == pytest.approx(USABLE * 2000.0 - 800.0)


def test_a_generator_is_not_started_where_nothing_may_be_fed_in() -> None:
    assert decided(limited(generator(), DEAR, export_w=5000.0)) is not None
    assert decided(limited(generator(), DEAR, export_w=1000.0)) is None


def test_a_hybrid_heat_pump_burns_gas_under_a_limit() -> None:
    """6 kW of heat take 1,700 W of electricity or 6.3 kW of gas. The boiler is told first, so that nobody is cold."""
    site = limited(hybrid(("on", 0.67)), CHEAP, import_w=1000.0, meter_w=1720.0)

    first = decided(site)

    assert first is not None
    assert getattr(first.message, "actuator_id", None) == "boiler"
    warm = replace(site, resources=(hybrid(("on", 0.67), ("on", 0.2)),))
    second = react(warm, None, {first.link_id: LastInstruction.of(first, NOON - STEP)}, new_id=new_id)
    assert [getattr(one.message, "actuator_id", None) for one in second] == ["pump"]
    assert second[0].expected_power_w <= USABLE * 1000.0


def test_a_timer_is_kept_even_under_a_limit() -> None:
    """The pump has to go on for a while (R-54), so it goes down as far as it can."""
    held = hybrid(("on", 1.0), ("on", 0.2), timers_end={("pump", "run"): NOON + STEP})

    decision = decided(limited(held, CHEAP, import_w=100.0, meter_w=2286.0))

    assert decision is not None
    assert getattr(decision.message, "operation_mode_id", None) == "on"
    assert getattr(decision.message, "operation_mode_factor", None) == pytest.approx(0.0)


@pytest.mark.parametrize(
    "resource", [battery(level=5.0), ev_charger(level=20.0, departure=NOON + timedelta(hours=3)), resistor(), hybrid()]
)
def test_what_a_mode_is_told_is_looked_at_again_within_a_quarter_hour(resource: Resource) -> None:
    """An instruction of a mode has no end of its own (R-47), so a decision has."""
    site = site_with(resource, tariff=PAID, meter_w=-4000.0)

    decision = decided(site)

    assert decision is not None
    assert NOON < decision.until <= NOON + STEP


def test_an_envelope_ends_by_itself() -> None:
    site = site_with(solar(4000.0), tariff=Tariff.flat(0.30, -0.20), meter_w=-3700.0)

    decision = decided(site)

    assert decision is not None
    assert isinstance(decision.message, PEBCInstruction)
    (element,) = decision.message.power_envelopes[0].power_envelope_elements
    assert timedelta(milliseconds=element.duration) == decision.until - NOON <= ENVELOPE_LASTS


def test_a_power_profile_has_no_units() -> None:
    around = Surroundings(site_with(), None, Prices(0.3, 0.05, 9000.0, 9000.0), 0.0)

    assert not units_of(dishwasher(), around, None)


@pytest.mark.parametrize("resource", [dishwasher(), resistor(), hybrid()], ids=["profile", "mode", "demand"])
@pytest.mark.parametrize("is_planned", [False, True])
def test_fuses_of_the_phases_silence_nobody(resource: Resource, is_planned: bool) -> None:
    """What is planned on the spot, or looked at again, is told as it is where only the connection has a fuse."""
    whole = site_with(resource, tariff=PAID)
    phased = replace(whole, fuse_per_phase_w=6000.0)
    plan = plan_site(whole) if is_planned else None

    decisions, alike = (react(site, plan, {}, new_id=new_id) for site in (phased, whole))

    assert [(one.link_id, one.expected_power_w, one.until) for one in decisions] == [
        (one.link_id, one.expected_power_w, one.until) for one in alike
    ]
    assert decisions
