"""The simulated cloud in its rows."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from rm_adapters.models import VendorAccount
from rm_adapters.sdk import Account
from rm_adapters.vendors.simulator import client
from rm_adapters.vendors.simulator.cloud import SimulatedCloud
from rm_adapters.vendors.simulator.models import SimulatedMachine
from tenants.scope import NoScopeError, tenant_scope
from tests.rm_adapters.attended_home import make_account
from tests.rm_adapters.hosted_home import CONTROL_TYPES, MORNING
from tests.support.registry import make_tenant

pytestmark = pytest.mark.django_db

CHARGE = {"mode": "charge", "factor": 1.0}


class Broken(Exception):
    """Whoever held the client has failed."""


def access(account: VendorAccount, hours: float = 0.0) -> Account:
    return Account(id=account.pk, tenant_id=account.tenant_id, now=lambda: MORNING + timedelta(hours=hours))


@async_to_sync
async def tell(account: Account, key: str, setting: dict[str, Any], *, fail: bool = False) -> None:
    async with client.connect(account) as cloud:
        cloud.set(key, setting)
        if fail:
            raise Broken


@async_to_sync
async def level_of(account: Account) -> float:
    async with client.connect(account) as cloud:
        return float(cloud.state("battery")["soc"])


def machine(account: VendorAccount, key: str) -> SimulatedMachine:
    with tenant_scope(account.tenant_id):
        return SimulatedMachine.objects.get(account=account, key=key)


def test_an_account_holds_one_device_of_each_kind() -> None:
    account = make_account(make_tenant())

    with tenant_scope(account.tenant_id):
        keys = set(SimulatedMachine.objects.values_list("key", flat=True))

    assert keys == set(CONTROL_TYPES)


def test_machines_go_on_between_two_clients() -> None:
    account = make_account(make_tenant())
    before = level_of(access(account))

    tell(access(account), "battery", CHARGE)

    assert level_of(access(account, hours=1.0)) > before


def test_what_has_happened_stays_though_the_caller_fails() -> None:
    account = make_account(make_tenant())

    with pytest.raises(Broken):
        tell(access(account), "battery", CHARGE, fail=True)

    assert machine(account, "battery").settings == [[MORNING.isoformat(), CHARGE]]


def test_accounts_are_apart() -> None:
    tenant = make_tenant()
    first, second = make_account(tenant, name="first"), make_account(tenant, name="second")

    tell(access(first), "battery", CHARGE)

    assert machine(second, "battery").settings == []


def test_the_oldest_settings_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SETTINGS_KEPT", 2)
    account = make_account(make_tenant())

    for number in range(3):
        tell(access(account), "battery", CHARGE | {"factor": number / 2})

    assert [setting["factor"] for _, setting in machine(account, "battery").settings] == [0.5, 1.0]


def test_a_client_that_could_not_connect_leaves_no_transaction_open(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account(make_tenant())

    def broken(*_args: object) -> None:
        raise Broken

    with monkeypatch.context() as patch:
        patch.setattr(SimulatedCloud, "load", broken)
        with pytest.raises(Broken):
            level_of(access(account))

    with pytest.raises(NoScopeError):  # The scope of the account is not open any more.
        SimulatedMachine.objects.count()
    assert level_of(access(account)) > 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_wait_for_each_other() -> None:
    account = make_account(make_tenant())
    inside, go_on = threading.Event(), threading.Event()

    def tell_the_roof() -> None:
        assert inside.wait(30)
        go_on.set()
        tell_and_close(access(account), "roof", {"limit_w": 1000.0})

    other = threading.Thread(target=tell_the_roof)
    other.start()
    hold_and_tell(access(account), inside, go_on)
    other.join(30)

    assert [len(machine(account, key).settings) for key in ("battery", "roof")] == [1, 1]


def tell_and_close(account: Account, key: str, setting: dict[str, Any]) -> None:
    try:
        tell(account, key, setting)
    finally:
        connection.close()


@async_to_sync
async def hold_and_tell(account: Account, inside: threading.Event, go_on: threading.Event) -> None:
    async with client.connect(account) as cloud:
        inside.set()
        assert go_on.wait(30)
        cloud.set("battery", CHARGE)
