from __future__ import annotations

from datetime import timedelta

from s2.messages import PPBCPowerSequenceContainer, PPBCPowerSequenceContainerStatus, PPBCPowerSequenceStatus
from tests.support.resources import NOON, dishwasher, sequence


def status(state: PPBCPowerSequenceStatus, progress_min: int = 0) -> PPBCPowerSequenceContainerStatus:
    return PPBCPowerSequenceContainerStatus(
        power_profile_id="profile",
        sequence_container_id="wash",
        selected_sequence_id="eco",
        progress=progress_min * 60_000,
        status=state,
    )


def test_reads_a_profile_that_waits_to_be_placed() -> None:
    resource = dishwasher()

    assert resource.ready
    assert resource.profiles[0].containers[0].pending
    assert resource.profiles[0].containers[0].sequences[0].energy_kwh == 2.0
    assert resource.profiles[0].busy_for == timedelta()


def test_knows_the_power_of_the_sequence_that_runs() -> None:
    resource = dishwasher(statuses=[status(PPBCPowerSequenceStatus.EXECUTING, progress_min=100)])

    assert resource.described_power_w(NOON) == 1800.0
    assert resource.profiles[0].busy_for == timedelta(minutes=20)
    assert "already run or is running" in (resource.not_ready or "")


def test_leaves_out_sequences_for_abnormal_conditions() -> None:
    container = PPBCPowerSequenceContainer(
        id="wash", power_sequences=(sequence("s1", (30, 500.0)), sequence("s2", (10, 900.0), abnormal=True))
    )

    assert [one.sequence_id for one in dishwasher(container).profiles[0].containers[0].sequences] == ["s1"]


def test_counts_a_sequence_for_abnormal_conditions_that_runs() -> None:
    """The emergency may be over by now. It is left alone: the end of a pause could not be told (R-101)."""
    container = PPBCPowerSequenceContainer(
        id="wash",
        power_sequences=(sequence("s1", (30, 500.0)), sequence("eco", (10, 900.0), abnormal=True, interruptible=True)),
    )

    resource = dishwasher(container, statuses=[status(PPBCPowerSequenceStatus.EXECUTING, progress_min=4)])

    assert resource.described_power_w(NOON) == 900.0
    assert resource.profiles[0].busy_for == timedelta(minutes=6)
    assert resource.profiles[0].head is None


def test_a_window_that_has_passed_leaves_nothing_to_place() -> None:
    resource = dishwasher(now=NOON, window=timedelta())

    assert "ended" in (resource.not_ready or "")
