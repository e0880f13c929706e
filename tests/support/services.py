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
import psycopg
from psycopg import sql

from flexhub import embedded
from flexhub.embedded import roles

PREFIX = "flexhub-tests-"


@dataclass(frozen=True, slots=True)
class Addresses:
    """`maker_url` may create databases for the owner's role; `template` is the name of the one that is copied."""

    maker_url: str
    owner_url: str
    app_url: str
    redis_url: str
    template: str

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
    addresses = Addresses(
        services.admin_url or services.database_owner_url,
        services.database_owner_url,
        services.database_url,
        services.redis_url,
        f"test_template_{os.getpid()}",
    )
    try:
        yield addresses
    finally:
        with roles.connect(addresses.maker_url) as connection:
            _drop(connection, addresses.template)
        services.stop()
        services.places.remove()


@contextmanager
def fresh_database(addresses: Addresses, name: str, *, template: str = "template0") -> Iterator[DatabaseOfTests]:
    """An empty database, owned as in production, dropped at the end even if a test left a connection open.

    `template` is another one to copy, to which nobody may be connected.
    """
    owner, app = _user(addresses.owner_url), _user(addresses.app_url)
    names = {
        "name": sql.Identifier(name),
        "owner": sql.Identifier(owner),
        "template": sql.Identifier(template),
    }
    with roles.connect(addresses.maker_url) as connection:
        _drop(connection, name)
        for statement in (
            "CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} ENCODING 'UTF8'",
            # A copy has the rights on all that is in a database, and not those on the database itself.
            "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        ):
            connection.execute(sql.SQL(statement).format(**names))
    with roles.connect(roles.with_database(addresses.maker_url, name)) as connection:
        roles.grant_to_app(connection, owner=owner, app=app)
    try:
        yield DatabaseOfTests(
            roles.with_database(addresses.owner_url, name), roles.with_database(addresses.app_url, name)
        )
    finally:
        with roles.connect(addresses.maker_url) as connection:
            _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _user(url: str) -> str:
    with roles.connect(url) as connection:
        return connection.info.user


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
