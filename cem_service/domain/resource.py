"""One resource as its snapshot shows it; the part that all control types share.

A subtype per control type reads the messages of that type: see `frbc.py`, `ppbc.py`, `ombc.py`, `ddbc.py`,
`pebc.py` and `fixed.py` in this folder. The package's `__init__` imports them all, so each is known here as soon as
anything of the domain is imported.

Nothing here raises on what a resource says. Descriptions may be legal and still absurd (ranges of 0 W, levels of 1e9,
quantities that are no electricity at all). A resource from which a piece is missing is `not_ready`, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypedDict, TypeVar
from uuid import UUID

from cem_service.domain.phases import EVEN, PhaseShares, phase_shares
from cem_service.domain.quantities import total_power_w
from s2.messages import ControlType, Message, PowerForecast, PowerMeasurement, ResourceManagerDetails

# Devices report on change or at least every few minutes; an older value says little about the power now.
MEASUREMENT_VALID_FOR = timedelta(minutes=5)

T = TypeVar("T")


class MessageSet:
    """The messages of a snapshot, by type; no type of message has subtypes."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._by_type: dict[type[Any], list[Any]] = {}
        for message in messages:
            self._by_type.setdefault(type(message), []).append(message)

    def every(self, kind: type[T]) -> Sequence[T]:
        """In the order given."""
        return self._by_type.get(kind, ())

    def latest(self, kind: type[T]) -> T | None:
        """The last one in the order given, or None."""
        found = self.every(kind)
        return found[-1] if found else None


class CommonFacts(TypedDict):
    """The fields that every subtype takes over unchanged."""

    link_id: UUID
    name: str
    control_type: ControlType | None
    details: ResourceManagerDetails | None
    measured_w: float | None
    measured_at: datetime | None
    power_forecast: PowerForecast | None
    phase_shares: PhaseShares


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource that a Resource Manager stands for. `measured_w` is the sum over its electric quantities."""

    link_id: UUID
    name: str
    control_type: ControlType | None = None
    details: ResourceManagerDetails | None = None
    measured_w: float | None = None
    measured_at: datetime | None = None
    power_forecast: PowerForecast | None = None
    phase_shares: PhaseShares = EVEN
    not_ready: str | None = None

    reads: ClassVar[tuple[ControlType, ...]] = ()
    _subtypes: ClassVar[dict[ControlType, type[Resource]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Resource._subtypes.update(dict.fromkeys(cls.reads, cls))

    @classmethod
    def from_messages(
        cls,
        link_id: UUID,
        name: str,
        messages: Iterable[Message],
        control_type: ControlType | None,
        now: datetime,
    ) -> Resource:
        """Read a snapshot. Never raises on its content; look at `not_ready`."""
        messages = tuple(messages)
        known = MessageSet(messages)
        details = known.latest(ResourceManagerDetails)
        measurement = known.latest(PowerMeasurement)
        measured_w = (
            total_power_w((value.commodity_quantity, value.value) for value in measurement.values)
            if measurement
            else None
        )
        common = CommonFacts(
            link_id=link_id,
            name=name,
            control_type=control_type,
            details=details,
            measured_w=measured_w,
            measured_at=measurement.measurement_timestamp if measurement and measured_w is not None else None,
            power_forecast=known.latest(PowerForecast),
            phase_shares=phase_shares(messages),
        )
        subtype = cls._subtypes[control_type or ControlType.NO_SELECTION]
        return subtype.read(known, now, common)

    @classmethod
    def read(cls, known: MessageSet, now: datetime, common: CommonFacts) -> Self:
        """Read what is special to this control type. `known` and `now` matter to subtypes only."""
        del known, now
        return cls(**common)

    @property
    def ready(self) -> bool:
        return self.not_ready is None

    @property
    def controllable(self) -> bool:
        """Whether an instruction may be sent to it in its present state."""
        return False

    def described_power_w(self, now: datetime) -> float | None:
        """The power that the resource's own description and status say it has now, in W; None where they do not say."""
        del now
        return None

    def power_w(self, now: datetime) -> float | None:
        """Power now in W: measured where that is recent, else as described, else the old measurement if any."""
        if self.measured_at is not None and now - self.measured_at <= MEASUREMENT_VALID_FOR:
            return self.measured_w
        described = self.described_power_w(now)
        return self.measured_w if described is None else described
