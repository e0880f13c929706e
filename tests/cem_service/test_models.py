from __future__ import annotations

import json
from datetime import timedelta
from math import inf, nan
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from cem_service.models import Instruction, LedgerStatus, validate_day_of_prices
from flexhub.devices.models import Link
from flexhub.embedded import roles
from tenants.scope import platform_scope
from tests.support.cem_world import World
from tests.support.registry import make_device
from tests.support.services import DatabaseOfTests


def test_a_day_has_a_price_for_each_hour() -> None:
    validate_day_of_prices([0.25, -0.1, *[0] * 22])

    for too_short_or_no_list in ([0.25] * 23, "0.25", None):
        with pytest.raises(ValidationError, match="24 prices"):
            validate_day_of_prices(too_short_or_no_list)


@pytest.mark.parametrize("price", [nan, inf, -inf, 1001, True, "0.25", None])
def test_a_price_is_a_finite_number(price: object) -> None:
    with pytest.raises(ValidationError, match="each price"):
        validate_day_of_prices([price, *[0.25] * 23])


def _issue(world: World, link: Link, minutes_ago: int) -> Instruction:
    row = _row(world, link, minutes_ago)
    row.save(force_insert=True)
    return row


def _row(world: World, link: Link, minutes_ago: int) -> Instruction:
    at = world.clock.now() - timedelta(minutes=minutes_ago)
    return Instruction(
        id=uuid4(),
        tenant=world.household.tenant,
        site=world.household.site,
        link=link,
        seat_token=1,
        message={},
        expected_power_w=0.0,
        power_before_w=0.0,
        issued_at=at,
        ends_at=at,
        status_at=at,
    )


def test_the_latest_instruction_of_each_link_counts(world: World) -> None:
    battery, car = world.household.link, make_device(world.household.site, name="Car").node.rm_link
    silent = make_device(world.household.site, name="Silent").node.rm_link
    with platform_scope("test"):
        _issue(world, battery, 3)
        latest = [_issue(world, car, 5), _issue(world, battery, 1)]
        _issue(world, car, 9)

        assert list(Instruction.objects.that_count([battery.pk, car.pk, silent.pk])) == latest
        assert list(Instruction.objects.that_count([])) == []


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"message_type": "PPBC.ScheduleInstruction"}, 3),
        ({"status": LedgerStatus.REJECTED}, 3),
        ({"reception": "INVALID_CONTENT"}, 3),
        ({"reception": "OK", "status": LedgerStatus.STARTED}, 1),
    ],
)
def test_those_before_it_count_where_several_stand_or_it_was_refused(
    world: World, fields: dict[str, str], count: int
) -> None:
    link = world.household.link
    with platform_scope("test"):
        before = [_issue(world, link, minutes_ago) for minutes_ago in (3, 2)]
        latest = _issue(world, link, 1)
        Instruction.objects.filter(pk=latest.pk).update(**fields)

        assert list(Instruction.objects.that_count([link.pk])) == [*before, latest][-count:]


@pytest.mark.django_db(transaction=True)
def test_only_what_counts_is_read(world: World, own_database: DatabaseOfTests) -> None:
    links = [make_device(world.household.site, name=f"Car {number}").node.rm_link for number in range(8)]
    with platform_scope("test"):
        Instruction.objects.bulk_create(_row(world, link, minutes) for minutes in range(400) for link in links)
    with roles.connect(own_database.owner_url) as owner:
        owner.execute("ANALYZE cem_service_instruction")
    with platform_scope("test"):
        plan = json.loads(Instruction.objects.that_count([links[0].pk]).explain(analyze=True, format="json"))

    assert _rows_read(plan[0]["Plan"]) < 50


def _rows_read(node: dict[str, Any]) -> int:
    """By this part of a query's plan and all below it, with those that it read in vain."""
    read = int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return read + sum(_rows_read(each) for each in node.get("Plans", ()))
