"""Places the sequences of a power profile: which alternative of each container, when it starts, when it pauses.

Time is cut into slots. Dynamic programming from the last container back to the first, over the slot in which the one
before has ended. A sequence that may be interrupted has two states for each slot of it that is done: it runs, or it is
paused; from either it may go on, and a pause costs something when it begins. All is exact on these slots.

Of two courses that cost the same, the one that is done earlier is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cem_service.planners.kernels import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER_EUR = np.inf
W_S_PER_KWH = 3.6e6

# What has begun when the first slot does: nothing, or the first container's sequence, which runs or is paused.
WAITING, RUNNING, PAUSED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class SlotProfile:
    """Containers in their order, their sequences one after the other, and the slots of these likewise.

    Container `c` has the sequences `first[c]` up to `first[c + 1]`, sequence `s` the slots `begins[s]` up to
    `begins[s + 1]`, and each of these slots the power `power_w[level[i]]`. `pause` is how many slots a sequence may
    begin after the one before it; below 0 it may not run at all. Each sequence has at least one slot.
    """

    first: Ints
    begins: Ints
    level: Ints
    power_w: Floats
    pause: Ints
    pausable: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Course:
    """`chosen[c]` is the sequence of each container; `ran_in[i]` the slot in which slot `i` of a chosen sequence runs,
    -1 for the others. `eur` is infinite, and the rest without meaning, where nothing fits.
    """

    eur: float
    chosen: Ints
    ran_in: Ints


def find_course(
    profile: SlotProfile, eur: Floats, begun: int = WAITING, *, later_eur: float, interruption_eur: float
) -> Course:
    """The cheapest course where a slot at the power `level` costs `eur[level, slot]`.

    `later_eur` is charged for each slot of which the end of a sequence is later, `interruption_eur` for each pause.
    """
    least, chosen, ran_in = _find_course(
        profile.first,
        profile.begins,
        profile.level,
        profile.pause,
        profile.pausable,
        eur,
        begun,
        later_eur,
        interruption_eur,
    )
    return Course(least, chosen, ran_in)


def slot_eur(power_w: Floats, slope: Floats, at_w: Floats, weight: Floats, step_of: Ints, slot_s: float) -> Floats:
    """EUR of each slot at each power, against none; a slot has the cost of its step.

    For the other arguments see `PowerCost`.
    """
    # Arrays of another layout would be another type to numba, and be compiled for under a plan.
    slope, at_w, weight = (np.ascontiguousarray(each) for each in (slope, at_w, weight))
    return _slot_eur(power_w, slope, at_w, weight, step_of, slot_s)


@kernel
def _slot_eur(power_w: Floats, slope: Floats, at_w: Floats, weight: Floats, step_of: Ints, slot_s: float) -> Floats:
    by_step = np.empty((power_w.size, slope.size))
    for row in range(power_w.size):
        for step in range(slope.size):
            cost = slope[step] * power_w[row]
            for hinge in range(at_w.shape[1]):
                at = at_w[step, hinge]
                cost += weight[step, hinge] * (max(power_w[row] - at, 0.0) - max(-at, 0.0))
            by_step[row, step] = cost * slot_s / W_S_PER_KWH
    eur = np.empty((power_w.size, step_of.size))
    for row in range(power_w.size):
        for slot in range(step_of.size):
            eur[row, slot] = by_step[row, step_of[slot]]
    return eur


@kernel
def _find_course(
    first: Ints,
    begins: Ints,
    level: Ints,
    pause: Ints,
    pausable: NDArray[np.bool_],
    eur: Floats,
    begun: int,
    later_eur: float,
    interruption_eur: float,
) -> tuple[float, Ints, Ints]:
    """Backwards: `total[s, t]` is the least cost of starting sequence `s` in slot `t` with all that follows, and
    `follow[t]` that of the container and all after it when the one before ends with slot `t`. Forwards: the course.
    """
    slots = eur.shape[1]
    follow = np.zeros(slots + 1)
    total = np.full((begins.size - 1, slots + 1), NEVER_EUR)
    moves = np.zeros((level.size if pausable.any() else 0, slots), np.uint8)
    for container in range(first.size - 2, -1, -1):
        done = follow + later_eur * np.arange(slots + 1)
        follow = np.full(slots + 1, NEVER_EUR)
        for one in range(first[container], first[container + 1]):
            begin, end = begins[one], begins[one + 1]
            if pause[one] < 0:
                continue
            if container == 0 and begun != WAITING:
                follow[0] = _pausing(level[begin:end], eur, done, interruption_eur, moves[begin:end], total[one])[begun]
                continue
            if pausable[one]:
                _pausing(level[begin:end], eur, done, interruption_eur, moves[begin:end], total[one])
            else:
                _solid(level[begin:end], eur, done, total[one])
            _lower_to_least_ahead(follow, total[one], pause[one])
    chosen, ran_in = np.full(first.size - 1, -1, np.int64), np.full(level.size, -1, np.int64)
    if follow[0] < NEVER_EUR:
        _read(first, begins, pause, pausable, begun, total, moves, chosen, ran_in)
    return follow[0], chosen, ran_in


@kernel
def _solid(own: Ints, eur: Floats, done: Floats, total: Floats) -> None:
    """Fill `total` for a sequence that runs without a pause."""
    length, starts = own.size, done.size - own.size
    for slot in range(starts):
        total[slot] = done[slot + length]
    for at in range(length):
        for slot in range(starts):
            total[slot] += eur[own[at], slot + at]


@kernel
def _pausing(
    own: Ints, eur: Floats, done: Floats, interruption_eur: float, moves: NDArray[np.uint8], total: Floats
) -> tuple[float, float, float]:
    """Fill `total`, and `moves[k, t]`: whether slot `k` of the sequence runs in slot `t` if it is due, in bit 0 when
    the sequence runs already and in bit 1 when it is paused. Returns the cost from slot 0 on by the state before it.
    Where there are fewer slots than the sequence takes, that is infinite, and nothing is filled.

    `running` is the least cost from slot `t` on when `k` slots of the sequence are done and it runs, `after` the same
    when one more is done, and `paused` that when it is paused, for which one slot at a time is enough.
    """
    slots, length = eur.shape[1], own.size
    if length > slots:
        return NEVER_EUR, NEVER_EUR, NEVER_EUR
    running, after, paused = done.copy(), np.empty(slots + 1), NEVER_EUR
    for at in range(length - 1, -1, -1):
        after, running = running, after
        last = slots - (length - at)
        costs, move, paused = eur[own[at]], moves[at], NEVER_EUR
        running[last + 1 :] = NEVER_EUR
        for slot in range(last, at - 1, -1):
            goes_on = costs[slot] + after[slot + 1]
            interrupts = interruption_eur + paused
            move[slot] = (goes_on <= interrupts) + 2 * (goes_on <= paused)
            running[slot] = min(interrupts, goes_on)
            paused = min(paused, goes_on)
    for slot in range(slots - length + 1):
        total[slot] = eur[own[0], slot] + after[slot + 1]
    return total[0], running[0], paused


@kernel
def _lower_to_least_ahead(best: Floats, total: Floats, pause: int) -> None:
    """Lower each `best[t]` to the least of `total` in slot `t` and the `pause` slots after it.

    The queue holds slots of ascending cost, each later than the next: whatever is dearer and later is never the least.
    """
    queue = np.empty(total.size, np.int64)
    head = tail = 0
    for slot in range(total.size - 1, -1, -1):
        while tail > head and total[queue[tail - 1]] >= total[slot]:
            tail -= 1
        queue[tail] = slot
        tail += 1
        while queue[head] - slot > pause:
            head += 1
        best[slot] = min(best[slot], total[queue[head]])


@kernel
def _read(
    first: Ints,
    begins: Ints,
    pause: Ints,
    pausable: NDArray[np.bool_],
    begun: int,
    total: Floats,
    moves: NDArray[np.uint8],
    chosen: Ints,
    ran_in: Ints,
) -> None:
    """Write the course that the tables hold."""
    slot = 0
    for container in range(first.size - 1):
        state, best, start = WAITING, first[container], slot
        if container == 0 and begun != WAITING:
            state = begun
        else:
            least = NEVER_EUR
            for one in range(first[container], first[container + 1]):
                for at in range(slot, min(slot + pause[one] + 1, total.shape[1])):
                    if total[one, at] < least:
                        least, best, start = total[one, at], one, at
        chosen[container], slot = best, start
        at = begins[best]
        while at < begins[best + 1]:
            if not pausable[best] or state == WAITING or moves[at, slot] & state:
                ran_in[at], state = slot, RUNNING
                at += 1
            else:
                state = PAUSED
            slot += 1


def warm_up() -> None:
    """Compile for a profile with a sequence of each kind."""
    one = np.zeros(1)
    eur = slot_eur(one, one, np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(2, np.int64), 1.0)
    profile = SlotProfile(
        first=np.array([0, 2]),
        begins=np.array([0, 1, 2]),
        level=np.zeros(2, np.int64),
        power_w=one,
        pause=np.zeros(2, np.int64),
        pausable=np.array([False, True]),
    )
    find_course(profile, eur, later_eur=0.0, interruption_eur=0.0)
