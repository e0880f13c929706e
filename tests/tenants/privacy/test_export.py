from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.management import CommandError, call_command

from tenants.privacy.export import export
from tenants.privacy.holdings import holdings
from tenants.scope import platform_scope
from tenants.signin.models import IdentityProvider
from tests.support.privacy import Customer, make_full_customer
from tests.support.registry import audited, make_member, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(redis_url: str) -> Customer:
    return make_full_customer(make_tenant("Alder"))


def _archive(customer: Customer) -> dict[str, str]:
    file = io.BytesIO()
    export(customer.household, file, actor=make_member(customer.tenant, "ann"))
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def _rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_holds_everything_about_the_household(customer: Customer) -> None:
    files = _archive(customer)

    for name in (
        *("tenants.household", "tenants.membership", "tenants.user", "devices.site", "devices.device", "devices.link"),
        *("pairing.nodetoken", "pairing.dialledend", "cem_service.siteobjectives", "cem_service.planrun"),
        *("cem_service.instruction", "flexibility.enrolment", "audit"),
    ):
        assert _rows(files[f"{name}.jsonl"]), f"nothing in {name}"
    assert _rows(files["tenants.user.jsonl"])[0]["username"] == customer.resident.username
    (measured,) = csv.DictReader(io.StringIO(files["telemetry.measurement.csv"]))
    assert (measured["site_id"], measured["value"]) == (str(customer.site.pk), "1234.5")
    assert "said by" in files[f"conversations/{customer.link.pk}-RM.jsonl"]
    assert f"conversations/{customer.link.pk}-CEM.jsonl" in files
    index = json.loads(files["index.json"])
    assert set(index["files"]) == files.keys() - {"index.json"}
    held = {f"{model._meta.label_lower}.jsonl" for holding in holdings() for model in holding.models}
    # Measurements are in a table, and rollups are computed from them.
    assert held - files.keys() == {"telemetry.measurement.jsonl", "telemetry.rollup.jsonl"}


def test_holds_nothing_of_what_its_people_do_for_others(customer: Customer) -> None:
    """A resident who works for Birch signs in there with Birch's provider, and bears a name at it."""
    ours, theirs = (
        IdentityProvider(tenant=tenant, name="own", issuer="https://login.example", client_id="flexhub")
        for tenant in (customer.tenant, make_tenant("Birch"))
    )
    with platform_scope("test"):
        IdentityProvider.objects.bulk_create([ours, theirs])
        for provider, name in ((ours, "resident"), (theirs, "payroll-1138")):
            SocialAccount.objects.create(user=customer.resident, provider=str(provider.pk), uid=name)

    text = _archive(customer)["socialaccount.socialaccount.jsonl"]

    assert "resident" in text
    assert "payroll-1138" not in text


def test_holds_no_secret(customer: Customer) -> None:
    text = "\n".join(_archive(customer).values())

    assert "dialled-secret" not in text
    assert customer.token not in text
    assert customer.resident.password not in text
    for secret in ("sealed_token", "token_hash", "password"):
        assert f'"{secret}": "(secret)"' in text


def test_holds_nothing_about_others(customer: Customer) -> None:
    other = make_full_customer(customer.tenant, "Nachbar")
    strangers = make_full_customer(make_tenant("Birch"), "Fremd")

    text = "\n".join(_archive(customer).values())

    for each in (other, strangers):
        for word in (str(each.site.pk), str(each.link.pk), each.household.name, each.resident.username):
            assert word not in text


def test_tells_the_trail(customer: Customer) -> None:
    _archive(customer)

    (row,) = audited("tenants.household.exported")
    assert (row["actor_name"], row["object_id"], row["after"]["sites"]) == ("ann", str(customer.household.pk), 1)


def test_the_command_writes_a_private_file_once(customer: Customer, tmp_path: Path) -> None:
    out = tmp_path / "all.zip"
    names = {"tenant": "Alder", "household": str(customer.household.pk), "out": str(out)}

    call_command("export_household", **names)

    assert out.stat().st_mode & 0o777 == 0o600
    assert "index.json" in zipfile.ZipFile(out).namelist()
    with pytest.raises(CommandError, match="exists already"):
        call_command("export_household", **names)
    with pytest.raises(CommandError, match="no household"):
        call_command("export_household", **names | {"tenant": "Birch"})
