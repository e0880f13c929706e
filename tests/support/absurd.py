"""Descriptions of stores, envelopes and profiles that are legal and absurd, made by hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import strategies as st

from cem_service.domain.frbc import FRBCResource
from cem_service.domain.resource import Resource
from s2.messages import (
    CommodityQuantity,
    ControlType,
    FRBCActuatorDescription,
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCOperationMode,
    FRBCTimerStatus,
    FRBCUsageForecast,
    FRBCUsageForecastElement,
    Message,
    PEBCAllowedLimitRange,
    PEBCEnergyConstraint,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PPBCPowerSequenceContainer,
    Transition,
)
from tests.support.resources import (
    NOON,
    actuator,
    dishwasher,
    element,
    link_id,
    measurement,
    mode,
    new_id,
    number_range,
    read_store,
    sequence,
    solar_forecast,
    store_messages,
    target_profile,
)

numbers = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1e9, -1e9, 1e-9, 1e308, -1e308, 5e-324]),
    st.floats(-1e4, 1e4),
    st.floats(allow_nan=False, allow_infinity=False),
)
pairs = st.tuples(numbers, numbers)
ordered_pairs = pairs.map(lambda pair: (min(pair), max(pair)))
quantities = st.sampled_from(list(CommodityQuantity))
prices = st.lists(st.floats(-5, 5), min_size=24, max_size=24).map(tuple)


@st.composite
def actuators(draw: st.DrawFn, actuator_id: str, bounds: list[float]) -> FRBCActuatorDescription:
    def one_mode(index: int) -> FRBCOperationMode:
        skip = draw(st.integers(0, 1))  # Some modes do not reach down to the lowest level.
        bands = list(pairwise(bounds))[skip:] or list(pairwise(bounds))
        elements = [element(band, draw(pairs), draw(pairs), draw(quantities)) for band in bands]
        return mode(f"m{index}", *elements, abnormal=draw(st.integers(0, 3)) == 0)

    count = draw(st.one_of(st.integers(1, 4), st.just(30)))
    ways = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=8))
    transitions = [
        Transition(
            id=f"t{number}",
            from_=f"m{start}",
            to=f"m{end}",
            start_timers=(),
            blocking_timers=("timer",) if draw(st.booleans()) else (),
            transition_costs=draw(st.one_of(st.none(), numbers)),
            abnormal_condition_only=draw(st.booleans()),
        )
        for number, (start, end) in enumerate(ways)
    ]
    return actuator([one_mode(index) for index in range(count)], transitions, actuator_id=actuator_id)


@st.composite
def stores(draw: st.DrawFn) -> FRBCResource:
    bounds = sorted(draw(st.lists(numbers, min_size=2, max_size=4, unique=True)))
    described = [draw(actuators(f"actuator-{index}", bounds)) for index in range(draw(st.integers(1, 2)))]
    active = [(one.id, draw(st.sampled_from(one.operation_modes)).id, draw(st.floats(0, 1))) for one in described]
    extra: list[Message] = []
    if draw(st.booleans()):
        extra.append(measurement(draw(numbers), NOON, draw(quantities)))
    if draw(st.booleans()):
        bands = [
            FRBCLeakageBehaviourElement(fill_level_range=number_range(*band), leakage_rate=draw(numbers))
            for band in pairwise(bounds)
        ]
        extra.append(FRBCLeakageBehaviour(message_id=new_id(), valid_from=NOON, elements=tuple(bands)))
    if draw(st.booleans()):
        pieces = [
            FRBCUsageForecastElement(duration=draw(st.integers(0, 10**10)), usage_rate_expected=draw(numbers))
            for _ in range(2)
        ]
        extra.append(FRBCUsageForecast(message_id=new_id(), start_time=NOON, elements=tuple(pieces)))
    if draw(st.booleans()):
        extra.append(target_profile([(timedelta(hours=5), draw(ordered_pairs))], NOON))
    if draw(st.booleans()):
        ends = NOON + timedelta(minutes=draw(st.integers(-5, 5)))
        extra.append(FRBCTimerStatus(message_id=new_id(), timer_id="timer", actuator_id="actuator-0", finished_at=ends))
    level = draw(st.one_of(st.sampled_from(bounds), numbers))
    messages = store_messages(*described, levels=(bounds[0], bounds[-1]), level=level, active=active, extra=extra)
    return read_store("Absurd store", messages)


@st.composite
def _windows(draw: st.DrawFn) -> PEBCEnergyConstraint:
    least_w, most_w = draw(ordered_pairs)
    start = NOON + timedelta(seconds=draw(st.integers(-(10**5), 10**6)))
    return PEBCEnergyConstraint(
        message_id=new_id(),
        id=new_id(),
        valid_from=start,
        valid_until=start + timedelta(seconds=draw(st.integers(1, 10**6))),
        lower_average_power=least_w,
        upper_average_power=most_w,
        commodity_quantity=draw(quantities),
    )


@st.composite
def envelopes(draw: st.DrawFn) -> Resource:
    ranges = [
        PEBCAllowedLimitRange(
            commodity_quantity=draw(quantities),
            limit_type=draw(st.sampled_from(list(PEBCPowerEnvelopeLimitType))),
            range_boundary=number_range(*draw(ordered_pairs)),
            abnormal_condition_only=draw(st.integers(0, 3)) == 0,
        )
        for _ in range(draw(st.integers(2, 8)))
    ]
    if draw(st.booleans()):
        # As drawn they mostly belong to several quantities, of which none has both limits.
        ranges = [replace(one, commodity_quantity=ranges[0].commodity_quantity) for one in ranges]
    constraints = PEBCPowerConstraints(
        message_id=new_id(),
        id="constraints",
        valid_from=NOON,
        valid_until=draw(st.one_of(st.none(), st.integers(1, 10**6).map(lambda s: NOON + timedelta(seconds=s)))),
        consequence_type=draw(st.sampled_from(list(PEBCPowerEnvelopeConsequenceType))),
        allowed_limit_ranges=tuple(ranges),
    )
    messages: list[Message] = [constraints, measurement(draw(numbers), NOON), *draw(st.lists(_windows(), max_size=2))]
    if draw(st.booleans()):
        messages.append(solar_forecast(draw(st.lists(numbers, min_size=1, max_size=5)), NOON))
    return Resource.from_messages(
        link_id("Absurd envelope"), "Absurd envelope", messages, ControlType.POWER_ENVELOPE_BASED_CONTROL, NOON
    )


@st.composite
def containers(draw: st.DrawFn) -> tuple[PPBCPowerSequenceContainer, ...]:
    return tuple(
        PPBCPowerSequenceContainer(
            id=f"c{index}",
            power_sequences=tuple(
                sequence(
                    f"s{number}",
                    (draw(st.integers(0, 600)), draw(numbers)),
                    max_pause_ms=draw(st.one_of(st.none(), st.integers(0, 2**53 - 1))),
                    abnormal=draw(st.integers(0, 3)) == 0,
                    interruptible=draw(st.booleans()),
                )
                for number in range(draw(st.integers(1, 3)))
            ),
        )
        for index in range(draw(st.integers(1, 3)))
    )


@st.composite
def profiles(draw: st.DrawFn) -> Resource:
    return dishwasher(*draw(containers()), window=timedelta(minutes=draw(st.integers(0, 10**5))))
