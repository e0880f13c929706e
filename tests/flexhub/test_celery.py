from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest
from django.db import connection

from flexhub.celery import app, give_connections_back, look_after_connections, spare_what_stays
from tests.support.early import ROOT


def test_what_a_command_sends_goes_to_our_queues() -> None:
    code = "from cem_service import tasks; print(tasks.react.app.conf.broker_transport_options['global_keyprefix'])"

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "shell", "-v", "0", "-c", code],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.stdout.strip() == "fh:celery:", done.stderr


class Ring:
    """Only the search for garbage finds it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def own_garbage() -> Iterator[None]:
    """What a test changes of how garbage is looked for ends with it."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("own_garbage")
def test_what_a_process_has_loaded_is_never_looked_through_again() -> None:
    loaded: list[object] = [[]]
    assert any(each is loaded for each in gc.get_objects())

    spare_what_stays()

    assert not any(each is loaded for each in gc.get_objects())


@pytest.mark.usefixtures("own_garbage")
def test_new_objects_are_looked_through_seldom_and_still_found() -> None:
    spare_what_stays()
    found = weakref.WeakSet[Ring]()

    for _ in range(100_000):
        found.add(Ring())

    assert 0 < len(found) < 50_000


def _pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone() or (0,)
    return int(pid)


@pytest.mark.django_db(transaction=True)
def test_a_process_keeps_its_connection_from_task_to_task() -> None:
    look_after_connections()
    before = _pid()
    give_connections_back()
    look_after_connections()

    assert _pid() == before
    assert app.conf["CELERY_DB_REUSE_MAX"] > 10**9


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_is_replaced_before_the_next_task() -> None:
    before = _pid()
    connection.connection.close()
    connection.errors_occurred = True

    look_after_connections()

    assert _pid() != before


@pytest.mark.django_db(transaction=True)
def test_a_thread_gives_its_connection_back() -> None:
    left: list[object] = []

    def task() -> None:
        _pid()
        give_connections_back()
        left.append(connection.connection)

    thread = threading.Thread(target=task)
    thread.start()
    thread.join(30)

    assert left == [None]
