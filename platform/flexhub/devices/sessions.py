"""Ends the living session of a link that has lost its ground: the link is gone, or the token that opened it."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from flexhub.bus import BusError, Envelope, end_id
from flexhub.bus.connect import connect_worker
from flexhub.devices.models import Link, Node

logger = logging.getLogger(__name__)


def end_session_after_commit(link_id: UUID, reason: str) -> None:
    """Once this transaction has committed, have whichever gateway holds the session close it, at either end."""
    transaction.on_commit(partial(_end_session, link_id, reason))


def _end_session(link_id: UUID, reason: str) -> None:
    """The change is committed and stands, so an unreachable bus is reported and not raised.

    The session then goes on until the device reconnects, and is refused there.
    """
    try:
        bus = connect_worker(settings.REDIS_URL)
        ends = [end_id(link_id, role) for role in Node.Role.values]
        outcomes = [bus.publish(end, Envelope(end, "close", reason)) for end in ends]
    except BusError as error:
        logger.warning("could not end the session of link %s (%s): %s", link_id, reason, error)
        return
    logger.info("ending the session of link %s (%s): %s", link_id, reason, ", ".join(outcomes))


@receiver(post_delete, sender=Link)
def _end_session_of_deleted_link(instance: Link, **_: object) -> None:
    """However the link went: by a new pairing, or together with its device or site."""
    end_session_after_commit(instance.pk, "the link was deleted")
