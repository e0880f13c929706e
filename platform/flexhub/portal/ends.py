"""At which ends of a link a session of ours is, and how people choose one. Links come with their two nodes."""

from __future__ import annotations

from uuid import UUID

from flexhub.bus import end_id
from flexhub.devices.models import Link
from s2.messages import EnergyManagementRole

CEM, RM = EnergyManagementRole.CEM, EnergyManagementRole.RM


def peers_of(link: Link) -> tuple[EnergyManagementRole, ...]:
    """Whom the sessions of this link are with, the one that tells most first.

    A hosted end has no peer of its own: it speaks with whoever is at the other one. Where both are hosted they speak
    with each other, in a session each.
    """
    rm_is_ours, cem_is_ours = link.rm_node.hosted, link.cem_node.hosted
    if rm_is_ours == cem_is_ours:
        return RM, CEM
    return (CEM,) if rm_is_ours else (RM,)


def chosen(link: Link, wanted: str | None) -> EnergyManagementRole:
    """The peer of this name, or the first where the link has no such one."""
    peers = peers_of(link)
    return next((peer for peer in peers if peer.value == wanted), peers[0])


def session_id(link: Link, peer: EnergyManagementRole) -> UUID:
    """What the bus knows the session with this peer by."""
    return end_id(link.pk, peer.value)
