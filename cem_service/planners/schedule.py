"""Decisions for power profiles: when a sequence is told its start, when it is told another one, when it pauses.

A resource is told one thing at a time, and the next when its status shows the last. Starts are told ahead, so that a
device keeps its plan without us. A pause is told when it is due, and its end as soon as the device pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import numpy as np

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.ppbc import Container, PPBCResource, Profile
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.instructions import NewId, ProfileInstruction
from cem_service.planners.forecast import as_loads
from cem_service.planners.horizon import Horizon
from cem_service.planners.placed import expected_power_w, profile_power_w
from cem_service.planners.plan import STEP, DevicePlan, Placement, SitePlan
from cem_service.planners.power_cost import PowerCost
from cem_service.planners.ppbc import plan_profile
from cem_service.planners.profile_orders import Order, decision_of
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.told import Key, Told
from s2.messages import (
    PPBCEndInterruptionInstruction,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)

# A start that was told is moved only for a gain that somebody would notice, and not when it is at hand.
WORTH_MOVING_EUR = 0.02
TOO_LATE_TO_MOVE = timedelta(minutes=5)
# A pause is told so long before it begins: what is best by then may have changed until then.
TELL_PAUSE_BEFORE = timedelta(minutes=1)
# What lies beyond its window by less than this is so by rounding, or because it was told a moment late.
ROUNDING = timedelta(seconds=5)

# Worked out where it is asked for: most looks at a site move nothing.
LateCost = Callable[[], PowerCost]


def schedule_profiles(
    site: SiteState, plan: SitePlan | None, base_w: float, last: Mapping[UUID, LastInstruction], new_id: NewId
) -> list[Decision]:
    """One decision at most for each resource: the first of its containers that has to be told something."""
    decisions = []
    for resource in site.resources:
        if not isinstance(resource, PPBCResource) or not resource.ready:
            continue
        latest = last.get(resource.link_id)
        told = Told.of(resource, latest)
        if (latest is not None and latest.refused_at(site.now)) or told.awaits_status(resource, site.now):
            continue
        device, cost = _plan_of(resource, site, plan, base_w)
        order = next(_orders(resource, device, told, cost, site.now), None) if device else None
        if order is not None:
            decisions.append(decision_of(order, resource, site, new_id))
    return decisions


def _plan_of(
    resource: PPBCResource, site: SiteState, plan: SitePlan | None, base_w: float
) -> tuple[DevicePlan | None, LateCost]:
    """The plan's placements while they can still be kept; else a plan on the spot, on the power drawn now.

    With the cost of the resource's power beside everything else.
    """
    horizon = Horizon.at(site.now)
    device = plan.devices.get(resource.link_id) if plan else None
    if plan is not None and device is not None and _still_fits(resource, device, site.now):
        others_w = _aligned(plan.net_w - device.power_w, plan.start, horizon)
        return device, partial(_seen, resource, site, others_w, horizon)
    seen = _seen(resource, site, np.full(horizon.steps, base_w), horizon)
    return plan_profile(resource, seen, horizon), lambda: seen


def _seen(resource: PPBCResource, site: SiteState, others_w: Array, horizon: Horizon) -> PowerCost:
    return SiteCost.of(site, horizon).seen_by(as_loads(site, others_w), resource.phase_shares)


def _aligned(power_w: Array, start: datetime, horizon: Horizon) -> Array:
    """A plan's series from the present horizon on; its last value goes on."""
    skipped = (horizon.start - start) // STEP
    result: Array = power_w[np.clip(np.arange(horizon.steps) + skipped, 0, power_w.size - 1)]
    return result


def _still_fits(resource: PPBCResource, device: DevicePlan, now: datetime) -> bool:
    placed = {placement.key: placement for placement in device.placements}
    return all(
        (placement := placed.get((profile.profile_id, container.container_id))) is not None
        and container.sequence(placement.sequence_id) is not None
        and placement.start >= max(now - TOO_LATE_TO_MOVE, profile.start_time)
        and (device.is_late or placement.end <= profile.end_time + ROUNDING)
        for profile in resource.open_profiles(now)
        for container in profile.placeable
    ) and all(
        # A device may run another alternative than the latest plan has: an earlier start stood, or it chose by itself.
        (placement := placed.get((profile.profile_id, head.container_id))) is not None
        and placement.sequence_id == head.selected_sequence_id
        for profile in resource.open_profiles(now)
        if (head := profile.head) is not None
    )


def _orders(resource: PPBCResource, device: DevicePlan, told: Told, cost: LateCost, now: datetime) -> Iterator[Order]:
    """What the resource has to be told, the most urgent first."""
    placed = {placement.key: placement for placement in device.placements}
    for profile in resource.open_profiles(now):
        beside = partial(_beside_others, resource, profile, device, cost, now)
        yield from _Desk(profile, placed, told, beside, now, device.is_late).orders()


def _beside_others(
    resource: PPBCResource, profile: Profile, device: DevicePlan, cost: LateCost, now: datetime
) -> PowerCost:
    others = replace(resource, profiles=tuple(one for one in resource.profiles if one is not profile))
    return cost().beside(expected_power_w(others, device.placements, Horizon.at(now)))


@dataclass(frozen=True)
class _Desk:
    """One profile at one moment: what is planned, and what was told."""

    profile: Profile
    placed: Mapping[Key, Placement]
    told: Told
    cost: LateCost
    now: datetime
    too_late: bool

    def orders(self) -> Iterator[Order]:
        head = self.profile.head
        if head is not None:
            yield from self._interruption(head)
        for container in self.profile.placeable:
            if self.told.start_of(self.profile, container) is None:
                yield from self._first_start(container)
                return
        yield from self._another_start()

    def _first_start(self, container: Container) -> Iterator[Order]:
        placement = self._chain(keep_told=True).get(container.container_id)
        key, is_scheduled = self._key(container), container.status is PPBCPowerSequenceStatus.SCHEDULED
        # Of ours, one that waits here is of a sequence that may not be used any more, as after an emergency.
        unusable = self.told.starts.get(key) if is_scheduled else None
        by_others = is_scheduled and unusable is None and key not in self.told.void
        if placement is not None and not by_others:
            yield self._order(PPBCScheduleInstruction, placement, placement.start, (unusable,) if unusable else ())

    def _another_start(self) -> Iterator[Order]:
        """The first container that the plan has elsewhere, where that is worth it or the window has changed since.

        It and all after it are taken back, and the later ones are told anew.
        """
        as_told, planned = self._chain(keep_told=True), self._chain(keep_told=False)
        has_to_move = self._is_in_window(planned) and not self._is_in_window(as_told)
        for container in self.profile.placeable:
            told, wanted = as_told.get(container.container_id), planned.get(container.container_id)
            if told is None or wanted is None:
                return
            if told.sequence_id == wanted.sequence_id and abs(told.start - wanted.start) <= TOO_LATE_TO_MOVE:
                continue
            at_hand = told.start - self.now <= TOO_LATE_TO_MOVE
            if has_to_move or (not at_hand and self._eur(as_told) - self._eur(planned) > WORTH_MOVING_EUR):
                later = self.profile.placeable[self.profile.placeable.index(container) :]
                yield self._order(PPBCScheduleInstruction, wanted, wanted.start, self._standing(later))
            return

    def _interruption(self, head: Container) -> Iterator[Order]:
        placement = self.placed.get(self._key(head))
        if placement is None:
            return
        if head.paused:
            yield from self._resumption(head, placement)
            return
        pause = next((one for one in placement.pauses if self.now < one[1]), None)
        if pause is not None and pause[0] <= self.now + TELL_PAUSE_BEFORE:
            yield self._order(PPBCStartInterruptionInstruction, placement, pause[0])

    def _resumption(self, head: Container, placement: Placement) -> Iterator[Order]:
        """The end is told at once, so that the device goes on by itself should it hear from us no more."""
        within = next((end for begin, end in placement.pauses if begin <= self.now < end), placement.start)
        wanted = _going_on(head, placement, max(within, self.now))
        told = self.told.ends.get(self._key(head))
        if told is None:
            yield self._order(PPBCEndInterruptionInstruction, wanted, wanted.start)
            return
        as_told = _going_on(head, placement, max(told.execution_time, self.now))
        overdue = told.execution_time <= self.now
        moves = abs(as_told.start - wanted.start) > TOO_LATE_TO_MOVE
        gain_eur = self._eur({head.container_id: as_told}) - self._eur({head.container_id: wanted})
        if overdue or (moves and gain_eur > WORTH_MOVING_EUR):
            yield self._order(PPBCEndInterruptionInstruction, wanted, wanted.start, (told,))

    def _chain(self, *, keep_told: bool) -> dict[str, Placement]:
        """The placements by container. With `keep_told` those that were told a start stay there. The others are moved
        to where they follow the one before: it may be late, or not be where the plan has it (R-94, R-95).
        """
        chain: dict[str, Placement] = {}
        busy = self.profile.busy_for
        end = self.now + busy if busy else None
        for container in self.profile.containers:
            placement = self.placed.get(self._key(container))
            if placement is None or not (container.placeable or container is self.profile.head):
                continue
            start = self.told.start_of(self.profile, container) if keep_told else None
            if start is not None:
                placement = _moved(placement, container, start.power_sequence_id, start.execution_time)
            elif container.placeable and end is not None:
                placement = _following(placement, container, end)
            chain[container.container_id] = placement
            end = placement.end
        return chain

    def _is_in_window(self, chain: Mapping[str, Placement]) -> bool:
        """Whether all that waits begins and ends within the window (R-94); an overdue start begins now at best."""
        waiting = [chain[one.container_id] for one in self.profile.placeable if one.container_id in chain]
        begin, end = self.profile.start_time - ROUNDING, self.profile.end_time + ROUNDING
        return all(max(one.start, self.now) >= begin and one.end <= end for one in waiting)

    def _eur(self, chain: Mapping[str, Placement]) -> float:
        horizon = Horizon.at(self.now)
        power_w = profile_power_w(self.profile, {one.key: one for one in chain.values()}, horizon)
        seen, nothing_w = self.cost(), np.zeros(horizon.steps)
        cost = seen.eur(power_w, horizon.durations_s) - seen.eur(nothing_w, horizon.durations_s)
        return float(cost.sum())

    def _standing(self, containers: Iterable[Container]) -> tuple[ProfileInstruction, ...]:
        found = (self.told.start_of(self.profile, container) for container in containers)
        return tuple(start for start in found if start is not None)

    def _key(self, container: Container) -> Key:
        return self.profile.profile_id, container.container_id

    def _order(
        self,
        kind: type[ProfileInstruction],
        placement: Placement,
        at: datetime,
        takes_back: tuple[ProfileInstruction, ...] = (),
    ) -> Order:
        return Order(kind, placement, max(at, self.now), takes_back, self.too_late)


def _following(placement: Placement, container: Container, end: datetime) -> Placement:
    """Not before the end of the container before it, and not after the longest pause (R-94, R-95)."""
    sequence = container.sequence(placement.sequence_id)
    start = max(placement.start, end)
    if sequence is not None and sequence.max_pause_before_s is not None:
        start = min(start, end + timedelta(seconds=sequence.max_pause_before_s))
    return _moved(placement, container, placement.sequence_id, start)


def _moved(placement: Placement, container: Container, sequence_id: str, start: datetime) -> Placement:
    """Another start, and the pauses as much later; none where it is another sequence."""
    by = start - placement.start
    if sequence_id == placement.sequence_id:
        pauses = tuple((begin + by, end + by) for begin, end in placement.pauses)
        return replace(placement, start=start, end=placement.end + by, pauses=pauses)
    sequence = container.sequence(sequence_id)
    lasts = timedelta(seconds=sequence.duration_s if sequence else 0.0)
    return replace(placement, sequence_id=sequence_id, start=start, end=start + lasts, pauses=())


def _going_on(head: Container, placement: Placement, at: datetime) -> Placement:
    """The rest of what is paused, in one piece from that moment on."""
    end = at + timedelta(seconds=head.remaining_s)
    return replace(placement, start=at, end=end, done_s=head.progress_s, pauses=())
