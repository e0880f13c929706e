"""Which messages of a device are worth a thought of its energy manager.

Every wake costs a Celery task for the whole site, so a device's chatter must not cause one. The table in `_WORTH` is
the whole policy; what is not in it and not remembered below wakes nobody.
"""

from __future__ import annotations

from s2.descriptions import SystemDescription
from s2.messages import (
    DDBCActuatorStatus,
    DDBCAverageDemandRateForecast,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCLeakageBehaviour,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCUsageForecast,
    InstructionStatus,
    InstructionStatusUpdate,
    Message,
    OMBCStatus,
    OMBCSystemDescription,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PowerForecast,
    PowerMeasurement,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    ResourceManagerDetails,
    RevokeObject,
)

# A level that moved by less than this share of its range since the last wake changes no plan.
LEVEL_SHARE = 0.005

# A description has 10 actuators at most; a device may name others before it describes itself.
_MOST_ACTUATORS = 16

# What the device offers or will need changed: always worth it.
_WORTH = frozenset(
    {
        ResourceManagerDetails,
        PowerForecast,
        RevokeObject,
        PEBCPowerConstraints,
        PEBCEnergyConstraint,
        PPBCPowerProfileDefinition,
        PPBCPowerProfileStatus,
        OMBCSystemDescription,
        FRBCSystemDescription,
        FRBCLeakageBehaviour,
        FRBCUsageForecast,
        FRBCFillLevelTargetProfile,
        DDBCSystemDescription,
        DDBCPresentDemandStatus,
        DDBCAverageDemandRateForecast,
    }
)
_REFUSALS = frozenset({InstructionStatus.REJECTED, InstructionStatus.ABORTED})


class WakeMemory:
    """What one session told its energy manager last, as far as later messages are compared with it.

    `measures_site`: this node's measurements are what the site's control goes by.
    """

    __slots__ = ("_instructed", "_level", "_measures_site", "_modes", "_span")

    def __init__(self, *, measures_site: bool) -> None:
        self._measures_site = measures_site
        self._span: float | None = None
        self._level: float | None = None
        self._modes: dict[str, str] = {}
        self._instructed: dict[str, str] = {}

    def instructed(self, actuator_id: str, mode_id: str) -> None:
        """We asked for this mode; the device's report that it entered it is no news."""
        self._instructed[actuator_id] = mode_id

    def is_worth(self, message: Message) -> bool:
        """Whether to wake the site for an accepted message. Remembers what it saw."""
        kind = type(message)
        if kind is PowerMeasurement:
            return self._measures_site
        if isinstance(message, OMBCSystemDescription | FRBCSystemDescription | DDBCSystemDescription):
            self._describe(message)
        elif isinstance(message, FRBCStorageStatus):
            return self._moved(message.present_fill_level)
        elif isinstance(message, FRBCActuatorStatus | DDBCActuatorStatus):
            return self._changed(message.actuator_id, message.active_operation_mode_id)
        elif isinstance(message, OMBCStatus):
            return self._changed("", message.active_operation_mode_id)
        elif isinstance(message, InstructionStatusUpdate):
            return message.status_type in _REFUSALS
        return kind in _WORTH

    def _describe(self, description: SystemDescription) -> None:
        self._modes.clear()
        self._instructed.clear()
        self._level = None
        if isinstance(description, FRBCSystemDescription):
            level_range = description.storage.fill_level_range
            self._span = level_range.end_of_range - level_range.start_of_range

    def _moved(self, level: float) -> bool:
        known = self._level
        if known is not None and self._span is not None and abs(level - known) <= LEVEL_SHARE * self._span:
            return False
        self._level = level
        return True

    def _changed(self, actuator_id: str, mode_id: str) -> bool:
        known = self._modes.pop(actuator_id, None)
        self._modes[actuator_id] = mode_id
        if len(self._modes) > _MOST_ACTUATORS:
            del self._modes[next(iter(self._modes))]
        return mode_id != known and mode_id != self._instructed.get(actuator_id)
