"""The latest S2 state of a link: which message goes into which field, and how the whole is read.

A field holds the message's JSON exactly as it came, so that writing costs nothing and reading parses with the same
models that judged it; only what is not as it should be, and is allowed to the device type, is written as it was read. A
newer message of the same kind replaces the older one; a system description also ends the actuator and timer states that
spoke of the one before it (R-43).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from uuid import UUID

from s2.errors import S2Error
from s2.messages import (
    ControlType,
    DDBCActuatorStatus,
    DDBCTimerStatus,
    FRBCActuatorStatus,
    FRBCTimerStatus,
    Message,
    OMBCTimerStatus,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    ResourceManagerDetails,
    RevokeObject,
    parse_message,
)
from s2.versions import WireProfile

logger = logging.getLogger(__name__)

PROFILE_FIELD = "profile"
CONTROL_TYPE_FIELD = "control_type"
RELEASED_FIELD = "released"
_PLAIN = frozenset({PROFILE_FIELD, CONTROL_TYPE_FIELD, RELEASED_FIELD})
FAMILY_PREFIXES = ("PEBC.", "PPBC.", "OMBC.", "FRBC.", "DDBC.")

# Message types of which only the latest counts; the field bears the type's name.
_WHOLE = frozenset(
    {
        "ResourceManagerDetails",
        "PowerMeasurement",
        "PowerForecast",
        "OMBC.SystemDescription",
        "OMBC.Status",
        "FRBC.SystemDescription",
        "FRBC.StorageStatus",
        "FRBC.LeakageBehaviour",
        "FRBC.UsageForecast",
        "FRBC.FillLevelTargetProfile",
        "DDBC.SystemDescription",
        "DDBC.PresentDemandStatus",
        "DDBC.AverageDemandRateForecast",
    }
)
_SUPERSEDED = {
    "OMBC.SystemDescription": ("OMBC.Status", "OMBC.TimerStatus/"),
    "FRBC.SystemDescription": ("FRBC.ActuatorStatus/", "FRBC.TimerStatus/"),
    "DDBC.SystemDescription": ("DDBC.ActuatorStatus/", "DDBC.TimerStatus/"),
}
_KEYED_BY_ID = frozenset({"PEBC.PowerConstraints", "PEBC.EnergyConstraint", "PPBC.PowerProfileDefinition"})


def snapshot_field(message: Message) -> str | None:
    """The field that a received message belongs in, or None if it is not part of a link's state.

    A status of several power profiles has to be parted before, into one for each of them.
    """
    if message.message_type in _WHOLE:
        return message.message_type
    match message:
        case FRBCActuatorStatus() | DDBCActuatorStatus():
            return f"{message.message_type}/{message.actuator_id}"
        case FRBCTimerStatus() | DDBCTimerStatus():
            return f"{message.message_type}/{message.actuator_id}/{message.timer_id}"
        case OMBCTimerStatus():
            return f"{message.message_type}/{message.timer_id}"
        case PEBCPowerConstraints() | PEBCEnergyConstraint() | PPBCPowerProfileDefinition():
            return f"{message.message_type}/{message.id}"
        case PPBCPowerProfileStatus():
            return f"{message.message_type}/{message.sequence_container_status[0].power_profile_id}"
        case _:
            return None


def revoked_field(revoke: RevokeObject) -> str | None:
    """The field that a revoked object sat in; None for instructions, which the snapshot does not hold.

    A system description is revoked by its message id: check that it is the one in force before deleting the field.
    """
    kind = str(revoke.object_type)
    if kind in _KEYED_BY_ID:
        return f"{kind}/{revoke.object_id}"
    return kind if kind in _WHOLE else None


def superseded_prefixes(field_name: str) -> tuple[str, ...]:
    """Beginnings of the fields that lose their meaning when this one is set or deleted."""
    return _SUPERSEDED.get(field_name, ())


@dataclass(frozen=True)
class Snapshot:
    """One link's state as of one moment. `token` names the session that it belongs to."""

    link_id: UUID
    token: int
    texts: Mapping[str, str]

    def fields(self) -> Mapping[str, str]:
        """Every field as it is stored: JSON texts, and the plain `profile`, `control_type` and `released`."""
        return self.texts

    @property
    def control_type(self) -> str | None:
        """As the standard spells it, or None while none is selected."""
        return self.texts.get(CONTROL_TYPE_FIELD)

    @property
    def released_at(self) -> datetime | None:
        """When the gateway last released this session, or its RM introduced itself anew, in the hub's time.

        What was instructed before is void.
        """
        return moment_of(self.texts.get(RELEASED_FIELD))

    @property
    def is_released(self) -> bool:
        """Whether its device does what it does by itself until it is selected again, as it was before."""
        return is_released(self.control_type, self.released_at)

    @property
    def profile(self) -> WireProfile | None:
        text = self.texts.get(PROFILE_FIELD)
        return None if text is None else WireProfile.of(text)

    @property
    def details(self) -> ResourceManagerDetails | None:
        message = self.messages.get("ResourceManagerDetails")
        return message if isinstance(message, ResourceManagerDetails) else None

    @cached_property
    def messages(self) -> Mapping[str, Message]:
        """Every message by its field, parsed on first use. One that cannot be read is left out and logged."""
        profile = self.profile
        if profile is None:
            return {}
        return dict(self._parsed(profile))

    def _parsed(self, profile: WireProfile) -> Iterator[tuple[str, Message]]:
        for name, text in self.texts.items():
            if name in _PLAIN:
                continue
            try:
                yield name, _read(text, profile)
            except S2Error as error:
                # It was valid when it was folded, so this is a change of our models: worth seeing, not worth a crash.
                logger.warning("snapshot field cannot be read: link %s, %s: %s", self.link_id, name, error)


def _read(text: str, profile: WireProfile) -> Message:
    """Raises S2Error."""
    return _read_again(text, profile) if len(text) <= _SHORT else parse_message(text, profile)


# A site is read again when its plan is acted upon, and most of what its devices said has not changed. Messages are
# immutable, so whoever says the same may share them. Of the size of what a few dozen sites say; it holds some 10 MB.
_read_again = lru_cache(maxsize=1024)(parse_message)
_SHORT = 4096


def moment_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def is_released(control_type: str | None, released_at: datetime | None) -> bool:
    """Not any more once a control type was selected again; the moment stays for as long as the session."""
    return released_at is not None and control_type in (None, ControlType.NO_SELECTION)
