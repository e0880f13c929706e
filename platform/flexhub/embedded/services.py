"""Starts what one machine needs, or uses what the environment names."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from flexhub.embedded import roles
from flexhub.embedded.account import service_account
from flexhub.embedded.binaries import Binaries, find_binaries
from flexhub.embedded.locking import exclusive
from flexhub.embedded.places import Places, places_for, prepare
from flexhub.embedded.postgres import Postgres
from flexhub.embedded.redis_server import RedisServer
from flexhub.embedded.secrets_file import Secrets, load_or_make
from flexhub.embedded.server import Server, Setting
from flexhub.env import Env

DATABASE = "flexhub"
Report = Callable[[str], None]


@dataclass(slots=True)
class Services:
    """Where the services are. `admin_url` may create databases; None when the environment names the database."""

    database_url: str
    database_owner_url: str
    redis_url: str
    secret_key: str
    encryption_keys: str
    admin_url: str | None
    places: Places
    report: Report
    servers: Sequence[Server] = ()
    _started: list[Server] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """The variables that a process of the hub needs to find them."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": self.secret_key,
            "SECRETS_KEYS": self.encryption_keys,
        }

    def revive(self) -> None:
        """Start again what has ended, at its old address. A server that is merely slow or paused is left alone.

        Cheap enough for every second or two. Raises ServiceNotStarted.
        """
        for server in self.servers:
            if server.find() is None:
                with exclusive(self.places.lock, self.report):
                    if server.find() is None:
                        self.report(f"{server.name} has ended; starting it again")
                        server.ensure_running()

    def stop(self) -> None:
        """Stop what this start had to start, within 10 s. Servers that were running before are left running."""
        _stop_together(self._started)
        self._started = []


def start(
    root: Path,
    report: Report,
    *,
    tethered: bool = False,
    durable: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Services:
    """PostgreSQL and Redis under `root`, started now or running already, or those that the environment names.

    With `tethered` they end when the calling thread ends, even when it is killed (Linux). Without `durable` they skip
    what only a power cut needs, for tests. Raises EmbeddedError.
    """
    env = Env(environment)
    account = service_account()
    places = places_for(root, account)
    setting = Setting(places, account, report, tethered=tethered, durable=durable)
    with exclusive(places.lock, report):
        _discard_orphans(setting)
        secrets = load_or_make(places.secrets)
        servers = _embedded_servers(env, setting, secrets)
        started = _ensure_running(servers, report)
        try:
            return _services(env, setting, secrets, servers, started)
        except BaseException:
            _stop_together(started)
            raise


def stop(root: Path, report: Report) -> list[str]:
    """Stop all servers of `root`, whoever started them. Returns the names of those that ran."""
    servers = [server for server in find_servers(root, report) if server.find() is not None]
    _stop_together(servers)
    return [server.name for server in servers]


def find_servers(root: Path, report: Report) -> list[Server]:
    """The servers of `root`, running or not, without making anything. Empty where none was ever started."""
    account = service_account()
    places = places_for(root, account)
    if not (places.secrets.exists() and places.data.exists()):
        return []
    setting = Setting(places, account, report)
    return _embedded_servers(Env({}), setting, load_or_make(places.secrets))


def _embedded_servers(env: Env, setting: Setting, secrets: Secrets) -> list[Server]:
    wanted = [name for name in ("DATABASE_URL", "REDIS_URL") if not env.text(name, "")]
    if not wanted:
        return []
    prepare(setting.places, setting.account, setting.report)
    binaries = find_binaries(setting.account, setting.places.data, setting.report)
    makers: dict[str, Callable[[], Server]] = {
        "DATABASE_URL": lambda: Postgres(setting, binaries, secrets.admin_password),
        "REDIS_URL": lambda: RedisServer(setting, binaries, secrets.redis_password),
    }
    return [makers[name]() for name in wanted]


def _ensure_running(servers: Sequence[Server], report: Report) -> list[Server]:
    started: list[Server] = []
    try:
        for server in servers:
            fresh = server.ensure_running()
            report(f"{server.name} {'started' if fresh else 'is already running'}")
            started += [server] if fresh else []
    except BaseException:
        _stop_together(started)
        raise
    return started


def _services(
    env: Env, setting: Setting, secrets: Secrets, servers: Sequence[Server], started: list[Server]
) -> Services:
    admin_url, owner_url, app_url = _database_urls(env, secrets, servers)
    redis_url = next((server.url for server in servers if isinstance(server, RedisServer)), "")
    return Services(
        database_url=app_url,
        database_owner_url=owner_url,
        redis_url=redis_url or env.text("REDIS_URL"),
        secret_key=env.text("SECRET_KEY", secrets.secret_key),
        encryption_keys=env.text("SECRETS_KEYS", secrets.encryption_key),
        admin_url=admin_url,
        places=setting.places,
        report=setting.report,
        servers=servers,
        _started=started,
    )


def _database_urls(env: Env, secrets: Secrets, servers: Sequence[Server]) -> tuple[str | None, str, str]:
    """The URLs of the administrator (embedded only), the owner and the application, with the roles prepared."""
    postgres = next((server for server in servers if isinstance(server, Postgres)), None)
    if postgres is not None:
        owner, app = secrets.owner_password, secrets.app_password
        roles.prepare_cluster(postgres.url, DATABASE, owner_password=owner, app_password=app)
        owner_url = postgres.url_for(roles.OWNER_ROLE, owner, DATABASE)
        return postgres.url, owner_url, postgres.url_for(roles.APP_ROLE, app, DATABASE)
    given, owner_url = env.text("DATABASE_URL"), env.text("DATABASE_OWNER_URL", "")
    if owner_url:
        roles.check_given(owner_url, given)
        return None, owner_url, given
    return None, given, roles.prepare_given(given, secrets.app_password)


def _discard_orphans(setting: Setting) -> None:
    """Servers and data outlive a root folder that was removed; without its passwords nobody can use them any more."""
    places = setting.places
    outside = not places.data.is_relative_to(places.root)
    if places.secrets.exists() or (places.postgres.exists() and not outside):
        return
    unused = Binaries(Path("postgres"), Path("initdb"), Path("redis-server"))
    candidates: list[Server] = [Postgres(setting, unused, ""), RedisServer(setting, unused, "")]
    orphans = [server for server in candidates if server.find() is not None]
    for server in orphans:
        setting.report(f"stopping {server.name}, left by a folder {places.root} that is gone")
    _stop_together(orphans)
    if outside and places.data.exists():
        setting.report(f"removing {places.data}, left by a folder {places.root} that is gone")
        shutil.rmtree(places.data)


def _stop_together(servers: Sequence[Server]) -> None:
    """All at once, since each may take its whole time."""
    threads = [Thread(target=server.stop, name=f"stop-{server.name}") for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
