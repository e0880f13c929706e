"""Drafts for Fill Rate Based Control."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rm_adapters.sdk.drafts.ranges import DRAFT, OPEN, number_range
from s2.messages import (
    Commodity,
    FRBCActuatorDescription,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageDescription,
    FRBCStorageStatus,
    FRBCSystemDescription,
    PowerRange,
    Timer,
    Transition,
)


@dataclass(frozen=True, slots=True)
class FillBand:
    """What a mode does from the end of the band below up to the level `up_to`.

    `fill_rates` at factor 0 and 1, in level units per second; `powers` likewise, one for each quantity.
    """

    up_to: float
    fill_rates: tuple[float, float]
    powers: tuple[PowerRange, ...]


def frbc_mode(
    mode_id: str, label: str, bottom: float, bands: Iterable[FillBand], *, abnormal_only: bool = False
) -> FRBCOperationMode:
    """A mode whose bands meet by construction (R-120), from `bottom` upwards."""
    elements = []
    for band in bands:
        elements.append(
            FRBCOperationModeElement(
                fill_level_range=number_range(bottom, band.up_to),
                fill_rate=number_range(*band.fill_rates),
                power_ranges=band.powers,
            )
        )
        bottom = band.up_to
    return FRBCOperationMode(
        id=mode_id, diagnostic_label=label, elements=tuple(elements), abnormal_condition_only=abnormal_only
    )


def frbc_actuator(
    actuator_id: str,
    label: str,
    *,
    commodities: Iterable[Commodity] = (Commodity.ELECTRICITY,),
    modes: Iterable[FRBCOperationMode],
    transitions: Iterable[Transition] = (),
    timers: Iterable[Timer] = (),
) -> FRBCActuatorDescription:
    return FRBCActuatorDescription(
        id=actuator_id,
        diagnostic_label=label,
        supported_commodities=tuple(commodities),
        operation_modes=tuple(modes),
        transitions=tuple(transitions),
        timers=tuple(timers),
    )


def frbc_description(
    *actuators: FRBCActuatorDescription,
    levels: tuple[float, float],
    level_label: str,
    leakage: bool = False,
    usage_forecast: bool = False,
    targets: bool = False,
) -> FRBCSystemDescription:
    """The system with the range of its fill level; the flags say what else is published of it (R-124)."""
    return FRBCSystemDescription(
        message_id=DRAFT,
        valid_from=OPEN,
        actuators=actuators,
        storage=FRBCStorageDescription(
            fill_level_label=level_label,
            provides_leakage_behaviour=leakage,
            provides_fill_level_target_profile=targets,
            provides_usage_forecast=usage_forecast,
            fill_level_range=number_range(*levels),
        ),
    )


def storage_status(level: float) -> FRBCStorageStatus:
    return FRBCStorageStatus(message_id=DRAFT, present_fill_level=level)
