"""The two database roles, and what each may do.

`flexhub_owner` owns the database and its tables and runs migrations. `flexhub_app` is what every process connects as:
it owns nothing, so that row-level security holds for it, and cannot switch it off. It may read and write the rows of
every table that the owner makes from now on; a migration may take some of that away again (the audit trail is
append-only). Everything here may run again at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from flexhub.embedded.errors import RolesNotPrepared

OWNER_ROLE = "flexhub_owner"
APP_ROLE = "flexhub_app"
APP_TABLE_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")

_CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class RolePowers:
    name: str
    is_superuser: bool
    may_create_roles: bool
    bypasses_row_security: bool

    @property
    def may_prepare_roles(self) -> bool:
        return self.is_superuser or self.may_create_roles


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, connect_timeout=_CONNECT_TIMEOUT_S, autocommit=True)


@contextmanager
def _reached_through(variable: str, url: str) -> Iterator[psycopg.Connection]:
    """A connection to an address from outside. Raises RolesNotPrepared with the variable's name, not its value."""
    try:
        connection = connect(url)
    except psycopg.OperationalError as error:
        raise RolesNotPrepared(f"the database of {variable} cannot be reached: {error}") from error
    with connection:
        yield connection


def powers_of(connection: psycopg.Connection, role: str | None = None) -> RolePowers | None:
    """What `role` may do, the connected one when not given. None when there is no such role."""
    row = connection.execute(
        "SELECT rolname, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles "
        "WHERE rolname = coalesce(%s, current_user)",
        [role],
    ).fetchone()
    return RolePowers(*row) if row else None


def ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    """Make `role` a plain login with this password. Raises RolesNotPrepared when it has powers we cannot take away."""
    powers = powers_of(connection, role)
    by_superuser = _own_powers(connection).is_superuser
    attributes = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    if powers is not None and not by_superuser:
        _refuse_powerful(powers)
        # Only a superuser may mention the other attributes of an existing role, even to confirm them.
        attributes = "LOGIN"
    verb = "CREATE" if powers is None else "ALTER"
    connection.execute(
        sql.SQL("{verb} ROLE {role} WITH {attributes} PASSWORD {password}").format(
            verb=sql.SQL(verb),
            role=sql.Identifier(role),
            attributes=sql.SQL(attributes),
            password=sql.Literal(password),
        )
    )


def ensure_database(connection: psycopg.Connection, name: str, owner: str) -> None:
    """Make the database if it is missing, owned by `owner` and closed to roles that were not invited."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def grant_to_app(
    connection: psycopg.Connection, *, owner: str, app: str = APP_ROLE, table_rights: tuple[str, ...] = APP_TABLE_RIGHTS
) -> None:
    """In the connected database, let `app` use what `owner` will make in the schema `public`, and make nothing itself.

    Rights on existing tables are left alone: a migration may have taken some of them away.
    """
    names = {
        "owner": sql.Identifier(owner),
        "app": sql.Identifier(app),
        "database": sql.Identifier(connection.info.dbname),
        "rights": sql.SQL(", ").join(sql.SQL(right) for right in table_rights),
    }
    for statement in (
        # TEMPORARY is for COPY: telemetry goes through a temporary table.
        "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "REVOKE CREATE ON SCHEMA public FROM {app}",
        "GRANT USAGE ON SCHEMA public TO {app}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT {rights} ON TABLES TO {app}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}",
    ):
        connection.execute(sql.SQL(statement).format(**names))


def prepare_cluster(admin_url: str, database: str, *, owner_password: str, app_password: str) -> None:
    """Both roles and the database of a server that is all ours."""
    with connect(admin_url) as connection:
        ensure_role(connection, OWNER_ROLE, owner_password)
        ensure_role(connection, APP_ROLE, app_password)
        ensure_database(connection, database, OWNER_ROLE)
    with connect(with_database(admin_url, database)) as connection:
        grant_to_app(connection, owner=OWNER_ROLE)


def prepare_given(owner_url: str, app_password: str) -> str:
    """The application role on a server from outside, where `owner_url` leads to an owner or superuser.

    Returns the application's URL. Raises RolesNotPrepared when the given role may not create roles.
    """
    with _reached_through("DATABASE_URL", owner_url) as connection:
        powers = _own_powers(connection)
        if not powers.may_prepare_roles:
            raise RolesNotPrepared(
                f"DATABASE_URL connects as {powers.name}, which may not create roles, so it cannot be told whether it "
                "is the owner or the application. Set DATABASE_OWNER_URL to the role that owns the tables."
            )
        try:
            ensure_role(connection, APP_ROLE, app_password)
            grant_to_app(connection, owner=powers.name)
        except psycopg.errors.InsufficientPrivilege as error:
            raise RolesNotPrepared(
                f"{powers.name} may not prepare the role {APP_ROLE}: {error}. Prepare it by hand, then set "
                "DATABASE_URL to it and DATABASE_OWNER_URL to the role that owns the tables."
            ) from error
    return with_role(owner_url, APP_ROLE, app_password)


def check_given(owner_url: str, app_url: str) -> None:
    """Two roles from outside: the owner lets the application in. Raises RolesNotPrepared for a too powerful one."""
    with _reached_through("DATABASE_URL", app_url) as connection:
        app = _own_powers(connection)
    with _reached_through("DATABASE_OWNER_URL", owner_url) as connection:
        owner = _own_powers(connection)
        if app.name == owner.name:
            raise RolesNotPrepared("DATABASE_URL and DATABASE_OWNER_URL connect as the same role; give them two.")
        _refuse_powerful(app)
        grant_to_app(connection, owner=owner.name, app=app.name)


def with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(database, safe='')}"))


def with_role(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{address}"))


def _own_powers(connection: psycopg.Connection) -> RolePowers:
    powers = powers_of(connection)
    if powers is None:
        raise RolesNotPrepared("the database does not know the role that it let in")
    return powers


def _refuse_powerful(powers: RolePowers) -> None:
    if powers.is_superuser or powers.bypasses_row_security:
        raise RolesNotPrepared(
            f"the role {powers.name} is a superuser or bypasses row-level security, so tenants would see each "
            "other's rows. Take that away from it, or name another role in DATABASE_URL."
        )
