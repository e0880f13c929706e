"""Whether what opened a session still holds: the token that its peer showed, its tenant, and the link that it was for.

Asked by the gateways about the sessions that they have, platform-wide because those are of all tenants.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from flexhub.devices.models import Link
from flexhub.pairing.models import NodeToken
from tenants.models import Tenant
from tenants.scope import platform_scope

# A device that comes and goes all the time costs a write a minute at most.
USE_NOTED_AGAIN_AFTER = timedelta(minutes=1)
# What lasts for days is seen again this often: people look at the date before they revoke a token that is in use.
USE_NOTED_EVERY = timedelta(minutes=10)


class Credential(NamedTuple):
    """The ids of what opened a session."""

    token_id: int
    link_id: UUID


_ENDED = f"""
    SELECT held.token_id, held.link_id FROM unnest(%s::bigint[], %s::uuid[]) AS held (token_id, link_id)
    WHERE NOT EXISTS (
        SELECT FROM {NodeToken._meta.db_table} token JOIN {Tenant._meta.db_table} tenant ON tenant.id = token.tenant_id
        WHERE token.id = held.token_id AND token.revoked_at IS NULL AND tenant.deactivated_at IS NULL
          AND (token.expires_at IS NULL OR token.expires_at > statement_timestamp())
    ) OR NOT EXISTS (SELECT FROM {Link._meta.db_table} link WHERE link.id = held.link_id)
"""  # noqa: S608  # Names of tables only.


def ended_credentials(held: Collection[Credential]) -> set[Credential]:
    """Those of them that open nothing any more. One query, whose answer is empty nearly always."""
    token_ids, link_ids = [each.token_id for each in held], [each.link_id for each in held]
    with platform_scope("look whether what opened sessions still holds"), connection.cursor() as cursor:
        cursor.execute(_ENDED, [token_ids, link_ids])
        return {Credential(token_id, link_id) for token_id, link_id in cursor.fetchall()}


def note_use(token_ids: Collection[int]) -> None:
    """Write down that these tokens are in use now, save where that was done within the last minute."""
    now = timezone.now()
    not_noted = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_AGAIN_AFTER)
    with platform_scope("note the use of tokens"):
        rows = NodeToken.objects.filter(not_noted, pk__in=set(token_ids))
        # What somebody else is writing is left to them: two gateways must not wait for each other.
        free = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        NodeToken.objects.filter(pk__in=free).update(last_used_at=now)
