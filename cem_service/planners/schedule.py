"""Decisions for power profiles: when a sequence is told its start, and when it is told another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from cem_service.domain.decision import Decision, LastInstruction, Objective
from cem_service.domain.ppbc import Container, PPBCResource
from cem_service.domain.site import SiteState
from cem_service.instructions import NewId, ppbc_schedule_instruction, revocation_of
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import DevicePlan, Placement, SitePlan
from cem_service.planners.ppbc import plan_profile
from cem_service.planners.site_cost import SiteCost
from s2.messages import PPBCPowerSequenceStatus, PPBCScheduleInstruction, RevokeObject

# A start that was told is moved only for a gain that somebody would notice, and not when it is at hand.
WORTH_MOVING_EUR = 0.02
TOO_LATE_TO_MOVE = timedelta(minutes=5)


def schedule_profiles(
    site: SiteState, plan: SitePlan | None, base_w: float, last: Mapping[UUID, LastInstruction], new_id: NewId
) -> list[Decision]:
    """One decision at most for each profile: the first of its containers that has to be told something."""
    decisions = []
    for resource in site.resources:
        if not isinstance(resource, PPBCResource) or not resource.ready:
            continue
        latest = last.get(resource.link_id)
        if latest is not None and latest.refused_at(site.now):
            continue
        device = _plan_of(resource, site, plan, base_w)
        placement = _to_tell(resource, device, latest, site.now)
        if device is not None and placement is not None:
            decision = _decision(site, resource, device, placement, new_id)
            decisions.append(replace(decision, revocation=_revocation(resource, placement, latest, new_id)))
    return decisions


def _plan_of(resource: PPBCResource, site: SiteState, plan: SitePlan | None, base_w: float) -> DevicePlan | None:
    """The plan's placements while they can still be kept; else a plan on the spot, on the power drawn now."""
    device = plan.devices.get(resource.link_id) if plan else None
    if device is not None and _still_fits(resource, device, site.now):
        return device
    horizon = Horizon.at(site.now)
    cost = SiteCost.of(site, horizon, curtailable=False)
    return plan_profile(resource, cost.seen_by(np.full(horizon.steps, base_w)), horizon)


def _still_fits(resource: PPBCResource, device: DevicePlan, now: datetime) -> bool:
    pending = {container.container_id: container for container in resource.containers if container.pending}
    placed = [one for one in device.placements if one.container_id in pending]
    return len(placed) == sum(bool(one.sequences) for one in pending.values()) and all(
        pending[one.container_id].sequence(one.sequence_id) is not None
        and one.start >= now - TOO_LATE_TO_MOVE
        and (resource.start_time is None or one.start >= resource.start_time)
        for one in placed
    )


def _to_tell(
    resource: PPBCResource, device: DevicePlan | None, latest: LastInstruction | None, now: datetime
) -> Placement | None:
    """The first start that has to be told. One that was told already stays as it is while a later part hangs on it."""
    pending = {container.container_id: container for container in resource.containers if container.pending}
    for placement in device.placements if device else ():
        container = pending.get(placement.container_id)
        if container is None:
            continue
        if container.status is PPBCPowerSequenceStatus.NOT_SCHEDULED:
            told = _was_told(resource, placement, latest, now)
            return None if told else _after_the_one_before(resource, container, placement, latest, now)
        if len(pending) > 1 or latest is None or not _is_about(latest, resource, placement):
            continue
        if _gains(latest, placement, now):
            return _after_the_one_before(resource, container, placement, latest, now)
    return None


def _after_the_one_before(
    resource: PPBCResource, container: Container, placement: Placement, latest: LastInstruction | None, now: datetime
) -> Placement | None:
    """The placement, moved to where it follows the container before it as that one really runs (R-94, R-95).

    A plan may have moved a container that goes on as it was told. None while nobody knows when that one ends.
    """
    index = resource.containers.index(container)
    before = resource.containers[index - 1] if index else None
    if before is None or not (before.pending or before.running):
        return placement
    end = now + resource.busy_for if before.running else _told_end(resource, before, latest)
    sequence = container.sequence(placement.sequence_id)
    if end is None or sequence is None:
        return None
    start = max(placement.start, end)
    if sequence.max_pause_before_s is not None:
        start = min(start, end + timedelta(seconds=sequence.max_pause_before_s))
    return replace(placement, start=start, end=start + timedelta(seconds=sequence.duration_s))


def _told_end(resource: PPBCResource, container: Container, latest: LastInstruction | None) -> datetime | None:
    """When a container that waits for its start will end, if the latest instruction was about it."""
    told = latest.message if latest is not None else None
    if not isinstance(told, PPBCScheduleInstruction) or told.power_profile_id != resource.profile_id:
        return None
    if told.sequence_container_id != container.container_id:
        return None
    sequence = container.sequence(told.power_sequence_id)
    return None if sequence is None else told.execution_time + timedelta(seconds=sequence.duration_s)


def _is_about(latest: LastInstruction, resource: PPBCResource, placement: Placement) -> bool:
    told = latest.message
    return (
        isinstance(told, PPBCScheduleInstruction)
        and told.power_profile_id == resource.profile_id
        and told.sequence_container_id == placement.container_id
    )


def _revocation(
    resource: PPBCResource, placement: Placement, latest: LastInstruction | None, new_id: NewId
) -> RevokeObject | None:
    """What takes back the start that the container was told before, while it still waits for it."""
    if latest is None or not _is_about(latest, resource, placement):
        return None
    told = latest.message
    status = next(one.status for one in resource.containers if one.container_id == placement.container_id)
    waits = status is PPBCPowerSequenceStatus.SCHEDULED
    return revocation_of(told, new_id) if waits and isinstance(told, PPBCScheduleInstruction) else None


def _was_told(resource: PPBCResource, placement: Placement, latest: LastInstruction | None, now: datetime) -> bool:
    """Told already, and not long ago, so that its status is still on its way."""
    return latest is not None and _is_about(latest, resource, placement) and now - latest.issued_at < TOO_LATE_TO_MOVE


def _gains(latest: LastInstruction, placement: Placement, now: datetime) -> bool:
    told = latest.message
    if not isinstance(told, PPBCScheduleInstruction) or told.execution_time - now <= TOO_LATE_TO_MOVE:
        return False
    moved = abs(told.execution_time - placement.start) > TOO_LATE_TO_MOVE
    # What the start told before would cost is not known any more. That against starting at once shows at least whether
    # the hour matters.
    return moved and placement.cost_now_eur - placement.cost_eur > WORTH_MOVING_EUR


def _decision(
    site: SiteState, resource: PPBCResource, device: DevicePlan, placement: Placement, new_id: NewId
) -> Decision:
    start = max(placement.start, site.now)
    local = start.astimezone(ZoneInfo(site.timezone))
    message = ppbc_schedule_instruction(
        profile_id=resource.profile_id,
        container_id=placement.container_id,
        sequence_id=placement.sequence_id,
        execution_time=start,
        new_id=new_id,
    )
    sequence = next(
        sequence
        for container in resource.containers
        if container.container_id == placement.container_id
        for sequence in container.sequences
        if sequence.sequence_id == placement.sequence_id
    )
    saved = placement.cost_now_eur - placement.cost_eur
    reason = (
        device.reason
        if placement.cost_eur == 0 and device.reason
        else (
            f"{resource.name} starts at {local:%H:%M}: its {sequence.energy_kwh:z.2f} kWh cost "
            f"{placement.cost_eur:z.2f} EUR then, {saved:z.2f} EUR less than at once."
        )
    )
    return Decision(
        link_id=resource.link_id,
        message=message,
        reason=reason,
        objective=Objective.START_TIME,
        expected_power_w=sequence.power_at(0.0),
        power_before_w=resource.power_w(site.now) or 0.0,
        until=placement.end,
    )
