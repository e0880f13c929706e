from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks


@pytest.mark.parametrize(
    ("endpoints", "named"),
    [
        ({"entsoe": {"api": "https://mirror.example"}}, None),
        ({"entose": {"api": "https://mirror.example"}}, "entose.api"),
        ({"entsoe": {"apy": "https://mirror.example"}}, "entsoe.apy"),
        # Its address is a setting of each feed.
        ({"openadr": {"api": "https://vtn.example"}}, "openadr.api"),
    ],
)
def test_endpoints_that_there_are_not_are_found(
    settings: Any, endpoints: dict[str, dict[str, str]], named: str | None
) -> None:
    settings.FEED_ENDPOINTS = endpoints

    found = [each.msg for each in run_checks() if each.id == "feeds.E001"]

    assert [named in text for text in found if named] == ([True] if named else [])
    assert len(found) == (named is not None)
