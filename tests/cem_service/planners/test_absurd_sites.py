"""Several devices at once whose descriptions are legal and absurd: no plan of the site leaves what they offer.

What all of them can keep to at rest is kept to, the fuse of each phase too. Whatever is not kept is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cem_service.domain.ddbc import DDBCResource
from cem_service.domain.decision import Objective
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.machines import Machine
from cem_service.domain.ombc import OMBCResource
from cem_service.domain.pebc import PEBCResource
from cem_service.domain.phases import PhaseShares
from cem_service.domain.ppbc import PPBCResource
from cem_service.domain.reason import ReasonCode
from cem_service.domain.resource import Resource
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site, problem_of
from cem_service.planners.coordination import Problem
from cem_service.planners.oracle import best_response
from cem_service.planners.site_cost import SiteCost
from cem_service.planners.terms import Stage
from tests.support.absurd import envelopes, prices, profiles, stores
from tests.support.absurd_modes import ddbc_devices, ombc_devices
from tests.support.resources import battery, ev_charger, heat_pump, link_id, solar
from tests.support.sites import site_with

ON_ONE_PHASE: PhaseShares = (1.0, 0.0, 0.0)
sane = st.sampled_from([battery(), ev_charger(), heat_pump()])
devices = st.tuples(
    st.one_of(stores(), profiles(), ombc_devices(), ddbc_devices(), sane),
    st.sampled_from([ON_ONE_PHASE, (1 / 3, 1 / 3, 1 / 3), (0.0, 0.5, 0.5)]),
)


def named(index: int, device: Resource, shares: PhaseShares) -> Resource:
    return replace(device, link_id=link_id(f"device {index}"), name=f"Device {index}", phase_shares=shares)


def offered_w(resource: Resource) -> tuple[float, float]:
    """The least and the most that it could ever take; it may always stop by itself."""
    if isinstance(resource, PPBCResource):
        powers = [
            (power_w,)
            for profile in resource.profiles
            for container in profile.containers
            for sequence in container.sequences
            for _, power_w in sequence.elements
        ]
        return sum(min(0.0, *one) for one in powers), sum(max(0.0, *one) for one in powers)
    each = [list(powers_w(machine)) for machine in machines(resource)]
    return sum(min(0.0, *one) for one in each), sum(max(0.0, *one) for one in each)


def machines(resource: Resource) -> Iterable[Machine]:  # type: ignore[type-arg]  # Of whatever modes.
    if isinstance(resource, OMBCResource):
        return [resource.machine] if resource.machine else []
    assert isinstance(resource, FRBCResource | DDBCResource)
    return resource.actuators


def powers_w(machine: Machine) -> Iterator[float]:  # type: ignore[type-arg]  # As above.
    for mode in machine.modes.values():
        for one in getattr(mode, "elements", (mode,)):
            yield one.power_at_0_w
            yield one.power_at_1_w


def keeps_the_fuse_at_rest(problem: Problem) -> bool:
    """Whether it is known to be possible: by each device for itself, taking and giving as little as it can."""
    nothing = np.zeros(problem.horizon.steps)
    calm = SiteCost.within(nothing, nothing, 0.0, 0.0).seen_by(nothing)
    loads_w = np.atleast_2d(problem.base_w).copy()
    for one in problem.resources:
        plan = best_response(one, calm, problem.horizon)
        if plan is not None:
            loads_w += np.outer((1.0, *one.phase_shares)[: len(loads_w)], plan.power_w)
    return problem.cost.by_stage(loads_w, problem.horizon.durations_s)[Stage.FUSE] == 0.0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    parts=st.lists(devices, min_size=2, max_size=3),
    meter_w=st.floats(-5e3, 5e3),
    fuse_w=st.floats(0, 2e4),
    phase_w=st.one_of(st.none(), st.floats(0, 1e4)),
    buy=prices,
    sell=prices,
)
def test_no_plan_leaves_what_was_offered_or_breaks_a_fuse_needlessly(
    parts: list[tuple[Resource, PhaseShares]],
    meter_w: float,
    fuse_w: float,
    phase_w: float | None,
    buy: tuple[float, ...],
    sell: tuple[float, ...],
) -> None:
    resources = [named(index, *part) for index, part in enumerate(parts)]
    site = replace(
        site_with(*resources, meter_w=meter_w, fuse_limit_w=fuse_w, tariff=Tariff(buy, sell)), fuse_per_phase_w=phase_w
    )
    problem = problem_of(site)

    plan = plan_site(site)

    json.dumps(plan.as_dict(), allow_nan=False)
    loads_w = np.atleast_2d(problem.base_w).copy()
    for one in problem.resources:
        if one.link_id in plan.devices:
            power_w = plan.devices[one.link_id].power_w
            least_w, most_w = offered_w(one)
            slack_w = 1e-6 * max(1.0, -least_w, most_w)
            assert least_w - slack_w <= power_w.min() <= power_w.max() <= most_w + slack_w
            loads_w += np.outer((1.0, *one.phase_shares)[: len(loads_w)], power_w)
    over_kwh = problem.cost.by_stage(loads_w, problem.horizon.durations_s)[Stage.FUSE]
    assert over_kwh <= 1e-3 or not keeps_the_fuse_at_rest(problem)
    over_w = max(term.beyond_w(loads_w).max() for term in problem.cost.terms if term.stage is Stage.FUSE)
    told = any(one.code is ReasonCode.EXCEEDS and one.objective in FUSES for one in plan.reasons)
    assert over_w <= 1.0 or told


FUSES = (Objective.FUSE, Objective.EXPORT_LIMIT)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    envelope=st.one_of(envelopes(), st.floats(0, 2e4).map(solar)),
    others=st.lists(sane, min_size=1, max_size=2),
    fuse_w=st.floats(0, 2e4),
    buy=prices,
    sell=prices,
)
def test_limits_beside_other_devices_are_on_offer_and_what_they_cannot_help_is_named(
    envelope: Resource, others: list[Resource], fuse_w: float, buy: tuple[float, ...], sell: tuple[float, ...]
) -> None:
    resources = [named(index, one, ON_ONE_PHASE) for index, one in enumerate((envelope, *others))]
    site = site_with(*resources, meter_w=500.0, fuse_limit_w=fuse_w, tariff=Tariff(buy, sell))
    problem = problem_of(site)

    plan = plan_site(site)

    json.dumps(plan.as_dict(), allow_nan=False)
    powers_w = [device.power_w for device in plan.devices.values()]
    size_w = max(1.0, np.abs(plan.base_w).max(), *(np.abs(each).max() for each in powers_w))
    assert np.abs(plan.net_w - plan.base_w - sum(powers_w)).max() <= 1e-6 * size_w
    over_w = max(
        term.beyond_w(plan.net_w[None]).max()
        for term in (problem.whole_cost or problem.cost).terms
        if term.stage is Stage.FUSE
    )
    assert over_w <= 1.0 or any(one.code is ReasonCode.EXCEEDS and one.objective in FUSES for one in plan.reasons)
    if envelope.ready:
        assert isinstance(envelope, PEBCResource)
        offered = {one.quantity: one for one in envelope.limits}
        for told in (limit for span in plan.devices[resources[0].link_id].envelopes for limit in span.limits):
            assert any(start <= told.upper_limit_w <= end for start, end in offered[told.quantity].upper)
            assert any(start <= told.lower_limit_w <= end for start, end in offered[told.quantity].lower)
