"""Decisions for power profiles: when a sequence is told its start, and when it is told another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from cem_service.domain.decision import Decision, LastInstruction, Objective
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.site import SiteState
from cem_service.instructions import NewId, ppbc_schedule_instruction
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import DevicePlan, Placement, SitePlan
from cem_service.planners.ppbc import plan_profile
from cem_service.planners.site_cost import SiteCost
from s2.messages import PPBCPowerSequenceStatus, PPBCScheduleInstruction

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
            decisions.append(_decision(site, resource, device, placement, new_id))
    return decisions


def _plan_of(resource: PPBCResource, site: SiteState, plan: SitePlan | None, base_w: float) -> DevicePlan | None:
    """The plan's placements while they can still be kept; else a plan on the spot, on the power drawn now."""
    device = plan.devices.get(resource.link_id) if plan else None
    if device is not None and _still_fits(resource, device, site.now):
        return device
    horizon = Horizon.at(site.now)
    cost = SiteCost.of(site, horizon, curtailable=False)
    return plan_profile(resource, np.full(horizon.steps, base_w), cost, horizon)


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
    for placement in device.placements if device else ():
        container = next((one for one in resource.containers if one.container_id == placement.container_id), None)
        if container is None or not container.pending:
            continue
        if container.status is PPBCPowerSequenceStatus.NOT_SCHEDULED:
            return None if _was_told(resource, placement, latest, now) else placement
        if latest is not None and _is_about(latest, resource, placement) and _gains(latest, placement, now):
            return placement
    return None


def _is_about(latest: LastInstruction, resource: PPBCResource, placement: Placement) -> bool:
    told = latest.message
    return (
        isinstance(told, PPBCScheduleInstruction)
        and told.power_profile_id == resource.profile_id
        and told.sequence_container_id == placement.container_id
    )


def _was_told(resource: PPBCResource, placement: Placement, latest: LastInstruction | None, now: datetime) -> bool:
    """Told already, and not long ago, so that its status is still on its way."""
    return latest is not None and _is_about(latest, resource, placement) and now - latest.issued_at < TOO_LATE_TO_MOVE


def _gains(latest: LastInstruction, placement: Placement, now: datetime) -> bool:
    told = latest.message
    if not isinstance(told, PPBCScheduleInstruction) or told.execution_time - now <= TOO_LATE_TO_MOVE:
        return False
    moved = abs(told.execution_time - placement.start) > TOO_LATE_TO_MOVE
    # What the plan would save against starting at once bounds what it can save against any other start told before.
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
            f"{resource.name} starts at {local:%H:%M}: its {sequence.energy_kwh:.2f} kWh cost {placement.cost_eur:.2f} "
            f"EUR then, {saved:.2f} EUR less than at once."
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
