"""What one device sees of the cost of its site: the hinges of all terms by its own power. For `site_cost`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cem_service.planners.kernels import kernel
from cem_service.planners.kernels.store_step import Floats, Ints


class Seen(NamedTuple):
    """The terms that its power counts in, whatever everything else does.

    `circuits` is how many powers of the site they ask for. `at_w` is by its own power, (terms, steps), if nothing else
    took any; `share` of that power lies on the term's circuit. `below_eur_per_kwh`, (terms, steps), is the weight of a
    term that is below a power, and 0 of another.
    """

    circuits: int
    circuit: Ints
    share: Floats
    at_w: Floats
    below_eur_per_kwh: Floats


def hinges_beside(others_w: Floats, sell: Floats, seen: Seen) -> tuple[Floats, Floats]:
    """(EUR per hour and kW at no power, (steps,); the hinges in W, (steps, terms + 1)) beside `others_w`.

    `others_w` is (circuits, steps). The first hinge is that between feeding in and drawing. Raises ValueError where a
    circuit of a term is not there, which a kernel would not notice.
    """
    if len(others_w) < seen.circuits:
        raise ValueError(f"a cost of {seen.circuits} circuits needs the power of each, not of {len(others_w)}")
    return _hinges_beside(others_w, sell, seen)


@kernel
def _hinges_beside(others_w: Floats, sell: Floats, seen: Seen) -> tuple[Floats, Floats]:
    terms, steps = seen.at_w.shape
    offset, hinges = np.empty(steps), np.empty((steps, terms + 1))
    for t in range(steps):
        below = 0.0
        hinges[t, 0] = -others_w[0, t]
        for k in range(terms):
            at_w = seen.at_w[k, t] - others_w[seen.circuit[k], t] / seen.share[k]
            hinges[t, k + 1] = at_w
            # max(0, at - p) is max(0, p - at) less (p - at).
            below += seen.below_eur_per_kwh[k, t] * at_w
        offset[t] = sell[t] * others_w[0, t] + below
    return offset, hinges


def warm_up() -> None:
    """One term in one step."""
    one = np.ones((1, 1))
    hinges_beside(one, np.ones(1), Seen(1, np.zeros(1, np.intp), np.ones(1), one, one))
