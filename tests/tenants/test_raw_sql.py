"""What holds when nothing of ours stands between SQL and the rows: the application's role, and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql
from pytest_django import DjangoDbBlocker

from flexhub.embedded import roles
from tests.support.raw_database import ALDER, BIRCH, NOBODY, OwnedTable, RawDatabase, in_scope, raw_database
from tests.support.services import Addresses

# Rows of these are everybody's to read, once there is a scope at all.
READABLE = {"devices_devicetype": "who owns a device needs to know its type"}
# And these every household of a tenant may read.
FOR_HOUSEHOLDS = READABLE | {
    "cem_service_tariff": "the prices that their sites are planned by",
    "tenants_quota": "services ask for it in the scope of whoever calls them",
    "tenants_tenant": "whose customers they are",
}
ALL = "SELECT count(*) FROM {t}"
OF_ALDER = "SELECT count(*) FROM {t} WHERE {owner} = '" + str(ALDER) + "'"
COPY_ROW = """
    INSERT INTO {t} ({columns}) OVERRIDING SYSTEM VALUE
    SELECT {columns} FROM jsonb_populate_record(NULL::{t}, %s::jsonb)
"""


@pytest.fixture(scope="module")
def database(services: Addresses, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[RawDatabase]:
    with roles.connect(services.maker_url) as connection:
        powers = roles.powers_of(connection)
    if powers is None or not powers.is_superuser:
        pytest.skip("rows past all policies want a superuser")
    with django_db_blocker.unblock(), raw_database(services) as database:
        yield database


@pytest.fixture
def connection(database: RawDatabase) -> Iterator[psycopg.Connection]:
    with database.connected() as connection:
        yield connection


def number(connection: psycopg.Connection, statement: sql.Composed | str) -> int:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


def changed(connection: psycopg.Connection, statement: sql.Composed) -> int:
    """How many rows a write has touched; 0 where the role may not write there at all."""
    try:
        with connection.transaction():
            return connection.execute(statement).rowcount
    except errors.InsufficientPrivilege:
        return 0


def rows_of(database: RawDatabase, table: OwnedTable, tenant: UUID) -> list[str]:
    with roles.connect(database.admin_url) as connection:
        found = connection.execute(table.statement("SELECT to_jsonb({t})::text FROM {t} WHERE {owner} = %s"), [tenant])
        return [row for (row,) in found]


def assert_of_no_table(database: RawDatabase, is_wrong: Callable[[OwnedTable], bool]) -> None:
    assert len(database.tables) > 10
    assert [table.name for table in database.tables if is_wrong(table)] == []


class TestWithoutAScope:
    def test_shows_no_row_of_any_table(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        assert_of_no_table(database, lambda table: number(connection, table.statement(ALL)) != 0)

    def test_copies_no_row_out(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        assert_of_no_table(database, lambda table: copied_out(connection, table) != "")

    def test_writes_nowhere(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        def is_written(table: OwnedTable) -> bool:
            return (
                changed(connection, table.statement("UPDATE {t} SET {owner} = {owner}")) != 0
                or changed(connection, table.statement("DELETE FROM {t}")) != 0
                or is_inserted(connection, table, *rows_of(database, table, ALDER))
            )

        assert_of_no_table(database, is_written)


class TestInBirchsScope:
    def test_shows_nothing_of_alders_and_all_of_birchs(
        self, database: RawDatabase, connection: psycopg.Connection
    ) -> None:
        with in_scope(connection, BIRCH):
            seen = {table.name for table in database.tables if number(connection, table.statement(OF_ALDER))}
            assert seen == READABLE.keys()
            assert_of_no_table(database, lambda table: number(connection, table.statement(ALL)) == 0)

    def test_copies_out_birchs_rows_only(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        with in_scope(connection, BIRCH):
            seen = {table.name for table in database.tables if str(ALDER) in copied_out(connection, table)}
            assert seen == READABLE.keys()
            assert_of_no_table(database, lambda table: str(BIRCH) not in copied_out(connection, table))

    def test_changes_and_deletes_nothing_of_alders(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        take = "UPDATE {t} SET {owner} = '" + str(BIRCH) + "' WHERE {owner} = '" + str(ALDER) + "'"

        with in_scope(connection, BIRCH):
            assert_of_no_table(database, lambda table: changed(connection, table.statement(take)) != 0)
            delete = "DELETE FROM {t} WHERE {owner} = '" + str(ALDER) + "'"
            assert_of_no_table(database, lambda table: changed(connection, table.statement(delete)) != 0)

    def test_gives_no_row_to_alder(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        give = "UPDATE {t} SET {owner} = '" + str(ALDER) + "'"

        with in_scope(connection, BIRCH):
            assert_of_no_table(database, lambda table: is_inserted(connection, table, *rows_of(database, table, ALDER)))
            assert_of_no_table(database, lambda table: changed(connection, table.statement(give)) != 0)

    def test_copies_nothing_in(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        """PostgreSQL has no COPY FROM under row-level security; what writes by COPY goes through a temporary table."""

        def is_copied_in(table: OwnedTable) -> bool:
            try:
                with (
                    connection.transaction(),
                    connection.cursor() as cursor,
                    cursor.copy(table.statement("COPY {t} FROM STDIN")) as copy,
                ):
                    copy.write("")
            except (errors.FeatureNotSupported, errors.InsufficientPrivilege):
                return False
            return True

        with in_scope(connection, BIRCH):
            assert_of_no_table(database, is_copied_in)

    def test_joins_and_existence_questions_see_no_more(
        self, database: RawDatabase, connection: psycopg.Connection
    ) -> None:
        question = (
            "SELECT count(*) FROM (SELECT 1 WHERE EXISTS (SELECT FROM {t} WHERE {owner} <> '" + str(BIRCH) + "')) x"
        )

        with in_scope(connection, BIRCH):
            seen = {table.name for table in database.tables if number(connection, table.statement(question))}

        assert seen == READABLE.keys()


class TestInNarrowerScopes:
    def test_a_household_that_has_nothing_sees_nothing(
        self, database: RawDatabase, connection: psycopg.Connection
    ) -> None:
        """Birch's own rows are not for every household of Birch, and no household writes into what it does not see."""
        touch = "UPDATE {t} SET {owner} = {owner}"

        with in_scope(connection, BIRCH, household=uuid4()):
            seen = {table.name for table in database.tables if number(connection, table.statement(ALL))}
            assert seen <= FOR_HOUSEHOLDS.keys()
            assert_of_no_table(database, lambda table: changed(connection, table.statement(touch)) != 0)
            assert_of_no_table(database, lambda table: changed(connection, table.statement("DELETE FROM {t}")) != 0)

    def test_whoever_signs_in_sees_no_tenants_rows(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        with in_scope(connection, NOBODY, kind="identity"):
            assert_of_no_table(database, lambda table: number(connection, table.statement(ALL)) != 0)


class TestOnAConnectionThatIsUsedAgain:
    """As Django's persistent connections are, and those of a pooler that changes hands with each transaction."""

    @pytest.mark.parametrize("ending", ["commit", "rollback", "error"])
    def test_no_scope_outlives_its_transaction(
        self, database: RawDatabase, connection: psycopg.Connection, ending: str
    ) -> None:
        end(connection, ending)

        assert_of_no_table(database, lambda table: number(connection, table.statement(ALL)) != 0)

    def test_each_of_many_transactions_has_its_own_scope(
        self, database: RawDatabase, connection: psycopg.Connection
    ) -> None:
        process = connection.info.backend_pid
        owners = {ALDER: {ALDER}, BIRCH: {BIRCH}, NOBODY: set()}

        for tenant in (ALDER, NOBODY, BIRCH, ALDER, BIRCH, NOBODY, BIRCH):
            with in_scope(connection, tenant):
                found = {row[0] for row in connection.execute("SELECT tenant_id FROM devices_site")}
            assert found == owners[tenant]
        assert connection.info.backend_pid == process

    def test_a_prepared_statement_asks_for_the_scope_each_time(self, connection: psycopg.Connection) -> None:
        """PostgreSQL plans such a statement once for all after the fifth time; a scope must not become part of it."""
        connection.execute("PREPARE owners AS SELECT tenant_id FROM devices_site")
        connection.execute("SET plan_cache_mode = force_generic_plan")

        for tenant in (ALDER, BIRCH, NOBODY) * 4:
            with in_scope(connection, tenant):
                found = [row[0] for row in connection.execute("EXECUTE owners")]
            assert found == ([tenant] if tenant else [])

    def test_a_statement_that_the_driver_prepares_does_too(self, connection: psycopg.Connection) -> None:
        for tenant in (ALDER, BIRCH, NOBODY) * 4:
            with in_scope(connection, tenant):
                found = connection.execute("SELECT tenant_id FROM devices_site", prepare=True).fetchall()
            assert found == ([(tenant,)] if tenant else [])

    def test_a_setting_outside_of_a_transaction_changes_nothing(self, connection: psycopg.Connection) -> None:
        connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(ALDER)])

        assert number(connection, "SELECT count(*) FROM devices_site") == 0


class TestTheRole:
    def test_cannot_look_past_the_policies(self, connection: psycopg.Connection) -> None:
        connection.execute("SET row_security = off")

        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM devices_site")

    @pytest.mark.parametrize(
        "statement",
        [
            "ALTER TABLE devices_site DISABLE ROW LEVEL SECURITY",
            "DROP POLICY tenant_isolation ON devices_site",
            "CREATE POLICY mine ON devices_site USING (true)",
            "CREATE TABLE mine (id integer)",
            "CREATE VIEW mine AS SELECT * FROM devices_site",
            "TRUNCATE devices_site CASCADE",
            "SET SESSION AUTHORIZATION DEFAULT; SET ROLE pg_read_all_data",
            "SET session_replication_role = replica",
            "COPY devices_site TO '/dev/null'",
        ],
    )
    def test_may_not(self, connection: psycopg.Connection, statement: str) -> None:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)

    def test_is_no_member_of_a_mightier_one(self, connection: psycopg.Connection) -> None:
        assert (
            connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname <> current_user AND pg_has_role(rolname, 'MEMBER')"
            ).fetchall()
            == [("pg_database_owner",)] * 0
        )

    def test_hears_nothing_of_hidden_rows_from_its_own_functions(self, connection: psycopg.Connection) -> None:
        """A cheap function could be called before the policy is asked, if policies were ordinary conditions."""
        heard: list[str] = []
        connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
        connection.execute(
            "CREATE FUNCTION pg_temp.tell(owner uuid) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE NOTICE '%', owner; RETURN true; END $$"
        )

        with in_scope(connection, BIRCH):
            connection.execute("SELECT FROM devices_site WHERE pg_temp.tell(tenant_id)")

        assert heard == [str(BIRCH)]

    def test_reads_no_statistics_of_hidden_rows(self, database: RawDatabase, connection: psycopg.Connection) -> None:
        with roles.connect(database.admin_url) as admin:
            admin.execute("ANALYZE devices_site")
            assert number(admin, "SELECT count(*) FROM pg_stats WHERE tablename = 'devices_site'") > 0

        assert number(connection, "SELECT count(*) FROM pg_stats WHERE tablename = 'devices_site'") == 0


def copied_out(connection: psycopg.Connection, table: OwnedTable) -> str:
    with connection.cursor() as cursor, cursor.copy(table.statement("COPY (SELECT * FROM {t}) TO STDOUT")) as copy:
        return b"".join(bytes(block) for block in copy).decode()


def is_inserted(connection: psycopg.Connection, table: OwnedTable, row: str) -> bool:
    """Whether a copy of this row gets past the policy, which is asked before the keys are."""
    try:
        with connection.transaction():
            connection.execute(table.statement(COPY_ROW), [row])
    except errors.InsufficientPrivilege:
        return False
    except errors.IntegrityError:
        return True
    return True


def end(connection: psycopg.Connection, ending: str) -> None:
    """Let a transaction in Alder's scope end in this way."""
    try:
        with in_scope(connection, ALDER):
            assert number(connection, "SELECT count(*) FROM devices_site") == 1
            if ending == "error":
                connection.execute("SELECT 1 / 0")
            if ending == "rollback":
                raise psycopg.Rollback
    except errors.DivisionByZero:
        assert ending == "error"
