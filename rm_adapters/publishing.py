"""What of an offer is news to the CEM, and in which order it is told. Pure, but for the ids that are passed in.

Each message stands for a topic, and is sent when it says something else than the last one on that topic. What says a
little else is no news: a fill level by a thousandth of its range, a progress by a few minutes. A description that is
news makes all else news, because under a new description nothing of before counts (R-43).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rm_adapters.contract import timer_key
from rm_adapters.sdk import Flex, Offer
from rm_adapters.sdk.drafts import DRAFT, OPEN
from rm_adapters.sdk.values import Description
from rm_adapters.state import Activity, Link, Published
from s2.descriptions import Machine, machines_of
from s2.messages import (
    DDBCActuatorDescription,
    DDBCActuatorStatus,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCTimerStatus,
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    Message,
    OMBCStatus,
    OMBCSystemDescription,
    OMBCTimerStatus,
    PEBCPowerConstraints,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    RevokableObjects,
    RevokeObject,
    dump_message,
)
from s2.resource import actuator_of
from s2.versions import WireProfile

NewId = Callable[[], str]

DETAILS, DESCRIPTION = "details", "description"

_LEVEL_STEPS = 1000
_PROGRESS_STEP_MS = 300_000


@dataclass(frozen=True, slots=True)
class Situation:
    """What is published from: the offer beside what the RM itself keeps of the device."""

    offer: Offer
    activities: Mapping[str, Activity]
    timers: Mapping[str, datetime]
    now: datetime


def published_anew(link: Link) -> Link:
    """The link after a selection: the CEM knows nothing but the details."""
    kept = {topic: each for topic, each in link.published.items() if topic == DETAILS}
    return replace(link, published=kept)


def news_of_details(flex: Flex, link: Link, new_id: NewId) -> tuple[Link, list[Message]]:
    return _told(link, [(DETAILS, flex.details)], new_id, None)


def news_of_forecast(flex: Flex, link: Link, new_id: NewId) -> tuple[Link, list[Message]]:
    return _told(link, [] if flex.forecast is None else [("forecast", flex.forecast)], new_id, None)


def news_of_offer(situation: Situation, link: Link, new_id: NewId) -> tuple[Link, list[Message]]:
    """All of the offer that the CEM does not know yet, the description first."""
    draft = _in_version(situation.offer, link.profile)
    out: list[Message] = []
    before = link.published.get(DESCRIPTION)
    if draft is None:
        return withdrawn(link, new_id)
    if before is not None and before.digest != _digest(draft):
        if not _replaces(draft, before):
            out += _revocation(before, new_id)
        link = published_anew(link)
    topics = [(DESCRIPTION, draft), *_statuses(situation, draft), *_reports(situation, link.profile)]
    topics += [*_timers(situation, draft), *((_topic(each), each) for each in situation.offer.outlook)]
    link, messages = _told(link, topics, new_id, situation.now, _level_range(draft))
    return link, out + messages


def withdrawn(link: Link, new_id: NewId) -> tuple[Link, list[Message]]:
    """Take back what is on offer."""
    before = link.published.get(DESCRIPTION)
    return published_anew(link), [] if before is None else _revocation(before, new_id)


def _told(
    link: Link,
    topics: Iterable[tuple[str, Message]],
    new_id: NewId,
    now: datetime | None,
    level_range: float = 1.0,
) -> tuple[Link, list[Message]]:
    published, out = dict(link.published), []
    for topic, draft in topics:
        digest = _digest(draft, level_range)
        if topic in published and published[topic].digest == digest:
            continue
        message = _ready(draft, new_id(), now)
        published[topic] = Published(digest=digest, object_id=_object_id(message), object_type=message.message_type)
        out.append(message)
    return replace(link, published=published), out


def _in_version(offer: Offer, profile: WireProfile) -> Description | None:
    """The description as the agreed version has it: 0.0.2-beta wants the demand in there (R-143)."""
    described = offer.description
    if isinstance(described, DDBCSystemDescription) and profile is WireProfile.V0_0_2_BETA:
        return replace(described, present_demand_rate=offer.demand)
    return described


def _reports(situation: Situation, profile: WireProfile) -> Iterator[tuple[str, Message]]:
    for each in situation.offer.reports:
        yield _topic(each), each
    demand = situation.offer.demand
    if demand is not None and profile is WireProfile.V1_0_0:
        status = DDBCPresentDemandStatus(message_id=DRAFT, present_demand_rate=demand)
        yield _topic(status), status


def _statuses(situation: Situation, description: Description) -> Iterator[tuple[str, Message]]:
    for active in situation.offer.active:
        activity = situation.activities[active.actuator_id]
        status = _status(description, active.actuator_id, activity)
        if status is not None:
            yield _topic(status), status


def _status(description: Description, actuator_id: str, activity: Activity) -> Message | None:
    told: dict[str, Any] = {
        "message_id": DRAFT,
        "active_operation_mode_id": activity.mode_id,
        "operation_mode_factor": activity.factor,
        "previous_operation_mode_id": activity.previous_mode_id,
        "transition_timestamp": activity.since,
    }
    match description:
        case OMBCSystemDescription():
            return OMBCStatus(**told)
        case FRBCSystemDescription():
            return FRBCActuatorStatus(actuator_id=actuator_id, **told)
        case DDBCSystemDescription():
            return DDBCActuatorStatus(actuator_id=actuator_id, **told)
    return None


def _timers(situation: Situation, description: Description) -> Iterator[tuple[str, Message]]:
    """When each timer ends or has ended; one that never ran has ended at some time in the past (R-56)."""
    if not isinstance(description, OMBCSystemDescription | FRBCSystemDescription | DDBCSystemDescription):
        return
    for _, machine in machines_of(description):
        for timer in machine.timers:
            ends = situation.timers.get(timer_key(_actuator_id(machine), timer.id), OPEN)
            status = _timer_status(machine, timer.id, ends)
            yield _topic(status), status


def _timer_status(machine: Machine, timer_id: str, ends: datetime) -> Message:
    match machine:
        case FRBCActuatorDescription():
            return FRBCTimerStatus(message_id=DRAFT, timer_id=timer_id, actuator_id=machine.id, finished_at=ends)
        case DDBCActuatorDescription():
            return DDBCTimerStatus(message_id=DRAFT, timer_id=timer_id, actuator_id=machine.id, finished_at=ends)
    return OMBCTimerStatus(message_id=DRAFT, timer_id=timer_id, finished_at=ends)


def _actuator_id(machine: Machine) -> str:
    return getattr(machine, "id", "")


def _topic(message: Message) -> str:
    return "/".join((message.message_type, actuator_of(message), getattr(message, "timer_id", "")))


def _ready(draft: Message, message_id: str, now: datetime | None) -> Message:
    """The draft with its id, and valid from now on where it leaves that open."""
    changes: dict[str, Any] = {"message_id": message_id}
    if getattr(draft, "valid_from", None) == OPEN:
        changes["valid_from"] = now
    return replace(draft, **changes)


def _digest(draft: Message, level_range: float = 1.0) -> str:
    """What tells one thing to say from another, in a few characters."""
    match draft:
        case FRBCStorageStatus():
            step = level_range / _LEVEL_STEPS
            draft = replace(draft, present_fill_level=float(round(draft.present_fill_level / step)))
        case PPBCPowerProfileStatus():
            statuses = tuple(
                replace(each, progress=None if each.progress is None else each.progress // _PROGRESS_STEP_MS)
                for each in draft.sequence_container_status
            )
            draft = replace(draft, sequence_container_status=statuses)
    return hashlib.blake2b(dump_message(draft, None).encode(), digest_size=12).hexdigest()


def _level_range(description: Description) -> float:
    if not isinstance(description, FRBCSystemDescription):
        return 1.0
    limits = description.storage.fill_level_range
    return max(limits.end_of_range - limits.start_of_range, 1e-9)


def _object_id(message: Message) -> str | None:
    """By which id the object can be revoked: a description goes by its message_id, all else by its id."""
    if isinstance(message, PEBCPowerConstraints | PPBCPowerProfileDefinition):
        return message.id
    return getattr(message, "message_id", None)


def _replaces(draft: Description, before: Published) -> bool:
    """Whether publishing it takes the former one away: the same constraints or profile, or any system description."""
    if isinstance(draft, PEBCPowerConstraints | PPBCPowerProfileDefinition):
        return draft.id == before.object_id
    return draft.message_type == before.object_type


def _revocation(before: Published, new_id: NewId) -> list[Message]:
    if before.object_id is None or before.object_type is None:
        return []
    object_type = RevokableObjects(before.object_type)
    return [RevokeObject(message_id=new_id(), object_type=object_type, object_id=before.object_id)]
