"""The power of sequences that have been placed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np

from cem_service.domain.ppbc import PPBCResource, Profile, Sequence
from cem_service.domain.series import Array, StepSeries
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import Pause, Placement

RESTING_W = 0.0  # What a sequence draws in a pause. The standard has no word for it.


def expected_power_w(resource: PPBCResource, placements: Iterable[Placement], horizon: Horizon) -> Array:
    """Mean power per step of what runs now and of what is placed, in W."""
    placed = {placement.key: placement for placement in placements}
    power_w = np.zeros(horizon.steps)
    for profile in resource.profiles:
        power_w += profile_power_w(profile, placed, horizon)
    return power_w


def profile_power_w(profile: Profile, placed: dict[tuple[str, str], Placement], horizon: Horizon) -> Array:
    """As above for one profile. What has begun and has no placement is taken to go through from now on."""
    series = []
    for container in profile.containers:
        placement = placed.get((profile.profile_id, container.container_id))
        remainder = container.remainder
        if placement is not None and (sequence := container.sequence(placement.sequence_id)):
            series.append(power_of(sequence, placement))
        elif remainder is not None:
            series.append(power_from(remainder, horizon.now))
    if not series:
        return np.zeros(horizon.steps)
    whole = StepSeries.joined(series)
    parts = series if whole is None else [whole]
    power_w = parts[0].means(horizon.edges, 0.0)
    for part in parts[1:]:
        power_w = power_w + part.means(horizon.edges, 0.0)
    return power_w


def power_of(sequence: Sequence, placement: Placement) -> StepSeries:
    """The power of a sequence as it is placed, pauses and all."""
    return power_from(sequence.after(placement.done_s), placement.start, placement.pauses)


def power_from(sequence: Sequence, start: datetime, pauses: Iterable[Pause] = ()) -> StepSeries:
    pieces = [(round(duration_s * 1000), power_w) for duration_s, power_w in sequence.elements]
    for begin, end in pauses:
        pieces = _parted(pieces, milliseconds(begin - start), milliseconds(end - begin))
    return StepSeries.consecutive(start, pieces)


def _parted(pieces: list[tuple[int, float]], at_ms: int, pause_ms: int) -> list[tuple[int, float]]:
    """The pieces with a pause put in `at_ms` after they begin."""
    before, after, elapsed_ms = [], [], 0
    for duration_ms, power_w in pieces:
        first_ms = min(max(at_ms - elapsed_ms, 0), duration_ms)
        before.append((first_ms, power_w))
        after.append((duration_ms - first_ms, power_w))
        elapsed_ms += duration_ms
    return [piece for piece in (*before, (pause_ms, RESTING_W), *after) if piece[0] > 0]


def milliseconds(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))
