"""Power profiles: what moving the sequences that have not started yet could add or take away in each quarter hour.

All pending sequences move together by whole quarter hours, so that their order and the pauses between them stay as
planned. In each quarter hour the best of all these moves counts.
"""

from __future__ import annotations

import math

import numpy as np

from cem_service.domain.ppbc import PPBCResource, Profile, Sequence
from cem_service.domain.series import Array
from cem_service.planners.horizon import Horizon
from cem_service.planners.placed import power_of
from cem_service.planners.plan import STEP, DevicePlan, Placement

STEP_S = STEP.total_seconds()
Placed = tuple[Placement, Sequence]


def profile_room(resource: PPBCResource, plan: DevicePlan | None, horizon: Horizon) -> tuple[Array, Array]:
    """(up, down) in W against the plan; both 0 where nothing is placed or nothing may be moved."""
    up, down = np.zeros(horizon.steps), np.zeros(horizon.steps)
    for profile in resource.open_profiles(horizon.now) if resource.ready else ():
        chain = _pending(profile, plan)
        if chain:
            own_up, own_down = _room(profile, chain, horizon)
            up, down = up + own_up, down + own_down
    return up, down


def _room(profile: Profile, chain: list[Placed], horizon: Horizon) -> tuple[Array, Array]:
    none = np.zeros(horizon.steps)
    earliest, latest = _shifts(profile, chain, horizon)
    # Mean power over whole quarter hours: nothing pending lies in the part of the first one that is over.
    edges: Array = horizon.start.timestamp() + STEP_S * np.arange(horizon.steps + 1, dtype=np.float64)
    power_w = np.sum([power_of(sequence, placement).means(edges, 0.0) for placement, sequence in chain], axis=0)
    padded = np.concatenate((none, power_w, none))
    moves = np.lib.stride_tricks.sliding_window_view(padded, latest - earliest + 1)
    moves = moves[horizon.steps - latest : 2 * horizon.steps - latest]
    up, down = moves.max(axis=1) - power_w, power_w - moves.min(axis=1)
    highest_w = max(abs(power_w) for _, sequence in chain for _, power_w in sequence.elements)
    for room in (up, down):
        room[0] = min(room[0] * STEP_S / horizon.durations_s[0], highest_w)
    return up, down


def _pending(profile: Profile, plan: DevicePlan | None) -> list[Placed]:
    """Where the containers that have not started are placed, in their order; empty unless all of them are."""
    placements = {one.key: one for one in plan.placements} if plan else {}
    chain: list[Placed] = []
    for container in profile.placeable:
        placement = placements.get((profile.profile_id, container.container_id))
        sequence = container.sequence(placement.sequence_id) if placement else None
        if placement is None or sequence is None or not sequence.elements:
            return []
        chain.append((placement, sequence))
    return chain


def _shifts(profile: Profile, chain: list[Placed], horizon: Horizon) -> tuple[int, int]:
    """(earliest, latest) move in quarter hours; not to move is always among them."""
    if profile.head is not None:
        # It ends when its last pause does, and what follows is bound to that.
        return 0, 0
    first, last = chain[0], chain[-1]
    origin = max(horizon.now + profile.busy_for, profile.start_time)
    earliest = math.ceil((origin - first[0].start) / STEP)
    latest = math.floor((profile.end_time - last[0].end) / STEP)
    if profile.has_begun and first[1].max_pause_before_s is not None:
        # How much of the allowed pause has gone by is not known once the part before is done.
        latest = 0
    return max(min(earliest, 0), -horizon.steps), min(max(latest, 0), horizon.steps)
