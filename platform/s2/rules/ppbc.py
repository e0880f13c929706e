"""Rules for the profiles that Power Profile Based Control offers, and for what is reported of them.

What a CEM may make of a profile is in `ppbc_schedule`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from s2.findings import Severity
from s2.messages import (
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
)
from s2.resource import ResourceView
from s2.rules.registry import Breach, Rule, Situation, rule

_Status = PPBCPowerSequenceStatus

#: A sequence that has begun and is not over.
RUNNING = frozenset({_Status.EXECUTING, _Status.INTERRUPTED})

#: A sequence that will not run any more.
OVER = frozenset({_Status.FINISHED, _Status.ABORTED})

#: What may follow each status besides itself. A report may come late, so steps may be left out, but none is undone.
#: A start that was told can be taken back.
_NEXT = {
    _Status.NOT_SCHEDULED: frozenset(_Status),
    _Status.SCHEDULED: frozenset(_Status),
    _Status.EXECUTING: RUNNING | OVER,
    _Status.INTERRUPTED: RUNNING | OVER,
    _Status.FINISHED: OVER,
    _Status.ABORTED: frozenset({_Status.ABORTED}),
}

#: A window that was computed may miss the sum of rounded durations by this.
_ROUNDING_MS = 1000

_MILLISECOND = timedelta(milliseconds=1)

#: How many ids a finding lists.
_LISTED = 5


def duration_ms(sequence: PPBCPowerSequence) -> int:
    return sum(element.duration for element in sequence.elements)


def shortest_ms(container: PPBCPowerSequenceContainer, *, abnormal: bool) -> int:
    """The duration of its shortest sequence; 0 where none may be used."""
    usable = (each for each in container.power_sequences if abnormal or not each.abnormal_condition_only)
    return min(map(duration_ms, usable), default=0)


@rule(
    Rule("R-90", "A profile does not end before it starts.", "schema PPBC.PowerProfileDefinition"),
    PPBCPowerProfileDefinition,
)
def profile_has_a_window(message: PPBCPowerProfileDefinition, _: Situation) -> Iterator[Breach]:
    if message.end_time < message.start_time:
        yield "$.end_time", "should be at or after start_time"


@rule(
    Rule(
        "R-91",
        "The window of a profile holds the shortest sequence of each container.",
        "s2-kit S2-PPBC-006",
        Severity.WARNING,
    ),
    PPBCPowerProfileDefinition,
)
def profile_fits_its_window(message: PPBCPowerProfileDefinition, _: Situation) -> Iterator[Breach]:
    window_ms = (message.end_time - message.start_time) // _MILLISECOND
    needed_ms = sum(shortest_ms(each, abnormal=True) for each in message.power_sequences_containers)
    if 0 <= window_ms < needed_ms - _ROUNDING_MS:
        yield "$.end_time", f"should be {needed_ms / 1000:g} s after start_time or later, is {window_ms / 1000:g} s"


@rule(
    # Only a warning: refusing what the device says it does would not stop it.
    Rule(
        "R-92",
        "The containers of a profile run one after another.",
        "schema PPBC.PowerProfileDefinition",
        Severity.WARNING,
        needs_session=True,
    ),
    PPBCPowerProfileStatus,
)
def one_container_runs(message: PPBCPowerProfileStatus, situation: Situation) -> Iterator[Breach]:
    for profile_id, told in _by_profile(message).items():
        running = [container_id for container_id, each in told.items() if each.status in RUNNING]
        running += _still_running(profile_id, told, situation.resource) if running else []
        if len(running) > 1:
            text = f"{_listed(running)} of {profile_id} run at the same time; should be one after another"
            yield "$.sequence_container_status", text


@rule(
    Rule(
        "R-97",
        "A profile status covers every container of the profile.",
        "schema PPBC.PowerProfileStatus",
        needs_session=True,
        softens=True,
    ),
    PPBCPowerProfileStatus,
)
def status_is_complete(message: PPBCPowerProfileStatus, situation: Situation) -> Iterator[Breach]:
    for profile_id, told in _by_profile(message).items():
        profile = situation.resource.profiles.get(profile_id)
        containers = () if profile is None else profile.power_sequences_containers
        missing = [each.id for each in containers if each.id not in told]
        if missing:
            yield "$.sequence_container_status", f"{_listed(missing)} of {profile_id} should be told too"


@rule(
    Rule(
        "R-98",
        "A container status names the selected sequence, unless nothing is scheduled.",
        "schema PPBC.PowerSequenceContainerStatus",
        softens=True,
    ),
    PPBCPowerProfileStatus,
)
def selection_is_told(message: PPBCPowerProfileStatus, _: Situation) -> Iterator[Breach]:
    for index, each in enumerate(message.sequence_container_status):
        if each.selected_sequence_id is None and each.status is not _Status.NOT_SCHEDULED:
            where = f"$.sequence_container_status[{index}].selected_sequence_id"
            yield where, f"required in status {each.status.value}"


@rule(
    # Only a warning: s2-python 0.11 takes the progress for an id and so cannot send any.
    Rule(
        "R-99",
        "A container status tells the progress once the sequence has started.",
        "schema PPBC.PowerSequenceContainerStatus",
        Severity.WARNING,
    ),
    PPBCPowerProfileStatus,
)
def progress_is_told(message: PPBCPowerProfileStatus, _: Situation) -> Iterator[Breach]:
    for index, each in enumerate(message.sequence_container_status):
        # What was aborted may never have started.
        started = each.status in RUNNING or each.status is _Status.FINISHED
        if started and each.progress is None:
            yield f"$.sequence_container_status[{index}].progress", f"required in status {each.status.value}"


@rule(
    # Only a warning: a refused status would hide what the device really does.
    Rule(
        "R-100",
        "A sequence goes from not scheduled to scheduled, executing or interrupted, and finished or aborted, not back.",
        "schema PPBC.PowerSequenceStatus",
        Severity.WARNING,
        needs_session=True,
    ),
    PPBCPowerProfileStatus,
)
def sequence_moves_forwards(message: PPBCPowerProfileStatus, situation: Situation) -> Iterator[Breach]:
    for index, each in enumerate(message.sequence_container_status):
        before = situation.resource.sequence_status(each.power_profile_id, each.sequence_container_id)
        if before is not None and each.status not in _NEXT[before.status]:
            where = f"$.sequence_container_status[{index}].status"
            yield where, f"{each.status.value} should not follow {before.status.value}"


@rule(
    # The standard does not forbid several profiles at once, but nobody could tell which one of them is meant to run.
    Rule(
        "R-103",
        "A superseded profile is revoked before another one is offered for the same time.",
        "our reading of RevokableObjects",
        Severity.WARNING,
        needs_session=True,
    ),
    PPBCPowerProfileDefinition,
)
def former_profile_is_withdrawn(message: PPBCPowerProfileDefinition, situation: Situation) -> Iterator[Breach]:
    for other in situation.resource.profiles.values():
        if other.id == message.id or other.end_time <= situation.now:
            continue
        together = message.start_time < other.end_time and other.start_time < message.end_time
        if together and not _has_run(other, situation.resource):
            text = f"profile {other.id}, until {other.end_time:%Y-%m-%dT%H:%M:%S%z}, should be revoked before"
            yield "$.id", text


def _has_run(profile: PPBCPowerProfileDefinition, resource: ResourceView) -> bool:
    statuses = (resource.sequence_status(profile.id, each.id) for each in profile.power_sequences_containers)
    return all(each is not None and each.status in OVER for each in statuses)


def _by_profile(message: PPBCPowerProfileStatus) -> dict[str, dict[str, PPBCPowerSequenceContainerStatus]]:
    told: dict[str, dict[str, PPBCPowerSequenceContainerStatus]] = {}
    for each in message.sequence_container_status:
        told.setdefault(each.power_profile_id, {})[each.sequence_container_id] = each
    return told


def _still_running(
    profile_id: str, told: dict[str, PPBCPowerSequenceContainerStatus], resource: ResourceView
) -> list[str]:
    """The containers that an incomplete status leaves out and that ran when the RM last spoke of them."""
    profile = resource.profiles.get(profile_id)
    left_out = [each.id for each in profile.power_sequences_containers if each.id not in told] if profile else []
    statuses = ((container_id, resource.sequence_status(profile_id, container_id)) for container_id in left_out)
    return [container_id for container_id, each in statuses if each is not None and each.status in RUNNING]


def _listed(ids: list[str]) -> str:
    more = len(ids) - _LISTED
    return ", ".join(ids[:_LISTED]) + (f" and {more} more" if more > 0 else "")
