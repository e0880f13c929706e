from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import ProgrammingError, connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from cem_service.models import Instruction, PlanRun, SiteObjectives
from cem_service.objectives import create_tariff, set_objectives
from cem_service.prepared import Prepared, PreparedInsert
from cem_service.pursuing import with_pursuits
from flexhub.devices.models import Link, Site
from tenants.guard import NoScopeError
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import Household, make_household

NOW = datetime(2026, 4, 21, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_gives_the_rows_of_each_asking_as_the_queryset_would() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    names = Prepared(
        lambda site_id: Link.objects.filter(rm_node__site=site_id).values_list("id", "rm_node__name"), UUID
    )
    with platform_scope("test"):
        assert names(alder.site.pk) == [(alder.link.pk, "Alder battery")]
        assert names(birch.site.pk) == [(birch.link.pk, "Birch battery")]
        assert names(birch.link.pk) == []


def test_gives_models_with_all_that_they_are_joined_to_in_one_statement() -> None:
    household = make_household()
    prices = [0.3] * 24
    tariff = create_tariff(tenant=household.tenant, name="flat", import_eur_per_kwh=prices, export_eur_per_kwh=prices)
    set_objectives(site=household.site, tariff=tariff)
    sites = Prepared(
        lambda site_id, now, until: with_pursuits(Site.objects.filter(id=site_id), now, until), UUID, datetime, datetime
    )
    with tenant_scope(household.tenant.pk):
        sites(household.site.pk, NOW, NOW)
        with CaptureQueriesContext(connection) as asked:
            (site,) = sites(household.site.pk, NOW, NOW + timedelta(days=2))
            assert (site.name, site.objectives.tariff.name, site.open_limits) == ("Alder house", "flat", [])
    assert len(asked) == 1


def test_sees_no_more_than_the_scope_lets_it() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    sites = Prepared(lambda site_id: Site.objects.filter(id=site_id), UUID)
    with tenant_scope(alder.tenant.pk):
        assert sites(alder.site.pk) == [alder.site]
    with tenant_scope(birch.tenant.pk):
        assert sites(alder.site.pk) == []


def test_refuses_an_argument_that_the_database_is_not_told() -> None:
    wrong = Prepared(lambda site_id, now: SiteObjectives.objects.filter(site=site_id), UUID, datetime)
    with pytest.raises(ValueError, match="does not become a parameter"):
        wrong(UUID(int=1), NOW)


def _run(household: Household, **changed: Any) -> PlanRun:
    """One in which every column has a value of its own, some of them awkward."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "tenant": household.tenant,
        "site": household.site,
        "kind": "REACTION",
        "at": datetime(2026, 3, 29, 2, 30, 0, 123_456, timezone(timedelta(hours=2))),
        "duration_ms": 0.1 + 0.2,
        "summary": 'Zoë\'s "heat pump" \\ 100 % {}\n%s',
        "inputs": {"power_w": {"b": -0.5, "a": None}, "empty": [], "text": "%(no)s 'quoted'"},
        "plan": None,
        "reasons": [{"code": "x", "figures": {"eur": 1e-7}}, None, True],
    }
    return PlanRun(**values | changed)


def _instruction(household: Household, run: PlanRun, **changed: Any) -> Instruction:
    values: dict[str, Any] = {
        "id": uuid4(),
        "tenant": household.tenant,
        "site": household.site,
        "link": household.link,
        "plan_run": run,
        "seat_token": 2**40,
        "message_type": "FRBC.Instruction",
        "message": {"operation_mode_factor": 0.30000000000000004},
        "objective": "fuse",
        "reason": "Because.",
        "reason_data": None,
        "expected_power_w": -1234.5678901234567,
        "power_before_w": 3,  # As whole numbers come from a description.
        "issued_at": NOW,
        "ends_at": NOW + timedelta(seconds=1),
        "status": "SUCCEEDED",
        "status_at": NOW + timedelta(seconds=2),
        "reception": "OK",
        "findings": ["R-1"],
    }
    return Instruction(**values | changed)


def _stored(row: Model) -> dict[str, Any]:
    return type(row)._base_manager.filter(pk=row.pk).values().get()


def test_stores_each_column_as_django_would() -> None:
    household = make_household()
    one, twin = _run(household), _run(household)
    rows = [_instruction(household, one), _instruction(household, one, reason_data={"code": "y"}, ends_at=NOW)]
    twins = [_instruction(household, one), _instruction(household, one, reason_data={"code": "y"}, ends_at=NOW)]

    with tenant_scope(household.tenant.pk):
        PreparedInsert(PlanRun)([one])
        PreparedInsert(Instruction)(rows)
        PlanRun.objects.bulk_create([twin])
        Instruction.objects.bulk_create(twins)

        for row, by_django in zip([one, *rows], [twin, *twins], strict=True):
            assert _stored(row) == _stored(by_django) | {"id": row.pk}
            assert row._state.adding is by_django._state.adding
            assert row._state.db == by_django._state.db


@pytest.mark.parametrize("make", [_run, lambda household: _instruction(household, _run(household))])
def test_leaves_no_column_to_its_default(make: Any) -> None:
    """A column that is new has to be named here, so that the test above compares it."""
    household = make_household()
    row = make(household)
    untouched = type(row)()

    same = {
        field.name
        for field in row._meta.concrete_fields
        if row.serializable_value(field.attname) == untouched.serializable_value(field.attname)
    }
    assert same <= {"plan", "reason_data"}


def test_stores_any_number_of_rows_by_one_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    household = make_household()
    monkeypatch.setattr(connection.connection, "prepare_threshold", 0)
    store = PreparedInsert(PlanRun)
    with tenant_scope(household.tenant.pk):
        for count in (1, 3, 0):
            store([_run(household) for _ in range(count)])
        assert PlanRun.objects.count() == 4
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%planrun%'")
            assert cursor.fetchone() == (1,)


def test_stores_nothing_for_another_tenant_nor_without_a_scope() -> None:
    alder, birch = make_household("Alder"), make_household("Birch")
    store = PreparedInsert(PlanRun)
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(birch.tenant.pk):
        store([_run(alder)])
    with pytest.raises(NoScopeError):
        store([_run(alder)])


def test_refuses_what_json_cannot_say() -> None:
    household = make_household()
    with pytest.raises(ValueError, match="Unable to serialize"), tenant_scope(household.tenant.pk):
        PreparedInsert(PlanRun)([_run(household, inputs={"at": object()})])
