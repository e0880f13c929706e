"""What a box that completes what is typed offers."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db.models import QuerySet

from tenants.model_admin import actor_of


class CompletionView(AutocompleteJsonView):
    """Django's, which tells an operator whose each row is: two providers may each have a site of one name."""

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset()
        return rows.select_related("tenant") if self._tells_whose else rows

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        told: dict[str, str] = super().serialize_result(obj, to_field_name)
        return told | {"text": f"{obj} ({obj.tenant})"} if self._tells_whose else told

    @property
    def _tells_whose(self) -> bool:
        columns = {field.name for field in self.model_admin.opts.fields}
        return "tenant" in columns and actor_of(self.request).sees_all_tenants
