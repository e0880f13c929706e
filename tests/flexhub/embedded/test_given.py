"""A database from outside: whose role is it, and who may prepare the other one?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from flexhub import embedded
from flexhub.embedded import RolesNotPrepared, Services, roles

REDIS_URL = "redis://redis.example:6379/0"


@pytest.fixture
def admin_url(server: Services) -> str:
    assert server.admin_url is not None
    return roles.with_database(server.admin_url, "flexhub")


@pytest.fixture
def made_by_hand(server: Services, admin_url: str) -> Iterator[str]:
    """The address of a role without any power, as an administrator would make it."""
    with roles.connect(admin_url) as admin:
        roles.ensure_role(admin, "by_hand", "hand-made")
        admin.execute("GRANT CONNECT ON DATABASE flexhub TO by_hand")
        yield roles.with_role(server.database_url, "by_hand", "hand-made")
        admin.execute("DROP OWNED BY by_hand")
        admin.execute("DROP ROLE by_hand")


def start(root: Path, **environment: str) -> Services:
    return embedded.start(root, lambda _: None, environment=environment)


def test_a_superuser_is_the_owner_and_the_app_gets_an_address_of_its_own(admin_url: str, tmp_path: Path) -> None:
    for _ in range(2):
        used = start(tmp_path, DATABASE_URL=admin_url, REDIS_URL=REDIS_URL)

        assert (used.database_owner_url, used.redis_url, used.admin_url) == (admin_url, REDIS_URL, None)
        assert list(used.servers) == []
        with roles.connect(used.database_url) as connection:
            assert connection.info.user == roles.APP_ROLE
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine (id integer)")


@pytest.fixture
def builder_url(server: Services, admin_url: str) -> Iterator[str]:
    """The address of a role that may create roles, and of its own database; `flexhub_app` does not exist."""
    assert server.admin_url is not None
    with roles.connect(admin_url) as admin:
        admin.execute("DROP OWNED BY flexhub_app")
        admin.execute("DROP ROLE flexhub_app")
        admin.execute("CREATE ROLE builder LOGIN CREATEROLE PASSWORD 'built'")
        admin.execute("CREATE DATABASE built OWNER builder")
    url = roles.with_role(roles.with_database(server.admin_url, "built"), "builder", "built")
    yield url
    with roles.connect(admin_url) as admin:
        admin.execute("DROP DATABASE built WITH (FORCE)")
        admin.execute("DROP OWNED BY flexhub_app")
        admin.execute("DROP OWNED BY builder CASCADE")
        admin.execute("DROP ROLE IF EXISTS flexhub_app")
        admin.execute("DROP ROLE builder")
        roles.ensure_role(admin, roles.APP_ROLE, "new")
        roles.grant_to_app(admin, owner=roles.OWNER_ROLE)


def test_a_role_that_may_create_roles_is_the_owner(builder_url: str, tmp_path: Path) -> None:
    for _ in range(2):
        used = start(tmp_path, DATABASE_URL=builder_url, REDIS_URL=REDIS_URL)

        with roles.connect(builder_url) as owner, roles.connect(used.database_url) as app:
            owner.execute("CREATE TABLE made (id integer)")
            assert app.execute("SELECT * FROM made").fetchall() == []
            owner.execute("DROP TABLE made")


def test_a_role_of_somebody_else_is_not_taken_over(builder_url: str, admin_url: str, tmp_path: Path) -> None:
    with roles.connect(admin_url) as admin:
        roles.ensure_role(admin, roles.APP_ROLE, "of the administrator")

    with pytest.raises(RolesNotPrepared, match="builder may not prepare the role flexhub_app"):
        start(tmp_path, DATABASE_URL=builder_url, REDIS_URL=REDIS_URL)


def test_a_role_without_powers_needs_the_owner_named(made_by_hand: str, tmp_path: Path) -> None:
    with pytest.raises(RolesNotPrepared, match=r"connects as by_hand, .* Set DATABASE_OWNER_URL"):
        start(tmp_path, DATABASE_URL=made_by_hand, REDIS_URL=REDIS_URL)


def test_two_roles_are_used_as_they_are(made_by_hand: str, server: Services, tmp_path: Path) -> None:
    given = {
        "DATABASE_URL": made_by_hand,
        "DATABASE_OWNER_URL": server.database_owner_url,
        "REDIS_URL": REDIS_URL,
        "SECRET_KEY": "given",
        "SECRETS_KEYS": "given too",
    }

    used = start(tmp_path, **given)

    assert used.environment() == given
    with roles.connect(server.database_owner_url) as owner, roles.connect(made_by_hand) as app:
        owner.execute("CREATE TABLE shared (id integer)")
        assert app.execute("SELECT * FROM shared").fetchall() == []
        owner.execute("DROP TABLE shared")


def test_a_superuser_is_refused_as_the_app(admin_url: str, server: Services, tmp_path: Path) -> None:
    with pytest.raises(RolesNotPrepared, match="bypasses row-level security"):
        start(tmp_path, DATABASE_URL=admin_url, DATABASE_OWNER_URL=server.database_owner_url, REDIS_URL=REDIS_URL)


def test_the_owner_is_refused_as_the_app(server: Services, tmp_path: Path) -> None:
    owner = server.database_owner_url

    with pytest.raises(RolesNotPrepared, match="the same role"):
        start(tmp_path, DATABASE_URL=owner, DATABASE_OWNER_URL=owner, REDIS_URL=REDIS_URL)


def test_a_database_that_does_not_answer_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(embedded.EmbeddedError, match="DATABASE_URL"):
        start(tmp_path, DATABASE_URL="postgresql://a:hidden@127.0.0.1:1/b", REDIS_URL=REDIS_URL)


def test_redis_alone_is_started_for_a_given_database(server: Services, made_by_hand: str, root: Path) -> None:
    used = embedded.start(
        root,
        lambda _: None,
        tethered=True,
        durable=False,
        environment={"DATABASE_URL": made_by_hand, "DATABASE_OWNER_URL": server.database_owner_url},
    )

    assert [running.name for running in used.servers] == ["Redis"]
    assert used.database_url == made_by_hand
