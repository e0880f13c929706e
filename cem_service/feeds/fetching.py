"""Asking a provider once, and keeping what it says, or why it said nothing.

No provider is called within a transaction of ours. What comes back is kept only where the feed is still the one that
was asked for: its revision grows with each change. A failure leaves the last good answer as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import F

from cem_service.domain.feed import LIMITS
from cem_service.feeds import schedule
from cem_service.feeds.catalogue import UnknownProvider, manifest_of, provider_named
from cem_service.feeds.models import ERROR_CHARACTERS, SEALED_CREDENTIAL, Feed, StoredSeries
from cem_service.feeds.runtime import Tools
from cem_service.feeds.sdk import AuthGone, FeedError, Line, Manifest, Question, Refused, Series, Transient
from cem_service.feeds.sdk.http import FETCH_TIMEOUT_S, STEP_TIMEOUT_S
from flexhub.observability.failures import in_short, place_of
from tenants import secrets
from tenants.scope import tenant_scope
from tenants.secrets import SealedWithAnotherKeyError

log = structlog.get_logger(__name__)

# Real time, below the time limit of a task. The DNS may be asked when the time of a fetch is nearly over; the lock of a
# dead worker ends by itself.
LOCK_S = FETCH_TIMEOUT_S + STEP_TIMEOUT_S + 5.0


def fetch(tenant_id: UUID, feed_id: UUID, *, tools: Tools) -> None:
    """Ask the provider of a feed if that is still due and its tenant is on. Raises BusUnavailable."""
    with tools.bus.site_lock(feed_id, LOCK_S) as ours:
        if not ours:
            return  # Somebody is asking right now.
        now = tools.clock.now()
        with tenant_scope(tenant_id):
            feed = Feed.objects.filter(pk=feed_id, next_at__lte=now, tenant__deactivated_at=None).first()
        if feed is None:
            return
        try:
            manifest = manifest_of(feed.provider)
            answer = _ask(feed, manifest, tools, now)
        except UnknownProvider as error:
            _fail(feed, Refused(str(error)), schedule.LONGEST_PAUSE, tools.clock.now())
        except FeedError as error:
            _fail(feed, error, manifest.fetch.every, tools.clock.now())
        else:
            if _keep(feed, answer, manifest, tools.clock.now()):
                tools.wake_followers(tenant_id, feed_id)


def _ask(feed: Feed, manifest: Manifest, tools: Tools, now: datetime) -> Sequence[Series]:
    """Raises FeedError."""
    question = Question(
        settings=feed.settings,
        credential=_credential(feed),
        start=now - manifest.fetch.back,
        end=now + manifest.fetch.ahead,
    )
    endpoints = {**manifest.endpoints, **tools.endpoints.get(manifest.id, {})}
    try:
        with Line(endpoints, local=tools.local, step_timeout_s=tools.step_timeout_s) as line:
            return provider_named(manifest.id).fetch(line, question)
    except FeedError:
        raise
    except Exception as error:  # noqa: BLE001 - A provider's folder may be anybody's code, and must not stop the others.
        place = place_of(error)
        log.error("feeds.provider_broken", provider=manifest.id, error=place)
        raise Transient(f"the provider's folder has failed: {place}") from None


def _credential(feed: Feed) -> str:
    """Raises AuthGone."""
    if not feed.sealed_credential:
        return ""
    try:
        with tenant_scope(feed.tenant_id):
            return secrets.unseal(feed.sealed_credential, tenant_id=feed.tenant_id, field=SEALED_CREDENTIAL.name)
    except SealedWithAnotherKeyError:
        raise AuthGone("the stored credential cannot be read any more; enter it again") from None


def _keep(feed: Feed, answer: Sequence[Series], manifest: Manifest, now: datetime) -> bool:
    """Put the answer in the place of the one before; kinds that it does not have any more go.

    Returns whether that cannot wait for the next plan: a limit has changed, or one has begun or ended.
    """
    next_at = schedule.after_answer(feed.pk, now, manifest.fetch.every)
    well = {"fetched_at": now, "next_at": next_at, "failures": 0, "failing_since": None, "last_error": ""}
    with tenant_scope(feed.tenant_id):
        if not Feed.objects.filter(pk=feed.pk, revision=feed.revision).update(**well):
            return False
        before = _limits(feed)
        StoredSeries.objects.filter(feed=feed).exclude(kind__in=[each.kind for each in answer]).delete()
        for each in answer:
            values = {"fetched_at": now, "ends_at": each.ends_at or now, "series": each.as_dict()}
            StoredSeries.objects.update_or_create(
                feed=feed, kind=each.kind, defaults=values, create_defaults={**values, "tenant_id": feed.tenant_id}
            )
        changed = _limits(feed) != before or _limit_turns(answer, feed.fetched_at, now)
    if feed.failing_since is not None:
        log.info("feeds.recovered", feed_id=str(feed.pk), provider=feed.provider)
    return changed


def _limits(feed: Feed) -> dict[str, object]:
    """What the feed says of limits, by their kind; a kind that it is silent about is as one that it does not have."""
    rows = StoredSeries.objects.filter(feed=feed, kind__in=LIMITS).values_list("kind", "series")
    return {kind: series for kind, series in rows if series["values"]}


def _limit_turns(answer: Sequence[Series], since: datetime | None, now: datetime) -> bool:
    """Whether a limit begins or ends after `since`, the answer before, and by `now`: announced, it has woken nobody."""
    edges_s = (edge for each in answer if each.kind in LIMITS for edge in each.steps.edges)
    return since is not None and any(since.timestamp() < edge <= now.timestamp() for edge in edges_s)


def _fail(feed: Feed, error: FeedError, every: timedelta, now: datetime) -> None:
    """The first failure and the recovery are logged, and nothing in between."""
    failures = feed.failures + 1
    text = in_short(error, ERROR_CHARACTERS)
    if feed.failing_since is None:
        log.warning("feeds.failing", feed_id=str(feed.pk), provider=feed.provider, error=text)
    with tenant_scope(feed.tenant_id):
        Feed.objects.filter(pk=feed.pk, revision=feed.revision).update(
            failures=F("failures") + 1,
            failing_since=feed.failing_since or now,
            last_error=text,
            next_at=schedule.after_failure(feed.pk, now, failures, every, error),
        )
