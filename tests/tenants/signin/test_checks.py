from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks


@pytest.mark.parametrize(
    ("public_url", "hosts", "is_found"),
    [
        ("https://hub.example", ["hub.example"], False),
        ("https://hub.example:8443", [".example"], False),
        ("http://[::1]:8000", ["[::1]"], False),
        ("https://hub.example", ["other.example"], True),
    ],
)
def test_links_in_mails_lead_to_a_host_that_answers(
    settings: Any, public_url: str, hosts: list[str], is_found: bool
) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = public_url, hosts

    found = [each for each in run_checks(include_deployment_checks=True) if each.id == "signin.E004"]

    assert bool(found) is is_found
