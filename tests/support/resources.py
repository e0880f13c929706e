"""Resources as their Resource Managers would describe them, for the tests of the hosted CEM."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.resource import Resource
from s2.messages import (
    Commodity,
    CommodityQuantity,
    ControlType,
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCFillLevelTargetProfileElement,
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageDescription,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    FRBCUsageForecast,
    FRBCUsageForecastElement,
    Message,
    NumberRange,
    PEBCAllowedLimitRange,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PowerForecast,
    PowerForecastElement,
    PowerForecastValue,
    PowerMeasurement,
    PowerRange,
    PowerValue,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceElement,
    PPBCPowerSequenceStatus,
    Timer,
    Transition,
)

NOON = datetime(2026, 4, 21, 12, 0, tzinfo=UTC)
L1 = CommodityQuantity.ELECTRIC_POWER_L1
HOUR_MS = 3_600_000

_numbers = itertools.count(1)


def new_id() -> str:
    return f"id-{next(_numbers)}"


def link_id(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


def number_range(start: float, end: float) -> NumberRange:
    return NumberRange(start_of_range=start, end_of_range=end)


def element(
    levels: tuple[float, float],
    rates: tuple[float, float],
    powers_w: tuple[float, float],
    quantity: CommodityQuantity = L1,
) -> FRBCOperationModeElement:
    return FRBCOperationModeElement(
        fill_level_range=number_range(*levels),
        fill_rate=number_range(*rates),
        power_ranges=(PowerRange(start_of_range=powers_w[0], end_of_range=powers_w[1], commodity_quantity=quantity),),
    )


def mode(mode_id: str, *elements: FRBCOperationModeElement, abnormal: bool = False) -> FRBCOperationMode:
    return FRBCOperationMode(id=mode_id, elements=elements, abnormal_condition_only=abnormal)


def transition(start: str, end: str, *, starts: str | None = None, blocked_by: str | None = None) -> Transition:
    return Transition(
        id=f"{start}-{end}",
        from_=start,
        to=end,
        start_timers=(starts,) if starts else (),
        blocking_timers=(blocked_by,) if blocked_by else (),
        abnormal_condition_only=False,
    )


def all_transitions(*mode_ids: str) -> tuple[Transition, ...]:
    return tuple(transition(start, end) for start in mode_ids for end in mode_ids if start != end)


def store_messages(
    *actuators: FRBCActuatorDescription,
    levels: tuple[float, float],
    level: float | None,
    active: Iterable[tuple[str, str, float]],
    now: datetime = NOON,
    extra: Iterable[Message] = (),
) -> list[Message]:
    """`active` holds (actuator id, mode id, factor)."""
    extra = list(extra)
    description = FRBCSystemDescription(
        message_id=new_id(),
        valid_from=now - timedelta(hours=1),
        actuators=actuators,
        storage=FRBCStorageDescription(
            provides_leakage_behaviour=any(isinstance(one, FRBCLeakageBehaviour) for one in extra),
            provides_fill_level_target_profile=any(isinstance(one, FRBCFillLevelTargetProfile) for one in extra),
            provides_usage_forecast=any(isinstance(one, FRBCUsageForecast) for one in extra),
            fill_level_range=number_range(*levels),
        ),
    )
    statuses: list[Message] = [
        FRBCActuatorStatus(
            message_id=new_id(), actuator_id=actuator, active_operation_mode_id=mode_id, operation_mode_factor=factor
        )
        for actuator, mode_id, factor in active
    ]
    if level is not None:
        statuses.append(FRBCStorageStatus(message_id=new_id(), present_fill_level=level))
    return [description, *statuses, *extra]


def actuator(
    modes: Iterable[FRBCOperationMode],
    transitions: Iterable[Transition] | None = None,
    timers: Iterable[Timer] = (),
    actuator_id: str = "actuator",
) -> FRBCActuatorDescription:
    modes = tuple(modes)
    return FRBCActuatorDescription(
        id=actuator_id,
        supported_commodities=(Commodity.ELECTRICITY,),
        operation_modes=modes,
        transitions=tuple(all_transitions(*(one.id for one in modes)) if transitions is None else transitions),
        timers=tuple(timers),
    )


def measurement(power_w: float, now: datetime, quantity: CommodityQuantity = L1) -> PowerMeasurement:
    return PowerMeasurement(
        message_id=new_id(),
        measurement_timestamp=now,
        values=(PowerValue(commodity_quantity=quantity, value=power_w),),
    )


def read_store(name: str, messages: Iterable[Message], now: datetime = NOON) -> FRBCResource:
    resource = Resource.from_messages(link_id(name), name, messages, ControlType.FILL_RATE_BASED_CONTROL, now)
    assert isinstance(resource, FRBCResource)
    return resource


# 10 kWh, 5 kW, 95 % each way. The level is in kWh.
BATTERY_IN = 0.95 / 3.6e6
BATTERY_OUT = 1 / 0.95 / 3.6e6


def battery_description(capacity_kwh: float = 10.0, power_w: float = 5000.0) -> FRBCActuatorDescription:
    whole = (0.0, capacity_kwh)
    return actuator(
        (
            mode("charge", element(whole, (0.0, power_w * BATTERY_IN), (0.0, power_w))),
            mode("idle", element(whole, (0.0, 0.0), (0.0, 0.0))),
            mode("discharge", element(whole, (0.0, -power_w * BATTERY_OUT), (0.0, -power_w))),
        )
    )


def battery(
    level: float = 5.0, active: tuple[str, float] = ("idle", 0.0), power_w: float | None = 0.0, now: datetime = NOON
) -> FRBCResource:
    extra = [] if power_w is None else [measurement(power_w, now)]
    messages = store_messages(
        battery_description(),
        levels=(0.0, 10.0),
        level=level,
        active=[("actuator", *active)],
        now=now,
        extra=extra,
    )
    return read_store("Home battery", messages, now)


def target_profile(
    pieces: Iterable[tuple[timedelta, tuple[float, float]]], start: datetime
) -> FRBCFillLevelTargetProfile:
    return FRBCFillLevelTargetProfile(
        message_id=new_id(),
        start_time=start,
        elements=tuple(
            FRBCFillLevelTargetProfileElement(
                duration=round(duration.total_seconds() * 1000), fill_level_range=number_range(*levels)
            )
            for duration, levels in pieces
        ),
    )


def ev_charger(
    level: float = 30.0,
    *,
    active: tuple[str, float] = ("off", 0.0),
    power_w: float = 0.0,
    now: datetime = NOON,
    departure: datetime | None = None,
    wanted: float = 80.0,
) -> FRBCResource:
    """A car of 60 kWh, its level in percent, charged with 1.4 to 7.4 kW at 90 %."""
    percent_per_s = 0.9 / 60.0 * 100.0 / 3.6e6
    whole = (0.0, 100.0)
    charge = mode("charge", element(whole, (1400 * percent_per_s, 7400 * percent_per_s), (1400.0, 7400.0)))
    off = mode("off", element(whole, (0.0, 0.0), (0.0, 0.0)))
    extra: list[Message] = [measurement(power_w, now)]
    if departure is not None:
        pieces = [(max(departure - now, timedelta()), whole), (timedelta(hours=1), (wanted, 100.0))]
        extra.append(target_profile(pieces, now))
    messages = store_messages(
        actuator((off, charge)), levels=whole, level=level, active=[("actuator", *active)], now=now, extra=extra
    )
    return read_store("EV charger", messages, now)


def heat_pump(
    level: float = 50.0,
    *,
    active: str = "off",
    power_w: float | None = None,
    now: datetime = NOON,
    usage_per_s: float | Callable[[int], float] = 0.0008,
    min_off_until: datetime | None = None,
) -> FRBCResource:
    """A buffer from 40 to 60 degrees, heated with 2 kW by 0.002 degrees a second, on or off."""
    whole = (40.0, 60.0)
    on = mode("on", element(whole, (0.002, 0.002), (2000.0, 2000.0)))
    off = mode("off", element(whole, (0.0, 0.0), (0.0, 0.0)))
    rate = usage_per_s if callable(usage_per_s) else lambda hour: usage_per_s
    extra: list[Message] = [
        measurement((2000.0 if active == "on" else 0.0) if power_w is None else power_w, now),
        FRBCLeakageBehaviour(
            message_id=new_id(),
            valid_from=now,
            elements=(FRBCLeakageBehaviourElement(fill_level_range=number_range(*whole), leakage_rate=0.00005),),
        ),
        FRBCUsageForecast(
            message_id=new_id(),
            start_time=now.replace(minute=0, second=0, microsecond=0),
            elements=tuple(
                FRBCUsageForecastElement(duration=HOUR_MS, usage_rate_expected=rate((now + timedelta(hours=hour)).hour))
                for hour in range(25)
            ),
        ),
    ]
    if min_off_until is not None:
        extra.append(
            FRBCTimerStatus(message_id=new_id(), timer_id="min-off", actuator_id="actuator", finished_at=min_off_until)
        )
    description = actuator(
        (off, on),
        (transition("off", "on", blocked_by="min-off"), transition("on", "off", starts="min-off")),
        (Timer(id="min-off", duration=600_000),),
    )
    messages = store_messages(
        description, levels=whole, level=level, active=[("actuator", active, 0.0)], now=now, extra=extra
    )
    return read_store("Heat pump", messages, now)


def allowed(
    kind: PEBCPowerEnvelopeLimitType, start: float, end: float, *, abnormal: bool = False
) -> PEBCAllowedLimitRange:
    return PEBCAllowedLimitRange(
        commodity_quantity=L1,
        limit_type=kind,
        range_boundary=number_range(start, end),
        abnormal_condition_only=abnormal,
    )


def solar_forecast(production_w: Iterable[float], start: datetime) -> PowerForecast:
    return PowerForecast(
        message_id=new_id(),
        start_time=start,
        elements=tuple(
            PowerForecastElement(
                duration=900_000, power_values=(PowerForecastValue(value_expected=-power_w, commodity_quantity=L1),)
            )
            for power_w in production_w
        ),
    )


def solar(
    production_w: float = 3000.0, *, now: datetime = NOON, peak_w: float = 6000.0, forecast: PowerForecast | None = None
) -> PEBCResource:
    messages: list[Message] = [
        PEBCPowerConstraints(
            message_id=new_id(),
            id="constraints",
            valid_from=now - timedelta(hours=1),
            consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
            allowed_limit_ranges=(
                allowed(PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -peak_w, 0.0),
                allowed(PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0.0, 0.0),
            ),
        ),
        measurement(-production_w, now),
    ]
    if forecast is not None:
        messages.append(forecast)
    resource = Resource.from_messages(
        link_id("Solar"), "Solar", messages, ControlType.POWER_ENVELOPE_BASED_CONTROL, now
    )
    assert isinstance(resource, PEBCResource)
    return resource


def sequence(
    sequence_id: str,
    *pieces: tuple[int, float],
    max_pause_ms: int | None = None,
    abnormal: bool = False,
    interruptible: bool = False,
) -> PPBCPowerSequence:
    """Pieces of (minutes, W)."""
    return PPBCPowerSequence(
        id=sequence_id,
        elements=tuple(
            PPBCPowerSequenceElement(
                duration=minutes * 60_000,
                power_values=(PowerForecastValue(value_expected=power_w, commodity_quantity=L1),),
            )
            for minutes, power_w in pieces
        ),
        is_interruptible=interruptible,
        max_pause_before=max_pause_ms,
        abnormal_condition_only=abnormal,
    )


def dishwasher(
    *containers: PPBCPowerSequenceContainer,
    now: datetime = NOON,
    window: timedelta = timedelta(hours=12),
    statuses: Iterable[PPBCPowerSequenceContainerStatus] = (),
    others: Iterable[PPBCPowerProfileDefinition] = (),
) -> PPBCResource:
    """One profile named "profile", and `others` beside it."""
    if not containers:
        containers = (
            PPBCPowerSequenceContainer(
                id="wash", power_sequences=(sequence("eco", (30, 2000.0), (60, 100.0), (30, 1800.0)),)
            ),
        )
    definition = PPBCPowerProfileDefinition(
        message_id=new_id(), id="profile", start_time=now, end_time=now + window, power_sequences_containers=containers
    )
    statuses = tuple(statuses) or tuple(
        PPBCPowerSequenceContainerStatus(
            power_profile_id="profile",
            sequence_container_id=container.id,
            status=PPBCPowerSequenceStatus.NOT_SCHEDULED,
        )
        for container in containers
    )
    messages: list[Message] = [
        definition,
        *others,
        PPBCPowerProfileStatus(message_id=new_id(), sequence_container_status=statuses),
        measurement(0.0, now),
    ]
    return read_profiles("Dishwasher", messages, now)


def read_profiles(name: str, messages: Iterable[Message], now: datetime = NOON) -> PPBCResource:
    resource = Resource.from_messages(link_id(name), name, messages, ControlType.POWER_PROFILE_BASED_CONTROL, now)
    assert isinstance(resource, PPBCResource)
    return resource
