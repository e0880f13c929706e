"""The demo's rows: four tenants with a login each, the street's sites and devices, a pool, a house whose devices are
behind a vendor's cloud, and two spare devices.

Everything goes through the same services as a person's own changes. A second start finds the rows of the first and
begins anew: the simulated clock starts over, so plans and measurements of the last run would lie in the future.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone

from cem_service.objectives import create_tariff, follow_feeds, set_objectives
from flexhub.demo import cloud_house
from flexhub.demo.cloud_house import HostedDevice
from flexhub.demo.street import DEMO_TARIFF, TIMEZONE, DevicePlan, HomePlan
from flexhub.devices import services as devices
from flexhub.devices.models import DeviceType, Node, Site
from flexhub.flexibility.services import create_pool, enrol_site
from flexhub.pairing.services import issue_node_token
from s2.messages import ControlType
from tenants import api_clients
from tenants.models import AuditEntry, Membership, Tenant, User
from tenants.scope import platform_scope
from tenants.services import create_api_client, create_member, create_tenant

# Names by which the demo knows its own database again, so that it never empties anybody else's.
TENANTS = {
    Tenant.Kind.OPERATOR: ("Flexhub operations", "operator"),
    Tenant.Kind.PROVIDER: ("Linden Energy", "provider"),
    Tenant.Kind.MANUFACTURER: ("Assorted Appliances", "manufacturer"),
    Tenant.Kind.AGGREGATOR: ("Balance Aggregation", "aggregator"),
}
SPARE_HOME = "Linden Street 13"
SPARE_DEVICES = (
    (ControlType.FILL_RATE_BASED_CONTROL, DevicePlan("OTHER", "Spare FRBC device", "Any", "FRBC")),
    (ControlType.POWER_ENVELOPE_BASED_CONTROL, DevicePlan("OTHER", "Spare PEBC device", "Any", "PEBC")),
)


class NotOurDatabaseError(RuntimeError):
    """The database holds tenants or people that the demo did not make."""


@dataclass(frozen=True, slots=True)
class Login:
    tenant: str
    kind: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Credential:
    node_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class APICredential:
    """What a program gets its access tokens for."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the demo needs to know of its rows. `credentials` are in the order of each home's devices."""

    logins: tuple[Login, ...]
    api_client: APICredential
    pool_id: UUID
    credentials: tuple[tuple[Credential, ...], ...]
    spare: tuple[tuple[ControlType, Credential], ...]
    spare_site_id: UUID
    hosted: tuple[HostedDevice, ...]


def seed(homes: Sequence[HomePlan], start: datetime) -> Seeded:
    """Empty the demo's database and fill it again, for a street whose clock will show `start`.

    Raises NotOurDatabaseError.
    """
    _empty()
    tenants = {kind: create_tenant(name=name, kind=kind) for kind, (name, _) in TENANTS.items()}
    street = _Street(tenants[Tenant.Kind.PROVIDER], tenants[Tenant.Kind.MANUFACTURER])
    pool = create_pool(tenant=tenants[Tenant.Kind.AGGREGATOR], name="Linden Street")
    credentials = []
    for home in homes:
        site, keys = street.add_home(home)
        enrol_site(pool=pool, site=site)
        credentials.append(keys)
    hosted = street.add_cloud_house(start)
    spare_site, spare_keys = street.add_home(_spare_home())
    client = create_api_client(tenant=tenants[Tenant.Kind.AGGREGATOR], name="Demo trading desk")
    return Seeded(
        logins=tuple(_login(tenant) for tenant in tenants.values()),
        api_client=APICredential(client.client_id, api_clients.issue_secret(client, now=timezone.now())),
        pool_id=pool.pk,
        credentials=tuple(credentials),
        spare=tuple(zip((control_type for control_type, _ in SPARE_DEVICES), spare_keys, strict=True)),
        spare_site_id=spare_site.pk,
        hosted=hosted,
    )


class _Street:
    """Registers homes of one provider with devices of one manufacturer."""

    def __init__(self, provider: Tenant, manufacturer: Tenant) -> None:
        self._provider = provider
        self._manufacturer = manufacturer
        self._types: dict[tuple[str, str], DeviceType] = {}
        prices = asdict(DEMO_TARIFF)
        self._tariff = create_tariff(
            tenant=provider,
            name="Dynamic, by the hour",
            import_eur_per_kwh=list(prices["import_eur_per_kwh"]),
            export_eur_per_kwh=list(prices["export_eur_per_kwh"]),
        )

    def add_home(self, home: HomePlan) -> tuple[Site, tuple[Credential, ...]]:
        site = self._add_site(home)
        nodes = [self._add_device(site, plan) for plan in home.devices]
        meter = next((node for node, plan in zip(nodes, home.devices, strict=True) if plan.kind == "METER"), None)
        if meter is not None:
            devices.set_main_meter(site=site, node=meter)
        return site, tuple(Credential(node.pk, issue_node_token(node)) for node in nodes)

    def add_cloud_house(self, start: datetime) -> tuple[HostedDevice, ...]:
        site = self._add_site(_home_without_meter(cloud_house.NAME, cloud_house.FUSE_LIMIT_W))
        follow_feeds(site=site, feeds=cloud_house.add_feeds(self._provider, start))
        account = cloud_house.link_cloud(self._provider, start)
        return tuple(
            cloud_house.host(account, key, site, self._type(plan)) for key, plan in cloud_house.DEVICES.items()
        )

    def _add_site(self, home: HomePlan) -> Site:
        site = devices.create_site(
            tenant=self._provider,
            name=home.name,
            timezone=home.timezone,
            fuse_limit_w=round(home.fuse_limit_w),
            export_limit_w=None if home.export_limit_w is None else round(home.export_limit_w),
        )
        set_objectives(site=site, tariff=self._tariff)
        return site

    def _add_device(self, site: Site, plan: DevicePlan) -> Node:
        device = devices.create_device(
            site=site,
            device_type=self._type(plan),
            name=plan.name,
            serial_number=f"{plan.brand[:2].upper()}-{secrets.token_hex(4)}",
        )
        return device.node

    def _type(self, plan: DevicePlan) -> DeviceType:
        key = (plan.brand, plan.model)
        if key not in self._types:
            self._types[key] = devices.create_device_type(
                tenant=self._manufacturer, brand=plan.brand, model=plan.model, kind=DeviceType.Kind(plan.kind)
            )
        return self._types[key]


def _spare_home() -> HomePlan:
    """A home with a hosted CEM and two devices that nobody uses, for whoever wants to connect their own RM."""
    return _home_without_meter(SPARE_HOME, 17_250, *(plan for _, plan in SPARE_DEVICES))


def _home_without_meter(name: str, fuse_limit_w: float, *plans: DevicePlan) -> HomePlan:
    """A home that no process simulates."""
    return HomePlan(name, seed=0, timezone=TIMEZONE, fuse_limit_w=fuse_limit_w, export_limit_w=None, devices=plans)


def _login(tenant: Tenant) -> Login:
    username = TENANTS[Tenant.Kind(tenant.kind)][1]
    password = secrets.token_urlsafe(9)
    create_member(tenant=tenant, username=username, password=password, role=Membership.Role.ADMIN)
    return Login(tenant=tenant.name, kind=tenant.kind, username=username, password=password)


def _empty() -> None:
    with platform_scope("look whose database this is"):
        tenants = Tenant.objects.exclude(name__in=[name for name, _ in TENANTS.values()])
        people = User.objects.exclude(username__in=[username for _, username in TENANTS.values()])
        strangers = [str(stranger) for stranger in (*tenants[:3], *people[:3])]
    if strangers:
        raise NotOurDatabaseError(
            f"The database holds what the demo did not make ({', '.join(strangers)}), and the demo would delete it."
            " Point DATABASE_URL to an empty database, or unset it to use the embedded one."
        )
    _flush()


def _flush() -> None:
    """As the owner, who alone may let go of the trail as a whole."""
    trail = connections["owner"].ops.quote_name(AuditEntry._meta.db_table)
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {trail} DISABLE TRIGGER append_only_whole")
        call_command("flush", database="owner", interactive=False, verbosity=0)
        cursor.execute(f"ALTER TABLE {trail} ENABLE TRIGGER append_only_whole")
