"""Going on with a home although one of its devices brings a mistake of ours to light.

Descriptions come in more shapes than anybody thinks of. A device for which our own code raises is left out: it is no
more than its measured power until the mistake is mended, and all others are planned and told as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from cem_service.domain.fixed import NotControllable
from cem_service.domain.reason import Reason, ReasonCode
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState

WHY = "a mistake in this software stands in its way"

T = TypeVar("T")


def leave_out(resource: Resource) -> NotControllable:
    """What is known of it without its description."""
    return NotControllable(
        link_id=resource.link_id,
        name=resource.name,
        control_type=resource.control_type,
        details=resource.details,
        measured_w=resource.measured_w,
        measured_at=resource.measured_at,
        phase_shares=resource.phase_shares,
        not_ready=WHY,
    )


def going_on(site: SiteState, work: Callable[[SiteState], T]) -> tuple[T, SiteState, Mapping[UUID, Exception]]:
    """(what `work` makes of the site, the site as it was worked on, the errors of those that are left out).

    Whoever calls this has to tell of the errors. Raises what `work` raises where that is due to no single resource.
    """
    try:
        return work(site), site, {}
    except Exception as error:
        errors = {one.link_id: found for one in site.resources if (found := _error_of(one, site, work)) is not None}
        if not errors:
            raise
        rest = _without(site, errors)
        try:
            return work(rest), rest, errors
        except Exception:  # noqa: BLE001 - The first one says more.
            raise error from None


def left_out(site: SiteState) -> list[Reason]:
    """That they are left out, as people are told."""
    return [
        Reason(ReasonCode.LEFT_OUT, figures={"name": one.name, "why": WHY})
        for one in site.resources
        if one.not_ready == WHY
    ]


def _error_of(resource: Resource, site: SiteState, work: Callable[[SiteState], T]) -> Exception | None:
    """What `work` raises when this one is the only one that is not left out."""
    try:
        work(_without(site, {one.link_id for one in site.resources} - {resource.link_id}))
    except Exception as error:  # noqa: BLE001 - It is handed on to be told.
        return error
    return None


def _without(site: SiteState, link_ids: Collection[UUID]) -> SiteState:
    return replace(site, resources=tuple(leave_out(one) if one.link_id in link_ids else one for one in site.resources))
