"""Which resources are planned, said apart from their planners: forecasts ask it, also where no plan is made."""

from __future__ import annotations

from cem_service.domain.fixed import NotControllable
from cem_service.domain.resource import Resource


def is_planned(resource: Resource) -> bool:
    """Whether the resource can be planned as it is now; `oracle.PLANNERS` has a planner for each type of these."""
    return resource.ready and not isinstance(resource, NotControllable)
