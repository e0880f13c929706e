"""What people type to find rows of the trail. Every form of it is served by an index: the trail is long."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Collate, Lower

from tenants.models import AuditEntry
from tenants.origin import is_trace_id

_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")


def matching(rows: QuerySet[AuditEntry], text: str) -> QuerySet[AuditEntry]:
    """Rows with this trace id, address or network, id, action, or with an object or actor whose name begins so."""
    text = text.strip().lower()
    if not text:
        return rows
    if is_trace_id(text):
        return rows.filter(trace_id=text)
    if _ACTION.fullmatch(text):
        return rows.filter(action=text)
    if (network := _network(text)) is not None:
        return rows.filter(ip__range=(str(network[0]), str(network[-1])))
    if (key := _key(text)) is not None:
        return rows.filter(Q(object_id=key) | Q(actor_id=key))
    named = rows.annotate(object_folded=_folded("object_name"), actor_folded=_folded("actor_name"))
    return named.filter(Q(object_folded__startswith=text) | Q(actor_folded__startswith=text))


def _folded(name: str) -> Collate:
    """As the indexes have it: other collations could not serve what begins with something."""
    return Collate(Lower(name), "C")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    if not ({".", ":"} & set(text)):
        return None  # A whole number is an address to Python.
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _key(text: str) -> str | None:
    """A number or a UUID, as the trail writes it."""
    if text.isascii() and text.isdecimal():
        return text
    try:
        return str(UUID(text)) if len(text) == 36 else None
    except ValueError:
        return None
