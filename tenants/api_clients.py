"""Secrets of API clients: issued, replaced and ended by people, shown by programs.

Whoever ends one holds a lock on its client meanwhile, and so does whoever issues an access token
(`tenants.access_tokens`): none is issued with a revoked secret, not even by a request that was under way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.dispatch import Signal

from tenants import audit, tokens
from tenants.audit import Actor
from tenants.models import APIClient, APIClientSecret
from tenants.scope import platform_scope, tenant_scope

# Sent by a client, within the transaction, with the `actor` who gave it a new secret.
secret_issued = Signal()

# How long an old secret goes on beside a new one, unless the person says otherwise.
DEFAULT_OVERLAP = timedelta(hours=24)
# Valid at once. Each was replaced by the next, so more than a few mean that nobody looks after them.
MOST_SECRETS = 10
# `last_used_at` is for people: a write for each use would tell them no more.
_LAST_USED_STEP = timedelta(minutes=1)


def issue_secret(
    client: APIClient,
    *,
    now: datetime,
    overlap: timedelta = DEFAULT_OVERLAP,
    end_tokens: bool = False,
    actor: Actor = None,
) -> str:
    """Give the client a new secret and return it, for the only time.

    Its other secrets end after `overlap`, or when they would have ended anyway if that is sooner; without any overlap
    they end at once. With `end_tokens`, the access tokens issued until now end at once too. Raises ValidationError
    when the client would have more than MOST_SECRETS valid ones.
    """
    secret = tokens.new_token(tokens.SECRET_PREFIX)
    with tenant_scope(client.tenant_id):
        lock_client(client)
        _end_others(client, now=now, overlap=overlap)
        if APIClientSecret.objects.valid(now).filter(client=client).count() >= MOST_SECRETS:
            raise ValidationError(f"A client has {MOST_SECRETS} valid secrets at most: revoke some of them first.")
        if end_tokens:
            client.access_tokens.all().delete()
        row = APIClientSecret.objects.create(
            tenant_id=client.tenant_id, client=client, secret_hash=tokens.digest(secret)
        )
        after = audit.fields_of(row) | {"others_end_at": now + overlap, "access_tokens_ended": end_tokens}
        audit.record("tenants.apiclientsecret.issued", row, actor=actor, after=after)
        secret_issued.send(client, actor=actor)
    return secret


def revoke_secret(secret: APIClientSecret, *, now: datetime, end_tokens: bool, actor: Actor = None) -> None:
    """End a secret at once, and with `end_tokens` the access tokens that were issued with it."""
    with tenant_scope(secret.tenant_id):
        lock_client(secret.client)
        APIClientSecret.objects.filter(pk=secret.pk, revoked_at=None).update(revoked_at=now)
        if end_tokens:
            secret.access_tokens.all().delete()
        after = {"revoked_at": now, "access_tokens_ended": end_tokens}
        audit.record("tenants.apiclientsecret.revoked", secret, actor=actor, after=after)


def lock_client(client: APIClient) -> None:
    """Wait for access tokens that are being issued, and let none be issued before the end of this transaction."""
    # Not in the way of rows that only refer to the client.
    APIClient.objects.select_for_update(no_key=True).get(pk=client.pk)


def authenticate_client(client_id: str, secret: str, *, now: datetime) -> APIClientSecret | None:
    """The valid secret of the active client, with client and tenant; None for anything else.

    One look-up by id and digest: how long it takes tells nothing about which of the two was wrong. Notes the use, at
    most once a minute; the first use leaves an audit row.
    """
    wanted = _uuid(client_id)
    if wanted is None or not secret.startswith(tokens.SECRET_PREFIX):
        return None
    with platform_scope("authenticate an API client"):
        secrets = APIClientSecret.objects.valid(now).select_related("client", "tenant")
        found: APIClientSecret | None = secrets.filter(client_id=wanted, secret_hash=tokens.digest(secret)).first()
        if found is not None:
            _note_use(found, now)
    return found


def _end_others(client: APIClient, *, now: datetime, overlap: timedelta) -> None:
    others = APIClientSecret.objects.filter(client=client, revoked_at=None)
    if overlap > timedelta(0):
        end = now + overlap
        others.filter(Q(expires_at=None) | Q(expires_at__gt=end)).update(expires_at=end)
    else:
        others.update(revoked_at=now)


def _note_use(secret: APIClientSecret, now: datetime) -> None:
    rows = APIClientSecret.objects.filter(pk=secret.pk)
    if secret.last_used_at is None:
        # Of several first uses at the same time, one finds the row as it was.
        if rows.filter(last_used_at=None).update(last_used_at=now):
            audit.record("tenants.apiclientsecret.first_used", secret, actor=secret.client)
    elif now - secret.last_used_at >= _LAST_USED_STEP:
        rows.filter(last_used_at=secret.last_used_at).update(last_used_at=now)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
