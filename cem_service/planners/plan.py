"""The plan of a site: what is expected of each resource, and what stored energy will be worth.

A plan is not a list of set-points. Forecasts are wrong, and following set-points made from a naive forecast costs more
than plain self-consumption does. What is handed to the reactive layer is the *value of the fill level* at the coming
quarter hours; it solves one step on the power that is really measured.

A plan travels as plain JSON, so numbers are rounded to what a decision can notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.decision import Objective
from cem_service.domain.forecasts import Forecasts
from cem_service.domain.reason import Reason, ReasonCode
from cem_service.instructions import Envelope
from cem_service.planners.mode_values import ModeValues
from s2.messages import CommodityQuantity

Array = NDArray[np.float64]
STEP = timedelta(minutes=15)
STEPS = 96
LEVELS_OF_A_MEAN = 100


@dataclass(frozen=True, slots=True)
class ValueTable:
    """What the site expects to pay from a moment on, in EUR, by the fill level that a store has then.

    `cost_eur[k, n]` belongs to the k-th quarter hour edge after `start` and to `levels[n]`. Only differences matter.
    """

    start: datetime
    levels: Array
    cost_eur: Array

    @classmethod
    def mean(cls, tables: Sequence[tuple[float, ValueTable]]) -> Self:
        """The weighted mean of tables that begin at the same moment and cover the same range; where one has a level, so
        has the mean, to the hundredth of the range.
        """
        every = np.concatenate([table.levels for _, table in tables])
        lowest, room = every.min(), np.ptp(every)
        levels = lowest + room * np.unique(np.round(LEVELS_OF_A_MEAN * (every - lowest) / room)) / LEVELS_OF_A_MEAN
        cost_eur = sum(
            weight * np.array([np.interp(levels, table.levels, row) for row in table.cost_eur])
            for weight, table in tables
        )
        return cls(tables[0][1].start, levels, np.asarray(cost_eur))

    def cost_at(self, moment: datetime, level: float) -> float:
        """Interpolated in time and level; beyond the last edge and the outer levels the nearest value counts."""
        return float(np.interp(level, self.levels, self.row_at(moment)))

    def worth_per_unit(self, moment: datetime, level: float) -> float:
        """What one more unit of fill level saves, in EUR, around `level`."""
        row = self.row_at(moment)
        slopes = -np.diff(row) / np.diff(self.levels)
        index = int(np.clip(np.searchsorted(self.levels, level) - 1, 0, slopes.size - 1))
        return float(slopes[index])

    def row_at(self, moment: datetime) -> Array:
        """What the site expects to pay from this moment on, for each of `levels`."""
        position = min(max((moment - self.start) / STEP, 0.0), len(self.cost_eur) - 1.0)
        before = min(int(position), len(self.cost_eur) - 1)
        after = min(before + 1, len(self.cost_eur) - 1)
        share = position - before
        row: Array = (1.0 - share) * self.cost_eur[before] + share * self.cost_eur[after]
        return row

    def as_dict(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "levels": [float(f"{level:.6g}") for level in self.levels.tolist()],
            "cost_eur": np.round(self.cost_eur - self.cost_eur.min(), 4).tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        cost_eur = np.array(data["cost_eur"], dtype=np.float64)
        if "levels" not in data:  # As processes of an earlier version have stored it.
            levels = np.linspace(data["from"], data["to"], cost_eur.shape[1])
        else:
            levels = np.array(data["levels"], dtype=np.float64)
        return cls(datetime.fromisoformat(data["start"]), levels, cost_eur)


Pause = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Placement:
    """When one sequence of a power profile is to run, and what that costs, in EUR.

    A sequence that has begun already has run for `done_s`, and `start` is when it goes on. `pauses` come after that.
    """

    profile_id: str
    container_id: str
    sequence_id: str
    start: datetime
    end: datetime
    cost_eur: float
    cost_now_eur: float  # What it would cost to start at the first moment possible instead, and to go through.
    done_s: float = 0.0
    pauses: tuple[Pause, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.profile_id, self.container_id

    def as_dict(self) -> dict[str, Any]:
        return {
            "profile_id": self.profile_id,
            "container_id": self.container_id,
            "sequence_id": self.sequence_id,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "cost_eur": round(self.cost_eur, 4),
            "cost_now_eur": round(self.cost_now_eur, 4),
            "done_s": self.done_s,
            "pauses": [[moment.isoformat() for moment in pause] for pause in self.pauses],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        times = {name: datetime.fromisoformat(data[name]) for name in ("start", "end")}
        pauses = tuple((datetime.fromisoformat(begin), datetime.fromisoformat(end)) for begin, end in data["pauses"])
        return cls(**{**data, **times, "pauses": pauses})


@dataclass(frozen=True, slots=True)
class EnvelopeSpan:
    """Limits that are to hold up to `end`, of each quantity that is limited; none where the resource is left free."""

    end: datetime
    limits: tuple[Envelope, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        limits = [[one.quantity.value, one.lower_limit_w, one.upper_limit_w] for one in self.limits]
        return {"end": self.end.isoformat(), "limits": limits}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        limits = tuple(Envelope(CommodityQuantity(name), lower, upper) for name, lower, upper in data["limits"])
        return cls(datetime.fromisoformat(data["end"]), limits)


@dataclass(frozen=True, slots=True)
class OwnCost:
    """What a plan costs its resource apart from the site's energy, in EUR, by the stage that it counts in.

    `comfort_eur` weighs targets, comfort and fill level ranges as far as they are missed; `money_eur` is what running
    and switching really cost, less the worth of what a store holds at the end; `tidy_eur` is for calm, such as
    switches that cost nothing.
    """

    comfort_eur: float = 0.0
    money_eur: float = 0.0
    tidy_eur: float = 0.0


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """`power_w` is the expected mean of each step; `levels` the fill level at each step's end, for stores.

    `own` is what its planner says beside the site's cost; two plans of a resource can be compared by both together.
    """

    link_id: UUID
    power_w: Array
    levels: Array | None = None
    values: ValueTable | None = None
    placements: tuple[Placement, ...] = ()
    mode_values: ModeValues | None = None
    envelopes: tuple[EnvelopeSpan, ...] = ()
    reason: str = ""
    own: OwnCost = OwnCost()
    reasons: tuple[Reason, ...] = ()

    @property
    def is_late(self) -> bool:
        """Its window left no choice. In words alone until the reasons are there as data (`words.with_words`)."""
        return any(one.code is ReasonCode.TOO_LATE for one in self.reasons) if self.reasons else bool(self.reason)

    def as_dict(self) -> dict[str, Any]:
        return {
            "power_w": _whole(self.power_w),
            "levels": None if self.levels is None else [float(f"{level:.5g}") for level in self.levels.tolist()],
            "values": None if self.values is None else self.values.as_dict(),
            "placements": [placement.as_dict() for placement in self.placements],
            "mode_values": None if self.mode_values is None else self.mode_values.as_dict(),
            "envelopes": [span.as_dict() for span in self.envelopes],
            "reason": self.reason,
            "reasons": [reason.as_dict() for reason in self.reasons],
        }

    @classmethod
    def from_dict(cls, link_id: UUID, data: dict[str, Any]) -> Self:
        return cls(
            link_id=link_id,
            power_w=np.array(data["power_w"], dtype=np.float64),
            levels=None if data["levels"] is None else np.array(data["levels"], dtype=np.float64),
            values=None if data["values"] is None else ValueTable.from_dict(data["values"]),
            placements=tuple(Placement.from_dict(placement) for placement in data["placements"]),
            mode_values=None if data.get("mode_values") is None else ModeValues.from_dict(data["mode_values"]),
            envelopes=tuple(EnvelopeSpan.from_dict(span) for span in data.get("envelopes", ())),
            reason=data["reason"],
            reasons=tuple(Reason.from_dict(reason) for reason in data.get("reasons", ())),
        )


@dataclass(frozen=True, slots=True)
class SitePlan:
    """Power in W for each quarter hour from `start` on.

    `cost_eur` is what the coming day is expected to cost in money, `costs` the share of each objective in EUR; an
    objective without a price counts what is beyond it in kWh. `notes` names what was missing or had to be relaxed, the
    most important first, and `reasons` says the same as data. `forecasts` are what it stands on; they are not stored
    with it.
    """

    site_id: UUID
    made_at: datetime
    start: datetime
    base_w: Array
    net_w: Array
    cost_eur: float
    devices: dict[UUID, DevicePlan] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    costs: Mapping[Objective, float] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    forecasts: Forecasts = field(default_factory=dict)

    @property
    def all_reasons(self) -> tuple[Reason, ...]:
        """What is expected, why each resource does what it does, and what cannot be kept or was missing."""
        outlook = Reason(ReasonCode.OUTLOOK, figures={"cost_eur": self.cost_eur})
        return (outlook, *(one for device in self.devices.values() for one in device.reasons), *self.reasons)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types only; well below 30 KB for a home."""
        return {
            "site_id": str(self.site_id),
            "made_at": self.made_at.isoformat(),
            "start": self.start.isoformat(),
            "base_w": _whole(self.base_w),
            "net_w": _whole(self.net_w),
            "cost_eur": round(self.cost_eur, 4),
            "devices": {str(link_id): device.as_dict() for link_id, device in self.devices.items()},
            "notes": list(self.notes),
            "costs": {objective.value: round(cost, 4) for objective, cost in self.costs.items()},
            "reasons": [reason.as_dict() for reason in self.reasons],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The inverse of `as_dict`, up to rounding. Raises KeyError or ValueError on anything else."""
        return cls(
            site_id=UUID(data["site_id"]),
            made_at=datetime.fromisoformat(data["made_at"]),
            start=datetime.fromisoformat(data["start"]),
            base_w=np.array(data["base_w"], dtype=np.float64),
            net_w=np.array(data["net_w"], dtype=np.float64),
            cost_eur=data["cost_eur"],
            devices={
                UUID(link_id): DevicePlan.from_dict(UUID(link_id), device)
                for link_id, device in data["devices"].items()
            },
            notes=tuple(data["notes"]),
            costs={Objective(name): cost for name, cost in data.get("costs", {}).items()},
            reasons=tuple(Reason.from_dict(reason) for reason in data.get("reasons", ())),
        )


def _whole(power_w: Array) -> list[int]:
    rounded: list[int] = np.rint(power_w).astype(np.int64).tolist()
    return rounded
