"""How a manufacturer's products fare in the homes of others: counts, and never a home.

A product in fewer sites than POOL_MINIMUM_SITES shows none, so that no number can be about a single home. What is
counted is read platform-wide; only sums leave this module.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count

from cem_service.models import Instruction
from flexhub.bus.ports import WorkerBus
from flexhub.devices.models import DeviceType, Node
from tenants.models import Tenant
from tenants.scope import platform_scope

RECENT = timedelta(hours=1)
# Conversations are read for it one by one, so some of them stand for all: so many, and the end of each.
SAMPLED_SESSIONS = 200
SAMPLED_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class ProductHealth:
    """`rules` tells of each broken rule in how many of the `sampled` sessions it was found, the most frequent first.

    `instructions` were told within the last hour. Where there are too few sites all numbers are 0.
    """

    product: str
    is_shown: bool
    devices: int = 0
    connected: int = 0
    instructions: int = 0
    refused: int = 0
    sampled: int = 0
    rules: Sequence[tuple[str, int]] = ()


def health_of_products(bus: WorkerBus, manufacturer: Tenant | None, now: datetime) -> list[ProductHealth]:
    """Of this manufacturer's products, or of all. Raises BusUnavailable."""
    seated = {seat.info.node_id: seat.info.link_id for seat in bus.sessions()}
    with platform_scope("count how products fare"):
        types = _types(manufacturer)
        shown = [each for each in types if each.sites >= settings.POOL_MINIMUM_SITES]  # type: ignore[attr-defined]
        sessions = _sessions(shown, seated)
        told = _told(shown, now)
    each_sampled = max(1, SAMPLED_SESSIONS // max(1, len(shown)))
    return [
        _health(bus, each, sessions[each.pk], told, each_sampled) if each in shown else ProductHealth(str(each), False)
        for each in types
    ]


def _types(manufacturer: Tenant | None) -> list[DeviceType]:
    types = DeviceType.objects.all() if manufacturer is None else DeviceType.objects.filter(tenant=manufacturer)
    counted = types.annotate(sites=Count("devices__site", distinct=True), devices_made=Count("devices", distinct=True))
    # The order of the model does not hold for rows that are counted.
    return list(counted.order_by("brand", "model", "pk"))


def _sessions(types: Iterable[DeviceType], seated: dict[UUID, UUID]) -> defaultdict[UUID, list[UUID]]:
    """By type, the sessions with a device."""
    sessions: defaultdict[UUID, list[UUID]] = defaultdict(list)
    nodes = Node.objects.filter(pk__in=seated, role=Node.Role.RM, device__device_type__in=types)
    for node_id, type_id in nodes.values_list("pk", "device__device_type_id"):
        sessions[type_id].append(seated[node_id])
    return sessions


def _told(types: Iterable[DeviceType], now: datetime) -> dict[UUID, tuple[int, int]]:
    """By type, how many instructions there were lately, and how many of them were refused."""
    recent = Instruction.objects.filter(issued_at__gt=now - RECENT, link__rm_node__device__device_type__in=types)
    of_type = "link__rm_node__device__device_type_id"
    counts, refusals = (
        dict(rows.order_by().values_list(of_type).annotate(Count("pk"))) for rows in (recent, recent.refused())
    )
    return {type_id: (number, refusals.get(type_id, 0)) for type_id, number in counts.items()}


def _health(
    bus: WorkerBus, product: DeviceType, sessions: Sequence[UUID], told: dict[UUID, tuple[int, int]], most: int
) -> ProductHealth:
    sample = sorted(sessions)[:most]
    rules: Counter[str] = Counter()
    for session in sample:
        entries = bus.conversation(session, SAMPLED_MESSAGES)
        rules.update({str(finding.get("rule")) for entry in entries for finding in entry.findings})
    instructions, refused = told.get(product.pk, (0, 0))
    return ProductHealth(
        product=str(product),
        is_shown=True,
        devices=product.devices_made,  # type: ignore[attr-defined]  # Annotated above.
        connected=len(sessions),
        instructions=instructions,
        refused=refused,
        sampled=len(sample),
        rules=sorted(rules.items(), key=lambda found: (-found[1], found[0])),
    )
