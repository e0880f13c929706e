"""Cases of the rules R-90 to R-103."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.s2_rule_cases.scenes import RuleCase, Utterance, case, cem, rm
from tests.support.s2_samples import L1
from tests.support.s2_sessions import stamp


def sequence(sequence_id: str, duration_s: float, **changes: Any) -> dict[str, Any]:
    """A sequence that cannot be paused, with any pause before it."""
    power = {"value_expected": 700, "commodity_quantity": L1}
    usual = {"is_interruptible": False, "abnormal_condition_only": False}
    elements = [{"duration": round(duration_s * 1000), "power_values": [power]}]
    return {"id": sequence_id, "elements": elements, **usual, **changes}


def container(container_id: str, *sequences: dict[str, Any]) -> dict[str, Any]:
    return {"id": container_id, "power_sequences": list(sequences)}


def profile(*containers: dict[str, Any], **changes: Any) -> Utterance:
    """A profile of which an hour may be made use of, from now on."""
    window = {"start_time": stamp(0), "end_time": stamp(3600)}
    return rm("PPBC.PowerProfileDefinition", power_sequences_containers=list(containers), **{**window, **changes})


def status(**statuses: str | tuple[str, dict[str, Any]]) -> Utterance:
    """The status of each container by its id; its one sequence is named "<container>-eco"."""
    told = []
    for container_id, each in statuses.items():
        kind, changes = (each, {}) if isinstance(each, str) else each
        entry: dict[str, Any] = {"power_profile_id": "profile-1", "sequence_container_id": container_id, "status": kind}
        if kind != "NOT_SCHEDULED":
            entry |= {"selected_sequence_id": f"{container_id}-eco"}
        if kind in ("EXECUTING", "INTERRUPTED", "FINISHED"):
            entry |= {"progress": 0}
        told.append({key: value for key, value in {**entry, **changes}.items() if value is not None})
    return rm("PPBC.PowerProfileStatus", sequence_container_status=told)


def start(container_id: str, after_s: float, **changes: Any) -> Utterance:
    """The CEM schedules the one sequence of a container."""
    usual = {
        "id": f"start-{container_id}-{after_s:g}",
        "sequence_container_id": container_id,
        "power_sequence_id": f"{container_id}-eco",
        "execution_time": stamp(after_s),
    }
    return cem("PPBC.ScheduleInstruction", **{**usual, **changes})


WASH, DRY = container("wash", sequence("wash-eco", 1200)), container("dry", sequence("dry-eco", 600))

#: Ten minutes of drying within five minutes after twenty minutes of washing.
TWO_PARTS = profile(WASH, container("dry", sequence("dry-eco", 600, max_pause_before=300_000)))

_PAUSABLE = profile(container("wash", sequence("wash-eco", 1200, is_interruptible=True)))
_PAUSE = cem("PPBC.StartInterruptionInstruction")
_SELECTED = status(wash="EXECUTING")

_EMERGENCY = profile(container("wash", sequence("wash-eco", 1200, abnormal_condition_only=True)))

CASES: Mapping[str, RuleCase] = {
    "R-90": case([profile(WASH, end_time=stamp(-1))], [profile(WASH, end_time=stamp(0))]),
    "R-91": case([profile(WASH, DRY, end_time=stamp(1798))], [profile(WASH, DRY, end_time=stamp(1800))]),
    "R-92": case(
        [TWO_PARTS, status(wash="INTERRUPTED", dry="EXECUTING")], [TWO_PARTS, status(wash="FINISHED", dry="EXECUTING")]
    ),
    "R-93": case([TWO_PARTS, start("dry", 0, power_sequence_id="wash-eco")], [TWO_PARTS, start("dry", 0)]),
    "R-94": case([TWO_PARTS, start("dry", 3006)], [TWO_PARTS, start("dry", 3000)]),
    "R-95": case(
        [TWO_PARTS, start("wash", 0), start("dry", 1506)],
        [TWO_PARTS, start("wash", 0), start("dry", 1500)],
    ),
    "R-96": case([profile(WASH), _SELECTED, _PAUSE], [_PAUSABLE, _SELECTED, _PAUSE]),
    "R-97": case([TWO_PARTS, status(wash="SCHEDULED")], [profile(WASH), status(wash="SCHEDULED")]),
    "R-98": case(
        [status(wash=("SCHEDULED", {"selected_sequence_id": None}))],
        [status(wash=("NOT_SCHEDULED", {"selected_sequence_id": None}))],
    ),
    "R-99": case([status(wash=("EXECUTING", {"progress": None}))], [status(wash=("EXECUTING", {"progress": 0}))]),
    "R-100": case(
        [profile(WASH), status(wash="EXECUTING"), status(wash="SCHEDULED")],
        [profile(WASH), status(wash="SCHEDULED"), status(wash="EXECUTING")],
    ),
    "R-101": case([_EMERGENCY, start("wash", 0)], [_EMERGENCY, start("wash", 0, abnormal_condition=True)]),
    "R-102": case(
        [TWO_PARTS, start("wash", 600), start("wash", 300)],
        [
            TWO_PARTS,
            start("wash", 600),
            cem("RevokeObject", object_type="PPBC.ScheduleInstruction", object_id="start-wash-600"),
            start("wash", 300),
        ],
    ),
    "R-103": case(
        [profile(WASH), profile(WASH, id="profile-2")],
        [profile(WASH), status(wash="FINISHED"), profile(WASH, id="profile-2")],
    ),
}
