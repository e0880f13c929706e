"""What the hosted CEM holds about a household. It goes with the sites."""

from cem_service.models import (
    AbnormalCondition,
    ForecastModel,
    ForecastScore,
    GridLimit,
    Instruction,
    PlanRun,
    SiteObjectives,
    SitePeak,
)
from tenants.privacy.holdings import hold_rows, not_personal

hold_rows(SiteObjectives, site="site")
hold_rows(SitePeak, site="site")
hold_rows(GridLimit, site="site")
hold_rows(AbnormalCondition, site="site")
hold_rows(ForecastModel, site="site")
hold_rows(ForecastScore, site="site")
hold_rows(PlanRun, site="site")
hold_rows(Instruction, site="site")
not_personal("cem_service.Tariff", "prices that many sites follow; its name is the provider's")
