"""Drafts of S2 messages from SI values, without the traps of the schemas.

A draft is a message whose `message_id` is `DRAFT`, and whose `valid_from` is open where the standard wants one that
says "from now on"; the framework fills both in when it publishes. One module per family, as in `s2.messages`.
"""

from rm_adapters.sdk.drafts.ddbc import ddbc_actuator, ddbc_description, ddbc_mode, demand_forecast
from rm_adapters.sdk.drafts.details import resource_details
from rm_adapters.sdk.drafts.forecasts import power_forecast
from rm_adapters.sdk.drafts.frbc import FillBand, frbc_actuator, frbc_description, frbc_mode, storage_status
from rm_adapters.sdk.drafts.machines import blocking_timer, transition
from rm_adapters.sdk.drafts.ombc import ombc_description, ombc_mode
from rm_adapters.sdk.drafts.pebc import energy_constraint, power_constraints
from rm_adapters.sdk.drafts.ppbc import container, container_status, power_profile, profile_status, sequence
from rm_adapters.sdk.drafts.ranges import DRAFT, OPEN, number_range, power_range

__all__ = [
    "DRAFT",
    "OPEN",
    "FillBand",
    "blocking_timer",
    "container",
    "container_status",
    "ddbc_actuator",
    "ddbc_description",
    "ddbc_mode",
    "demand_forecast",
    "energy_constraint",
    "frbc_actuator",
    "frbc_description",
    "frbc_mode",
    "number_range",
    "ombc_description",
    "ombc_mode",
    "power_constraints",
    "power_forecast",
    "power_profile",
    "power_range",
    "profile_status",
    "resource_details",
    "sequence",
    "storage_status",
    "transition",
]
