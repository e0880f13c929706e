"""Puts the demo on: rows, processes, the file for scripts, and what is printed while the street lives."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import redis
from django.core.management import call_command

from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.clock import Clock
from flexhub.demo import figures, fleet
from flexhub.demo.cloud_house import NAME
from flexhub.demo.presence import Presence, presence
from flexhub.demo.processes import ProcessSpec
from flexhub.demo.seed import NotOurDatabaseError, Seeded, seed
from flexhub.demo.showtime import clock_for, opening
from flexhub.demo.street import HomePlan
from flexhub.demo.street import homes as street_of
from flexhub.demo.supervisor import Supervisor
from flexhub.embedded.secrets_file import write_privately
from flexhub.embedded.services import Services

SECONDS_TO_CONNECT = 60
# The bus's keys and Celery's.
OUR_KEYS = "fh:*"
SECONDS_BETWEEN_LINES = 15.0


class Stage:
    """One run of the demo."""

    def __init__(
        self,
        root: Path,
        services: Services,
        port: int,
        environment: Mapping[str, str],
        report: Callable[[str], None],
    ) -> None:
        self._root = root
        self._services = services
        self._clock = Clock.system()
        self._base_url = f"http://127.0.0.1:{port}"
        self._ws_url = f"ws://127.0.0.1:{port}/s2/v0"
        self._port = port
        self._environment = dict(environment)
        self._began_s = time.monotonic()
        self._report = report
        self._bus = RedisWorkerBus(services.redis_url)
        self._next_line = 0.0

    def perform(self, *, speed: float, home_count: int) -> int:
        """Run until Ctrl-C or SIGTERM; returns the exit status. The street has its first `home_count` homes."""
        start = opening(datetime.now(UTC), speed=speed)
        homes = street_of(start)[:home_count]
        try:
            seeded = self._prepare(homes, start)
        except NotOurDatabaseError as error:
            self._report(str(error))
            return 1
        self._clock = clock_for(start, speed=speed)
        self._environment["FLEXHUB_CLOCK"] = str(self._clock)
        supervisor = Supervisor(self._root / "logs", self._root / "run", self._report)
        for spec in self._processes(homes, seeded):
            supervisor.add(spec)
        try:
            supervisor.start_all()
            self._write_file(seeded)
            self._welcome(seeded, self._wait_for_devices(seeded))
            supervisor.run_until_stopped(lambda: self._tick(homes))
        except KeyboardInterrupt:
            self._report("stopping")
        finally:
            supervisor.stop()
            self._print_figures(homes)
        return 0

    def _prepare(self, homes: Sequence[HomePlan], start: datetime) -> Seeded:
        self._report("preparing the database")
        call_command("migrate", database="owner", interactive=False, verbosity=0)
        self._report("registering the street")
        seeded = seed(homes, start)
        self._bus_forget()
        return seeded

    def _bus_forget(self) -> None:
        """What an earlier run left in Redis speaks of rows that are gone."""
        with redis.Redis.from_url(self._services.redis_url, socket_timeout=5) as connection:
            for key in connection.scan_iter(OUR_KEYS, count=1000):
                connection.delete(key)

    def _processes(self, homes: Sequence[HomePlan], seeded: Seeded) -> list[ProcessSpec]:
        hub = fleet.hub_processes(logs=self._root / "logs", port=self._port, environment=self._environment)
        street = fleet.home_processes(
            homes,
            seeded,
            folder=self._root / "homes",
            ws_url=self._ws_url,
            clock=self._clock,
            environment=self._environment,
        )
        return [*hub, *street]

    def _write_file(self, seeded: Seeded) -> None:
        """`demo.json` in the root folder, for scripts; it holds secrets, so only we may read it."""
        spare = [
            {
                "control_type": control_type.value,
                "node_id": str(key.node_id),
                "url": f"{self._ws_url}/{key.node_id}",
                "token": key.token,
            }
            for control_type, key in seeded.spare
        ]
        facts = {
            "base_url": self._base_url,
            "ws_url": self._ws_url,
            "logins": [asdict(login) for login in seeded.logins],
            "api_client_id": seeded.api_client.client_id,
            "api_client_secret": seeded.api_client.secret,
            "pool_id": str(seeded.pool_id),
            "spare_devices": spare,
            "hosted_devices": [
                {"name": each.name, "node_id": str(each.node_id), "link_id": str(each.link_id)}
                for each in seeded.hosted
            ],
            "clock": str(self._clock),
        }
        write_privately(self._root / "demo.json", json.dumps(facts, indent=2) + "\n")

    def _wait_for_devices(self, seeded: Seeded) -> Presence:
        deadline = time.monotonic() + SECONDS_TO_CONNECT
        there = Presence(connected=-1)
        while time.monotonic() < deadline and not there.is_complete(seeded):
            before, there = there, presence(seeded, self._bus.sessions())
            if there != before:
                self._report(there.in_words(seeded))
            time.sleep(0.5)
        return there

    def _welcome(self, seeded: Seeded, there: Presence) -> None:
        root = os.path.relpath(self._root)
        took_s = time.monotonic() - self._began_s
        pace = f"{self._clock.factor:g} simulated seconds a second"
        homes, devices = len(seeded.credentials), sum(map(len, seeded.credentials))
        lines = [
            f"ready after {took_s:.0f} s: {homes} homes with {devices} devices, {pace}",
            f"  as well       {there.attended} devices of the {NAME} are attended to, through their vendor's cloud",
            f"  web pages     {self._base_url}/admin/",
            f"  API           {self._base_url}/api/docs/",
            f"  devices       {self._ws_url}/<node>",
            *(f"  {login.kind.lower():<14}{login.username} / {login.password}" for login in seeded.logins),
            *self._api_lines(seeded),
            f"  all of this is in {root}/demo.json; logs are in {root}/logs; Ctrl-C stops everything",
        ]
        print("\n".join(lines), flush=True)

    def _api_lines(self, seeded: Seeded) -> tuple[str, ...]:
        """Two steps to copy: an access token for the secret of an aggregator's program, and the API with it."""
        shown = f"{seeded.api_client.client_id}:{seeded.api_client.secret}"
        ask = f"curl -s -u {shown} -d grant_type=client_credentials {self._base_url}/oauth/token"
        pool = f"{self._base_url}/api/v1/pools/{seeded.pool_id}/flexibility"
        return (
            f"  try           TOKEN=$({ask} | cut -d '\"' -f 4)",
            f'                curl -H "Authorization: Bearer $TOKEN" {pool}',
        )

    def _tick(self, homes: Sequence[HomePlan]) -> None:
        self._services.revive()
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            self._print_figures(homes)

    def _print_figures(self, homes: Sequence[HomePlan]) -> None:
        reports = [fleet.report_path(self._root / "homes", number) for number in range(1, len(homes) + 1)]
        street = figures.read(reports)
        if street is not None:
            print(figures.describe(street), flush=True)
