from __future__ import annotations

import pytest

from flexhub.env import Env, EnvironmentVariableError
from flexhub.quota_settings import KINDS, default_quotas
from tenants.models import Tenant
from tenants.quota_table import Quotas


def test_knows_every_kind_of_tenant() -> None:
    assert set(KINDS) == set(Tenant.Kind.values)


def test_says_nothing_else_than_the_table_by_itself() -> None:
    assert default_quotas(Env({})) == dict.fromkeys(KINDS, Quotas())


def test_one_variable_is_for_all_kinds_and_another_for_one() -> None:
    found = default_quotas(Env({"QUOTA_API_CALLS_PER_MIN": "7", "QUOTA_API_CALLS_PER_MIN_AGGREGATOR": "99"}))

    assert {kind: each.api_calls_per_min for kind, each in found.items()} == {
        "OPERATOR": 7,
        "PROVIDER": 7,
        "MANUFACTURER": 7,
        "AGGREGATOR": 99,
    }


@pytest.mark.parametrize("value", ["-1", "many", "1e3", "1000000001"])
def test_names_the_variable_that_is_no_number(value: str) -> None:
    with pytest.raises(EnvironmentVariableError, match="QUOTA_SESSIONS_PROVIDER must be a whole number from 0"):
        default_quotas(Env({"QUOTA_SESSIONS_PROVIDER": value}))
