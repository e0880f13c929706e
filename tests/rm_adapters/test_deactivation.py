"""Hosted RMs of a tenant that is turned off, and on again."""

from __future__ import annotations

import pytest

from tenants.deactivation import deactivate, reactivate
from tenants.scope import platform_scope
from tests.rm_adapters.attended_home import AttendedHome
from tests.rm_adapters.instructing import charge

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> AttendedHome:
    """Its battery has been told to charge."""
    home = AttendedHome("battery")
    home.connect()
    home.select()
    home.instruct(charge(home, "charge", 0.5))
    home.wait(minutes=1)
    return home


def turn(home: AttendedHome, *, on: bool) -> None:
    with platform_scope("test"):
        tenant = home.row_now().tenant
    if on:
        reactivate(tenant)
    else:
        deactivate(tenant, now=home.now)


def test_gives_the_device_back_and_then_leaves_it_alone(home: AttendedHome) -> None:
    turn(home, on=False)
    home.disconnect()
    home.wait(minutes=5)
    read_at = home.row_now().observed_at
    assert home.settings()[-1] == {"mode": "auto", "factor": 0.0}

    home.wait(hours=2)

    row = home.row_now()
    assert (row.next_at, row.observed_at, home.tasks) == (None, read_at, [])


def test_goes_on_when_it_is_on_again(home: AttendedHome) -> None:
    turn(home, on=False)
    home.disconnect()
    home.wait(hours=1)

    turn(home, on=True)
    home.wait(minutes=5)
    home.connect()
    home.select()
    home.instruct(charge(home, "charge", 0.5))
    home.wait(minutes=1)

    observed_at = home.row_now().observed_at
    assert observed_at is not None
    assert (home.now - observed_at).total_seconds() < 300
    assert home.settings()[-1] == {"mode": "charge", "factor": 0.5}
