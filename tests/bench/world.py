"""Servers of its own for a benchmark: PostgreSQL, Redis, a migrated database, and devices with tokens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from flexhub.embedded import roles
from tests.support.early import GIVEN
from tests.support.services import fresh_database, running_services


@dataclass(frozen=True, slots=True)
class Credentials:
    node_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class World:
    """`environment` makes a process of the hub use these servers; `admin_url` may do everything in its database."""

    environment: dict[str, str]
    admin_url: str

    def devices(self, count: int) -> list[Credentials]:
        """Batteries of one new house, each with a token."""
        from flexhub.devices.models import DeviceType
        from flexhub.pairing.services import issue_node_token
        from tenants.scope import tenant_scope
        from tests.support.registry import make_device, make_device_type, make_site, make_tenant

        site, device_type = make_site(make_tenant("Alder")), make_device_type()
        with tenant_scope(device_type.tenant_id):
            # Twenty sockets stand for thousands of devices here.
            DeviceType.objects.filter(pk=device_type.pk).update(messages_per_s=1_000_000, burst=1_000_000)
        made: list[Credentials] = []
        # One transaction for all of them, because each on its own waits for the disk.
        with tenant_scope(site.tenant_id):
            for number in range(count):
                node = make_device(site, device_type, f"Battery {number}").node
                made.append(Credentials(node.pk, issue_node_token(node)))
        return made


@contextmanager
def bench_world() -> Iterator[World]:
    name = f"bench_{os.getpid()}"
    with running_services(GIVEN) as addresses, fresh_database(addresses, name) as database:
        os.environ.update(
            DATABASE_URL=database.app_url,
            DATABASE_OWNER_URL=database.owner_url,
            REDIS_URL=addresses.redis_url,
            DJANGO_SETTINGS_MODULE="flexhub.settings",
            LOG_LEVEL="WARNING",
            # One tenant stands for all that a hub has.
            QUOTA_MESSAGES_PER_S="1000000",
            DEBUG="0",
        )
        _point_django_at(database.app_url, database.owner_url)
        try:
            yield World(dict(os.environ), roles.with_database(addresses.maker_url, name))
        finally:
            _close_connections()


def _point_django_at(app_url: str, owner_url: str) -> None:
    """Set Django up, or, where an earlier row did, move it to this world's servers."""
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    from flexhub.env import Env

    django.setup()
    settings.REDIS_URL = os.environ["REDIS_URL"]
    for alias, url in (("default", app_url), ("owner", owner_url)):
        connections[alias].close()
        connections[alias].settings_dict.update(Env({"DATABASE_URL": url}).database("DATABASE_URL"))
    call_command("migrate", database="owner", verbosity=0, interactive=False)


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()
