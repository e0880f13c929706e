from __future__ import annotations

from cem_service.domain import RESOURCE_SUBTYPES
from cem_service.domain.fixed import NotControllable
from cem_service.planners.oracle import PLANNERS


def test_whatever_is_planned_has_a_planner() -> None:
    assert PLANNERS.keys() == set(RESOURCE_SUBTYPES) - {NotControllable}
