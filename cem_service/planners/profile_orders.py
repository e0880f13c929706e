"""Puts what a power profile resource is told into an instruction, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cem_service.domain.decision import Decision, Objective
from cem_service.domain.ppbc import Container, PPBCResource, Sequence
from cem_service.domain.reason import Figure, Reason, ReasonCode
from cem_service.domain.site import SiteState
from cem_service.instructions import NewId, ProfileInstruction, ppbc_instruction, revocation_of
from cem_service.planners.placed import RESTING_W
from cem_service.planners.plan import Placement
from s2.messages import PPBCEndInterruptionInstruction, PPBCStartInterruptionInstruction


@dataclass(frozen=True, slots=True)
class Order:
    """An instruction of this kind for `at`, once `takes_back` are revoked. `too_late`: its window leaves no choice."""

    kind: type[ProfileInstruction]
    placement: Placement
    at: datetime
    takes_back: tuple[ProfileInstruction, ...] = ()
    too_late: bool = False


def decision_of(order: Order, resource: PPBCResource, site: SiteState, new_id: NewId) -> Decision:
    placement = order.placement
    container = _container(resource, placement)
    sequence = container.sequence(placement.sequence_id)
    if sequence is None:
        raise LookupError(f"{placement.sequence_id} is no sequence of container {placement.container_id}")
    message = ppbc_instruction(
        order.kind,
        profile_id=placement.profile_id,
        container_id=placement.container_id,
        sequence_id=placement.sequence_id,
        execution_time=order.at,
        new_id=new_id,
    )
    pauses = order.kind is PPBCStartInterruptionInstruction
    return Decision(
        link_id=resource.link_id,
        message=message,
        reason=_reason(order, resource.name, sequence),
        objective=Objective.START_TIME,
        expected_power_w=RESTING_W if pauses else sequence.power_at(placement.done_s),
        power_before_w=resource.power_w(site.now) or 0.0,
        until=_pause_end(order) if pauses else placement.end,
        revocations=tuple(revocation_of(told, new_id) for told in order.takes_back),
    )


def _container(resource: PPBCResource, placement: Placement) -> Container:
    profile = next(one for one in resource.profiles if one.profile_id == placement.profile_id)
    return next(one for one in profile.containers if one.container_id == placement.container_id)


def _pause_end(order: Order) -> datetime:
    return next((end for _, end in order.placement.pauses if order.at < end), order.placement.end)


def _reason(order: Order, name: str, sequence: Sequence) -> Reason:
    placement = order.placement
    figures: dict[str, Figure] = {
        "name": name,
        "starts_at": _moment(order.at),
        "cost_eur": placement.cost_eur,
        "saved_eur": placement.cost_now_eur - placement.cost_eur,
    }
    if order.kind is PPBCStartInterruptionInstruction:
        return Reason(ReasonCode.PAUSES, Objective.START_TIME, figures | {"ends_at": _moment(_pause_end(order))})
    if order.kind is PPBCEndInterruptionInstruction:
        left_kwh = sequence.after(placement.done_s).energy_kwh
        return Reason(ReasonCode.GOES_ON, Objective.START_TIME, figures | {"needs_kwh": left_kwh})
    if order.too_late:
        return Reason(ReasonCode.TOO_LATE, Objective.START_TIME, figures)
    return Reason(ReasonCode.RUNS, Objective.START_TIME, figures | {"needs_kwh": sequence.energy_kwh})


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
