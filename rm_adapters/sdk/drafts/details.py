"""What a resource says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from rm_adapters.sdk.drafts.ranges import DRAFT
from rm_adapters.sdk.ids import stable_id
from rm_adapters.sdk.units import to_ms
from rm_adapters.sdk.values import Device
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    Currency,
    ResourceManagerDetails,
    Role,
    RoleType,
)


def resource_details(
    vendor: str,
    device: Device,
    *,
    roles: Mapping[Commodity, RoleType],
    measures: Iterable[CommodityQuantity],
    control_types: Iterable[ControlType] = (),
    processing_delay: timedelta,
    forecasts: bool = False,
    currency: Currency | None = None,
    manufacturer: str | None = None,
    model: str | None = None,
) -> ResourceManagerDetails:
    """The details; without control types the resource is NOT_CONTROLABLE.

    `processing_delay` is the median time from command to acknowledgement, as measured. The quantities have to be all
    that a measurement may ever hold (R-27).
    """
    return ResourceManagerDetails(
        message_id=DRAFT,
        resource_id=stable_id(vendor, device.key),
        name=device.name,
        roles=tuple(Role(role=role, commodity=commodity) for commodity, role in roles.items()),
        manufacturer=manufacturer,
        model=model,
        instruction_processing_delay=to_ms(processing_delay),
        available_control_types=tuple(control_types) or (ControlType.NOT_CONTROLABLE,),
        currency=currency,
        provides_forecast=forecasts,
        provides_power_measurement_types=tuple(measures),
    )
