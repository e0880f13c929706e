"""What a household uses without asking anyone: standby, a refrigerator, and appliances on a seeded schedule.

The schedule is a function of the seed and the local date, so that the future is as fixed as the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from flexhub.demo.physics.chance import chance, dice

REFRIGERATOR_W = 90.0
REFRIGERATOR_CYCLE_S = 2700.0


@dataclass(frozen=True, slots=True)
class Run:
    """One appliance running, in minutes of the local day."""

    start: float
    end: float
    power_w: float


@dataclass(frozen=True, slots=True)
class Appliance:
    """Runs for `minutes` at `power_w`, at one of the `around` times give or take `spread`, with a probability."""

    around: tuple[float, ...]
    spread: float
    minutes: float
    power_w: float
    probability: float = 1.0


APPLIANCES = (
    Appliance(around=(425, 650, 790, 965, 1215), spread=35, minutes=3, power_w=2000, probability=0.8),  # kettle
    Appliance(around=(440,), spread=25, minutes=4, power_w=900, probability=0.8),  # toaster
    Appliance(around=(745,), spread=40, minutes=6, power_w=1100, probability=0.6),  # microwave
    Appliance(around=(700,), spread=90, minutes=18, power_w=1900, probability=0.4),  # washing machine heats
    Appliance(around=(1080,), spread=35, minutes=12, power_w=2200, probability=0.75),  # oven heats up
    Appliance(around=(1105, 1118, 1131), spread=6, minutes=5, power_w=2200, probability=0.7),  # oven keeps warm
    Appliance(around=(1090,), spread=30, minutes=22, power_w=1500, probability=0.8),  # hob
    Appliance(around=(1175,), spread=25, minutes=165, power_w=130),  # television
    Appliance(around=(1140,), spread=20, minutes=230, power_w=140),  # light
    Appliance(around=(540,), spread=30, minutes=440, power_w=120, probability=0.5),  # a computer at home
)


@dataclass(frozen=True, slots=True)
class Load:
    """The household's own consumption."""

    seed: int
    standby_w: float = 160.0

    def power_w(self, at_s: float, day: date, minute_of_day: float) -> float:
        phase = (at_s + 2700 * chance(self.seed, "refrigerator")) % REFRIGERATOR_CYCLE_S
        cold = REFRIGERATOR_W if phase < REFRIGERATOR_CYCLE_S / 3 else 0.0
        flicker = 40 * chance(self.seed, "standby", at_s // 600)
        running = sum(run.power_w for run in schedule(self.seed, day) if run.start <= minute_of_day < run.end)
        return self.standby_w + cold + flicker + running


@lru_cache(maxsize=64)
def schedule(seed: int, day: date) -> tuple[Run, ...]:
    """The runs of one local day; nothing of it lasts past midnight."""
    throw = dice(seed, "appliances", day.isoformat())
    runs = []
    for appliance in APPLIANCES:
        for around in appliance.around:
            start = around + throw.uniform(-appliance.spread, appliance.spread)
            if throw.random() < appliance.probability:
                runs.append(Run(start, start + appliance.minutes, appliance.power_w * throw.uniform(0.92, 1.08)))
    return tuple(runs)
