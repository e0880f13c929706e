"""Twelve homes of one street, each with its own mix of devices.

Fuses are tight on purpose: in several homes a car, a heat pump and a dishwasher together exceed them when nobody
coordinates. Some grid connections also limit what may be exported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flexhub.clock import Clock
from flexhub.demo.accounts import Tariff

TIMEZONE = "Europe/Amsterdam"
DAY_MIN = 24 * 60
# The demo's day starts in the morning: the sun is up, cars stand at home, the first dishwashers are filled.
START_TIME = time(10, 30)
WEATHER_SEED = 7

DEMO_TARIFF = Tariff(
    import_eur_per_kwh=(
        *(0.24, 0.23, 0.22, 0.22, 0.23, 0.25, 0.29, 0.37, 0.38, 0.31, 0.26, 0.22),
        *(0.18, 0.17, 0.20, 0.23, 0.28, 0.37, 0.42, 0.41, 0.38, 0.31, 0.28, 0.26),
    ),
    export_eur_per_kwh=(
        *(0.09, 0.08, 0.07, 0.07, 0.08, 0.10, 0.13, 0.18, 0.17, 0.12, 0.07, 0.03),
        *(-0.03, -0.05, 0.02, 0.05, 0.09, 0.15, 0.20, 0.19, 0.16, 0.12, 0.11, 0.10),
    ),
)

# One phase at 230 V, or three, times the fuse's amperes.
ONE_PHASE_25_A, ONE_PHASE_35_A = 5750.0, 8050.0
THREE_PHASES_20_A, THREE_PHASES_25_A = 13800.0, 17250.0


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One device to be registered and simulated; `kind` is also the kind of its DeviceType."""

    kind: str
    name: str
    brand: str
    model: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HomePlan:
    """One home; its first device is its main meter."""

    name: str
    seed: int
    timezone: str
    fuse_limit_w: float
    export_limit_w: float | None
    devices: tuple[DevicePlan, ...]

    def config(
        self, *, ws_url: str, clock: Clock, report: Path, credentials: Sequence[tuple[str, str]]
    ) -> dict[str, Any]:
        """What `flexhub.demo.config.HomeConfig` reads; one (node id, token) for each device, in their order."""
        return {
            "home": self.name,
            "seed": self.seed,
            "weather_seed": WEATHER_SEED,
            "ws_url": ws_url,
            "clock": str(clock),
            "timezone": self.timezone,
            "devices": [
                {
                    "kind": device.kind,
                    "node_id": node_id,
                    "token": token,
                    "name": device.name,
                    "parameters": dict(device.parameters),
                }
                for device, (node_id, token) in zip(self.devices, credentials, strict=True)
            ],
            "limits": {"fuse_limit_w": self.fuse_limit_w, "export_limit_w": self.export_limit_w},
            "tariff": {
                "import_eur_per_kwh": list(DEMO_TARIFF.import_eur_per_kwh),
                "export_eur_per_kwh": list(DEMO_TARIFF.export_eur_per_kwh),
            },
            "report": str(report),
        }


def homes(start: datetime) -> list[HomePlan]:
    """The street as it is when the demo's clock shows `start`: cars come and go relative to that moment."""
    local = start.astimezone(ZoneInfo(TIMEZONE))
    start_min = local.hour * 60 + local.minute
    here, away = _cars(start_min)
    return [
        _home(1, ONE_PHASE_35_A, _pv(5500), _battery(10, 5), here(5.5), _heat_pump(2400, 0.4), _dishwasher(early=True)),
        _home(2, ONE_PHASE_35_A, _pv(4000), here(6.0), _heat_pump(3000), _dishwasher(early=True)),
        _home(3, THREE_PHASES_25_A, _pv(8000, 20), _battery(12, 5), _heat_pump(2800, 0.4), export_limit_w=4000),
        _home(4, ONE_PHASE_25_A, _pv(3500), _battery(5, 2.5, single_mode=True), _dishwasher(early=True)),
        _home(
            *(5, THREE_PHASES_20_A, _pv(6000, -30), here(6.5, three_phase=True), _heat_pump(3000, 0.35)),
            _dishwasher(early=True, program="wash and dry"),
        ),
        _home(6, ONE_PHASE_35_A, _battery(8, 4), away(9.0), _dishwasher(ready="08:30", window_h=8)),
        _home(
            *(7, THREE_PHASES_25_A, _pv(9000), _battery(13.5, 5), away(8.5, three_phase=True)),
            _heat_pump(3600, 0.3),
            export_limit_w=5000,
        ),
        _home(8, ONE_PHASE_25_A, _pv(4500, 40), _heat_pump(2500), _dishwasher(ready="12:30", window_h=5)),
        _home(9, ONE_PHASE_35_A, _pv(5000), _battery(10, 3.7, single_mode=True), here(7.0)),
        _home(10, ONE_PHASE_35_A, away(9.5), _heat_pump(2600), _dishwasher(early=True)),
        _home(
            *(11, ONE_PHASE_35_A, _pv(6500, -15), _battery(7.5, 3.7, single_mode=True)),
            *(_heat_pump(2200, 0.4), _dishwasher(early=True, program="wash and dry")),
            export_limit_w=3000,
        ),
        _home(
            *(12, THREE_PHASES_25_A, _pv(7500), _battery(10, 5), here(5.0, three_phase=True)),
            *(_heat_pump(3200, 0.4), _dishwasher(ready="19:30", window_h=10)),
        ),
    ]


def _home(number: int, fuse_limit_w: float, *devices: DevicePlan, export_limit_w: float | None = None) -> HomePlan:
    three_phase = fuse_limit_w in (THREE_PHASES_20_A, THREE_PHASES_25_A)
    meter = DevicePlan(
        *("METER", "Main meter", "Gridline", "M3" if three_phase else "M1"),
        {"three_phase": three_phase, "standby_w": 130.0 + 37 * number % 110},
    )
    return HomePlan(f"Linden Street {number}", 100 + number, TIMEZONE, fuse_limit_w, export_limit_w, (meter, *devices))


def _pv(peak_w: float, azimuth_deg: float = 0.0) -> DevicePlan:
    return DevicePlan("PV", "Solar roof", "Helio", "Sunrise", {"peak_w": peak_w, "azimuth_deg": azimuth_deg})


def _battery(capacity_kwh: float, power_kw: float, *, single_mode: bool = False) -> DevicePlan:
    power_w = 1000 * power_kw
    parameters = {
        "capacity_wh": 1000 * capacity_kwh,
        "max_charge_w": power_w,
        "max_discharge_w": power_w,
        "single_mode": single_mode,
    }
    return DevicePlan("BATTERY", "Home battery", "Voltaic", "Wall" if single_mode else "Tower", parameters)


def _cars(start_min: int) -> tuple[Any, Any]:
    """Two kinds of cars: those at home at the start, and those that come back in the evening."""

    def here(leaves_after_h: float, *, three_phase: bool = False) -> DevicePlan:
        return car(start_min + 60 * leaves_after_h, away_min=120, soc=0.4, plugged=True, three_phase=three_phase)

    def away(away_h: float, *, three_phase: bool = False) -> DevicePlan:
        return car(start_min - 150, away_min=60 * away_h, soc=0.75, plugged=False, three_phase=three_phase)

    def car(departure_min: float, *, away_min: float, soc: float, plugged: bool, three_phase: bool) -> DevicePlan:
        parameters = {
            "capacity_wh": 60_000 if three_phase else 50_000,
            "max_w": 11_040 if three_phase else 7360,
            "three_phase": three_phase,
            "departure_min": departure_min % DAY_MIN,
            "away_min": away_min,
            "trip_wh": 12_000 if plugged else 18_000,
            "soc": soc,
            "plugged": plugged,
        }
        return DevicePlan("EV_CHARGER", "Car charger", "Ampere", "Duo 11" if three_phase else "Uno 7", parameters)

    return here, away


def _heat_pump(electric_w: float, lowest_share: float = 1.0) -> DevicePlan:
    parameters = {
        "electric_w": electric_w,
        "litres": 0.2 * electric_w,
        "heat_loss_w_per_k": 0.075 * electric_w,
        "lowest_share": lowest_share,
        "temperature_c": 48.0,
    }
    model = "Steady" if lowest_share == 1.0 else "Flow"
    return DevicePlan("HEAT_PUMP", "Heat pump with buffer", "Borealis", model, parameters)


def _dishwasher(
    *, early: bool = False, program: str = "normal", ready: str = "19:30", window_h: float = 10
) -> DevicePlan:
    """`early`: also filled at the start, to be done within 75 minutes; both programs take 45."""
    hour, minute = ready.split(":")
    parameters: dict[str, Any] = {
        "program": program,
        "ready_min": int(hour) * 60 + int(minute),
        "window_s": 3600 * window_h,
    }
    if early:
        parameters["first_window_s"] = 75 * 60
    return DevicePlan("DISHWASHER", "Dishwasher", "Lumen", "Glass" if program == "normal" else "Glass Dry", parameters)
