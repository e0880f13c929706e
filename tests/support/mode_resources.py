"""Resources under OMBC and DDBC as their Resource Managers would describe them, for the tests of the hosted CEM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.resource import Resource
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    DDBCActuatorDescription,
    DDBCActuatorStatus,
    DDBCAverageDemandRateForecast,
    DDBCAverageDemandRateForecastElement,
    DDBCOperationMode,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCTimerStatus,
    Message,
    OMBCOperationMode,
    OMBCStatus,
    OMBCSystemDescription,
    OMBCTimerStatus,
    PowerRange,
    Timer,
    Transition,
)
from tests.support.resources import L1, NOON, link_id, new_id, number_range

GAS = CommodityQuantity.NATURAL_GAS_FLOW_RATE
W_PER_L_PER_S = 9.77 * 3600.0
MINUTE = timedelta(minutes=1)


def power(start_w: float, end_w: float, quantity: CommodityQuantity = L1) -> PowerRange:
    return PowerRange(start_of_range=start_w, end_of_range=end_w, commodity_quantity=quantity)


def gas(start_w: float, end_w: float) -> PowerRange:
    """The flow of natural gas that bears these powers."""
    return power(start_w / W_PER_L_PER_S, end_w / W_PER_L_PER_S, GAS)


def way(
    start: str,
    end: str,
    *,
    starts: Iterable[str] = (),
    blocked_by: Iterable[str] = (),
    takes: timedelta | None = None,
    costs: float | None = None,
    abnormal: bool = False,
) -> Transition:
    return Transition(
        id=f"{start}-{end}",
        from_=start,
        to=end,
        start_timers=tuple(starts),
        blocking_timers=tuple(blocked_by),
        transition_costs=costs,
        transition_duration=None if takes is None else round(takes / timedelta(milliseconds=1)),
        abnormal_condition_only=abnormal,
    )


def timer(timer_id: str, duration: timedelta) -> Timer:
    return Timer(id=timer_id, duration=round(duration / timedelta(milliseconds=1)))


def ombc_mode(
    mode_id: str, *powers_w: float, cost_per_s: float | None = None, abnormal: bool = False
) -> OMBCOperationMode:
    """`powers_w` at factor 0 and 1, or one for both."""
    return OMBCOperationMode(
        id=mode_id,
        power_ranges=(power(powers_w[0], powers_w[-1]),),
        running_costs=None if cost_per_s is None else number_range(cost_per_s, cost_per_s),
        abnormal_condition_only=abnormal,
    )


def ombc_messages(
    modes: Iterable[OMBCOperationMode],
    transitions: Iterable[Transition] = (),
    timers: Iterable[Timer] = (),
    *,
    active: tuple[str, float] | None,
    came_from: tuple[str, datetime] | None = None,
    timers_end: Mapping[str, datetime] | None = None,
    now: datetime = NOON,
    extra: Iterable[Message] = (),
) -> list[Message]:
    """`active` is (mode id, factor), `came_from` the mode before it and when it was left."""
    messages: list[Message] = [
        OMBCSystemDescription(
            message_id=new_id(),
            valid_from=now - timedelta(hours=1),
            operation_modes=tuple(modes),
            transitions=tuple(transitions),
            timers=tuple(timers),
        )
    ]
    if active is not None:
        messages.append(
            OMBCStatus(
                message_id=new_id(),
                active_operation_mode_id=active[0],
                operation_mode_factor=active[1],
                previous_operation_mode_id=came_from[0] if came_from else None,
                transition_timestamp=came_from[1] if came_from else None,
            )
        )
    ends = timers_end or {}
    messages += [OMBCTimerStatus(message_id=new_id(), timer_id=each, finished_at=end) for each, end in ends.items()]
    return [*messages, *extra]


def read_ombc(name: str, messages: Iterable[Message], now: datetime = NOON) -> OMBCResource:
    resource = Resource.from_messages(link_id(name), name, messages, ControlType.OPERATION_MODE_BASED_CONTROL, now)
    assert isinstance(resource, OMBCResource)
    return resource


def generator(
    active: tuple[str, float] = ("off", 0.0),
    *,
    eur_per_kwh: float = 0.30,
    shortest_run: timedelta = timedelta(hours=1),
    came_from: tuple[str, datetime] | None = None,
    timers_end: Mapping[str, datetime] | None = None,
    now: datetime = NOON,
    extra: Iterable[Message] = (),
) -> OMBCResource:
    """Gives 4 kW for a cost, or nothing; a start costs 10 ct and 2 minutes, and then it runs an hour at least."""
    cost_per_s = 4.0 * eur_per_kwh / 3600.0
    messages = ombc_messages(
        (ombc_mode("off", 0.0), ombc_mode("on", -4000.0, cost_per_s=cost_per_s)),
        (
            way("off", "on", starts=("run",), blocked_by=("rest",), takes=2 * MINUTE, costs=0.10),
            way("on", "off", starts=("rest",), blocked_by=("run",)),
        ),
        (timer("run", shortest_run), timer("rest", 10 * MINUTE)),
        active=active,
        came_from=came_from,
        timers_end=timers_end,
        now=now,
        extra=extra,
    )
    return read_ombc("Generator", messages, now)


def resistor(
    active: tuple[str, float] = ("off", 0.0), *, now: datetime = NOON, extra: Iterable[Message] = ()
) -> OMBCResource:
    """A heating rod, off or between 500 and 3000 W."""
    messages = ombc_messages(
        (ombc_mode("off", 0.0), ombc_mode("on", 500.0, 3000.0)),
        (way("off", "on"), way("on", "off")),
        active=active,
        now=now,
        extra=extra,
    )
    return read_ombc("Heating rod", messages, now)


def ddbc_mode(
    mode_id: str,
    supply: tuple[float, float],
    *powers: PowerRange,
    cost_per_s: float | None = None,
    abnormal: bool = False,
) -> DDBCOperationMode:
    return DDBCOperationMode(
        id=mode_id,
        supply_range=number_range(*supply),
        power_ranges=powers,
        running_costs=None if cost_per_s is None else number_range(cost_per_s, cost_per_s),
        abnormal_condition_only=abnormal,
    )


def ddbc_actuator(
    actuator_id: str,
    modes: Iterable[DDBCOperationMode],
    transitions: Iterable[Transition] = (),
    timers: Iterable[Timer] = (),
    commodity: Commodity = Commodity.ELECTRICITY,
) -> DDBCActuatorDescription:
    return DDBCActuatorDescription(
        id=actuator_id,
        supported_commodities=(commodity,),
        operation_modes=tuple(modes),
        transitions=tuple(transitions),
        timers=tuple(timers),
    )


def ddbc_messages(
    *actuators: DDBCActuatorDescription,
    active: Mapping[str, tuple[str, float]],
    demand: tuple[float, float] | None,
    forecast: Iterable[float] = (),
    came_from: Mapping[str, tuple[str, datetime]] | None = None,
    timers_end: Mapping[tuple[str, str], datetime] | None = None,
    now: datetime = NOON,
    extra: Iterable[Message] = (),
) -> list[Message]:
    """`forecast` has a value for each quarter hour from `now` on."""
    forecast = tuple(forecast)
    messages: list[Message] = [
        DDBCSystemDescription(
            message_id=new_id(),
            valid_from=now - timedelta(hours=1),
            actuators=actuators,
            provides_average_demand_rate_forecast=bool(forecast),
        )
    ]
    if demand is not None:
        messages.append(DDBCPresentDemandStatus(message_id=new_id(), present_demand_rate=number_range(*demand)))
    if forecast:
        elements = (DDBCAverageDemandRateForecastElement(duration=900_000, demand_rate_expected=x) for x in forecast)
        messages.append(
            DDBCAverageDemandRateForecast(message_id=new_id(), start_time=now, elements=tuple(elements)),
        )
    before = came_from or {}
    messages += [
        DDBCActuatorStatus(
            message_id=new_id(),
            actuator_id=actuator_id,
            active_operation_mode_id=mode_id,
            operation_mode_factor=factor,
            previous_operation_mode_id=before[actuator_id][0] if actuator_id in before else None,
            transition_timestamp=before[actuator_id][1] if actuator_id in before else None,
        )
        for actuator_id, (mode_id, factor) in active.items()
    ]
    messages += [
        DDBCTimerStatus(message_id=new_id(), actuator_id=actuator_id, timer_id=timer_id, finished_at=end)
        for (actuator_id, timer_id), end in (timers_end or {}).items()
    ]
    return [*messages, *extra]


def read_ddbc(name: str, messages: Iterable[Message], now: datetime = NOON) -> DDBCResource:
    resource = Resource.from_messages(link_id(name), name, messages, ControlType.DEMAND_DRIVEN_BASED_CONTROL, now)
    assert isinstance(resource, DDBCResource)
    return resource


def hybrid(
    pump: tuple[str, float] = ("off", 0.0),
    boiler: tuple[str, float] = ("off", 0.0),
    *,
    demand_w: float | None = 6000.0,
    forecast_w: Iterable[float] = (),
    came_from: Mapping[str, tuple[str, datetime]] | None = None,
    timers_end: Mapping[tuple[str, str], datetime] | None = None,
    now: datetime = NOON,
    extra: Iterable[Message] = (),
) -> DDBCResource:
    """A heat pump of 2 to 8 kW of heat at a COP of 3.5, and a gas boiler of 3 to 20 kW at 95 %."""
    messages = ddbc_messages(
        ddbc_actuator(
            "pump",
            (
                ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0)),
                ddbc_mode("on", (2000.0, 8000.0), power(2000 / 3.5, 8000 / 3.5)),
            ),
            (
                way("off", "on", starts=("run",), blocked_by=("rest",)),
                way("on", "off", starts=("rest",), blocked_by=("run",)),
            ),
            (timer("run", 40 * MINUTE), timer("rest", 20 * MINUTE)),
        ),
        ddbc_actuator(
            "boiler",
            (
                ddbc_mode("off", (0.0, 0.0), power(0.0, 0.0, GAS)),
                ddbc_mode(
                    "on",
                    (3000.0, 20_000.0),
                    gas(3000 / 0.95, 20_000 / 0.95),
                ),
            ),
            (way("off", "on"), way("on", "off")),
            commodity=Commodity.GAS,
        ),
        active={"pump": pump, "boiler": boiler},
        demand=None if demand_w is None else (0.75 * demand_w, 1.25 * demand_w),
        forecast=forecast_w,
        came_from=came_from,
        timers_end=timers_end,
        now=now,
        extra=extra,
    )
    return read_ddbc("Hybrid heat pump", messages, now)
