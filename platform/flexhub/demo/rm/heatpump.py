"""The heat pump's Resource Manager. The fill level is the buffer's temperature in degrees Celsius."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from flexhub.demo.physics.heatpump import (
    MEAN_OUTDOOR_C,
    MINIMUM_PAUSE_S,
    MINIMUM_RUN_S,
    OFFERED_HIGH_C,
    ROOM_C,
    HeatPump,
    cop,
)
from flexhub.demo.rm.frbc import Band, FRBCResource, Mode, TimerPlan
from flexhub.demo.rm.resource import Identity
from flexhub.demo.rm.timing import Reporting, milliseconds, utc
from s2.messages import (
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCStorageDescription,
    FRBCUsageForecast,
    FRBCUsageForecastElement,
    Message,
    NumberRange,
    RoleType,
)

LEVEL_CHANGE_K = 0.2
HOUR_S = 3600.0
FORECAST_HOURS = 24
# Beyond the offered range on both sides, so that a buffer that slipped out still has a mode.
BAND_EDGES_C = (38.0, 43.0, 47.0, 51.0, 55.0, 59.0)
# A buffer this close to its top has no room for another minimum run.
TOP_MARGIN_K = 0.5
USAGE_SPREAD = 0.25


class HeatPumpResource(FRBCResource):
    """On (modulating or not) and off, with minimum times that protect the compressor."""

    role = RoleType.ENERGY_CONSUMER
    timers = (
        TimerPlan("minimum run", "off", "on", MINIMUM_RUN_S),
        TimerPlan("minimum pause", "on", "off", MINIMUM_PAUSE_S),
    )

    def __init__(
        self,
        identity: Identity,
        power_w: Callable[[], float],
        gap_s: float,
        heat_pump: HeatPump,
        expected_heat_w: Callable[[float], float],
    ) -> None:
        super().__init__(identity, power_w, gap_s, level_change=LEVEL_CHANGE_K)
        self._heat_pump = heat_pump
        self._expected_heat_w = expected_heat_w
        self._forecast_report = Reporting(HOUR_S, 1.0)
        self._modes = (self._mode("off", 0.0, 0.0), self._mode("on", heat_pump.lowest_share, 1.0))

    def modes(self) -> tuple[Mode, ...]:
        return self._modes

    def storage(self) -> FRBCStorageDescription:
        return FRBCStorageDescription(
            diagnostic_label=self.identity.name,
            fill_level_label="Buffer temperature in degrees Celsius",
            provides_leakage_behaviour=True,
            provides_fill_level_target_profile=False,
            provides_usage_forecast=True,
            fill_level_range=NumberRange(start_of_range=self._heat_pump.offered_low_c, end_of_range=OFFERED_HIGH_C),
        )

    def level(self) -> float:
        return self._heat_pump.temperature_c

    def behaviour(self, at_s: float) -> list[Message]:
        self._forecast_report.forget()
        self._forecast_report.due(at_s, 0.0)
        return [self._leakage(at_s), self._usage(at_s)]

    def take_control(self, at_s: float) -> list[Message]:
        self._heat_pump.controlled = True
        return super().take_control(at_s)

    def release(self, at_s: float) -> None:
        super().release(at_s)
        self._heat_pump.controlled = False

    def changes(self, at_s: float) -> list[Message]:
        messages = super().changes(at_s)
        return [*messages, self._usage(at_s)] if self._forecast_report.due(at_s, 0.0) else messages

    def present(self, at_s: float) -> tuple[str, float]:  # noqa: ARG002 - Time plays no part here.
        off, on = self._modes
        if not self._heat_pump.running:
            return off.name, 0.0
        return on.name, on.factor(self._heat_pump.electric_w * self._heat_pump.share)

    def refusal(self, mode: Mode, factor: float, at_s: float) -> str | None:  # noqa: ARG002 - Any factor is fine.
        heat_pump, on = self._heat_pump, mode.name == "on"
        if on != heat_pump.running and heat_pump.locked(at_s):
            return "wear: the compressor has just switched"
        if not on and heat_pump.temperature_c <= heat_pump.lowest_stop_c:
            return "comfort: the buffer would not outlast a shower"
        if on and not heat_pump.running and heat_pump.temperature_c >= OFFERED_HIGH_C - TOP_MARGIN_K:
            return "safety: the buffer is at the top of its band"
        return None

    def apply(self, mode: Mode, factor: float, at_s: float) -> None:
        share = mode.power_w(factor) / self._heat_pump.electric_w
        self._heat_pump.switch(mode.name == "on", share, at_s)

    def timer_finished_s(self, timer: TimerPlan, at_s: float) -> float:  # noqa: ARG002 - The compressor remembers.
        started_s = self._heat_pump.started_s if timer.name == "minimum run" else self._heat_pump.stopped_s
        return started_s + timer.duration_s

    def _kelvin_per_s(self, heat_w: float) -> float:
        return heat_w / 3600 / self._heat_pump.wh_per_k

    def _mode(self, name: str, share_0: float, share_1: float) -> Mode:
        """Heat per electricity falls as the buffer gets hotter: one band for each stretch of temperature."""
        electric_w = self._heat_pump.electric_w
        bands = []
        for low, high in pairwise(BAND_EDGES_C):
            rate = self._kelvin_per_s(electric_w * cop((low + high) / 2, MEAN_OUTDOOR_C))
            bands.append(Band(low, high, share_0 * rate, share_1 * rate))
        return Mode(name, share_0 * electric_w, share_1 * electric_w, tuple(bands))

    def _leakage(self, at_s: float) -> FRBCLeakageBehaviour:
        per_k = self._heat_pump.leakage_w_per_k
        elements = tuple(
            FRBCLeakageBehaviourElement(
                fill_level_range=NumberRange(start_of_range=low, end_of_range=high),
                leakage_rate=self._kelvin_per_s(per_k * ((low + high) / 2 - ROOM_C)),
            )
            for low, high in pairwise(BAND_EDGES_C)
        )
        return FRBCLeakageBehaviour(message_id=self.identity.new_id(), valid_from=utc(at_s), elements=elements)

    def _usage(self, at_s: float) -> FRBCUsageForecast:
        elements = []
        for hour in range(FORECAST_HOURS):
            rate = self._kelvin_per_s(self._expected_heat_w(at_s + (hour + 0.5) * HOUR_S))
            elements.append(
                FRBCUsageForecastElement(
                    duration=milliseconds(HOUR_S),
                    usage_rate_upper_68PPR=rate * (1 + USAGE_SPREAD),
                    usage_rate_expected=rate,
                    usage_rate_lower_68PPR=rate * (1 - USAGE_SPREAD),
                )
            )
        return FRBCUsageForecast(message_id=self.identity.new_id(), start_time=utc(at_s), elements=tuple(elements))
