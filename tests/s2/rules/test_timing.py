"""Rules for timestamps, durations and delays, beyond the one pair of cases per rule."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from s2.findings import Finding
from s2.messages import MAX_DURATION_MS
from tests.support.s2_rule_cases.scenes import (
    INSTRUCTED,
    MENU_FRBC,
    Utterance,
    cem,
    edited,
    findings_on_last,
    rm,
    rules_broken,
)
from tests.support.s2_samples import sample
from tests.support.s2_sessions import NOW, conversation, message, stamp

OWN = {"R-21", "R-33", "R-41", "R-42", "R-47"}

findings = partial(findings_on_last, of=OWN)
broken = partial(rules_broken, of=OWN)

DAY_S = 86_400
YEAR_1, YEAR_9999 = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


def update(status: str, seconds: float) -> Utterance:
    return rm("InstructionStatusUpdate", status_type=status, timestamp=stamp(seconds))


def instructed_for(seconds: float, **changes: Any) -> Utterance:
    return cem("FRBC.Instruction", execution_time=stamp(seconds), **changes)


class TestFuture:
    @pytest.mark.parametrize(
        ("message_type", "field"),
        [
            ("PowerMeasurement", "measurement_timestamp"),
            ("OMBC.Status", "transition_timestamp"),
            ("FRBC.ActuatorStatus", "transition_timestamp"),
            ("DDBC.ActuatorStatus", "transition_timestamp"),
        ],
    )
    def test_holds_nothing_that_has_happened(self, message_type: str, field: str) -> None:
        (found,) = findings(rm(message_type, **{field: stamp(31)}))

        assert (found.rule, found.path) == ("R-21", f"$.{field}")
        assert found.text == "should lie at most 30 s ahead, lies 31 s ahead"
        for moment in (stamp(30), YEAR_1):
            assert broken(rm(message_type, **{field: moment})) == set()

    @pytest.mark.parametrize(
        ("message_type", "field"),
        [
            ("FRBC.SystemDescription", "valid_from"),
            ("FRBC.LeakageBehaviour", "valid_from"),
            ("FRBC.UsageForecast", "start_time"),
            ("FRBC.FillLevelTargetProfile", "start_time"),
            ("FRBC.TimerStatus", "finished_at"),
            ("PowerForecast", "start_time"),
            ("DDBC.AverageDemandRateForecast", "start_time"),
            ("PPBC.PowerProfileDefinition", "end_time"),
            ("PEBC.PowerConstraints", "valid_from"),
            ("PEBC.EnergyConstraint", "valid_from"),
        ],
    )
    def test_holds_plans_for_a_year(self, message_type: str, field: str) -> None:
        assert "R-21" in broken(rm(message_type, **{field: stamp(367 * DAY_S)}))
        assert "R-21" in broken(rm(message_type, **{field: YEAR_9999}))
        assert "R-21" not in broken(rm(message_type, **{field: stamp(366 * DAY_S)}))
        assert "R-21" not in broken(rm(message_type, **{field: YEAR_1}))

    def test_holds_the_end_of_what_is_open_ended(self) -> None:
        assert broken(rm("PEBC.PowerConstraints", valid_until=YEAR_9999)) == set()


class TestTimeLine:
    @pytest.mark.parametrize(
        "message_type",
        ["PowerForecast", "FRBC.UsageForecast", "FRBC.FillLevelTargetProfile", "DDBC.AverageDemandRateForecast"],
    )
    def test_ends_where_time_ends(self, message_type: str) -> None:
        element = sample(message_type)["elements"][0]
        endless = element | {"duration": MAX_DURATION_MS}

        (found,) = findings(rm(message_type, elements=[element, endless, endless]))

        assert (found.rule, found.path) == ("R-33", "$.elements[1].duration")

    def test_of_each_sequence_begins_with_the_profile(self) -> None:
        path = "power_sequences_containers.0.power_sequences.0.elements.0.duration"

        assert "R-33" in broken(edited("PPBC.PowerProfileDefinition", path, MAX_DURATION_MS))
        assert "R-33" not in broken(edited("PPBC.PowerProfileDefinition", path, 1000 * 365 * DAY_S * 1000))

    def test_of_an_envelope_begins_with_its_execution(self) -> None:
        envelopes = sample("PEBC.Instruction")["power_envelopes"]
        envelopes[0]["power_envelope_elements"][0]["duration"] = 1000
        first, last = (
            cem("PEBC.Instruction", power_envelopes=envelopes, execution_time=moment) for moment in (YEAR_1, YEAR_9999)
        )

        assert "R-33" not in broken(rm("PEBC.PowerConstraints"), first)
        assert "R-33" in broken(rm("PEBC.PowerConstraints"), last)


class TestStart:
    @pytest.mark.parametrize("status", ["STARTED", "SUCCEEDED"])
    def test_is_not_before_its_time(self, status: str) -> None:
        (found,) = findings(MENU_FRBC, instructed_for(3600), update(status, 0))

        assert (found.rule, found.text) == ("R-41", "is 3600 s before the execution_time")
        assert broken(MENU_FRBC, instructed_for(3600), update(status, 3570), after_s=3570) == set()

    @pytest.mark.parametrize("status", ["NEW", "ACCEPTED", "REJECTED", "REVOKED", "ABORTED"])
    def test_is_not_what_other_statuses_tell_of(self, status: str) -> None:
        assert broken(MENU_FRBC, instructed_for(3600), update(status, 0)) == set()

    def test_at_once_may_be_told_by_a_clock_that_is_behind(self) -> None:
        assert broken(MENU_FRBC, INSTRUCTED, update("STARTED", -600)) == set()
        assert broken(MENU_FRBC, instructed_for(-3600), update("STARTED", -3700)) == set()

    def test_is_as_soon_as_possible(self) -> None:
        for seconds in (-3600, 0):
            told = [MENU_FRBC, instructed_for(seconds)]

            assert broken(*told, update("STARTED", 60.5), after_s=61) == set()
            assert broken(*told, update("STARTED", 60.6), after_s=61) == {"R-41"}

    def test_is_judged_when_it_is_first_told(self) -> None:
        told = [MENU_FRBC, INSTRUCTED, update("STARTED", 0)]

        assert broken(*told, update("STARTED", 600), after_s=600) == set()

    def test_may_come_late_where_a_timer_was_in_the_way(self) -> None:
        actuators = sample("FRBC.SystemDescription")["actuators"]
        actuators[0]["transitions"][0]["blocking_timers"] = ["timer-on"]
        offer = rm("FRBC.SystemDescription", actuators=actuators)
        blocked = rm("FRBC.TimerStatus", finished_at=stamp(300))
        off = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-off")
        late = update("STARTED", 300)

        assert "R-41" not in heard_in_full(offer, off, blocked, INSTRUCTED, late)
        assert "R-41" in heard_in_full(offer, off, INSTRUCTED, late)

    def test_of_an_absurd_delay_is_judged_without_harm(self) -> None:
        slow = rm("ResourceManagerDetails", instruction_processing_delay=MAX_DURATION_MS)
        told = [slow, cem("SelectControlType"), MENU_FRBC]

        assert broken(*told, INSTRUCTED, update("STARTED", 3600), after_s=3600) == set()
        assert broken(*told, cem("FRBC.Instruction", execution_time=YEAR_9999)) >= {"R-47"}
        assert broken(*told, cem("FRBC.Instruction", execution_time=YEAR_1)) == set()


class TestNotice:
    def told(self, seconds: float, delay_ms: int) -> set[str]:
        slow = rm("ResourceManagerDetails", instruction_processing_delay=delay_ms)
        return broken(slow, cem("SelectControlType"), MENU_FRBC, instructed_for(seconds))

    def test_is_not_asked_for_where_it_is_to_happen_at_once(self) -> None:
        assert self.told(-3600, 60_000) == set()
        assert self.told(0, 60_000) == set()

    def test_is_measured_as_well_as_two_clocks_can(self) -> None:
        assert self.told(5, 60_000) == set()
        assert self.told(6, 60_000) == {"R-47"}
        assert self.told(55, 60_000) == set()
        assert self.told(0.1, 500) == set()


class TestAnnouncement:
    def announced(self, seconds: float) -> Utterance:
        actuators = sample("FRBC.SystemDescription")["actuators"]
        actuators[0]["operation_modes"][1]["id"] = "mode-new"
        actuators[0]["timers"][0]["id"] = "timer-new"
        return rm("FRBC.SystemDescription", valid_from=stamp(seconds), actuators=actuators)

    @pytest.mark.parametrize(
        ("status", "field"),
        [
            (rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-new"), "active_operation_mode_id"),
            (rm("FRBC.TimerStatus", timer_id="timer-new"), "timer_id"),
        ],
    )
    def test_does_not_count_yet(self, status: Utterance, field: str) -> None:
        (found,) = findings(MENU_FRBC, self.announced(60), status)

        assert (found.rule, found.path) == ("R-42", f"$.{field}")
        assert broken(MENU_FRBC, self.announced(60), status, after_s=29.9) == {"R-42"}

    def test_counts_for_what_both_descriptions_have(self) -> None:
        common = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-off")

        assert broken(MENU_FRBC, self.announced(60), common) == set()

    def test_is_all_there_is_until_the_first_one_begins(self) -> None:
        status = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-new")

        assert broken(self.announced(60), status) == {"R-42"}

    def test_counts_already_on_a_clock_that_is_ahead(self) -> None:
        status = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-new")

        assert broken(self.announced(30), status) == set()
        assert broken(MENU_FRBC, self.announced(60), status, after_s=30) == set()

    def test_of_nothing_is_a_matter_of_another_rule(self) -> None:
        unknown = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-x")

        assert broken(MENU_FRBC, self.announced(60), unknown) == set()


def heard_in_full(*utterances: Utterance) -> set[str]:
    """The rules found broken by the last utterance, where those before it were taken in with what was found in them."""
    talk = conversation("FRBC")
    found: tuple[Finding, ...] = ()
    for sender, message_type, changes in utterances:
        each = message(message_type, **changes)
        found = talk.judge(each, sender, NOW)
        talk.apply(each, sender, NOW, found)
    return {finding.rule for finding in found}
