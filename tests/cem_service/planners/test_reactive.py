from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cem_service.domain.decision import Decision, LastInstruction, Objective
from cem_service.domain.objectives import Objectives, SteerableLimit
from cem_service.domain.phases import EVEN, PhasePowers
from cem_service.domain.reserve import with_reserve
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.calm import REPEAT_AFTER
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from s2.messages import (
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCTimerStatus,
    PEBCInstruction,
    PPBCScheduleInstruction,
    Timer,
)
from tests.support.mode_resources import resistor
from tests.support.resources import (
    NOON,
    actuator,
    all_transitions,
    battery,
    dishwasher,
    element,
    ev_charger,
    heat_pump,
    mode,
    new_id,
    read_store,
    solar,
    store_messages,
    transition,
)
from tests.support.sites import EVENING_PEAK, FLAT, site_with


def decide(
    site: SiteState,
    plan: SitePlan | None = None,
    last: list[Decision] | None = None,
    *,
    ago: timedelta = timedelta(minutes=5),
) -> dict[str, Decision]:
    """Decisions by the name of their resource; `last` was issued `ago`."""
    before = {one.link_id: LastInstruction.of(one, site.now - ago) for one in last or ()}
    names = {resource.link_id: resource.name for resource in site.resources}
    return {names[one.link_id]: one for one in react(site, plan, before, new_id=new_id)}


def order(decision: Decision) -> tuple[str, float]:
    assert isinstance(decision.message, FRBCInstruction)
    assert not decision.message.abnormal_condition
    return decision.message.operation_mode, decision.message.operation_mode_factor


def test_a_battery_keeps_the_net_power_at_zero_without_any_plan() -> None:
    surplus = decide(site_with(battery(), meter_w=-2000.0))["Home battery"]
    deficit = decide(site_with(battery(), meter_w=1500.0))["Home battery"]

    assert order(surplus)[0] == "charge"
    assert order(surplus)[1] == pytest.approx(0.4)
    assert order(deficit)[0] == "discharge"
    assert order(deficit)[1] == pytest.approx(0.3)
    assert surplus.objective is Objective.SELF_CONSUMPTION
    assert (surplus.reason.figures["site_before_w"], surplus.reason.figures["site_after_w"]) == (-2000.0, 0.0)


def test_the_first_instruction_always_goes_out_and_then_silence() -> None:
    site = site_with(battery(), meter_w=0.0)

    first = decide(site)["Home battery"]

    assert first.objective is Objective.TAKE_CONTROL
    assert decide(site, last=[first]) == {}


def test_small_changes_are_not_worth_a_message() -> None:
    first = decide(site_with(battery(), meter_w=0.0))["Home battery"]
    holding = battery(active=("discharge", 0.2), power_w=-1000.0)

    assert decide(site_with(holding, meter_w=10.0), last=[first]) == {}
    assert "Home battery" in decide(site_with(holding, meter_w=40.0), last=[first])


def test_a_battery_that_is_nearly_empty_gives_its_last_minutes() -> None:
    five_minutes = battery(level=0.05)

    decision = decide(site_with(five_minutes, meter_w=500.0))["Home battery"]

    assert isinstance(decision.message, FRBCInstruction)
    assert decision.message.operation_mode == "discharge"
    assert decision.expected_power_w == pytest.approx(-500.0)


def test_an_instruction_that_does_not_show_is_repeated_late() -> None:
    site = site_with(battery(), meter_w=-2000.0)
    told = decide(site)["Home battery"]

    assert decide(site, last=[told], ago=timedelta(seconds=40)) == {}
    assert "Home battery" in decide(site, last=[told], ago=REPEAT_AFTER)


def test_a_refusal_leaves_the_device_alone_until_its_back_off_ends() -> None:
    site = site_with(battery(), meter_w=-2000.0)
    told = decide(site)["Home battery"]
    refused = LastInstruction.of(told, NOON - timedelta(minutes=5), refused_until=NOON + timedelta(minutes=1))

    assert react(site, None, {told.link_id: refused}, new_id=new_id) == []


@pytest.mark.parametrize(("refused_s_ago", "is_asked"), [(10, False), (60, True)])
def test_an_overloaded_fuse_is_a_reason_to_ask_a_device_again_that_refused(refused_s_ago: int, is_asked: bool) -> None:
    told = decide(site_with(battery(), meter_w=-2000.0))["Home battery"]
    refused = LastInstruction.of(
        told, NOON - timedelta(seconds=refused_s_ago), refused_until=NOON + timedelta(minutes=4)
    )
    overloaded = site_with(battery(), meter_w=12_000.0, fuse_limit_w=10_000.0)

    decisions = react(overloaded, None, {told.link_id: refused}, new_id=new_id)

    assert bool(decisions) is is_asked
    assert all(decision.expected_power_w < 0 for decision in decisions)


FUSES_OF_PHASES = replace(site_with(battery(), meter_w=7600.0), fuse_per_phase_w=5750.0)
STEERED_LITTLE = Objectives(steerable_limits=(SteerableLimit(source="Grid", import_w=4200.0),))


@pytest.mark.parametrize(
    ("site", "is_asked"),
    [
        pytest.param(site_with(battery(), meter_w=-6000.0, export_limit_w=5000.0), True, id="feeding in"),
        pytest.param(replace(FUSES_OF_PHASES, main_meter_phases_w=(7000.0, 300.0, 300.0)), True, id="a phase"),
        pytest.param(replace(FUSES_OF_PHASES, main_meter_phases_w=(2600.0, 2500.0, 2500.0)), False, id="no phase"),
        # The household may draw as much as it likes.
        pytest.param(replace(site_with(battery(), meter_w=5000.0), objectives=STEERED_LITTLE), False, id="steered"),
    ],
)
def test_any_limit_that_is_broken_is_such_a_reason(site: SiteState, is_asked: bool) -> None:
    told = decide(site_with(battery(), meter_w=1000.0))["Home battery"]
    refused = LastInstruction.of(told, NOON - timedelta(minutes=1), refused_until=NOON + timedelta(minutes=4))

    assert bool(react(site, None, {told.link_id: refused}, new_id=new_id)) is is_asked


def test_the_fuse_comes_first_and_what_can_wait_gives_way() -> None:
    charging = ev_charger(active=("charge", 1.0), power_w=7400.0, departure=NOON + timedelta(hours=18))
    cold = heat_pump(level=40.5, active="on")
    site = site_with(charging, cold, meter_w=12_000.0, fuse_limit_w=10_000.0)
    plan = plan_site(site)

    decisions = decide(site, plan)

    car = decisions["EV charger"]
    assert order(car)[0] == "charge" or car.expected_power_w == 0.0
    assert 12_000.0 - 7400.0 + car.expected_power_w <= 8000.0 + 1.0
    assert order(decisions["Heat pump"]) == ("on", 0.0)


def test_a_limit_that_moves_somebody_is_the_reason_given() -> None:
    late = ev_charger(active=("charge", 1.0), power_w=7400.0, departure=NOON + timedelta(hours=1))

    car = decide(site_with(late, meter_w=12_000.0, fuse_limit_w=10_000.0))["EV charger"]

    assert car.objective is Objective.FUSE
    assert car.reason.objective is Objective.FUSE
    assert (car.reason.figures["usable_w"], car.reason.figures["limit_w"]) == (8000.0, 10_000.0)
    assert car.expected_power_w == pytest.approx(3400.0)


def test_a_battery_relieves_the_fuse() -> None:
    decision = decide(
        site_with(battery(level=9.0), meter_w=11_000.0, fuse_limit_w=10_000.0, tariff=Tariff.flat(0.0, 0.0))
    )

    assert decision["Home battery"].expected_power_w <= -3000.0


def test_a_car_that_is_late_charges_whatever_it_costs() -> None:
    late = ev_charger(level=50.0, departure=NOON + timedelta(hours=2))

    for plan in (None, plan_site(site_with(late))):
        car = decide(site_with(late), plan)["EV charger"]
        assert car.expected_power_w == 7400.0
        assert car.objective is Objective.TARGET


def test_a_car_with_time_waits_for_the_cheap_hours_when_it_has_a_plan() -> None:
    site = site_with(ev_charger(departure=NOON + timedelta(hours=18)), tariff=EVENING_PEAK)

    assert decide(site, plan_site(site))["EV charger"].expected_power_w == 0.0


def test_a_cold_buffer_is_heated_and_a_full_one_is_not() -> None:
    cold = decide(site_with(heat_pump(level=40.2)))["Heat pump"]
    full = decide(site_with(heat_pump(level=59.99, active="on"), meter_w=-3000.0))["Heat pump"]

    assert order(cold) == ("on", 0.0)
    assert order(full) == ("off", 0.0)


def test_a_blocking_timer_is_respected() -> None:
    held = heat_pump(level=40.2, min_off_until=NOON + timedelta(minutes=3))

    assert order(decide(site_with(held))["Heat pump"]) == ("off", 0.0)


@pytest.mark.parametrize(("began_s_ago", "is_told"), [(10, False), (130, True)])
def test_a_transition_under_way_is_not_cut_off(began_s_ago: int, is_told: bool) -> None:
    whole = (40.0, 60.0)
    ways = [replace(each, transition_duration=120_000) for each in all_transitions("off", "on")]
    description = actuator(
        (
            mode("off", element(whole, (0.0, 0.0), (0.0, 0.0))),
            mode("on", element(whole, (0.002, 0.002), (2000.0, 2000.0))),
        ),
        ways,
    )
    turning_on = FRBCActuatorStatus(
        message_id=new_id(),
        actuator_id="actuator",
        active_operation_mode_id="on",
        operation_mode_factor=0.0,
        previous_operation_mode_id="off",
        transition_timestamp=NOON - timedelta(seconds=began_s_ago),
    )
    messages = store_messages(description, levels=whole, level=55.0, active=[], extra=[turning_on])

    decision = decide(site_with(read_store("store", messages), meter_w=3000.0))["store"]

    assert order(decision)[0] == ("off" if is_told else "on")


def test_goes_one_hop_at_a_time_where_there_is_no_direct_way() -> None:
    whole = (0.0, 10.0)
    description = actuator(
        (
            mode("off", element(whole, (0.0, 0.0), (0.0, 0.0))),
            mode("standby", element(whole, (0.0, 0.0), (20.0, 20.0))),
            mode("fill", element(whole, (0.0005, 0.0005), (2000.0, 2000.0))),
        ),
        (transition("off", "standby"), transition("standby", "fill"), transition("fill", "off")),
    )
    messages = store_messages(description, levels=whole, level=2.0, active=[("actuator", "off", 0.0)])
    decision = decide(site_with(read_store("store", messages), meter_w=-5000.0))["store"]

    assert order(decision) == ("standby", 0.0)
    assert decision.expected_power_w == 20.0


def test_a_timer_blocks_the_first_hop_too() -> None:
    whole = (0.0, 10.0)
    description = actuator(
        (
            mode("off", element(whole, (0.0, 0.0), (0.0, 0.0))),
            mode("standby", element(whole, (0.0, 0.0), (20.0, 20.0))),
            mode("fill", element(whole, (0.0005, 0.0005), (2000.0, 2000.0))),
        ),
        (transition("off", "standby", blocked_by="rest"), transition("standby", "fill"), transition("fill", "off")),
        (Timer(id="rest", duration=600_000),),
    )
    resting = FRBCTimerStatus(
        message_id=new_id(), timer_id="rest", actuator_id="actuator", finished_at=NOON + timedelta(minutes=5)
    )
    messages = store_messages(description, levels=whole, level=2.0, active=[("actuator", "off", 0.0)], extra=[resting])

    assert order(decide(site_with(read_store("store", messages), meter_w=-5000.0))["store"]) == ("off", 0.0)


def test_never_uses_a_mode_for_abnormal_conditions_or_one_without_the_present_level() -> None:
    whole = (0.0, 10.0)
    description = actuator(
        (
            mode("off", element(whole, (0.0, 0.0), (0.0, 0.0))),
            mode("emergency", element(whole, (0.001, 0.001), (3000.0, 3000.0)), abnormal=True),
            mode("top", element((8.0, 10.0), (0.001, 0.001), (3000.0, 3000.0))),
        )
    )
    messages = store_messages(description, levels=whole, level=2.0, active=[("actuator", "off", 0.0)])

    assert order(decide(site_with(read_store("store", messages), meter_w=-5000.0))["store"]) == ("off", 0.0)


def test_solar_power_is_left_free_until_the_export_limit_binds() -> None:
    free = decide(site_with(solar(3000.0), meter_w=-2500.0, export_limit_w=5000.0))["Solar"]
    bound = decide(site_with(solar(6000.0), meter_w=-5500.0, export_limit_w=5000.0))["Solar"]

    assert limits(free) == (-6000.0, 0.0)
    assert list(limits(bound)) == pytest.approx([-5000.0, 0.0])
    assert bound.objective is Objective.EXPORT_LIMIT


def test_solar_power_is_curtailed_to_own_use_while_feeding_in_costs_money_and_then_released() -> None:
    at_a_loss = site_with(solar(4000.0), meter_w=-3000.0, tariff=Tariff.flat(0.3, -0.1))
    curtailed = decide(at_a_loss)["Solar"]
    held = site_with(solar(1000.0), meter_w=0.0, tariff=Tariff.flat(0.3, 0.05))

    assert list(limits(curtailed)) == pytest.approx([-1000.0, 0.0])
    assert decide(replace(held, tariff=Tariff.flat(0.3, -0.1)), last=[curtailed]) == {}
    assert limits(decide(held, last=[curtailed])["Solar"]) == (-6000.0, 0.0)


def test_a_curtailment_is_renewed_before_it_ends() -> None:
    at_a_loss = site_with(solar(4000.0), meter_w=-3000.0, tariff=Tariff.flat(0.3, -0.1))
    curtailed = decide(at_a_loss)["Solar"]
    later = NOON + timedelta(minutes=51)
    site = site_with(solar(1000.0, now=later, peak_w=6000.0), meter_w=0.0, now=later, tariff=Tariff.flat(0.3, -0.1))

    assert "Solar" in decide(site, last=[curtailed], ago=timedelta(minutes=51))


def limits(decision: Decision) -> tuple[float, float]:
    assert isinstance(decision.message, PEBCInstruction)
    piece = decision.message.power_envelopes[0].power_envelope_elements[0]
    assert timedelta(minutes=15) <= timedelta(milliseconds=piece.duration) <= timedelta(hours=1)
    return piece.lower_limit, piece.upper_limit


def test_a_dishwasher_is_told_its_start_once() -> None:
    site = site_with(dishwasher(), tariff=EVENING_PEAK)
    first = decide(site, plan_site(site))["Dishwasher"]

    assert isinstance(first.message, PPBCScheduleInstruction)
    assert NOON <= first.message.execution_time <= NOON + timedelta(hours=10)
    assert first.objective is Objective.START_TIME
    assert decide(site, plan_site(site), last=[first], ago=timedelta(seconds=10)) == {}


def test_an_instruction_after_the_meter_reading_is_not_decided_again() -> None:
    """The device took up its new power at once, and the meter's reading is from before that."""
    told = decide(site_with(battery(), meter_w=-2000.0))["Home battery"]
    charging = battery(active=("charge", 0.4), power_w=2000.0, now=NOON + timedelta(seconds=5))
    site = replace(
        site_with(charging, now=NOON + timedelta(seconds=5)),
        main_meter_w=-2000.0,
        main_meter_at=NOON - timedelta(seconds=1),
    )

    assert decide(site, last=[told], ago=timedelta(seconds=5)) == {}


def test_while_a_reading_may_or_may_not_hold_an_effect_nobody_moves_but_for_a_limit() -> None:
    told = decide(site_with(battery(), meter_w=-2000.0))["Home battery"]
    site = site_with(battery(now=NOON - timedelta(seconds=30)), meter_w=-1900.0)

    assert decide(site, last=[told], ago=timedelta(seconds=5)) == {}


def test_a_limit_that_is_being_mended_is_not_mended_once_more() -> None:
    """The owner wants to keep some of what the battery holds, but the fuse wants all of its power."""
    drawing = site_with(with_reserve(battery(), 0.45, NOON), meter_w=9000.0, fuse_limit_w=4000.0)
    told = decide(drawing)["Home battery"]
    soon = replace(drawing, now=NOON + timedelta(seconds=2), main_meter_at=NOON + timedelta(seconds=1))

    assert order(told) == ("discharge", 1.0)
    assert decide(soon, last=[told], ago=timedelta(seconds=2)) == {}


def test_a_limit_that_stays_broken_by_what_was_told_moves_others() -> None:
    """The battery has been told to give all that it can, and that is not enough."""
    car = ev_charger(active=("charge", 1.0), power_w=7400.0)
    site = site_with(battery(), car, meter_w=14_000.0, fuse_limit_w=8000.0)
    told = decide(site_with(battery(), meter_w=6000.0))["Home battery"]

    assert told.expected_power_w == pytest.approx(-5000.0)
    assert set(decide(site, last=[told], ago=timedelta())) == {"EV charger"}


PAID_TO_TAKE = Tariff.flat(-0.2, -0.3)


def with_phase_fuses(*resources: Resource, meter_phases_w: PhasePowers | None = None) -> SiteState:
    """Fuses of 25 A, of which 4312 W on each phase may be planned for; the household draws 900 W."""
    meter_w = 900.0 if meter_phases_w is None else sum(meter_phases_w)
    site = site_with(*resources, meter_w=meter_w, tariff=PAID_TO_TAKE)
    return replace(site, fuse_per_phase_w=5750.0, main_meter_phases_w=meter_phases_w)


def test_a_car_on_one_phase_takes_no_more_than_its_fuse_carries() -> None:
    car = decide(with_phase_fuses(ev_charger()))["EV charger"]

    assert car.expected_power_w == pytest.approx(4312.5 - 300.0)
    assert car.objective is Objective.FUSE
    assert car.reason.figures["circuit"] == "L1"
    assert car.reason.figures["load_w"] == pytest.approx(7700.0)


def test_what_the_meter_reads_on_the_phase_counts() -> None:
    full = decide(with_phase_fuses(ev_charger(), meter_phases_w=(4000.0, 0.0, 0.0)))["EV charger"]
    free = decide(with_phase_fuses(ev_charger(), meter_phases_w=(0.0, 4000.0, 0.0)))["EV charger"]

    assert full.expected_power_w == 0.0
    assert free.expected_power_w == pytest.approx(4312.5)


def test_devices_share_a_phase_and_those_on_three_phases_load_each() -> None:
    devices = (ev_charger(), replace(battery(), phase_shares=EVEN), resistor())

    told = decide(with_phase_fuses(*devices))

    on_l1_w = 300.0 + sum(told[one.name].expected_power_w * one.phase_shares[0] for one in devices if one.name in told)
    assert on_l1_w <= 4312.5 + 1.0
    assert on_l1_w > 4000.0


def test_a_phase_that_is_too_full_is_relieved_by_who_is_on_it() -> None:
    car = ev_charger(active=("charge", 1.0), power_w=7400.0)
    site = with_phase_fuses(car, battery(), meter_phases_w=(8000.0, 300.0, 300.0))

    told = decide(replace(site, tariff=FLAT))

    assert (
        sum(told[name].expected_power_w if name in told else 7400.0 for name in ("EV charger", "Home battery"))
        <= 3712.5 + 1.0
    )


def test_resources_that_are_not_ready_are_left_out() -> None:
    description = actuator((mode("m1", element((0, 10), (0, 0), (0, 0))),))
    silent = read_store("Silent", store_messages(description, levels=(0, 10), level=None, active=[]))

    assert decide(site_with(silent)) == {}


def test_a_battery_that_gives_takes_up_what_is_left_over_as_soon_as_there_is_some() -> None:
    """Passing zero is no switch that wears anything, so a surplus of 150 W is worth it."""
    site = site_with(battery(level=5.0, active=("discharge", 0.02), power_w=-100.0), meter_w=-150.0)

    taken = decide(site)["Home battery"]

    assert taken.expected_power_w == pytest.approx(50.0, abs=1.0)
