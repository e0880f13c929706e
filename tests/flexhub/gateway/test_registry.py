"""The pairing service from the event loop, over a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import connections

from flexhub.gateway.registry import DatabaseRegistry, RegistryUnavailable, TokenUnreadable
from flexhub.pairing.dialled import create_dialled_end
from flexhub.pairing.models import DialledEnd
from flexhub.pairing.outgoing import Outcome, OutgoingLink
from tenants.scope import tenant_scope
from tests.support.registry import Household, make_device, make_household
from tests.support.sealed import store_text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


@pytest.fixture
def row(alder: Household) -> DialledEnd:
    return create_dialled_end(link=alder.link, role="RM", url="wss://devices.example", token="geheim")


@pytest.fixture
def registry() -> Iterator[DatabaseRegistry]:
    registry = DatabaseRegistry()
    yield registry
    registry.close()


def test_answers_what_the_gateway_asks(alder: Household, row: DialledEnd, registry: DatabaseRegistry) -> None:
    (link,) = asyncio.run(registry.links())
    dialling = asyncio.run(registry.dialling(link))
    asyncio.run(registry.note([Outcome(row.pk, 1, "FAILED", "it answered HTTP 503")]))

    assert link == OutgoingLink(alder.link.pk, alder.link.pk, row.pk, 1)
    assert dialling is not None
    assert (dialling.url, dialling.token, dialling.identity.node_id) == (row.url, "geheim", alder.rm_node.pk)
    assert asyncio.run(registry.house(link)) is None
    assert asyncio.run(registry.dialling(OutgoingLink(uuid4(), uuid4(), None, 0))) is None
    with tenant_scope(alder.tenant.pk):
        row.refresh_from_db()
    assert (row.state, row.error) == ("FAILED", "it answered HTTP 503")


def test_knows_the_ends_of_a_house_link(alder: Household, registry: DatabaseRegistry) -> None:
    device = make_device(alder.site, name="Cloud boiler", hosted=True)

    (link,) = asyncio.run(registry.links())
    ends = asyncio.run(registry.house(link))

    assert ends is not None
    assert [end.node_id for end in ends] == [device.node.pk, alder.cem_node.pk]


def test_says_when_a_token_cannot_be_read(row: DialledEnd, registry: DatabaseRegistry) -> None:
    (link,) = asyncio.run(registry.links())
    store_text(row, "1.damaged.AAAA.AAAA")

    with pytest.raises(TokenUnreadable):
        asyncio.run(registry.dialling(link))


def test_says_when_the_database_is_away(registry: DatabaseRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", "1")

    with pytest.raises(RegistryUnavailable, match="OperationalError"):
        asyncio.run(registry.links())
