from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from flexhub.bus import end_id
from flexhub.devices.models import DeviceType, Node
from flexhub.devices.services import create_cem_node, link_nodes, set_main_meter
from flexhub.pairing.dialled import change_dialled_end, create_dialled_end
from flexhub.pairing.models import DialledEnd
from flexhub.pairing.outgoing import (
    Outcome,
    OutgoingLink,
    dialling,
    house_identities,
    identity_at,
    note_outcomes,
    outgoing_links,
)
from flexhub.pairing.services import authenticate_node
from tenants.deactivation import deactivate, reactivate
from tenants.scope import platform_scope, tenant_scope
from tenants.secrets import SealedWithAnotherKeyError
from tests.support.registry import Household, make_household

pytestmark = pytest.mark.django_db

URL = "wss://devices.example/s2"
AT = datetime(2026, 4, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def host(node: Node) -> None:
    with tenant_scope(node.tenant_id):
        Node.objects.filter(pk=node.pk).update(hosted=True)


def dialled(household: Household) -> DialledEnd:
    return create_dialled_end(link=household.link, role="RM", url=URL, token="geheim")


def test_finds_house_links_and_dialled_ends_of_all_tenants_with_one_query(alder: Household) -> None:
    birch, cedar = make_household("Birch"), make_household("Cedar")
    row = dialled(alder)
    host(birch.rm_node)

    with CaptureQueriesContext(connection) as queries:
        found = outgoing_links()

    assert set(found) == {
        OutgoingLink(alder.link.pk, alder.link.pk, row.pk, 1),
        OutgoingLink(birch.link.pk, birch.link.pk, None, 0),
    }
    assert cedar.link.pk not in {each.link_id for each in found}
    assert sum("devices_link" in query["sql"] for query in queries) == 1


def test_the_key_is_the_end_id_of_the_seat(alder: Household) -> None:
    box = create_cem_node(site=alder.site, name="box")
    link = link_nodes(rm_node=alder.rm_node, cem_node=box)
    row = create_dialled_end(link=link, role="CEM", url=URL)

    assert outgoing_links() == [OutgoingLink(end_id(link.pk, "CEM"), link.pk, row.pk, 1)]


def test_leaves_out_what_is_not_to_be_dialled(alder: Household) -> None:
    row = dialled(alder)

    change_dialled_end(row, enabled=False)

    assert outgoing_links() == []
    assert dialling(row.pk, 2) is None
    change_dialled_end(row, enabled=True)
    host(alder.rm_node)
    assert [each.dialled_id for each in outgoing_links()] == [None]
    assert dialling(row.pk, 3) is None


def test_a_dialled_peer_is_known_as_if_it_had_signed_in(alder: Household) -> None:
    with platform_scope("a test changes a device type"):
        DeviceType.objects.update(strictness="lenient", messages_per_s=3, burst=4)
    row = dialled(alder)

    found = dialling(row.pk, row.revision)

    assert found is not None
    signed_in = authenticate_node(alder.rm_node.pk, alder.token)
    assert signed_in is not None
    assert (found.url, found.token) == (URL, "geheim")
    assert found.identity.strictness.lenient
    assert (found.identity.messages_per_s, found.identity.burst) == (3, 4)
    assert found.identity.peer_site_id == alder.site.pk
    for name in ("node_id", "role", "tenant_id", "site_id", "link_id", "peer_node_id", "peer_hosted", "device_name"):
        assert getattr(found.identity, name) == getattr(signed_in, name)
    assert "geheim" not in repr(found)


def test_an_older_revision_is_not_dialled(alder: Household) -> None:
    row = dialled(alder)
    change_dialled_end(row, url="wss://other.example", token="another")

    assert dialling(row.pk, 1) is None
    found = dialling(row.pk, 2)
    assert found is not None
    assert found.url == "wss://other.example"


def test_says_when_a_token_cannot_be_read(alder: Household, settings: Settings) -> None:
    row = dialled(alder)
    settings.SECRETS_KEYS = ["A" * 42 + "A="]

    with pytest.raises(SealedWithAnotherKeyError):
        dialling(row.pk, 1)


def test_both_ends_of_a_house_link_are_ours(alder: Household) -> None:
    assert house_identities(alder.link.pk) is None
    host(alder.rm_node)

    found = house_identities(alder.link.pk)

    assert found is not None
    rm, cem = found
    assert (rm.node_id, cem.node_id) == (alder.rm_node.pk, alder.cem_node.pk)
    assert (rm.end_id, cem.end_id) == (alder.link.pk, end_id(alder.link.pk, "CEM"))
    assert rm.hosted
    assert rm.peer_hosted
    assert cem.hosted
    assert cem.peer_hosted
    assert (rm.device_name, cem.device_name) == ("Alder battery", alder.cem_node.name)


def test_knows_the_main_meter(alder: Household) -> None:
    set_main_meter(site=alder.site, node=alder.rm_node)
    with tenant_scope(alder.tenant.pk):
        alder.link.refresh_from_db()
        rm, cem = identity_at(alder.link, "RM"), identity_at(alder.link, "CEM")

    assert (rm.is_main_meter, rm.site_has_main_meter) == (True, True)
    assert (cem.is_main_meter, cem.site_has_main_meter) == (False, True)


def test_notes_how_it_went_only_where_that_has_changed(alder: Household) -> None:
    row = dialled(alder)

    note_outcomes([Outcome(row.pk, 1, "FAILED", "no answer " + "x" * 300)], AT)
    note_outcomes([Outcome(row.pk, 1, "FAILED", "no answer " + "x" * 300)], AT.replace(hour=13))
    note_outcomes([Outcome(row.pk, 7, "CONNECTED", ""), Outcome(row.pk + 1, 1, "CONNECTED", "")], AT)

    with tenant_scope(alder.tenant.pk):
        row.refresh_from_db()
    assert (row.state, row.since, len(row.error)) == ("FAILED", AT, 200)
    note_outcomes([Outcome(row.pk, 1, "FAILED", "it said \x00\n!")], AT)
    with tenant_scope(alder.tenant.pk):
        row.refresh_from_db()
    assert row.error == "it said \ufffd\ufffd!"
    note_outcomes([Outcome(row.pk, 1, "CONNECTED", "")], AT.replace(hour=14))
    with tenant_scope(alder.tenant.pk):
        row.refresh_from_db()
    assert (row.state, row.since, row.error) == ("CONNECTED", AT.replace(hour=14), "")


def test_leaves_out_what_is_a_deactivated_tenants(alder: Household) -> None:
    birch = make_household("Birch")
    row = dialled(alder)
    host(birch.rm_node)
    house = birch.link
    assert {each.link_id for each in outgoing_links()} == {alder.link.pk, house.pk}

    for household in (alder, birch):
        deactivate(household.tenant, now=AT)

    assert outgoing_links() == []
    assert dialling(row.pk, 1) is None
    assert house_identities(house.pk) is None
    for household in (alder, birch):
        reactivate(household.tenant)
    assert {each.link_id for each in outgoing_links()} == {alder.link.pk, house.pk}
