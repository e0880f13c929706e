"""What a site pursues beside its prices and its fuse, as plain values: limits, weights and targets.

The standard knows four kinds of objective: operational, green, incentivised and external (see `KIND_OF`). A site may
have any number of them at once. Powers are in W at the grid connection; limits and contracts are positive numbers,
whatever the direction. A moment that is None leaves the stretch of time open at that end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import inf

from cem_service.domain.decision import Objective


class ObjectiveKind(StrEnum):
    """The four kinds of objective of EN 50491-12-2."""

    OPERATIONAL = "operational"
    GREEN = "green"
    INCENTIVISED = "incentivised"
    EXTERNAL = "external"


KIND_OF: Mapping[Objective, ObjectiveKind] = {
    Objective.FUSE: ObjectiveKind.OPERATIONAL,
    Objective.EXPORT_LIMIT: ObjectiveKind.OPERATIONAL,
    Objective.GRID_LIMIT: ObjectiveKind.OPERATIONAL,
    Objective.STEERABLE_LIMIT: ObjectiveKind.OPERATIONAL,
    Objective.SELF_CONSUMPTION: ObjectiveKind.GREEN,
    Objective.CARBON: ObjectiveKind.GREEN,
    Objective.PRICE: ObjectiveKind.INCENTIVISED,
    Objective.CAPACITY_TARIFF: ObjectiveKind.INCENTIVISED,
    Objective.BANDWIDTH: ObjectiveKind.INCENTIVISED,
    Objective.ACTIVATION: ObjectiveKind.EXTERNAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GridLimit:
    """What the grid operator lets through the connection for a time; None leaves a direction free.

    `source` names who says so, as people will read it.
    """

    source: str
    import_w: float | None = None
    export_w: float | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SteerableLimit:
    """What all steered resources may draw from the grid together, as under section 14a of the German EnWG.

    The rest of the building draws what it likes, and what the site produces itself may be drawn on top.
    """

    source: str
    import_w: float
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetBand:
    """Where the net power is wanted for a time, and what a kilowatt-hour beside it costs: an accepted activation.

    Positive is consumption here, so both ends may be negative. It yields to fuse and grid, and to nothing else.
    """

    source: str
    lower_w: float = -inf
    upper_w: float = inf
    eur_per_kwh: float
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class CapacityTariff:
    """EUR for each kW of the billing period's highest quarter hour; up to `peak_so_far_w` it is owed already."""

    eur_per_kw: float
    peak_so_far_w: float = 0.0


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A contract for so much import; each kWh beyond it costs this much more."""

    contracted_w: float
    eur_per_kwh: float


@dataclass(frozen=True, slots=True)
class Carbon:
    """What a kilogram of CO2 from the grid counts for in EUR. `g_per_kwh` holds where no feed knows the hour's."""

    eur_per_kg: float
    g_per_kwh: float = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """All that one site pursues; the weights of those in EUR are compared with its prices.

    `self_consumption_eur_per_kwh` is what the owner would give for each own kilowatt-hour that is not fed in.
    """

    grid_limits: tuple[GridLimit, ...] = ()
    steerable_limits: tuple[SteerableLimit, ...] = ()
    targets: tuple[TargetBand, ...] = ()
    capacity_tariff: CapacityTariff | None = None
    bandwidth: Bandwidth | None = None
    carbon: Carbon | None = None
    self_consumption_eur_per_kwh: float = 0.0


NO_OBJECTIVES = Objectives()
