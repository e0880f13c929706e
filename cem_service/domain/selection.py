"""Which control type the hosted CEM asks a resource for."""

from __future__ import annotations

from s2.messages import ControlType, ResourceManagerDetails

# Most freedom first. FRBC tells the state of the store and what each mode does to it, which is the most a plan can
# use. PPBC gives whole profiles with a time window. DDBC says what has to be supplied and by which actuators, so that
# their choice is ours, though not the time. OMBC names modes and their costs, but not what they are good for: the
# resource has to look after that itself. PEBC only bounds the power, and the resource decides by itself what to do
# within the bounds.
PREFERENCE = (
    ControlType.FILL_RATE_BASED_CONTROL,
    ControlType.POWER_PROFILE_BASED_CONTROL,
    ControlType.DEMAND_DRIVEN_BASED_CONTROL,
    ControlType.OPERATION_MODE_BASED_CONTROL,
    ControlType.POWER_ENVELOPE_BASED_CONTROL,
)


def choose_control_type(details: ResourceManagerDetails) -> ControlType:
    """The first control type of PREFERENCE that the resource offers.

    A resource that offers none of them is given NOT_CONTROLABLE where it lists that, else NO_SELECTION, which is
    always allowed (R-24). In both cases its measurements and forecasts still count.
    """
    offered = set(details.available_control_types)
    for control_type in PREFERENCE:
        if control_type in offered:
            return control_type
    return ControlType.NOT_CONTROLABLE if ControlType.NOT_CONTROLABLE in offered else ControlType.NO_SELECTION
