"""The whole hub as its own processes, on a database and a Redis of its own, so that a test may break any of them.

The processes are those of the demo's fleet: a gateway, Celery workers for planning and for moving rows, and beat. A
second gateway is there for who launches it.
They are started from the main thread only, since Linux ends them with the thread that started them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psutil
import psycopg
from psycopg.rows import dict_row

from flexhub import embedded
from flexhub.bus import SeatRecord
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.demo import fleet
from flexhub.demo.processes import Child, ProcessSpec, end_groups
from flexhub.embedded.server import Server
from flexhub.embedded.services import Services
from tests.support.databases import migrated_database
from tests.support.services import PREFIX, Addresses, DatabaseOfTests

# A machine that runs two test processes and this hub is slow at times; nothing waits this long when it works.
PATIENCE_S = 90.0
POLL_S = 0.1
# The worker for vendors' clouds has nothing to do here.
UNUSED = "worker-rm"
GATEWAY, SECOND_GATEWAY = "gateway", "gateway-2"

Found = TypeVar("Found")


class Hub:
    """Running processes by name: gateway, worker-cem, worker-default, beat. `ports` has those of the gateways."""

    def __init__(self, folder: Path, services: Services, database: DatabaseOfTests) -> None:
        self.ports = {name: free_port() for name in (GATEWAY, SECOND_GATEWAY)}
        self.environment = {
            **services.environment(),
            "DJANGO_SETTINGS_MODULE": "flexhub.settings",
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        self.database = database
        self.bus = RedisWorkerBus(services.redis_url)
        self._services = services
        self._logs, self._run = folder / "hub-logs", folder / "run"
        for each in (self._logs, self._run):
            each.mkdir()
        self._specs = self._read_specs()
        self._children: dict[str, Child] = {}

    def _read_specs(self) -> dict[str, ProcessSpec]:
        first, second = (
            {spec.name: spec for spec in fleet.hub_processes(logs=self._logs, port=port, environment=self.environment)}
            for port in self.ports.values()
        )
        del first[UNUSED]
        return first | {SECOND_GATEWAY: replace(second[GATEWAY], name=SECOND_GATEWAY)}

    @property
    def names(self) -> tuple[str, ...]:
        """What a hub consists of."""
        return tuple(name for name in self._specs if name != SECOND_GATEWAY)

    @property
    def port(self) -> int:
        return self.ports[GATEWAY]

    @property
    def redis(self) -> psutil.Process:
        """The server process."""
        process = self._redis_server.find()
        assert process is not None, "Redis does not run"
        return process

    @property
    def _redis_server(self) -> Server:
        (server,) = self._services.servers
        return server

    def url(self, node_id: UUID) -> str:
        return f"ws://127.0.0.1:{self.port}/s2/v0/{node_id}"

    # -- Processes -----------------------------------------------------------------------------------------------------

    def launch(self, *names: str) -> None:
        """Start these; `is_ready` tells when they are. From the main thread only."""
        for name in names:
            spec, log = self._specs[name], self._logs / f"{name}.log"
            if log.exists():
                log.rename(self._logs / f"{name}.{time.monotonic_ns()}.log")
            self._children[name] = Child(spec, log, self._run, fresh_log=True)

    def is_ready(self, *names: str) -> bool:
        """Whether these, or all, have come up. Fails when one has ended instead."""
        for name in names or self.names:
            child, ready = self._children[name], self._specs[name].ready
            assert child.how_it_ended() is None, f"{name} {child.how_it_ended()}:\n{child.log_tail(30)}"
            if ready is not None and not ready():
                return False
        return True

    def kill(self, name: str) -> None:
        """SIGKILL to the process and to all that it started."""
        for process in self._children[name].group.members():
            process.kill()
        self._children.pop(name).forget()

    def terminate(self, name: str) -> None:
        """SIGTERM to the process itself."""
        self.process(name).terminate()

    def how_it_ended(self, name: str) -> str | None:
        """None while it runs."""
        return self._children[name].how_it_ended()

    def process(self, name: str) -> psutil.Process:
        return psutil.Process(self._children[name].pid)

    def alive(self) -> dict[str, int]:
        """The pids of the processes that run."""
        return {name: child.pid for name, child in self._children.items() if child.how_it_ended() is None}

    def restart_redis_empty(self) -> None:
        """Kill it, take its data away, and start it at the same address. From the main thread only."""
        process = self.redis
        process.kill()
        process.wait(PATIENCE_S)
        for file in self._services.places.redis.glob("*.aof"):
            file.unlink()
        self._services.revive()

    def revive(self) -> None:
        """After a test: start again what it has ended, and wait until all is ready. From the main thread only."""
        self.redis.resume()
        alive = self.alive()
        self.launch(*(name for name in self.names if name not in alive))
        self.await_ready()

    def await_ready(self, *names: str) -> None:
        deadline = time.monotonic() + 2 * PATIENCE_S
        while not self.is_ready(*names):
            assert time.monotonic() < deadline, f"the hub is not ready:\n{self.log_tails()}"
            time.sleep(POLL_S)

    def stop(self) -> None:
        end_groups([child.group for child in self._children.values()], patience_s=6.0)
        for child in self._children.values():
            child.forget()
        self.bus.close()

    def log_tails(self) -> str:
        files = sorted(self._logs.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{_tail(file, 60)}" for file in files)

    # -- What it did -----------------------------------------------------------------------------------------------

    def query(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Rows as PostgreSQL has them, past the code under test."""
        with psycopg.connect(self.database.app_url, row_factory=dict_row, connect_timeout=10) as connection:
            connection.execute("SELECT set_config('app.scope', 'platform', true)")
            return connection.execute(sql, parameters).fetchall()

    def ledger(self, link_id: UUID) -> list[dict[str, Any]]:
        """The link's instructions, oldest first."""
        return self.query("SELECT * FROM cem_service_instruction WHERE link_id = %s ORDER BY issued_at", link_id)

    def succeeded(self, link_id: UUID, *, constraints_id: str | None = None) -> list[dict[str, Any]]:
        """Instructions that the device reported as succeeded (and that answer these power constraints)."""
        return [
            row
            for row in self.ledger(link_id)
            if (row["status"], row["reception"]) == ("SUCCEEDED", "OK")
            and constraints_id in (None, row["message"].get("power_constraints_id"))
        ]

    def plans(self, site_id: UUID) -> list[dict[str, Any]]:
        return self.query("SELECT * FROM cem_service_planrun WHERE site_id = %s AND kind = 'PLAN' ORDER BY at", site_id)

    def sessions(self, link_id: UUID) -> list[SeatRecord]:
        return [session for session in self.bus.sessions() if session.info.link_id == link_id]


async def eventually(look: Callable[[], Found], within_s: float = PATIENCE_S) -> Found:
    """The first true thing that `look` returns. It runs in a thread, so the test's own devices go on."""
    deadline = time.monotonic() + within_s
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < deadline, f"it did not come to pass within {within_s:g} s"
        await asyncio.sleep(POLL_S)
    return found


@contextmanager
def running_hub(addresses: Addresses, name: str) -> Iterator[Hub]:
    """Start everything and wait until it is ready; at the end nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)
    with migrated_database(addresses, name) as database:
        services = embedded.start(folder, lambda _: None, tethered=True, durable=False, environment=_given(database))
        try:
            yield from _run(Hub(folder, services, database))
        finally:
            services.stop()
            services.places.remove()
            shutil.rmtree(folder, ignore_errors=True)


def _run(hub: Hub) -> Iterator[Hub]:
    try:
        hub.launch(*hub.names)
        hub.await_ready()
        yield hub
    finally:
        hub.stop()


def _given(database: DatabaseOfTests) -> Mapping[str, str]:
    """Without REDIS_URL: that one is to be started."""
    return {
        "DATABASE_URL": database.app_url,
        "DATABASE_OWNER_URL": database.owner_url,
        "SECRET_KEY": os.environ["SECRET_KEY"],
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _tail(file: Path, lines: int) -> str:
    return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
