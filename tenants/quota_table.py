"""What tenants have quotas of, and the judging of their use. Pure: no database, no clock.

A *quota* is the most that a tenant may have of something, or do in a time. Each has a default from the settings, by the
kind of the tenant; a row of `tenants.models.Quota` says otherwise for one tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum, StrEnum

# From this part of a quota on, people are told.
NEAR = 0.8


class Quantity(StrEnum):
    """The names are fields of the model and of `Quotas`, and with QUOTA_ before them variables of the environment."""

    SITES = "sites"
    DEVICES = "devices"
    CEM_NODES = "cem_nodes"
    DEVICE_TYPES = "device_types"
    MEMBERS = "members"
    API_CLIENTS = "api_clients"
    FEEDS = "feeds"
    SESSIONS = "sessions"
    MESSAGES_PER_S = "messages_per_s"
    API_CALLS_PER_MIN = "api_calls_per_min"
    INVITATIONS_PER_DAY = "invitations_per_day"

    @property
    def label(self) -> str:
        """As it stands after a number."""
        return _LABELS[self]

    def concerns(self, kind: str) -> bool:
        """Whether tenants of this kind have any of it, as a rule."""
        return kind in _OF_SOME.get(self, (kind,))


_LABELS = {
    Quantity.SITES: "sites",
    Quantity.DEVICES: "devices",
    Quantity.CEM_NODES: "CEM nodes that connect to the hub",
    Quantity.DEVICE_TYPES: "device types",
    Quantity.MEMBERS: "members",
    Quantity.API_CLIENTS: "API clients",
    Quantity.FEEDS: "feeds",
    Quantity.SESSIONS: "sessions",
    Quantity.MESSAGES_PER_S: "messages a second",
    Quantity.API_CALLS_PER_MIN: "API calls a minute",
    Quantity.INVITATIONS_PER_DAY: "invitations a day",
}


_REMEDIES = {
    Quantity.SESSIONS: "Close some",
    Quantity.MEMBERS: "Remove some",
    Quantity.INVITATIONS_PER_DAY: "Wait until the first ones are a day old",
}

# The rest is of everybody.
_OF_SOME = {
    Quantity.SITES: ("PROVIDER",),
    Quantity.DEVICES: ("PROVIDER",),
    Quantity.CEM_NODES: ("PROVIDER",),
    Quantity.DEVICE_TYPES: ("MANUFACTURER",),
    Quantity.FEEDS: ("PROVIDER",),
    Quantity.SESSIONS: ("PROVIDER",),
    Quantity.MESSAGES_PER_S: ("PROVIDER",),
}


@dataclass(frozen=True, slots=True)
class Quotas:
    """What one tenant may have and do. 0 allows nothing; there is no "unlimited"."""

    sites: int = 10_000
    devices: int = 10_000
    cem_nodes: int = 10_000
    device_types: int = 1_000
    # A provider's residents are members too.
    members: int = 20_000
    api_clients: int = 100
    # Each asks its provider some times an hour, from the hub's own address.
    feeds: int = 100
    sessions: int = 20_000
    # What one gateway process takes in is of this size, so that no tenant fills one by itself for long.
    messages_per_s: int = 2_000
    api_calls_per_min: int = 600
    # Each is a mail of ours to whomever somebody names.
    invitations_per_day: int = 500

    def __getitem__(self, quantity: Quantity) -> int:
        value: int = getattr(self, quantity.value)
        return value

    def but(self, values: Mapping[str, int | None]) -> Quotas:
        """These, with what `values` says of them; None says nothing. Raises TypeError for a name that is no quota."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return Quotas(**own | {name: value for name, value in values.items() if value is not None})


class Level(Enum):
    """How close a tenant is to a quota. The values are the kinds of label that the pages have."""

    CALM = "primary"
    NEAR = "warning"
    REACHED = "danger"


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of one quota is used; `used` None where nobody can tell now."""

    quantity: Quantity
    quota: int
    used: float | None

    @property
    def part(self) -> float:
        """Of the quota, 1 for all of it; what is used of nothing is infinitely much."""
        if not self.used:
            return 0.0
        return self.used / self.quota if self.quota else float("inf")

    @property
    def percent(self) -> int:
        """Of the quota, as a whole number; 999 at most, which is far too much as well."""
        return int(min(999, 100 * self.part))

    @property
    def words(self) -> str:
        """What the level means, for a label."""
        return {Level.CALM: "", Level.NEAR: f"{self.percent} %", Level.REACHED: "used up"}[self.level]

    @property
    def level(self) -> Level:
        if self.part >= 1:
            return Level.REACHED
        return Level.NEAR if self.part >= NEAR else Level.CALM


def reached(quantity: Quantity, quota: int) -> str:
    """The message for whoever is refused: which quota it is, its value, and what to do."""
    remedy = _REMEDIES.get(quantity, "Delete some")
    return (
        f"The quota of this tenant is {quota} {quantity.label}, and all of it is used. "
        f"{remedy}, or ask the operator of this hub for more."
    )


def room_for(adding: int, *, used: int, quota: int) -> bool:
    """Whether `adding` more still fit."""
    return used + adding <= quota
