"""Power Envelope Based Control: the CEM draws limits that the resource stays within (PV, charging points)."""

from enum import StrEnum
from typing import Annotated, Literal

from s2.messages.model import Duration, Flag, Id, Maybe, Number, Timestamp, items, wire_object
from s2.messages.values import CommodityQuantity, NumberRange


class PEBCPowerEnvelopeLimitType(StrEnum):
    """Which edge of the envelope a range is about."""

    UPPER_LIMIT = "UPPER_LIMIT"
    LOWER_LIMIT = "LOWER_LIMIT"


class PEBCPowerEnvelopeConsequenceType(StrEnum):
    """What becomes of limited energy: it is lost (VANISH) or only later (DEFER)."""

    VANISH = "VANISH"
    DEFER = "DEFER"


@wire_object
class PEBCAllowedLimitRange:
    """Where the CEM may put one edge of an envelope; several of one kind are alternatives."""

    commodity_quantity: CommodityQuantity
    limit_type: PEBCPowerEnvelopeLimitType
    range_boundary: NumberRange
    abnormal_condition_only: Flag


@wire_object
class PEBCPowerConstraints:
    """RM to CEM: the limits that may be set; without `valid_until` they hold until replaced."""

    message_type: Literal["PEBC.PowerConstraints"] = "PEBC.PowerConstraints"
    message_id: Id
    id: Id
    valid_from: Timestamp
    valid_until: Maybe[Timestamp] = None
    consequence_type: PEBCPowerEnvelopeConsequenceType
    allowed_limit_ranges: Annotated[tuple[PEBCAllowedLimitRange, ...], items(2, 100)]


@wire_object
class PEBCEnergyConstraint:
    """RM to CEM: the average power, in the unit of the quantity, that the resource needs within a time."""

    message_type: Literal["PEBC.EnergyConstraint"] = "PEBC.EnergyConstraint"
    message_id: Id
    id: Id
    valid_from: Timestamp
    valid_until: Timestamp
    upper_average_power: Number
    lower_average_power: Number
    commodity_quantity: CommodityQuantity


@wire_object
class PEBCPowerEnvelopeElement:
    """The two limits for one stretch of time, in ms."""

    duration: Duration
    upper_limit: Number
    lower_limit: Number


@wire_object
class PEBCPowerEnvelope:
    """The limits of one quantity over time; the elements follow one another from the execution time on."""

    id: Id
    commodity_quantity: CommodityQuantity
    power_envelope_elements: Annotated[tuple[PEBCPowerEnvelopeElement, ...], items(1, 288)]


@wire_object
class PEBCInstruction:
    """CEM to RM: stay within these envelopes, at most one per quantity."""

    message_type: Literal["PEBC.Instruction"] = "PEBC.Instruction"
    message_id: Id
    id: Id
    execution_time: Timestamp
    abnormal_condition: Flag
    power_constraints_id: Id
    power_envelopes: Annotated[tuple[PEBCPowerEnvelope, ...], items(1, 10)]
