"""Reading a site: rows from PostgreSQL, snapshots from Redis, put together for the pure part of the CEM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from cem_service.domain.abnormal import without_marks
from cem_service.domain.feed import NO_FEEDS, SiteFeeds
from cem_service.domain.fixed import NotControllable
from cem_service.domain.leaving_out import leave_out
from cem_service.domain.phases import PhasePowers, phase_powers_w
from cem_service.domain.quantities import total_power_w
from cem_service.domain.reserve import with_reserve
from cem_service.domain.resource import Resource
from cem_service.domain.site import QuarterHourMeans, SiteState
from cem_service.feeds.loading import Followed, load_feeds
from cem_service.following import with_feed_limits
from cem_service.forecast_rows import load_learned
from cem_service.mistakes import Mistakes
from cem_service.models import Instruction, PlanRun, PlanRunKind
from cem_service.peaks import with_peak
from cem_service.planners.forecast import DAYS_BACK
from cem_service.planners.plan import SitePlan
from cem_service.prepared import Prepared
from cem_service.pursuing import AHEAD, objectives_of, reserve_of, tariff_of, with_pursuits
from flexhub.bus.meter import MeterReading
from flexhub.bus.ports import WorkerBus
from flexhub.bus.snapshot import Snapshot
from flexhub.devices.models import Link, Site
from flexhub.telemetry.rollups import past_means
from s2.messages import ControlType, Message, PowerMeasurement
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

HISTORY = DAYS_BACK * timedelta(days=1)
_mistakes = Mistakes("description")


@dataclass(frozen=True, slots=True)
class LoadedSite:
    """A site with what is needed to act on it: its state, the living session of each link, and what was decided before.

    `instructions` holds the latest one of each link, of whatever session, and is None where nobody asked for them;
    `plan` is the latest plan run. `abnormal`: an abnormal condition is on, so every instruction has to say so. `told`
    has what was told in the living session, oldest first, for links of which more than the latest counts. `links` are
    all of ours, also those without a session.
    """

    tenant_id: UUID
    state: SiteState
    snapshots: Mapping[UUID, Snapshot]
    instructions: Sequence[Instruction] | None
    plan: PlanRun | None
    abnormal: bool = False
    told: Mapping[UUID, Sequence[Instruction]] = field(default_factory=dict)
    links: Sequence[UUID] = ()
    main_meter_link: UUID | None = None

    def token(self, link_id: UUID) -> int:
        """The fencing token of the session that the state was read from."""
        return self.snapshots[link_id].token


@dataclass(frozen=True, slots=True)
class _Rows:
    """`site` came by `with_pursuits`. `counting` are the instructions of each link that count, oldest first."""

    site: Any
    feeds: SiteFeeds
    links: Mapping[UUID, str]
    main_meter_link: UUID | None
    counting: Mapping[UUID, list[Instruction]] | None
    plan: PlanRun | None


def load_site(
    tenant_id: UUID, site_id: UUID, *, bus: WorkerBus, now: datetime, to_act: bool = True
) -> LoadedSite | None:
    """The site as it is now; None if it is gone, or its tenant is deactivated. Raises BusUnavailable.

    Only who is `to_act` has to know what devices were told before.
    """
    with tenant_scope(tenant_id):
        rows = _rows(site_id, now, to_act=to_act)
    if rows is None:
        return None
    snapshots, last_reading = bus.look(site_id, rows.links)
    living = {link_id: shot for link_id, shot in snapshots.items() if shot is not None}
    abnormal = bool(rows.site.abnormal_until)
    resources = {
        link_id: with_reserve(_readable(link_id, rows.links[link_id], shot, abnormal, now), reserve_of(rows.site), now)
        for link_id, shot in living.items()
        if link_id != rows.main_meter_link
    }
    meter = living.get(rows.main_meter_link) if rows.main_meter_link else None
    reading = _reading(meter) if rows.site.main_meter_id is not None else last_reading
    return LoadedSite(
        tenant_id=tenant_id,
        state=_state(rows, tuple(resources.values()), reading, now),
        snapshots=living,
        instructions=None if rows.counting is None else [told[-1] for told in rows.counting.values()],
        plan=rows.plan,
        abnormal=abnormal,
        told=_told(living, rows.counting or {}),
        links=tuple(rows.links),
        main_meter_link=rows.main_meter_link,
    )


def _state(rows: _Rows, resources: tuple[Resource, ...], reading: MeterReading | None, now: datetime) -> SiteState:
    site = rows.site
    return with_feed_limits(
        SiteState(
            site_id=site.id,
            now=now,
            timezone=site.timezone,
            fuse_limit_w=site.fuse_limit_w,
            fuse_per_phase_w=site.fuse_limit_per_phase_w,
            export_limit_w=site.export_limit_w,
            tariff=tariff_of(site),
            objectives=objectives_of(site, now),
            feeds=rows.feeds,
            resources=resources,
            main_meter_w=reading.power_w if reading else None,
            main_meter_phases_w=reading.phases_w if reading else None,
            main_meter_at=reading.at if reading else None,
        )
    )


def _readable(link_id: UUID, name: str, shot: Snapshot, abnormal: bool, now: datetime) -> Resource:
    """The resource; left out where our own code raises on what it says."""
    errors: dict[UUID, Exception] = {}
    try:
        resource = _resource(link_id, name, shot, abnormal, now)
    except Exception as error:  # noqa: BLE001 - It is told below.
        errors[link_id] = error
        resource = leave_out(NotControllable(link_id=link_id, name=name))
    _mistakes.tell([link_id], errors)
    return resource


def _resource(link_id: UUID, name: str, shot: Snapshot, abnormal: bool, now: datetime) -> Resource:
    messages: Iterable[Message] = shot.messages.values()
    if abnormal:
        messages = without_marks(messages)
    return Resource.from_messages(link_id, name, messages, _control_type(shot), now)


def _reading(meter: Snapshot | None) -> MeterReading | None:
    """What the main meter, a device of its own, measured last."""
    measurement = meter.messages.get("PowerMeasurement") if meter else None
    if not isinstance(measurement, PowerMeasurement):
        return None
    values = [(value.commodity_quantity, value.value) for value in measurement.values]
    power_w = total_power_w(values)
    phases_w: PhasePowers | None = phase_powers_w(values)
    return None if power_w is None else MeterReading(measurement.measurement_timestamp, power_w, phases_w)


def _told(living: Mapping[UUID, Snapshot], counting: Mapping[UUID, list[Instruction]]) -> dict[UUID, list[Instruction]]:
    return {
        link_id: [row for row in rows if is_of(living[link_id], row)]
        for link_id, rows in counting.items()
        if link_id in living and (rows[-1].is_one_of_several or rows[-1].is_refused)
    }


def is_of(session: Snapshot, row: Instruction) -> bool:
    """Whether it was told in this session, and the device was not left to itself since."""
    return row.seat_token == session.token and (session.released_at is None or session.released_at < row.issued_at)


def with_history(loaded: LoadedSite, *, back: timedelta = HISTORY) -> LoadedSite:
    """The same site with its past quarter-hour means and what was learned of them, which only a plan needs."""
    state = loaded.state
    with tenant_scope(loaded.tenant_id):
        # What came by the API is stored under the id of the site, where another meter's is under its link.
        meter_id = loaded.main_meter_link or state.site_id
        ids = [meter_id, *(link_id for link_id in loaded.links if link_id != meter_id)]
        means = past_means(
            tenant_id=loaded.tenant_id, site_id=state.site_id, link_ids=ids, since=state.now - back, until=state.now
        )
        meter = means.pop(meter_id, {})
        state = with_peak(state, loaded.tenant_id, meter_id, meter)
        state = replace(state, learned=load_learned(state.site_id))
    if not meter:
        return replace(loaded, state=replace(state, power_history=means))
    return replace(loaded, state=replace(state, base_history=_without(meter, means.values()), power_history=means))


def _without(meter: QuarterHourMeans, others: Iterable[QuarterHourMeans]) -> dict[datetime, float]:
    """What is left of the meter's quarter hours without those of `others`."""
    base = dict(meter)
    for series in others:
        for quarter, power_w in series.items():
            if quarter in base:
                base[quarter] -= power_w
    return base


def read_plan(site_id: UUID, stored: dict[str, Any] | None) -> SitePlan | None:
    """What a plan run holds. None for a plan of another release: the site does without, until it is planned again."""
    if not stored:
        return None
    try:
        return SitePlan.from_dict(stored)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("cem.plan_unreadable", site_id=str(site_id), error=repr(error))
        return None


def _rows(site_id: UUID, now: datetime, *, to_act: bool) -> _Rows | None:
    """All that PostgreSQL knows, in few statements: a reaction waits for each of them."""
    site = next(iter(_SITE(site_id, now, now + AHEAD)), None)
    if site is None:
        return None
    nodes = {UUID(row["id"]): UUID(row["node"]) for row in site.links}
    names = {UUID(row["id"]): row["name"] for row in site.links}
    return _Rows(
        site=site,
        feeds=_feeds(site),
        links=names,
        main_meter_link=next((link_id for link_id, node_id in nodes.items() if node_id == site.main_meter_id), None),
        counting=_by_link(_COUNTING(list(names))) if to_act else None,
        plan=next(iter(_PLAN(site_id, now)), None),
    )


def _by_link(instructions: Iterable[Instruction]) -> dict[UUID, list[Instruction]]:
    found: dict[UUID, list[Instruction]] = {}
    for instruction in instructions:
        found.setdefault(instruction.link_id, []).append(instruction)
    return found


def _with_links(sites: QuerySet[Site]) -> QuerySet[Any]:
    """The same sites, each with its links; of what an energy manager elsewhere controls, none.

    That is its own, and to us a part of what the rest of the building draws.
    """
    links = Link.objects.filter(rm_node__site=OuterRef("pk"), cem_node__hosted=True).order_by("id")
    columns = JSONObject(id="id", node="rm_node_id", name="rm_node__name")
    return sites.annotate(links=ArraySubquery(links.values(json=columns)))


_SITE = Prepared(
    lambda site_id, now, until: with_pursuits(
        _with_links(Site.objects.filter(id=site_id, tenant__deactivated_at=None)), now, until
    ),
    UUID,
    datetime,
    datetime,
)
# What a decision reads of them: sentences, reasons and findings are for people, and long.
_COUNTING = Prepared(
    lambda link_ids: Instruction.objects.that_count(link_ids).only(
        *("link_id", "seat_token", "message_type", "message", "objective", "expected_power_w", "power_before_w"),
        *("issued_at", "ends_at", "status", "status_at", "reception"),
    ),
    list,
)
# A plan of the future is one that was made before the clock was set back.
_PLAN = Prepared(
    lambda site_id, now: (
        PlanRun.objects.filter(site=site_id, kind=PlanRunKind.PLAN, at__lte=now)
        .only("at", "inputs", "plan")
        .order_by("-at")[:1]
    ),
    UUID,
    datetime,
)


def _feeds(site: Site) -> SiteFeeds:
    if not hasattr(site, "objectives"):
        return NO_FEEDS
    objectives = site.objectives
    return load_feeds(
        Followed(
            import_price_feed=objectives.import_price_feed_id,
            export_price_feed=objectives.export_price_feed_id,
            carbon_feed=objectives.carbon_feed_id,
            weather_feed=objectives.weather_feed_id,
            limits_feed=objectives.limits_feed_id,
        )
    )


def _control_type(snapshot: Snapshot) -> ControlType | None:
    return None if snapshot.control_type is None else ControlType(snapshot.control_type)
