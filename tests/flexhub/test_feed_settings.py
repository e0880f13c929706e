from __future__ import annotations

import pytest

from flexhub.env import Env, EnvironmentVariableError
from flexhub.feed_settings import feed_endpoints


def test_nothing_said_leaves_providers_where_they_are() -> None:
    assert feed_endpoints(Env({})) == {}


def test_providers_may_be_elsewhere() -> None:
    text = "entsoe.api=https://mirror.example/api?a=b, open_meteo.api=http://10.0.0.1/v1"

    assert feed_endpoints(Env({"FEED_ENDPOINTS": text})) == {
        "entsoe": {"api": "https://mirror.example/api?a=b"},
        "open_meteo": {"api": "http://10.0.0.1/v1"},
    }


@pytest.mark.parametrize("text", ["entsoe", "entsoe=https://a.example", "entsoe.api=a.example", "entsoe.=https://a"])
def test_what_is_no_such_list_is_refused(text: str) -> None:
    with pytest.raises(EnvironmentVariableError, match="FEED_ENDPOINTS must be a list such as"):
        feed_endpoints(Env({"FEED_ENDPOINTS": text}))
