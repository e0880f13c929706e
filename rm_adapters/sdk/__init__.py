"""What vendor adapters are written with: values, exceptions, the protocol, and the modules `units` and `drafts`."""

from rm_adapters.sdk import drafts, units
from rm_adapters.sdk.adapter import Adapter, Connect, VendorMapping
from rm_adapters.sdk.errors import AdapterError, AuthGone, Offline, Stale, Transient
from rm_adapters.sdk.ids import stable_id
from rm_adapters.sdk.manifest import Manifest
from rm_adapters.sdk.values import (
    FILL_LEVEL,
    Account,
    Ack,
    Active,
    Bounds,
    Command,
    Device,
    Flex,
    Limits,
    Offer,
    Preferences,
    Reason,
    Reject,
    Snapshot,
)

__all__ = [
    "FILL_LEVEL",
    "Account",
    "Ack",
    "Active",
    "Adapter",
    "AdapterError",
    "AuthGone",
    "Bounds",
    "Command",
    "Connect",
    "Device",
    "Flex",
    "Limits",
    "Manifest",
    "Offer",
    "Offline",
    "Preferences",
    "Reason",
    "Reject",
    "Snapshot",
    "Stale",
    "Transient",
    "VendorMapping",
    "drafts",
    "stable_id",
    "units",
]
