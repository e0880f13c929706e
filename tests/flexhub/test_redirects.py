"""Where a `next` leads, and whose host names are answered."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tenants.services import create_member
from tests.support.registry import make_tenant

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
LOGIN = "/accounts/login/"
HOSTILE = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "http:///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example\\@testserver/",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    " //evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "\n//evil.example",
    "ftp://testserver/",
)


@pytest.fixture
def ann(settings: Any, redis_url: str) -> None:
    # Not the hashing is under test, and it takes its time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    create_member(tenant=make_tenant("Alder"), username="ann", password=PASSWORD)


def is_ours(location: str) -> bool:
    return location.startswith("/") and not location.startswith(("//", "/\\")) and "\t" not in location


@pytest.mark.parametrize("target", HOSTILE)
def test_signing_in_stays_with_the_hub(client: Client, ann: None, target: str) -> None:
    for address, form in ((f"{LOGIN}?{urlencode({'next': target})}", {}), (LOGIN, {"next": target})):
        response = client.post(address, {"login": "ann", "password": PASSWORD} | form)
        assert response.status_code == 302
        assert is_ours(response["Location"]), response["Location"]
        client.logout()


@pytest.mark.parametrize("target", HOSTILE)
def test_the_admins_way_to_sign_in_stays_with_the_hub(client: Client, target: str) -> None:
    response = client.get(f"/admin/login/?{urlencode({'next': target})}")

    assert is_ours(response["Location"])
    assert response["Location"].startswith(LOGIN)


@pytest.mark.parametrize("target", HOSTILE)
def test_signing_out_stays_with_the_hub(client: Client, ann: None, target: str) -> None:
    for address in ("/admin/logout/", "/accounts/logout/"):
        client.post(LOGIN, {"login": "ann", "password": PASSWORD})
        response = client.post(f"{address}?{urlencode({'next': target})}", {"next": target})
        assert is_ours(response.get("Location", "/"))


def test_signing_in_leads_on_to_a_page_of_ours(client: Client, ann: None) -> None:
    form = {"login": "ann", "password": PASSWORD, "next": "/admin/devices/site/"}

    assert client.post(LOGIN, form)["Location"] == "/admin/devices/site/"


@pytest.mark.parametrize(
    "address", ["//evil.example/admin", "/admin//evil.example", "/%5Cevil.example/..", "/admin/%09//evil"]
)
def test_a_missing_slash_leads_nowhere_else(client: Client, address: str) -> None:
    response = client.get(address)

    assert response.status_code in (301, 302, 404)
    assert is_ours(response.get("Location", "/"))


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "localhost:80:80", ""]
)
def test_other_host_names_are_refused_and_not_repeated(client: Client, settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]

    response = client.get(LOGIN, headers={"Host": host}, HTTP_HOST=host)

    assert response.status_code == 400
    assert "evil" not in response.content.decode()


def test_a_proxy_does_not_say_which_host_is_meant(client: Client) -> None:
    response = client.get("/admin/", headers={"X-Forwarded-Host": "evil.example"})

    assert "evil" not in response["Location"]
