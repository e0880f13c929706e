"""Descriptions that are legal and absurd: nothing raises, and no decision leaves what was offered."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.quantities import bounded
from cem_service.domain.resource import Resource
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from cem_service.planners.words import notes
from s2.messages import (
    CommodityQuantity,
    ControlType,
    FRBCActuatorDescription,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCLeakageBehaviourElement,
    FRBCOperationMode,
    FRBCTimerStatus,
    FRBCUsageForecast,
    FRBCUsageForecastElement,
    Message,
    PEBCAllowedLimitRange,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PPBCPowerSequenceContainer,
    PPBCScheduleInstruction,
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
    store_messages,
    target_profile,
)
from tests.support.sites import site_with

numbers = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1e9, -1e9, 1e-9, 1e308, -1e308, 5e-324]),
    st.floats(-1e4, 1e4),
    st.floats(allow_nan=False, allow_infinity=False),
)
pairs = st.tuples(numbers, numbers)
ordered_pairs = pairs.map(lambda pair: (min(pair), max(pair)))
quantities = st.sampled_from(list(CommodityQuantity))
prices = st.lists(st.floats(-5, 5), min_size=24, max_size=24).map(tuple)
SLOW_MACHINE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
    constraints = PEBCPowerConstraints(
        message_id=new_id(),
        id="constraints",
        valid_from=NOON,
        valid_until=draw(st.one_of(st.none(), st.integers(1, 10**6).map(lambda s: NOON + timedelta(seconds=s)))),
        consequence_type=draw(st.sampled_from(list(PEBCPowerEnvelopeConsequenceType))),
        allowed_limit_ranges=tuple(ranges),
    )
    messages: list[Message] = [constraints, measurement(draw(numbers), NOON)]
    return Resource.from_messages(
        link_id("Absurd envelope"), "Absurd envelope", messages, ControlType.POWER_ENVELOPE_BASED_CONTROL, NOON
    )


@st.composite
def profiles(draw: st.DrawFn) -> Resource:
    containers = [
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
    ]
    return dishwasher(*containers, window=timedelta(minutes=draw(st.integers(0, 10**5))))


def assert_offered(decision: Decision, resource: Resource) -> None:
    message = decision.message
    assert notes([decision.reason], "UTC")
    assert math.isfinite(decision.expected_power_w)
    if isinstance(resource, FRBCResource):
        assert isinstance(message, FRBCInstruction)
        assert 0.0 <= message.operation_mode_factor <= 1.0
        steered = next(one for one in resource.actuators if one.actuator_id == message.actuator_id)
        chosen = steered.modes[message.operation_mode]
        assert not chosen.abnormal_condition_only
        assert steered.may_switch(chosen.mode_id, NOON)
        assert chosen.element_at(resource.fill_level or 0.0) is not None
    elif isinstance(resource, PEBCResource):
        assert isinstance(message, PEBCInstruction)
        assert_envelope_offered(message, resource)
    else:
        assert isinstance(resource, PPBCResource)
        assert isinstance(message, PPBCScheduleInstruction)
        profile = next(one for one in resource.profiles if one.profile_id == message.power_profile_id)
        container = profile.container(message.sequence_container_id)
        assert container is not None
        assert container.sequence(message.power_sequence_id) is not None
        assert message.execution_time >= NOON


def assert_envelope_offered(message: PEBCInstruction, resource: PEBCResource) -> None:
    assert message.power_constraints_id == resource.constraints_id
    by_quantity = {limits.quantity: limits for limits in resource.limits}
    told = [envelope.commodity_quantity for envelope in message.power_envelopes]
    assert len(told) == len(set(told))
    for envelope in message.power_envelopes:
        piece, limits = envelope.power_envelope_elements[0], by_quantity[envelope.commodity_quantity]
        assert piece.lower_limit <= piece.upper_limit
        assert any(start <= piece.upper_limit <= end for start, end in limits.upper)
        assert any(start <= piece.lower_limit <= end for start, end in limits.lower)


@SLOW_MACHINE
@given(
    resource=st.one_of(stores(), envelopes(), profiles()),
    meter_w=st.one_of(st.none(), numbers.map(bounded)),
    fuse_w=st.floats(0, 1e6),
    export_w=st.one_of(st.none(), st.floats(0, 1e6)),
    buy=prices,
    sell=prices,
)
def test_no_decision_leaves_what_was_offered(
    resource: Resource,
    meter_w: float | None,
    fuse_w: float,
    export_w: float | None,
    buy: tuple[float, ...],
    sell: tuple[float, ...],
) -> None:
    site = site_with(resource, meter_w=meter_w, fuse_limit_w=fuse_w, export_limit_w=export_w, tariff=Tariff(buy, sell))

    plan = plan_site(site)
    text = json.dumps(plan.as_dict(), allow_nan=False)
    first = [
        *react(site, None, {}, new_id=new_id),
        *react(site, SitePlan.from_dict(json.loads(text)), {}, new_id=new_id),
    ]
    last = {one.link_id: LastInstruction.of(one, NOON - timedelta(minutes=3)) for one in first}
    again = react(site, plan, last, new_id=new_id)

    for decision in (*first, *again):
        assert_offered(decision, resource)
