"""The choices of a device under OMBC or DDBC: combinations of modes that can be reached now, at their best factors.

All its machines are chosen for together, because what one supplies the others need not. They are told one at a time,
one hop of a way at a time (R-63): those that are to supply more first, so that nobody is cold, then those that take the
most off the site's power; the next one when the device shows the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import product
from math import prod

import numpy as np

from cem_service.domain.ddbc import DDBCActuator, DDBCResource
from cem_service.domain.decision import LastInstruction
from cem_service.domain.machines import Machine
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.power_mode import PowerMode
from cem_service.instructions import NewId, ddbc_instruction, ombc_instruction
from cem_service.planners.balance import SETTLES_WITHIN
from cem_service.planners.calm import REPEAT_AFTER, next_look
from cem_service.planners.choices import Choice, ModeOrder, Prices
from cem_service.planners.ddbc import demand_of
from cem_service.planners.horizon import Horizon
from cem_service.planners.kernels.modes import Demand, Floats, Hinges, best_factors
from cem_service.planners.mode_plan import hinges_of, lines_of
from cem_service.planners.mode_values import ModeValues, Situation
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.ways import Way, ways_of
from cem_service.planners.worth import LOOKAHEAD
from s2.messages import DDBCInstruction, Instruction, OMBCInstruction

LOOKAHEAD_S = LOOKAHEAD.total_seconds()
# A change of a factor that is smaller is not worth a message, but for devices so large that it is one of much power.
LEAST_FACTOR_CHANGE = 0.02
LEAST_CHANGE_W = 500.0
# More combinations than this are not looked at together; then one machine changes at a time.
MOST_COMBINATIONS = 200
# A device that left a mode of ours by itself had a reason, and is not told otherwise for this long but for a limit.
LEAVE_ALONE_AFTER_OWN_CHANGE = timedelta(minutes=15)

Resource = OMBCResource | DDBCResource
Target = tuple[str, Way | None]  # a mode, and the way there unless it is the active one


@dataclass(frozen=True)
class ModeUnit:
    """`values` is None where nothing is known of what comes later; then only the coming quarter hour counts."""

    resource: Resource
    values: ModeValues | None
    prices: Prices
    now: datetime
    last: LastInstruction | None

    @property
    def turn(self) -> int:
        return 0

    @cached_property
    def machines(self) -> tuple[Machine[PowerMode], ...]:
        if isinstance(self.resource, DDBCResource):
            return self.resource.actuators
        return () if self.resource.machine is None else (self.resource.machine,)

    @cached_property
    def execution_time(self) -> datetime:
        """As far ahead as the device needs to take an instruction in (R-47)."""
        details = self.resource.details
        delay = timedelta(milliseconds=min(details.instruction_processing_delay, 900_000)) if details else timedelta()
        return self.now + delay

    @cached_property
    def _demand(self) -> Demand:
        if isinstance(self.resource, DDBCResource):
            return demand_of(self.resource, Horizon(self.now, steps=1))
        return Demand.none(1)

    @cached_property
    def stay(self) -> Choice:
        targets: tuple[Target, ...] = tuple((machine.active_mode_id or "", None) for machine in self.machines)
        factors = np.array([machine.active_factor for machine in self.machines])
        return self._choice(targets, factors)

    def choices(self, others_w: float) -> list[Choice]:
        if self._left_by_itself and self.prices.overrun_w(others_w + self.stay.power_w) <= 0.0:
            return [self.stay]
        combinations = list(self._combinations())
        lines = lines_of(self.machines, [tuple(mode_id for mode_id, _ in each) for each in combinations])
        found = [self.stay]
        for hinges in self._hinges(others_w):
            _, factors = best_factors(hinges, np.full(1, LOOKAHEAD_S), lines, self._demand)
            found += [self._choice(each, factors[0, index]) for index, each in enumerate(combinations)]
        return found

    def _hinges(self, others_w: float) -> tuple[Hinges, Hinges]:
        """What its power costs now, without the site's limits and with them."""
        buy, sell = np.full(1, self.prices.buy), np.full(1, self.prices.sell)
        limited = SiteCost.within(buy, sell, self.prices.import_limit_w, self.prices.export_limit_w)
        seen = limited.seen_by(np.full(1, others_w))
        free = Hinges(sell, np.full((1, 1), -others_w), (buy - sell)[:, None])
        return free, hinges_of(seen)

    @cached_property
    def _left_by_itself(self) -> bool:
        """Whether a machine has left the mode that it was told last (R-59), and not long ago."""
        told = self._told
        if told is None or self.last is None:
            return False
        actuator_id, mode_id, _ = told
        return any(
            _id_of(machine) == actuator_id
            and machine.active_mode_id != mode_id
            and machine.previous_mode_id == mode_id
            and machine.changed_at is not None
            and machine.changed_at > self.last.issued_at
            and self.now - machine.changed_at < LEAVE_ALONE_AFTER_OWN_CHANGE
            for machine in self.machines
        )

    def _combinations(self) -> Iterator[tuple[Target, ...]]:
        targets = [list(self._targets(machine)) for machine in self.machines]
        if prod(map(len, targets)) <= MOST_COMBINATIONS:
            yield from product(*targets)
            return
        unchanged = [each[0] for each in targets]
        for place, each in enumerate(targets):
            yield from ((*unchanged[:place], target, *unchanged[place + 1 :]) for target in each)

    def _targets(self, machine: Machine[PowerMode]) -> Iterator[Target]:
        """The active mode first, then all that a way leads to which no timer blocks when it would be gone (R-54)."""
        active = machine.active_mode_id or ""
        yield active, None
        if machine.on_its_way_s(self.execution_time) > 0:
            return
        for way in ways_of(machine).get(active, ()):
            ends = (machine.timers_end[timer] for timer in way.blocking_timers if timer in machine.timers_end)
            if all(end <= self.execution_time for end in ends):
                yield way.to_mode_id, way

    def _choice(self, targets: tuple[Target, ...], factors: Floats) -> Choice:
        modes = [machine.modes[mode_id] for machine, (mode_id, _) in zip(self.machines, targets, strict=True)]
        power_w = sum(mode.power_w(float(factor)) for mode, factor in zip(modes, factors, strict=True))
        rate = sum(mode.eur_per_s(float(factor)) for mode, factor in zip(modes, factors, strict=True))
        supply = np.array([sum(mode.supply(float(factor)) for mode, factor in zip(modes, factors, strict=True))])
        rate += float(self._demand.eur_per_s(supply, np.zeros(1, dtype=np.int64))[0])
        own_eur = rate * LOOKAHEAD_S + sum(way.eur for _, way in targets if way is not None) + self._later_eur(targets)
        order, at_once_w = self._first_order(targets, factors)
        return Choice(power_w, own_eur, order, hop_power_w=at_once_w)

    def _later_eur(self, targets: tuple[Target, ...]) -> float:
        if self.values is None:
            return 0.0
        situations = [self._situation(*each) for each in zip(self.machines, targets, strict=True)]
        return self.values.cost_at(self.now + LOOKAHEAD, situations)

    def _situation(self, machine: Machine[PowerMode], target: Target) -> Situation:
        """Where the machine will stand when the look-ahead ends."""
        mode_id, way = target
        then = self.now + LOOKAHEAD
        timers_s = {timer: (end - then) / timedelta(seconds=1) for timer, end in machine.timers_end.items()}
        if way is None:
            return Situation(mode_id, timers_s, machine.on_its_way_s(then))
        timers_s |= {timer: machine.timer_durations_s.get(timer, 0.0) - LOOKAHEAD_S for timer in way.start_timers}
        return Situation(mode_id, timers_s, max(way.duration_s - LOOKAHEAD_S, 0.0))

    def _first_order(self, targets: tuple[Target, ...], factors: Floats) -> tuple[ModeOrder | None, float | None]:
        """(what to tell the device first, None where it is as it should be; its power then, if there is more to tell).

        A mode for abnormal conditions is never told, not even again (R-38).
        """
        orders = []
        for machine, (mode_id, way), factor in zip(self.machines, targets, factors, strict=True):
            mode = machine.modes[mode_id]
            unchanged = way is None and _is_next_to(float(factor), machine.active_factor, mode)
            if unchanged or (way is None and (mode.is_fixed or mode.abnormal_condition_only)):
                continue
            hops = way is not None and way.via is not None
            told = machine.modes[way.via] if way is not None and way.via is not None else mode
            told_factor = 0.0 if hops else float(factor)
            before = machine.modes[machine.active_mode_id or ""]
            more = told.supply(told_factor) - before.supply(machine.active_factor)
            changed_w = told.power_w(told_factor) - before.power_w(machine.active_factor)
            orders.append((more, changed_w, ModeOrder(_id_of(machine), told.mode_id, told_factor), hops))
        if not orders:
            return None, None
        _, changed_w, order, hops = max(orders, key=lambda one: (max(one[0], 0.0), -one[1]))
        at_once_w = (self.resource.described_power_w(self.now) or 0.0) + changed_w
        return order, at_once_w if hops or len(orders) > 1 else None

    @property
    def until(self) -> datetime:
        return next_look(self.now)

    @property
    def told_w(self) -> float | None:
        return self.last.expected_power_w if self.last and self._told else None

    @property
    def worth_eur_per_kwh(self) -> None:
        return None

    def worth_sending(self, choice: Choice) -> bool:
        """Not before the device shows what it was told last, or should have shown it; nor the same again at once."""
        order, told = choice.order, self._told
        if not isinstance(order, ModeOrder):
            return False
        if told is None or self.last is None:
            return True
        age = self.now - self.last.issued_at
        actuator_id, mode_id, factor = told
        if order == ModeOrder(actuator_id, mode_id, order.factor):
            mode = next(one for one in self.machines if _id_of(one) == actuator_id).modes[mode_id]
            if _is_next_to(order.factor, factor, mode):
                return age >= REPEAT_AFTER
        shown = any(_id_of(machine) == actuator_id and machine.active_mode_id == mode_id for machine in self.machines)
        return shown or age >= SETTLES_WITHIN

    def instruction(self, choice: Choice, new_id: NewId) -> Instruction:
        order = choice.order
        if not isinstance(order, ModeOrder):
            raise AssertionError("a device was given an order that is not its own")
        build: Callable[..., Instruction] = ombc_instruction
        if isinstance(self.resource, DDBCResource):
            build = partial(ddbc_instruction, actuator_id=order.actuator_id)
        return build(mode_id=order.mode_id, factor=order.factor, execution_time=self.execution_time, new_id=new_id)

    @cached_property
    def _told(self) -> tuple[str, str, float] | None:
        """(actuator, mode, factor) of the latest instruction; None where it was of another control type."""
        message: Instruction | None = None if self.last is None else self.last.message
        if isinstance(message, DDBCInstruction) and isinstance(self.resource, DDBCResource):
            return message.actuator_id, message.operation_mode_id, message.operation_mode_factor
        if isinstance(message, OMBCInstruction) and isinstance(self.resource, OMBCResource):
            return "", message.operation_mode_id, message.operation_mode_factor
        return None


def _is_next_to(factor: float, before: float, mode: PowerMode) -> bool:
    """Whether a change from one factor to another is not worth a message."""
    changed_w = abs(mode.power_w(factor) - mode.power_w(before))
    return abs(factor - before) < LEAST_FACTOR_CHANGE and changed_w < LEAST_CHANGE_W


def _id_of(machine: Machine[PowerMode]) -> str:
    """Empty under OMBC, where the whole device is one machine."""
    return machine.actuator_id if isinstance(machine, DDBCActuator) else ""
