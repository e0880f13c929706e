"""`python -m tests.soak [frames] [--bytes N] [--seed S]`: feed spoilt frames to sessions until so many bytes went in.

Nothing may raise, and an observer may find no error in what our side says. No frame may take more than 50 ms of CPU; a
slow one is tried again before it counts, because the machine has moments of its own. The largest frames that are valid
come first, since they are the same each time. What fails is written to .flexhub/ with all that its session had heard
before, and the exit status is 1.

`python -m tests.soak crowd [--short] [--server daphne] [--sessions N] [--rate R] [--seconds S]`: thousands of sessions
on one gateway process, and its death among them (crowd.py). It takes half an hour, and with --short a few minutes. The
rows of a whole run are kept with those of the benchmarks and shown in docs/performance.md, others are only printed. The
exit status is 1 where a target is missed.

`python -m tests.soak weeks [--short] [--homes N] [--days N]`: the demo street for three simulated weeks in which
everything goes wrong now and then (weeks.py), in virtual time. It takes an hour or two, and with --short, a day of two
homes, a minute. The rows are kept as those of the crowd.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random

from cem_service.planners.kernels.warm import warm_up
from tests.bench.crowd_rows import SERVERS
from tests.bench.report import write_page
from tests.bench.rows import Row, keep, table
from tests.soak.crowd import Scale, soak
from tests.soak.fuzz import Fuzz
from tests.soak.mutants import size_of
from tests.soak.stages import LIMIT_S, Stage, Step
from tests.soak.weeks import HOMES, live_all
from tests.soak.worst import worst_frames
from tests.support.early import ROOT

WEEKS_DAYS, SHORT_DAYS, SHORT_HOMES = 21.0, 1.0, 2
SHORT = Scale(sessions=500, rate=50.0, seconds=30.0)
_TOLD = 12


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Soak the hub in what is too much.")
    parser.add_argument(
        "part", nargs="?", choices=("frames", "crowd", "weeks"), default="frames", help="default: frames"
    )
    frames = parser.add_argument_group("frames")
    frames.add_argument("--bytes", type=int, default=10_000_000, help="how much to feed (default: 10 million)")
    frames.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000_000, help="of an earlier run")
    crowd = parser.add_argument_group("crowd")
    crowd.add_argument(
        "--short", action="store_true", help="500 sessions, 50 messages a second, 30 s; of weeks, a day of two homes"
    )
    crowd.add_argument("--server", choices=SERVERS, action="append", help="one ASGI server only")
    crowd.add_argument("--sessions", type=int, help="how many (default: 5,000)")
    crowd.add_argument("--rate", type=float, help="messages a second of all sessions together (default: 500)")
    crowd.add_argument("--seconds", type=float, help="how long they speak (default: 600)")
    weeks = parser.add_argument_group("weeks")
    weeks.add_argument("--homes", type=int, choices=range(1, HOMES + 1), help=f"how many (default: {HOMES})")
    weeks.add_argument("--days", type=float, help="simulated days (default: 21)")
    chosen = parser.parse_args()
    return {"frames": _soak_frames, "crowd": _soak_crowd, "weeks": _soak_weeks}[chosen.part](chosen)


def _soak_weeks(chosen: argparse.Namespace) -> int:
    homes = chosen.homes or (SHORT_HOMES if chosen.short else HOMES)
    days = chosen.days or (SHORT_DAYS if chosen.short else WEEKS_DAYS)
    warm_up()
    return _shown(live_all(timedelta(days=days), homes, _say), whole=(homes, days) == (HOMES, WEEKS_DAYS))


def _soak_crowd(chosen: argparse.Namespace) -> int:
    wanted = {name: value for name in ("sessions", "rate", "seconds") if (value := getattr(chosen, name)) is not None}
    scale = replace(SHORT if chosen.short else Scale(), **wanted)
    rows = soak(scale, chosen.server or SERVERS, _say)
    return _shown(rows, whole=scale == Scale())


def _shown(rows: list[Row], *, whole: bool) -> int:
    """Rows of a whole run are kept, those of others are only printed."""
    if whole:
        keep(rows)
        write_page()
    _say(table(rows))
    return 0 if all(row.ok for row in rows) else 1


def _soak_frames(chosen: argparse.Namespace) -> int:
    _say(f"seed {chosen.seed}, {chosen.bytes:,} bytes")
    failures = [*_soak_worst(), *_soak_mutants(chosen.seed, chosen.bytes)]
    for number, (name, why, stage) in enumerate(failures):
        path = ROOT / ".flexhub" / f"soak-{chosen.seed}-{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"name": name, "why": why} | stage.as_dict(), indent=1))
        _say(f"FAILED {name}: {why}\n  kept in {path}")
    return 1 if failures else 0


_Failure = tuple[str, str, Stage]


def _soak_worst() -> Iterator[_Failure]:
    costs: list[tuple[float, str]] = []
    for worst in worst_frames():
        stage = worst.stage()
        stage.do(Step("hear", worst.text))
        cost = stage.cost_again()
        costs.append((cost, f"{worst.name} ({size_of(worst.text):,} bytes)"))
        if cost > LIMIT_S:
            yield worst.name, f"{cost * 1000:.1f} ms", stage
    _say("largest valid frames:")
    for cost, name in sorted(costs, reverse=True)[:_TOLD]:
        _say(f"  {cost * 1000:6.1f} ms  {name}")


def _soak_mutants(seed: int, size: int) -> Iterator[_Failure]:
    fuzz = Fuzz(Random(seed))  # noqa: S311 - repeatable on purpose.
    while fuzz.fed < size:
        try:
            slow_s = fuzz.play(timed=True)
        except Exception:  # noqa: BLE001 - that none comes is what is tried.
            yield "an exception", traceback.format_exc(), fuzz.stage
            break  # Fix it before looking on: the same one would come again and again.
        else:
            if slow_s is not None:
                yield "a slow frame", f"{slow_s * 1000:.1f} ms", fuzz.stage
            if fuzz.stage.blamed:
                yield "an error of ours", fuzz.stage.blamed[0].label, fuzz.stage
    _say(f"{fuzz.sessions:,} sessions heard {fuzz.frames:,} frames of {fuzz.fed:,} bytes, {fuzz.accepted:,} were OK")
    _say("slowest spoilt frames:")
    for cost_s, head in sorted(fuzz.slowest, reverse=True):
        _say(f"  {cost_s * 1000:6.1f} ms  {head}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # What the command is for.


if __name__ == "__main__":
    sys.exit(main())
