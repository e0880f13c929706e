"""A client's secret is replaced under load: nobody who shows a valid one is refused, and no old one is taken.

Threads with connections of their own, because what could go wrong goes wrong between transactions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from tenants.api_clients import issue_secret, revoke_secret
from tenants.models import APIClient, APIClientSecret
from tenants.scope import tenant_scope
from tests.support.programs import make_program

ROTATIONS = 5
THREADS = 3
WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def as_fast_as_they_like(settings: Any) -> None:
    """What limits how often a program may ask is tried elsewhere."""
    settings.API_TOKEN_REQUESTS_PER_MINUTE = 1_000_000


@dataclass
class Load:
    """Programs that fetch access tokens and call the API with them, until they are stopped."""

    client_id: str
    secret: str
    stopped: threading.Event = field(default_factory=threading.Event)
    refused: list[Any] = field(default_factory=list)
    # With which secret each thread was last let in, and how often it was.
    let_in_with: dict[int, str] = field(default_factory=dict)

    def run(self, number: int) -> None:
        web = Client()
        try:
            while not self.stopped.is_set():
                secret = self.secret
                answer = token_for(web, self.client_id, secret)
                if answer.status_code == 200:
                    answer = pools_with(web, answer.json()["access_token"])
                if answer.status_code == 200:
                    self.let_in_with[number] = secret
                else:
                    self.refused.append((answer.status_code, answer.content))
        finally:
            connections.close_all()

    def await_use_of(self, secret: str) -> None:
        await_that(lambda: list(self.let_in_with.values()) == [secret] * THREADS)


def await_that(holds: Callable[[], bool]) -> None:
    wait = threading.Event()
    for _ in range(int(WITHIN_S / 0.01)):
        if holds():
            return
        wait.wait(0.01)
    raise AssertionError("did not come about in time")


def token_for(web: Client, client_id: str, secret: str) -> Any:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    body = "&".join(f"{name}={value}" for name, value in form.items())
    return web.post("/oauth/token", body, content_type="application/x-www-form-urlencoded")


def pools_with(web: Client, token: str) -> Any:
    return web.get("/api/v1/pools/", headers={"Authorization": f"Bearer {token}"})


def newest_secret(client: APIClient) -> APIClientSecret:
    with tenant_scope(client.tenant_id):
        return client.secrets.select_related("client").order_by("-id")[0]


@pytest.mark.django_db(transaction=True)
def test_programs_change_over_without_a_gap() -> None:
    program = make_program()
    client, web = program.client, Client()
    load = Load(client.client_id, program.secret)

    with ThreadPoolExecutor(THREADS) as threads:
        running = [threads.submit(load.run, number) for number in range(THREADS)]
        try:
            for _ in range(ROTATIONS):
                load.await_use_of(load.secret)
                old, row = load.secret, newest_secret(client)
                last = token_for(web, client.client_id, old).json()["access_token"]

                load.secret = issue_secret(client, now=timezone.now())
                load.await_use_of(load.secret)
                revoke_secret(row, now=timezone.now(), end_tokens=True)

                assert token_for(web, client.client_id, old).status_code == 401
                assert pools_with(web, last).status_code == 401
        finally:
            load.stopped.set()
        for each in running:
            each.result(timeout=WITHIN_S)

    assert load.refused == []


@pytest.mark.django_db(transaction=True)
def test_no_token_outlives_a_secret_that_is_revoked_while_it_is_issued() -> None:
    """Programs that never change over: after the end of their secret none of their tokens is taken."""
    program = make_program()
    web = Client()
    for _ in range(ROTATIONS):
        secret, row = issue_secret(program.client, now=timezone.now()), newest_secret(program.client)
        got: list[str] = []

        def fetch(shown: str = secret, into: list[str] = got) -> None:
            try:
                while (answer := token_for(Client(), program.client.client_id, shown)).status_code == 200:
                    into.append(answer.json()["access_token"])
            finally:
                connections.close_all()

        with ThreadPoolExecutor(THREADS) as threads:
            running = [threads.submit(fetch) for _ in range(THREADS)]
            await_that(lambda: len(got) > THREADS)  # noqa: B023 - Awaited within the loop.
            revoke_secret(row, now=timezone.now(), end_tokens=True)
            for each in running:
                each.result(timeout=WITHIN_S)

        assert {pools_with(web, token).status_code for token in got} == {401}
