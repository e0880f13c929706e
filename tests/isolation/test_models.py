"""Every model under row-level security: others neither find its rows nor change them, by the ORM or by bulk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model
from django.db.utils import ProgrammingError

from tenants.models import Tenant
from tenants.rls import protected_models
from tests.isolation.cast import READABLE, Cast, in_scope_of

# Nobody may change these, so nobody may lock them either.
APPEND_ONLY = {"tenants.AuditEntry"}
MODELS = [model for model in protected_models() if model._meta.label not in READABLE]


def _label(model: type[Model]) -> str:
    return model._meta.label


@pytest.mark.parametrize("model", MODELS, ids=_label)
def test_nobody_finds_a_row_of_others(cast: Cast, model: type[Model]) -> None:
    row = cast.rows[model]
    rows = model._base_manager.all()
    questions: dict[str, Callable[[], Any]] = {
        "by id": lambda: rows.filter(pk=row.pk).exists(),
        "in the list": lambda: row in rows,
        "in bulk": lambda: rows.filter(pk__in=[row.pk]).count(),
        "for update": lambda: rows.select_for_update(of=("self",)).filter(pk=row.pk).first(),
    }
    if _label(model) in APPEND_ONLY:
        del questions["for update"]
    for person in [each for each in cast.people if not each.may_know(_label(model))]:
        for how, question in questions.items():
            assert not in_scope_of(person, question), f"{person.name} finds {_label(model)} {how}"


@pytest.mark.parametrize("model", [model for model in MODELS if _label(model) not in APPEND_ONLY], ids=_label)
def test_nobody_changes_or_deletes_a_row_of_others(cast: Cast, model: type[Model]) -> None:
    row = cast.rows[model]
    rows = model._base_manager.filter(pk=row.pk)
    column = next(field.name for field in model._meta.concrete_fields if not field.primary_key and not field.generated)
    for person in cast.people:
        for write in (partial(rows.update, **{column: None}), partial(rows._raw_delete, "default")):
            assert in_scope_of(person, partial(_refused_or_nothing, write)) == 0


@pytest.mark.parametrize(
    "model", [model for model in MODELS if any(field.name == "tenant" for field in model._meta.fields)], ids=_label
)
def test_nobody_adds_a_row_for_others(cast: Cast, model: type[Model]) -> None:
    for person in cast.people:
        copy = model(**{field.attname: getattr(cast.rows[model], field.attname) for field in _writable(model)})
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            in_scope_of(person, partial(model._base_manager.bulk_create, [copy]))


def _writable(model: type[Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.generated]


def _refused_or_nothing(work: Callable[[], int]) -> int:
    try:
        with transaction.atomic():
            return work()
    except ProgrammingError as error:
        return 0 if "row-level security" in str(error) else 1


def test_the_tenants_of_the_cast_are_apart(cast: Cast) -> None:
    owners = {row.tenant_id for row in cast.rows.values() if hasattr(row, "tenant_id")} - {None}
    makers = {getattr(cast.row(label), "tenant_id", None) for label in READABLE}

    assert owners - makers == cast.tenants
    assert not {person.user.tenant for person in cast.people if not person.is_neighbour} & {cast.row("tenants.Tenant")}
    assert isinstance(cast.row("tenants.Tenant"), Tenant)
