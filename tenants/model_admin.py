"""The admin class that every app of ours registers its models with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django import forms
from django.apps import apps
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import JSONField, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from tenants import audit, deletion, looks, quotas
from tenants.form_fields import StorableJSONField
from tenants.models import User
from tenants.quotas import QuotaReachedError
from tenants.scope import current_tenant_id

if TYPE_CHECKING:
    # unfold has no type information; its class extends Django's.
    from django.contrib.admin import ModelAdmin as DjangoModelAdmin

    ModelAdmin = DjangoModelAdmin[Any]
    ModelForm = forms.ModelForm[Any]
else:
    from unfold.admin import ModelAdmin

    ModelForm = forms.ModelForm


class TenantForm(ModelForm):
    """Checks what must be unique within a tenant, although most people's forms do not ask for the tenant.

    Django skips a constraint when one of its fields is not on the form, and the answer would be an error page.
    """

    def tenant_id_of_new(self) -> UUID | None:
        """Whose the new row will be, where the form does not ask."""
        return current_tenant_id()

    def validate_unique(self) -> None:
        super().validate_unique()
        row = self.instance
        names = {field.name for field in row._meta.fields}
        if "tenant" not in names - self.fields.keys():
            return
        row.tenant_id = row.tenant_id or self.tenant_id_of_new()
        # Of a row that is there already, what the form does not ask for is known.
        unknown = names if row._state.adding else names & self.fields.keys()  # noqa: SLF001 - Documented by Django.
        exclude = unknown - self.cleaned_data.keys() - {"tenant"}
        for constraint in row._meta.constraints:
            if "tenant" in getattr(constraint, "fields", ()):
                try:
                    constraint.validate(type(row), row, exclude=exclude)
                except ValidationError as error:
                    self.add_error(None, error)
        one_each = row._meta.get_field("tenant").unique and row._state.adding  # noqa: SLF001 - As above.
        if one_each and type(row)._default_manager.filter(tenant_id=row.tenant_id).exists():
            self.add_error(None, "This tenant has one already.")


class TenantModelAdmin(ModelAdmin):
    """Rows that belong to tenants: row-level security chooses them, each change leaves an audit row.

    So does each look of the platform's own staff, where `notes_looks` is set.

    Operators see whose rows they are looking at and, where `chooses_tenant` is set, say so when they add one. For
    everyone else the tenant is neither shown nor asked: it is the one of the scope.
    """

    form = TenantForm
    # False where a new row gets its tenant from what it belongs to, as a device does from its site.
    chooses_tenant: ClassVar[bool] = False
    # False for what everybody may know.
    notes_looks: ClassVar[bool] = True
    formfield_overrides: ClassVar[Any] = {JSONField: {"form_class": StorableJSONField}}
    list_per_page = 50
    show_full_result_count = False

    def get_ordering(self, request: HttpRequest) -> Any:
        """Said for each query: one that counts drops what the model says, and completion shows rows page by page."""
        return super().get_ordering(request) or self.opts.ordering

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._with_tenant(request, super().get_list_display(request))

    def get_list_filter(self, request: HttpRequest) -> Any:
        return self._with_tenant(request, super().get_list_filter(request))

    def get_list_select_related(self, request: HttpRequest) -> Any:
        """Not done in `get_queryset`: the list would then take its own relations for followed as well."""
        related: Any = super().get_list_select_related(request)
        return (*(related or ()), "tenant") if self._shows_tenant(request) else related

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = [field for field in super().get_fields(request, obj) if field != "tenant"]
        shown = self._shows_tenant(request) and (obj is not None or self.chooses_tenant)
        return ["tenant", *fields] if shown else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A row never moves to another tenant: what refers to it would stay behind."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return (*fields, "tenant") if self._shows_tenant(request) and obj is not None else fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write the row with its audit row, in the request's transaction."""
        before = audit.fields_of(type(obj)._default_manager.get(pk=obj.pk)) if change else None
        if self._has_tenant() and obj.tenant_id is None:
            obj.tenant_id = current_tenant_id()
        if not change:
            quotas.require_room_for(obj)
        super().save_model(request, obj, form, change)
        after = audit.fields_of(obj)
        if before is None:
            self._record(request, "created", obj, after=after)
            return
        old, new = audit.changes_between(before, after)
        if new:
            self._record(request, "changed", obj, before=old, after=new)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """As `save_model`, for the rows on the page of another. A deleted row no longer knows its key afterwards."""
        rows = formset.model._default_manager.filter(pk__in=[each.instance.pk for each in formset.initial_forms])
        stored = {row.pk: row for row in rows}
        before = {key: audit.fields_of(row) for key, row in stored.items()}
        for each in formset.extra_forms:
            if each.has_changed():
                quotas.require_room_for(each.instance)
        super().save_formset(request, form, formset, change)
        for obj in formset.new_objects:
            self._record(request, "created", obj, after=audit.fields_of(obj))
        for obj, _ in formset.changed_objects:
            old, new = audit.changes_between(before[obj.pk], audit.fields_of(obj))
            self._record(request, "changed", obj, before=old, after=new)
        kept = {each.instance.pk for each in formset.initial_forms}
        for key in stored.keys() - kept:
            self._record(request, "deleted", stored[key], before=before[key])

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        deletion.delete([obj], actor=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        deletion.delete(queryset, actor=actor_of(request))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self._noted(request, super().changelist_view(request, extra_context))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Where a quota leaves no room, the page says so and nothing is written. The form cannot judge that: only who
        writes the row does so under a lock.
        """
        try:
            response = super().changeform_view(request, *args, **kwargs)
        except QuotaReachedError as error:
            self.message_user(request, error.message, messages.ERROR)
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return self._noted(request, response)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._noted(request, super().delete_view(request, *args, **kwargs))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What the trail says of the object; Django's own log knows neither services nor programs."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        query = urlencode({"object_type": self.opts.label_lower, "object_id": str(obj.pk)})
        return HttpResponseRedirect(f"{reverse('admin:tenants_auditentry_changelist')}?{query}")

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """One answer for what there is not and for what is another's: no page that says which id was asked for."""
        raise Http404

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django's own log of the admin stays empty: it knows no tenants, and the audit trail says more."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """As `log_addition`."""

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """As `log_addition`."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What only the system writes goes with what it belongs to: nobody may delete it, and it stops nobody."""
        to_delete, counts, not_permitted, protected = super().get_deleted_objects(objs, request)
        site = self.admin_site
        pages = [site.get_model_admin(model) for model in apps.get_models() if site.is_registered(model)]
        written_by_system = {
            page.opts.verbose_name for page in pages if isinstance(page, ReadOnlyAdmin) and page.model is not self.model
        }
        return to_delete, counts, not_permitted - written_by_system, protected

    def _record(self, request: HttpRequest, outcome: str, obj: Model, **values: dict[str, Any]) -> None:
        audit.record(f"{obj._meta.label_lower}.{outcome}", obj, actor=actor_of(request), **values)

    def _noted(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """The page as it is, its look noted. A redirect or a file shows nothing of its own."""
        shown = getattr(response, "context_data", None) or {}
        if not self.notes_looks:
            return response
        if (page := shown.get("cl")) is not None:
            what, name = self.opts.label_lower, str(self.opts.verbose_name_plural)
            filters = dict(request.GET.lists())
            looks.note_list(actor_of(request), page.result_list, what=what, name=name, filters=filters)
        elif (obj := shown.get("original") or shown.get("object")) is not None:
            looks.note_object(actor_of(request), obj)
        return response

    def _has_tenant(self) -> bool:
        return any(field.name == "tenant" for field in self.model._meta.concrete_fields)

    def _shows_tenant(self, request: HttpRequest) -> bool:
        return self._has_tenant() and actor_of(request).sees_all_tenants

    def _with_tenant(self, request: HttpRequest, columns: Iterable[Any]) -> Sequence[Any]:
        columns = tuple(columns)
        return (*columns, "tenant") if self._shows_tenant(request) and "tenant" not in columns else columns


class ReadOnlyAdmin(TenantModelAdmin):
    """Rows that only the system writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def actor_of(request: HttpRequest) -> User:
    """Who is signed in. Raises PermissionDenied for an anonymous request, which the admin lets no further anyway."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def show_token_once(admin: ModelAdmin, request: HttpRequest, *, owner: Model, token: str) -> HttpResponse:
    """The page with a new token in plain text: the answer to the POST that made it, which nothing stores or resends."""
    context = {
        **admin.admin_site.each_context(request),
        "title": "New token",
        "opts": admin.model._meta,
        "owner": owner,
        "token": token,
    }
    return TemplateResponse(request, "tenants/token_once.html", context)
