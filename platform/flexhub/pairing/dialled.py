"""Changes to dialled ends: each one transaction in the tenant's scope, with its audit row.

All raise ValidationError for values that the model refuses.
"""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError

from flexhub.devices.models import Link
from flexhub.pairing.addresses import is_elsewhere, is_token
from flexhub.pairing.models import SEALED_TOKEN, DialledEnd
from tenants import audit, secrets
from tenants.audit import Actor
from tenants.scope import tenant_scope

# Who may not read the token must not have it sent to a server of their own.
ANOTHER_SERVER = "Another server needs a token of its own: enter one, or have the old one forgotten."


def create_dialled_end(
    *, link: Link, role: str, url: str, token: str = "", enabled: bool = True, actor: Actor = None
) -> DialledEnd:
    """Have the hub connect to the peer of this role. Without a token it shows none."""
    with tenant_scope(link.tenant_id):
        row = DialledEnd(tenant_id=link.tenant_id, link=link, role=role, url=url, enabled=enabled)
        row.sealed_token = _sealed(token, link.tenant_id)
        row.full_clean()
        row.save()
        audit.record("pairing.dialledend.created", row, actor=actor, after=audit.fields_of(row))
    return row


def change_dialled_end(
    row: DialledEnd,
    *,
    url: str | None = None,
    token: str | None = None,
    enabled: bool | None = None,
    actor: Actor = None,
) -> DialledEnd:
    """Change what is given; an empty token takes the token away. Whoever holds the connection begins anew.

    Another server is not shown the token of the one before, so with it the caller says what becomes of the token.
    """
    with tenant_scope(row.tenant_id):
        # Another change at the same time must not be undone, nor share its revision.
        row = DialledEnd.objects.select_for_update(of=("self",)).get(pk=row.pk)
        before = audit.fields_of(row)
        row.url = row.url if url is None else url
        row.enabled = row.enabled if enabled is None else enabled
        if token is None and row.sealed_token and is_elsewhere(row.url, before["url"]):
            raise ValidationError({"token": ANOTHER_SERVER})
        if token is not None:
            row.sealed_token = _sealed(token, row.tenant_id)
        row.revision += 1
        row.state, row.since, row.error = DialledEnd.State.NEW, None, ""
        row.full_clean()
        row.save()
        old, new = audit.changes_between(before, audit.fields_of(row))
        # The trail shows no secret, so it has to be told that there is another one.
        new |= {} if token is None else {"token": "(changed)"}
        audit.record("pairing.dialledend.changed", row, actor=actor, before=old, after=new)
    return row


def _sealed(token: str, tenant_id: UUID) -> str:
    if not token:
        return ""
    if not is_token(token):
        raise ValidationError({"token": "A token has neither blanks nor accents, and at most 4096 characters."})
    return secrets.seal(token, tenant_id=tenant_id, field=SEALED_TOKEN.name)
