"""One more household, whose devices are reached through their vendor's cloud: RMs and CEM are both run by the hub.

The cloud is that of the simulated vendor, one device for each control type. No process of the demo speaks for them, and
they count for nothing in the street's figures. So this house, and no other, follows the prices of a simulated market:
the figures of the street are in those of its tariff.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cem_service.feeds.models import Feed
from cem_service.feeds.services import create_feed
from flexhub.demo.street import DevicePlan
from flexhub.devices.models import DeviceType, Site
from rm_adapters.models import VendorAccount
from rm_adapters.services import link_account, look_for_devices, register
from tenants.models import Tenant
from tenants.scope import tenant_scope

NAME = "Cloud house"
FUSE_LIMIT_W = 17_250.0
VENDOR = "simulator"
# By the keys that the vendor gives its devices.
DEVICES: Mapping[str, DevicePlan] = {
    "battery": DevicePlan("BATTERY", "Cloud battery", "Nimbus", "Cell"),
    "roof": DevicePlan("PV", "Cloud roof", "Nimbus", "Ray"),
    "washer": DevicePlan("OTHER", "Cloud washer", "Nimbus", "Drum"),
    "heater": DevicePlan("OTHER", "Cloud heater", "Nimbus", "Glow"),
    "hybrid": DevicePlan("HEAT_PUMP", "Cloud hybrid heat pump", "Nimbus", "Duet"),
}

# What OMBC and DDBC do not tell a CEM is how warm it should be; their RMs see to that, within the owner's bands.
COMFORT: Mapping[str, Mapping[str, Any]] = {
    "heater": {"comfort": {"room_c": [19.0, 22.0]}},
    "hybrid": {"comfort": {"house_c": [19.0, 22.0]}},
}


@dataclass(frozen=True, slots=True)
class HostedDevice:
    """A device whose RM the hub runs. `link_id` is the link with the site's hosted CEM."""

    name: str
    node_id: UUID
    link_id: UUID


def link_cloud(tenant: Tenant, start: datetime) -> VendorAccount:
    """The account with the vendor. Its machines begin as they are at `start`, by the clock of the demo."""
    account = link_account(tenant=tenant, vendor=VENDOR, name=NAME, look=lambda *_: None)
    # Not as a task: no worker runs yet, and its clock would be another one.
    look_for_devices(tenant.pk, account.pk, now=lambda: start)
    with tenant_scope(tenant.pk):
        account.refresh_from_db()
    return account


def add_feeds(tenant: Tenant, start: datetime) -> dict[str, Feed | None]:
    """What the house follows, by the columns of its objectives: quarter-hour prices as on a bill, and grid carbon."""
    terms = {"surcharge_eur_per_kwh": 0.12, "vat_percent": 21}
    market = create_feed(tenant=tenant, provider="simulator", name="Quarter-hour market", settings=terms, now=start)
    return {"import_price_feed": market, "carbon_feed": market}


def host(account: VendorAccount, key: str, site: Site, device_type: DeviceType) -> HostedDevice:
    """Have the hub run the RM of this device."""
    name = DEVICES[key].name
    hosted_rm = register(
        account=account,
        device_key=key,
        site=site,
        device_type=device_type,
        name=name,
        preferences=COMFORT.get(key),
    )
    with tenant_scope(account.tenant_id):
        return HostedDevice(name, hosted_rm.pk, hosted_rm.node.rm_link.pk)
