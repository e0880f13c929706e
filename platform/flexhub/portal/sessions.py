"""The living sessions that a person may see: seats from the bus, kept if their link is visible in the open scope."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from flexhub.bus.directory import SeatRecord
from flexhub.bus.ports import WorkerBus
from flexhub.devices.models import Link
from flexhub.portal.ends import CEM, RM, session_id
from s2.messages import ControlType, EnergyManagementRole
from tenants.models import User

NOT_SELECTED = "not selected"
RELAYED = "relayed"
# The hosted CEM has not looked at its site for too long, so the device does what it does by itself.
RELEASED = "released"
# Whoever waits to be selected is not being managed.
_COLOURS = {NOT_SELECTED: "warning", RELEASED: "danger", RELAYED: "", ControlType.NOT_CONTROLABLE.value: ""}


@dataclass(frozen=True, slots=True)
class LivingSession:
    """`peer` is the role of whom it is with."""

    seat: SeatRecord
    link: Link
    peer: EnergyManagementRole = RM

    @property
    def device(self) -> str:
        return self.link.rm_node.name

    @property
    def site(self) -> str:
        return self.link.rm_node.site.name

    @property
    def control_type(self) -> str:
        """As the standard spells it. The session with a CEM that is relayed knows of none."""
        if self.seat.is_released:
            return RELEASED
        relayed = self.peer is CEM and not self.link.rm_node.hosted
        return self.seat.control_type or (RELAYED if relayed else NOT_SELECTED)

    @property
    def colour(self) -> str:
        return colour_of(self.control_type)


def living_sessions(bus: WorkerBus, user: User) -> list[LivingSession]:
    """By site and device. To be called in the user's scope. Raises BusUnavailable."""
    seats = {seat.info.link_id: seat for seat in bus.sessions() if _may_see(user, seat)}
    links = Link.objects.select_related("rm_node__site", "cem_node", "tenant")
    sessions = [LivingSession(seats.pop(link.pk), link) for link in links.filter(pk__in=seats)]
    # What is left has a CEM for a peer, whose seats do not bear the link's id.
    of_these_cems = links.filter(cem_node__in={seat.info.node_id for seat in seats.values()})
    sessions += [
        LivingSession(seat, link, CEM)
        for link in of_these_cems
        if (seat := seats.get(session_id(link, CEM))) is not None
    ]
    return sorted(sessions, key=_order)


def matching(sessions: Iterable[LivingSession], text: str, control_type: str) -> list[LivingSession]:
    """Those of this control type (any if empty) with the text in the name of their device or site."""
    wanted = text.strip().casefold()
    return [
        session
        for session in sessions
        if wanted in f"{session.device}\n{session.site}".casefold() and control_type in ("", session.control_type)
    ]


def count_by_control_type(sessions: Iterable[LivingSession]) -> list[tuple[str, int]]:
    """The most frequent first."""
    return Counter(session.control_type for session in sessions).most_common()


def colour_of(control_type: str) -> str:
    """The kind of label; see unfold's `label.html`."""
    return _COLOURS.get(control_type, "primary")


def _order(session: LivingSession) -> tuple[object, ...]:
    return _natural(session.site), _natural(session.device), session.link.pk, session.peer is CEM


def _natural(name: str) -> list[tuple[int, str]]:
    """House 2 comes before house 10."""
    return [(int(digits or -1), text.casefold()) for digits, text in re.findall(r"([0-9]{1,9})|([^0-9]+)", name)]


def _may_see(user: User, seat: SeatRecord) -> bool:
    """Only spares the database the question; which links are visible is for row-level security to say."""
    return user.sees_all_tenants or (user.tenant is not None and user.tenant.pk == seat.info.tenant_id)
