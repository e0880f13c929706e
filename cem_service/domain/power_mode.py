"""A mode whose power depends on the factor alone, as OMBC and DDBC describe theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from cem_service.domain.quantities import bounded, fuel_power_w, total_power_w
from s2.messages import DDBCOperationMode, NumberRange, OMBCOperationMode, PowerRange

# For fuel whose cost the Resource Manager does not give. A little below what European households pay for gas with taxes
# (Eurostat nrg_pc_202, 2024). Without it a boiler would look like heat for nothing.
FUEL_EUR_PER_KWH = 0.10
J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerMode:
    """Power in W and cost in EUR per second, both at factor 0 and at factor 1 and linear between them (R-57).

    Running costs do not depend on the factor (R-58), so both ends have them; the cost of fuel does. Under DDBC a mode
    also supplies something, in the unit of the demand.
    """

    mode_id: str
    label: str
    power_at_0_w: float = 0.0
    power_at_1_w: float = 0.0
    eur_per_s_at_0: float = 0.0
    eur_per_s_at_1: float = 0.0
    supply_at_0: float = 0.0
    supply_at_1: float = 0.0
    abnormal_condition_only: bool = False

    def power_w(self, factor: float) -> float:
        return self.power_at_0_w + factor * (self.power_at_1_w - self.power_at_0_w)

    def eur_per_s(self, factor: float) -> float:
        return self.eur_per_s_at_0 + factor * (self.eur_per_s_at_1 - self.eur_per_s_at_0)

    def supply(self, factor: float) -> float:
        return self.supply_at_0 + factor * (self.supply_at_1 - self.supply_at_0)

    @property
    def is_fixed(self) -> bool:
        """The factor changes nothing."""
        ends = (self.power_at_0_w, self.eur_per_s_at_0, self.supply_at_0)
        return ends == (self.power_at_1_w, self.eur_per_s_at_1, self.supply_at_1)


class PowerFacts(TypedDict):
    label: str
    power_at_0_w: float
    power_at_1_w: float
    eur_per_s_at_0: float
    eur_per_s_at_1: float
    abnormal_condition_only: bool


def power_facts(mode: OMBCOperationMode | DDBCOperationMode) -> PowerFacts:
    """What a mode says of its power and its cost."""
    starts = [(power.commodity_quantity, power.start_of_range) for power in mode.power_ranges]
    ends = [(power.commodity_quantity, power.end_of_range) for power in mode.power_ranges]
    cost_at_0, cost_at_1 = _costs(mode.running_costs, mode.power_ranges)
    return PowerFacts(
        label=mode.diagnostic_label or "",
        # A mode that only burns gas or moves heat takes no electric power.
        power_at_0_w=total_power_w(starts) or 0.0,
        power_at_1_w=total_power_w(ends) or 0.0,
        eur_per_s_at_0=cost_at_0,
        eur_per_s_at_1=cost_at_1,
        abnormal_condition_only=mode.abnormal_condition_only,
    )


def _costs(running: NumberRange | None, powers: Iterable[PowerRange]) -> tuple[float, float]:
    """EUR per second at factor 0 and 1: as the Resource Manager says, else what its fuel costs elsewhere."""
    if running is not None:
        # The range expresses uncertainty, so its middle is what to expect.
        expected = bounded((bounded(running.start_of_range) + bounded(running.end_of_range)) / 2)
        return expected, expected
    powers = tuple(powers)
    fuel_w = (
        fuel_power_w((power.commodity_quantity, power.start_of_range) for power in powers),
        fuel_power_w((power.commodity_quantity, power.end_of_range) for power in powers),
    )
    at_0, at_1 = (max(power_w, 0.0) * FUEL_EUR_PER_KWH / J_PER_KWH for power_w in fuel_w)
    return at_0, at_1
