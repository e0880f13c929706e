from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from flexhub.pairing.dialled import change_dialled_end, create_dialled_end
from flexhub.pairing.models import DialledEnd
from tenants.scope import tenant_scope
from tests.support.registry import Household, audited, make_household, query
from tests.support.sealed import opened

pytestmark = pytest.mark.django_db

URL = "wss://devices.example/s2"


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def make(household: Household, *, token: str | None = None) -> DialledEnd:
    return create_dialled_end(link=household.link, role="RM", url=URL, token="geheim-1" if token is None else token)


def rows(household: Household) -> list[DialledEnd]:
    with tenant_scope(household.tenant.pk):
        return list(DialledEnd.objects.all())


def test_the_token_is_stored_sealed_and_shown_nowhere(alder: Household) -> None:
    row = make(alder)

    assert opened(row) == "geheim-1"
    assert "geheim" not in row.sealed_token
    (entry,) = audited("pairing.dialledend.created")
    assert "geheim" not in str(entry)
    assert row.sealed_token not in str(entry)
    assert (row.state, row.since, row.node) == ("NEW", None, alder.rm_node)


def test_belongs_to_its_tenant_alone(alder: Household) -> None:
    birch = make_household("Birch")
    row = make(alder)

    assert rows(birch) == []
    assert rows(alder) == [row]
    with tenant_scope(birch.tenant.pk), pytest.raises(DialledEnd.DoesNotExist):
        DialledEnd.objects.get(pk=row.pk)


def test_cannot_name_the_link_of_another_tenant(alder: Household) -> None:
    birch = make_household("Birch")

    with pytest.raises(IntegrityError, match="dialled_end_same_tenant"):
        write_past_the_services(birch, alder)


def write_past_the_services(owner: Household, linked: Household) -> None:
    with tenant_scope(owner.tenant.pk):
        DialledEnd.objects.create(tenant=owner.tenant, link_id=linked.link.pk, role="RM", url=URL)
        query("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_end_that_is_ours_is_not_dialled(alder: Household) -> None:
    with pytest.raises(ValidationError, match="run by the hub"):
        create_dialled_end(link=alder.link, role="CEM", url=URL)


def test_shows_a_token_to_no_other_server(alder: Household) -> None:
    row = make(alder)

    with pytest.raises(ValidationError) as caught:
        change_dialled_end(row, url="wss://elsewhere.example/s2")

    assert set(caught.value.message_dict) == {"token"}


@pytest.mark.parametrize("url", ["https://devices.example", "wss://10.0.0.1/", "wss://localhost:1/"])
def test_refuses_addresses_that_the_hub_does_not_connect_to(alder: Household, url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        create_dialled_end(link=alder.link, role="RM", url=url)

    assert set(caught.value.message_dict) == {"url"}


def test_an_end_is_dialled_once(alder: Household) -> None:
    make(alder)

    with pytest.raises(ValidationError, match="connects to this end already"):
        make(alder)


def test_a_change_begins_anew(alder: Household) -> None:
    row = make(alder)
    with tenant_scope(alder.tenant.pk):
        DialledEnd.objects.filter(pk=row.pk).update(state="FAILED", error="it answered HTTP 500")

    changed = change_dialled_end(row, url="wss://devices.example/other", token="geheim-2")

    assert (changed.revision, changed.state, changed.error) == (2, "NEW", "")
    assert opened(changed) == "geheim-2"
    (entry,) = audited("pairing.dialledend.changed")
    assert entry["after"]["url"] == "wss://devices.example/other"
    assert entry["after"]["token"] == "(changed)"
    assert "geheim" not in str(entry)


def test_a_token_stays_until_it_is_changed_or_taken_away(alder: Household) -> None:
    row = make(alder)

    assert opened(change_dialled_end(row, enabled=False)) == "geheim-1"
    assert change_dialled_end(row, token="").sealed_token == ""
    assert [each.enabled for each in rows(alder)] == [False]
    assert "token" not in audited("pairing.dialledend.changed")[0]["after"]


@pytest.mark.parametrize("token", ["two words", "line\r\nbreak", "é", "x" * 5_000])
def test_refuses_what_cannot_be_a_token_without_repeating_it(alder: Household, token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(alder, token=token)

    assert token not in str(caught.value)
    assert rows(alder) == []
