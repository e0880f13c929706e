"""Thousands of sessions for a long time, and through the death of their gateway, with an audit after each.

*talk*: all connect, and speak at a steady rate. What each was told is compared with what PostgreSQL and Redis have,
while the sessions are still open.

*restart*: while they speak the gateway gets SIGKILL and is started again at once. The sessions come back by themselves,
after random(0, min(600 s, 2 s * 2^n)) as S2 Connect has it, and what was acknowledged until then has to be there.
"""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexhub.load.engine.record import HEARD_OUT
from tests.bench.crowd import CONNECT_RATE, PATIENCE_S, Crowd, crowd, wait_for
from tests.bench.homes import Home, register
from tests.bench.rows import Row
from tests.bench.world import World, bench_world
from tests.soak.audit import Drain, missing_measurements, missing_states

# While these are audited nobody hurries them.
LINGER_S = 3_600
SAMPLE_EVERY_S = 2.0
BEFORE_THE_KILL_S = 20.0
AFTER_THE_RETURN_S = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scale:
    """`rate` is that of all sessions together, a second."""

    sessions: int = 5_000
    rate: float = 500.0
    seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a stage plays."""

    world: World
    gathered: Crowd
    homes: Sequence[Home]
    scale: Scale
    server: str
    say: Say

    def record(self, stage: str) -> Path:
        return self.gathered.folder / f"record-{stage}"

    def row(self, name: str, value: float, unit: str, target: float | None = None) -> Row:
        """The targets are for the server that is the default; the other one is shown beside."""
        daphne = self.server == "daphne"
        return Row(name if daphne else f"{name}-{self.server}", value, unit, target if daphne else None)


def soak(scale: Scale, servers: Sequence[str], say: Say) -> list[Row]:
    """Both stages under each of these servers, in a world of their own."""
    rows: list[Row] = []
    with bench_world() as world:
        say(f"registering {scale.sessions:,} homes")
        homes = register(scale.sessions)
        with Drain(world.environment["REDIS_URL"]) as drain:
            for server in servers:
                for stage in (talk, restart):
                    say(f"{server}: {stage.__name__}")
                    with crowd(world, server) as gathered:
                        rows += stage(Scene(world, gathered, homes, scale, server, say), drain)
    return rows


def talk(scene: Scene, drain: Drain) -> list[Row]:
    gateway, scale, record = scene.gathered.gateway, scene.scale, scene.record("talk")
    generator = scene.gathered.open(scene.homes, rate=scale.rate, seconds=scale.seconds, linger=LINGER_S, record=record)
    scene.gathered.await_controlled(scale.sessions)
    scene.say(f"all {scale.sessions:,} are open and under FRBC")
    cpu_s, started, sizes_kb = gateway.cpu_s, time.monotonic(), [gateway.rss_kb]
    latest = started + scale.seconds + PATIENCE_S
    while not _is_heard_out(record):
        assert generator.runs, "the load generator ended early"
        assert time.monotonic() < latest, "the load generator did not come to its end"
        time.sleep(SAMPLE_EVERY_S)
        sizes_kb.append(gateway.rss_kb)
    busy = (gateway.cpu_s - cpu_s) / (time.monotonic() - started) * 100
    drain.finish()
    missing = missing_measurements(record, scene.homes) + missing_states(scene.world, record, scene.homes)
    generator.interrupt()
    counted = generator.result()
    scene.say(_summary(counted))
    told_no = sum(counted["refused"].values()) + sum(counted["closes"].values())
    scene.say(f"{missing} acknowledged and missing, {counted['lost']} never answered, {told_no} refused or closed")
    return [
        scene.row("soak-rate", counted["acknowledged_rate"], "messages/s"),
        scene.row("soak-ack-p99", counted["answering"]["p99"] * 1000, "ms", target=250.0),
        scene.row("soak-lost", float(missing + counted["lost"] + told_no), "messages", target=0.0),
        scene.row("soak-growth", _growth(sizes_kb), "%", target=5.0),
        scene.row("soak-cpu", busy, "% of a core"),
    ]


def restart(scene: Scene, drain: Drain) -> list[Row]:
    gateway, scale, record = scene.gathered.gateway, scene.scale, scene.record("restart")
    generator = scene.gathered.open(scene.homes, rate=scale.rate, seconds=LINGER_S, record=record)
    scene.gathered.await_controlled(scale.sessions)
    time.sleep(BEFORE_THE_KILL_S)
    gateway.signal(signal.SIGKILL)
    killed = time.monotonic()
    gateway.wait()
    gateway.start()
    within_s = PATIENCE_S + scale.sessions / CONNECT_RATE
    wait_for(lambda: scene.gathered.selector.controlled(gateway.pid) >= scale.sessions, "all are back", within_s)
    back_s = time.monotonic() - killed
    time.sleep(AFTER_THE_RETURN_S)
    generator.interrupt()
    counted = generator.result()
    drain.finish()
    missing = missing_measurements(record, scene.homes)
    scene.say(_summary(counted))
    scene.say(f"all back under FRBC {back_s:.1f} s after the kill; {missing} acknowledged and missing")
    return [
        scene.row("soak-back", back_s, "s", target=60.0),
        scene.row("soak-back-lost", float(missing), "messages", target=0.0),
    ]


def _is_heard_out(record: Path) -> bool:
    with record.open("rb") as file:
        file.seek(max(0, record.stat().st_size - 2 * len(HEARD_OUT)))
        return HEARD_OUT.encode() in file.read()


def _growth(sizes_kb: Sequence[float]) -> float:
    """In percent, from the second tenth of the time to the last; the first warms up."""
    tenth = max(1, len(sizes_kb) // 10)
    before, after = sizes_kb[tenth : 2 * tenth] or sizes_kb[:1], sizes_kb[-tenth:]
    return (statistics.mean(after) / statistics.mean(before) - 1) * 100


def _summary(counted: dict[str, Any]) -> str:
    names = (
        "opened",
        "reopened",
        "controlled",
        "acknowledged",
        "temporary",
        "cut_off",
        "refusals",
        "closes",
        "behind_s",
    )
    return ", ".join(f"{name} {counted[name]}" for name in names)
