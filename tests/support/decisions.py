"""Rows of the hosted CEM: plan runs and instructions, as its services leave them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np

from cem_service.models import Instruction, PlanRun, PlanRunKind
from cem_service.planners.plan import STEPS, DevicePlan, SitePlan
from tenants.scope import tenant_scope
from tests.support.registry import Household

AT = datetime(2026, 4, 21, 9, 58, 30, tzinfo=UTC)


def make_plan_run(household: Household, **values: Any) -> PlanRun:
    """A plan for the household's device, unless told otherwise."""
    plan = SitePlan(
        site_id=household.site.pk,
        made_at=AT,
        start=AT.replace(minute=45, second=0),
        base_w=np.full(STEPS, 300.0),
        net_w=np.full(STEPS, 1300.0),
        cost_eur=1.25,
        devices={household.link.pk: DevicePlan(household.link.pk, np.full(STEPS, 1000.0))},
    )
    options: dict[str, Any] = {
        "kind": PlanRunKind.PLAN,
        "at": AT,
        "duration_ms": 12.5,
        "summary": "Expected cost of the next day: 1.25 EUR.\nThe battery charges while it is cheap.",
        "inputs": {
            "main_meter_w": 1234.0,
            "fuse_limit_w": 17_250,
            "export_limit_w": None,
            "buy_eur_per_kwh": 0.25,
            "sell_eur_per_kwh": 0.05,
            "power_w": {"Alder battery": 0.0, "Dishwasher": None},
            "not_ready": {"Dishwasher": "no power profile to place"},
            "planned_buy_eur_per_kwh": [0.25] * STEPS,
        },
        "plan": plan.as_dict(),
    } | values
    with tenant_scope(household.tenant.pk):
        return PlanRun.objects.create(tenant=household.tenant, site=household.site, **options)


def make_instruction(household: Household, **values: Any) -> Instruction:
    """One that succeeded, unless told otherwise."""
    options: dict[str, Any] = {
        "seat_token": 1,
        "message_type": "FRBC.Instruction",
        "message": {"message_type": "FRBC.Instruction", "message_id": "m-1"},
        "objective": "self_consumption",
        "reason": "The battery takes what the roof gives.",
        "expected_power_w": 2345.0,
        "power_before_w": 0.0,
        "issued_at": AT,
        "ends_at": AT + timedelta(minutes=15),
        "status": "SUCCEEDED",
        "status_at": AT,
        "reception": "OK",
    } | values
    with tenant_scope(household.tenant.pk):
        return Instruction.objects.create(
            id=uuid4(), tenant=household.tenant, site=household.site, link=household.link, **options
        )
