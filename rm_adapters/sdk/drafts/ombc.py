"""Drafts for Operation Mode Based Control."""

from __future__ import annotations

from collections.abc import Iterable

from rm_adapters.sdk.drafts.ranges import DRAFT, OPEN
from s2.messages import OMBCOperationMode, OMBCSystemDescription, PowerRange, Timer, Transition


def ombc_mode(mode_id: str, label: str, *powers: PowerRange, abnormal_only: bool = False) -> OMBCOperationMode:
    return OMBCOperationMode(
        id=mode_id, diagnostic_label=label, power_ranges=powers, abnormal_condition_only=abnormal_only
    )


def ombc_description(
    modes: Iterable[OMBCOperationMode], transitions: Iterable[Transition] = (), timers: Iterable[Timer] = ()
) -> OMBCSystemDescription:
    return OMBCSystemDescription(
        message_id=DRAFT,
        valid_from=OPEN,
        operation_modes=tuple(modes),
        transitions=tuple(transitions),
        timers=tuple(timers),
    )
