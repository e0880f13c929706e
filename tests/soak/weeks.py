"""Three simulated weeks of the demo street, in which everything goes wrong now and then: see `tests/support/faults.py`.

Sessions are lost, instructions refused, statuses late or missing, a clock is fast, prices stop coming, and the CEM's
workers stand still for hours. What has to hold is what every home was promised: its comfort, and calm devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from flexhub.clock import Clock
from flexhub.demo.config import HomeConfig
from flexhub.demo.household import Household
from flexhub.demo.street import HomePlan, homes
from tests.bench.rows import Row
from tests.support.faults import DAY, faults
from tests.support.virtual_home import VirtualHome

START = datetime(2026, 4, 21, 8, 30, tzinfo=UTC)
HOMES = 12
# How often a device may be switched in a day at most: with its minimum times a heat pump could be 72 times, and a
# battery at every passing cloud.
MOST_SWITCHES = {"HEAT_PUMP": 48, "EV_CHARGER": 48, "BATTERY": 240}


@dataclass(frozen=True, slots=True)
class Weeks:
    """One home after its time; costs in EUR are corrected for what its stores hold more than without a CEM."""

    home: str
    comfort_missed: int
    switches_a_day: dict[str, float]
    on_eur: float
    off_eur: float
    metered_eur: float
    avoidable_overload_s: float
    sessions: int


def street() -> list[HomePlan]:
    return homes(START)


def live(plan: HomePlan, lasts: timedelta) -> Weeks:
    home = VirtualHome(config_of(plan), START, faults(plan.seed, len(plan.devices), lasts)).run(lasts)
    world = home.world
    return Weeks(
        home=plan.name,
        comfort_missed=comfort_missed(world.on),
        switches_a_day={kind: turns / (lasts / DAY) for kind, turns in home.turns.items()},
        on_eur=cost_eur(world.on, world.off),
        off_eur=cost_eur(world.off, world.off),
        metered_eur=cost_eur(world.metered or world.off, world.off),
        avoidable_overload_s=world.on.accounts.longest_avoidable_overrun_s,
        sessions=sum(line.sessions for line in home.lines),
    )


def live_all(lasts: timedelta, count: int, say: Callable[[str], None]) -> list[Row]:
    found = []
    with ProcessPoolExecutor() as workers:
        for weeks in workers.map(live, street()[:count], [lasts] * count):
            say(f"{weeks.home}: {weeks.on_eur:.2f} EUR, {weeks.off_eur:.2f} left to itself; {weeks.sessions} sessions")
            found.append(weeks)
    return rows(found)


def rows(found: Iterable[Weeks]) -> list[Row]:
    found = list(found)
    on, off, metered = (sum(getattr(each, name) for each in found) for name in ("on_eur", "off_eur", "metered_eur"))
    switches = (
        Row(f"weeks-switches-{kind.lower().replace('_', '-')}", _most_switches(found, kind), "a day", target=most)
        for kind, most in MOST_SWITCHES.items()
    )
    return [
        Row("weeks-comfort", sum(each.comfort_missed for each in found), "times", target=0.0),
        *switches,
        Row("weeks-cost", on, "EUR", target=1.0, baseline=off),
        Row("weeks-cost-metered", on, "EUR", baseline=metered),
        Row("weeks-overload", max(each.avoidable_overload_s for each in found), "s"),
    ]


def _most_switches(found: Iterable[Weeks], kind: str) -> float:
    return max((each.switches_a_day[kind] for each in found if kind in each.switches_a_day), default=0.0)


def config_of(plan: HomePlan) -> HomeConfig:
    credentials = [(str(uuid5(NAMESPACE_URL, f"{plan.name}/{device.kind}")), "unused") for device in plan.devices]
    content = plan.config(
        ws_url="ws://unused/", clock=Clock.system(), report=Path("unused.json"), credentials=credentials
    )
    return HomeConfig.model_validate(content)


def comfort_missed(side: Household) -> int:
    """Cars that left without their target, and whether the buffer or the dishes missed theirs."""
    cold = side.heat_pump is not None and side.heat_pump.discomfort_s > 0
    late = side.dishwasher is not None and side.dishwasher.late_s > 0
    return (0 if side.ev is None else side.ev.missed_departures) + int(cold) + int(late)


def cost_eur(side: Household, off: Household) -> float:
    accounts = side.accounts
    more_kwh = (side.stored_wh() - off.stored_wh()) / 1000
    return accounts.cost_eur - more_kwh * accounts.tariff.mean_import_eur_per_kwh
