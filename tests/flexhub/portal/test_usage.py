from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client

from flexhub.bus import TenantUse
from flexhub.portal.usage import usage_of_all, usages_of
from tenants.models import Tenant
from tenants.quota_table import Quantity, Quotas
from tenants.scope import platform_scope, tenant_scope
from tests.flexhub.portal.conftest import Seats
from tests.support.registry import Household, give_quotas, make_household, make_member, make_operator, make_tenant

pytestmark = pytest.mark.django_db

PAGE = "/admin/quotas/"


def page(client: Client, path: str = PAGE) -> str:
    """The page on one line, since what belongs together is spread over several."""
    response = client.get(path)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


class TestReading:
    def test_joins_what_postgresql_and_redis_know(self, seats: Seats, alder: Household) -> None:
        seats.use({alder.tenant.pk: TenantUse(3, 1.5)})

        with tenant_scope(alder.tenant.pk):
            (found,) = usage_of_all(seats.bus)

        used = {usage.quantity: usage.used for usage in found.usages}
        assert (used[Quantity.DEVICES], used[Quantity.SITES], used[Quantity.CEM_NODES]) == (1, 1, 0)
        assert (used[Quantity.SESSIONS], used[Quantity.MESSAGES_PER_S]) == (3, 1.5)

    def test_whoever_is_closest_to_a_quota_comes_first(self, seats: Seats, alder: Household) -> None:
        birch = make_household("Birch").tenant
        give_quotas(birch, devices=1)

        with platform_scope("test"):
            first, *others = usage_of_all(seats.bus)

        assert (first.tenant, first.fullest.quantity, first.is_near) == (birch, Quantity.DEVICES, True)
        assert alder.tenant in [each.tenant for each in others]
        assert not any(each.is_near for each in others)

    def test_shows_what_concerns_a_tenant_or_is_used_all_the_same(self) -> None:
        nothing: dict[Quantity, float | None] = dict.fromkeys(Quantity, 0)

        shown = [usage.quantity for usage in usages_of("AGGREGATOR", Quotas(), nothing)]
        assert shown == [
            Quantity.MEMBERS,
            Quantity.API_CLIENTS,
            Quantity.API_CALLS_PER_MIN,
            Quantity.INVITATIONS_PER_DAY,
        ]
        assert Quantity.SITES in [u.quantity for u in usages_of("AGGREGATOR", Quotas(), nothing | {Quantity.SITES: 1})]


class TestPage:
    def test_a_tenant_sees_its_own(self, client: Client, seats: Seats, alder: Household) -> None:
        birch = make_household("Birch").tenant
        give_quotas(alder.tenant, devices=1, sites=100)
        seats.use({alder.tenant.pk: TenantUse(7, 2.5), birch.pk: TenantUse(99, 9.0)})
        client.force_login(make_member(alder.tenant))

        text = page(client)

        assert re.search(r"Devices</td> <td[^>]*>1</td> <td>1</td>", text)
        assert "used up" in text
        assert re.search(r"Sessions</td> <td[^>]*>7</td>", text)
        assert re.search(r'<meter class="portal-meter danger" min="0" max="100" value="100">', text)
        assert "Birch" not in text
        assert "Change them" not in text
        assert "style=" not in re.search(r'<section id="quotas".*</section>', text)[0]  # type: ignore[index]

    def test_a_tenant_finds_no_other_by_its_id(self, client: Client, seats: Seats, alder: Household) -> None:
        client.force_login(make_member(alder.tenant))
        birch = make_tenant("Birch")

        answers = [client.get(f"{PAGE}?tenant={each}") for each in (birch.pk, uuid4(), "x")]

        assert [each.status_code for each in answers] == [404] * 3
        assert len({each.content for each in answers}) == 1

    def test_an_operator_sees_all_and_changes_any(self, client: Client, seats: Seats, alder: Household) -> None:
        birch = make_household("Birch").tenant
        give_quotas(birch, devices=1)
        client.force_login(make_operator())

        text = page(client)
        assert text.index("Birch") < text.index("Alder")
        assert re.search(r"of which <strong[^>]*>1</strong> use 80 %", text)
        assert f"/admin/tenants/quota/{birch.pk}/change/" in page(client, f"{PAGE}?tenant={birch.pk}")
        assert f"/admin/tenants/quota/add/?tenant={alder.tenant.pk}" in page(client, f"{PAGE}?tenant={alder.tenant.pk}")

    def test_is_there_without_redis(self, client: Client, alder: Household, redis_down: None) -> None:
        client.force_login(make_member(alder.tenant))

        text = page(client)

        assert re.search(r"Sessions</td> <td[^>]*>not known now</td>", text)
        assert re.search(r"Devices</td> <td[^>]*>1</td>", text)

    def test_nobody_else_sees_it(self, client: Client, seats: Seats) -> None:
        assert client.get(PAGE).status_code == 302


class TestDashboard:
    def test_says_who_is_near_a_quota(self, client: Client, seats: Seats, alder: Household) -> None:
        client.force_login(make_member(alder.tenant))
        assert "of its quota" not in page(client, "/admin/")

        give_quotas(alder.tenant, devices=1)

        assert "</a> uses 100 % of its quota of devices" in page(client, "/admin/")

    def test_says_it_to_others_of_others_never(self, client: Client, seats: Seats, alder: Household) -> None:
        give_quotas(alder.tenant, devices=1)
        client.force_login(make_member(make_tenant("Volta", Tenant.Kind.AGGREGATOR)))

        assert "Alder" not in page(client, "/admin/")
