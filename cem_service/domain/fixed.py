"""Resources that cannot be steered: they only measure and forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cem_service.domain.resource import Resource
from s2.messages import ControlType


@dataclass(frozen=True, kw_only=True)
class NotControllable(Resource):
    """Also what a resource is while no control type is selected."""

    reads: ClassVar[tuple[ControlType, ...]] = (ControlType.NOT_CONTROLABLE, ControlType.NO_SELECTION)
