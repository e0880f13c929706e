"""What the suite promises every other test: services of its own, and the application's rights only."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection

from tenants.models import AuditEntry, Tenant
from tenants.scope import platform_scope
from tests.support.clock import FixedClock
from tests.support.early import is_pure
from tests.support.registry import make_tenant


@pytest.mark.django_db
def test_a_test_runs_as_the_application() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)

        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute("CREATE TABLE mine (id integer)")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(2))
def test_committed_rows_are_gone_before_the_next_test(_: int) -> None:
    with platform_scope("test"):
        assert not Tenant.objects.exists()
        assert not AuditEntry.objects.exists()

    make_tenant("Alder")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(2))
def test_what_migrations_made_is_there_in_each_test(_: int) -> None:
    assert ContentType.objects.filter(app_label="tenants", model="tenant").exists()
    assert Permission.objects.exists()


@pytest.mark.parametrize("_", range(2))
def test_redis_is_empty_for_each_test(redis_url: str, _: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "over")

    assert redis_url == settings.REDIS_URL == os.environ["REDIS_URL"]


@pytest.mark.django_db(transaction=True)
def test_a_real_process_finds_the_services(service_environment: dict[str, str]) -> None:
    code = "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL']).info.dbname)"

    result = subprocess.run(
        [sys.executable, "-c", code], env=service_environment, capture_output=True, text=True, timeout=60, check=True
    )

    assert result.stdout.strip() == connection.settings_dict["NAME"]
    with psycopg.connect(service_environment["DATABASE_OWNER_URL"]) as owner:
        assert owner.info.user != connection.settings_dict["USER"]


def test_the_clock_is_the_processes_own(clock: FixedClock) -> None:
    assert settings.CLOCK is clock


@pytest.mark.parametrize(
    ("argument", "pure"),
    [
        ("tests/s2", True),
        ("tests/s2/test_session.py::test_it", True),
        ("tests/flexhub/bus", False),
        ("tests", False),
        ("tests/s2x", False),
    ],
)
def test_pure_paths_are_told_apart(argument: str, pure: bool, pytestconfig: pytest.Config) -> None:
    assert is_pure(str(pytestconfig.rootpath / argument)) is pure
