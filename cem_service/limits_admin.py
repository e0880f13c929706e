"""Admin pages of what the grid asks of sites, and of emergencies. They are set and withdrawn, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest

from cem_service import limits, runtime
from cem_service.grid_limit import BoundedTimeQuerySet
from cem_service.limits import LimitWish
from cem_service.models import AbnormalCondition, GridLimit
from tenants.model_admin import ReadOnlyAdmin, TenantForm, TenantModelAdmin, actor_of

_PROPOSED = timedelta(hours=1)
_TIMES = ("starts_at", "ends_at")
_LIMITED = ("import_w", "export_w", "steerable_w")
_WORDS = ("source", "reason")


class OfSiteForm(TenantForm):
    """Belongs to the tenant of its site."""

    def tenant_id_of_new(self) -> UUID | None:
        return self.instance.site.tenant_id if self.instance.site_id else None


class AbnormalConditionForm(OfSiteForm):
    def clean(self) -> dict[str, Any]:
        """It begins at once, which is not asked."""
        self.instance.starts_at = runtime.tools().clock.now()
        return super().clean() or {}


class BoundedTimeAdmin(ReadOnlyAdmin):
    form = OfSiteForm
    list_select_related = ("site",)
    search_fields = ("site__name", "source", "reason")
    autocomplete_fields = ("site",)
    actions = ("withdraw",)
    asked: ClassVar[tuple[str, ...]]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(TenantModelAdmin.has_add_permission(self, request))

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        if obj is None:
            return list(self.asked)
        tenant = ["tenant"] if actor_of(request).sees_all_tenants else []
        return [*tenant, *dict.fromkeys((*self.asked, *_TIMES)), "state", "withdrawn_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "state", "withdrawn_at")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        now = runtime.tools().clock.now().replace(microsecond=0)
        times = {"starts_at": now, "ends_at": now + _PROPOSED}
        return {**times, **super().get_changeform_initial_data(request)}

    @admin.display(description="state")
    def state(self, act: GridLimit | AbnormalCondition) -> str:
        return act.state(runtime.tools().clock.now())


@admin.register(GridLimit)
class GridLimitAdmin(BoundedTimeAdmin):
    list_display = ("reference", "site", "state", *_LIMITED, *_TIMES, "source")
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter),)
    asked = ("site", "reference", *_LIMITED, *_TIMES, *_WORDS)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only ever adds."""
        wish = LimitWish(**{name: getattr(obj, name) for name in (*_LIMITED, *_TIMES, *_WORDS)})
        actor = actor_of(request)
        limit = limits.set_limit(site=obj.site, reference=obj.reference, wish=wish, tools=runtime.tools(), actor=actor)
        obj.pk = limit.pk
        obj.refresh_from_db()

    @admin.action(description="Withdraw", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: BoundedTimeQuerySet) -> None:
        for limit in (rows := _open(queryset)):
            limits.withdraw_limit(limit, tools=runtime.tools(), actor=actor_of(request))
        self.message_user(request, f"Limits withdrawn: {len(rows)}.", messages.SUCCESS)


@admin.register(AbnormalCondition)
class AbnormalConditionAdmin(BoundedTimeAdmin):
    form = AbnormalConditionForm
    list_display = ("site", "state", *_TIMES, "source", "reason")
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter),)
    asked = ("site", "ends_at", *_WORDS)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only ever adds, from now on."""
        values = {name: getattr(obj, name) for name in ("site", "ends_at", *_WORDS)}
        condition = limits.allow_abnormal(**values, tools=runtime.tools(), actor=actor_of(request))
        obj.pk = condition.pk
        obj.refresh_from_db()

    @admin.action(description="Withdraw", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: BoundedTimeQuerySet) -> None:
        for condition in (rows := _open(queryset)):
            limits.withdraw_abnormal(condition, tools=runtime.tools(), actor=actor_of(request))
        self.message_user(request, f"Abnormal conditions withdrawn: {len(rows)}.", messages.SUCCESS)


def _open(chosen: BoundedTimeQuerySet) -> list[Any]:
    """Without what is over already, of which nothing is withdrawn."""
    return list(chosen.open(runtime.tools().clock.now()).select_related("site"))
