"""Drafts for Power Profile Based Control."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from rm_adapters.sdk.drafts.forecasts import expectation
from rm_adapters.sdk.drafts.ranges import DRAFT
from rm_adapters.sdk.units import to_ms
from s2.messages import (
    CommodityQuantity,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceElement,
    PPBCPowerSequenceStatus,
)


def sequence(
    sequence_id: str,
    pieces: Iterable[tuple[timedelta, float]],
    *,
    quantity: CommodityQuantity,
    interruptible: bool = False,
    max_pause_before: timedelta | None = None,
    abnormal_only: bool = False,
) -> PPBCPowerSequence:
    """Pieces of (duration, power in W), one after another."""
    return PPBCPowerSequence(
        id=sequence_id,
        elements=tuple(
            PPBCPowerSequenceElement(duration=to_ms(duration), power_values=(expectation(power_w, quantity),))
            for duration, power_w in pieces
        ),
        is_interruptible=interruptible,
        max_pause_before=None if max_pause_before is None else to_ms(max_pause_before),
        abnormal_condition_only=abnormal_only,
    )


def container(container_id: str, *alternatives: PPBCPowerSequence) -> PPBCPowerSequenceContainer:
    return PPBCPowerSequenceContainer(id=container_id, power_sequences=alternatives)


def power_profile(
    profile_id: str, start: datetime, end: datetime, *containers: PPBCPowerSequenceContainer
) -> PPBCPowerProfileDefinition:
    """The parts in their order, between the earliest start and the latest end."""
    return PPBCPowerProfileDefinition(
        message_id=DRAFT, id=profile_id, start_time=start, end_time=end, power_sequences_containers=containers
    )


def container_status(
    profile_id: str,
    container_id: str,
    status: PPBCPowerSequenceStatus,
    *,
    selected: str | None = None,
    progress: timedelta | None = None,
) -> PPBCPowerSequenceContainerStatus:
    """`selected` has to be there unless nothing is scheduled (R-98), `progress` once the sequence has begun (R-99)."""
    return PPBCPowerSequenceContainerStatus(
        power_profile_id=profile_id,
        sequence_container_id=container_id,
        selected_sequence_id=selected,
        progress=None if progress is None else to_ms(progress),
        status=status,
    )


def profile_status(*containers: PPBCPowerSequenceContainerStatus) -> PPBCPowerProfileStatus:
    """All containers of the profile, every time (R-97)."""
    return PPBCPowerProfileStatus(message_id=DRAFT, sequence_container_status=containers)
