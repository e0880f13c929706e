"""Descriptions that are legal and absurd: nothing raises, and no decision leaves what was offered."""

from __future__ import annotations

import json
import math
from datetime import timedelta

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
    FRBCInstruction,
    PEBCInstruction,
    PPBCScheduleInstruction,
)
from tests.support.absurd import envelopes, numbers, prices, profiles, stores
from tests.support.resources import (
    NOON,
    new_id,
)
from tests.support.sites import site_with

SLOW_MACHINE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
        limits = by_quantity[envelope.commodity_quantity]
        for piece in envelope.power_envelope_elements:
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
