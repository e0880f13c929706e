"""Who tries, and what nobody but its owners may see: one row of every model under row-level security.

What is to be hidden belongs to the Smiths, customers of the provider Alder; what no customer can have is Alder's own,
or of Alder Trading, which has a pool. Those who try are the people of Birch, of Birch Trading and of Birch Works, in
each role, and one who lives in Alder's other household.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from cem_service.feeds.models import StoredSeries
from cem_service.feeds.services import create_feed
from cem_service.models import Instruction, PlanRun, PlanRunKind
from cem_service.objectives import create_tariff, set_objectives
from flexhub.bus import TelemetryRow
from flexhub.devices.models import Device, Node, Site
from flexhub.devices.support import grant_support
from flexhub.flexibility.services import create_pool, enrol_site
from flexhub.pairing.dialled import create_dialled_end
from flexhub.pairing.models import NodeToken
from flexhub.pairing.services import issue_node_token
from flexhub.telemetry import writer
from flexhub.telemetry.models import Measurement, Rollup
from flexhub.telemetry.rollups import past_means
from rm_adapters.services import link_account, look_for_devices, register
from rm_adapters.vendors.simulator.models import SimulatedMachine
from tenants.models import AuditEntry, DataKey, Erasure, Household, Membership, Quota, Retention, Tenant, User
from tenants.rls import protected_models
from tenants.scope import identity_scope, platform_scope, tenant_scope
from tenants.signin.models import IdentityProvider, Invitation, SignInPolicy
from tests.support.privacy import make_learned, make_limits
from tests.support.programs import make_program
from tests.support.registry import (
    give_quotas,
    make_customer,
    make_device,
    make_device_type,
    make_member,
    make_resident,
    make_site,
)
from tests.support.registry import make_tenant as new_tenant

AT = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
# In each name of what is to be hidden, and in no other.
WORDS = ("Smith", "Alder")
# What there is no row of.
GHOST_UUID = UUID("00000000-0000-4000-8000-00000000dead")
GHOST_NUMBER = 2_000_000_011
# What the numbers of the rows start with; as long as that of the ghost.
FIRST_NUMBER = 1_700_000_000
# Models whose rows tell nothing about anybody, so that others may read them.
READABLE = {"devices.DeviceType": "every tenant may read what products there are"}
# What is the provider's own and no secret to any of its households.
OF_THE_PROVIDER = frozenset({"tenants.Tenant", "tenants.Quota", "cem_service.Tariff"})

_ADMIN = Membership.Role.ADMIN

Rows = dict[type[Model], Model]


@dataclass(frozen=True, slots=True)
class Person:
    """One who tries. `words` and `hidden` are what they must never be shown."""

    name: str
    user: User
    household_id: UUID | None
    words: tuple[str, ...]

    @property
    def is_neighbour(self) -> bool:
        """Whether this person lives in another household of the same provider."""
        return self.words != WORDS

    def may_know(self, label: str) -> bool:
        """Whether rows of the model are no secret to this person."""
        return self.is_neighbour and label in OF_THE_PROVIDER


@dataclass(frozen=True, slots=True)
class Cast:
    """`rows` are to be hidden; `own` are Birch's, and in them one finds what they are allowed to use."""

    rows: Rows
    own: Rows
    people: tuple[Person, ...]
    tenants: frozenset[UUID]
    node_token: str
    # Of programs: one of Birch Trading, which may see pools, and one of Birch, which may see sites.
    api_token: str
    site_token: str

    def row(self, label: str) -> Model:
        return next(row for model, row in self.rows.items() if model._meta.label == label)

    def hidden_ids(self, person: Person) -> set[str]:
        """The ids that must not be in anything that this person gets. A neighbour may know the provider's own."""
        hidden = (row for row in self.rows.values() if row._meta.label not in READABLE)
        ids = {str(row.pk) for row in hidden if isinstance(row.pk, UUID)}
        if not person.is_neighbour:
            return ids
        return {str(row.pk) for row in self.rows.values() if isinstance(row, Site | Device | Node | Household)}

    def traces(self) -> dict[str, str]:
        """What is stored about the owners, table by table, to compare before and after."""
        parts, values = [], []
        for model, row in self.rows.items():
            meta = model._meta
            owned = any(field.name == "tenant" for field in meta.fields)
            column, keys = ("tenant_id", list(self.tenants)) if owned else ("id", [row.pk])
            parts.append(
                f"SELECT %s, md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), ''))"
                f" FROM {meta.db_table} AS t WHERE {column} = ANY(%s)"
            )
            values += [meta.label, keys]
        with platform_scope("look whether anything was changed"), connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), values)
            return dict(cursor.fetchall())


def ghost_of(row: Model) -> object:
    """An id of the same kind that nothing has."""
    return GHOST_UUID if isinstance(row.pk, UUID) else GHOST_NUMBER


def make_cast() -> Cast:
    alder, birch = new_tenant("Alder"), new_tenant("Birch")
    trading, birch_trading = (new_tenant(f"{name} Trading", Tenant.Kind.AGGREGATOR) for name in ("Alder", "Birch"))
    works = new_tenant("Birch Works", Tenant.Kind.MANUFACTURER)
    rows, _ = _everything(alder, "Smith", trading)
    own, own_token = _everything(birch, "Bauer", birch_trading)
    program = make_program(birch_trading, "Birch's program")
    site_program = make_program(birch, "Birch's own program")
    neighbours = make_customer(alder, "Jones")
    make_site(alder, "Jones house", household=neighbours)
    bauers = next(row for row in own.values() if isinstance(row, Household))
    insiders = [
        Person(f"{role.label} of {tenant}", make_member(tenant, f"{role}-{tenant.pk}"[:40], role), None, WORDS)
        for tenant in (birch, birch_trading, works)
        for role in (_ADMIN, Membership.Role.MEMBER)
    ]
    residents = [
        Person("resident of Birch", make_resident(bauers, "bea"), bauers.pk, WORDS),
        Person("resident of Alder's other household", make_resident(neighbours, "jack"), neighbours.pk, ("Smith",)),
    ]
    return Cast(
        rows=rows,
        own=own,
        people=(*insiders, *residents),
        tenants=frozenset({alder.pk, trading.pk}),
        node_token=own_token,
        api_token=program.access_token(),
        site_token=site_program.access_token(),
    )


def _everything(tenant: Tenant, family: str, aggregator: Tenant) -> tuple[Rows, str]:
    """A row of each model, and the token of the household's device."""
    household = make_customer(tenant, f"{family}s")
    site = make_site(tenant, f"{family} house", household=household)
    device = make_device(site, make_device_type(), name=f"{family} battery", serial_number=f"{family}-1")
    token = issue_node_token(device.node)
    resident = make_resident(household, f"{family.lower()}-resident")
    give_quotas(tenant, sites=10)
    tariff = create_tariff(
        tenant=tenant, name=f"{family} tariff", import_eur_per_kwh=[0.3] * 24, export_eur_per_kwh=[0.1] * 24
    )
    link = _link_of(device)
    pool = create_pool(tenant=aggregator, name=f"{aggregator} pool of {family}")
    made = [
        tenant,
        household,
        resident,
        resident.membership,
        site,
        device,
        device.device_type,
        device.node,
        link,
        create_dialled_end(link=link, role="RM", url=f"wss://{family.lower()}.example", token="secret"),
        tariff,
        set_objectives(site=site, tariff=tariff),
        pool,
        enrol_site(pool=pool, site=site),
        *make_limits(site, source=f"grid of the {family}s"),
        *make_learned(site, link),
        *_hosted(tenant, family, site),
        *_fed(tenant, family),
        *_history(tenant, family, site, link),
        *_of_django(resident, family),
        *_ways_in(resident, family),
        *_program(tenant, family),
        grant_support(device, ends_at=timezone.now() + timedelta(days=1)),
    ]
    with tenant_scope(tenant.pk):
        made += [
            NodeToken.objects.get(node=device.node),
            AuditEntry.objects.latest("id"),
            # Made when the dialled end's token was sealed.
            DataKey.objects.get(tenant=tenant),
            Quota.objects.get(tenant=tenant),
            Retention.objects.create(tenant=tenant),
            SignInPolicy.objects.create(tenant=tenant),
            IdentityProvider.objects.create(tenant=tenant, name=f"identities of {tenant}", issuer="https://id.example"),
            Invitation.objects.create(tenant=tenant, email=f"{family}@new.example"),
            Erasure.objects.create(tenant=tenant, household_id=uuid4(), requested_at=AT),
        ]
    rows = {type(row): row for row in made if row is not None}
    _check_complete(rows)
    return rows, token


def _check_complete(rows: Mapping[type[Model], Model]) -> None:
    missing = [model._meta.label for model in protected_models() if model not in rows]
    assert not missing, f"tests/isolation/cast.py makes no row of {', '.join(missing)}: add one to `_everything`"


def _link_of(device: Device) -> Any:
    with tenant_scope(device.tenant_id):
        return type(device.node.rm_link).objects.select_related("rm_node", "cem_node").get(pk=device.node.rm_link.pk)


def _hosted(tenant: Tenant, family: str, site: Site) -> list[Model]:
    account = link_account(tenant=tenant, vendor="simulator", name=f"{family} account", look=lambda *_: None)
    look_for_devices(tenant.pk, account.pk, now=lambda: AT)
    with tenant_scope(tenant.pk):
        account.refresh_from_db()
        hosted = register(account=account, device_key="battery", site=site, device_type=make_device_type())
        return [account, hosted, SimulatedMachine.objects.filter(account=account).order_by("pk")[0]]


def _fed(tenant: Tenant, family: str) -> list[Model]:
    settings = {"bidding_zone": "10YNL----------L"}
    feed = create_feed(
        tenant=tenant, provider="entsoe", name=f"{family} prices", settings=settings, credential="secret", now=AT
    )
    with tenant_scope(tenant.pk):
        series = StoredSeries.objects.create(
            tenant=tenant, feed=feed, kind="price", fetched_at=AT, ends_at=AT, series={"edges_s": [], "values": []}
        )
    return [feed, series]


def _history(tenant: Tenant, family: str, site: Site, link: Any) -> list[Model]:
    """What the CEM did there, and what was measured."""
    row = TelemetryRow(tenant.pk, site.pk, link.pk, "ELECTRIC.POWER.L1", AT, 1234.0)
    writer.store([row], now=AT, retention=timedelta(days=90))
    with tenant_scope(tenant.pk):
        run = PlanRun.objects.create(
            tenant=tenant, site=site, kind=PlanRunKind.PLAN, at=AT, duration_ms=1.0, summary=f"for the {family}s"
        )
        instruction = Instruction.objects.create(
            id=uuid4(),
            tenant=tenant,
            site=site,
            link=link,
            plan_run=run,
            seat_token=1,
            message_type="FRBC.Instruction",
            message={"of": family},
            objective="cost",
            reason=f"for the {family}s",
            expected_power_w=1.0,
            power_before_w=0.0,
            issued_at=AT,
            ends_at=AT,
            status_at=AT,
        )
        past_means(tenant_id=tenant.pk, site_id=site.pk, link_ids=[link.pk], since=AT, until=AT + timedelta(hours=1))
        measured = [Measurement.objects.get(link_id=link.pk), Rollup.objects.get(link_id=link.pk)]
        return [run, instruction, *measured]


def _program(tenant: Tenant, family: str) -> list[Model]:
    program = make_program(tenant, f"{family}'s program")
    program.access_token("pools:read")
    with tenant_scope(tenant.pk):
        return [program.client, program.client.secrets.get(), program.client.access_tokens.get()]


def _of_django(person: User, family: str) -> list[Model]:
    """What Django keeps about people and we do not use."""
    with platform_scope("test"):
        group, _ = Group.objects.get_or_create(name="nobody's")
        person.groups.add(group)
        person.user_permissions.add(Permission.objects.order_by("pk")[0])
        entry = LogEntry.objects.create(
            user=person,
            content_type=ContentType.objects.get_for_model(User),
            object_repr=family,
            action_flag=ADDITION,
        )
        return [
            User.groups.through.objects.get(user=person),
            User.user_permissions.through.objects.get(user=person),
            entry,
        ]


def _ways_in(person: User, family: str) -> list[Model]:
    """How a person proves who they are."""
    with identity_scope("test"):
        address, _ = EmailAddress.objects.get_or_create(user=person, email=f"{family}@home.example".lower())
        account = SocialAccount.objects.create(user=person, provider="oidc", uid=family)
        return [
            address,
            EmailConfirmation.objects.create(email_address=address, key=family),
            account,
            SocialToken.objects.create(account=account, token=family),
            Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={"name": family}),
        ]


def in_scope_of(person: Person, work: Callable[[], Any]) -> Any:
    """What the ORM answers to this person."""
    tenant = person.user.tenant
    assert tenant is not None
    with tenant_scope(tenant.pk, person.household_id):
        return work()
