"""The values that an adapter and the framework hand to each other.

All of them are immutable, and those that outlive a call (`Device`, `Snapshot`, `Command`) hold nothing but what JSON
can hold, because they lie in a database row in between.

Units and signs are those of S2 throughout: W at the grid side with consumption positive, quantities in the unit of
their `CommodityQuantity`, times aware of their zone. An adapter converts once, where it reads the vendor's answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from s2.messages import (
    CommodityQuantity,
    ControlType,
    DDBCSystemDescription,
    FRBCSystemDescription,
    Message,
    NumberRange,
    OMBCSystemDescription,
    PEBCPowerConstraints,
    PowerForecast,
    PPBCPowerProfileDefinition,
    ResourceManagerDetails,
)

#: What JSON can hold, by name. The order of names gets lost on the way; what has an order is a list.
Facts = Mapping[str, Any]

#: The longest id of a device that a row has room for.
MAX_KEY_CHARACTERS = 200

#: The name under which `Bounds` and `Command.drives` speak of `Snapshot.fill_level`; other names are facts of it.
FILL_LEVEL = "fill_level"

Description = (
    OMBCSystemDescription
    | FRBCSystemDescription
    | DDBCSystemDescription
    | PEBCPowerConstraints
    | PPBCPowerProfileDefinition
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An owner's account with a vendor. `now` tells the hub's time."""

    id: UUID
    tenant_id: UUID
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device of an account. `key` is the vendor's own id for it; `facts` what never changes about it.

    Raises ValueError for a key that nobody could be known by.
    """

    key: str
    name: str
    kind: str
    facts: Facts = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= MAX_KEY_CHARACTERS:
            raise ValueError(f"a device's key has 1 to {MAX_KEY_CHARACTERS} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A reading of the device.

    `observed_at` is when the device measured, by the vendor's word; success in fetching says nothing of it. `powers`
    are measured values, each in the unit of its quantity. `facts` is all else that `describe`, `plan`, `confirmed` and
    the limits need; a temperature is a number of degrees Celsius there.
    """

    observed_at: datetime
    online: bool = True
    powers: Mapping[CommodityQuantity, float] = field(default_factory=dict)
    fill_level: float | None = None
    facts: Facts = field(default_factory=dict)

    def reading(self, name: str) -> float | None:
        """The number of that name: the fill level or a fact; None where there is none."""
        value = self.fill_level if name == FILL_LEVEL else self.facts.get(name)
        return float(value) if isinstance(value, int | float) else None


class Reason(StrEnum):
    """Who says no to an instruction. It is recorded with the refusal."""

    COMFORT = "COMFORT"
    SAFETY = "SAFETY"
    DURABILITY = "DURABILITY"
    CONTRACT = "CONTRACT"
    AVAILABILITY = "AVAILABILITY"
    QUOTA = "QUOTA"


@dataclass(frozen=True, slots=True)
class Reject:
    """No, and why. `until`: when the answer would be another one, if that is known."""

    reason: Reason
    text: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One write to the vendor. `arguments` are the vendor's own.

    `drives` says which readings the command moves, up (1) or down (-1), so that the guard can hold it against their
    bounds. A command drives nothing that it only lets happen.
    """

    operation: str
    arguments: Facts = field(default_factory=dict)
    drives: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The vendor's answer to a write. `taken`: it did not refuse; whether anything happened, a reading tells."""

    taken: bool = True
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where a reading is to stay. At or beyond an edge no command may drive it further out.

    An abnormal condition sets aside the bounds of COMFORT, and no others.
    """

    of: str
    low: float | None = None
    high: float | None = None
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the guard holds commands against. Without a value there is no such limit."""

    min_interval: timedelta = timedelta()
    max_writes_a_day: int | None = None
    bounds: tuple[Bounds, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What the owner has set: a band of comfort by the name of a reading."""

    comfort: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """What an actuator does now. `since`: when it left its former mode, if the vendor tells."""

    mode_id: str
    factor: float = 0.0
    actuator_id: str = ""  # As in s2: an OMBC device has no actuators.
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The flexibility under one control type, in the order in which it is published.

    Messages are drafts (see `rm_adapters.sdk.drafts`): the framework gives them their ids and sends what is news.
    `demand` is for DDBC only; the version that was agreed decides which message bears it.
    """

    control_type: ControlType
    description: Description | None
    active: tuple[Active, ...] = ()
    demand: NumberRange | None = None
    reports: tuple[Message, ...] = ()
    outlook: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flex:
    """All that a device offers now: its details as a draft, an offer for each control type, and its limits."""

    details: ResourceManagerDetails
    offers: tuple[Offer, ...] = ()
    limits: Limits = Limits()
    forecast: PowerForecast | None = None

    def offer_under(self, control_type: ControlType | None) -> Offer | None:
        return next((each for each in self.offers if each.control_type is control_type), None)
