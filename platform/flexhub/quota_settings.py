"""The default quotas of each kind of tenant, as the environment says."""

from __future__ import annotations

from flexhub.env import Env, between
from tenants.quota_table import Quantity, Quotas

KINDS = ("OPERATOR", "PROVIDER", "MANUFACTURER", "AGGREGATOR")
_MOST = 1_000_000_000


def default_quotas(env: Env) -> dict[str, Quotas]:
    """By kind. QUOTA_DEVICES is for all, QUOTA_DEVICES_PROVIDER for providers. Raises EnvironmentVariableError."""
    return {kind: _of_kind(env, kind) for kind in KINDS}


def _of_kind(env: Env, kind: str) -> Quotas:
    return Quotas(**{quantity.value: _number(env, quantity, kind) for quantity in Quantity})


def _number(env: Env, quantity: Quantity, kind: str) -> int:
    name, wanted = f"QUOTA_{quantity.upper()}", f"a whole number from 0 to {_MOST}"
    for_all = env.parsed(name, between(0, _MOST), wanted, str(Quotas()[quantity]))
    return env.parsed(f"{name}_{kind}", between(0, _MOST), wanted, str(for_all))
