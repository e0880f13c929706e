"""Power profiles: what moving the sequences that have not started yet could add or take away in each quarter hour.

All pending sequences move together by whole quarter hours, so that their order and the pauses between them stay as
planned. In each quarter hour the best of all these moves counts.
"""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np

from cem_service.domain.ppbc import PPBCResource, Sequence
from cem_service.domain.series import Array, StepSeries
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import STEP, DevicePlan, Placement

STEP_S = STEP.total_seconds()
Placed = tuple[Placement, Sequence]


def profile_room(resource: PPBCResource, plan: DevicePlan | None, horizon: Horizon) -> tuple[Array, Array]:
    """(up, down) in W against the plan; both 0 where nothing is placed or nothing may be moved."""
    none = np.zeros(horizon.steps)
    chain = _pending(resource, plan)
    if not resource.ready or not chain:
        return none, none
    earliest, latest = _shifts(resource, chain, horizon)
    # Mean power over whole quarter hours: nothing pending lies in the part of the first one that is over.
    edges: Array = horizon.start.timestamp() + STEP_S * np.arange(horizon.steps + 1, dtype=np.float64)
    power_w = np.sum([_series(placed).means(edges, 0.0) for placed in chain], axis=0)
    padded = np.concatenate((none, power_w, none))
    moves = np.lib.stride_tricks.sliding_window_view(padded, latest - earliest + 1)
    moves = moves[horizon.steps - latest : 2 * horizon.steps - latest]
    up, down = moves.max(axis=1) - power_w, power_w - moves.min(axis=1)
    highest_w = max(abs(power_w) for _, sequence in chain for _, power_w in sequence.elements)
    for room in (up, down):
        room[0] = min(room[0] * STEP_S / horizon.durations_s[0], highest_w)
    return up, down


def _pending(resource: PPBCResource, plan: DevicePlan | None) -> list[Placed]:
    """Where the containers that have not started are placed, in their order; empty unless all of them are."""
    placements = {one.container_id: one for one in plan.placements} if plan else {}
    pending = [container for container in resource.containers if container.pending and container.sequences]
    chain: list[Placed] = []
    for container in pending:
        placement = placements.get(container.container_id)
        sequence = container.sequence(placement.sequence_id) if placement else None
        if placement is None or sequence is None or not sequence.elements:
            return []
        chain.append((placement, sequence))
    return chain


def _shifts(resource: PPBCResource, chain: list[Placed], horizon: Horizon) -> tuple[int, int]:
    """(earliest, latest) move in quarter hours; not to move is always among them."""
    first, last = chain[0], chain[-1]
    origin = horizon.now + resource.busy_for
    if resource.start_time is not None:
        origin = max(origin, resource.start_time)
    earliest = math.ceil((origin - first[0].start) / STEP)
    end = last[0].start + timedelta(seconds=last[1].duration_s)
    latest = math.floor((resource.end_time - end) / STEP) if resource.end_time is not None else 0
    something_ran = any(not container.pending for container in resource.containers)
    if something_ran and first[1].max_pause_before_s is not None:
        # How much of the allowed pause has gone by is not known once the part before is done.
        latest = 0
    return max(min(earliest, 0), -horizon.steps), min(max(latest, 0), horizon.steps)


def _series(placed: Placed) -> StepSeries:
    placement, sequence = placed
    pieces = ((round(duration_s * 1000), power_w) for duration_s, power_w in sequence.elements)
    return StepSeries.consecutive(placement.start, pieces)
