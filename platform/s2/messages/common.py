"""Messages of every session, whatever its control type."""

from typing import Annotated, Literal

from s2.messages.currency import Currency
from s2.messages.model import Duration, Flag, Id, Maybe, Text, Timestamp, items, wire_object
from s2.messages.values import (
    CommodityQuantity,
    ControlType,
    EnergyManagementRole,
    InstructionStatus,
    PowerForecastValue,
    PowerValue,
    ReceptionStatusValues,
    RevokableObjects,
    Role,
    SessionRequestType,
)


@wire_object
class Handshake:
    """Both: the first message of a bare WebSocket session; an RM must list its versions (R-14)."""

    message_type: Literal["Handshake"] = "Handshake"
    message_id: Id
    role: EnergyManagementRole
    supported_protocol_versions: Maybe[Annotated[tuple[Text, ...], items(1)]] = None


@wire_object
class HandshakeResponse:
    """CEM to RM: the version of this session, one of the RM's list (R-15)."""

    message_type: Literal["HandshakeResponse"] = "HandshakeResponse"
    message_id: Id
    selected_protocol_version: Text


@wire_object
class ResourceManagerDetails:
    """RM to CEM: what the resource is and which control types it offers."""

    message_type: Literal["ResourceManagerDetails"] = "ResourceManagerDetails"
    message_id: Id
    resource_id: Id
    name: Maybe[Text] = None
    roles: Annotated[tuple[Role, ...], items(1, 3)]
    manufacturer: Maybe[Text] = None
    model: Maybe[Text] = None
    serial_number: Maybe[Text] = None
    firmware_version: Maybe[Text] = None
    instruction_processing_delay: Duration
    available_control_types: Annotated[tuple[ControlType, ...], items(1, 5)]
    currency: Maybe[Currency] = None
    provides_forecast: Flag
    provides_power_measurement_types: Annotated[tuple[CommodityQuantity, ...], items(1, 10)]


@wire_object
class SelectControlType:
    """CEM to RM: the control type from now on; NO_SELECTION ends control."""

    message_type: Literal["SelectControlType"] = "SelectControlType"
    message_id: Id
    control_type: ControlType


@wire_object
class SessionRequest:
    """Both: please reconnect, or this session is over."""

    message_type: Literal["SessionRequest"] = "SessionRequest"
    message_id: Id
    request: SessionRequestType
    diagnostic_label: Maybe[Text] = None


@wire_object
class RevokeObject:
    """Both: take back an object by its `id`, or a system description by its `message_id`."""

    message_type: Literal["RevokeObject"] = "RevokeObject"
    message_id: Id
    object_type: RevokableObjects
    object_id: Id


@wire_object
class ReceptionStatus:
    """Both: the verdict on a received message. It has no id and is never answered (R-02)."""

    message_type: Literal["ReceptionStatus"] = "ReceptionStatus"
    subject_message_id: Id
    status: ReceptionStatusValues
    diagnostic_label: Maybe[Text] = None


@wire_object
class InstructionStatusUpdate:
    """RM to CEM: the instruction with this `id` (not message_id) reached a status at this time."""

    message_type: Literal["InstructionStatusUpdate"] = "InstructionStatusUpdate"
    message_id: Id
    instruction_id: Id
    status_type: InstructionStatus
    timestamp: Timestamp


@wire_object
class PowerMeasurement:
    """RM to CEM: what flows now, consumption positive; at most one value per quantity (R-29)."""

    message_type: Literal["PowerMeasurement"] = "PowerMeasurement"
    message_id: Id
    measurement_timestamp: Timestamp
    values: Annotated[tuple[PowerValue, ...], items(1, 10)]


@wire_object
class PowerForecastElement:
    """The expected values of one stretch of time, in ms, one per quantity."""

    duration: Duration
    power_values: Annotated[tuple[PowerForecastValue, ...], items(1, 10)]


@wire_object
class PowerForecast:
    """RM to CEM: what is expected to flow; the elements follow one another from `start_time` on (R-33)."""

    message_type: Literal["PowerForecast"] = "PowerForecast"
    message_id: Id
    start_time: Timestamp
    elements: Annotated[tuple[PowerForecastElement, ...], items(1, 288)]
