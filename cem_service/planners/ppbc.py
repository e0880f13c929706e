"""Places the sequences of a power profile: which alternative of each container, and when it starts.

Dynamic programming from the last container back to the first over start times every five minutes. Containers run in
their order (R-94), all within the profile's window, with no pause longer than a sequence allows before it (R-95).

Never infeasible: where the window has become too short, the profile runs as soon as it can, and the plan says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cem_service.domain.ppbc import Container, PPBCResource, Sequence
from cem_service.domain.series import Array, StepSeries
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP, DevicePlan, Placement
from cem_service.planners.power_cost import PowerCost

SLOT_S = 300.0
NEVER_EUR = np.inf
LATER_EUR = 1e-5  # For each slot of waiting, so that of two equally cheap starts the earlier one is taken.


@dataclass(frozen=True, slots=True)
class _Slots:
    """Start times in slots of SLOT_S from `origin`; the last of them is the end of the window or of the horizon."""

    origin: datetime
    count: int
    cost: PowerCost

    def time(self, slot: int) -> datetime:
        return self.origin + timedelta(seconds=SLOT_S * slot)


def plan_profile(resource: PPBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """Placements of all pending containers of a ready resource; None where its window lies beyond the horizon."""
    if resource.start_time is None or resource.end_time is None:
        return None
    origin = max(horizon.now + resource.busy_for, resource.start_time)
    if origin >= horizon.end:
        return None
    pending = [container for container in resource.containers if container.pending and container.sequences]
    slots = _slots(origin, min(resource.end_time, horizon.end), cost, horizon)
    choices = _place(pending, slots, something_ran=any(not container.pending for container in resource.containers))
    too_late = not choices
    if too_late:
        choices = _at_once(pending)
    placements: list[Placement] = []
    for container, choice in zip(pending, choices, strict=True):
        placements.append(_placement(container, choice, slots, placements[-1].end if placements else None))
    reason = "its window is too short to hold it, so it runs as soon as it can" if too_late else ""
    power_w = expected_power_w(resource, tuple(placements), horizon)
    return DevicePlan(resource.link_id, power_w, placements=tuple(placements), reason=reason)


def expected_power_w(resource: PPBCResource, placements: tuple[Placement, ...], horizon: Horizon) -> Array:
    """Mean power per step of what runs now and of what is placed."""
    power_w = np.zeros(horizon.steps)
    for container in resource.containers:
        sequence = container.sequence(container.selected_sequence_id)
        if container.running and sequence is not None:
            started = horizon.now - timedelta(seconds=container.progress_s)
            power_w += _series(sequence, started).means(horizon.edges, 0.0)
    by_id = {container.container_id: container for container in resource.containers}
    for placement in placements:
        placed = by_id[placement.container_id].sequence(placement.sequence_id)
        if placed is not None:
            power_w += _series(placed, placement.start).means(horizon.edges, 0.0)
    return power_w


def _series(sequence: Sequence, start: datetime) -> StepSeries:
    return StepSeries.consecutive(start, ((round(s * 1000), power_w) for s, power_w in sequence.elements))


def _slots(origin: datetime, end: datetime, cost: PowerCost, horizon: Horizon) -> _Slots:
    """The cost by slot; a slot takes that of the step in which it begins."""
    count = max(int((end - origin).total_seconds() // SLOT_S), 0)
    first_s = (origin - horizon.start).total_seconds()
    steps = ((first_s + SLOT_S * np.arange(count)) // STEP.total_seconds()).astype(np.intp)
    steps = np.clip(steps, 0, horizon.steps - 1)
    return _Slots(origin, count, cost.at(steps))


def _start_costs(sequence: Sequence, slots: _Slots) -> Array:
    """EUR of starting in each slot; NEVER_EUR where the sequence would not be done by the end."""
    result = np.full(slots.count + 1, NEVER_EUR)
    length = _length(sequence)
    starts = slots.count - length + 1
    if starts <= 0:
        return result
    edges: Array = SLOT_S * np.arange(length + 1, dtype=np.float64) + slots.origin.timestamp()
    power_w = _series(sequence, slots.origin).means(edges, 0.0)
    index = np.arange(starts)[:, None] + np.arange(length)
    cost, wanted_w = slots.cost.at(index.ravel()), np.tile(power_w, starts)
    extra = cost.eur(wanted_w, SLOT_S) - cost.eur(np.zeros_like(wanted_w), SLOT_S)
    result[:starts] = extra.reshape(starts, length).sum(axis=1) + LATER_EUR * np.arange(starts)
    return result


@dataclass(frozen=True, slots=True)
class _Choice:
    sequence: Sequence
    slot: int
    cost_eur: float
    cost_first_eur: float


def _place(pending: list[Container], slots: _Slots, *, something_ran: bool) -> list[_Choice]:
    """The cheapest placement; empty where none fits into the window.

    The very first sequence may wait as long as it likes; after another one has run, its pause is bounded too.
    `following[e]` is the cost of all later containers when the one before them ends at slot `e`.
    """
    following = np.zeros(slots.count + 1)
    tables: list[list[tuple[Sequence, Array, Array]]] = []  # (sequence, its start costs, cost with all that follows)
    for index in range(len(pending) - 1, -1, -1):
        options = []
        for sequence in pending[index].sequences:
            own = _start_costs(sequence, slots)
            ends = np.minimum(np.arange(slots.count + 1) + _length(sequence), slots.count)
            options.append((sequence, own, own + following[ends]))
        tables.insert(0, options)
        following = np.min(
            [
                _best_after(total, _pause(sequence, bounded=something_ran or index > 0))
                for sequence, _, total in options
            ],
            axis=0,
        )
    if following.size == 0 or following[0] == NEVER_EUR:
        return []
    return _read_back(tables, slots, something_ran=something_ran)


def _read_back(
    tables: list[list[tuple[Sequence, Array, Array]]], slots: _Slots, *, something_ran: bool
) -> list[_Choice]:
    choices, slot = [], 0
    for index, options in enumerate(tables):
        best: tuple[float, _Choice] | None = None
        for sequence, own, total in options:
            last = min(slot + _pause(sequence, bounded=something_ran or index > 0), slots.count)
            start = slot + int(total[slot : last + 1].argmin())
            if best is None or total[start] < best[0]:
                best = float(total[start]), _Choice(sequence, start, float(own[start]), float(own[slot]))
        if best is None:
            break
        choices.append(best[1])
        slot = best[1].slot + _length(best[1].sequence)
    return choices


def _length(sequence: Sequence) -> int:
    return max(int(np.ceil(sequence.duration_s / SLOT_S - 1e-9)), 1)


def _pause(sequence: Sequence, *, bounded: bool) -> int:
    """The longest wait before the sequence, in slots."""
    unbounded = 1 << 30
    if not bounded or sequence.max_pause_before_s is None:
        return unbounded
    return min(int(sequence.max_pause_before_s // SLOT_S), unbounded)


def _best_after(total: Array, pause: int) -> Array:
    """For each slot the least of `total` in that slot and the `pause` slots after it."""
    if pause >= total.size:
        return np.minimum.accumulate(total[::-1])[::-1]
    padded = np.concatenate((total, np.full(pause, NEVER_EUR)))
    least: Array = np.lib.stride_tricks.sliding_window_view(padded, pause + 1).min(axis=1)
    return least


def _at_once(pending: list[Container]) -> list[_Choice]:
    """The shortest alternatives one after the other, from the first moment on."""
    choices, slot = [], 0
    for container in pending:
        sequence = min(container.sequences, key=lambda one: one.duration_s)
        choices.append(_Choice(sequence, slot, 0.0, 0.0))
        slot += _length(sequence)
    return choices


def _placement(container: Container, choice: _Choice, slots: _Slots, previous_end: datetime | None) -> Placement:
    start = slots.time(choice.slot)
    if previous_end is not None and choice.sequence.max_pause_before_s is not None:
        # A sequence takes up whole slots but ends within one, and the pause after it counts from there.
        start = min(start, previous_end + timedelta(seconds=choice.sequence.max_pause_before_s))
    return Placement(
        container_id=container.container_id,
        sequence_id=choice.sequence.sequence_id,
        start=start,
        end=start + timedelta(seconds=choice.sequence.duration_s),
        cost_eur=choice.cost_eur,
        # A start that would not be done in time has no price to compare with.
        cost_now_eur=choice.cost_first_eur if choice.cost_first_eur < NEVER_EUR else choice.cost_eur,
    )
