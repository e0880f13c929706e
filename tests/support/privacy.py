"""A customer of a provider with everything that the hub can hold about a household."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.conf import settings

from cem_service.models import (
    AbnormalCondition,
    ForecastModel,
    ForecastScore,
    GridLimit,
    Instruction,
    LedgerStatus,
    PlanRun,
    PlanRunKind,
    SitePeak,
)
from cem_service.objectives import create_tariff, set_objectives
from flexhub.bus import Batch, SeatInfo, TelemetryRow, end_id
from flexhub.bus.connect import connect_gateway
from flexhub.devices.models import Device, Link, Site
from flexhub.flexibility.services import create_pool, enrol_site
from flexhub.pairing.dialled import create_dialled_end
from flexhub.pairing.services import issue_node_token
from flexhub.telemetry import writer
from tenants.models import Household, Tenant, User
from tenants.scope import tenant_scope
from tests.support.registry import make_customer, make_device, make_resident, make_site, make_tenant

AT = datetime(2026, 4, 21, 10, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Customer:
    tenant: Tenant
    household: Household
    site: Site
    device: Device
    link: Link
    token: str
    resident: User


def make_full_customer(tenant: Tenant, name: str = "Müller") -> Customer:
    """Rows in every table, measurements, and (in Redis) a conversation of a session that has ended."""
    household = make_customer(tenant, name)
    site = make_site(tenant, f"{name} house", household=household)
    device = make_device(site, name=f"{name} battery")
    with tenant_scope(tenant.pk):
        link = Link.objects.select_related("rm_node", "cem_node").get(rm_node__device=device)
    token = issue_node_token(link.rm_node)
    create_dialled_end(link=link, role="RM", url=f"wss://{tenant.name.lower()}.example/s2", token="dialled-secret")
    tariff = create_tariff(
        tenant=tenant, name=f"tariff of {name}", import_eur_per_kwh=[0.25] * 24, export_eur_per_kwh=[0.1] * 24
    )
    set_objectives(site=site, tariff=tariff)
    _plan(site, link)
    make_limits(site)
    make_learned(site, link)
    enrol_site(pool=create_pool(tenant=make_tenant(f"Pools of {name}", Tenant.Kind.AGGREGATOR), name="all"), site=site)
    row = TelemetryRow(tenant.pk, site.pk, link.pk, "ELECTRIC.POWER.L1", AT, 1234.5)
    writer.store([row], now=AT, retention=writer.FUTURE_TOLERANCE)
    asyncio.run(_say(site, link, name))
    return Customer(tenant, household, site, device, link, token, make_resident(household, f"resident-{name.lower()}"))


def make_limits(site: Site, *, source: str = "Grid Ltd") -> tuple[GridLimit, AbnormalCondition, SitePeak]:
    """What the grid has asked of a site, and the month's peak there."""
    times = {"starts_at": AT, "ends_at": AT + timedelta(hours=1)}
    owner = {"tenant_id": site.tenant_id, "site": site}
    words = {"source": source, "reason": "A cable is out."}
    with tenant_scope(site.tenant_id):
        return (
            GridLimit.objects.create(reference="event-1", import_w=2000, **times, **words, **owner),
            AbnormalCondition.objects.create(**times, **words, **owner),
            SitePeak.objects.create(month=AT.date().replace(day=1), peak_w=4000, counted_until=AT, **owner),
        )


def make_learned(site: Site, link: Link) -> tuple[ForecastModel, ForecastScore]:
    """What the CEM made of the past of a device, and how good it was."""
    series = {"tenant_id": site.tenant_id, "site": site, "link": link}
    score = {"start": AT, "steps": 96, "mean_w": 400.0, "nmae": 0.25, "pinball": 0.1}
    with tenant_scope(site.tenant_id):
        return (
            ForecastModel.objects.create(**series, said={}, learned_at=AT),
            ForecastScore.objects.create(**series, source="persistence", **score),
        )


def _plan(site: Site, link: Link) -> None:
    with tenant_scope(site.tenant_id):
        owner = {"tenant_id": site.tenant_id, "site": site}
        run = PlanRun.objects.create(kind=PlanRunKind.PLAN, at=AT, duration_ms=1.0, summary="as planned", **owner)
        Instruction.objects.create(
            id=uuid4(),
            link=link,
            plan_run=run,
            seat_token=1,
            message_type="FRBC.Instruction",
            message={},
            objective="fuse",
            reason="too much",
            expected_power_w=0,
            power_before_w=0,
            issued_at=AT,
            ends_at=AT,
            status=LedgerStatus.SUCCEEDED,
            status_at=AT,
            **owner,
        )


async def _say(site: Site, link: Link, name: str) -> None:
    gateway = connect_gateway(settings.REDIS_URL)
    await gateway.register(f"gateway-{uuid4()}")
    try:
        for role in ("RM", "CEM"):
            end = end_id(link.pk, role)
            token = await gateway.claim_seat(SeatInfo(end, site.tenant_id, site.pk, link.rm_node_id, name, AT))
            batch = Batch()
            batch.log(end, token, "received", AT, f'{{"said by": "{name}"}}')
            batch.fold(end, token, "ResourceManagerDetails", f'{{"name": "{name}"}}')
            await gateway.write(batch)
        await gateway.set_aside("telemetry", "odd", f"row of {site.pk}")
    finally:
        await gateway.unregister()
        await gateway.close()
