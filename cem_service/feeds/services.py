"""Feeds that people set up: each change one transaction with its audit row. All raise ValidationError."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError

from cem_service.feeds.catalogue import UnknownProvider, manifest_of
from cem_service.feeds.models import SEALED_CREDENTIAL, Feed
from cem_service.feeds.sdk import Manifest, SettingsRefused, check_settings
from tenants import audit, quotas, secrets
from tenants.audit import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

MOST_CREDENTIAL_CHARACTERS = 1_000


def create_feed(
    *,
    tenant: Tenant,
    provider: str,
    name: str,
    now: datetime,
    settings: Mapping[str, Any] | None = None,
    credential: str = "",
    actor: Actor = None,
    feed_id: UUID | None = None,
) -> Feed:
    """Have a provider asked from now on."""
    manifest = _manifest(provider)
    kept = checked_settings(manifest, settings or {})
    check_credential(manifest, credential or None, settings=kept, former=None)
    with tenant_scope(tenant.pk):
        feed = Feed(id=feed_id or uuid4(), tenant=tenant, provider=provider, name=name, settings=kept, next_at=now)
        feed.sealed_credential = _sealed(credential, tenant.pk)
        feed.full_clean()
        quotas.require_room_for(feed)
        feed.save(force_insert=True)
        audit.record("feeds.feed.created", feed, actor=actor, after=audit.fields_of(feed))
    return feed


def change_feed(
    feed: Feed,
    *,
    now: datetime,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    credential: str | None = None,
    actor: Actor = None,
) -> Feed:
    """Change what is given, and have the provider asked at once. An answer that is on its way is dropped.

    Another server is not shown the credential of the one before, so with it the caller gives one.
    """
    manifest = _manifest(feed.provider)
    with tenant_scope(feed.tenant_id):
        # Another change at the same time must not be undone, nor share its revision.
        feed = Feed.objects.select_for_update(of=("self",)).get(pk=feed.pk)
        before = audit.fields_of(feed)
        feed.name = feed.name if name is None else name
        kept = feed.settings if settings is None else checked_settings(manifest, settings)
        check_credential(manifest, credential, settings=kept, former=feed)
        feed.settings = kept
        if credential is not None:
            feed.sealed_credential = _sealed(credential, feed.tenant_id)
        feed.revision += 1
        feed.next_at = now
        feed.full_clean()
        feed.save()
        old, new = audit.changes_between(before, audit.fields_of(feed))
        # The trail shows no secret, so it has to be told that there is another one.
        new |= {} if credential is None else {"credential": "(changed)"}
        audit.record("feeds.feed.changed", feed, actor=actor, before=old, after=new)
    return feed


def fetch_soon(feed: Feed, *, now: datetime, actor: Actor = None) -> None:
    """Have the provider asked at once, however long it was to be left alone."""
    with tenant_scope(feed.tenant_id):
        Feed.objects.filter(pk=feed.pk).update(next_at=now)
        audit.record("feeds.feed.fetch_requested", feed, actor=actor)


def checked_settings(manifest: Manifest, said: Mapping[str, Any]) -> dict[str, Any]:
    """As they are stored. Raises ValidationError that names each setting that is wrong."""
    try:
        return check_settings(manifest, said, local=django_settings.FEEDS_LOCAL)
    except SettingsRefused as error:
        problems = [f"{name}: {problem}" for name, problem in error.problems.items()]
        raise ValidationError({"settings": problems}) from None


def _manifest(provider: str) -> Manifest:
    try:
        return manifest_of(provider)
    except UnknownProvider as error:
        raise ValidationError({"provider": f"{error}."}) from None


def check_credential(
    manifest: Manifest, credential: str | None, *, settings: Mapping[str, Any], former: Feed | None
) -> None:
    """Whether this can be the credential of a feed with these settings; None keeps the one that `former` has."""
    if credential is None:
        if former is None or not former.sealed_credential:
            if manifest.auth.needs_credential:
                raise ValidationError({"credential": f"This provider wants one. {manifest.auth.hint}".strip()})
        elif _servers(manifest, settings) != _servers(manifest, former.settings):
            raise ValidationError({"credential": "Another server needs a credential of its own: enter one."})
    elif not manifest.auth.takes_credential:
        raise ValidationError({"credential": "This provider wants none."})
    elif len(credential) > MOST_CREDENTIAL_CHARACTERS or not (credential.isascii() and credential.isprintable()):
        problem = f"A credential is printable ASCII of at most {MOST_CREDENTIAL_CHARACTERS} characters."
        raise ValidationError({"credential": problem})


def _sealed(credential: str, tenant_id: UUID) -> str:
    return secrets.seal(credential, tenant_id=tenant_id, field=SEALED_CREDENTIAL.name) if credential else ""


def _servers(manifest: Manifest, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Those that the settings lead to, by scheme, host and port."""
    urls = (str(settings.get(setting.name, "")) for setting in manifest.settings if setting.kind == "url")
    return [urlsplit(url)[:2] for url in urls]
