"""A limit of the grid goes the whole way: from a program's call to a car that charges with less."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pytest_django import DjangoDbBlocker

from cem_service.objectives import create_tariff, set_objectives
from tests.support.demo_home import EV_DEVICE
from tests.support.home_process import home_process
from tests.support.hub import Hub, eventually
from tests.support.programs import make_program
from tests.support.registry import Household
from tests.support.services import django_at

LIMIT_W = 3000
NEARLY_FULL_W = 7000.0


@pytest.fixture
def token(hub: Hub, household: Household, django_db_blocker: DjangoDbBlocker) -> str:
    """Of the provider's program. Power costs less than nothing there, so a car takes all that it can get."""
    with django_db_blocker.unblock(), django_at(hub.database):
        tariff = create_tariff(
            tenant=household.tenant, name="negative", import_eur_per_kwh=[-0.3] * 24, export_eur_per_kwh=[-0.4] * 24
        )
        set_objectives(site=household.site, tariff=tariff)
        return make_program(household.tenant).access_token()


async def test_a_limit_at_full_charge_reaches_the_car(
    hub: Hub, household: Household, token: str, tmp_path: Path, record_testsuite_property: Any
) -> None:
    local = datetime.now(ZoneInfo("Europe/Amsterdam")) + timedelta(hours=8)
    car = EV_DEVICE | {"departure_min": local.hour * 60.0 + local.minute}
    with home_process(hub, household, tmp_path, "EV_CHARGER", car):
        await eventually(lambda: _power_w(tmp_path) > NEARLY_FULL_W)
        sent, began = datetime.now(UTC), time.monotonic()

        _limit(hub, household, token)
        stored_s = time.monotonic() - began
        (told,) = await eventually(lambda: _obeying(hub, household))

        await eventually(lambda: 0 < _power_w(tmp_path) <= LIMIT_W)
    assert told["expected_power_w"] <= LIMIT_W
    issued_s = (told["issued_at"] - sent).total_seconds()
    record_testsuite_property("limit_stored_s", round(stored_s, 3))
    record_testsuite_property("limit_to_instruction_s", round(issued_s, 3))
    print(f"limit stored after {stored_s:.3f} s, instruction issued after {issued_s:.3f} s")  # noqa: T201


def _limit(hub: Hub, household: Household, token: str) -> None:
    ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    wish = {"ends_at": ends_at, "source": "Grid Ltd", "reason": "A cable is out.", "steerable_w": LIMIT_W}
    response = httpx.put(
        f"http://127.0.0.1:{hub.port}/api/v1/sites/{household.site.pk}/limits/event-1",
        json=wish,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert response.status_code == 200


def _obeying(hub: Hub, household: Household) -> list[dict[str, Any]]:
    """The first instruction that says it obeys the limit."""
    return [row for row in hub.ledger(household.link.pk) if row["objective"] == "steerable_limit"][:1]


def _power_w(folder: Path) -> float:
    report = folder / "report.json"
    if not report.exists():
        return 0.0
    power_w: float = json.loads(report.read_text())["devices"][0]["power_w"]
    return power_w
