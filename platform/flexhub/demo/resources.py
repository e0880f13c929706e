"""From a home's configuration to its Resource Managers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from flexhub.clock import Clock
from flexhub.demo.config import DeviceConfig, HomeConfig
from flexhub.demo.household import Households
from flexhub.demo.physics.cell import Cell
from flexhub.demo.rm.battery import BatteryResource
from flexhub.demo.rm.dishwasher import DishwasherResource
from flexhub.demo.rm.ev import EVResource
from flexhub.demo.rm.heatpump import HeatPumpResource
from flexhub.demo.rm.meter import MeterResource
from flexhub.demo.rm.pv import PVResource
from flexhub.demo.rm.resource import Identity, Resource
from flexhub.demo.surroundings import HomeSurroundings
from s2.messages import CommodityQuantity

# A device reports at most four times in a real second, so that fast simulated time does not flood the hub.
LEAST_REAL_GAP_S = 0.25


def resources(config: HomeConfig, world: Households, clock: Clock) -> list[Resource]:
    """One for each device, in their order."""
    gap_s = clock.duration_of(LEAST_REAL_GAP_S).total_seconds()
    return [_resource(device, world, gap_s) for device in config.devices]


def _resource(device: DeviceConfig, world: Households, gap_s: float) -> Resource:
    identity = Identity(device.node_id, device.name or device.kind, _quantity(device), lambda: str(uuid4()))
    home, surroundings = world.on, world.surroundings

    def power_w() -> float:
        return home.powers_w[device.kind]

    def cell() -> Cell:
        return world.cell.rest_from(world.time_s)

    if home.pv is not None and device.kind == "PV":
        return PVResource(identity, power_w, gap_s, home.pv)
    if home.battery is not None and device.kind == "BATTERY":
        single_mode = bool(device.parameters.get("single_mode", False))
        return BatteryResource(identity, power_w, gap_s, home.battery, single_mode=single_mode)
    if home.ev is not None and device.kind == "EV_CHARGER":
        return EVResource(identity, power_w, gap_s, home.ev, cell)
    if home.heat_pump is not None and device.kind == "HEAT_PUMP":
        return HeatPumpResource(identity, power_w, gap_s, home.heat_pump, _expected_heat(surroundings))
    if home.dishwasher is not None and device.kind == "DISHWASHER":
        return DishwasherResource(identity, power_w, gap_s, home.dishwasher)
    return MeterResource(identity, lambda: home.net_w)


def _expected_heat(surroundings: object) -> Callable[[float], float]:
    if not isinstance(surroundings, HomeSurroundings):
        return lambda at_s: 0.0  # noqa: ARG005 - Surroundings that know no weather.
    return surroundings.expected_heat_demand_w


def _quantity(device: DeviceConfig) -> CommodityQuantity:
    """A single-phase device speaks of L1; one on three phases of the total of all three."""
    three_phase = bool(device.parameters.get("three_phase", False))
    return CommodityQuantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC if three_phase else CommodityQuantity.ELECTRIC_POWER_L1
