"""What plans of power profiles cost and that none is better, on seeds that were never used while the planner was made.

The time is that of a whole plan of a machine, as a building plans it again and again: the same profile at other prices.
The gap is that of the kernel to a mixed-integer programme: for machines over their whole windows, and for problems with
interruptions of what has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from cem_service.planners.kernels.profile import WAITING, Floats, SlotProfile, find_course
from cem_service.planners.kernels.warm import warm_up
from cem_service.planners.ppbc import INTERRUPTION_EUR, LATER_EUR, plan_profile
from cem_service.planners.slots import UNBOUNDED, Slots, in_slots, longest_pause, next_slot
from tests.bench.rows import Row
from tests.bench.timing import best_us
from tests.support.reference.ppbc import least_eur, random_problem
from tests.support.scenarios.profiles import MACHINES
from tests.support.scenarios.surroundings import JUDGING_SEEDS, MIDNIGHT, surroundings

ROUNDS = 40
# HiGHS takes some seconds for each.
MACHINES_OF_A_KIND = 4


def plan_time() -> Row:
    warm_up()
    homes = {seed: surroundings(seed) for seed in JUDGING_SEEDS}
    cases = [
        (make(seed, MIDNIGHT), home.cost, home.horizon) for make in MACHINES.values() for seed, home in homes.items()
    ]

    def plan() -> None:
        for resource, cost, horizon in cases:
            plan_profile(resource, cost, horizon)

    return Row("ppbc-plan", best_us(plan, ROUNDS) / len(cases), "us a plan", target=100.0)


def course_gap() -> Row:
    """The largest difference to the optimum that HiGHS finds, in millionths of a euro."""
    gaps = []
    for profile, eur, begun in (*_whole_windows(), *_random_problems()):
        course = find_course(profile, eur, begun, later_eur=LATER_EUR, interruption_eur=INTERRUPTION_EUR)
        best = least_eur(profile, eur, begun, later_eur=LATER_EUR, interruption_eur=INTERRUPTION_EUR)
        gaps.append(0.0 if course.eur == best else abs(course.eur - best))
    return Row("ppbc-gap", max(gaps) * 1e6, "uEUR", target=1.0)


def _whole_windows() -> Iterator[tuple[SlotProfile, Floats, int]]:
    for make in MACHINES.values():
        for seed in JUDGING_SEEDS[:MACHINES_OF_A_KIND]:
            home, (profile,) = surroundings(seed), make(seed, MIDNIGHT).profiles
            begins = next_slot(max(home.horizon.now, profile.start_time), home.horizon)
            slots = Slots.between(begins, profile.end_time, home.horizon)
            first, *rest = (container.sequences for container in profile.containers)
            pauses = [UNBOUNDED for _ in first] + [longest_pause(one) for each in rest for one in each]
            cut = in_slots((first, *rest), tuple(pauses))
            yield cut, slots.eur(cut, home.cost), WAITING


def _random_problems() -> Iterator[tuple[SlotProfile, Floats, int]]:
    for seed in JUDGING_SEEDS:
        random = np.random.default_rng((5, seed))
        yield random_problem(random, int(random.integers(12, 24)), pausable=seed % 2 == 0)


ROWS: Mapping[str, Callable[[], Row]] = {"ppbc-plan": plan_time, "ppbc-gap": course_gap}
