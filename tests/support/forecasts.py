"""What a site's forecasts have been: what its latest plan stood on, how good each source was, what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from cem_service.forecast_rows import USED
from cem_service.models import ForecastModel, ForecastScore
from tenants.scope import tenant_scope
from tests.support.decisions import AT, make_plan_run
from tests.support.registry import Household


def judged(household: Household, source: str, nmae: float, *, days: int = 3) -> None:
    """Of the household's device, over some days before the plan."""
    with tenant_scope(household.tenant.pk):
        for day in range(1, days + 1):
            ForecastScore.objects.create(
                tenant=household.tenant,
                site=household.site,
                link=household.link,
                source=source,
                start=AT - timedelta(days=day),
                steps=96,
                mean_w=500.0,
                nmae=nmae,
                pinball=nmae / 2,
            )


def planned_from(household: Household, source: str, name: str = "Panels") -> None:
    """A plan at AT."""
    panels = {"link": str(household.link.pk), "name": name, "source": source, "as_of": AT.isoformat()}
    base = {"link": None, "name": "Base load", "source": "present", "as_of": None}
    make_plan_run(household, inputs={USED: [base, panels]})


def learned(household: Household, *, trusted: Sequence[str] = ()) -> None:
    with tenant_scope(household.tenant.pk):
        ForecastModel.objects.create(
            tenant=household.tenant,
            site=household.site,
            link=household.link,
            trusted=list(trusted),
            said={},
            learned_at=AT,
        )
