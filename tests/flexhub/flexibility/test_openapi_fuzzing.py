"""schemathesis makes calls from the OpenAPI document, with what each kind of caller may have in hand.

Whatever they send: no error of ours, no answer that is not documented, and nothing of Alder's for anybody else. Its
plug-in for pytest is switched off, since every run would load it for these few tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from flexhub.flexibility.models import Pool
from flexhub.flexibility.services import enrol_site
from tenants.models import Tenant
from tests.support.pools import Buses, make_pool, make_street
from tests.support.programs import make_program
from tests.support.registry import make_tenant

EXAMPLES = 12
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
POOL = "{pool_id}"
# Derandomised: a run that fails can be repeated, and none takes longer than another.
FUZZING = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


Call = Case[Any]
Operation = APIOperation[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class World:
    """Alder's pool, and the tokens of those who try."""

    schema: Any
    pool: Pool
    tokens: dict[str, str | None]

    def operations(self) -> list[Operation]:
        """All that the document has, so that a new one is covered."""
        return [each.ok() for each in self.schema.get_all_operations()]

    def anything(self, operation: Operation, who: str) -> list[Any]:
        """The answers to calls with all that the document allows, and with much that it does not."""
        answers = self._fuzz(operation, who, GenerationMode.POSITIVE)
        if "{" in operation.path:
            answers += self._fuzz(operation, who, GenerationMode.NEGATIVE)
        return answers

    def about_the_pool(self, operation: Operation, who: str) -> list[Any]:
        """The answers to calls with the id of Alder's pool, where there is room for it."""
        if POOL not in operation.path:
            return []
        return self._fuzz(operation, who, GenerationMode.POSITIVE, path_parameters={"pool_id": str(self.pool.pk)})

    def _fuzz(self, operation: Operation, who: str, mode: GenerationMode, **fixed: Any) -> list[Any]:
        token = self.tokens[who]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answers = []

        @FUZZING
        @given(case=operation.as_strategy(mode, **fixed))
        def call(case: Call) -> None:
            answers.append(case.call_and_validate(headers=headers, checks=CHECKS))

        call()
        return answers


@pytest.fixture
def application(db: None) -> Iterator[WSGIHandler]:
    """The hub, on the test's own connection: as with Django's test client, no request closes it."""
    around = (request_started, request_finished)
    for signal in around:
        signal.disconnect(close_old_connections)
    yield WSGIHandler()
    for signal in around:
        signal.connect(close_old_connections)


@pytest.fixture
def world(application: WSGIHandler) -> World:
    program = make_program()
    birch = make_program(make_tenant("Birch Aggregation", Tenant.Kind.AGGREGATOR))
    tokens = {
        "nobody": None,
        "who has a made-up token": "fha_made-up",
        "another tenant": birch.access_token(),
        "one without the scope": program.access_token("neither:this"),
        "the owner": program.access_token(),
    }
    pool = make_pool(program.client.tenant, name="Alder street")
    return World(schemathesis.openapi.from_wsgi("/api/schema/", application), pool, tokens)


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("nobody", 401),
        ("who has a made-up token", 401),
        ("one without the scope", 403),
        ("another tenant", 404),
    ],
)
def test_whoever_is_not_the_owner_learns_nothing(world: World, who: str, refusal: int) -> None:
    for operation in world.operations():
        answers = world.anything(operation, who) + world.about_the_pool(operation, who)

        lists_own = refusal == 404 and POOL not in operation.path
        assert {answer.status_code for answer in answers} == {200 if lists_own else refusal}
        # Not by a letter does Alder's pool differ from one that there is not.
        assert len({answer.text for answer in answers}) == 1
        assert world.pool.name not in answers[0].text
        assert str(world.pool.pk) not in answers[0].text


def test_the_owner_gets_documented_answers(world: World, buses: Buses) -> None:
    homes = make_street(5)
    for home in homes:
        buses.connect_battery(home)
        enrol_site(pool=world.pool, site=home.site)

    for operation in world.operations():
        own = world.about_the_pool(operation, "the owner")
        others = world.anything(operation, "the owner")

        assert {answer.status_code for answer in own} <= {200}
        assert {answer.status_code for answer in others} == {404 if POOL in operation.path else 200}
