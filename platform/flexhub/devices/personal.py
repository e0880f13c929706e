"""What the registry holds about a household, and what Redis knows of its links."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from flexhub.bus import BusUnavailable, WorkerBus, end_id
from flexhub.bus.connect import connect_worker
from flexhub.devices.models import Device, Link, Node, Site, SupportGrant
from tenants import deletion
from tenants.audit import Actor
from tenants.privacy.holdings import File, RowHolding, StoreUnavailable, Things, as_line, hold, hold_rows, not_personal


class Sites(RowHolding):
    """All rows that hang on a site go with it."""

    def __init__(self) -> None:
        super().__init__(Site, "pk")

    def erase(self, things: Things) -> None:
        deletion.delete(Site.objects.filter(pk__in=things.sites), actor=None)


class Links(RowHolding):
    """With the snapshot, conversation and mail of both ends, and what the sites' meters read.

    Without a link nobody has a session.
    """

    def __init__(self) -> None:
        super().__init__(Link, "rm_node__site")

    def find(self, things: Things) -> dict[str, list[str]]:
        links = Link.objects.filter(Q(rm_node__site__in=things.sites) | Q(cem_node__site__in=things.sites))
        return {"links": [str(pk) for pk in links.order_by("pk").values_list("pk", flat=True)]}

    def files(self, things: Things) -> Iterator[File]:
        yield from super().files(things)
        for link in things.uuids("links"):
            for role in Node.Role.values:
                with _reached() as bus:
                    end = end_id(link, role)
                    entries, snapshot = bus.conversation(end), bus.snapshots([end])[end]
                said = ({"at": each.at, "direction": each.direction, "text": each.text} for each in reversed(entries))
                if entries:
                    yield f"conversations/{link}-{role}.jsonl", map(as_line, said)
                if snapshot is not None:
                    text = json.dumps(dict(snapshot.fields()), indent=2, ensure_ascii=False)
                    yield f"snapshots/{link}-{role}.json", [text.encode("utf-8", "backslashreplace")]

    def stop(self, things: Things, *, actor: Actor) -> None:
        """Deleting a link ends its session, at either end and in whichever process."""
        deletion.delete(Link.objects.filter(pk__in=things.uuids("links")), actor=actor)

    def is_quiet(self, things: Things) -> bool:
        with _reached() as bus:
            return all(snapshot is None for snapshot in bus.snapshots(_ends(things)).values())

    def clear(self, things: Things) -> None:
        ends = _ends(things)
        words = {str(each) for each in (*things.sites, *ends)}
        with _reached() as bus:
            bus.forget([*ends, *things.sites])
            aside = bus.poison().entries
            bus.discard_poison([entry.id for entry in aside if any(word in entry.text for word in words)])


def _ends(things: Things) -> list[UUID]:
    return [end_id(link, role) for link in things.uuids("links") for role in Node.Role.values]


@contextmanager
def _reached() -> Iterator[WorkerBus]:
    """Raises StoreUnavailable."""
    try:
        yield connect_worker(settings.REDIS_URL)
    except BusUnavailable as error:
        raise StoreUnavailable("Redis cannot be reached") from error


hold(Sites())
hold_rows(Device, site="site")
hold_rows(Node, site="site")
hold(Links())
hold_rows(SupportGrant, site="device__site")
not_personal("devices.DeviceType", "a product, the same for everybody who has one")
