from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flexhub.flexibility.pooling.stores import StoreRow, Stores, room, tube

Array = NDArray[np.float64]
STEPS = 12
DURATIONS = np.full(STEPS, 900.0)
SLACK = 1e-6


def store(
    planned_w: Array,
    *,
    level: float = 5.0,
    capacity: float = 10.0,
    bottom_w: float = -5000.0,
    top_w: float = 5000.0,
    charging: float = 0.95,
    discharging: float = 0.9,
    drain: float = 0.0,
    target: tuple[int, float] | None = None,
) -> StoreRow:
    """Levels in kWh; `drain` in kWh per quarter hour. Power is reduced where the store would leave its range."""

    def rate(power_w: float) -> float:
        return (power_w * charging if power_w > 0 else power_w / discharging) / 3.6e6

    full = np.full(STEPS, 1.0)
    levels, powers = [level], []
    for wanted_w in planned_w:
        power_w = float(np.clip(wanted_w, bottom_w, top_w))
        resting = level - drain
        moved = rate(power_w) * 900
        share = 1.0 if moved == 0 else float(np.clip((np.clip(resting + moved, 0, capacity) - resting) / moved, 0, 1))
        level = resting + share * moved
        powers.append(share * power_w)
        levels.append(level)
    lower = np.zeros(STEPS + 1)
    if target is not None:
        lower[target[0]] = target[1]
    return StoreRow(
        planned_w=np.array(powers),
        level=np.array(levels),
        bottom_w=bottom_w * full,
        bottom_rate=rate(bottom_w) * full,
        rest_w=0 * full,
        rest_rate=0 * full,
        top_w=top_w * full,
        top_rate=rate(top_w) * full,
        drain=drain / 900 * full,
        lower=lower,
        upper=np.full(STEPS + 1, capacity),
    )


@st.composite
def store_rows(draw: st.DrawFn) -> StoreRow:
    capacity = draw(st.floats(1.0, 60.0))
    shares = draw(st.lists(st.integers(-20, 20), min_size=STEPS, max_size=STEPS))
    two_way = draw(st.booleans())
    top_w = draw(st.floats(500.0, 11_000.0))
    has_target = draw(st.booleans())
    return store(
        top_w * np.array(shares) / 20,
        capacity=capacity,
        level=capacity * draw(st.floats(0.0, 1.0)),
        bottom_w=-top_w if two_way else 0.0,
        top_w=top_w,
        charging=draw(st.floats(0.7, 3.0)),
        discharging=draw(st.floats(0.7, 1.0)),
        drain=draw(st.sampled_from((0.0, 0.02, 0.2))),
        target=(draw(st.integers(1, STEPS)), capacity * draw(st.floats(0.0, 1.0))) if has_target else None,
    )


def rate_at(row: StoreRow, step: int, power_w: float) -> float:
    powers = [row.bottom_w[step], row.rest_w[step], row.top_w[step]]
    rates = [row.bottom_rate[step], row.rest_rate[step], row.top_rate[step]]
    return float(np.interp(power_w, powers, rates))


@given(st.lists(store_rows(), min_size=1, max_size=5))
def test_offers_are_never_negative_and_never_beyond_the_device(rows: list[StoreRow]) -> None:
    stores = Stores.of(rows)

    up, down = room(stores, DURATIONS)

    assert (up >= 0).all()
    assert (down >= 0).all()
    assert (stores.planned_w + up <= stores.top_w + SLACK).all()
    assert (stores.planned_w - down >= stores.bottom_w - SLACK).all()


@given(store_rows(), st.sampled_from((1, -1)))
def test_after_any_single_deviation_range_and_target_can_still_be_kept(row: StoreRow, sign: int) -> None:
    stores = Stores.of([row])
    lowest, highest = (edges[0] for edges in tube(stores, DURATIONS))
    # Where a target cannot be reached even by the plan, there is nothing to keep.
    assume((lowest <= highest + SLACK).all())
    assume((row.level >= lowest - SLACK).all() and (row.level <= highest + SLACK).all())
    up, down = room(stores, DURATIONS)

    for step in range(STEPS):
        deviated_w = row.planned_w[step] + (up[0, step] if sign > 0 else -down[0, step])
        gained = rate_at(row, step, deviated_w) - rate_at(row, step, float(row.planned_w[step]))
        _recovers(row, step + 1, float(row.level[step + 1] + gained * 900))


def _recovers(row: StoreRow, edge: int, level: float) -> None:
    """Goes back to the plan's level as fast as the device can, within the tube at each edge."""
    lowest, highest = (edges[0] for edges in tube(Stores.of([row]), DURATIONS))
    assert row.lower[edge] - SLACK <= level <= row.upper[edge] + SLACK
    for step in range(edge, STEPS):
        rates = (row.bottom_rate[step], row.rest_rate[step], row.top_rate[step])
        reachable = [level + (rate - row.drain[step]) * 900 for rate in (min(rates), max(rates))]
        wanted = float(np.clip(row.level[step + 1], lowest[step + 1], highest[step + 1]))
        level = float(np.clip(wanted, *reachable))
        assert row.lower[step + 1] - SLACK <= level <= row.upper[step + 1] + SLACK


@given(st.lists(store_rows(), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_devices_changes_nothing(rows: list[StoreRow], random: object) -> None:
    order = list(range(len(rows)))
    getattr(random, "shuffle")(order)  # noqa: B009 - Hypothesis does not say what its random is.

    up, down = room(Stores.of(rows), DURATIONS)
    shuffled_up, shuffled_down = room(Stores.of([rows[index] for index in order]), DURATIONS)

    assert np.array_equal(up[order], shuffled_up)
    assert np.array_equal(down[order], shuffled_down)


@given(store_rows())
def test_a_store_is_judged_alone(row: StoreRow) -> None:
    other = store(np.zeros(STEPS))

    alone, together = room(Stores.of([row]), DURATIONS), room(Stores.of([other, row]), DURATIONS)

    assert np.array_equal(alone[0][0], together[0][1])
    assert np.array_equal(alone[1][0], together[1][1])


def test_a_nearly_full_battery_takes_what_still_fits() -> None:
    """0.475 kWh are missing; 500 Wh at 95 % in a quarter hour are 2 kW."""
    stores = Stores.of([store(np.zeros(STEPS), level=9.525)])

    up, down = room(stores, DURATIONS)

    assert up[0] == pytest.approx(np.full(STEPS, 2000.0))
    assert down[0] == pytest.approx(np.full(STEPS, 5000.0))


def test_raising_a_discharge_first_saves_what_it_would_have_given() -> None:
    """An almost full battery that discharges with 3 kW can stop, and take only what then still fits."""
    row = store(np.array([-3000.0] + [0.0] * (STEPS - 1)), level=10.0)

    up, _ = room(Stores.of([row]), DURATIONS)

    assert up[0, 0] == pytest.approx(3000.0)


def test_an_ev_that_must_charge_all_the_time_cannot_pause() -> None:
    charging = np.full(STEPS, 7000.0)
    row = store(charging, level=0.0, capacity=60.0, bottom_w=0.0, top_w=7000.0, charging=1.0, target=(STEPS, 21.0))

    up, down = room(Stores.of([row]), DURATIONS)

    assert up == pytest.approx(np.zeros((1, STEPS)))
    assert down == pytest.approx(np.zeros((1, STEPS)), abs=1e-6)


def test_an_ev_with_time_to_spare_can_pause_for_a_quarter_hour() -> None:
    charging = np.array([7000.0] * 6 + [0.0] * 6)
    row = store(charging, level=0.0, capacity=60.0, bottom_w=0.0, top_w=7000.0, charging=1.0, target=(STEPS, 10.5))

    up, down = room(Stores.of([row]), DURATIONS)

    assert down[0, :6] == pytest.approx(np.full(6, 7000.0))
    assert up[0, 6:] == pytest.approx(np.full(6, 7000.0))


def test_a_plan_that_misses_its_target_is_not_made_worse() -> None:
    row = store(np.zeros(STEPS), level=1.0, bottom_w=-5000.0, target=(STEPS, 9.9))

    up, down = room(Stores.of([row]), DURATIONS)

    assert (down[0, -1:] == 0).all()
    assert (up[0] > 0).all()


def test_a_freezer_that_takes_power_to_cool_is_read_the_right_way_round() -> None:
    """Its level is a temperature: power lowers it, standing still raises it."""
    full = np.full(STEPS, 1.0)
    row = StoreRow(
        planned_w=0 * full,
        level=np.linspace(-20.0, -18.8, STEPS + 1),
        bottom_w=0 * full,
        bottom_rate=0 * full,
        rest_w=0 * full,
        rest_rate=0 * full,
        top_w=200 * full,
        top_rate=-0.5 / 900 * full,
        drain=-0.1 / 900 * full,
        lower=np.full(STEPS + 1, -20.0),
        upper=np.full(STEPS + 1, -18.0),
    )

    up, down = room(Stores.of([row]), DURATIONS)

    # At the end of the first quarter hour it is 0.1 degrees above the lowest: a fifth of what 200 W would cool.
    assert up[0, 0] == pytest.approx(40.0)
    assert up[0, 6] == pytest.approx(200.0)
    assert (down == 0).all()


def test_row_and_batch_have_the_same_fields() -> None:
    assert [field.name for field in fields(StoreRow)] == [field.name for field in fields(Stores)]
