"""Whatever is sent: no error of ours, no answer that is not documented, and nothing of Alder's for anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import Settings

from cem_service import limits
from tests.flexhub.site_api.conftest import Caller
from tests.support.api_fuzzing import Fuzzer, application
from tests.support.decisions import make_instruction
from tests.support.forecasts import judged, planned_from
from tests.support.programs import make_program
from tests.support.registry import give_quotas, make_tenant
from tests.support.what_if import answer_at_once

SITE = "{site_id}"


@pytest.fixture
def fuzzer(caller: Caller, redis_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fuzzer]:
    """Alder's home has all that can be asked for, and answers as often as it is asked."""
    settings.WHAT_IF_PER_MINUTE = settings.API_CLIENT_CALLS_PER_MINUTE = 10_000
    world = caller.world
    give_quotas(world.household.tenant, api_calls_per_min=10_000)
    answer_at_once(monkeypatch, world.tools)
    world.connect()
    world.describe(level=5000.0)
    wish = world.wish(import_w=2000, ends_at=world.clock.now() + timedelta(hours=2))
    world.run(limits.set_limit, site=world.household.site, reference="event-1", wish=wish)
    planned_from(world.household, "weather")
    judged(world.household, "weather", 0.18)
    make_instruction(world.household)
    tokens = {
        "nobody": None,
        "one without the scope": caller.program.access_token("neither:this"),
        "another tenant": make_program(make_tenant("Birch")).access_token(),
        "the owner": caller.token,
    }
    with application() as handler:
        site_id = str(world.household.site.pk)
        yield Fuzzer.of(handler, "/api/v1/sites/", tokens, site_id=site_id, reference="event-1")


@pytest.mark.parametrize(("who", "refusal"), [("nobody", 401), ("one without the scope", 403), ("another tenant", 404)])
def test_whoever_is_not_the_owner_learns_nothing(fuzzer: Fuzzer, who: str, refusal: int) -> None:
    for operation in fuzzer.operations():
        answers = fuzzer.about_alders(operation, who) or fuzzer.anything(operation, who)

        lists_own = refusal == 404 and SITE not in operation.path
        assert {answer.status_code for answer in answers} <= ({200, 400} if lists_own else {refusal})
        assert lists_own or len({answer.text for answer in answers}) == 1
        assert all("Alder" not in answer.text for answer in answers)


def test_the_owner_gets_documented_answers(fuzzer: Fuzzer) -> None:
    for operation in fuzzer.operations():
        right = {answer.status_code for answer in fuzzer.about_alders(operation, "the owner")}

        assert right <= {200, 202, 204, 400}
        if operation.body:
            wrong = fuzzer.about_alders(operation, "the owner", wrong=True)
            assert {answer.status_code for answer in wrong} <= right | {400}
        assert {answer.status_code for answer in fuzzer.anything(operation, "the owner")} <= {200, 400, 404}
