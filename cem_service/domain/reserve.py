"""A part of what a store holds that its owner wants to keep: comfort by choice, beside what the device asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.resource import Resource
from cem_service.domain.series import StepSeries

_LASTS = timedelta(days=3)  # longer than any plan


def with_reserve(resource: Resource, share: float, now: datetime) -> Resource:
    """The store with a lowest level of `share` of its range wanted at all times; anything else as it is.

    A store that has targets of its own, such as a car, knows better. Like these the reserve is a wish, and costs
    comfort where it cannot be kept.
    """
    if share <= 0.0 or not isinstance(resource, FRBCResource) or resource.target_lower is not None:
        return resource
    wanted = resource.lowest_level + share * (resource.highest_level - resource.lowest_level)
    lasts_ms = round(_LASTS.total_seconds() * 1000)
    return replace(resource, target_lower=StepSeries.consecutive(now, [(lasts_ms, wanted)]))
