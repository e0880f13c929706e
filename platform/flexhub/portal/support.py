"""A manufacturer's pages: devices whose owners let it look at them, and how its products fare altogether.

Each look at a device is told to its owner. The pages show product and serial number, never what people have named, and
ask for no row of the site: not even the policies would let them. So they share no query with the owner's pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from flexhub.bus import BusUnavailable, end_id
from flexhub.bus.connect import connect_worker
from flexhub.bus.ports import WorkerBus
from flexhub.bus.snapshot import Snapshot
from flexhub.bus.streams import LogEntry
from flexhub.devices.models import Link
from flexhub.devices.support import SupportedDevice, note_look, supported_devices
from flexhub.portal.anonymous import entry_without_name, without_name
from flexhub.portal.conversation import Line, read_conversation
from flexhub.portal.ends import CEM, RM
from flexhub.portal.pages import page_of, render
from flexhub.portal.product_health import ProductHealth, health_of_products
from tenants.model_admin import actor_of
from tenants.models import Tenant, User

LINES_PER_PAGE = 100


def supported(request: HttpRequest) -> HttpResponse:
    """The devices under support, with the end of each."""
    devices = supported_devices(_manufacturer(request))
    return render(request, "portal/supported.html", {"title": "Support", "devices": devices})


def supported_device(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Its state and its conversation; `findings` leaves only the messages with findings."""
    device = _device(request, device_id)
    note_look(device, "conversation", actor=_person(request))
    snapshot, entries = _heard(device)
    lines = [] if entries is None else read_conversation(map(entry_without_name, entries))
    with_findings = [line for line in lines if line.findings]
    only_findings = request.GET.get("findings") == "1"
    shown: Sequence[Line] = with_findings if only_findings else lines
    context = {
        "title": f"{device.brand} {device.model} {device.serial_number}",
        "device": device,
        "bus_is_down": entries is None,
        "state": _state(snapshot),
        "total": len(lines),
        "with_findings": len(with_findings),
        "only_findings": only_findings,
        "peer_name": "peer",
        "their_answer": "the peer's answer",
        **page_of(request, shown, LINES_PER_PAGE),
    }
    return render(request, "portal/supported_device.html", context)


def product_health(request: HttpRequest) -> HttpResponse:
    """How a manufacturer's products fare, in sums."""
    manufacturer = _manufacturer(request)
    try:
        bus = connect_worker(settings.REDIS_URL)
        products: list[ProductHealth] | None = health_of_products(bus, manufacturer, settings.CLOCK.now())
    except BusUnavailable:
        products = None
    context = {
        "title": "Products in use",
        "bus_is_down": products is None,
        "products": products,
        "minimum": settings.POOL_MINIMUM_SITES,
    }
    return render(request, "portal/product_health.html", context)


def _person(request: HttpRequest) -> User:
    """Raises PermissionDenied for who has nothing to do with support."""
    user = actor_of(request)
    if not user.has_perm("portal.view_support"):
        raise PermissionDenied
    return user


def _manufacturer(request: HttpRequest) -> Tenant | None:
    """For whom this person works. The platform's own staff see what any manufacturer does."""
    person = _person(request)
    return None if person.sees_all_tenants else person.tenant


def _device(request: HttpRequest, device_id: UUID) -> SupportedDevice:
    """Raises Http404 for a device without a living grant, in the same words as for one that does not exist."""
    for device in supported_devices(_manufacturer(request)):
        if device.device_id == device_id:
            return device
    raise Http404("no such device")


def _heard(device: SupportedDevice) -> tuple[Snapshot | None, list[LogEntry] | None]:
    """The state of the device's link and its conversation under the grant; none at all while the bus is down.

    What was said before was not meant for the manufacturer. The conversation is written by the hub's clock.
    """
    link = Link.objects.filter(rm_node__device_id=device.device_id).values("pk", "rm_node__hosted").first()
    if link is None:
        return None, []
    bus = connect_worker(settings.REDIS_URL)
    # A device behind its vendor's cloud speaks through us, with a manager of ours or with one elsewhere.
    roles = (RM, CEM) if link["rm_node__hosted"] else (RM,)
    try:
        snapshot, entries = _first_heard(bus, [end_id(link["pk"], role.value) for role in roles])
    except BusUnavailable:
        return None, None
    since = settings.CLOCK.shown_at(device.begins_at)
    return snapshot, [entry for entry in entries if entry.at >= since]


def _first_heard(bus: WorkerBus, ends: Sequence[UUID]) -> tuple[Snapshot | None, list[LogEntry]]:
    snapshots = bus.snapshots(ends)
    for end in ends:
        entries = bus.conversation(end)
        if entries or snapshots[end] is not None:
            return snapshots[end], entries
    return None, []


def _state(snapshot: Snapshot | None) -> list[tuple[str, Any]]:
    """Field and text of what is in force; nothing without a session."""
    return [] if snapshot is None else [(name, without_name(text)) for name, text in sorted(snapshot.fields().items())]
