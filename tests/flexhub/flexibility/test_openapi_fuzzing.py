"""Whatever is sent: no error of ours, no answer that is not documented, and nothing of Alder's for anybody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flexhub.flexibility.models import Pool
from flexhub.flexibility.services import enrol_site
from tenants.models import Tenant
from tests.support.api_fuzzing import Fuzzer, application
from tests.support.pools import Buses, make_pool, make_street
from tests.support.programs import Program, make_program
from tests.support.registry import make_tenant

pytestmark = pytest.mark.django_db
POOL = "{pool_id}"


@pytest.fixture
def alder() -> Program:
    return make_program()


@pytest.fixture
def pool(alder: Program) -> Pool:
    return make_pool(alder.client.tenant, name="Alder street")


@pytest.fixture
def fuzzer(alder: Program, pool: Pool) -> Iterator[Fuzzer]:
    birch = make_program(make_tenant("Birch Aggregation", Tenant.Kind.AGGREGATOR))
    tokens = {
        "nobody": None,
        "who has a made-up token": "fha_made-up",
        "another tenant": birch.access_token(),
        "one without the scope": alder.access_token("neither:this"),
        "the owner": alder.access_token(),
    }
    with application() as handler:
        yield Fuzzer.of(handler, "/api/v1/pools/", tokens, pool_id=str(pool.pk))


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("nobody", 401),
        ("who has a made-up token", 401),
        ("one without the scope", 403),
        ("another tenant", 404),
    ],
)
def test_whoever_is_not_the_owner_learns_nothing(fuzzer: Fuzzer, pool: Pool, who: str, refusal: int) -> None:
    for operation in fuzzer.operations():
        answers = fuzzer.anything(operation, who) + fuzzer.about_alders(operation, who)

        lists_own = refusal == 404 and POOL not in operation.path
        assert {answer.status_code for answer in answers} == {200 if lists_own else refusal}
        # Not by a letter does Alder's pool differ from one that there is not.
        assert len({answer.text for answer in answers}) == 1
        assert pool.name not in answers[0].text
        assert str(pool.pk) not in answers[0].text


def test_the_owner_gets_documented_answers(fuzzer: Fuzzer, pool: Pool, buses: Buses) -> None:
    homes = make_street(5)
    for home in homes:
        buses.connect_battery(home)
        enrol_site(pool=pool, site=home.site)

    for operation in fuzzer.operations():
        own = fuzzer.about_alders(operation, "the owner")
        others = fuzzer.anything(operation, "the owner")

        assert {answer.status_code for answer in own} <= {200}
        assert {answer.status_code for answer in others} == {404 if POOL in operation.path else 200}
