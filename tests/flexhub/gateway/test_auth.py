from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from flexhub.gateway import auth
from flexhub.gateway.auth import (
    LINK_UNNAMED,
    TOKEN_MISSING,
    TOKEN_REFUSED,
    UNAVAILABLE,
    Answer,
    Authenticate,
    Doorkeeper,
    bearer_token,
)
from flexhub.gateway.limits import AUTH_BATCH, AUTH_THREADS
from flexhub.pairing.services import LinkUnnamedError, SignIn
from tests.support.gateway_inside import identity
from tests.support.threads import await_that

WHO = identity()


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"authorization", b"bearer  abc ")], "abc"),
        ([], None),
        ([(b"authorization", b"")], None),
        ([(b"authorization", b"Bearer")], None),
        ([(b"authorization", b"Bearer ")], None),
        ([(b"authorization", b"Basic abc")], None),
        ([(b"authorization", b"Bearer a b")], None),
        ([(b"authorization", b"Bearer \xff")], None),
        ([(b"authorization", b"Bearer " + b"a" * 513)], None),
        ([(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer abc")], None),
    ],
)
def test_reads_the_one_bearer_token(headers: list[tuple[bytes, bytes]], token: str | None) -> None:
    assert bearer_token(headers) == token


HEADERS = [(b"authorization", b"Bearer abc")]


async def admit(authenticate: Authenticate) -> object:
    doorkeeper = Doorkeeper(authenticate)
    try:
        return await doorkeeper.admit(uuid4(), HEADERS)
    finally:
        doorkeeper.close()


def answering(answer: Answer) -> Authenticate:
    return lambda sign_ins: [answer] * len(sign_ins)


def failing(error: Exception) -> Authenticate:
    def authenticate(sign_ins: Sequence[SignIn]) -> list[Answer]:
        raise error

    return authenticate


class SlowDatabase:
    """Answers when it is let, with an identity of that node, or with nobody for a token that is wrong."""

    def __init__(self) -> None:
        self.asked: list[list[SignIn]] = []
        self.lets_go = threading.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def __call__(self, sign_ins: Sequence[SignIn]) -> list[Answer]:
        with self._lock:
            self.asked.append(list(sign_ins))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.lets_go.wait(20)
        with self._lock:
            self._at_once -= 1
        return [identity(node_id=each.node_id) if each.token == "right" else None for each in sign_ins]


@pytest.mark.parametrize("peer_hosted", [True, False])
@pytest.mark.parametrize("role", ["RM", "CEM"])
async def test_admits_either_end_of_a_link_whatever_the_other_one_is(role: str, peer_hosted: bool) -> None:
    who = identity(role=role, peer_hosted=peer_hosted)

    assert await admit(answering(who)) == who


async def test_asks_for_the_link_that_was_named() -> None:
    asked: list[UUID | None] = []

    def authenticate(sign_ins: Sequence[SignIn]) -> list[Answer]:
        asked.extend(each.peer_id for each in sign_ins)
        return [WHO]

    doorkeeper = Doorkeeper(authenticate)
    await doorkeeper.admit(uuid4(), HEADERS, WHO.peer_node_id)
    doorkeeper.close()

    assert asked == [WHO.peer_node_id]


async def test_refuses_by_reason() -> None:
    assert await Doorkeeper(answering(WHO)).admit(uuid4(), []) is TOKEN_MISSING
    assert await admit(answering(None)) is TOKEN_REFUSED
    assert await admit(answering(LinkUnnamedError())) is LINK_UNNAMED
    assert await admit(failing(OperationalError("the database is away"))) is UNAVAILABLE
    assert await admit(failing(InterfaceError("the connection is closed"))) is UNAVAILABLE


async def test_a_herd_is_checked_with_few_queries_and_each_gets_the_answer_to_its_own_token() -> None:
    database = SlowDatabase()
    doorkeeper = Doorkeeper(database)
    nodes = [uuid4() for _ in range(2_000)]
    tokens = [b"wrong" if place % 10 == 0 else b"right" for place in range(len(nodes))]

    herd = [
        asyncio.create_task(doorkeeper.admit(node, [(b"authorization", b"Bearer " + token)]))
        for node, token in zip(nodes, tokens, strict=True)
    ]
    await asyncio.sleep(0.05)
    database.lets_go.set()
    answers = await asyncio.gather(*herd)
    doorkeeper.close()

    for node, token, answer in zip(nodes, tokens, answers, strict=True):
        assert answer is TOKEN_REFUSED if token == b"wrong" else getattr(answer, "node_id", None) == node
    assert database.most_at_once <= AUTH_THREADS
    assert len(database.asked) <= AUTH_THREADS + len(nodes) / AUTH_BATCH + 1


async def test_does_not_ask_about_those_who_have_gone() -> None:
    database = SlowDatabase()
    doorkeeper = Doorkeeper(database)
    waiting = [asyncio.create_task(doorkeeper.admit(uuid4(), HEADERS)) for _ in range(5)]
    await asyncio.sleep(0)
    for gone in waiting[1:]:
        gone.cancel()
    database.lets_go.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    doorkeeper.close()

    assert answers[0] is TOKEN_REFUSED
    assert sum(map(len, database.asked)) == 1


async def test_asks_again_for_each_connection() -> None:
    answers: list[Answer] = [WHO, None]
    doorkeeper = Doorkeeper(lambda sign_ins: [answers.pop(0) for _ in sign_ins])

    before = await doorkeeper.admit(WHO.node_id, HEADERS)
    after_it_was_revoked = await doorkeeper.admit(WHO.node_id, HEADERS)
    doorkeeper.close()

    assert (before, after_it_was_revoked) == (WHO, TOKEN_REFUSED)


async def test_a_database_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "AUTH_TIMEOUT_S", 0.01)
    database = SlowDatabase()

    assert await admit(database) is UNAVAILABLE
    database.lets_go.set()


async def test_a_database_in_trouble_is_asked_again_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "AUTH_THREADS", 1)
    outcomes = [failing(OperationalError("the database is away")), answering(WHO)]

    def authenticate(sign_ins: Sequence[SignIn]) -> list[Answer]:
        return outcomes.pop(0)(sign_ins)

    doorkeeper = Doorkeeper(authenticate)

    assert await doorkeeper.admit(uuid4(), HEADERS) is UNAVAILABLE
    assert await doorkeeper.admit(uuid4(), HEADERS) is WHO
    doorkeeper.close()


async def test_a_queue_that_is_full_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "AUTH_QUEUE", 0)

    assert await admit(answering(WHO)) is UNAVAILABLE


async def test_an_outage_of_the_database_is_told_once_and_so_is_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(auth, "AUTH_THREADS", 1)
    caplog.set_level("INFO", logger=auth.__name__)
    away = failing(OperationalError("the database is away"))
    outcomes = [away, away, answering(WHO), answering(WHO), away]

    def authenticate(sign_ins: Sequence[SignIn]) -> list[Answer]:
        return outcomes.pop(0)(sign_ins)

    doorkeeper = Doorkeeper(authenticate)

    for _ in range(5):
        await doorkeeper.admit(uuid4(), HEADERS)
    doorkeeper.close()

    told = [record.getMessage() for record in caplog.records]
    assert [("unavailable" in one, "available_again" in one) for one in told] == [
        (True, False),
        (False, True),
        (True, False),
    ]


async def test_never_logs_the_token(caplog: pytest.LogCaptureFixture) -> None:
    def broken(sign_ins: Sequence[SignIn]) -> list[Answer]:
        raise OperationalError(f"SELECT ... {sign_ins[0].token}")

    doorkeeper = Doorkeeper(broken)
    await doorkeeper.admit(uuid4(), [(b"authorization", b"Bearer very-secret")])
    doorkeeper.close()

    assert "gateway.auth.unavailable" in caplog.text
    assert "very-secret" not in caplog.text


@pytest.mark.django_db
async def test_takes_its_connections_to_the_database_along() -> None:
    opened: list[BaseDatabaseWrapper] = []
    all_are_there = threading.Barrier(AUTH_THREADS, timeout=20)

    def authenticate(sign_ins: Sequence[SignIn]) -> list[Answer]:
        connections["default"].ensure_connection()
        opened.append(connections["default"])
        all_are_there.wait()
        return [WHO] * len(sign_ins)

    doorkeeper = Doorkeeper(authenticate)
    visits = []
    for _ in range(AUTH_THREADS):
        visits.append(asyncio.create_task(doorkeeper.admit(uuid4(), HEADERS)))
        await asyncio.to_thread(await_that, lambda: len(opened) == len(visits))
    await asyncio.gather(*visits)
    assert all(each.connection is not None for each in opened)

    doorkeeper.close()

    await asyncio.to_thread(await_that, lambda: all(each.connection is None for each in opened))
