"""A site's usual day as numbers: what a learned forecast is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.series import Array

QUARTERS = 96
# Levels at which a forecast says how sure it is.
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class UsualDay:
    """`usual_w` is the mean power by (weekday or weekend, local quarter hour), shape (2, 96), in W.

    `fading` is the share of a difference that is left a quarter hour later. `spread_w` is how far off the quantiles
    of QUANTILES lie from the forecast by two-hour stretch of the day, shape (3, 12). `darkness` marks the quarter
    hours, shape (96,), in which the series never differed from zero: a difference does not last into the night.
    """

    timezone: str
    usual_w: Array
    spread_w: Array
    fading: float
    darkness: NDArray[np.bool_]

    def as_dict(self) -> dict[str, Any]:
        return {
            "timezone": self.timezone,
            "usual_w": np.round(self.usual_w).tolist(),
            "spread_w": np.round(self.spread_w).tolist(),
            "fading": round(self.fading, 4),
            "darkness": np.flatnonzero(self.darkness).tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`, up to rounding. Raises KeyError or ValueError on anything else."""
        darkness = np.zeros(QUARTERS, dtype=np.bool_)
        darkness[data["darkness"]] = True
        return cls(
            timezone=data["timezone"],
            usual_w=np.array(data["usual_w"], dtype=np.float64).reshape(2, QUARTERS),
            spread_w=np.array(data["spread_w"], dtype=np.float64).reshape(len(QUANTILES), -1),
            fading=float(data["fading"]),
            darkness=darkness,
        )
