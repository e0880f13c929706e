"""The default quotas of each kind of tenant, as the environment says."""

from __future__ import annotations

from flexhub.env import Env
from tenants.quota_table import Quantity, Quotas

KINDS = ("OPERATOR", "PROVIDER", "MANUFACTURER", "AGGREGATOR")
_MOST = 1_000_000_000


def default_quotas(env: Env) -> dict[str, Quotas]:
    """By kind. QUOTA_DEVICES is for all, QUOTA_DEVICES_PROVIDER for providers. Raises EnvironmentVariableError."""
    return {kind: _of_kind(env, kind) for kind in KINDS}


def _of_kind(env: Env, kind: str) -> Quotas:
    return Quotas(**{quantity.value: _number(env, quantity, kind) for quantity in Quantity})


def _number(env: Env, quantity: Quantity, kind: str) -> int:
    name = f"QUOTA_{quantity.upper()}"
    for_all = env.integer(name, Quotas()[quantity], least=0, most=_MOST)
    return env.integer(f"{name}_{kind}", for_all, least=0, most=_MOST)
