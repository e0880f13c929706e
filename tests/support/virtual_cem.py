"""The hosted CEM of one site in virtual time: what its services do around the pure core, in memory and at once.

It keeps what each resource said last, in the fields of the bus's snapshots, and what each was told; it plans when a
plan is due by the rules of `cem_service.domain.pace`, and reacts whenever it is asked to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile
from uuid import UUID

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.pace import is_outdated, is_planned_from, left_alone_until
from cem_service.domain.resource import Resource
from cem_service.domain.selection import choose_control_type
from cem_service.domain.site import SiteState
from cem_service.planners.building import plan_site
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from flexhub.bus.snapshot import FAMILY_PREFIXES, revoked_field, snapshot_field, superseded_prefixes
from s2.messages import (
    ControlType,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    PowerMeasurement,
    ResourceManagerDetails,
    RevokeObject,
)

MOST_TOLD = 64
GONE = (InstructionStatus.REJECTED, InstructionStatus.ABORTED, InstructionStatus.REVOKED)

# The site at a moment, with all but its resources and its meter: limits, tariff, feeds, histories.
Surroundings = Callable[[datetime], SiteState]


@dataclass
class Told:
    """One instruction, and what became of it."""

    decision: Decision
    issued_at: datetime
    status: InstructionStatus = InstructionStatus.NEW
    status_at: datetime | None = None

    @property
    def is_refused(self) -> bool:
        return self.status in (InstructionStatus.REJECTED, InstructionStatus.ABORTED)


@dataclass
class Known:
    """What is known of one link, in its present session."""

    name: str
    control_type: ControlType | None = None
    fields: dict[str, Message] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)

    def begin(self) -> None:
        """A session knows nothing of the one before."""
        self.control_type = None
        self.fields.clear()
        self.told.clear()

    def release(self) -> None:
        """The session goes on; what was offered and told under the control type is over."""
        self.control_type = ControlType.NO_SELECTION
        self.fields = {name: said for name, said in self.fields.items() if not name.startswith(FAMILY_PREFIXES)}
        self.told.clear()

    def to_select(self) -> ControlType | None:
        """What to ask for; None where there is nothing to ask, or nobody."""
        details = self.fields.get("ResourceManagerDetails")
        if not isinstance(details, ResourceManagerDetails) or self.control_type not in (None, ControlType.NO_SELECTION):
            return None
        wanted = choose_control_type(details)
        return None if wanted is self.control_type else wanted


@dataclass
class VirtualCEM:
    """`meter` is the link whose measurements are the site's; it is no resource."""

    surroundings: Surroundings
    links: Mapping[UUID, Known]
    meter: UUID
    new_id: Callable[[], str]
    plan: SitePlan | None = None
    _planned_from: tuple[str, ...] = ()

    def hear(self, link_id: UUID, message: Message, now: datetime) -> None:
        known = self.links[link_id]
        if isinstance(message, InstructionStatusUpdate):
            self._judge(known, message, now)
        elif isinstance(message, RevokeObject):
            known.fields.pop(revoked_field(message) or "", None)
        elif (name := snapshot_field(message)) is not None:
            for prefix in superseded_prefixes(name):
                for other in [one for one in known.fields if one.startswith(prefix)]:
                    del known.fields[other]
            known.fields[name] = message

    def look(self, now: datetime) -> list[Decision]:
        """Plan if that is due, and react. What is returned counts as told; what is not sent has to be `undelivered`."""
        state = self.state(now)
        if self._plan_is_due(state):
            self.plan, self._planned_from = plan_site(state), self._foundations()
        last = {link_id: found for link_id, known in self.links.items() if (found := _last(known)) is not None}
        decisions = react(state, self.plan, last, new_id=self.new_id)
        for decision in decisions:
            told = self.links[decision.link_id].told
            told.append(Told(decision, now))
            del told[:-MOST_TOLD]
        return decisions

    def undelivered(self, decision: Decision) -> None:
        known = self.links[decision.link_id]
        known.told = [one for one in known.told if one.decision is not decision]

    def state(self, now: datetime) -> SiteState:
        resources = tuple(
            Resource.from_messages(link_id, known.name, known.fields.values(), known.control_type, now)
            for link_id, known in self.links.items()
            if link_id != self.meter and known.fields
        )
        reading = self.links[self.meter].fields.get("PowerMeasurement")
        site = replace(self.surroundings(now), now=now, resources=resources)
        if not isinstance(reading, PowerMeasurement):
            return site
        power_w = sum(value.value for value in reading.values)
        return replace(site, main_meter_w=power_w, main_meter_at=reading.measurement_timestamp)

    def _judge(self, known: Known, update: InstructionStatusUpdate, now: datetime) -> None:
        for one in known.told:
            if one.decision.message.id == update.instruction_id and one.status not in GONE:
                one.status, one.status_at = update.status_type, now

    def _plan_is_due(self, state: SiteState) -> bool:
        if not any(resource.controllable for resource in state.resources):
            return False
        if self.plan is None:
            return True
        return is_outdated(self.plan.made_at, state.now, changed=self._planned_from != self._foundations())

    def _foundations(self) -> tuple[str, ...]:
        return tuple(sorted(self._message_ids()))

    def _message_ids(self) -> Iterator[str]:
        for known in self.links.values():
            for name, message in known.fields.items():
                if is_planned_from(name, message):
                    yield str(getattr(message, "message_id", ""))


def _last(known: Known) -> LastInstruction | None:
    if not known.told:
        return None
    newest = known.told[-1]
    description = known.fields.get("FRBC.SystemDescription")
    if description is not None and getattr(description, "valid_from", newest.issued_at) > newest.issued_at:
        return None  # It named modes of a description that has been replaced.
    last = LastInstruction.of(newest.decision, newest.issued_at, _refused_until(known.told))
    if known.control_type is ControlType.POWER_PROFILE_BASED_CONTROL:
        standing = tuple(one.decision.message for one in known.told if one.status not in GONE)
        return replace(last, told=standing)
    return last


def _refused_until(told: list[Told]) -> datetime | None:
    newest = told[-1]
    if newest.status not in GONE or newest.status_at is None:
        return None
    before = sum(1 for _ in takewhile(lambda one: one.is_refused, reversed(told[:-1])))
    return left_alone_until(newest.status_at, refused_before=before)
