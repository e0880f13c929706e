"""What the fuses of the phases leave to the units of a site at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from cem_service.domain.phases import PhasePowers, PhaseShares

_PHASES = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class PhaseRoom:
    """`base_w` is what each phase carries without the units, `shares` how the power of each unit spreads over them.

    A phase may carry up to `draws_w` one way and `feeds_w` the other, both positive; powers are those of all units, in
    the order of `shares`.
    """

    base_w: PhasePowers
    shares: Sequence[PhaseShares]
    draws_w: float
    feeds_w: float

    def loads_w(self, powers_w: Sequence[float]) -> PhasePowers:
        first, second, third = self.base_w
        for power_w, share in zip(powers_w, self.shares, strict=True):
            first += power_w * share[0]
            second += power_w * share[1]
            third += power_w * share[2]
        return first, second, third

    def overrun_w(self, powers_w: Sequence[float]) -> float:
        """The sum over the phases, so that to relieve any of them counts."""
        return sum(max(load_w - self.draws_w, -load_w - self.feeds_w, 0.0) for load_w in self.loads_w(powers_w))

    def left_to(self, unit: int, powers_w: Sequence[float]) -> tuple[float, float]:
        """(least, most) in W that one unit may take beside the others, as far as its phases are concerned."""
        least_w, most_w = -inf, inf
        loads_w, shares = self.loads_w(powers_w), self.shares[unit]
        for phase in _PHASES:
            if shares[phase] > 0.0:
                others_w = loads_w[phase] - powers_w[unit] * shares[phase]
                most_w = min(most_w, (self.draws_w - others_w) / shares[phase])
                least_w = max(least_w, (-self.feeds_w - others_w) / shares[phase])
        return least_w, most_w

    def fullest(self, powers_w: Sequence[float]) -> tuple[int, float]:
        """(which phase is the most over, or the nearest to its fuse; the power on it)."""
        loads_w = self.loads_w(powers_w)
        phase = max(_PHASES, key=lambda each: max(loads_w[each] - self.draws_w, -loads_w[each] - self.feeds_w))
        return phase, loads_w[phase]
