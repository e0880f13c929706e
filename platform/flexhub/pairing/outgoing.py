"""Links that no peer opens, as the gateways need them: which there are, and what is at their ends.

Read platform-wide, because a gateway process serves the links of all tenants.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet, Value
from django.utils import timezone

from flexhub.bus import end_id
from flexhub.devices.models import DEFAULT_BURST, DEFAULT_MESSAGES_PER_S, Link, Node
from flexhub.observability.failures import storable
from flexhub.pairing.models import ERROR_CHARACTERS, SEALED_TOKEN, DialledEnd
from flexhub.pairing.services import NodeIdentity, strictness_of
from s2.strictness import STRICT
from tenants import secrets
from tenants.scope import platform_scope

_HOUSE = {"rm_node__hosted": True, "cem_node__hosted": True, "tenant__deactivated_at": None}
_REMOTE = Q(role=Node.Role.RM, link__rm_node__hosted=False) | Q(role=Node.Role.CEM, link__cem_node__hosted=False)
_DIALLED = _REMOTE & Q(enabled=True, tenant__deactivated_at=None)


@dataclass(frozen=True, slots=True)
class OutgoingLink:
    """A house link, or one end of a link that we dial.

    `key` is the end id of the seat to be had; for a house link that of the RM's end. `revision` is 0 for house links.
    """

    key: UUID
    link_id: UUID
    dialled_id: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class Dialling:
    """What it takes to connect to a server elsewhere, and who it is. The token may be empty."""

    identity: NodeIdentity
    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went; it says nothing about a later revision of the row."""

    dialled_id: int
    revision: int
    state: str
    error: str


def outgoing_links() -> list[OutgoingLink]:
    """All of them, of all active tenants. One query."""
    house = Link.objects.filter(**_HOUSE).values_list(
        "pk", Value(None, output_field=DialledEnd._meta.pk), Value(0), Value(Node.Role.RM.value)
    )
    dialled = DialledEnd.objects.filter(_DIALLED).values_list("link_id", "pk", "revision", "role")
    with platform_scope("look for links that no peer opens"):
        rows = list(house.order_by().union(dialled.order_by(), all=True))
    return [
        OutgoingLink(end_id(link_id, role), link_id, dialled_id, revision)
        for link_id, dialled_id, revision, role in rows
    ]


def house_identities(link_id: UUID) -> tuple[NodeIdentity, NodeIdentity] | None:
    """Who is at the two ends of a house link, the RM first; None if there is none any more, or its tenant is off."""
    with platform_scope("open a house link"):
        link = _links().filter(pk=link_id, **_HOUSE).first()
        return None if link is None else (identity_at(link, Node.Role.RM), identity_at(link, Node.Role.CEM))


def dialling(dialled_id: int, revision: int) -> Dialling | None:
    """What is needed now; None where the row is gone, disabled or of another revision, or its tenant is off.

    Raises SealedWithAnotherKeyError.
    """
    with platform_scope("dial a link"):
        row = DialledEnd.objects.filter(_DIALLED, pk=dialled_id, revision=revision).first()
        if row is None:
            return None
        identity = identity_at(_links().get(pk=row.link_id), row.role)
    return Dialling(identity, row.url, _token_of(row))


def _token_of(row: DialledEnd) -> str:
    """Raises SealedWithAnotherKeyError."""
    if not row.sealed_token:
        return ""
    return secrets.unseal(row.sealed_token, tenant_id=row.tenant_id, field=SEALED_TOKEN.name)


def note_outcomes(outcomes: Iterable[Outcome], at: datetime | None = None) -> None:
    """Store how attempts went, where that has changed. One transaction."""
    at = at or timezone.now()
    with platform_scope("note how dialling went"):
        for each in outcomes:
            rows = DialledEnd.objects.filter(pk=each.dialled_id, revision=each.revision)
            error = storable(each.error, ERROR_CHARACTERS)
            rows.exclude(state=each.state, error=error).update(state=each.state, error=error, since=at)


def identity_at(link: Link, role: str) -> NodeIdentity:
    """The node of that role, as one that has signed in would be known."""
    here, there = (link.rm_node, link.cem_node) if role == Node.Role.RM else (link.cem_node, link.rm_node)
    device_type = here.device.device_type if here.device else None
    meter_id = here.site.main_meter_id
    return NodeIdentity(
        node_id=here.pk,
        role=role,
        tenant_id=link.tenant_id,
        site_id=here.site_id,
        link_id=link.pk,
        peer_node_id=there.pk,
        peer_hosted=there.hosted,
        device_name=here.device.name if here.device else here.name,
        is_main_meter=meter_id == here.pk,
        site_has_main_meter=meter_id is not None,
        strictness=strictness_of(device_type.strictness, device_type.quirks) if device_type else STRICT,
        messages_per_s=device_type.messages_per_s if device_type else DEFAULT_MESSAGES_PER_S,
        burst=device_type.burst if device_type else DEFAULT_BURST,
        hosted=here.hosted,
        peer_site_id=there.site_id,
    )


def _links() -> QuerySet[Link]:
    return Link.objects.select_related("rm_node__site", "rm_node__device__device_type", "cem_node__site")
