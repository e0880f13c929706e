from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from flexhub.portal.site import HubAdminSite
from tenants.models import User
from tests.support.registry import Household, make_member

pytestmark = pytest.mark.django_db


def test_the_admin_is_ours() -> None:
    assert isinstance(admin.site, HubAdminSite)


def test_a_page_that_refreshes_itself_is_loaded_anew_to_sign_in(client: Client) -> None:
    response = client.get("/admin/login/", headers={"HX-Request": "true"})

    assert (response.status_code, response["HX-Refresh"]) == (204, "true")


def test_there_is_one_page_to_sign_in_at(client: Client) -> None:
    response = client.get("/admin/login/?next=/admin/sessions/", follow=True)

    assert response.redirect_chain == [("/accounts/login/?next=/admin/sessions/", 302)]
    assert 'name="password"' in response.content.decode()


def test_who_is_signed_in_is_led_on_or_told_no(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))
    assert client.get("/admin/login/")["Location"] == "/admin/"
    assert client.get("/admin/password_change/")["Location"] == "/accounts/password/change/"

    client.force_login(User.objects.create_user("sam"))
    assert client.get("/admin/login/").status_code == 403


def test_no_search_remembers_what_somebody_found_for_another_tenant(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))

    assert client.get("/admin/search/?s=site").status_code == 404


def test_dates_are_sortable_and_in_utc(client: Client, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))

    text = client.get("/admin/devices/link/").content.decode()

    assert date_format(timezone.localtime(alder.link.created_at), "DATETIME_FORMAT") in text
    assert " UTC" in text
