"""The home battery's Resource Manager. The fill level is the state of charge in percent."""

from __future__ import annotations

from collections.abc import Callable

from flexhub.demo.physics.battery import Battery
from flexhub.demo.rm.frbc import Band, FRBCResource, Mode
from flexhub.demo.rm.resource import Identity
from s2.messages import FRBCStorageDescription, Message, NumberRange, RoleType

FULL, EMPTY = 1 - 1e-6, 1e-6
LEVEL_CHANGE_PERCENT = 0.5


class BatteryResource(FRBCResource):
    """Either three modes (idle, charge, discharge) or one that runs from full discharge to full charge."""

    role = RoleType.ENERGY_STORAGE

    def __init__(
        self,
        identity: Identity,
        power_w: Callable[[], float],
        gap_s: float,
        battery: Battery,
        *,
        single_mode: bool = False,
    ) -> None:
        super().__init__(identity, power_w, gap_s, level_change=LEVEL_CHANGE_PERCENT)
        self._battery = battery
        self._modes = self._one_mode() if single_mode else self._three_modes()

    def modes(self) -> tuple[Mode, ...]:
        return self._modes

    def storage(self) -> FRBCStorageDescription:
        return FRBCStorageDescription(
            diagnostic_label=self.identity.name,
            fill_level_label="State of charge in %",
            provides_leakage_behaviour=False,
            provides_fill_level_target_profile=False,
            provides_usage_forecast=False,
            fill_level_range=NumberRange(start_of_range=0.0, end_of_range=100.0),
        )

    def level(self) -> float:
        return 100 * self._battery.soc

    def take_control(self, at_s: float) -> list[Message]:
        self._battery.controlled = True
        return super().take_control(at_s)

    def release(self, at_s: float) -> None:
        super().release(at_s)
        self._battery.controlled, self._battery.setpoint_w = False, 0.0

    def changes(self, at_s: float) -> list[Message]:
        if self._exhausted(self._battery.setpoint_w):
            self._battery.setpoint_w = 0.0
            # The last stretch is below what is worth a message, but its end is not: it closes a door.
            self._level_report.forget()
        return super().changes(at_s)

    def present(self, at_s: float) -> tuple[str, float]:  # noqa: ARG002 - Time plays no part here.
        wanted_w = self._battery.setpoint_w
        for mode in self._modes:
            if min(mode.power_0_w, mode.power_1_w) <= wanted_w <= max(mode.power_0_w, mode.power_1_w):
                return mode.name, mode.factor(wanted_w)
        return self._modes[0].name, 0.0

    def refusal(self, mode: Mode, factor: float, at_s: float) -> str | None:  # noqa: ARG002 - Time plays no part here.
        return "the battery is full or empty" if self._exhausted(mode.power_w(factor)) else None

    def apply(self, mode: Mode, factor: float, at_s: float) -> None:  # noqa: ARG002 - Time plays no part here.
        self._battery.setpoint_w = mode.power_w(factor)

    def _exhausted(self, power_w: float) -> bool:
        return (power_w > 0 and self._battery.soc >= FULL) or (power_w < 0 and self._battery.soc <= EMPTY)

    def _percent_per_s(self, inside_w: float) -> float:
        return 100 * inside_w / 3600 / self._battery.capacity_wh

    def _three_modes(self) -> tuple[Mode, ...]:
        battery = self._battery
        charge = self._percent_per_s(battery.max_charge_w * battery.efficiency)
        discharge = self._percent_per_s(-battery.max_discharge_w / battery.efficiency)
        return (
            Mode("idle", 0.0, 0.0, (Band(0.0, 100.0, 0.0, 0.0),)),
            Mode("charge", 0.0, battery.max_charge_w, (Band(0.0, 100.0, 0.0, charge),)),
            Mode("discharge", -battery.max_discharge_w, 0.0, (Band(0.0, 100.0, discharge, 0.0),)),
        )

    def _one_mode(self) -> tuple[Mode, ...]:
        """A factor is linear, losses are not: the offer leaves them out, so that standing still costs nothing."""
        battery = self._battery
        rates = self._percent_per_s(-battery.max_discharge_w), self._percent_per_s(battery.max_charge_w)
        return (Mode("run", -battery.max_discharge_w, battery.max_charge_w, (Band(0.0, 100.0, *rates),)),)
