"""Ends the living session of a link that has lost its ground: the link is gone, or the token that opened it."""

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
from flexhub.devices.models import Link, Node

logger = logging.getLogger(__name__)


def end_session_after_commit(link_id: UUID, reason: str) -> None:
    """Once this transaction has committed, have whichever gateway holds the session close it, at either end."""
    end_sessions_after_commit([end_id(link_id, role) for role in Node.Role.values], reason)


def end_sessions_after_commit(end_ids: Iterable[UUID], reason: str, *, token_id: int | None = None) -> None:
    """As `end_session_after_commit`, for these ends; with `token_id` only what that token opened."""
    transaction.on_commit(partial(_end_sessions, tuple(end_ids), reason, token_id))


def _end_sessions(end_ids: Sequence[UUID], reason: str, token_id: int | None) -> None:
    """The change is committed and stands, so an unreachable bus is reported and not raised.

    The gateways then find out by themselves, somewhat later.
    """
    opened_with = "" if token_id is None else str(token_id)
    try:
        bus = connect_worker(settings.REDIS_URL)
        outcomes = [bus.publish(end, Envelope(end, "close", reason, opened_with)) for end in end_ids]
    except BusError as error:
        logger.warning("could not end the sessions at %d ends (%s): %s", len(end_ids), reason, error)
        return
    told = outcomes.count(PublishResult.DELIVERED)
    logger.info("ended %d sessions at %d ends (%s)", told, len(end_ids), reason)


@receiver(post_delete, sender=Link)
def _end_session_of_deleted_link(instance: Link, **_: object) -> None:
    """However the link went: by a new pairing, or together with its device or site."""
    end_session_after_commit(instance.pk, "the link was deleted")
