"""The car charger's Resource Manager. The fill level is the car's state of charge in percent."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from flexhub.demo.physics.cell import Cell
from flexhub.demo.physics.ev import EV, READY_BEFORE_MIN
from flexhub.demo.rm.frbc import Band, FRBCResource, Mode
from flexhub.demo.rm.resource import Identity
from flexhub.demo.rm.timing import milliseconds, utc
from s2.messages import (
    FRBCFillLevelTargetProfile,
    FRBCFillLevelTargetProfileElement,
    FRBCStorageDescription,
    Message,
    NumberRange,
    RoleType,
)

LEVEL_CHANGE_PERCENT = 0.5
FULL = 1 - 1e-6
# A car that nobody gives an order charges by itself after this time.
PATIENCE_S = 900.0
IDLE = Mode("idle", 0.0, 0.0, (Band(0.0, 100.0, 0.0, 0.0),))


class EVResource(FRBCResource):
    """Without a car only idling is on offer; a car that arrives means a new description with its target."""

    role = RoleType.ENERGY_CONSUMER

    def __init__(
        self, identity: Identity, power_w: Callable[[], float], gap_s: float, ev: EV, cell: Callable[[], Cell]
    ) -> None:
        super().__init__(identity, power_w, gap_s, level_change=LEVEL_CHANGE_PERCENT)
        self._ev = ev
        self._cell = cell
        self._wait_until_s = inf
        per_s = 100 * ev.efficiency / 3600 / ev.capacity_wh
        self._charging = Mode("charging", ev.min_w, ev.max_w, (Band(0.0, 100.0, ev.min_w * per_s, ev.max_w * per_s),))

    def modes(self) -> tuple[Mode, ...]:
        return (IDLE, self._charging) if self._ev.plugged else (IDLE,)

    def storage(self) -> FRBCStorageDescription:
        return FRBCStorageDescription(
            diagnostic_label=self.identity.name,
            fill_level_label="State of charge in %",
            provides_leakage_behaviour=False,
            provides_fill_level_target_profile=self._ev.plugged,
            provides_usage_forecast=False,
            fill_level_range=NumberRange(start_of_range=0.0, end_of_range=100.0),
        )

    def level(self) -> float:
        return 100 * self._ev.soc

    def behaviour(self, at_s: float) -> list[Message]:
        return [self._target(at_s)] if self._ev.plugged else []

    def publish(self, at_s: float) -> list[Message]:
        self._wait_until_s = at_s + PATIENCE_S if self._ev.plugged else inf
        return super().publish(at_s)

    def take_control(self, at_s: float) -> list[Message]:
        self._ev.controlled, self._ev.setpoint_w = True, 0.0
        return super().take_control(at_s)

    def release(self, at_s: float) -> None:
        super().release(at_s)
        self._ev.controlled, self._ev.setpoint_w = False, 0.0

    def changes(self, at_s: float) -> list[Message]:
        if self._ev.soc >= FULL and self._ev.setpoint_w > 0:
            self._ev.setpoint_w = 0.0
            self._level_report.forget()
        if at_s >= self._wait_until_s:
            self._wait_until_s = inf
            self._ev.setpoint_w = self._ev.max_w if self._ev.missing_wh() > 0 else 0.0
        return super().changes(at_s)

    def present(self, at_s: float) -> tuple[str, float]:  # noqa: ARG002 - The car knows its hour itself.
        ev = self._ev
        if not ev.plugged:
            return IDLE.name, 0.0
        wanted_w = ev.max_w if ev.must_charge(self._cell()) else ev.setpoint_w
        return (self._charging.name, self._charging.factor(wanted_w)) if wanted_w >= ev.min_w else (IDLE.name, 0.0)

    def refusal(self, mode: Mode, factor: float, at_s: float) -> str | None:  # noqa: ARG002 - See above.
        if not self._ev.plugged and mode.power_w(factor) > 0:
            return "no car is plugged in"
        if mode.power_w(factor) > 0 and self._ev.soc >= FULL:
            return "the car is full"
        if mode.power_w(factor) < self._ev.max_w and self._ev.must_charge(self._cell()):
            return "comfort: only full power still fills the car before it leaves"
        return None

    def apply(self, mode: Mode, factor: float, at_s: float) -> None:  # noqa: ARG002 - See above.
        self._wait_until_s = inf
        self._ev.setpoint_w = mode.power_w(factor)

    def _target(self, at_s: float) -> FRBCFillLevelTargetProfile:
        """Anything goes until shortly before the driver comes; from then on the target is wanted."""
        leaving_s = 60 * self._ev.minutes_to_departure(self._cell().minute_of_day)
        ready_s = max(0.0, leaving_s - 60 * READY_BEFORE_MIN)
        stretches = [(ready_s, 0.0), (max(60.0, leaving_s - ready_s), 100 * self._ev.target_soc)]
        return FRBCFillLevelTargetProfile(
            message_id=self.identity.new_id(),
            start_time=utc(at_s),
            elements=tuple(
                FRBCFillLevelTargetProfileElement(
                    duration=milliseconds(duration_s),
                    fill_level_range=NumberRange(start_of_range=low, end_of_range=100.0),
                )
                for duration_s, low in stretches
                if duration_s > 0
            ),
        )
