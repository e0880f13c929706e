"""Pages about what goes on right now. Each works in the scope that the middleware opened for the person."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from flexhub.bus.connect import connect_worker
from flexhub.bus.errors import BusUnavailable
from flexhub.bus.poison import PoisonReport
from flexhub.bus.ports import POISON_LIMIT
from flexhub.devices.models import Link
from flexhub.portal.conversation import Line, read_conversation
from flexhub.portal.ends import RM, chosen, peers_of, session_id
from flexhub.portal.pages import page_of, render
from flexhub.portal.recording import recording
from flexhub.portal.sessions import LivingSession, count_by_control_type, living_sessions, matching
from flexhub.portal.set_aside import discard, is_entry_id
from tenants import audit, looks
from tenants.model_admin import actor_of

SESSIONS_PER_PAGE = 100
LINES_PER_PAGE = 100
POISON_PER_PAGE = 50


def sessions(request: HttpRequest) -> HttpResponse:
    """Every living session of a visible link. Its table asks for itself again every few seconds."""
    _require_links(request)
    try:
        living: list[LivingSession] | None = living_sessions(connect_worker(settings.REDIS_URL), actor_of(request))
    except BusUnavailable:
        living = None
    text, control_type = request.GET.get("q", ""), request.GET.get("control_type", "")
    shown = matching(living or (), text, control_type)
    context: dict[str, Any] = {
        "title": "Sessions now",
        "bus_is_down": living is None,
        "now": settings.CLOCK.now(),
        "total": len(living or ()),
        "control_types": [name for name, _ in count_by_control_type(living or ())],
        "q": text,
        "control_type": control_type,
        "sees_tenants": actor_of(request).sees_all_tenants,
        **page_of(request, shown, SESSIONS_PER_PAGE),
    }
    links = [session.link for session in context["page"].object_list]
    filters = dict(request.GET.lists())
    looks.note_list(actor_of(request), links, what="portal.session", name="sessions now", filters=filters)
    return render(request, "portal/sessions.html", context)


def conversation(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """The last messages of a link, newest first, with the peer `with`; `findings` leaves only those with findings."""
    _require_links(request)
    link = get_object_or_404(Link.objects.select_related("rm_node__site", "rm_node__device", "cem_node"), pk=link_id)
    looks.note_object(actor_of(request), link, what="portal.conversation")
    peer = chosen(link, request.GET.get("with"))
    try:
        entries = connect_worker(settings.REDIS_URL).conversation(session_id(link, peer))
        lines: list[Line] | None = read_conversation(entries)
    except BusUnavailable:
        lines = None
    only_findings = request.GET.get("findings") == "1"
    with_findings = [line for line in lines or () if line.findings]
    context = {
        "title": f"Conversation with {link.rm_node.name}",
        "bus_is_down": lines is None,
        "link": link,
        "peer": peer.value,
        "peer_name": "device" if peer is RM else "CEM",
        "their_answer": f"the {'device' if peer is RM else 'CEM'}'s answer",
        "peers": [each.value for each in peers_of(link)],
        "total": len(lines or ()),
        "with_findings": len(with_findings),
        "only_findings": only_findings,
        **page_of(request, with_findings if only_findings else lines or [], LINES_PER_PAGE),
    }
    return render(request, "portal/conversation.html", context)


def recorded_conversation(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """The latest connection of a link, as a file for `python -m s2.check`. Taking a copy away leaves an audit row."""
    _require_links(request)
    link = get_object_or_404(Link.objects.select_related("rm_node", "cem_node"), pk=link_id)
    # The first one's log is whole; that of a second holds what is not in it.
    peer = peers_of(link)[0]
    bus, session = connect_worker(settings.REDIS_URL), session_id(link, peer)
    try:
        entries, snapshot = bus.conversation(session), bus.snapshots([session])[session]
    except BusUnavailable:
        return HttpResponse("Redis cannot be reached; try again later.\n", "text/plain", HTTPStatus.SERVICE_UNAVAILABLE)
    lines = [f"{line}\n" for line in recording(entries, snapshot.fields() if snapshot else None, peer)]
    audit.record("portal.conversation.downloaded", link, actor=actor_of(request), after={"lines": len(lines)})
    name = f"conversation-{link_id}.jsonl"
    return HttpResponse(
        "".join(lines), "application/jsonl", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def poison(request: HttpRequest) -> HttpResponse:
    """What the bus has set aside, whoever it is from; hence for the platform's own staff. A POST discards."""
    if not actor_of(request).sees_all_tenants:
        raise PermissionDenied
    if request.method == "POST":
        return _discard_poison(request)
    try:
        report: PoisonReport | None = connect_worker(settings.REDIS_URL).poison()
    except BusUnavailable:
        report = None
    context = {
        "title": "Set aside",
        "bus_is_down": report is None,
        "report": report,
        "limit": POISON_LIMIT,
        **page_of(request, report.entries if report else (), POISON_PER_PAGE),
    }
    return render(request, "portal/poison.html", context)


def _discard_poison(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.getlist("shown" if "all" in request.POST else "entry")
    if not all(map(is_entry_id, chosen)):
        return HttpResponseBadRequest("These are no entries.\n", "text/plain")
    try:
        number = discard(connect_worker(settings.REDIS_URL), chosen, actor=actor_of(request))
    except BusUnavailable:
        messages.error(request, "Redis cannot be reached. Nothing was discarded.")
    else:
        messages.success(request, f"{number} discarded." if number else "They were gone already.")
    return redirect("admin:poison")


def _require_links(request: HttpRequest) -> None:
    if not actor_of(request).has_perm("devices.view_link"):
        raise PermissionDenied
