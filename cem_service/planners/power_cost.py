"""What the power of one device costs the site: all that a planner of one device is told of the world around it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cem_service.domain.series import Array

J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class PowerCost:
    """A piecewise linear cost of the device's own power p for each step, in EUR/kWh:

    `offset + slope * p + sum over k of weight[:, k] * max(0, p - at_w[:, k])`

    `offset` and `slope` have shape (steps,), `at_w` and `weight` (steps, hinges). Between two hinges every watt costs
    the same, so the powers in `at_w` (where the site draws nothing, where it meets a limit) are those worth trying.
    `paid_slope` and `paid_weight` are what of `slope` and `weight` is paid; the rest keeps limits and targets.
    What a kWh is worth that is still in a store after the last step: `leftover_eur_per_kwh` where it saves buying it,
    and `returned_eur_per_kwh` where the store gives it back; None where nobody says.
    """

    offset: Array
    slope: Array
    at_w: Array
    weight: Array
    paid_slope: Array
    paid_weight: Array
    leftover_eur_per_kwh: float | None = None
    returned_eur_per_kwh: float | None = None

    @property
    def steps(self) -> int:
        return int(self.slope.size)

    @property
    def is_convex(self) -> bool:
        """False where a kilowatt-hour more may cost less: a sale that earns more than the purchase costs."""
        return bool((self.weight >= 0.0).all())

    def at(self, steps: NDArray[np.intp]) -> PowerCost:
        """The cost of other stretches of time, each with what holds in the step that is named for it."""
        return replace(
            self,
            offset=self.offset[steps],
            slope=self.slope[steps],
            at_w=self.at_w[steps],
            weight=self.weight[steps],
            paid_slope=self.paid_slope[steps],
            paid_weight=self.paid_weight[steps],
        )

    def beside(self, power_w: Array) -> PowerCost:
        """The cost for a second device while a first one takes `power_w`, shape (steps,)."""
        return replace(self, offset=self.offset + self.slope * power_w, at_w=self.at_w - power_w[:, None])

    def mirrored(self) -> PowerCost:
        """The same cost by the power that the device gives."""
        # max(0, -q - at) is max(0, q + at) less (q + at).
        return replace(
            self,
            offset=self.offset - (self.weight * self.at_w).sum(axis=1),
            slope=-self.slope - self.weight.sum(axis=1),
            at_w=-self.at_w,
            paid_slope=-self.paid_slope - self.paid_weight.sum(axis=1),
        )

    @property
    def paid(self) -> PowerCost:
        """What is paid alone, for the difference between two powers: its offset means nothing."""
        return replace(self, slope=self.paid_slope, weight=self.paid_weight)

    def eur(self, power_w: Array, durations_s: Array | float) -> Array:
        """EUR for holding `power_w` for `durations_s`; the steps run along the first axis of all arrays."""
        extra_axes = (1,) * (power_w.ndim - 1)
        cost = self.offset.reshape(-1, *extra_axes) + self.slope.reshape(-1, *extra_axes) * power_w
        for at_w, weight in zip(self.at_w.T, self.weight.T, strict=True):
            cost = cost + weight.reshape(-1, *extra_axes) * np.maximum(power_w - at_w.reshape(-1, *extra_axes), 0.0)
        result: Array = cost * (np.reshape(durations_s, (-1, *extra_axes)) / J_PER_KWH)
        return result

    def marginal_eur_per_kwh(self, power_w: Array) -> Array:
        """What one watt more costs in each step at `power_w`, shape (steps,)."""
        passed = np.where(power_w[:, None] >= self.at_w, self.weight, 0.0)
        result: Array = self.slope + passed.sum(axis=1)
        return result
