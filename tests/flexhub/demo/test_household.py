"""The home and its shadows."""

import json
from dataclasses import replace

import pytest

from flexhub.demo.build import households
from flexhub.demo.household import Household, Households
from flexhub.demo.physics.cell import Cell
from tests.support.demo_home import EVERY_DEVICE, MORNING, home_config

BEGIN_S = MORNING.timestamp()
DAY_S = 86_400.0


def world() -> Households:
    return households(home_config(), BEGIN_S)


def metered(home: Households) -> Household:
    assert home.metered is not None
    return home.metered


def energy_through(house: Household) -> float:
    return house.accounts.import_wh - house.accounts.export_wh


def test_the_meter_sees_the_sum_of_all_devices() -> None:
    home = world()
    home.advance(BEGIN_S + 1234.5)

    load_w = home.cell.load_w
    assert home.on.net_w == pytest.approx(load_w + sum(home.on.powers_w.values()))


def test_energy_is_conserved_over_a_day_at_any_rhythm() -> None:
    steady, jerky = world(), world()

    steady.advance(BEGIN_S + DAY_S)
    moments = [BEGIN_S + 777.7 * n for n in range(int(DAY_S / 777.7))] + [BEGIN_S + DAY_S]
    for moment in moments:
        jerky.advance(moment)

    assert energy_through(jerky.off) == pytest.approx(energy_through(steady.off), rel=1e-6)
    assert energy_through(metered(jerky)) == pytest.approx(energy_through(metered(steady)), rel=1e-6)
    assert jerky.off.accounts.cost_eur == pytest.approx(steady.off.accounts.cost_eur, rel=1e-6)


def test_a_home_that_nobody_controls_does_exactly_as_its_twin() -> None:
    # The dishwasher is the one device that waits a while for somebody to take control.
    plain = {kind: parameters for kind, parameters in EVERY_DEVICE.items() if kind != "DISHWASHER"}
    home = households(home_config(plain), BEGIN_S)

    home.advance(BEGIN_S + DAY_S)

    assert home.on.state() == home.off.state()


def test_all_get_the_very_same_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    home = world()
    seen: dict[int, list[Cell]] = {id(home.on): [], id(home.off): [], id(home.metered): []}
    step = Household.step

    def record(self: Household, cell: Cell, dt_s: float) -> None:
        seen[id(self)].append(cell)
        step(self, cell, dt_s)

    monkeypatch.setattr(Household, "step", record)
    home.advance(BEGIN_S + 60.5)

    assert len(seen[id(home.on)]) == 13
    for shadow in (home.off, home.metered):
        assert all(mine is theirs for mine, theirs in zip(seen[id(home.on)], seen[id(shadow)], strict=True))


def test_orders_to_the_home_never_reach_its_shadows() -> None:
    ordered, alone = world(), world()
    battery, pv = ordered.on.battery, ordered.on.pv
    assert battery is not None
    assert pv is not None
    battery.controlled, battery.setpoint_w = True, -3000
    pv.controlled, pv.lower_limit_w = True, 0.0

    ordered.advance(BEGIN_S + DAY_S)
    alone.advance(BEGIN_S + DAY_S)

    assert ordered.off.state() == alone.off.state()
    assert metered(ordered).state() == metered(alone).state()
    assert ordered.on.state() != ordered.off.state()


def test_an_order_between_ticks_counts_from_its_moment() -> None:
    home = households(home_config({"BATTERY": EVERY_DEVICE["BATTERY"]}), BEGIN_S)
    battery = home.on.battery
    assert battery is not None
    battery.controlled = True

    home.advance(BEGIN_S + 2.0)
    battery.setpoint_w = 1000
    home.advance(BEGIN_S + 10.0)

    extra_wh = energy_through(home.on) - energy_through(home.off)
    assert extra_wh == pytest.approx(1000 * 8.0 / 3600)


def test_looking_lets_no_time_pass() -> None:
    home = world()
    before = json.dumps(home.state())

    home.look()
    home.advance(BEGIN_S - 100)

    assert json.dumps(home.state()) == before


def test_a_killed_home_goes_on_where_it_was() -> None:
    lived, reborn, unbroken = world(), world(), world()
    half = BEGIN_S + DAY_S / 2 + 3.3
    lived.advance(half)

    reborn.restore(json.loads(json.dumps(lived.state())))
    reborn.advance(BEGIN_S + DAY_S)
    unbroken.advance(half)
    unbroken.advance(BEGIN_S + DAY_S)

    assert reborn.state() == unbroken.state()


def test_a_state_without_the_metered_home_goes_on_from_the_twin() -> None:
    lived, reborn = world(), world()
    lived.advance(BEGIN_S + 3600)
    saved = {name: part for name, part in lived.state().items() if name != "metered"}

    reborn.restore(json.loads(json.dumps(saved)))

    assert metered(reborn).state() == lived.off.state()


@pytest.mark.parametrize(
    ("load_w", "sun_w", "soc", "battery_w"),
    [
        (1500.0, 0.0, 0.5, -1500.0),
        (500.0, 3500.0, 0.5, 3000.0),
        (9000.0, 0.0, 0.5, -5000.0),
        (0.0, 8000.0, 0.5, 5000.0),
        (1500.0, 0.0, 0.0, 0.0),
        (500.0, 3500.0, 1.0, 0.0),
    ],
)
def test_a_metered_battery_covers_what_the_rest_draws_or_has_left_over(
    load_w: float, sun_w: float, soc: float, battery_w: float
) -> None:
    config = home_config({kind: EVERY_DEVICE[kind] for kind in ("BATTERY", "PV")})
    home = households(config, BEGIN_S)
    house, cell = metered(home), replace(home.cell, load_w=load_w, pv_available_w=sun_w)
    assert house.battery is not None
    house.battery.soc = soc

    house.look(cell, 5.0)
    house.step(cell, 5.0)

    net_w = load_w - sun_w + battery_w
    assert (house.powers_w["BATTERY"], house.net_w) == (battery_w, net_w)
    assert energy_through(house) == pytest.approx(net_w * 5 / 3600)


def test_a_metered_battery_counts_every_other_device() -> None:
    home = world()

    for hours in range(24):
        home.advance(BEGIN_S + hours * 3600 + 2.5)
        house = metered(home)
        house.look(home.cell, 2.5)
        battery_w = house.powers_w["BATTERY"]
        assert house.battery is not None
        others_w = house.net_w - battery_w
        assert battery_w == pytest.approx(house.battery._possible_w(-others_w, 2.5))
        assert abs(battery_w) <= 5000


def test_a_metered_home_differs_from_the_twin_in_its_battery_alone() -> None:
    home = world()

    home.advance(BEGIN_S + DAY_S)

    mine, its = metered(home).state(), home.off.state()
    assert {name for name in its if mine[name] != its[name]} == {"accounts", "BATTERY"}
    assert metered(home).accounts.self_consumed_wh > home.off.accounts.self_consumed_wh
    assert metered(home).accounts.longest_avoidable_overrun_s == 0


def test_a_home_without_a_battery_has_no_metered_shadow() -> None:
    home = households(home_config({"PV": EVERY_DEVICE["PV"]}), BEGIN_S)
    home.advance(BEGIN_S + 60)
    reborn = households(home_config({"PV": EVERY_DEVICE["PV"]}), BEGIN_S)

    reborn.restore(json.loads(json.dumps(home.state())))

    assert home.metered is None
    assert reborn.state() == home.state()


def test_emptying_a_battery_shows_in_what_is_stored() -> None:
    home = world()
    battery = home.on.battery
    assert battery is not None
    battery.controlled, battery.setpoint_w = True, -2000

    home.advance(BEGIN_S + 3600)

    assert home.off.stored_wh() - home.on.stored_wh() >= 1990


def test_some_days_overload_the_fuse_when_nobody_coordinates() -> None:
    home = world()

    home.advance(BEGIN_S + DAY_S)

    accounts = home.off.accounts
    assert accounts.longest_overrun_s > 60
    assert accounts.longest_avoidable_overrun_s == 0
    assert accounts.overrun_s >= accounts.longest_overrun_s


def test_what_nobody_can_reach_offers_nothing() -> None:
    reached, unreached = world(), world()
    for home in (reached, unreached):
        battery = home.on.battery
        assert battery is not None
        battery.controlled, battery.setpoint_w = True, 5000
        home.on.accounts.fuse_limit_w = 4000
    unreached.on.unreachable = frozenset({"BATTERY"})

    for home in (reached, unreached):
        home.advance(BEGIN_S + 60)

    assert reached.on.accounts.longest_avoidable_overrun_s == 60
    assert unreached.on.accounts.longest_avoidable_overrun_s == 0
    assert unreached.on.accounts.longest_overrun_s == 60
