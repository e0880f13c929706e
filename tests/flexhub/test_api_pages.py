"""docs/site-api.md and docs/flexibility-api.md name what the API takes and answers."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.urls import resolve

from cem_service.grid_limit import LONGEST_REFERENCE, MOST_OPEN
from cem_service.readings import BACK, MOST_READINGS
from flexhub.flexibility import serializers as flexibility
from flexhub.site_api.serializers import LimitWishSerializer
from flexhub.site_api.views import SITES_A_PAGE
from flexhub.site_api.what_if_views import QuestionSerializer
from tenants import api_scopes
from tests.support.early import ROOT

SITE_API, FLEXIBILITY_API = ((ROOT / "docs" / f"{name}-api.md").read_text() for name in ("site", "flexibility"))


def first_cells(page: str, *headings: str) -> set[str]:
    """The names in the first column of the table with these headings."""
    heading = re.escape(f"| {' | '.join(headings)} |")
    (rows,) = re.findall(rf"^{heading}\n\|---.*\n((?:\|.*\n)+)", page, re.MULTILINE)
    return {name for row in rows.splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_each_scope_is_on_one_of_the_pages() -> None:
    of_sites, of_pools = (first_cells(page, "Scope", "Lets a program") for page in (SITE_API, FLEXIBILITY_API))

    assert of_sites | of_pools == set(api_scopes.DESCRIPTIONS)
    assert of_sites == api_scopes.scopes_of("PROVIDER")
    assert of_pools == api_scopes.scopes_of("AGGREGATOR")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?:GET|PUT|POST|DELETE) (/api/v1/\S+?)`", SITE_API))))
def test_each_address_is_there(path: str) -> None:
    assert resolve(path.format(site=uuid4(), reference="transformer-17")).route.startswith("api/v1/")


def test_each_field_of_a_limit_is_told() -> None:
    assert first_cells(SITE_API, "Field", "Meaning") == {"reference", *LimitWishSerializer().fields}


def test_each_change_of_a_what_if_is_told() -> None:
    assert first_cells(SITE_API, "Field", "Changes") == set(QuestionSerializer().fields)


def test_each_figure_of_a_pool_is_told() -> None:
    parts = {"sites": flexibility.SiteCountSerializer(), "devices": flexibility.DeviceCountSerializer()}
    figures = {f"{name}.{figure}" for name, part in parts.items() for figure in part.fields}
    whole = flexibility.FlexibilitySerializer().fields.keys() - {"pool", "resolution", *parts}
    expected = whole | figures | set(flexibility.QuarterSerializer().fields)

    assert first_cells(FLEXIBILITY_API, "Field", "Meaning") == expected


def test_bounds_are_those_of_the_code() -> None:
    assert f"{LONGEST_REFERENCE} at most" in SITE_API
    assert f"At a site {MOST_OPEN} may be open" in SITE_API
    assert f"1 to {MOST_READINGS} readings a call" in SITE_API
    assert f"up to {BACK.days} days old" in SITE_API
    assert f"tells {SITES_A_PAGE} sites at a time" in SITE_API
