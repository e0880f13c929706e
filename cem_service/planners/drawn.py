"""Limits that are drawn for a resource with a power envelope, step by step, and what it does within them.

Limits only take power away, towards 0 W. So one direction is limited at a time, and in amounts: what the resource
takes by its upper limits, what it gives by its lower ones. Each limit is one that is on offer (R-72, R-76), and the
other one of the pair leaves all the freedom that it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import cast

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.pebc import EnergyWindow, Interval, PEBCResource
from cem_service.domain.series import Array
from cem_service.instructions import Envelope
from cem_service.planners.horizon import Horizon
from cem_service.planners.plan import EnvelopeSpan

Flags = NDArray[np.bool_]

NEGLIGIBLE_W = 1e-6
# Limits may be offered up to any number; beyond this they are all alike.
MOST_AMOUNT_W = 1e9


@dataclass(frozen=True)
class Side:
    """One direction: what is taken (`sign` 1) or given (-1). `ranges` are the amounts of each quantity on offer."""

    sign: float
    ranges: tuple[tuple[Interval, ...], ...]

    @classmethod
    def of(cls, resource: PEBCResource, sign: float) -> Side:
        if sign > 0:
            return cls(sign, tuple(limits.upper for limits in resource.limits))
        return cls(sign, tuple(tuple((-end, -start) for start, end in limits.lower) for limits in resource.limits))

    @property
    def widest_w(self) -> Array:
        """The highest amount on offer, shape (quantities,)."""
        return np.array([max(end for _, end in each) for each in self.ranges])

    @property
    def ends_w(self) -> Array:
        """All ends of ranges, where the resource has one quantity only; of several, no sum of ends is one itself."""
        return np.array([end for each in self.ranges for pair in each for end in pair if len(self.ranges) == 1])

    def on_offer(self, amount_w: Array) -> Array:
        """For each amount the highest limits up to it, spread over the quantities as they are wide, else the lowest.

        Shape (..., quantities); NaN where no limit on offer leaves the direction as it is.
        """
        each = zip(self._shares, self.ranges, strict=True)
        return np.stack([_highest_up_to(share * amount_w, ranges) for share, ranges in each], axis=-1)

    def nearest_on_offer(self, amount_w: float) -> Array:
        """Limits that allow about this amount together, shape (quantities,); NaN as above."""
        below_w = self.on_offer(np.array(amount_w))
        each = zip(self._shares, self.ranges, strict=True)
        above_w = np.array([_lowest_from(share * amount_w, ranges) for share, ranges in each])
        nearer = float(above_w.sum()) - amount_w < amount_w - float(below_w.sum())
        return above_w if nearer else below_w

    @cached_property
    def _shares(self) -> Array:
        widest_w = np.clip(self.widest_w, 0.0, MOST_AMOUNT_W)
        total_w = float(widest_w.sum())
        shares: Array = widest_w / total_w if total_w > 0.0 else np.full(widest_w.size, 1.0 / widest_w.size)
        return shares


def _lowest_from(wanted_w: float, ranges: tuple[Interval, ...]) -> float:
    return min((max(start, wanted_w) for start, end in ranges if end >= wanted_w), default=np.inf)


def _highest_up_to(wanted_w: Array, ranges: tuple[Interval, ...]) -> Array:
    best, lowest = np.full(wanted_w.shape, -np.inf), np.inf
    for start, end in ranges:
        if end >= 0.0:
            first = max(start, 0.0)
            lowest = min(lowest, first)
            best = np.where(wanted_w >= first, np.maximum(best, np.minimum(wanted_w, end)), best)
    return np.where(np.isfinite(best), best, lowest if np.isfinite(lowest) else np.nan)


@dataclass
class Drawn:
    """`limits_w` holds the amount of each quantity's limit, (steps, quantities), in the direction `sign` of each step.

    A row of NaN is a step in which the resource is left free.
    """

    resource: PEBCResource
    sign: Array
    limits_w: Array

    @classmethod
    def nothing(cls, resource: PEBCResource, free_w: Array) -> Drawn:
        return cls(resource, np.where(free_w < 0.0, -1.0, 1.0), np.full((free_w.size, len(resource.limits)), np.nan))

    @property
    def holds(self) -> Flags:
        return cast("Flags", np.isfinite(self.limits_w).all(axis=1))

    @property
    def amount_w(self) -> Array:
        """What all limits of a step allow together; infinite where it is left free."""
        result: Array = np.where(self.holds, self.limits_w.sum(axis=1), np.inf)
        return result

    def drop_what_is_not_on_offer(self) -> None:
        """A limit whose other one would lie on its wrong side cannot be told."""
        for step in np.flatnonzero(self.holds):
            if not all(self._offered(int(step))):
                self.limits_w[step] = np.nan

    def _offered(self, step: int) -> list[bool]:
        told = self._envelopes(step)
        return [
            limits.offers(one.lower_limit_w, one.upper_limit_w)
            for limits, one in zip(self.resource.limits, told, strict=True)
        ]

    def _envelopes(self, step: int) -> tuple[Envelope, ...]:
        """What would be told in a step in which limits hold."""
        pairs = zip(self.resource.limits, self.limits_w[step], strict=True)
        if self.sign[step] > 0:
            return tuple(Envelope(limits.quantity, limits.widest[0], float(limit)) for limits, limit in pairs)
        return tuple(Envelope(limits.quantity, -float(limit), limits.widest[1]) for limits, limit in pairs)

    def spans(self, horizon: Horizon) -> tuple[EnvelopeSpan, ...]:
        """Steps with the same limits are one span; what is left free at the end is left out."""
        holds = self.holds.tolist()
        steps = groupby(range(horizon.steps), key=lambda step: self._envelopes(step) if holds[step] else ())
        found = [EnvelopeSpan(horizon.step_start(list(run)[-1] + 1), limits) for limits, run in steps]
        return tuple(found if found[-1].limits else found[:-1])

    def leave_room(self, step_eur: Array, horizon: Horizon) -> None:
        """Free steps, the cheapest first, until each window has room for all its energy (R-80), counted from now on.

        `step_eur` is what it costs to leave each step free.
        """
        for window in self.resource.windows:
            for sign, need_w in ((1.0, window.most_w), (-1.0, -window.least_w)):
                if need_w > 0.0:
                    self._leave_room(window, sign, need_w, step_eur, horizon)

    def _leave_room(self, window: EnergyWindow, sign: float, need_w: float, step_eur: Array, horizon: Horizon) -> None:
        side = Side.of(self.resource, sign)
        at = next(index for index, one in enumerate(self.resource.limits) if one.quantity is window.quantity)
        # Beside a number beyond any device, what is missing would be lost to rounding.
        widest_w = min(float(side.widest_w[at]), MOST_AMOUNT_W)
        begins = max(window.start.timestamp(), float(horizon.edges[0]))
        lasts_s = max(window.end.timestamp() - begins, 1.0)
        ends = np.minimum(horizon.edges[1:], window.end.timestamp())
        share = np.maximum(ends - np.maximum(horizon.edges[:-1], begins), 0.0) / lasts_s
        missing_w = np.where(self.holds & (self.sign == sign), widest_w - self.limits_w[:, at], 0.0) * share
        too_much_w = missing_w.sum() - max(widest_w - need_w, 0.0)
        narrow = np.flatnonzero(missing_w > NEGLIGIBLE_W)
        for step in sorted(narrow, key=lambda step: float(step_eur[step] / missing_w[step])):
            if too_much_w <= NEGLIGIBLE_W:
                return
            too_much_w -= missing_w[step]
            self.limits_w[step] = np.nan
