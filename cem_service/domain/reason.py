"""Why a resource is planned as it is, as data: a code and the figures that belong to it.

Whoever shows a reason puts it into words of a language; nothing here is a sentence. Figures are in the unit that the
key ends with; moments are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from cem_service.domain.decision import Objective

Figure = float | str


class ReasonCode(StrEnum):
    """What each says, with its figures; MOVED, DECIDED and EXCEEDS name their objective."""

    # Of a plan: cost_eur of the coming day.
    OUTLOOK = "outlook"
    # Of a resource in a plan, each with its name:
    RESTS = "rests"  # takes and gives nothing worth naming: no figures
    # takes_kwh, gives_kwh: energy. takes_eur_per_kwh: what a kWh of it costs the site on average, bought or not sold;
    # gives_eur_per_kwh: what one saves or earns.
    ENERGY = "energy"
    STARTS = "starts"  # starts_at, cost_eur, saved_eur: against starting at once
    TOO_LATE = "too_late"  # starts_at: its window is too short, so it runs as soon as it can
    # Without the objective, `moved_kwh` of the resource would be at other times; first at `first_at` it would take
    # `otherwise_w` and not `planned_w`.
    MOVED = "moved"
    COMFORT = "comfort"  # comfort_eur: what weighs its own targets as far as they cannot be kept
    # Of an instruction, for its objective: `name` goes from `from_w` to `to_w`, and would go to `wanted_w` if a limit
    # of `limit_w`, of which `usable_w` may be planned for, were not in the way of the site's `site_w`; `way` is drawing
    # or feeding_in, `source` who set it. Of a full phase, `circuit`, it is `load_w` that
    # would be too much. Else site_before_w, site_after_w, buy_eur_per_kwh, sell_eur_per_kwh, and worth_eur_per_kwh of
    # what it stores.
    DECIDED = "decided"
    # Of an instruction to a power profile: starts_at, with cost_eur and saved_eur, ends_at of a pause, needs_kwh.
    RUNS = "runs"
    PAUSES = "pauses"
    GOES_ON = "goes_on"
    # Of a site:
    # Worst at `worst_at`: `expected_w` where the limit is `limit_w`; `over_kwh` in all; `source`, and `circuit`.
    EXCEEDS = "exceeds"
    LEFT_OUT = "left_out"  # name, why
    NO_METER = "no_meter"  # there is no recent reading of the main meter
    NO_HISTORY = "no_history"  # there is no history of the base load yet
    # Of a feed that the site follows, by `kind` of its series and `source`:
    FEED_NEW = "feed_new"  # it has not said anything yet
    FEED_OLD = "feed_old"  # age_s: what it said last is too old to be used
    FEED_LATE = "feed_late"  # age_s: what it said last is used, and should have been replaced
    FEED_HOLES = "feed_holes"  # stretches: from when to when it has no value, as `start/end start/end`
    # Of a forecast that a plan stands on, by its `forecast` source:
    FORECAST = "forecast"  # age_s of the newest that it rests on, where that is known
    FORECAST_NEW = "forecast_new"  # it has not been judged yet
    # days that were judged; off_by and floor_off_by: the mean error as a share, and that of the day before repeated
    FORECAST_SCORE = "forecast_score"


@dataclass(frozen=True, slots=True)
class Reason:
    code: ReasonCode
    objective: Objective | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        rounded = {key: round(one, 4) if isinstance(one, float) else one for key, one in self.figures.items()}
        return {"code": self.code.value, "objective": self.objective and self.objective.value, "figures": rounded}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`. Raises KeyError or ValueError on anything else."""
        objective = data["objective"]
        return cls(ReasonCode(data["code"]), None if objective is None else Objective(objective), dict(data["figures"]))
