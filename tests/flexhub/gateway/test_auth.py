from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import InterfaceError, OperationalError

from flexhub.gateway import auth
from flexhub.gateway.auth import (
    LINK_UNNAMED,
    NO_HOSTED_RM,
    TOKEN_MISSING,
    TOKEN_REFUSED,
    UNAVAILABLE,
    Doorkeeper,
    bearer_token,
)
from flexhub.pairing.services import LinkUnnamedError, NodeIdentity
from tests.support.gateway_inside import identity

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


async def admit(authenticate: Callable[[UUID, str, UUID | None], NodeIdentity | None]) -> object:
    doorkeeper = Doorkeeper(authenticate)
    try:
        return await doorkeeper.admit(uuid4(), [(b"authorization", b"Bearer abc")])
    finally:
        doorkeeper.close()


def _broken(node_id: UUID, token: str, peer_id: UUID | None) -> None:
    raise OperationalError("the database is away")


def _lost(node_id: UUID, token: str, peer_id: UUID | None) -> None:
    raise InterfaceError("the connection is closed")


async def test_admits_a_resource_manager_whose_energy_manager_is_hosted() -> None:
    assert await admit(lambda node_id, token, peer_id: WHO) == WHO


def _undecided(node_id: UUID, token: str, peer_id: UUID | None) -> None:
    raise LinkUnnamedError


@pytest.mark.parametrize("role", ["RM", "CEM"])
async def test_admits_both_ends_of_a_link_that_is_relayed(role: str) -> None:
    who = identity(role=role, peer_hosted=False)

    assert await admit(lambda node_id, token, peer_id: who) == who


async def test_asks_for_the_link_that_was_named() -> None:
    asked: list[UUID | None] = []

    def authenticate(node_id: UUID, token: str, peer_id: UUID | None) -> NodeIdentity:
        asked.append(peer_id)
        return WHO

    doorkeeper = Doorkeeper(authenticate)
    await doorkeeper.admit(uuid4(), [(b"authorization", b"Bearer abc")], WHO.peer_node_id)
    doorkeeper.close()

    assert asked == [WHO.peer_node_id]


async def test_refuses_by_reason() -> None:
    assert await Doorkeeper(lambda node_id, token, peer_id: WHO).admit(uuid4(), []) is TOKEN_MISSING
    assert await admit(lambda node_id, token, peer_id: None) is TOKEN_REFUSED
    assert await admit(lambda node_id, token, peer_id: identity(role="CEM")) is NO_HOSTED_RM
    assert await admit(_undecided) is LINK_UNNAMED
    assert await admit(_broken) is UNAVAILABLE
    assert await admit(_lost) is UNAVAILABLE


async def test_a_database_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "AUTH_TIMEOUT_S", 0.01)
    answer = threading.Event()

    def slow(node_id: UUID, token: str, peer_id: UUID | None) -> NodeIdentity:
        answer.wait(10)
        return WHO

    assert await admit(slow) is UNAVAILABLE
    answer.set()


async def test_a_queue_that_is_full_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "AUTH_QUEUE", 0)

    assert await admit(lambda node_id, token, peer_id: WHO) is UNAVAILABLE


async def test_never_logs_the_token(caplog: pytest.LogCaptureFixture) -> None:
    def broken(node_id: UUID, token: str, peer_id: UUID | None) -> None:
        raise OperationalError(f"SELECT ... {token}")

    doorkeeper = Doorkeeper(broken)
    await doorkeeper.admit(uuid4(), [(b"authorization", b"Bearer very-secret")])
    doorkeeper.close()

    assert "gateway.auth.unavailable" in caplog.text
    assert "very-secret" not in caplog.text
