"""What the reactive layer can choose from, one unit at a time: an actuator of a store, or a resource with an envelope.

Every choice stands for an instruction that is allowed as things are now: the mode can be used at this fill level, the
way to it exists and is not blocked by a timer, the limits lie within what is offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from cem_service.domain.resource import Resource
from cem_service.instructions import Envelope, NewId
from cem_service.planners.plan import EnvelopeSpan
from s2.messages import Instruction


class Aim(Enum):
    """What a choice's power was chosen for."""

    FREE = "free"  # all freedom that is offered, or an even share of it
    ZERO_NET = "zero net"
    IMPORT_LIMIT = "import limit"
    EXPORT_LIMIT = "export limit"


@dataclass(frozen=True, slots=True)
class ModeOrder:
    actuator_id: str
    mode_id: str
    factor: float


@dataclass(frozen=True, slots=True)
class EnvelopeOrder:
    """Limits that hold from now on; `spans` has what a plan lets follow them, these included."""

    envelopes: tuple[Envelope, ...]
    curtails: bool
    spans: tuple[EnvelopeSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Prices:
    """EUR/kWh now, and the site's limits in W with the margin taken off."""

    buy: float
    sell: float
    import_limit_w: float
    export_limit_w: float

    def eur(self, net_w: float, duration_s: float) -> float:
        return net_w * (self.buy if net_w > 0 else self.sell) * duration_s / 3.6e6

    def overrun_w(self, net_w: float) -> float:
        return max(net_w - self.import_limit_w, -net_w - self.export_limit_w, 0.0)


@dataclass(frozen=True, slots=True)
class Choice:
    """`power_w` is the power once the order is obeyed, held for `share` of the look-ahead.

    `own_eur` is all that the choice costs beside the site's energy over the look-ahead: the value of the fill level
    that it leads to, wear, comfort. `order` is None where the unit can only stay as it is. `hop_power_w` is set where
    the order is only the first hop on the way: it is the power until the next one.
    """

    power_w: float
    own_eur: float
    order: ModeOrder | EnvelopeOrder | None
    aim: Aim = Aim.FREE
    share: float = 1.0
    hop_power_w: float | None = None

    def eur(self, others_w: float, prices: Prices, lookahead_s: float) -> float:
        """Cost of the site over the look-ahead with everything else at `others_w`."""
        used_s = self.share * lookahead_s
        rest_s = lookahead_s - used_s
        return prices.eur(others_w + self.power_w, used_s) + prices.eur(others_w, rest_s) + self.own_eur

    @property
    def power_at_once_w(self) -> float:
        return self.power_w if self.hop_power_w is None else self.hop_power_w


class Unit(Protocol):
    """One thing that can be given an order by itself."""

    @property
    def turn(self) -> int:
        """The place in the order of decisions: what must have energy first, curtailing last."""
        ...

    @property
    def stay(self) -> Choice:
        """Going on as now."""
        ...

    def choices(self, others_w: float) -> list[Choice]:
        """All that may be ordered when everything else takes `others_w`; never empty."""
        ...


class SteeredUnit(Unit, Protocol):
    """A unit of a real resource, which can be told what was chosen for it."""

    @property
    def resource(self) -> Resource: ...

    @property
    def until(self) -> datetime:
        """When an order that is given now ends by itself, or is looked at again at the latest."""
        ...

    @property
    def told_w(self) -> float | None:
        """Its power by the latest instruction to it; None where there is none."""
        ...

    @property
    def worth_eur_per_kwh(self) -> float | None:
        """What a kWh that is put into it now saves later; None for what does not store."""
        ...

    def worth_sending(self, choice: Choice) -> bool:
        """Whether the order of `choice` says something that the device was not told, or does not show."""
        ...

    def instruction(self, choice: Choice, new_id: NewId) -> Instruction: ...
