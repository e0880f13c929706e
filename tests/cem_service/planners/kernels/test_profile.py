from __future__ import annotations

import numpy as np
import pytest

from cem_service.planners.kernels.profile import PAUSED, RUNNING, WAITING, SlotProfile, find_course
from tests.support.reference.ppbc import eur_of, least_eur, random_problem

LATER_EUR, INTERRUPTION_EUR = 1e-5, 0.003


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("pausable", [False, True])
def test_finds_what_a_mixed_integer_programme_finds(seed: int, pausable: bool) -> None:
    random = np.random.default_rng((5, seed))
    profile, eur, begun = random_problem(random, int(random.integers(8, 20)), pausable)
    charges = {"later_eur": LATER_EUR, "interruption_eur": INTERRUPTION_EUR}

    course = find_course(profile, eur, begun, **charges)

    least = least_eur(profile, eur, begun, **charges)
    assert course.eur == least or course.eur == pytest.approx(least, abs=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_a_course_costs_what_it_says(seed: int) -> None:
    random = np.random.default_rng((6, seed))
    profile, eur, begun = random_problem(random, 40, pausable=seed % 2 == 1)
    course = find_course(profile, eur, begun, later_eur=LATER_EUR, interruption_eur=INTERRUPTION_EUR)
    if not np.isfinite(course.eur):
        return

    ran = [course.ran_in[profile.begins[one] : profile.begins[one + 1]] for one in course.chosen]
    pauses = sum(int((np.diff(each) > 1).sum()) for each in ran)
    # What runs already pauses too when it does not go on in the first slot.
    pauses += begun == 1 and ran[0][0] > 0
    late = sum(int(each[-1]) + 1 for each in ran)

    charged = LATER_EUR * late + INTERRUPTION_EUR * pauses
    assert course.eur == pytest.approx(eur_of(profile, eur, list(course.chosen), list(course.ran_in)) + charged)


def test_nothing_fits_into_too_few_slots() -> None:
    random = np.random.default_rng(7)
    profile, eur, _ = random_problem(random, 30, pausable=True)

    course = find_course(profile, eur[:, :1], WAITING, later_eur=LATER_EUR, interruption_eur=INTERRUPTION_EUR)

    assert not np.isfinite(course.eur)
    assert (course.chosen == -1).all()


@pytest.mark.parametrize("begun", [WAITING, RUNNING, PAUSED])
def test_what_has_begun_and_is_too_long_does_not_fit_either(begun: int) -> None:
    longer = SlotProfile(
        first=np.array([0, 1]),
        begins=np.array([0, 40]),
        level=np.zeros(40, np.int64),
        power_w=np.zeros(1),
        pause=np.array([1]),
        pausable=np.array([True]),
    )

    course = find_course(longer, np.zeros((1, 22)), begun, later_eur=LATER_EUR, interruption_eur=INTERRUPTION_EUR)

    assert not np.isfinite(course.eur)
    assert (course.chosen == -1).all()
