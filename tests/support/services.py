"""Servers and databases for a test run: started when first needed, gone when the run ends, however it ends."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from psycopg import sql

from flexhub import embedded
from flexhub.embedded import roles

PREFIX = "flexhub-tests-"


@dataclass(frozen=True, slots=True)
class Addresses:
    """`maker_url` may create databases, for the role `owner_role` to own."""

    maker_url: str
    owner_url: str
    app_url: str
    redis_url: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DatabaseOfTests:
    owner_url: str
    app_url: str


@contextmanager
def running_services(given: dict[str, str]) -> Iterator[Addresses]:
    """Servers for this run. `given` holds addresses from outside, which are used instead."""
    _remove_leftovers()
    root = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    # As root the servers run as another account, which must be able to pass through here.
    root.chmod(0o711)
    messages: list[str] = []
    services = embedded.start(root, messages.append, tethered=True, durable=False, environment=given)
    try:
        yield Addresses(
            services.admin_url or services.database_owner_url,
            services.database_owner_url,
            services.database_url,
            services.redis_url,
        )
    finally:
        services.stop()
        services.places.remove()


@contextmanager
def fresh_database(addresses: Addresses, name: str) -> Iterator[DatabaseOfTests]:
    """An empty database, owned as in production, dropped at the end even if a test left a connection open."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with roles.connect(addresses.owner_url) as connection:
        owner = connection.info.user
    with roles.connect(addresses.app_url) as connection:
        app = connection.info.user
    with roles.connect(addresses.maker_url) as connection:
        connection.execute(drop)
        roles.ensure_database(connection, name, owner)
    with roles.connect(roles.with_database(addresses.maker_url, name)) as connection:
        roles.grant_to_app(connection, owner=owner, app=app)
    try:
        yield DatabaseOfTests(
            roles.with_database(addresses.owner_url, name), roles.with_database(addresses.app_url, name)
        )
    finally:
        with roles.connect(addresses.maker_url) as connection:
            connection.execute(drop)


def let_app_truncate(database: DatabaseOfTests) -> None:
    """Tests with real transactions empty all tables afterwards, which the application itself may never do."""
    with roles.connect(database.app_url) as connection:
        app = connection.info.user
    with roles.connect(database.owner_url) as connection:
        statement = sql.SQL("GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {}")
        connection.execute(statement.format(sql.Identifier(app)))
        connection.execute("ALTER TABLE tenants_auditentry DISABLE TRIGGER append_only_whole")


def point_django_at(database: DatabaseOfTests) -> None:
    """Every thread's connections read the settings that are changed here."""
    from django.db import connections

    from flexhub.env import Env

    for alias, url in (("default", database.app_url), ("owner", database.owner_url)):
        connections[alias].close()
        connections[alias].settings_dict.update(Env({"DATABASE_URL": url}).database("DATABASE_URL"))


@contextmanager
def django_at(database: DatabaseOfTests) -> Iterator[None]:
    """Django's connections lead to `database` for a while, and then to where they led before."""
    from django.db import connections

    before = {alias: dict(connections[alias].settings_dict) for alias in ("default", "owner")}
    point_django_at(database)
    try:
        yield
    finally:
        for alias, settings in before.items():
            connections[alias].close()
            connections[alias].settings_dict.update(settings)


def _remove_leftovers() -> None:
    """Folders of runs that were killed. Their servers ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        found = re.fullmatch(rf"{PREFIX}(\d+)-\w+", folder.name)
        if found and not psutil.pid_exists(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)
