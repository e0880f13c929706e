from __future__ import annotations

import shutil
import signal
import socket
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from flexhub import embedded
from flexhub.embedded import Services
from flexhub.embedded.processes import is_gone, wait_until
from flexhub.embedded.server import Server
from tests.flexhub.embedded.conftest import Start, root_folder


@pytest.fixture(scope="module")
def kept_root() -> Iterator[Path]:
    with root_folder() as folder:
        yield folder


@pytest.fixture
def start(kept_root: Path, messages: list[str]) -> Iterator[Start]:
    """Nothing runs before and after a test. What the servers keep stays, since it takes longest to make."""
    yield partial(embedded.start, kept_root, messages.append, tethered=True, durable=False, environment={})
    embedded.stop(kept_root, messages.append)


@pytest.fixture
def start_anew(root: Path, messages: list[str]) -> Start:
    """For a test that leaves a folder in which nothing starts."""
    return partial(embedded.start, root, messages.append, tethered=True, durable=False, environment={})


def pid_of(services: Services, name: str) -> int:
    return process_of(services, name).pid


def process_of(services: Services, name: str) -> psutil.Process:
    process = server_of(services, name).find()
    assert process is not None
    return process


def server_of(services: Services, name: str) -> Server:
    return next(server for server in services.servers if server.name == name)


def answers(services: Services) -> bool:
    with psycopg.connect(services.database_url) as connection, redis.Redis.from_url(services.redis_url) as client:
        return connection.execute("SELECT 1").fetchone() == (1,) and bool(client.ping())


def test_starts_both_reuses_them_and_stops_them(start: Start, messages: list[str]) -> None:
    first = start()
    second = start()

    assert answers(first)
    assert messages[-2:] == ["PostgreSQL is already running", "Redis is already running"]
    assert first.environment() == second.environment()

    second.stop()
    assert answers(first), "who found the servers running leaves them running"

    processes = [process_of(first, server.name) for server in first.servers]
    first.stop()
    assert all(is_gone(process) for process in processes)
    first.stop()


def test_data_and_queues_survive_a_clean_restart(start: Start) -> None:
    first = start()
    with psycopg.connect(first.database_owner_url) as connection:
        connection.execute("CREATE TABLE kept (value integer)")
        connection.execute("INSERT INTO kept VALUES (42)")
    with redis.Redis.from_url(first.redis_url) as client:
        client.lpush("queue", "task")
    first.stop()

    second = start()

    assert second.environment() == first.environment(), "clients find the servers where they were"
    with psycopg.connect(second.database_url) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (42,)
    with redis.Redis.from_url(second.redis_url, decode_responses=True) as client:
        assert client.lrange("queue", 0, -1) == ["task"]


def test_listens_on_loopback_or_a_socket_only(start: Start) -> None:
    services = start()

    listening = [
        connection.laddr.ip
        for server in services.servers
        for connection in process_of(services, server.name).net_connections()
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    ]

    assert set(listening) <= {"127.0.0.1", ""}
    stranger = redis.Redis.from_url(services.redis_url.replace("redis://:", "redis://:not"))
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_secrets_are_for_the_user_alone(start: Start) -> None:
    services = start()

    assert stat.S_IMODE(services.places.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE((services.places.redis / "redis.conf").stat().st_mode) == 0o600
    assert stat.S_IMODE(services.places.data.stat().st_mode) == 0o700
    password = services.redis_url.partition("//:")[2].partition("@")[0]
    assert not any(password in " ".join(process_of(services, server.name).cmdline()) for server in services.servers)


def test_a_silent_postgresql_is_restarted(start: Start, messages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexhub.embedded.server.SILENCE_S", 0.1)
    first = start()
    before = process_of(first, "PostgreSQL")
    before.send_signal(signal.SIGSTOP)

    second = start()

    assert f"PostgreSQL (pid {before.pid}) runs but does not answer; restarting it" in messages
    assert pid_of(second, "PostgreSQL") != before.pid
    assert answers(second)


def test_a_silent_redis_is_restarted_with_its_data(
    start: Start, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flexhub.embedded.server.SILENCE_S", 0.1)
    monkeypatch.setattr("flexhub.embedded.redis_server._ANSWER_TIMEOUT_S", 0.2)
    first = start()
    with redis.Redis.from_url(first.redis_url) as client:
        client.lpush("letters", "letter")
    before = process_of(first, "Redis")
    before.send_signal(signal.SIGSTOP)

    second = start()

    assert f"Redis (pid {before.pid}) runs but does not answer; restarting it" in messages
    assert pid_of(second, "Redis") != before.pid
    with redis.Redis.from_url(second.redis_url) as client:
        assert client.llen("letters") == 1


def test_a_killed_postgresql_leaves_a_pid_file_that_does_no_harm(start: Start, messages: list[str]) -> None:
    first = start()
    process = process_of(first, "PostgreSQL")
    children = process.children(recursive=True)
    process.kill()
    psutil.wait_procs([process, *children], timeout=10)

    second = start()

    assert "removing a stale postmaster.pid of PostgreSQL: its server is gone" in messages
    assert answers(second)


def test_a_pid_file_that_names_another_program_is_removed(start: Start, messages: list[str]) -> None:
    first = start()
    first.stop()
    pid_file = first.places.postgres / "postmaster.pid"
    another = psutil.Process().pid
    pid_file.write_text(f"{another}\n{first.places.postgres}\n", encoding="utf-8")
    first.places.postgres.joinpath("postmaster.pid").chmod(0o600)

    second = start()

    assert f"removing a stale postmaster.pid of PostgreSQL: process {another} is another program" in messages
    assert answers(second)


def test_revive_starts_what_was_killed_and_leaves_the_rest(start: Start, messages: list[str]) -> None:
    services = start()
    postgres, before = pid_of(services, "PostgreSQL"), process_of(services, "Redis")
    before.kill()
    assert wait_until(lambda: server_of(services, "Redis").find() is None, 10)

    services.revive()

    assert "Redis has ended; starting it again" in messages
    assert pid_of(services, "PostgreSQL") == postgres
    assert answers(services), "it is back at its old address"


def test_a_paused_server_is_not_revived(start: Start, messages: list[str]) -> None:
    services = start()
    process = process_of(services, "Redis")
    process.send_signal(signal.SIGSTOP)

    services.revive()
    process.send_signal(signal.SIGCONT)

    assert not any("has ended" in message for message in messages)
    assert answers(services)


def test_a_taken_port_is_changed(start: Start, messages: list[str]) -> None:
    first = start()
    port = int(first.redis_url.rpartition(":")[2].partition("/")[0])
    first.stop()

    with socket.create_server(("127.0.0.1", port)):
        second = start()

    assert f"port {port} of Redis has been taken by another program; choosing a new one" in messages
    assert second.redis_url != first.redis_url
    assert answers(second)


def test_stop_ends_servers_whoever_started_them(start: Start, kept_root: Path) -> None:
    services = start()

    assert embedded.stop(kept_root, lambda _: None) == ["PostgreSQL", "Redis"]
    assert embedded.stop(kept_root, lambda _: None) == []
    assert all(server.find() is None for server in services.servers)


@pytest.mark.parametrize("mode", [0o711, 0o700])
def test_servers_of_a_removed_root_are_ended(root: Path, messages: list[str], mode: int) -> None:
    """Closed to others, root's servers keep their data elsewhere; those of anyone else lose theirs with the root.

    PostgreSQL may then end by itself before it is looked for. Redis, which keeps all in memory, does not.
    """
    closed = root / "parent"
    closed.mkdir(mode=mode)
    start = partial(embedded.start, closed / "root", messages.append, tethered=True, durable=False, environment={})
    first = start()
    try:
        assert answers(first)
        left = [process_of(first, server.name) for server in first.servers]
        shutil.rmtree(closed / "root")

        second = start()

        assert all(is_gone(process) for process in left)
        assert f"stopping Redis, left by a folder {closed / 'root'} that is gone" in messages
        assert answers(second)
        assert second.database_url != first.database_url
    finally:
        embedded.stop(closed / "root", messages.append)
        first.places.remove()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(start_anew: Start) -> None:
    services = start_anew()
    services.stop()
    (services.places.postgres / "PG_VERSION").write_text("9\n", encoding="utf-8")

    with pytest.raises(embedded.ServiceNotStarted, match=r"(?s)PostgreSQL did not start.*version 9"):
        start_anew()

    assert all(server.find() is None for server in services.servers)


def test_a_password_that_no_longer_fits_is_explained(start_anew: Start) -> None:
    services = start_anew()
    services.places.secrets.unlink()

    with pytest.raises(embedded.EmbeddedError, match="has another password than"):
        start_anew()
