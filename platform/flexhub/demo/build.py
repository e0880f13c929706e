"""From a home's configuration to its physics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from flexhub.demo.accounts import Accounts, Tariff
from flexhub.demo.config import HomeConfig
from flexhub.demo.household import Household, Households
from flexhub.demo.physics.battery import Battery
from flexhub.demo.physics.dishwasher import DRY, WASH, WASH_SHORT, Dishwasher, Part
from flexhub.demo.physics.ev import EV
from flexhub.demo.physics.heatpump import HeatPump
from flexhub.demo.physics.load import Load
from flexhub.demo.physics.pv import PV
from flexhub.demo.physics.weather import Plane, Weather
from flexhub.demo.surroundings import HomeSurroundings

PROGRAMS: dict[str, tuple[Part, ...]] = {"normal": (WASH,), "wash and dry": (WASH_SHORT, DRY)}

# Connecting takes a moment, in which a machine that was just filled should not start.
DISHWASHER_PATIENCE_S = 1200.0


def households(config: HomeConfig, begin_s: float) -> Households:
    """The home and its shadows as they are at `begin_s`. Raises TypeError or KeyError when a parameter is unknown."""
    parameters: dict[str, dict[str, Any]] = {device.kind: device.parameters for device in config.devices}
    on, off = household(config, parameters), household(config, parameters)
    metered = household(config, parameters, battery_has_meter=True) if off.battery is not None else None
    if on.dishwasher is not None:
        # That of a shadow is a plain machine, which has nobody to wait for.
        on.dishwasher.patience_s = DISHWASHER_PATIENCE_S
    surroundings = HomeSurroundings(
        seed=config.seed,
        zone=ZoneInfo(config.timezone),
        weather=Weather(config.weather_seed),
        load=Load(config.seed, float(parameters.get("METER", {}).get("standby_w", 160.0))),
        pv=on.pv,
        heat_loss_w_per_k=None if on.heat_pump is None else on.heat_pump.heat_loss_w_per_k,
    )
    return Households(surroundings, on, off, metered, time_s=begin_s, begin_s=begin_s)


def household(
    config: HomeConfig, parameters: Mapping[str, Mapping[str, Any]], *, battery_has_meter: bool = False
) -> Household:
    tariff = Tariff(config.tariff.import_eur_per_kwh, config.tariff.export_eur_per_kwh)
    return Household(
        accounts=Accounts(tariff, config.limits.fuse_limit_w, config.limits.export_limit_w),
        pv=_pv(**parameters["PV"]) if "PV" in parameters else None,
        battery=_battery(**parameters["BATTERY"]) if "BATTERY" in parameters else None,
        ev=_ev(**parameters["EV_CHARGER"]) if "EV_CHARGER" in parameters else None,
        heat_pump=HeatPump(**parameters["HEAT_PUMP"]) if "HEAT_PUMP" in parameters else None,
        dishwasher=_dishwasher(**parameters["DISHWASHER"]) if "DISHWASHER" in parameters else None,
        battery_has_meter=battery_has_meter,
    )


def _pv(peak_w: float, tilt_deg: float = 35.0, azimuth_deg: float = 0.0) -> PV:
    return PV(peak_w, Plane(tilt_deg, azimuth_deg))


def _battery(single_mode: bool = False, **battery: Any) -> Battery:  # noqa: ARG001 - Only the offer depends on it.
    return Battery(**battery)


def _ev(three_phase: bool = False, **ev: Any) -> EV:
    return EV(min_w=4140.0 if three_phase else 1380.0, **ev)


def _dishwasher(program: str = "normal", **dishwasher: Any) -> Dishwasher:
    return Dishwasher(parts=PROGRAMS[program], **dishwasher)
