"""The best course of a power profile as a mixed-integer programme, solved by HiGHS: what the kernel must find too.

Every slot of every sequence is given its own time slot by a binary, so nothing of the kernel's recursion is in it.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
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
    cost: list[Any] = []
    before: Any = 0
    for container in range(profile.first.size - 1):
        alternatives = range(int(profile.first[container]), int(profile.first[container + 1]))
        head = begun if container == 0 else WAITING
        before = _container(model, profile, eur, alternatives, head, before, cost, later_eur, interruption_eur)
    model.minimize(sum(cost))
    status = model.getModelStatus()
    if status == highspy.HighsModelStatus.kOptimal:
        return float(model.getObjectiveValue())
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return float("inf")
    raise TimeoutError(f"HiGHS gave up: {status}")


def _container(
    model: Any,
    profile: SlotProfile,
    eur: Floats,
    alternatives: range,
    begun: int,
    before: Any,
    cost: list[Any],
    later_eur: float,
    interruption_eur: float,
) -> Any:
    """Adds one container; returns the slot in which it ends, as an expression."""
    slots = eur.shape[1]
    taken = [model.addBinary() for _ in alternatives]
    model.addConstr(sum(taken) == 1)
    starts, ends = [], []
    for one, chosen in zip(alternatives, taken, strict=True):
        levels = profile.level[profile.begins[one] : profile.begins[one + 1]]
        runs = [[model.addBinary() for _ in range(slots)] for _ in levels]
        for level, row in zip(levels, runs, strict=True):
            model.addConstr(sum(row) == chosen)
            cost += [float(eur[level, slot]) * each for slot, each in enumerate(row)]
        times = [sum(slot * each for slot, each in enumerate(row)) for row in runs]
        # The state before the first slot counts as a slot -1 that ran, so that a pause at once is one.
        first = [-1 * chosen, *times] if begun == RUNNING else times
        for earlier, later in pairwise(first):
            model.addConstr(later - earlier >= chosen)
            if profile.pausable[one]:
                pause = model.addBinary()
                model.addConstr(later - earlier - chosen <= slots * pause)
                cost.append(interruption_eur * pause)
            else:
                model.addConstr(later - earlier == chosen)
        starts.append(times[0])
        ends.append(times[-1] + chosen)
        if begun == WAITING:
            longest = int(profile.pause[one])
            if longest < slots:
                model.addConstr(times[0] - before <= longest + 2 * slots * (1 - chosen))
    start, end = sum(starts), sum(ends)
    if begun not in (RUNNING, PAUSED):
        model.addConstr(start - before >= 0)
    cost.append(later_eur * end)
    return end


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
