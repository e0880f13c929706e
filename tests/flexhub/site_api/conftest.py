"""A provider's home on the in-memory bus, and its program."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from cem_service import runtime
from tests.support.cem_world import World, make_world
from tests.support.clock import FixedClock
from tests.support.programs import Program, make_program


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls the API as the program of Alder, unless another token is given. What is committed takes effect."""

    client: Client
    world: World
    program: Program
    token: str
    on_commit: Callable[..., AbstractContextManager[object]]

    def ask(self, method: str, path: str, body: object = None, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        options: dict[str, Any] = {} if body is None else {"data": body, "content_type": "application/json"}
        with self.on_commit(execute=True):
            return getattr(self.client, method)(f"/api/v1/sites/{path}", headers=headers, **options)

    def about(self, method: str, rest: str, body: object = None, token: str | None = None) -> Any:
        """Something of Alder's site."""
        return self.ask(method, f"{self.world.household.site.pk}/{rest}", body, token)


@pytest.fixture
def caller(
    db: None,
    client: Client,
    clock: FixedClock,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
    monkeypatch: pytest.MonkeyPatch,
) -> Caller:
    world = make_world(clock, django_capture_on_commit_callbacks)
    monkeypatch.setattr(runtime, "tools", lambda: world.tools)
    program = make_program(world.household.tenant)
    return Caller(client, world, program, program.access_token(), django_capture_on_commit_callbacks)
