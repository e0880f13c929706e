"""What it is worth to be in a mode: the expected cost from the coming quarter hours on, by the state of all machines.

This is what a plan hands to the reactive layer for devices without a store. The state holds the timers too: a mode that
cannot be left for an hour is worth less than the same mode with the way out open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a machine stands at some moment: its mode, and in seconds what is left of its timers and its transition."""

    mode_id: str
    timers_s: Mapping[str, float] = field(default_factory=dict)
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ValuedState:
    """The same at an edge between steps, with the timers in steps."""

    mode_id: str
    timers: Mapping[str, int]
    lag_s: float


@dataclass(frozen=True)
class ModeValues:
    """`cost_eur[k, n]` belongs to the moment `start + k * step_s` and to `states[n]`, one state for each machine.

    In EUR; only differences matter.
    """

    start: datetime
    step_s: float
    states: tuple[tuple[ValuedState, ...], ...]
    cost_eur: Array

    @property
    def ends(self) -> datetime:
        """The last moment that is valued."""
        return self.start + timedelta(seconds=self.step_s * (len(self.cost_eur) - 1))

    def cost_at(self, moment: datetime, situations: Sequence[Situation]) -> float:
        """Interpolated in time, for the known state that is most like the situations.

        Modes that no known state has cost as much as the dearest one.
        """
        position = min(max((moment - self.start).total_seconds() / self.step_s, 0.0), len(self.cost_eur) - 1.0)
        before = int(position)
        after = min(before + 1, len(self.cost_eur) - 1)
        row = (1.0 - position + before) * self.cost_eur[before] + (position - before) * self.cost_eur[after]
        alike = self._by_modes.get(tuple(each.mode_id for each in situations), ())
        if not alike:
            return float(row.max())
        return float(row[min(alike, key=lambda index: self._distance(self.states[index], situations))])

    @cached_property
    def _by_modes(self) -> dict[tuple[str, ...], list[int]]:
        found: dict[tuple[str, ...], list[int]] = {}
        for index, state in enumerate(self.states):
            found.setdefault(tuple(each.mode_id for each in state), []).append(index)
        return found

    def _distance(self, state: tuple[ValuedState, ...], situations: Sequence[Situation]) -> float:
        """In steps, over all timers and transitions."""
        steps = 0.0
        for known, real in zip(state, situations, strict=True):
            steps += abs(known.lag_s - real.lag_s) / self.step_s
            for timer, left in known.timers.items():
                steps += abs(left - math.ceil(real.timers_s.get(timer, 0.0) / self.step_s - 1e-9))
        return steps

    def as_dict(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "step_s": self.step_s,
            "states": [[[each.mode_id, dict(each.timers), each.lag_s] for each in one] for one in self.states],
            "cost_eur": np.round(self.cost_eur - self.cost_eur.min(), 5).tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The inverse of `as_dict`, up to rounding. Raises KeyError, TypeError or ValueError."""
        return cls(
            start=datetime.fromisoformat(data["start"]),
            step_s=float(data["step_s"]),
            states=tuple(tuple(ValuedState(*each) for each in one) for one in data["states"]),
            cost_eur=np.array(data["cost_eur"], dtype=np.float64),
        )
