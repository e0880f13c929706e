"""Ends living sessions that have lost their ground: the link, the token that opened it, or an active tenant."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from flexhub.bus import BusError, Envelope, PublishResult, end_id
from flexhub.bus.connect import connect_worker
from flexhub.bus.envelope import ANY_TOKEN
from flexhub.devices.models import Link, Node
from tenants.deactivation import deactivated
from tenants.models import Tenant

logger = logging.getLogger(__name__)


def end_session_after_commit(link_id: UUID, reason: str) -> None:
    """Once this transaction has committed, have whichever gateway holds the session close it, at either end."""
    end_sessions_after_commit([end_id(link_id, role) for role in Node.Role.values], reason)


def end_sessions_after_commit(end_ids: Iterable[UUID], reason: str, *, token_id: int | None = None) -> None:
    """As `end_session_after_commit`, for these ends; with `token_id` only what that token opened."""
    opened_with = "" if token_id is None else str(token_id)
    transaction.on_commit(partial(_end_sessions, tuple(end_ids), reason, opened_with))


def _end_sessions(end_ids: Sequence[UUID], reason: str, opened_with: str) -> None:
    """The change is committed and stands, so an unreachable bus is reported and not raised.

    The gateways then find out by themselves, somewhat later.
    """
    try:
        bus = connect_worker(settings.REDIS_URL)
        outcomes = [bus.publish(end, Envelope(end, "close", reason, opened_with)) for end in end_ids]
    except BusError as error:
        logger.warning("could not end the sessions at %d ends (%s): %s", len(end_ids), reason, error)
        return
    told = outcomes.count(PublishResult.DELIVERED)
    logger.info("ended %d sessions at %d ends (%s)", told, len(end_ids), reason)


def _end_sessions_of_tenant(tenant_id: UUID, reason: str) -> None:
    """As `_end_sessions`, for all that there are by now; each tells whose it is."""
    try:
        seats = connect_worker(settings.REDIS_URL).sessions()
    except BusError as error:
        logger.warning("could not end the sessions of tenant %s (%s): %s", tenant_id, reason, error)
        return
    _end_sessions([seat.info.link_id for seat in seats if seat.info.tenant_id == tenant_id], reason, ANY_TOKEN)


@receiver(post_delete, sender=Link)
def _end_session_of_deleted_link(instance: Link, **_: object) -> None:
    """However the link went: by a new pairing, or together with its device or site."""
    end_session_after_commit(instance.pk, "the link was deleted")


@receiver(deactivated)
def _end_sessions_of_deactivated_tenant(sender: Tenant, **_: object) -> None:
    transaction.on_commit(partial(_end_sessions_of_tenant, sender.pk, "the tenant was deactivated"))
