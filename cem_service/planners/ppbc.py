"""Plans power profiles: which alternative of each container, when it starts, and when it pauses.

Containers run in their order (R-94), all within the profile's window, with no pause longer than a sequence allows
before it (R-95). A sequence that may be interrupted is, where that is worth it; one that has begun goes on from where
it is. `kernels/profile.py` finds the best of all that on slots of five minutes.

Several profiles are placed one after the other, each beside all others, until each has seen what the others do.

Never infeasible: what does not fit into its window runs as soon as it can, and the plan says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from cem_service.domain.ppbc import Container, PPBCResource, Profile, Sequence
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.profile import PAUSED, RUNNING, WAITING, Course, Ints, SlotProfile, find_course
from cem_service.planners.placed import expected_power_w, power_from
from cem_service.planners.plan import DevicePlan, OwnCost, Pause, Placement
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.slots import (
    SLOT_S,
    UNBOUNDED,
    Slots,
    in_slots,
    length_of,
    longest_pause,
    next_slot,
)

# For each slot that it is done later, so that of two courses that are as cheap the earlier one is taken.
LATER_EUR = 1e-5
# What a pause has to save. Devices are made to go through, and somebody hears them stop.
INTERRUPTION_EUR = 0.02
# What it weighs that somebody has to wait for what was to be done.
LATE_EUR_PER_H = 1.0
SWEEPS = 2

Chain = list[tuple[Container, tuple[Sequence, ...]]]


def plan_profile(resource: PPBCResource, cost: PowerCost, horizon: Horizon) -> DevicePlan | None:
    """Placements in all profiles of a ready resource; None where their windows lie beyond the horizon."""
    profiles = [one for one in resource.open_profiles(horizon.now) if _earliest(one, horizon) < horizon.end]
    if not profiles:
        return None
    found: dict[str, tuple[Placement, ...]] = {}
    for _ in range(SWEEPS if len(profiles) > 1 else 1):
        for profile in profiles:
            others = [one for profile_id, ones in found.items() if profile_id != profile.profile_id for one in ones]
            found[profile.profile_id] = place(profile, _beside(resource, profile, others, cost, horizon), horizon)
    placements = tuple(placement for profile in profiles for placement in found[profile.profile_id])
    late_s = sum(_late_s(one, found[one.profile_id]) for one in profiles)
    return DevicePlan(
        resource.link_id,
        expected_power_w(resource, placements, horizon),
        placements=placements,
        reason="its window is too short to hold it, so it runs as soon as it can" if late_s else "",
        own=OwnCost(
            comfort_eur=LATE_EUR_PER_H * late_s / 3600.0,
            tidy_eur=INTERRUPTION_EUR * sum(len(placement.pauses) for placement in placements),
        ),
    )


def _late_s(profile: Profile, placements: tuple[Placement, ...]) -> float:
    ends = placements[-1].end if placements else profile.end_time
    return max((ends - profile.end_time).total_seconds(), 0.0)


def place(profile: Profile, cost: PowerCost, horizon: Horizon) -> tuple[Placement, ...]:
    """The best placements of a profile beside what `cost` knows of everything else."""
    chain = _chain(profile)
    if not chain:
        return ()
    earliest = _earliest(profile, horizon)
    end = profile.end_time
    if end > horizon.end:
        shortest_s = sum(SLOT_S * min(map(length_of, alternatives)) for _, alternatives in chain)
        end = min(end, max(horizon.end, earliest + timedelta(seconds=shortest_s)))
    # On the clock's five minutes where that fits, else from the very moment on.
    for origin in (earliest,) if profile.head else (next_slot(earliest, horizon), earliest):
        attempt = _Attempt.of(profile, chain, Slots.between(origin, end, horizon), earliest, cost)
        course = attempt.best()
        if math.isfinite(course.eur):
            return tuple(attempt.placements(course))
    return tuple(_at_once(profile, chain, earliest, cost, horizon))


def _earliest(profile: Profile, horizon: Horizon) -> datetime:
    if profile.head is not None:
        return horizon.now
    return max(horizon.now + profile.busy_for, profile.start_time)


def _chain(profile: Profile) -> Chain:
    """What is left to run, with the alternatives; of what has begun only the rest."""
    chain: Chain = [(one, one.sequences) for one in profile.placeable]
    head = profile.head
    if head is not None and head.remainder is not None:
        chain.insert(0, (head, (head.remainder,)))
    return chain


def _beside(
    resource: PPBCResource, profile: Profile, others: list[Placement], cost: PowerCost, horizon: Horizon
) -> PowerCost:
    """The cost beside all that the resource runs, but for what there is to choose in this profile."""
    if not others and not any(one.running for each in resource.profiles for one in each.containers):
        return cost
    head = profile.head
    fixed = replace(profile, containers=tuple(one for one in profile.containers if one is not head))
    profiles = tuple(fixed if one is profile else one for one in resource.profiles)
    return cost.beside(expected_power_w(replace(resource, profiles=profiles), others, horizon))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A profile cut into slots, beside what `cost` knows of everything else."""

    profile: Profile
    chain: Chain
    slots: Slots
    cut: SlotProfile
    cost: PowerCost

    @classmethod
    def of(cls, profile: Profile, chain: Chain, slots: Slots, earliest: datetime, cost: PowerCost) -> _Attempt:
        gone_s = (slots.origin - earliest).total_seconds()
        pauses = tuple(
            _longest_wait(profile, sequence, gone_s) if index == 0 else longest_pause(sequence)
            for index, (_, alternatives) in enumerate(chain)
            for sequence in alternatives
        )
        cut = in_slots(tuple(alternatives for _, alternatives in chain), pauses)
        return cls(profile, chain, slots, cut, cost)

    def best(self) -> Course:
        eur = self.slots.eur(self.cut, self.cost)
        return find_course(self.cut, eur, self._begun, later_eur=LATER_EUR, interruption_eur=INTERRUPTION_EUR)

    @property
    def _begun(self) -> int:
        head = self.profile.head
        return WAITING if head is None else PAUSED if head.paused else RUNNING

    def placements(self, course: Course) -> Iterator[Placement]:
        sequences = [sequence for _, alternatives in self.chain for sequence in alternatives]
        paid_eur = self.slots.eur(self.cut, self.cost.paid)
        before: datetime | None = None
        slot = 0
        for (container, _), one in zip(self.chain, course.chosen, strict=True):
            own = slice(int(self.cut.begins[one]), int(self.cut.begins[one + 1]))
            ran, level = course.ran_in[own], self.cut.level[own]
            times = self._times(container, sequences[one], ran, before)
            yield Placement(
                self.profile.profile_id,
                container.container_id,
                sequences[one].sequence_id,
                *times[:2],
                cost_eur=float(paid_eur[level, ran].sum()),
                cost_now_eur=float(paid_eur[level, self._at_once(ran, slot)].sum()),
                done_s=container.progress_s if container.running else 0.0,
                pauses=times[2],
            )
            before, slot = times[1], int(ran[-1]) + 1

    def _times(
        self, container: Container, sequence: Sequence, ran: Ints, before: datetime | None
    ) -> tuple[datetime, datetime, tuple[Pause, ...]]:
        """(start, end, pauses) of a sequence whose slots run in `ran`, after one that ended at `before`."""
        begins = 0 if container.running and not container.paused else int(ran[0])
        start = self.slots.time(begins)
        if before is not None and sequence.max_pause_before_s is not None:
            # A sequence takes up whole slots but ends within one, and the pause after it counts from there.
            start = min(start, before + timedelta(seconds=sequence.max_pause_before_s))
        earlier = self.slots.time(begins) - start
        gaps: list[tuple[int, int]] = []
        if int(ran[-1]) - begins + 1 > ran.size:
            gaps = [(a + 1, b) for a, b in pairwise((begins - 1, *ran.tolist())) if b > a + 1]
        pauses = tuple((self.slots.time(a) - earlier, self.slots.time(b) - earlier) for a, b in gaps)
        end = start + timedelta(seconds=sequence.duration_s) + sum((b - a for a, b in pauses), timedelta())
        return start, end, pauses

    def _at_once(self, ran: Ints, slot: int) -> Ints:
        """The slots from `slot` on, or those of `ran` where it would not be done in time."""
        return np.arange(slot, slot + ran.size) if slot + ran.size <= self.slots.count else ran


def _longest_wait(profile: Profile, first: Sequence, gone_s: float) -> int:
    """The first sequence of all may wait as long as it likes; after another one has run, its pause is bounded."""
    return longest_pause(first, gone_s) if profile.has_begun else UNBOUNDED


def _at_once(profile: Profile, chain: Chain, start: datetime, cost: PowerCost, horizon: Horizon) -> Iterator[Placement]:
    """The shortest alternatives one after the other, from the first moment on."""
    paid = cost.paid
    for container, alternatives in chain:
        sequence = min(alternatives, key=lambda one: one.duration_s)
        end = start + timedelta(seconds=sequence.duration_s)
        power_w = power_from(sequence, start).means(horizon.edges, 0.0)
        eur = float((paid.eur(power_w, horizon.durations_s) - paid.eur(0.0 * power_w, horizon.durations_s)).sum())
        done_s = container.progress_s if container.running else 0.0
        yield Placement(
            profile.profile_id, container.container_id, sequence.sequence_id, start, end, eur, eur, done_s=done_s
        )
        start = end
