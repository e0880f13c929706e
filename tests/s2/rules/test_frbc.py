"""What an RM tells of a storage: bands, flags, what comes late and what is over when it comes."""

from typing import Any

import pytest

from s2.findings import Severity
from s2.rules import RULES
from tests.support.s2_judging import JudgedTalk, found
from tests.support.s2_rule_cases.frbc import CLOSED_STORAGE, bands
from tests.support.s2_rule_cases.scenes import IN_MODE_OFF, MENU_FRBC, Utterance, edited, refused, rm, span
from tests.support.s2_samples import sample
from tests.support.s2_sessions import stamp

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
FORECASTS = {
    "FRBC.LeakageBehaviour": "provides_leakage_behaviour",
    "FRBC.UsageForecast": "provides_usage_forecast",
    "FRBC.FillLevelTargetProfile": "provides_fill_level_target_profile",
}


def forecast(message_type: str, *durations: int, seconds: float = 0) -> Utterance:
    (element,) = sample(message_type)["elements"]
    return rm(message_type, start_time=stamp(seconds), elements=[element | {"duration": each} for each in durations])


def entered(seconds: float, **changes: Any) -> Utterance:
    return rm("FRBC.ActuatorStatus", transition_timestamp=stamp(seconds), **changes)


@pytest.mark.parametrize(
    ("edges", "is_told"),
    [
        (((0, 0.1 + 0.2), (0.3, 1)), False),
        (((0, 0.31), (0.3, 1)), True),
        (((0, 0.29), (0.3, 1)), True),
        (((0, 1), (1, 2), (2, 3)), False),
        (((2, 3), (0, 1), (1, 2)), False),
        (((0, 2), (0, 1)), True),
        (((-1e308, 0), (0, 1e308)), False),
    ],
)
def test_bands_meet_but_do_not_overlap(edges: tuple[tuple[float, float], ...], is_told: bool) -> None:
    assert ("R-120" in found("FRBC", bands(*edges))) is is_told


def test_a_leakage_may_miss_its_seams_by_rounding() -> None:
    def leakage(end: float) -> Utterance:
        elements = [{"fill_level_range": span(*each), "leakage_rate": 0} for each in ((0, end), (0.3, 1))]
        return rm("FRBC.LeakageBehaviour", elements=elements)

    assert "R-134" in refused(MENU_FRBC, leakage(0.1 + 0.2))()
    assert "R-134" not in refused(MENU_FRBC, leakage(0.3))()


@pytest.mark.parametrize("message_type", sorted(FORECASTS))
def test_a_forecast_is_declared_by_its_own_flag(message_type: str) -> None:
    only_this = dict.fromkeys(FORECASTS.values(), False) | {FORECASTS[message_type]: True}
    menu = edited("FRBC.SystemDescription", "storage", sample("FRBC.SystemDescription")["storage"] | only_this)

    assert found("FRBC", CLOSED_STORAGE, rm(message_type)) == {"R-124"}
    assert found("FRBC", menu, rm(message_type)) == set()


def test_a_forecast_may_be_about_what_is_announced() -> None:
    announced = rm("FRBC.SystemDescription", valid_from=stamp(60))

    assert found("FRBC", CLOSED_STORAGE, announced, rm("FRBC.LeakageBehaviour")) == set()


def test_an_undeclared_forecast_does_a_lenient_listener_no_harm() -> None:
    assert RULES["R-124"].softens
    assert RULES["R-124"].severity is Severity.ERROR


@pytest.mark.parametrize(
    "message_type", ["FRBC.ActuatorStatus", "FRBC.StorageStatus", "FRBC.TimerStatus", *sorted(FORECASTS)]
)
def test_nothing_comes_before_the_description(message_type: str) -> None:
    assert found("FRBC", rm(message_type)) == {"R-131"}
    # One that is only announced has come all the same.
    announced = rm("FRBC.SystemDescription", valid_from=stamp(60))
    assert "R-131" not in found("FRBC", announced, rm(message_type))


@pytest.mark.parametrize(("seconds", "is_told"), [(-62, False), (-63, True), (30, False)])
def test_a_change_may_be_told_at_the_end_of_its_transition(seconds: float, is_told: bool) -> None:
    # The transition of the sample takes two seconds.
    assert ("R-132" in found("FRBC", MENU_FRBC, IN_MODE_OFF, entered(seconds))) is is_told


def test_a_status_that_tells_of_no_change_is_not_late() -> None:
    again = entered(-3600, operation_mode_factor=0.9)

    assert found("FRBC", MENU_FRBC, entered(-3600), again) == set()


@pytest.mark.parametrize("message_type", ["FRBC.UsageForecast", "FRBC.FillLevelTargetProfile"])
@pytest.mark.parametrize(
    ("durations", "seconds", "is_told"),
    [
        ((60_000, 30_000), -94, False),
        ((60_000, 30_000), -95, True),
        ((0,), -4, False),
        ((0,), -5, True),
        ((2**53 - 1,) * 288, -1e10, False),
    ],
)
def test_what_is_over_replaces_nothing(
    message_type: str, durations: tuple[int, ...], seconds: float, is_told: bool
) -> None:
    assert ("R-133" in found("FRBC", MENU_FRBC, forecast(message_type, *durations, seconds=seconds))) is is_told


@pytest.mark.parametrize("moment", [FIRST, LAST])
def test_the_ends_of_the_calendar_are_moments_like_others(moment: str) -> None:
    talk = JudgedTalk("FRBC")
    talk.findings(MENU_FRBC)

    for message_type in ("FRBC.UsageForecast", "FRBC.FillLevelTargetProfile"):
        assert ("R-133" in talk.says(rm(message_type, start_time=moment))) is (moment == FIRST)
    talk.findings(IN_MODE_OFF)
    assert ("R-132" in talk.says(rm("FRBC.ActuatorStatus", transition_timestamp=moment))) is (moment == FIRST)
    assert talk.says(rm("FRBC.StorageStatus")) == set()
