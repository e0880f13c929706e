"""The dishwasher's Resource Manager, back to back with an energy manager."""

from datetime import timedelta
from typing import Any

import pytest

from s2.messages import (
    InstructionStatus,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    RevokableObjects,
    RevokeObject,
)
from tests.support.demo_home import MORNING, Pair, pair

ACCEPTED, STARTED, SUCCEEDED = InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED
MINUTE_S = 60.0


def selected(**parameters: Any) -> Pair:
    made = pair("DISHWASHER", **parameters)
    made.select()
    return made


def schedule(home: Pair, after_s: float, *, part: int = 0, id: str = "i1") -> None:  # noqa: A002 - S2's own word.
    profile = home.heard_of(PPBCPowerProfileDefinition)[-1]
    container = profile.power_sequences_containers[part]
    home.say(
        PPBCScheduleInstruction(
            message_id=home.new_id(),
            id=id,
            power_profile_id=profile.id,
            sequence_container_id=container.id,
            power_sequence_id=container.power_sequences[0].id,
            execution_time=home.now + timedelta(seconds=after_s),
            abnormal_condition=False,
        )
    )


def profile_statuses(home: Pair) -> list[list[str]]:
    return [
        [each.status.value for each in message.sequence_container_status]
        for message in home.heard_of(PPBCPowerProfileStatus)
    ]


def power_w(home: Pair) -> float:
    return home.world.on.powers_w["DISHWASHER"]


def test_offers_the_program_and_its_window() -> None:
    home = selected()

    profile = home.heard_of(PPBCPowerProfileDefinition)[-1]
    sequence = profile.power_sequences_containers[0].power_sequences[0]
    assert profile.end_time - profile.start_time == timedelta(minutes=75)
    assert sum(each.duration for each in sequence.elements) == 45 * 60_000
    assert not sequence.is_interruptible
    assert profile_statuses(home) == [["NOT_SCHEDULED"]]


def test_runs_when_it_is_told_to_and_succeeds_when_it_is_done() -> None:
    home = selected()

    schedule(home, 10 * MINUTE_S)
    assert home.statuses_of("i1") == [ACCEPTED]
    home.wait(10 * MINUTE_S)
    assert home.statuses_of("i1") == [ACCEPTED, STARTED]
    assert power_w(home) == 60
    home.wait(45 * MINUTE_S)

    assert home.statuses_of("i1") == [ACCEPTED, STARTED, SUCCEEDED]
    changes = [status for (status,) in profile_statuses(home)]
    assert list(dict.fromkeys(changes)) == ["NOT_SCHEDULED", "SCHEDULED", "EXECUTING", "FINISHED"]
    assert home.rm.refused == 0


def test_progress_is_reported_while_it_runs_and_the_profile_withdrawn_at_the_end() -> None:
    home = selected()
    schedule(home, 0)

    home.wait(46 * MINUTE_S)

    statuses = [each.sequence_container_status[0] for each in home.heard_of(PPBCPowerProfileStatus)]
    executing = [each for each in statuses if each.status is PPBCPowerSequenceStatus.EXECUTING]
    progress = [each.progress for each in executing]
    assert len(progress) >= 9
    assert progress == sorted(progress, key=lambda each: each or 0)
    assert all(each.selected_sequence_id is not None for each in executing)
    withdrawn = home.heard_of(RevokeObject)[-1]
    assert withdrawn.object_id == home.heard_of(PPBCPowerProfileDefinition)[-1].id


def test_two_parts_follow_each_other() -> None:
    home = selected(program="wash and dry")
    schedule(home, 5 * MINUTE_S, id="wash")
    schedule(home, 40 * MINUTE_S, part=1, id="dry")

    home.wait(60 * MINUTE_S)

    assert home.statuses_of("wash") == [ACCEPTED, STARTED, SUCCEEDED]
    assert home.statuses_of("dry") == [ACCEPTED, STARTED, SUCCEEDED]


def test_a_part_before_the_earlier_one_is_done_is_refused() -> None:
    home = selected(program="wash and dry")
    schedule(home, 5 * MINUTE_S, id="wash")

    # The rules of S2 leave it 5 s for the differences of clocks; the machine knows its own.
    schedule(home, 38 * MINUTE_S - 3, part=1, id="dry")

    assert home.statuses_of("dry")[-1] is InstructionStatus.REJECTED


def test_a_new_time_replaces_the_old_one_while_it_has_not_started() -> None:
    home = selected()
    schedule(home, 20 * MINUTE_S, id="old")

    schedule(home, 5 * MINUTE_S, id="new")
    home.wait(6 * MINUTE_S)

    assert home.statuses_of("old") == [ACCEPTED, InstructionStatus.REVOKED]
    assert home.statuses_of("new") == [ACCEPTED, STARTED]


def test_a_start_that_would_be_too_late_is_refused() -> None:
    home = selected()

    schedule(home, 30 * MINUTE_S + 3)

    assert home.statuses_of("i1") == [InstructionStatus.REJECTED]
    assert "comfort" in home.resource.last_refusal


def test_what_runs_cannot_be_scheduled_again() -> None:
    home = selected()
    schedule(home, 0, id="first")
    home.wait(MINUTE_S)

    schedule(home, 5 * MINUTE_S, id="second")

    assert home.statuses_of("second") == [InstructionStatus.REJECTED]


def test_a_revoked_schedule_leaves_the_machine_waiting() -> None:
    home = selected()
    schedule(home, 5 * MINUTE_S)

    home.say(
        RevokeObject(message_id=home.new_id(), object_type=RevokableObjects.PPBC_SCHEDULE_INSTRUCTION, object_id="i1")
    )
    home.wait(10 * MINUTE_S)

    assert home.statuses_of("i1") == [ACCEPTED, InstructionStatus.REVOKED]
    assert profile_statuses(home)[-1] == ["NOT_SCHEDULED"]
    assert power_w(home) == 0


def test_starts_by_itself_in_time_when_nobody_schedules_it() -> None:
    home = selected()

    home.wait(31 * MINUTE_S)

    assert power_w(home) > 0
    assert profile_statuses(home)[-1] == ["EXECUTING"]


def test_the_next_filling_is_a_new_profile() -> None:
    home = selected(ready_min=720.0)
    schedule(home, 0)

    home.wait(2 * 3600)

    profiles = home.heard_of(PPBCPowerProfileDefinition)
    assert len({each.id for each in profiles}) == 2
    assert profiles[-1].end_time - profiles[-1].start_time == timedelta(hours=10)


def test_an_empty_machine_offers_nothing() -> None:
    home = selected(first_window_s=None)

    home.wait(600)

    assert not home.heard_of(PPBCPowerProfileDefinition)
    assert home.rm.refused == 0


@pytest.mark.parametrize("started", [False, True])
def test_released_it_forgets_its_plan_but_not_what_runs(started: bool) -> None:
    home = selected()
    schedule(home, 0 if started else 5 * MINUTE_S)
    home.wait(MINUTE_S)

    home.resource.release(home.now.timestamp())

    dishwasher = home.world.on.dishwasher
    assert dishwasher is not None
    assert dishwasher.starts_s == [MORNING.timestamp() if started else None]
