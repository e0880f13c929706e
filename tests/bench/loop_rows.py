"""How much of what a battery could save at most plans, instructions and reactions do save, over ten days in 24 homes.

On seeds that were never used while the planners were made. Each home is compared with itself left alone, with plain
self-consumption, and with the optimum of the whole span.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from statistics import median

from cem_service.planners.kernels.warm import warm_up
from tests.bench.rows import Row
from tests.support.battery_loop import Forecast, Score, score
from tests.support.scenarios.battery_home import battery_home

JUDGING_SEEDS = range(100, 124)


def perfect() -> Row:
    return Row("loop-perfect", 100 - 100 * _median(Forecast.PERFECT), "%", target=2.0)


def persistence() -> Row:
    return Row("loop-persistence", 100 - 100 * _median(Forecast.PERSISTENCE), "%", target=12.0)


def below_rule() -> Row:
    """The home that fares worst against the rule, whatever the forecast."""
    worst = max(each.by_rule - each.share for forecast in Forecast for each in _scores()[forecast])
    return Row("loop-below-rule", 100 * worst, "points", target=5.0)


def by_rule() -> Row:
    return Row("loop-rule", 100 - 100 * median(each.by_rule for each in _scores()[Forecast.PERFECT]), "%")


def _median(forecast: Forecast) -> float:
    return median(each.share for each in _scores()[forecast])


@cache
def _scores() -> Mapping[Forecast, list[Score]]:
    warm_up()
    every = list(product(Forecast, JUDGING_SEEDS))
    with ProcessPoolExecutor() as workers:
        scores = list(workers.map(_score, every))
    return {
        forecast: [found for (of, _), found in zip(every, scores, strict=True) if of is forecast]
        for forecast in Forecast
    }


def _score(of: tuple[Forecast, int]) -> Score:
    forecast, seed = of
    return score(battery_home(seed), forecast)


ROWS: Mapping[str, Callable[[], Row]] = {
    "loop-perfect": perfect,
    "loop-persistence": persistence,
    "loop-below-rule": below_rule,
    "loop-rule": by_rule,
}
