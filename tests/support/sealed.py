"""Secrets in the database of a test."""

from __future__ import annotations

from uuid import UUID

from flexhub.pairing.dialled import create_dialled_end
from flexhub.pairing.models import SEALED_TOKEN, DialledEnd
from tenants.data_keys import scope_of
from tenants.models import DataKey
from tenants.scope import platform_scope
from tenants.secrets import unseal
from tests.support.registry import Household

URL = "wss://devices.example/s2"


def keep_token(household: Household, token: str = "geheim") -> DialledEnd:  # noqa: S107 - A test secret.
    return create_dialled_end(link=household.link, role="RM", url=URL, token=token)


def opened(row: DialledEnd) -> str:
    """The token of the object as it is."""
    return unseal(row.sealed_token, tenant_id=row.tenant_id, field=SEALED_TOKEN.name)


def token_of(row: DialledEnd) -> str:
    """The token as it is stored now."""
    with scope_of(row.tenant_id):
        return opened(DialledEnd.objects.get(pk=row.pk))


def sealed_text_of(row: DialledEnd) -> str:
    with scope_of(row.tenant_id):
        return DialledEnd.objects.get(pk=row.pk).sealed_token


def store_text(row: DialledEnd, text: str) -> None:
    """Past the services."""
    with scope_of(row.tenant_id):
        DialledEnd.objects.filter(pk=row.pk).update(sealed_token=text)


def data_keys_of(tenant_id: UUID | None) -> list[DataKey]:
    """Oldest first."""
    with platform_scope("a test looks at the keys"):
        return list(DataKey.objects.of(tenant_id))
