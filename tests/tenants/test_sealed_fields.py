from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import JSONField, TextField

from tenants import sealed_fields
from tenants.sealed_fields import SealedField, UnknownSealedField

PLACES = {(field.model, field.column) for field in sealed_fields.registered()}


def test_every_column_named_so_is_registered() -> None:
    """A rotation would lose the secrets of one that is not."""
    named_so = {
        (model._meta.label, column.name)
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if column.name.startswith("sealed_")
    }

    assert named_so, "there is at least the token of dialled ends"
    assert named_so <= PLACES


@pytest.mark.parametrize("field", sealed_fields.registered(), ids=lambda field: field.name)
def test_has_room_for_any_text(field: SealedField) -> None:
    model = apps.get_model(field.model)

    assert isinstance(model._meta.get_field(field.column), TextField if field.key is None else JSONField)
    assert field.tenant is None or model._meta.get_field(field.tenant)


def test_a_name_is_taken_once() -> None:
    known = sealed_fields.registered()[0]

    sealed_fields.register(known)

    assert sealed_fields.named(known.name) is known
    with pytest.raises(ValueError, match="another sealed field"):
        sealed_fields.register(SealedField(known.name, model="tenants.Tenant", column="name"))
    with pytest.raises(UnknownSealedField, match=r"'nobody\.knows'"):
        sealed_fields.named("nobody.knows")
