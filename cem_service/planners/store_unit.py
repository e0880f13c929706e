"""The choices of one actuator of a store: modes that can be reached now, with the factors that may be worth it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from cem_service.domain.decision import LastInstruction
from cem_service.domain.frbc import Actuator, FRBCResource, Mode, ModeElement, actuator_power_w
from cem_service.domain.series import Array
from cem_service.instructions import NewId, frbc_instruction
from cem_service.planners.balance import SETTLES_WITHIN
from cem_service.planners.calm import REPEAT_AFTER, deadband_w, next_look
from cem_service.planners.choices import Aim, Choice, ModeOrder, Prices
from cem_service.planners.frbc import EVEN_FACTORS
from cem_service.planners.plan import ValueTable
from cem_service.planners.store import OUT_OF_RANGE_EUR
from cem_service.planners.ways import SWITCH_EUR
from cem_service.planners.worth import LOOKAHEAD
from s2.messages import FRBCInstruction

# A mode that would carry the store over a bound within this time is left. One that has to be switched on is not
# begun with less than the longer time ahead: a buffer that is nearly full would otherwise switch its heat pump every
# few minutes. A battery whose modes begin at nothing may use up its last minutes.
LEAVE_WITHIN_S = 60.0
BEGIN_WITH_S = 600.0
NOTHING_W = 1.0
# A battery that goes from giving to taking passes zero, which wears no more than any other change of its power. With
# what a real switch costs it would let some hundred watts pass, for that is what half a cent is worth in a look-ahead.
# This much only keeps it where it is when that is as good.
PASSING_EUR = 1e-4


@dataclass(frozen=True)
class StoreUnit:
    resource: FRBCResource
    actuator: Actuator
    values: ValueTable
    prices: Prices
    now: datetime
    last: LastInstruction | None

    @property
    def turn(self) -> int:
        return 1 if self.resource.can_discharge else 0

    @cached_property
    def level(self) -> float:
        return self.resource.fill_level if self.resource.fill_level is not None else self.resource.lowest_level

    @cached_property
    def stay(self) -> Choice:
        described_w = actuator_power_w(self.actuator, self.level)
        mode = self.actuator.active_mode
        element = mode.element_at(self.level) if mode else None
        if mode is None or element is None or mode.abnormal_condition_only:
            return Choice(described_w or 0.0, self._value_eur(self._resting), None)
        chosen = self._outcome(mode, element, self.actuator.active_factor, Aim.FREE, hop=None)
        return chosen or Choice(described_w or 0.0, self._value_eur(self._resting), None)

    @cached_property
    def _resting(self) -> float:
        """The level after the look-ahead if this actuator did nothing."""
        rate = -self.resource.leakage_at(self.level)
        if self.resource.usage is not None:
            edges = self._lookahead_edges
            rate -= float(self.resource.usage.means(edges, 0.0)[0])
        for other in self.resource.actuators:
            if other.actuator_id != self.actuator.actuator_id and other.active_mode is not None:
                element = other.active_mode.element_at(self.level)
                rate += element.rate(other.active_factor) if element else 0.0
        return self.level + rate * LOOKAHEAD.total_seconds()

    @property
    def _lookahead_edges(self) -> Array:
        start = self.now.timestamp()
        return np.array([start, start + LOOKAHEAD.total_seconds()])

    def choices(self, others_w: float) -> list[Choice]:
        found = [
            choice
            for mode, hop in self._reachable
            if (element := mode.element_at(self.level))
            for factor, aim in self._factors(mode, element, others_w)
            if (choice := self._outcome(mode, element, factor, aim, hop))
        ]
        return found or [self.stay]

    @cached_property
    def _reachable(self) -> tuple[tuple[Mode, Mode | None], ...]:
        """Usable modes, each with the mode to go through first where there is no direct way (R-63)."""
        return tuple(self._ways())

    def _ways(self) -> Iterator[tuple[Mode, Mode | None]]:
        active = self.actuator.active_mode_id
        usable = self.actuator.usable_modes
        for mode in usable:
            if self.actuator.may_switch(mode.mode_id, self.now):
                yield mode, None
            elif active is not None and not self.actuator.allows(active, mode.mode_id):
                hop = self._hop_to(mode, usable)
                if hop is not None:
                    yield mode, hop

    def _hop_to(self, mode: Mode, usable: tuple[Mode, ...]) -> Mode | None:
        for hop in usable:
            on_the_way = hop.mode_id not in (mode.mode_id, self.actuator.active_mode_id)
            leads_on = self.actuator.allows(hop.mode_id, mode.mode_id)
            if (
                on_the_way
                and leads_on
                and self.actuator.may_switch(hop.mode_id, self.now)
                and hop.element_at(self.level)
            ):
                return hop
        return None

    def _factors(self, mode: Mode, element: ModeElement, others_w: float) -> Iterator[tuple[float, Aim]]:
        if element.is_fixed:
            yield 0.0, Aim.FREE
            return
        for factor in EVEN_FACTORS:
            yield factor, Aim.FREE
        if mode.mode_id == self.actuator.active_mode_id:
            yield self.actuator.active_factor, Aim.FREE
        yield element.factor_for(0.0), Aim.FREE
        yield element.factor_for(-others_w), Aim.ZERO_NET
        yield element.factor_for(self.prices.import_limit_w - others_w), Aim.IMPORT_LIMIT
        yield element.factor_for(-self.prices.export_limit_w - others_w), Aim.EXPORT_LIMIT

    def _outcome(self, mode: Mode, element: ModeElement, factor: float, aim: Aim, hop: Mode | None) -> Choice | None:
        """The choice with what it leads to; None where it would push the store over a bound at once."""
        key = mode.mode_id, factor, aim, hop.mode_id if hop else None
        if key not in self._outcomes:
            self._outcomes[key] = self._judged(mode, element, factor, aim, hop)
        return self._outcomes[key]

    @cached_property
    def _outcomes(self) -> dict[tuple[str, float, Aim, str | None], Choice | None]:
        """What was judged already: units are asked several times, and most of their choices are always the same."""
        return {}

    def _judged(self, mode: Mode, element: ModeElement, factor: float, aim: Aim, hop: Mode | None) -> Choice | None:
        duration_s = LOOKAHEAD.total_seconds()
        moved = element.rate(factor) * duration_s
        lowest, highest = self.resource.lowest_level, self.resource.highest_level
        share = 1.0
        if moved > 0:
            share = min(max((highest - self._resting) / moved, 0.0), 1.0)
        elif moved < 0:
            share = min(max((lowest - self._resting) / moved, 0.0), 1.0)
        if moved != 0 and self._time_to_bound_s(element.rate(factor)) < self._least_time_s(mode, element):
            return None
        own_eur = self._value_eur(self._resting + share * moved)
        own_eur += share * duration_s * element.running_cost_eur_per_s + self._switch_eur(mode, hop)
        order, hop_power_w = ModeOrder(self.actuator.actuator_id, mode.mode_id, factor), None
        if hop is not None and (hop_element := hop.element_at(self.level)):
            hop_factor = hop_element.factor_for(0.0)
            order = ModeOrder(self.actuator.actuator_id, hop.mode_id, hop_factor)
            hop_power_w = hop_element.power_w(hop_factor)
        return Choice(element.power_w(factor), own_eur, order, aim, share, hop_power_w)

    def _time_to_bound_s(self, rate: float) -> float:
        """How long the mode can be used before the level is at the bound that it moves to; infinite if it never is."""
        net_rate = rate + (self._resting - self.level) / LOOKAHEAD.total_seconds()
        if rate > 0:
            room = self.resource.highest_level - self.level
        else:
            room, net_rate = self.level - self.resource.lowest_level, -net_rate
        if room <= 0:
            return 0.0
        return room / net_rate if net_rate > 0 else math.inf

    def _least_time_s(self, mode: Mode, element: ModeElement) -> float:
        soft = _begins_at_nothing(element) or mode.mode_id == self.actuator.active_mode_id
        return LEAVE_WITHIN_S if soft else BEGIN_WITH_S

    def _switch_eur(self, mode: Mode, hop: Mode | None) -> float:
        active = self.actuator.active_mode
        if active is None or mode.mode_id == active.mode_id:
            return 0.0
        transition = self.actuator.transitions.get((active.mode_id, hop.mode_id if hop else mode.mode_id))
        own_eur = max(transition.cost_eur if transition else 0.0, 0.0)
        if all(one is None or _begins_at_nothing(one.element_at(self.level)) for one in (active, hop, mode)):
            return own_eur + PASSING_EUR
        return own_eur + SWITCH_EUR * (2 if hop else 1)

    def _value_eur(self, level: float) -> float:
        outside = max(self.values.levels[0] - level, level - self.values.levels[-1], 0.0)
        penalty = OUT_OF_RANGE_EUR * self.resource.kwh_per_unit * float(outside)
        return float(np.interp(level, self.values.levels, self._expected_eur)) + penalty

    @cached_property
    def _expected_eur(self) -> Array:
        return self.values.row_at(self.now + LOOKAHEAD)

    @property
    def until(self) -> datetime:
        return next_look(self.now)

    @property
    def told_w(self) -> float | None:
        told = self.last.message if self.last else None
        is_ours = isinstance(told, FRBCInstruction) and told.actuator_id == self.actuator.actuator_id
        return self.last.expected_power_w if self.last and is_ours else None

    def worth_sending(self, choice: Choice) -> bool:
        order, told = choice.order, self.last.message if self.last else None
        if not isinstance(order, ModeOrder):
            return False
        if self.last is None or not isinstance(told, FRBCInstruction):
            return True
        small_w = deadband_w(self.actuator.largest_power_w)
        if order.mode_id == self.actuator.active_mode_id and abs(choice.power_w - self.stay.power_w) <= small_w:
            return False
        age = self.now - self.last.issued_at
        if told.actuator_id != order.actuator_id:
            # Only the latest instruction of a resource is remembered; this actuator may have had its own before it.
            return age >= SETTLES_WITHIN
        changed_w = abs(self.last.expected_power_w - choice.power_at_once_w)
        return told.operation_mode != order.mode_id or changed_w > small_w or age >= REPEAT_AFTER

    def instruction(self, choice: Choice, new_id: NewId) -> FRBCInstruction:
        order = choice.order
        if not isinstance(order, ModeOrder):
            raise AssertionError("a store was given an order that is not its own")
        return frbc_instruction(
            actuator_id=order.actuator_id,
            mode_id=order.mode_id,
            factor=order.factor,
            execution_time=self.now,
            new_id=new_id,
        )

    @property
    def worth_eur_per_kwh(self) -> float:
        """Of electricity, judged by the value of the fill level around the present one."""
        per_unit = self.values.worth_per_unit(self.now + LOOKAHEAD, self.level)
        return per_unit / max(self.resource.kwh_per_unit, 1e-12)


def _begins_at_nothing(element: ModeElement | None) -> bool:
    return element is not None and min(abs(element.power_at_0_w), abs(element.power_at_1_w)) < NOTHING_W
