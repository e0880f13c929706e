from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest

from flexhub.gateway import allowances as module
from flexhub.gateway.allowances import DatabaseAllowances
from flexhub.gateway.database import DatabaseUnavailable
from flexhub.gateway.tenant_load import Allowance
from tenants.quota_table import Quotas
from tests.support.registry import give_quotas, make_tenant

DEFAULT = Allowance(Quotas().sessions, Quotas().messages_per_s)


@pytest.fixture
def allowances() -> Iterator[DatabaseAllowances]:
    allowances = DatabaseAllowances()
    yield allowances
    allowances.close()


@pytest.mark.django_db(transaction=True)
def test_reads_what_tenants_may_use(allowances: DatabaseAllowances, monkeypatch: pytest.MonkeyPatch) -> None:
    alder, birch = make_tenant("Alder"), make_tenant("Birch")
    give_quotas(birch, sessions=2, messages_per_s=3)

    found = asyncio.run(allowances.read([alder.pk, birch.pk, uuid4()]))

    assert found == {alder.pk: DEFAULT, birch.pk: Allowance(2, 3)}
    monkeypatch.setattr(module, "QUOTAS_TIMEOUT_S", 0.0)
    hasty = DatabaseAllowances()
    with pytest.raises(DatabaseUnavailable, match="TimeoutError"):
        asyncio.run(hasty.read([alder.pk]))
    hasty.close()


def test_falls_back_to_what_providers_get(allowances: DatabaseAllowances) -> None:
    assert allowances.fallback == DEFAULT
