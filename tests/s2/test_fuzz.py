"""A little of what `make soak` does at length: whatever a session hears, it does not raise."""

from random import Random

import pytest

from s2.errors import RemoteProtocolError
from s2.messages import parse_message
from s2.versions import WireProfile
from tests.soak.fuzz import Fuzz
from tests.soak.mutants import LARGEST_FRAME, size_of
from tests.soak.stages import FAMILIES, ROLES, Stage, Step
from tests.soak.worst import Worst, worst_frames
from tests.support.s2_sessions import CONTROLLED

_BYTES = 200_000


@pytest.mark.parametrize("seed", [1, 2])
def test_spoilt_frames_never_raise_or_lead_us_to_say_what_is_wrong(seed: int) -> None:
    fuzz = Fuzz(Random(seed))  # noqa: S311 - repeatable on purpose.
    while fuzz.fed < _BYTES:
        fuzz.play()
        assert not fuzz.stage.blamed

    assert 0 < fuzz.accepted < fuzz.frames


def test_the_same_seed_feeds_the_same_frames() -> None:
    scripts = []
    for _ in range(2):
        fuzz = Fuzz(Random(7))  # noqa: S311 - repeatable on purpose.
        fuzz.play()
        scripts.append(fuzz.stage.as_dict())

    assert scripts[0] == scripts[1]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_stage_comes_as_far_as_its_control_type(role: str, family: str) -> None:
    session = Stage.opened(next(each for each in ROLES if each == role), family).session

    assert session.control_type == CONTROLLED.get(family)
    assert not session.closed


@pytest.mark.parametrize("worst", worst_frames(), ids=lambda worst: worst.name)
def test_the_largest_frames_are_answered_with_all_before_them_taken_in(worst: Worst) -> None:
    assert size_of(worst.text) <= LARGEST_FRAME
    assert is_message(worst.text) == worst.valid

    stage = worst.stage()
    _, events = stage.do(Step("hear", worst.text))

    assert events


def is_message(text: str) -> bool:
    try:
        parse_message(text, WireProfile.V1_0_0)
    except RemoteProtocolError:
        return False
    return True
