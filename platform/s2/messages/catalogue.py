"""All messages of the standard, as a union and by their type."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Final, get_args

from s2.messages.common import (
    Handshake,
    HandshakeResponse,
    InstructionStatusUpdate,
    PowerForecast,
    PowerMeasurement,
    ReceptionStatus,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
    SessionRequest,
)
from s2.messages.ddbc import (
    DDBCActuatorStatus,
    DDBCAverageDemandRateForecast,
    DDBCInstruction,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCTimerStatus,
)
from s2.messages.frbc import (
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    FRBCUsageForecast,
)
from s2.messages.ombc import OMBCInstruction, OMBCStatus, OMBCSystemDescription, OMBCTimerStatus
from s2.messages.pebc import PEBCEnergyConstraint, PEBCInstruction, PEBCPowerConstraints
from s2.messages.ppbc import (
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)

Instruction = (
    PEBCInstruction
    | PPBCScheduleInstruction
    | PPBCStartInterruptionInstruction
    | PPBCEndInterruptionInstruction
    | OMBCInstruction
    | FRBCInstruction
    | DDBCInstruction
)

Message = (
    Handshake
    | HandshakeResponse
    | ResourceManagerDetails
    | SelectControlType
    | SessionRequest
    | RevokeObject
    | ReceptionStatus
    | InstructionStatusUpdate
    | PowerMeasurement
    | PowerForecast
    | PEBCPowerConstraints
    | PEBCEnergyConstraint
    | PPBCPowerProfileDefinition
    | PPBCPowerProfileStatus
    | OMBCSystemDescription
    | OMBCStatus
    | OMBCTimerStatus
    | FRBCSystemDescription
    | FRBCStorageStatus
    | FRBCActuatorStatus
    | FRBCTimerStatus
    | FRBCLeakageBehaviour
    | FRBCUsageForecast
    | FRBCFillLevelTargetProfile
    | DDBCSystemDescription
    | DDBCPresentDemandStatus
    | DDBCActuatorStatus
    | DDBCTimerStatus
    | DDBCAverageDemandRateForecast
    | Instruction
)


def message_type_of(message_class: type[Message]) -> str:
    """Return the wire name of a message class."""
    named = next(field for field in fields(message_class) if field.name == "message_type")
    return str(named.default)


MESSAGE_CLASSES: Final[Mapping[str, type[Message]]] = MappingProxyType(
    {message_type_of(message_class): message_class for message_class in get_args(Message)}
)
"""Every message class by its message_type, over both versions."""
