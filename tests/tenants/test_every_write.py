"""Whatever a person or a program writes leaves a row: each page of the admin that changes or deletes, and each service.

Both are found and not listed: what is new fails here until it tells the trail.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from cem_service.feeds.services import create_feed
from rm_adapters.models import VendorAccount
from tenants.model_admin import ReadOnlyAdmin, TenantModelAdmin
from tenants.models import AuditEntry, Retention
from tenants.scope import platform_scope, tenant_scope
from tenants.signin.models import IdentityProvider, Invitation, SignInPolicy
from tests.support.privacy import make_full_customer
from tests.support.programs import make_program
from tests.support.registry import make_operator, make_tenant

ROOT = Path(__file__).parents[2]
WRITES = frozenset({"save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create"})
SERVICES = frozenset(
    {"services.py", "dialled.py", "limits.py", "objectives.py", "quotas.py", "support.py", "api_clients.py"}
)
PAGES = {
    model: page
    for model, page in admin.site._registry.items()
    if isinstance(page, TenantModelAdmin) and not isinstance(page, ReadOnlyAdmin)
}
# Of these the fixture has no rows; their pages call services, each with a test of its own.
ELSEWHERE = {"rm_adapters.HostedRM", "tenants.Quota", "devices.SupportGrant"}

# Their pages have nothing to type, count or tick. Where they have something to choose, their own tests do that.
FIXED = {
    "cem_service.AbnormalCondition",
    "cem_service.GridLimit",
    "devices.Link",
    "flexibility.Enrolment",
    "pairing.NodeToken",
    "signin.Invitation",
    "tenants.Membership",
}


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker, own_redis_url: str) -> Iterator[None]:
    """One of each model. What a test does to them is undone."""
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(REDIS_URL=own_redis_url):
            _make_rows()
        yield
        transaction.set_rollback(True)


def _make_rows() -> None:
    alder = make_tenant("Alder")
    make_full_customer(alder)
    make_program(alder)
    zone = {"bidding_zone": "10YNL----------L"}
    create_feed(tenant=alder, provider="entsoe", name="prices", settings=zone, credential="secret", now=timezone.now())
    with tenant_scope(alder.pk):
        Retention.objects.create(tenant=alder)
        VendorAccount.objects.create(tenant=alder, vendor="simulator", name="Müller")
        SignInPolicy.objects.create(tenant=alder)
        Invitation.objects.create(tenant=alder, email="bob@example.com")
        IdentityProvider.objects.create(tenant=alder, name="login", issuer="https://login.example", client_id="us")


@pytest.fixture
def _undone(rows: None, redis_url: str) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _told() -> set[int]:
    with platform_scope("test"):
        changes = AuditEntry.objects.exclude(action__endswith=".viewed").exclude(action__endswith=".listed")
        return set(changes.values_list("pk", flat=True))


def _row(model: type[Model]) -> Model:
    with platform_scope("test"):
        row = model._default_manager.order_by("pk").first()
    assert row is not None, f"the fixture has no {model._meta.label}: add one, or say in ELSEWHERE that it is tested"
    return row


def _url(row: Model, page: str) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{page}/"


@pytest.mark.usefixtures("_undone")
@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_a_change_in_the_admin_leaves_a_row(client: Client, model: type[Model]) -> None:
    if model._meta.label in ELSEWHERE:
        return
    client.force_login(make_operator())
    row = _row(model)
    page = client.get(_url(row, "change"))
    data = _changed(page.context)
    before = _told()

    assert (data is None) == (model._meta.label in FIXED)
    if data is None:
        assert client.post(_url(row, "change"), {}).status_code in {200, 302, 403}
        assert _told() == before
        return
    response = client.post(_url(row, "change"), data)

    assert response.status_code == 302, response.context["errors"]
    assert _told() > before


@pytest.mark.usefixtures("_undone")
@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_a_deletion_in_the_admin_leaves_a_row(client: Client, model: type[Model]) -> None:
    if model._meta.label in ELSEWHERE:
        return
    client.force_login(make_operator())
    row = _row(model)
    before = _told()

    response = client.post(_url(row, "delete"), {"post": "yes"})

    with platform_scope("test"):
        gone = not model._default_manager.filter(pk=row.pk).exists()
        told = AuditEntry.objects.filter(action=f"{model._meta.label_lower}.deleted", object_id=str(row.pk)).exists()
    assert response.status_code in {200, 302, 403}
    assert gone == told
    assert gone == (_told() > before)


def _changed(context: Any) -> dict[str, Any] | None:
    """What a browser would send of this page with one field changed; None where nothing can be."""
    if context is None or "adminform" not in context:
        return None
    form = context["adminform"].form
    data = _sent(form)
    for formset in (each.formset for each in context["inline_admin_formsets"]):
        data |= _sent(formset.management_form)
        count = formset.initial_form_count()
        data[f"{formset.prefix}-TOTAL_FORMS"] = count
        for each in formset.forms[:count]:
            data |= _sent(each)
    for name, field in form.fields.items():
        if field.disabled:
            continue
        if type(field) is forms.CharField and isinstance(data.get(name), str) and "url" not in name:
            return data | {name: f"{data[name]}x"}
        if type(field) is forms.BooleanField:
            return {key: value for key, value in data.items() if key != name} | ({} if name in data else {name: "on"})
        if isinstance(field, forms.IntegerField):
            return data | {name: int(data.get(name) or 1) + 1}
    return None


def _sent(form: Any) -> dict[str, Any]:
    values = {bound.html_name: bound.value() for bound in form}
    return {
        name: json.dumps(value) if isinstance(value, dict) else "on" if value is True else value
        for name, value in values.items()
        if value is not None and value is not False
    }


def _services() -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of ours that are told who acts, with where they are."""
    for folder in ("tenants", "cem_service", "rm_adapters", "platform/flexhub"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in path.parts or path.name.startswith("audit"):
                continue
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef):
                    yield f"{path.relative_to(ROOT)}:{node.name}", node


def _takes_actor(function: ast.FunctionDef) -> bool:
    return any(argument.arg == "actor" for argument in (*function.args.args, *function.args.kwonlyargs))


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def test_every_service_tells_who_acted() -> None:
    """Whoever is given an actor gives it on: to the trail, or to another service."""
    functions = [(name, function) for name, function in _services() if _takes_actor(function)]
    silent = [
        name
        for name, function in functions
        if not any(
            keyword.arg == "actor" or (isinstance(keyword.value, ast.Name) and keyword.value.id == "actor")
            for call in _calls(function)
            for keyword in call.keywords
        )
        and not any(
            isinstance(each, ast.Name) and each.id == "actor" for call in _calls(function) for each in call.args
        )
    ]

    assert len(functions) > 20
    assert silent == []


def test_every_service_that_writes_is_told_who_acts() -> None:
    unasked = [
        name
        for name, function in _services()
        if Path(name.partition(":")[0]).name
        in {"services.py", "dialled.py", "objectives.py", "quotas.py", "support.py"}
        and not function.name.startswith("_")
        and not _takes_actor(function)
        and any(isinstance(call.func, ast.Attribute) and call.func.attr in WRITES for call in _calls(function))
    ]

    assert unasked == []
