"""Power profiles in slots of five minutes, as the kernel places them.

A sequence takes up whole slots: what ends within one is taken to end with it. So nothing that is placed on slots can
overlap or be late, and the power of a slot is the mean over it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from cem_service.domain.ppbc import Sequence
from cem_service.domain.series import Array, StepSeries
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.profile import Ints, SlotProfile, slot_eur
from cem_service.planners.plan import STEP
from cem_service.planners.power_cost import PowerCost

SLOT = timedelta(minutes=5)
SLOT_S = SLOT.total_seconds()
# Two days, which is as long as any sequence is read.
MOST_SLOTS = 576
UNBOUNDED = 1 << 30
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class Slots:
    """`count` slots from `origin` on, with the step of the horizon in which each begins. The last step goes on for as
    long as there are slots.
    """

    origin: datetime
    step_of: Ints

    @classmethod
    @lru_cache(maxsize=256)
    def between(cls, origin: datetime, end: datetime, horizon: Horizon) -> Slots:
        count = min(max(math.floor((end - origin) / SLOT), 0), MOST_SLOTS)
        first_s = (origin - horizon.start).total_seconds()
        steps = (first_s + SLOT_S * np.arange(count)) // STEP.total_seconds()
        return cls(origin, np.clip(steps, 0, horizon.steps - 1).astype(np.int64))

    @property
    def count(self) -> int:
        return int(self.step_of.size)

    def time(self, slot: int) -> datetime:
        return self.origin + SLOT * slot

    def eur(self, profile: SlotProfile, cost: PowerCost) -> Array:
        """EUR of each slot at each power of the profile."""
        return slot_eur(profile.power_w, cost.slope, cost.at_w, cost.weight, self.step_of, SLOT_S)


def next_slot(moment: datetime, horizon: Horizon) -> datetime:
    """The first five minutes of the clock from `moment` on, so that no slot lies in two steps."""
    return horizon.start + SLOT * math.ceil((moment - horizon.start) / SLOT)


@lru_cache(maxsize=256)
def in_slots(containers: tuple[tuple[Sequence, ...], ...], pauses: tuple[int, ...]) -> SlotProfile:
    """The alternatives of each container; `pauses` holds the longest wait before each sequence, in slots.

    Kept for the next time that the same profile is planned for, as a building does again and again.
    """
    sequences = [sequence for alternatives in containers for sequence in alternatives]
    powers = [_slot_powers_w(sequence) for sequence in sequences]
    power_w, level = np.unique(np.concatenate(powers), return_inverse=True)
    return SlotProfile(
        first=np.cumsum([0, *map(len, containers)]),
        begins=np.cumsum([0, *map(len, powers)]),
        level=level.astype(np.int64),
        power_w=power_w,
        pause=np.array(pauses, np.int64),
        pausable=np.array([sequence.is_interruptible for sequence in sequences]),
    )


def length_of(sequence: Sequence) -> int:
    """In slots, at least one."""
    return max(math.ceil((sequence.duration_s - _ROUNDING_S) / SLOT_S), 1)


def longest_pause(sequence: Sequence, gone_s: float = 0.0) -> int:
    """How many slots a sequence may wait when `gone_s` of its pause have gone by; negative where it is over."""
    if sequence.max_pause_before_s is None:
        return UNBOUNDED
    return math.floor((sequence.max_pause_before_s - gone_s + _ROUNDING_S) / SLOT_S)


def _slot_powers_w(sequence: Sequence) -> Array:
    edges: Array = SLOT_S * np.arange(length_of(sequence) + 1, dtype=np.float64)
    pieces = [(duration_s, power_w) for duration_s, power_w in sequence.elements if duration_s > 0]
    ends = np.cumsum([0.0, *(duration_s for duration_s, _ in pieces)])
    return StepSeries(ends, np.array([power_w for _, power_w in pieces])).means(edges, 0.0)
