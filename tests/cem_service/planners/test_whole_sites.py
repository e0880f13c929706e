"""Whole sites through the whole chain: planned, stored, read again, reacted to, with and without a plan.

Nothing raises, whatever the site is made of. What is decided stays within what was offered, makes no limit worse, is
told in each language, and is said once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import HealthCheck, given, settings

from cem_service.domain.decision import Decision, LastInstruction
from cem_service.domain.frbc import FRBCResource
from cem_service.domain.leaving_out import WHY
from cem_service.domain.reason import Reason
from cem_service.domain.series import Array
from cem_service.domain.site import SiteState
from cem_service.phrases import LANGUAGES, sentence
from cem_service.planners.balance import SETTLES_WITHIN, Balance, balance_site, with_powers
from cem_service.planners.building import plan_site
from cem_service.planners.choices import Prices
from cem_service.planners.limits_now import LimitsNow, limits_now
from cem_service.planners.margins import usable_of_fuse_w, usable_w
from cem_service.planners.mode_unit import LEAST_CHANGE_W
from cem_service.planners.plan import SitePlan
from cem_service.planners.reactive import react
from cem_service.planners.settling import NEGLIGIBLE_W
from cem_service.planners.store_unit import StoreUnit
from cem_service.planners.units import Surroundings, units_of
from s2.messages import FRBCInstruction, PEBCInstruction, PPBCEndInterruptionInstruction
from tests.support.offered import assert_offered
from tests.support.resources import new_id
from tests.support.whole_sites import WholeSite, remembered, standing, whole_sites

some = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
Told = Mapping[UUID, LastInstruction]
# Behind an envelope there may be more than was measured, so others may have it; and while the end of a pause is still
# to come, the next programme is told its start.
MAY_BE_FOLLOWED = (PEBCInstruction, PPBCEndInterruptionInstruction)


def stored(plan: SitePlan) -> SitePlan:
    """As it comes back from the database."""
    return SitePlan.from_dict(json.loads(json.dumps(plan.as_dict(), allow_nan=False)))


def every_reaction(site: WholeSite) -> Iterator[tuple[SitePlan | None, Told, list[Decision]]]:
    """(the plan, what was told before, the decisions), for each pair of something and nothing."""
    for plan in (None, stored(plan_site(site.state))):
        for told in ({}, remembered(site)):
            yield plan, told, react(site.state, plan, told, new_id=new_id)


def assert_in_words(reasons: Iterable[Reason], site: SiteState) -> None:
    for reason in reasons:
        kept = Reason.from_dict(json.loads(json.dumps(reason.as_dict(), allow_nan=False)))
        for language in LANGUAGES.values():
            text = sentence(kept, language, ZoneInfo(site.timezone))
            assert text.endswith(".")
            assert not any(mark in text for mark in ("{", "}", "None", "nan ", "inf "))


def numbers_of(plan: SitePlan) -> Iterator[Array]:
    yield from (plan.base_w, plan.net_w, np.array([plan.cost_eur, *plan.costs.values()]))
    for device in plan.devices.values():
        yield from (device.power_w, np.array([device.own.comfort_eur, device.own.money_eur, device.own.tidy_eur]))
        if device.levels is not None:
            yield device.levels
        if device.values is not None:
            yield from (device.values.levels, device.values.cost_eur)
        if device.mode_values is not None:
            yield device.mode_values.cost_eur


@some
@given(whole_sites())
def test_a_plan_is_finite_and_told_and_the_same_when_it_is_read_or_made_again(site: WholeSite) -> None:
    plan = plan_site(site.state)

    assert all(np.isfinite(each).all() for each in numbers_of(plan))
    assert stored(plan).as_dict() == plan.as_dict()
    assert plan_site(site.state).as_dict() == plan.as_dict()
    assert_in_words(plan.all_reasons, site.state)


@some
@given(whole_sites())
def test_each_is_told_at_most_one_thing_that_it_offers_and_why(site: WholeSite) -> None:
    resources = {one.link_id: one for one in site.state.resources}

    for _, told, decisions in every_reaction(site):
        for one in decisions:
            assert_offered(one, resources[one.link_id], site.state.now)
            assert resources[one.link_id].not_ready != WHY
            last = told.get(one.link_id)
            assert last is None or not last.refused_at(site.state.now) or is_near_a_limit(site.state)
        assert_in_words((one.reason for one in decisions), site.state)
        steered = [(one.link_id, steered_by(one)) for one in decisions]
        assert len(steered) == len(set(steered))


def is_near_a_limit(site: SiteState) -> bool:
    """Whether the meter reads more than the least that any limit allows: then who refused may be asked again."""
    if site.main_meter_w is None or not site.main_meter_is_recent:
        return False
    grid = (one for limit in site.objectives.grid_limits for one in (limit.import_w, limit.export_w))
    steerable = (limit.import_w for limit in site.objectives.steerable_limits)
    limits_w = (site.fuse_limit_w, site.export_limit_w, site.fuse_per_phase_w, *grid, *steerable)
    reads_w = max(map(abs, (site.main_meter_w, *(site.main_meter_phases_w or ()))))
    return any(limit_w is not None and reads_w > limit_w for limit_w in limits_w)


def steered_by(decision: Decision) -> str | None:
    """The actuators of a store are told by themselves."""
    return decision.message.actuator_id if isinstance(decision.message, FRBCInstruction) else None


@some
@given(whole_sites())
def test_nothing_more_is_said_at_the_same_moment(site: WholeSite) -> None:
    """But what follows by design. Where it is in doubt what a reading holds, a limit may be mended once more."""
    for plan, told, decisions in every_reaction(site):
        if any(isinstance(one.message, MAY_BE_FOLLOWED) for one in decisions):
            continue
        told_now = with_told(told, decisions, site.state)
        again = react(site.state, plan, told_now, new_id=new_id)

        assert again == [] or is_in_doubt(site.state, told)
        assert react(site.state, plan, with_told(told_now, again, site.state), new_id=new_id) == []


def is_in_doubt(site: SiteState, told: Told) -> bool:
    """Of two instructions that a reading may or may not hold only the latest is remembered, and of a store with several
    actuators what the latest of them was told.
    """
    is_late = site.main_meter_at is not None and site.now - site.main_meter_at > SETTLES_WITHIN
    several = any(len(one.actuators) > 1 for one in site.resources if isinstance(one, FRBCResource))
    return is_late or several or bool(balance_site(site, told).unsure)


def with_told(told: Told, decisions: Iterable[Decision], site: SiteState) -> Told:
    """As `told`, once these are told as well."""
    result = dict(told)
    for one in decisions:
        last = LastInstruction.of(one, site.now)
        result[one.link_id] = replace(last, told=standing(last, told.get(one.link_id)))
    return result


@dataclass(frozen=True)
class Seen:
    """How much is too much of what a site draws, by what its devices say of themselves."""

    site: SiteState
    balance: Balance
    limits: LimitsNow

    @classmethod
    def of(cls, site: SiteState) -> Seen:
        balance = balance_site(site, {})
        produced_w = sum(min(one.power_w(site.now) or 0.0, 0.0) for one in site.resources if not one.controllable)
        return cls(site, balance, limits_now(site, balance.base_w - produced_w))

    def overrun_w(self, powers_w: Mapping[UUID, float]) -> float:
        """Of the connection, and of each phase that has a fuse, while these devices have these powers."""
        steered = [one for one in self.site.resources if one.controllable]
        all_w = {one.link_id: one.power_w(self.site.now) or 0.0 for one in steered} | dict(powers_w)
        net_w = self.balance.base_w + sum(all_w.values())
        over_w = max(net_w - self.limits.drawing.usable_w, -net_w - self.limits.feeding_in.usable_w, 0.0)
        if self.site.fuse_per_phase_w is None or self.balance.phases_w is None:
            return over_w
        draws_w, feeds_w = usable_of_fuse_w(self.site.fuse_per_phase_w), usable_w(self.site.fuse_per_phase_w)
        loads_w = with_powers(self.balance.phases_w, steered, all_w)
        return over_w + sum(max(load_w - draws_w, -load_w - feeds_w, 0.0) for load_w in loads_w)


def powers_w(
    site: SiteState, plan: SitePlan | None, decisions: Iterable[Decision]
) -> tuple[dict[UUID, float], dict[UUID, float]]:
    """(what each device that may be told a power takes now, what it will take by what it is told).

    What cannot go on as it is, such as an empty battery that gives, is taken for what it is told.
    """
    told = {(one.link_id, steered_by(one)): one.reason.figures.get("to_w", 0.0) for one in decisions}
    before: dict[UUID, float] = defaultdict(float)
    after: dict[UUID, float] = defaultdict(float)
    around = Surroundings(site, plan, Prices(0.0, 0.0, 0.0, 0.0), 0.0)
    for unit in (unit for one in site.resources if one.ready for unit in units_of(one, around, None)):
        actuator_id = unit.actuator.actuator_id if isinstance(unit, StoreUnit) else None
        now_w = unit.stay.power_w
        then_w = float(told.get((unit.resource.link_id, actuator_id), now_w))
        may_go_on = any(abs(choice.power_w - now_w) <= NEGLIGIBLE_W for choice in unit.choices(0.0))
        before[unit.resource.link_id] += now_w if may_go_on else then_w
        after[unit.resource.link_id] += then_w
    return before, after


@some
@given(whole_sites())
def test_no_limit_is_broken_or_broken_further(site: WholeSite) -> None:
    state = site.state
    seen = Seen.of(state)
    for plan in (None, stored(plan_site(state))):
        before, after = powers_w(state, plan, react(state, plan, {}, new_id=new_id))

        size_w = max(1.0, abs(seen.balance.base_w), *map(abs, (*before.values(), *after.values())))
        slack_w = 2 * NEGLIGIBLE_W + LEAST_CHANGE_W * len(after) + 1e-6 * size_w
        assert seen.overrun_w(after) <= seen.overrun_w(before) + slack_w
