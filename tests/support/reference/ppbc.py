"""The best course of a power profile as a mixed-integer programme, solved by HiGHS: what the kernel must find too.

A variable for each slot of a sequence and each slot of time says whether the one has run by the end of the other. Given
the sequences that run and where they pause, which are binary, all conditions are on differences of two of these, so
they come out whole by themselves. Nothing of the kernel's recursion is in it.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import highspy
import numpy as np

from cem_service.planners.kernels.profile import PAUSED, RUNNING, WAITING, Floats, SlotProfile
from tests.support.reference.highs import new_model


def least_eur(
    profile: SlotProfile,
    eur: Floats,
    begun: int = WAITING,
    *,
    later_eur: float,
    interruption_eur: float,
    time_limit_s: float = 60.0,
) -> float:
    """The least cost of any course; infinite where there is none. The arguments are those of `find_course`."""
    model = new_model(seconds=time_limit_s, gap=0.0)
    model.setOptionValue("mip_abs_gap", 1e-9)
    programme = _Programme(model, profile, eur, interruption_eur)
    ended: list[Any] | None = None
    for container in range(profile.first.size - 1):
        ended = programme.add(container, begun if container == 0 else WAITING, ended)
        # It ends one slot after the last one in which it has not run to its end.
        programme.cost.append(later_eur * (eur.shape[1] + 1 - 1.0 * sum(ended)))
    model.minimize(sum(programme.cost))
    status = model.getModelStatus()
    if status == highspy.HighsModelStatus.kOptimal:
        return float(model.getObjectiveValue())
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return float("inf")
    raise TimeoutError(f"HiGHS gave up: {status}")


@dataclass
class _Programme:
    model: Any
    profile: SlotProfile
    eur: Floats
    interruption_eur: float
    cost: list[Any] = field(default_factory=list)

    @property
    def slots(self) -> int:
        return int(self.eur.shape[1])

    def add(self, container: int, begun: int, ended: list[Any] | None) -> list[Any]:
        """Adds one container after one that has `ended` by each slot; returns by which slot it has ended itself."""
        alternatives = range(int(self.profile.first[container]), int(self.profile.first[container + 1]))
        taken = [self.model.addBinary() for _ in alternatives]
        self.model.addConstr(sum(taken) == 1)
        courses = [self._course(one, chosen, begun) for one, chosen in zip(alternatives, taken, strict=True)]
        begins = [sum(each) for each in zip(*(course[0] for course in courses), strict=True)]
        if ended is not None:
            self.model.addConstr(begins[0] <= 0)
            for before, begin in zip(ended[:-1], begins[1:], strict=True):
                self.model.addConstr(begin - before <= 0)
        if begun == WAITING:
            for one, chosen, course in zip(alternatives, taken, courses, strict=True):
                self._keep_pause(int(self.profile.pause[one]), chosen, course[0], ended)
        return [1.0 * sum(each) for each in zip(*(course[-1] for course in courses), strict=True)]

    def _course(self, one: int, chosen: Any, begun: int) -> list[list[Any]]:
        """By slot of the sequence and slot of time, whether it has run."""
        levels = self.profile.level[self.profile.begins[one] : self.profile.begins[one + 1]]
        pausable = bool(self.profile.pausable[one])
        ran = [[self.model.addVariable(0.0, 1.0) for _ in range(self.slots)] for _ in levels]
        for level, row in zip(levels, ran, strict=True):
            self.model.addConstr(row[-1] - chosen == 0)
            for slot, each in enumerate(row):
                before = row[slot - 1] if slot else 0.0
                if slot:
                    self.model.addConstr(each - before >= 0)
                self.cost.append(float(self.eur[level, slot]) * (each - before))
        for earlier, later in pairwise(ran):
            self._follow(earlier, later, pausable)
        if begun == RUNNING:
            self._may_pause(1.0 * chosen, ran[0][0])
        elif begun not in (WAITING, PAUSED):
            raise ValueError(f"begun is {begun}")
        return ran

    def _follow(self, earlier: list[Any], later: list[Any], pausable: bool) -> None:
        """One slot of a sequence runs after the one before it, and right after it where there is no pause."""
        self.model.addConstr(1.0 * later[0] <= 0)
        pause = self._pause() if pausable else 0.0
        for before, after in zip(earlier[:-1], later[1:], strict=True):
            self.model.addConstr(after - before <= 0)
            self.model.addConstr(before - after - pause <= 0)

    def _may_pause(self, before: Any, after: Any) -> None:
        self.model.addConstr(before - after - self._pause() <= 0)

    def _pause(self) -> Any:
        pause = self.model.addBinary()
        self.cost.append(self.interruption_eur * pause)
        return pause

    def _keep_pause(self, longest: int, chosen: Any, begins: list[Any], ended: list[Any] | None) -> None:
        """Not later than so many slots after the end of what ran before, or after the first slot."""
        if longest < 0:
            self.model.addConstr(1.0 * chosen <= 0)
        elif ended is None and longest < self.slots:
            self.model.addConstr(begins[longest] - chosen >= 0)
        elif ended is not None:
            for slot in range(self.slots - 1 - longest):
                self.model.addConstr(begins[slot + 1 + longest] - ended[slot] - chosen >= -1)


def eur_of(profile: SlotProfile, eur: Floats, chosen: Many[int], ran_in: Many[int]) -> float:
    """What a course costs by itself, without what is charged for pauses and for being late."""
    total = 0.0
    for one in chosen:
        for at in range(int(profile.begins[one]), int(profile.begins[one + 1])):
            total += float(eur[profile.level[at], ran_in[at]])
    return total


def random_problem(rng: np.random.Generator, slots: int, pausable: bool) -> tuple[SlotProfile, Floats, int]:
    """A profile of up to three containers with up to three sequences each, what its slots cost, and what has begun."""
    counts = rng.integers(1, 4, rng.integers(1, 4))
    begun = int(rng.integers(0, 3)) if pausable and rng.random() < 0.4 else WAITING
    if begun != WAITING:
        counts[0] = 1
    sequences = int(counts.sum())
    lengths = rng.integers(1, max(slots // (2 * counts.size), 2), sequences)
    pauses = np.where(rng.random(sequences) < 0.5, 1 << 30, rng.integers(0, slots // 2, sequences))
    flags = rng.random(sequences) < 0.6 if pausable else np.zeros(sequences, np.bool_)
    if begun != WAITING:
        flags[0] = True
    profile = SlotProfile(
        first=np.concatenate(([0], np.cumsum(counts))),
        begins=np.concatenate(([0], np.cumsum(lengths))),
        level=rng.integers(0, 5, int(lengths.sum())),
        power_w=np.sort(rng.uniform(0, 3000, 5)),
        pause=pauses,
        pausable=flags,
    )
    walk = np.cumsum(rng.normal(0.0, 0.05, slots)) + rng.uniform(-0.1, 0.3)
    eur = profile.power_w[:, None] * walk * 300.0 / 3.6e6
    # A fuse makes the dearest slots dearer for the higher powers only.
    eur += np.where(rng.random(slots) < 0.2, 1.0, 0.0) * np.maximum(profile.power_w[:, None] - 2000.0, 0.0) / 1000.0
    return profile, eur, begun
