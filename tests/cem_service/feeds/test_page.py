"""docs/feeds.md names each provider, with how often it is asked and what it can be told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from cem_service.feeds.catalogue import manifests
from cem_service.feeds.sdk.settings import PRICE_TERMS
from tests.support.early import ROOT

PAGE = (ROOT / "docs" / "feeds.md").read_text()
ROWS = dict(re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", PAGE, re.MULTILINE))
PERIODS = {
    "hourly": timedelta(hours=1),
    "every half hour": timedelta(minutes=30),
    "every minute": timedelta(minutes=1),
}


def test_each_provider_is_told() -> None:
    assert ROWS.keys() == manifests().keys()


@pytest.mark.parametrize("provider", sorted(manifests()))
def test_each_setting_of_a_provider_is_told_and_how_often_it_is_asked(provider: str) -> None:
    manifest = manifests()[provider]
    _, asked, needs = ROWS[provider].split(" | ")
    before, _, optional = needs.partition("optionally")

    assert PERIODS[asked] == manifest.fetch.every
    assert all(f"`{each.name}`" in before for each in manifest.settings if each.required)
    assert all(f"`{each.name}`" in before + optional for each in manifest.settings)


def test_what_every_feed_of_prices_can_be_told_is_there() -> None:
    assert all(f"`{each.name}`" in PAGE for each in PRICE_TERMS)
