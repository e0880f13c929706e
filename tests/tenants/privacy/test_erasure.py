from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from flexhub.devices.models import Link, Site
from flexhub.pairing.services import authenticate_node
from flexhub.telemetry.models import Measurement
from tenants import audit
from tenants.models import AuditEntry, Erasure, Household, Membership, User
from tenants.origin import Origin, Via, bound
from tenants.privacy import erasure
from tenants.privacy.holdings import holdings
from tenants.scope import platform_scope, tenant_scope
from tenants.signin import invitations
from tenants.signin.invitations import InvitationNotValid
from tenants.signin.models import Invitation
from tests.support.privacy import Customer, make_full_customer
from tests.support.registry import audited, make_member, make_tenant, query

pytestmark = pytest.mark.django_db

LATER = erasure.SETTLES_WITHIN + timedelta(seconds=1)


@pytest.fixture
def customer(redis_url: str) -> Customer:
    return make_full_customer(make_tenant("Alder"))


def _erase(customer: Customer) -> None:
    now = timezone.now()
    begun = erasure.request(customer.household, now=now, actor=None)
    assert not erasure.advance(begun, now=now)
    assert erasure.advance(begun, now=now + LATER)


def _everything() -> str:
    """All tables as text, as a dump of the database would have them."""
    with platform_scope("test"), connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        tables = [name for (name,) in cursor.fetchall() if not name.startswith("telemetry_measurement_")]
        return "\n".join(str(query(f"SELECT * FROM {table}")) for table in [*tables, "telemetry_measurement"])


def _redis(url: str) -> str:
    with redis.Redis.from_url(url, decode_responses=True, socket_timeout=10) as client:
        found = []
        for key in client.scan_iter():
            kind = client.type(key)
            read: Any = {"stream": client.xrange, "hash": client.hgetall, "set": client.smembers}.get(str(kind))
            found.append(f"{key} {read(key) if read else ''}")
        return "\n".join(found)


def test_nobody_comes_by_an_invitation_while_it_is_under_way(customer: Customer) -> None:
    """They would have an account, with their address, that is part of no erasure."""
    invitation = invitations.invite(
        tenant=customer.tenant, email="late@example.com", role=Membership.Role.RESIDENT, household=customer.household
    )
    with tenant_scope(customer.tenant.pk):
        Invitation.objects.update(token_hash="known to tests", expires_at=timezone.now() + timedelta(days=1))
        invitation.refresh_from_db()

    erasure.request(customer.household, now=timezone.now(), actor=None)

    with pytest.raises(InvitationNotValid):
        invitations.accept_as_new(invitation, username="late", password="")


def test_leaves_nothing_that_tells_of_the_household(customer: Customer, redis_url: str) -> None:
    with tenant_scope(customer.tenant.pk):
        audit.record("devices.site.changed", customer.site, actor=customer.resident, after={"name": "Müller's castle"})
    words = ("Müller", customer.resident.username, str(customer.link.pk), "1234.5")
    assert [word for word in words if word in _everything()] == list(words)
    assert "Müller" in _redis(redis_url)

    _erase(customer)

    left = _everything()
    # The tariff is the provider's own, as is the pool's name.
    with platform_scope("test"):
        assert not Site.objects.exists()
        assert not Measurement.objects.exists()
        assert not Household.objects.exists()
        assert not User.objects.filter(pk=customer.resident.pk).exists()
    assert customer.resident.username not in left
    assert "Müller house" not in left
    assert "Müller battery" not in left
    assert "Müller's castle" not in left
    assert "Müller" not in _redis(redis_url)
    assert str(customer.site.pk) not in _redis(redis_url)


def test_the_trail_stays_as_proof(customer: Customer) -> None:
    with platform_scope("test"):
        before = list(AuditEntry.objects.order_by("pk").values_list("pk", "action", "object_id", "at"))

    with bound(Origin(via=Via.COMMAND)):
        _erase(customer)

    with platform_scope("test"):
        after = list(AuditEntry.objects.order_by("pk").values_list("pk", "action", "object_id", "at"))
    assert after[: len(before)] == before
    (created,) = (row for row in audited("devices.site.created") if row["object_id"] == str(customer.site.pk))
    assert (created["object_name"], set(created["after"].values())) == ("(erased)", {"(erased)"})
    assert "fuse_limit_w" in created["after"]
    (erased,) = audited("tenants.household.erased")
    assert (erased["object_id"], erased["object_name"], erased["after"]["sites"]) == (
        str(customer.household.pk),
        "(erased)",
        1,
    )
    assert audited("tenants.audit.blanked")


def test_shuts_out_devices_and_people_before_it_erases_anything(customer: Customer) -> None:
    erasure.request(customer.household, now=timezone.now(), actor=None)

    assert authenticate_node(customer.link.rm_node_id, customer.token) is None
    with platform_scope("test"):
        assert not Link.objects.exists()
        assert not Membership.objects.filter(household_id=customer.household.pk).exists()
        assert not User.objects.filter(pk=customer.resident.pk).exists()
        assert Site.objects.exists()
        assert Measurement.objects.exists()


def test_waits_for_who_is_still_there(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    begun = erasure.request(customer.household, now=now, actor=None)
    links = next(each for each in holdings() if Link in each.models)
    monkeypatch.setattr(links, "is_quiet", lambda _things: False, raising=False)

    assert not erasure.advance(begun, now=now + LATER)

    with platform_scope("test"):
        assert Site.objects.exists()
        assert Erasure.objects.get().quiet_since is None


@pytest.mark.parametrize("failing", ["clear", "erase"])
def test_goes_on_where_it_was_interrupted(customer: Customer, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the process was killed")

    now = timezone.now()
    begun = erasure.request(customer.household, now=now, actor=None)
    erasure.request(customer.household, now=now, actor=None)
    erasure.advance(begun, now=now)
    with monkeypatch.context() as patch:
        # The last one to be asked: all others have done their part.
        patch.setattr(holdings()[0], failing, fail, raising=False)
        with pytest.raises(RuntimeError):
            erasure.advance(begun, now=now + LATER)

    assert erasure.go_on(now + LATER) == 1

    assert erasure.go_on(now + LATER) == 0
    with platform_scope("test"):
        assert not Site.objects.exists()
        assert not Household.objects.exists()
        done = Erasure.objects.get()
    assert (done.things, done.finished_at) == ({}, now + LATER)
    assert len(audited("tenants.household.erased")) == len(audited("tenants.household.erasure_requested")) == 1


def test_who_belongs_elsewhere_too_keeps_the_account(customer: Customer) -> None:
    other = make_tenant("Birch")
    with platform_scope("test"):
        Membership.objects.create(user=customer.resident, tenant=other)

    _erase(customer)

    with platform_scope("test"):
        left = User.objects.get(pk=customer.resident.pk)
        assert [each.tenant_id for each in left.memberships.all()] == [other.pk]


def test_others_stay_as_they_are(customer: Customer, redis_url: str) -> None:
    others = [make_full_customer(customer.tenant, "Nachbar"), make_full_customer(make_tenant("Birch"), "Fremd")]

    _erase(customer)

    for other in others:
        with tenant_scope(other.tenant.pk):
            assert Site.objects.filter(pk=other.site.pk).exists()
            assert Measurement.objects.filter(site_id=other.site.pk).exists()
            row = AuditEntry.objects.get(action="devices.site.created", object_id=str(other.site.pk))
            assert row.object_name == other.site.name
        assert authenticate_node(other.link.rm_node_id, other.token) is not None
        assert f'said by": "{other.household.name}' in _redis(redis_url).replace("\\", "")


def test_the_command_asks_first_and_may_be_given_again(customer: Customer) -> None:
    names = {"tenant": str(customer.tenant.pk), "household": customer.household.name}

    with pytest.raises(CommandError, match="--yes"):
        call_command("erase_household", **names)
    call_command("erase_household", **names, yes=True)
    call_command("erase_household", **names, yes=True)

    assert len(audited("tenants.household.erasure_requested")) == 1
    assert audited("tenants.household.erasure_requested")[0]["via"] == "command"


def test_another_tenant_sees_no_erasure(customer: Customer) -> None:
    erasure.request(customer.household, now=timezone.now(), actor=make_member(customer.tenant, "ann"))

    with tenant_scope(make_tenant("Birch").pk):
        assert not Erasure.objects.exists()
