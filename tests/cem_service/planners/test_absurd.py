"""Descriptions that are legal and absurd: nothing raises, and no decision leaves what was offered."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cem_service.domain.decision import LastInstruction
from cem_service.domain.quantities import bounded
from cem_service.domain.resource import Resource
from cem_service.domain.tariff import Tariff
from cem_service.planners.building import plan_site
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from cem_service.planners.words import notes
from tests.support.absurd import envelopes, numbers, prices, profiles, stores
from tests.support.offered import assert_offered
from tests.support.resources import NOON, new_id
from tests.support.sites import site_with

SLOW_MACHINE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
        assert_offered(decision, resource, NOON)
        assert notes([decision.reason], "UTC")
