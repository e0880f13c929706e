"""What people may do in the admin, by the kind of the tenant for whom they act and by their role there.

This table decides which models a person sees; row-level security decides which rows. Entries are `app.model`,
`app.*` for all models of an app, or `*`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tenants.models import Membership, Tenant


@dataclass(frozen=True, slots=True)
class Role:
    """Who may `edit` may also view. Who may `change` may edit, add and delete."""

    view: frozenset[str] = frozenset()
    edit: frozenset[str] = frozenset()
    change: frozenset[str] = frozenset()

    def entries(self) -> frozenset[str]:
        return self.view | self.edit | self.change

    def with_more(self, *, view: Iterable[str] = (), change: Iterable[str] = ()) -> Role:
        return Role(view=self.view.union(view), edit=self.edit, change=self.change.union(change))


_EVERYTHING = Role(change=frozenset({"*"}))

_PROVIDER = Role(
    view=frozenset({"devices.*", "telemetry.*", "cem_service.*", "feeds.*", "rm_adapters.*"}),
    change=frozenset(
        {
            "devices.site",
            "devices.device",
            "devices.node",
            "devices.link",
            "devices.supportgrant",
            "pairing.nodetoken",
            "pairing.dialledend",
            "cem_service.siteobjectives",
            "cem_service.tariff",
            "feeds.feed",
            "rm_adapters.vendoraccount",
            "rm_adapters.hostedrm",
            "tenants.household",
        }
    ),
)
# What is theirs: the rows are those of their household.
_RESIDENT = Role(
    view=frozenset(
        {
            "devices.site",
            "devices.device",
            "devices.node",
            "devices.link",
            "cem_service.planrun",
            "cem_service.forecastscore",
            "cem_service.instruction",
            "cem_service.gridlimit",
            "cem_service.abnormalcondition",
        }
    ),
    edit=frozenset({"cem_service.siteobjectives"}),
)
# Its types and nothing of the households that use them; under support, single devices without their names.
_MANUFACTURER = Role(view=frozenset({"portal.support"}), change=frozenset({"devices.devicetype"}))
# Pools of homes, never a home.
_AGGREGATOR = Role(view=frozenset({"flexibility.pool"}))


def _admin(member: Role) -> Role:
    """Does what members do, and looks after people, API clients and what the tenant uses of its quotas."""
    return member.with_more(
        view={"tenants.auditentry", "tenants.quota"},
        change={
            "tenants.membership",
            "tenants.apiclient",
            "tenants.apiclientsecret",
            "tenants.retention",
            "signin.invitation",
            "signin.identityprovider",
            "signin.signinpolicy",
        },
    )


_KINDS, _ROLES = Tenant.Kind, Membership.Role

ROLES: dict[tuple[str, str], Role] = {
    (_KINDS.OPERATOR, _ROLES.ADMIN): _EVERYTHING,
    (_KINDS.OPERATOR, _ROLES.MEMBER): _EVERYTHING,
    (_KINDS.PROVIDER, _ROLES.ADMIN): _admin(_PROVIDER),
    (_KINDS.PROVIDER, _ROLES.MEMBER): _PROVIDER,
    (_KINDS.PROVIDER, _ROLES.RESIDENT): _RESIDENT,
    (_KINDS.MANUFACTURER, _ROLES.ADMIN): _admin(_MANUFACTURER),
    (_KINDS.MANUFACTURER, _ROLES.MEMBER): _MANUFACTURER,
    (_KINDS.AGGREGATOR, _ROLES.ADMIN): _admin(_AGGREGATOR),
    (_KINDS.AGGREGATOR, _ROLES.MEMBER): _AGGREGATOR,
}

_NOBODY = Role()


def role_of(membership: Membership) -> Role:
    """Nothing at all for a combination that the table does not have."""
    return ROLES.get((membership.tenant.kind, membership.role), _NOBODY)


def allows(role: Role, permission: str) -> bool:
    """Whether a role has a Django permission such as `devices.view_site`."""
    app_label, _, codename = permission.partition(".")
    verb, _, model = codename.partition("_")
    wanted = {f"{app_label}.{model}", f"{app_label}.*", "*"}
    if "*" in role.change:
        return True
    verbs = {"view": role.entries(), "change": role.edit | role.change, "add": role.change, "delete": role.change}
    return bool(wanted & verbs.get(verb, frozenset()))


def allows_app(role: Role, app_label: str) -> bool:
    """Whether a role may do anything in this app."""
    return any(entry == "*" or entry.partition(".")[0] == app_label for entry in role.entries())
