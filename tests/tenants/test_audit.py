import pytest

from tenants import audit
from tenants.models import AuditEntry
from tenants.scope import platform_scope, tenant_scope
from tenants.services import create_api_client
from tests.support.programs import make_program
from tests.support.registry import make_member, make_stranger, make_tenant

pytestmark = pytest.mark.django_db


def test_says_who_did_what_to_which_row_of_which_tenant() -> None:
    alder = make_tenant("Alder")
    ann = make_member(alder, "ann")
    client = create_api_client(tenant=alder, name="portal")

    with tenant_scope(alder.pk):
        entry = audit.record("tenants.apiclient.changed", client, actor=ann, before={"a": 1}, after={"a": 2})

    assert (entry.tenant_id, entry.object_id, entry.object_name) == (alder.pk, str(client.pk), "portal")
    assert (entry.actor_type, entry.actor_id, entry.actor_name) == ("tenants.user", str(ann.pk), "ann")
    assert (entry.before, entry.after) == ({"a": 1}, {"a": 2})
    assert str(entry) == "tenants.apiclient.changed portal"


def test_a_program_can_be_the_actor() -> None:
    alder = make_tenant("Alder")
    client = create_api_client(tenant=alder, name="portal")

    with tenant_scope(alder.pk):
        entry = audit.record("x.y.done", alder, actor=client)

    assert (entry.actor_type, entry.actor_name) == ("tenants.apiclient", "portal")


def test_a_user_of_no_tenant_has_entries_that_only_operators_see() -> None:
    sam = make_stranger()

    with platform_scope("test"):
        assert audit.record("tenants.user.changed", sam, actor=None).tenant_id is None
    with tenant_scope(make_tenant("Alder").pk):
        assert not AuditEntry.objects.filter(object_name="sam").exists()


def test_what_is_no_row_of_anybody_is_for_operators_only() -> None:
    alder = make_tenant("Alder")
    ann = make_member(alder, "ann")

    with platform_scope("test"):
        entry = audit.record_unowned(
            "a.b.done", object_type="bus.thing", object_id="1-0", object_name="x" * 300, actor=ann, before={"a": 1}
        )

    assert (entry.tenant_id, entry.object_type, entry.object_id, entry.object_name) == (
        None,
        "bus.thing",
        "1-0",
        "x" * 200,
    )
    assert (entry.actor_name, entry.before) == ("ann", {"a": 1})
    with tenant_scope(alder.pk):
        assert not AuditEntry.objects.filter(action="a.b.done").exists()


def test_outlives_the_user_it_names() -> None:
    alder = make_tenant("Alder")
    ann = make_member(alder, "ann")
    with platform_scope("test"):
        audit.record("x.y.done", alder, actor=ann)
        ann.delete()

        assert AuditEntry.objects.get(action="x.y.done").actor_name == "ann"


def test_keeps_no_secrets() -> None:
    client = make_program(make_tenant("Alder"), name="portal").client
    with tenant_scope(client.tenant_id):
        secret = client.secrets.get()

    assert audit.fields_of(secret)["secret_hash"] == "(secret)"
    assert audit.fields_of(client)["name"] == "portal"


def test_reduces_a_change_to_what_differs() -> None:
    assert audit.changes_between({"a": 1, "b": 1}, {"a": 1, "b": 2}) == ({"b": 1}, {"b": 2})
