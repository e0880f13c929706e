"""What the tenants use in each gateway process, told to all the others: sessions, and messages a second.

Each process tells all of its own at once and hears that of the others, so that a look costs one round trip, however
many tenants there are. What a process told counts while its lease lives.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID


class TenantUse(NamedTuple):
    """`messages_per_s` counts what was sent to us lately, also what was put off for being too much."""

    sessions: int = 0
    messages_per_s: float = 0.0


class UseReport:
    """What one process told. Read where it is asked for: most of a report is about tenants that nobody asks for."""

    __slots__ = ("_told",)

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told

    def of(self, tenant: str) -> TenantUse:
        """Of the tenant whose id is written so. What cannot be read, as of another release, is nothing."""
        try:
            sessions, messages_per_s = self._told.get(tenant, (0, 0.0))
            return TenantUse(int(sessions), float(messages_per_s))
        except (TypeError, ValueError, OverflowError):
            return TenantUse()

    def tenants(self) -> Iterable[str]:
        return self._told.keys()


def use_to_text(use: Mapping[UUID, TenantUse]) -> str:
    return json.dumps(
        {str(tenant_id): [each.sessions, round(each.messages_per_s, 2)] for tenant_id, each in use.items()},
        separators=(",", ":"),
    )


def use_from_text(text: str | bytes) -> UseReport:
    """The inverse. A process that has told nothing, or nothing that can be read, uses nothing."""
    try:
        told = json.loads(text) if text else {}
    except ValueError:
        told = {}
    return UseReport(told if isinstance(told, dict) else {})


def total_use(reports: Iterable[UseReport]) -> dict[UUID, TenantUse]:
    """Of each tenant in all processes together."""
    total: dict[str, TenantUse] = {}
    for report in reports:
        for tenant in report.tenants():
            use, before = report.of(tenant), total.get(tenant, TenantUse())
            total[tenant] = TenantUse(before.sessions + use.sessions, before.messages_per_s + use.messages_per_s)
    return {UUID(tenant): use for tenant, use in total.items()}
